//! A connection that is not who it must be serves nobody.

use db::{Identity, PoolSettings, Postgres, Role, exposures_of};
use diesel_async::SimpleAsyncConnection;
use kernel::{Fault, FaultKind};
use secrecy::{ExposeSecret, SecretString};
use testkit::{Database, Proxy, ProxyFault};
use uow::SystemUow;

/// Roles belong to the cluster, which other tests share: each test's are named after its database.
async fn made(db: &Database, suffix: &str, options: &str) -> (String, SecretString) {
    let name = format!("{}_{suffix}", db.query("select current_database()").await[0]);
    db.run_sql(&format!("create role {name} login {options}")).await;
    let url = db.app_url().await.expose_secret().replace("build14_app", &name);
    (name, url.into())
}

async fn gone(db: &Database, names: &[String]) {
    for name in names {
        db.run_sql(&format!("drop owned by {name}; drop role {name}")).await;
    }
}

async fn served(settings: PoolSettings) -> Result<(), Fault> {
    let door = SystemUow::new(Postgres::new(settings)?);
    door.read(async |tx| db::PgRead::pg(tx).batch_execute("select 1").await.map_err(db::fault_of)).await
}

async fn refused(settings: PoolSettings) -> String {
    let fault = served(settings).await.expect_err("refused");
    assert_eq!(*fault.kind(), FaultKind::Unavailable, "{fault}");
    fault.to_string()
}

#[tokio::test]
async fn the_serving_roles_serve() {
    let db = Database::fresh().await;
    served(PoolSettings::app(db.app_url().await)).await.expect("tenants' role");
    served(PoolSettings::system(db.system_url().await)).await.expect("the platform's role");
    for (url, role) in [(db.app_url().await, Role::App), (db.system_url().await, Role::System)] {
        let exposures = exposures_of(&url, Identity { role, login: true }).await.expect("answers");
        assert_eq!(exposures, Vec::<String>::new());
    }
}

#[tokio::test]
async fn every_connection_looks_at_temporary_tables_last() {
    let db = Database::fresh().await;
    for settings in [PoolSettings::app(db.app_url().await), PoolSettings::system(db.system_url().await)] {
        let door = SystemUow::new(Postgres::new(settings).expect("settings that hold"));
        let sql = "do $$ begin assert current_setting('search_path') = 'public, pg_temp'; end $$";
        door.read(async |tx| db::PgRead::pg(tx).batch_execute(sql).await.map_err(db::fault_of)).await.expect("is asserted");
    }
}

#[tokio::test]
async fn every_role_above_row_level_security_is_refused() {
    let db = Database::fresh().await;
    let (above, above_url) = made(&db, "above", "bypassrls in role build14_app").await;
    let (under, under_url) = made(&db, "under", &format!("in role build14_app, {above}")).await;
    let (owner, owner_url) = made(&db, "owner", "in role build14_app, build14_owner").await;
    let (table, table_url) = made(&db, "table", "in role build14_app").await;
    let (both, both_url) = made(&db, "both", "in role build14_app, build14_system").await;
    let (stranger, stranger_url) = made(&db, "stranger", "").await;
    let (fine, fine_url) = made(&db, "fine", "in role build14_app").await;
    db.run_sql(&format!("create table ours (); alter table ours owner to {table}")).await;
    let refusals = [
        (db.superuser_url().await, "postgres is a superuser"),
        (db.owner_url().await, "is build14_owner or a member of it"),
        (db.system_url().await, "is build14_system or a member of it"),
        (above_url, "has BYPASSRLS"),
        (under_url, "is a member of a role that is a superuser or has BYPASSRLS"),
        (owner_url, "is build14_owner or a member of it"),
        (table_url, "owns tables"),
        (both_url, "is build14_system or a member of it"),
        (stranger_url, "is neither build14_app nor a member of it"),
    ];
    for (url, said) in refusals {
        let text = refused(PoolSettings::app(url)).await;
        assert!(text.contains(said) && text.contains("BUILD14__DATABASE__URL"), "{said}: {text}");
    }
    served(PoolSettings::app(fine_url)).await.expect("a login of its own that has tenants' rights alone");
    for (url, said) in [(db.superuser_url().await, "is a superuser"), (db.app_url().await, "is neither build14_system")] {
        let text = refused(PoolSettings::system(url)).await;
        assert!(text.contains(said) && text.contains("BUILD14__DATABASE__SYSTEM_URL"), "{said}: {text}");
    }
    db.run_sql("drop table ours").await;
    gone(&db, &[under, above, owner, table, both, stranger, fine]).await;
}

#[tokio::test]
async fn tables_whose_policies_do_not_hold_are_named() {
    let db = Database::fresh().await;
    db.run_sql("alter table projects disable row level security").await;
    let exposures = db.postgres().exposures().await.expect("answers");
    assert_eq!(exposures, ["row-level security of the table projects is not active for build14_app"]);
    let exposures = exposures_of(&db.superuser_url().await, Identity::of(Role::App)).await.expect("answers");
    assert!(exposures.contains(&"postgres is a superuser".to_owned()), "{exposures:?}");
    assert!(exposures.iter().any(|found| found.contains("is not active for postgres")), "{exposures:?}");
    assert!(exposures.iter().any(|found| found.starts_with("nor is that of ")), "{exposures:?}");
}

#[tokio::test]
async fn a_pool_that_can_make_no_connection_for_its_role_says_which_exposure_it_would_be() {
    let db = Database::fresh().await;
    let pool = Postgres::new(PoolSettings::app(db.superuser_url().await)).expect("settings that hold");
    let exposures = pool.exposures().await.expect("the database answers");
    assert!(exposures.len() == 1 && exposures[0].contains("postgres is a superuser"), "{exposures:?}");
}

#[tokio::test]
async fn a_login_that_may_take_every_role_counts_where_it_is_asked_for() {
    let db = Database::fresh().await;
    let url: SecretString = format!("{}&options=-c%20role%3Dbuild14_app", db.superuser_url().await.expose_secret()).into();
    served(PoolSettings::app(url.clone())).await.expect("in development the login does not matter");
    let strict = PoolSettings { identity: Identity { role: Role::App, login: true }, ..PoolSettings::app(url) };
    assert!(refused(strict).await.contains("postgres is a superuser"));
}

#[tokio::test]
async fn a_pooler_that_drops_the_role_is_noticed_on_every_connection() {
    let db = Database::fresh().await;
    let url: SecretString = format!("{}&options=-c%20role%3Dbuild14_app", db.superuser_url().await.expose_secret()).into();
    let honest = Proxy::before(&url, ProxyFault::WithNotifications).await;
    served(PoolSettings::app(honest.url(&url))).await.expect("the role comes through");
    let pooler = Proxy::before(&url, ProxyFault::WithStartupOptions).await;
    let text = refused(PoolSettings::app(pooler.url(&url))).await;
    assert!(text.contains("postgres is a superuser") && text.contains("a pooler on the way may have dropped them"), "{text}");
}

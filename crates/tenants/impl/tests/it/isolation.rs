//! Row-level security of the tables, as the serving role.

use db::fault_of;
use db::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::SimpleAsyncConnection;
use kernel::{Ctx, Fault, OrgRole};

use crate::scenery::Scene;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

async fn count(scene: &Scene, ctx: &Ctx, sql: &str) -> i64 {
    let sql = format!("select count(*) as n from ({sql}) rows");
    let row: Result<Count, Fault> =
        scene.db.uow().read(ctx, async |tx| diesel::sql_query(sql).get_result(&mut tx.pg()).await.fault()).await;
    row.unwrap().n
}

async fn attempt(scene: &Scene, ctx: &Ctx, sql: &str) -> Result<(), Fault> {
    scene.db.uow().write(ctx, async |tx| tx.pg().batch_execute(sql).await.map_err(fault_of)).await
}

#[tokio::test]
async fn a_tenant_sees_itself_and_its_members() {
    let scene = Scene::new().await;
    let (ours, theirs) = (scene.db.party("Ours").await, scene.db.party("Theirs").await);
    let member = scene.db.person(ours.org, OrgRole::Member).await;
    // A person of both organisations: neither learns of the other through them.
    scene.db.run_sql(&format!("insert into memberships values ('{}', '{}', 'member')", theirs.org, member.user)).await;
    for ctx in [ours.ctx(), member.ctx()] {
        assert_eq!(count(&scene, &ctx, "select 1 from organizations").await, 1);
        assert_eq!(count(&scene, &ctx, "select 1 from memberships").await, 2);
        assert_eq!(count(&scene, &ctx, "select 1 from users").await, 2);
    }
    assert_eq!(count(&scene, &theirs.ctx(), "select 1 from users").await, 2);
}

#[tokio::test]
async fn a_tenant_writes_nothing_of_another() {
    let scene = Scene::new().await;
    let (ours, theirs) = (scene.db.party("Ours").await, scene.db.party("Theirs").await);
    for sql in [
        format!("insert into memberships values ('{}', '{}', 'owner')", theirs.org, ours.user),
        format!("insert into organizations (org_id, name, slug) values ('{}', 'x', 'x')", kernel::OrgId::new()),
        format!("update memberships set org_id = '{}'", theirs.org),
        "delete from organizations".to_owned(),
        "insert into users (id, email, email_key, name) values (gen_random_uuid(), 'x@x.xx', 'x@x.xx', 'x')".to_owned(),
        format!(
            "insert into approvals values ('{}', gen_random_uuid(), 'a', gen_random_uuid(), '', 1, 'EUR', gen_random_uuid())",
            theirs.org
        ),
        "delete from users".to_owned(),
        "update organizations set slug = 'other'".to_owned(),
        "update users set id = gen_random_uuid()".to_owned(),
    ] {
        assert!(attempt(&scene, &ours.ctx(), &sql).await.is_err(), "{sql}");
    }
    for sql in ["update organizations set name = 'X'", "update users set name = 'X'", "update memberships set role = 'owner'"] {
        attempt(&scene, &ours.ctx(), sql).await.unwrap();
    }
    let untouched = format!(
        "select (select name from organizations where org_id = '{0}') || (select name from users where id = '{1}')",
        theirs.org, theirs.user
    );
    assert_eq!(scene.db.query(&untouched).await, ["TheirsTest Person"]);
}

#[tokio::test]
async fn passwords_and_sessions_are_closed_to_the_serving_role() {
    let scene = Scene::new().await;
    let ours = scene.db.party("Ours").await;
    for sql in ["select from credentials", "select from sessions", "delete from sessions", "update sessions set ended_at = null"]
    {
        assert!(attempt(&scene, &ours.ctx(), sql).await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn outside_of_a_tenant_nothing_is_there() {
    let scene = Scene::new().await;
    scene.db.party("Ours").await;
    let url = scene.db.app_url().await;
    let raw = db::Postgres::new(db::PoolSettings::app(url)).unwrap();
    // The serving role through the platform's door: a transaction without a tenant.
    let nobody = uow::SystemUow::new(raw);
    for table in ["organizations", "memberships", "users", "approvals"] {
        let sql = format!("select count(*) as n from {table}");
        let row: Result<Count, Fault> =
            nobody.read(async |tx| diesel::sql_query(sql).get_result(&mut tx.pg()).await.fault()).await;
        assert_eq!(row.unwrap().n, 0, "{table}");
    }
}

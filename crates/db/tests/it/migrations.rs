//! Migrations can be taken back, and leave the same schema when they are applied again.

use std::time::Duration;

use db::{MigrateError, Patience};
use secrecy::ExposeSecret;
use testkit::{Database, until};
use tokio_postgres::NoTls;

/// Everything of the schema that a migration can make: columns, constraints, indexes, policies, functions, triggers, grants.
const CATALOGUE: &str = "
    select line from (
        select format('column %s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) as line
            from information_schema.columns where table_schema in ('public', 'app')
        union all select format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
            from pg_constraint where connamespace in ('public'::regnamespace, to_regnamespace('app'))
        union all select indexdef from pg_indexes where schemaname in ('public', 'app')
        union all select format('policy %s %s %s %s %s %s', tablename, policyname, cmd, roles, qual, with_check) from pg_policies where schemaname in ('public', 'app')
        union all select format('function %s owner %s acl %s', pg_get_functiondef(oid), proowner::regrole, proacl)
            from pg_proc where pronamespace in ('public'::regnamespace, to_regnamespace('app')) and prokind in ('f', 'p')
        union all select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal and tgrelid::regclass::text not like 'graphile%'
        union all select format('table %s rls %s force %s acl %s', oid::regclass, relrowsecurity, relforcerowsecurity, relacl)
            from pg_class where relnamespace in ('public'::regnamespace, to_regnamespace('app')) and relkind in ('r', 'v', 'S')
    ) as lines order by 1";

#[tokio::test]
async fn up_down_up_leaves_the_same_schema() {
    let db = Database::fresh().await;
    let before = db.query(CATALOGUE).await;
    assert!(before.len() > 50, "the catalogue is looked at");
    let owner = db.owner_url().await;
    db::revert_all(&owner).await.unwrap_or_else(|error| panic!("{error}"));
    let left = db.query(CATALOGUE).await;
    let left: Vec<_> = left.iter().filter(|line| !line.contains("__diesel_schema_migrations")).collect();
    assert_eq!(left, Vec::<&String>::new(), "taking every migration back leaves nothing");
    db::migrate(&owner).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(db.query(CATALOGUE).await, before);
}

#[tokio::test]
async fn a_current_schema_has_nothing_pending_and_two_migrators_do_not_clash() {
    let db = Database::fresh().await;
    let state = db::schema_state(&db.app_url().await).await.expect("readable by the serving role");
    assert_eq!((state.pending, state.unknown), (vec![], vec![]));
    let owner = db.owner_url().await;
    db::revert_all(&owner).await.expect("reverts");
    assert!(!db::schema_state(&db.owner_url().await).await.expect("reads").pending.is_empty());
    let (one, two) = tokio::join!(db::migrate(&owner), db::migrate(&owner));
    let applied = one.expect("migrates").len() + two.expect("migrates").len();
    let there = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations")).expect("lists");
    assert_eq!(applied, there.filter(|entry| entry.as_ref().expect("an entry").path().is_dir()).count());
}

#[tokio::test]
async fn the_owner_migrates_what_a_superuser_has_prepared() {
    let db = Database::fresh().await;
    let owner = db.owner_url().await;
    db::revert_all(&owner).await.expect("reverts");
    db::bootstrap(&owner).await.expect("everything is there: nothing to do");
    assert!(!db::migrate(&owner).await.expect("migrates").is_empty());
}

#[tokio::test]
async fn an_owner_without_its_rights_is_told_who_can_give_them() {
    let db = Database::fresh().await;
    db.run_sql(
        "do $$ begin execute format('alter database %I owner to postgres', current_database()); end $$;
         revoke create on schema public from build14_owner",
    )
    .await;
    let error = db::bootstrap(&db.owner_url().await).await.expect_err("it may not create");
    assert!(error.to_string().contains("build14_owner's rights in this database, are missing"), "{error}");
}

/// Somebody who reads the table of migrations for long: nobody can write to it meanwhile.
async fn long_reader(db: &Database) -> tokio_postgres::Client {
    let url = db.owner_url().await;
    let (client, connection) = tokio_postgres::connect(url.expose_secret(), NoTls).await.expect("connects");
    tokio::spawn(connection);
    client.batch_execute("begin; lock table __diesel_schema_migrations in share mode").await.expect("locks");
    client
}

#[tokio::test]
async fn a_migration_that_waits_for_a_lock_gives_up_and_names_who_holds_it() {
    let db = Database::fresh().await;
    let owner = db.owner_url().await;
    db::revert_all(&owner).await.expect("reverts");
    let reader = long_reader(&db).await;
    let patience = Patience { lock_timeout: Duration::from_millis(500), attempts: 2, pause: Duration::from_millis(1) };
    let error = db::migrate_with(&owner, patience).await.expect_err("the lock is not to be had");
    let MigrateError::Waited { what, blockers, .. } = &error else { panic!("{error}") };
    assert!(what.contains("platform_foundation"), "{error}");
    assert!(blockers.contains("RowExclusiveLock on __diesel_schema_migrations waits for process"), "{error}");
    assert!(blockers.contains("lock table __diesel_schema_migrations in share mode"), "{error}");
    reader.batch_execute("rollback").await.expect("ends");
    assert_eq!(db.query("select to_regnamespace('app') is null").await, ["t"], "nothing is left behind");
}

#[tokio::test]
async fn a_migration_waits_for_locks_in_short_turns_until_they_are_free() {
    let db = Database::fresh().await;
    let owner = db.owner_url().await;
    db::revert_all(&owner).await.expect("reverts");
    let reader = long_reader(&db).await;
    let patience = Patience { lock_timeout: Duration::from_millis(20), attempts: 10_000, pause: Duration::from_millis(20) };
    let url = owner.clone();
    let migrating = tokio::spawn(async move { db::migrate_with(&url, patience).await });
    // Its transaction, and so what it waits for, is another one each time.
    let waiting = "select coalesce(max(virtualtransaction), '') from pg_locks where not granted and relation = '__diesel_schema_migrations'::regclass";
    let mut turns = std::collections::BTreeSet::new();
    until("it has waited three times", async || {
        turns.extend(db.query(waiting).await.into_iter().filter(|turn| !turn.is_empty()));
        (turns.len() >= 3).then_some(())
    })
    .await;
    assert!(!migrating.is_finished());
    reader.batch_execute("rollback").await.expect("ends");
    assert!(!migrating.await.expect("runs").expect("migrates").is_empty());
}

#[tokio::test]
async fn what_somebody_else_would_own_is_not_made() {
    let db = Database::fresh().await;
    let error = db::migrate(&db.superuser_url().await).await.expect_err("refused");
    assert!(matches!(&error, MigrateError::NotTheOwner(name) if name == "postgres"), "{error}");
}

#[tokio::test]
async fn whoever_serves_makes_no_tables_in_a_database_that_was_prepared() {
    let db = Database::fresh().await;
    let name = db.query("select current_database()").await.remove(0);
    let bare = format!("{name}_bare");
    db.run_sql(&format!("create database {bare} template template0")).await;
    let url: secrecy::SecretString = db.superuser_url().await.expose_secret().replace(&name, &bare).into();
    let may = async || {
        let (client, connection) = tokio_postgres::connect(url.expose_secret(), NoTls).await.expect("connects");
        let driven = tokio::spawn(connection);
        let asked = "select string_agg(concat_ws(' ', role, has_database_privilege(role, current_database(), 'temporary'),
            has_database_privilege(role, current_database(), 'create'), has_schema_privilege(role, 'public', 'create')), ', ' order by role)
            from unnest(array['build14_app', 'build14_owner', 'build14_system']) role";
        let told: String = client.query_one(asked, &[]).await.expect("tells").get(0);
        drop(client);
        driven.await.expect("ends").expect("ends well");
        told
    };
    // As a database of before PostgreSQL 15 comes out of a backup, and then some.
    let (client, connection) = tokio_postgres::connect(url.expose_secret(), NoTls).await.expect("connects");
    let driven = tokio::spawn(connection);
    let open =
        format!("grant create on schema public to public, build14_app; grant create, temporary on database {bare} to public");
    client.batch_execute(&open).await.expect("opens it");
    drop(client);
    driven.await.expect("ends").expect("ends well");
    assert_eq!(may().await, "build14_app t t t, build14_owner t t t, build14_system t t t");
    for _ in 0..2 {
        db::bootstrap(&url).await.expect("prepares it");
        assert_eq!(may().await, "build14_app f f f, build14_owner t t t, build14_system f f f");
    }
    db.run_sql(&format!("drop database {bare} with (force)")).await;
}

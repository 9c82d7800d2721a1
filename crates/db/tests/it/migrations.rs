//! Migrations can be taken back, and leave the same schema when they are applied again.

use testkit::Database;

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
    assert_eq!(applied, std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations")).expect("lists").count());
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

//! Row-level security bites without the application (docs/QUALITY.md): looked up in the catalogue, table by table.

use testkit::Database;

/// Tables that no role of ours may be refused: the migrator's own.
const NOT_OURS: &str = "c.relname <> '__diesel_schema_migrations'";

#[tokio::test]
async fn every_table_forces_row_level_security() {
    let db = Database::fresh().await;
    let open = db
        .query(&format!(
            "select c.oid::regclass from pg_class c where c.relkind in ('r', 'p') and {NOT_OURS}
             and c.relnamespace in ('public'::regnamespace, 'app'::regnamespace) and not (c.relrowsecurity and c.relforcerowsecurity) order by 1"
        ))
        .await;
    assert_eq!(open, [] as [&str; 0], "`call app.protect('…')` in the migration that makes the table");
    let count = db.query("select count(*) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace").await;
    assert!(count[0].parse::<u32>().expect("a number") > 20, "the tables are there: {count:?}");
}

#[tokio::test]
async fn every_granted_command_has_a_policy() {
    let db = Database::fresh().await;
    let uncovered = db
        .query(&format!(
            "select format('%s may %s on %s without a policy', role, command, c.oid::regclass)
             from pg_class c, unnest(array['build14_app', 'build14_system']) role, unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) command
             where c.relkind in ('r', 'p') and {NOT_OURS} and c.relnamespace in ('public'::regnamespace, 'app'::regnamespace)
               and has_table_privilege(role, c.oid, command)
               and not exists (
                   select from pg_policy p where p.polrelid = c.oid
                   and (p.polcmd = '*' or p.polcmd = case command when 'SELECT' then 'r' when 'INSERT' then 'a' when 'UPDATE' then 'w' else 'd' end)
                   and (p.polroles = '{{0}}' or role::regrole::oid = any (p.polroles)))
             order by 1"
        ))
        .await;
    assert_eq!(uncovered, [] as [&str; 0]);
}

#[tokio::test]
async fn the_serving_role_is_an_ordinary_one() {
    let db = Database::fresh().await;
    let above = db
        .query(
            "select rolname from pg_roles where rolname in ('build14_app', 'build14_system')
             and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)
             union all select 'build14_app owns ' || oid::regclass from pg_class where relowner = 'build14_app'::regrole
             union all select 'build14_app is a member of ' || r from unnest(array['build14_owner', 'build14_system']) r where pg_has_role('build14_app', r, 'member')
             union all select 'build14_app may truncate ' || oid::regclass from pg_class where relkind = 'r' and has_table_privilege('build14_app', oid, 'TRUNCATE')
             union all select 'build14_app may create in ' || nspname from pg_namespace where nspname in ('public', 'app') and has_schema_privilege('build14_app', oid, 'CREATE')
             union all select 'build14_app may make temporary tables' where has_database_privilege('build14_app', current_database(), 'TEMPORARY')",
        )
        .await;
    assert_eq!(above, [] as [&str; 0]);
}

#[tokio::test]
async fn definer_functions_pin_their_search_path_and_are_not_public() {
    let db = Database::fresh().await;
    let loose = db
        .query(
            "select p.oid::regprocedure from pg_proc p where p.prosecdef and p.pronamespace in ('public'::regnamespace, 'app'::regnamespace)
             and (p.proowner <> 'build14_system'::regrole
                  or not exists (select from unnest(p.proconfig) setting where setting like 'search_path=%pg_temp')
                  or exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0)) order by 1",
        )
        .await;
    assert_eq!(loose, [] as [&str; 0]);
}

#[tokio::test]
async fn no_function_looks_at_temporary_tables_before_ours() {
    let db = Database::fresh().await;
    // Those of SQL are inlined into policies, for which they may have no setting: none of them reads a table.
    let loose = db
        .query(
            "select p.oid::regprocedure from pg_proc p join pg_language l on l.oid = p.prolang
             where p.pronamespace in ('public'::regnamespace, 'app'::regnamespace) and p.prokind = 'f'
               and (l.lanname <> 'sql' or p.prosrc ~* '\\mfrom\\M')
               and not exists (select from unnest(p.proconfig) setting where setting like 'search_path=%pg_temp') order by 1",
        )
        .await;
    assert_eq!(loose, [] as [&str; 0]);
}

#[tokio::test]
async fn tenant_tables_are_keyed_and_referenced_by_their_tenant() {
    let db = Database::fresh().await;
    let loose_keys = db
        .query(
            "select format('%s: %s', conrelid::regclass, pg_get_constraintdef(oid)) from pg_constraint k
             where connamespace = 'public'::regnamespace and contype in ('p', 'u', 'f')
               and exists (select from pg_attribute a where a.attrelid = k.conrelid and a.attname = 'org_id')
               and not exists (select from pg_attribute a where a.attrelid = k.conrelid and a.attname = 'org_id' and a.attnum = any (k.conkey))
               and pg_get_constraintdef(oid) not like 'FOREIGN KEY (user_id) REFERENCES users%' order by 1",
        )
        .await;
    insta::assert_snapshot!("keys_without_org_id", loose_keys.join("\n"));
}

#[tokio::test]
async fn without_a_tenant_every_table_reads_empty_or_errors() {
    let db = Database::fresh().await;
    db.party("Acme").await;
    let tables = db
        .query(&format!(
            "select c.oid::regclass from pg_class c where c.relkind in ('r', 'p') and {NOT_OURS}
             and c.relnamespace = 'public'::regnamespace and has_table_privilege('build14_app', c.oid, 'SELECT') order by 1"
        ))
        .await;
    for table in tables {
        let counted = db.query(&format!("set role build14_app; select count(*) from {table}")).await;
        assert_eq!(counted, ["0"], "{table} shows rows without a tenant");
    }
}

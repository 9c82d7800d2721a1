//! Migrations: one linear history, embedded, run by the owner role under an advisory lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::connection::InstrumentationEvent;
use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::result::DatabaseErrorKind;
use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use kernel::Fault;
use secrecy::SecretString;
use uow::SystemUow;

use crate::connect::{Driver, establish};
use crate::patience::{Patience, Watchman};
use crate::{DbResult, PgRead};

/// Every migration, as `<timestamp>_<domain>_<what>`.
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// The advisory lock that keeps two migrators apart ("14Build" in ASCII).
const LOCK: i64 = 0x0031_3442_7569_6c64;

/// Why migrating failed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database cannot be reached.
    #[error("migrating needs a connection: {0}")]
    Connect(#[from] diesel::ConnectionError),
    /// A statement failed.
    #[error("cannot migrate: {0}")]
    Statement(#[from] diesel::result::Error),
    /// A migration failed.
    #[error("a migration failed: {0}")]
    Migration(String),
    /// Whoever it is would own what is made.
    #[error(
        "migrations must run as build14_owner, and this connection is {0}: give BUILD14__DATABASE__OWNER_URL a URL of that role, or of a \
         superuser on a way that no pooler drops start-up options from (docs/OPERATIONS.md)"
    )]
    NotTheOwner(String),
    /// A lock was not to be had.
    #[error(
        "{what} waited for a lock again and again, and left nothing behind ({error}): {blockers}. Let that transaction end, or end it \
         (select pg_terminate_backend(…)), then run `build14 migrate` again"
    )]
    Waited {
        /// What waited.
        what: String,
        /// What the server said in the end.
        error: String,
        /// Who held it.
        blockers: String,
    },
}

/// How the schema of a database stands to this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaState {
    /// Migrations that this program has and the database lacks.
    pub pending: Vec<String>,
    /// Migrations that the database has and this program does not know: it is older than the schema.
    pub unknown: Vec<String>,
}

/// Makes the three roles, if they are not there, and lets them into the database. Needs a role that may create roles; harmless to repeat.
/// As `build14_owner` itself, which may not, it only looks whether everything is there.
///
/// # Errors
/// If the database cannot be reached or the role may not do it.
pub async fn bootstrap(admin_url: &SecretString) -> Result<(), MigrateError> {
    let (mut connection, _driver) = establish(admin_url).await?;
    connection
        .batch_execute(&format!(
            "set lock_timeout = '60s';
             select pg_advisory_lock({LOCK});
             do $$
             declare
                 name text;
             begin
                 if current_user = 'build14_owner' then
                     if to_regrole('build14_app') is null or to_regrole('build14_system') is null
                        or not pg_has_role('build14_owner', to_regrole('build14_app'), 'member')
                        or not pg_has_role('build14_owner', to_regrole('build14_system'), 'member')
                        or not has_database_privilege(current_database(), 'create')
                        or not has_schema_privilege('public', 'create') then
                         raise exception 'the roles build14_app and build14_system, or build14_owner''s rights in this database, are missing'
                             using hint = 'run `build14 migrate` once with the URL of a superuser';
                     end if;
                     return;
                 end if;
                 foreach name in array array['build14_owner', 'build14_app', 'build14_system'] loop
                     if not exists (select from pg_roles where rolname = name) then
                         execute format('create role %I login', name);
                     end if;
                 end loop;
                 if not pg_has_role('build14_owner', 'build14_app', 'member')
                    or not pg_has_role('build14_owner', 'build14_system', 'member') then
                     grant build14_app, build14_system to build14_owner;
                 end if;
                 if not (select rolsuper from pg_roles where rolname = current_user) then
                     execute format('grant build14_owner, build14_app, build14_system to %I', current_user);
                 end if;
                 execute format('grant create, connect, temporary on database %I to build14_owner', current_database());
                 execute format('grant connect on database %I to build14_app, build14_system', current_database());
                 -- A temporary table stands before ours of the same name, for whoever has the connection next; so does one in a schema that comes
                 -- first. A database from before PostgreSQL 15 lets everybody make tables in `public`.
                 execute format('revoke temporary, create on database %I from public, build14_app, build14_system', current_database());
                 revoke create on schema public from public, build14_app, build14_system;
                 grant usage, create on schema public to build14_owner;
                 {CLOSE_THE_CATALOGUE}
             end $$;
             select pg_advisory_unlock({LOCK});"
        ))
        .await?;
    warn_of_an_open_catalogue(&mut connection).await
}

/// What counts rows or transactions, shows other sessions and their locks or ends them, keeps objects outside of row-level security, or changes a
/// setting inside of an expression: on tables whose rows are hidden from a tenant the first tell how many there are, or who is at work; all tenants
/// share one role, which may end its own sessions; and the last lets an expression become another tenant (decision 29). The statistics views need
/// some of these functions, so they close with them. Only a superuser may take from everybody what PostgreSQL grants them.
const CLOSE_THE_CATALOGUE: &str = r"
                 if (select rolsuper from pg_roles where rolname = current_user) then
                     for name in
                         select p.oid::regprocedure::text from pg_proc p
                         where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f'
                           and (p.proname ~ '^pg_stat_get_|^pg_(try_)?advisory_|_blocking_pids$|^lo_|^(txid|pg_current)_|^pg_(terminate|cancel)_backend$'
                                or p.proname in ('set_config', 'pg_lock_status', 'pg_relation_size', 'pg_table_size', 'pg_indexes_size',
                                    'pg_total_relation_size', 'pg_get_multixact_members', 'pg_xact_status', 'pg_export_snapshot',
                                    'pg_notification_queue_usage', 'loread', 'lowrite'))
                           and has_function_privilege('build14_app', p.oid, 'execute')
                     loop
                         execute format('revoke execute on function %s from public', name);
                         execute format('grant execute on function %s to build14_owner, build14_system, pg_monitor', name);
                     end loop;
                 end if;";

async fn warn_of_an_open_catalogue(connection: &mut AsyncPgConnection) -> Result<(), MigrateError> {
    #[derive(diesel::QueryableByName)]
    struct Open {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        open: bool,
    }
    let sql = "select has_function_privilege('build14_app', 'pg_stat_get_live_tuples(oid)', 'execute')
                   or has_database_privilege('build14_app', current_database(), 'temporary')
                   or has_schema_privilege('build14_app', 'public', 'create') as open";
    let Open { open } = diesel::sql_query(sql).get_result(connection).await?;
    if open {
        tracing::warn!(
            "build14_app may read PostgreSQL's statistics, in which the rows of all tenants count, or make tables, which stand before \
             ours: run `build14 migrate` once with the URL of a superuser"
        );
    }
    Ok(())
}

/// Applies what is pending, as the owner role.
///
/// # Errors
/// If the database cannot be reached, the role is another, or a migration fails; that migration leaves nothing behind.
pub async fn migrate(owner_url: &SecretString) -> Result<Vec<String>, MigrateError> {
    migrate_with(owner_url, Patience::default()).await
}

/// As [`migrate`], waiting for locks as long as this.
///
/// # Errors
/// As [`migrate`].
pub async fn migrate_with(owner_url: &SecretString, patience: Patience) -> Result<Vec<String>, MigrateError> {
    let (applied, mut locked) = with_harness(owner_url, patience, move |harness, guard| {
        let list = "the list of migrations";
        let pending = patiently(patience, list, harness, guard, |harness| harness.pending_migrations(MIGRATIONS))?;
        let mut applied = Vec::new();
        for migration in pending {
            let name = migration.name().to_string();
            let version = patiently(patience, &name, harness, guard, |harness| harness.run_migration(&*migration))?;
            applied.push(version.to_string());
        }
        Ok(applied)
    })
    .await?;
    // The server compares versions at start (`schema_state`), as the serving role. Under the lock too: two grants at once fail.
    locked.connection.batch_execute("grant select on public.__diesel_schema_migrations to build14_app, build14_system").await?;
    Ok(applied)
}

/// Takes every migration back: for the test that each can be.
///
/// # Errors
/// As [`migrate`].
pub async fn revert_all(owner_url: &SecretString) -> Result<(), MigrateError> {
    with_harness(owner_url, Patience::default(), |harness, _| {
        harness.revert_all_migrations(MIGRATIONS).map_err(|e| MigrateError::Migration(e.to_string()))?;
        Ok(())
    })
    .await?;
    Ok(())
}

/// What is known of statements that failed.
struct Guard {
    transient: Arc<AtomicBool>,
    watchman: Watchman,
}

/// A connection that still holds the migrators' lock.
struct Locked {
    connection: AsyncPgConnection,
    _driver: Driver,
}

async fn with_harness<T: Send + 'static>(
    owner_url: &SecretString,
    patience: Patience,
    work: impl FnOnce(&mut AsyncMigrationHarness<AsyncPgConnection>, &Guard) -> Result<T, MigrateError> + Send + 'static,
) -> Result<(T, Locked), MigrateError> {
    let (mut connection, driver) = establish(owner_url).await?;
    refuse_others_than_the_owner(&mut connection).await?;
    // For the lock among migrators alone it waits as long as another one may take.
    let others = patience.attempts * (patience.lock_timeout + patience.pause);
    let lock = format!("set lock_timeout = {}; select pg_advisory_lock({LOCK}); {}", others.as_millis().max(1), patience.set());
    let watchman = Watchman::over(&mut connection, owner_url, patience).await?;
    if let Err(error) = connection.batch_execute(&lock).await {
        return Err(waited(error, "the other migrators", &watchman.seen()));
    }
    let guard = Guard { transient: watch(&mut connection), watchman };
    // The harness drives the connection synchronously: on a thread of its own, so that any runtime will do.
    tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        let done = work(&mut harness, &guard)?;
        Ok((done, Locked { connection: harness.into_inner(), _driver: driver }))
    })
    .await
    .map_err(|e| MigrateError::Migration(e.to_string()))?
}

/// What is made belongs to whoever makes it: to nobody but the owner.
async fn refuse_others_than_the_owner(connection: &mut AsyncPgConnection) -> Result<(), MigrateError> {
    #[derive(diesel::QueryableByName)]
    struct CurrentUserRow {
        #[diesel(sql_type = diesel::sql_types::Text)]
        name: String,
    }
    let us: CurrentUserRow = diesel::sql_query("select current_user::text as name").get_result(connection).await?;
    if us.name == "build14_owner" { Ok(()) } else { Err(MigrateError::NotTheOwner(us.name)) }
}

/// Runs a migration again while it is locks that it fails for.
fn patiently<T>(
    patience: Patience,
    name: &str,
    harness: &mut AsyncMigrationHarness<AsyncPgConnection>,
    guard: &Guard,
    mut run: impl FnMut(&mut AsyncMigrationHarness<AsyncPgConnection>) -> diesel::migration::Result<T>,
) -> Result<T, MigrateError> {
    let mut attempt = 1;
    loop {
        guard.transient.store(false, Ordering::Relaxed);
        let error = match run(harness) {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let blockers = guard.watchman.seen();
        if !AtomicBool::load(&guard.transient, Ordering::Relaxed) {
            return Err(MigrateError::Migration(error.to_string()));
        }
        if attempt >= patience.attempts {
            return Err(waited(error, name, &blockers));
        }
        tracing::warn!(
            migration = name,
            attempt,
            of = patience.attempts,
            ?blockers,
            "the migration waits for a lock; trying again"
        );
        attempt += 1;
        std::thread::sleep(patience.pause);
    }
}

/// Remembers whether a statement failed for a lock that was not granted, a deadlock or a cut connection: the harness tells an error's text
/// alone.
fn watch(connection: &mut AsyncPgConnection) -> Arc<AtomicBool> {
    let transient = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&transient);
    connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::FinishQuery { error: Some(error), .. } = event
            && matches!(error, diesel::result::Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _))
        {
            tell.store(true, Ordering::Relaxed);
        }
    });
    transient
}

fn waited(error: impl std::fmt::Display, for_what: &str, blockers: &[String]) -> MigrateError {
    let blockers = if blockers.is_empty() { "nobody could be seen holding it".to_owned() } else { blockers.join("; ") };
    MigrateError::Waited { what: for_what.to_owned(), error: error.to_string(), blockers }
}

#[derive(diesel::QueryableByName)]
struct Applied {
    #[diesel(sql_type = diesel::sql_types::Text)]
    version: String,
}

const APPLIED: &str = "select version::text from public.__diesel_schema_migrations order by version";

/// Whether anything was ever migrated.
async fn begun(connection: &mut AsyncPgConnection) -> diesel::QueryResult<bool> {
    #[derive(diesel::QueryableByName)]
    struct Begun {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        begun: bool,
    }
    let sql = "select to_regclass('public.__diesel_schema_migrations') is not null as begun";
    diesel::sql_query(sql).get_result::<Begun>(connection).await.map(|row| row.begun)
}

/// Compares the database's schema with this program's migrations.
///
/// # Errors
/// If the database cannot be reached.
pub async fn schema_state(url: &SecretString) -> Result<SchemaState, MigrateError> {
    let (mut connection, _driver) = establish(url).await?;
    let there: Vec<Applied> = match begun(&mut connection).await? {
        true => diesel::sql_query(APPLIED).load(&mut connection).await?,
        false => Vec::new(),
    };
    compare(there).map_err(MigrateError::Migration)
}

/// The migrations that this program has and the platform's database lacks.
///
/// # Errors
/// A fault of the database, also if nothing was ever migrated.
pub async fn pending_migrations(system: &SystemUow) -> Result<Vec<String>, Fault> {
    let there = system.read(async |tx| diesel::sql_query(APPLIED).load(&mut tx.pg()).await.fault()).await?;
    Ok(compare(there).map_err(Fault::internal)?.pending)
}

fn compare(there: Vec<Applied>) -> Result<SchemaState, String> {
    let ours: Vec<(String, String)> = MigrationSource::<Pg>::migrations(&MIGRATIONS)
        .map_err(|e| e.to_string())?
        .iter()
        .map(|m| (m.name().version().to_string(), m.name().to_string()))
        .collect();
    Ok(SchemaState {
        pending: ours.iter().filter(|(v, _)| !there.iter().any(|row| row.version == *v)).map(|(_, name)| name.clone()).collect(),
        unknown: there.into_iter().map(|row| row.version).filter(|v| !ours.iter().any(|(known, _)| known == v)).collect(),
    })
}

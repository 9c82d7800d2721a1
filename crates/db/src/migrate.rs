//! Migrations: one linear history, embedded, run by the owner role under an advisory lock.

use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use kernel::Fault;
use secrecy::SecretString;
use uow::SystemUow;

use crate::connect::establish;
use crate::{DbResult, PgRead};

/// Every migration, as `<timestamp>_<domain>_<what>`.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// The advisory lock that keeps two migrators apart ("14Build" in ASCII).
const LOCK: i64 = 0x0031_3442_7569_6c64;

/// Why migrating failed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database cannot be reached.
    #[error("cannot connect to migrate: {0}")]
    Connect(#[from] diesel::ConnectionError),
    /// A statement failed.
    #[error("cannot migrate: {0}")]
    Statement(#[from] diesel::result::Error),
    /// A migration failed.
    #[error("a migration failed: {0}")]
    Migration(String),
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
    let mut connection = establish(admin_url).await?;
    connection
        .batch_execute(&format!(
            "select pg_advisory_lock({LOCK});
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
                 grant usage, create on schema public to build14_owner;
             end $$;
             select pg_advisory_unlock({LOCK});"
        ))
        .await?;
    Ok(())
}

/// Applies what is pending, as the owner role.
///
/// # Errors
/// If the database cannot be reached or a migration fails; that migration leaves nothing behind.
pub async fn migrate(owner_url: &SecretString) -> Result<Vec<String>, MigrateError> {
    let (applied, mut locked) = with_harness(owner_url, |harness| {
        let applied = harness.run_pending_migrations(MIGRATIONS).map_err(|e| MigrateError::Migration(e.to_string()))?;
        Ok(applied.iter().map(ToString::to_string).collect())
    })
    .await?;
    // The server compares versions at start (`schema_state`), as the serving role. Under the lock too: two grants at once fail.
    locked.batch_execute("grant select on public.__diesel_schema_migrations to build14_app, build14_system").await?;
    Ok(applied)
}

/// Takes every migration back: for the test that each can be.
///
/// # Errors
/// As [`migrate`].
pub async fn revert_all(owner_url: &SecretString) -> Result<(), MigrateError> {
    with_harness(owner_url, |harness| {
        harness.revert_all_migrations(MIGRATIONS).map_err(|e| MigrateError::Migration(e.to_string()))?;
        Ok(())
    })
    .await?;
    Ok(())
}

/// The connection that it gives back still holds the lock.
async fn with_harness<T: Send + 'static>(
    owner_url: &SecretString,
    work: impl FnOnce(&mut AsyncMigrationHarness<AsyncPgConnection>) -> Result<T, MigrateError> + Send + 'static,
) -> Result<(T, AsyncPgConnection), MigrateError> {
    let mut connection = establish(owner_url).await?;
    connection.batch_execute(&format!("select pg_advisory_lock({LOCK})")).await?;
    // The harness drives the connection synchronously: on a thread of its own, so that any runtime will do.
    tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        let done = work(&mut harness)?;
        Ok((done, harness.into_inner()))
    })
    .await
    .map_err(|e| MigrateError::Migration(e.to_string()))?
}

#[derive(diesel::QueryableByName)]
struct Applied {
    #[diesel(sql_type = diesel::sql_types::Text)]
    version: String,
}

const APPLIED: &str = "select version::text from public.__diesel_schema_migrations order by version";

/// Compares the database's schema with this program's migrations.
///
/// # Errors
/// If the database cannot be reached.
pub async fn schema_state(url: &SecretString) -> Result<SchemaState, MigrateError> {
    let mut connection = establish(url).await?;
    let there: Vec<Applied> = diesel::sql_query(APPLIED)
        .load(&mut connection)
        .await
        .or_else(|error| if error.to_string().contains("does not exist") { Ok(Vec::new()) } else { Err(error) })?;
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

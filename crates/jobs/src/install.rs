//! The queue's own schema: made by the owner role, used by the platform's role.

use std::time::Duration;

use futures::StreamExt;
use graphile_worker_migrations::migrate;
use secrecy::SecretString;

use crate::Error;
use crate::queue::{SCHEMA, database};

/// The advisory lock that keeps two installers apart ("14Jobs" in ASCII).
const LOCK: i64 = 0x3134_4a6f_6273;

const BRIEFLY: &str = "set lock_timeout = '2s'";
const ATTEMPTS: u32 = 15;
const PAUSE: Duration = Duration::from_secs(3);

/// The queue enables row-level security without a policy: what the owner made, the platform's role would see empty.
const GRANTS: &str = "
    grant usage on schema graphile_worker to build14_system;
    grant select, insert, update, delete on all tables in schema graphile_worker to build14_system;
    grant usage, select, update on all sequences in schema graphile_worker to build14_system;
    grant execute on all functions in schema graphile_worker to build14_system;
    alter default privileges in schema graphile_worker grant select, insert, update, delete on tables to build14_system;
    alter default privileges in schema graphile_worker grant usage, select, update on sequences to build14_system;
    alter default privileges in schema graphile_worker grant execute on functions to build14_system;
    do $$
    declare
        t regclass;
    begin
        for t in
            select c.oid from pg_class c
            where c.relnamespace = 'graphile_worker'::regnamespace and c.relkind in ('r', 'p') and c.relrowsecurity
              and not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'platform')
        loop
            execute format('create policy platform on %s for all to build14_system using (true) with check (true)', t);
        end loop;
    end $$;
    create index if not exists build14_locked on graphile_worker._private_jobs (locked_by) where locked_by is not null;";

/// Brings the queue's schema up to date as the owner role and opens it to the platform's role. Part of `migrate`; harmless to repeat,
/// also while another process does the same.
///
/// # Errors
/// If the database cannot be reached or refuses a statement.
pub async fn install(owner_url: &SecretString) -> Result<(), Error> {
    let config = db::client_config(owner_url)?;
    let (client, mut messages) = db::connect(&config).await?;
    let connection = tokio::spawn(async move { while let Some(Ok(_)) = messages.next().await {} });
    client.batch_execute(&format!("set lock_timeout = '60s'; select pg_advisory_lock({LOCK}); {BRIEFLY}")).await?;
    let mut attempt = 1;
    // Whoever waits for a lock on the queue's tables holds up every worker behind: briefly, then again.
    while let Err(error) = attempted(&client, &config).await {
        if attempt >= ATTEMPTS {
            return Err(error);
        }
        attempt += 1;
        tracing::warn!(%error, attempt, "the queue's schema cannot be brought up to date yet; trying again");
        tokio::time::sleep(PAUSE).await;
    }
    // The lock goes with the session.
    drop(client);
    let _ = connection.await;
    Ok(())
}

/// Everything that may be repeated, since each part of it is whole or not done.
async fn attempted(client: &tokio_postgres::Client, config: &tokio_postgres::Config) -> Result<(), Error> {
    let database = database(config.clone(), 1, BRIEFLY.to_owned())?;
    let migrated = migrate(database.clone(), SCHEMA).await;
    database.pool().close();
    migrated.map_err(|error| Error::Migrate(error.to_string()))?;
    Ok(client.batch_execute(GRANTS).await?)
}

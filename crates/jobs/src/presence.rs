//! Who is alive: a worker is, exactly as long as its session holds its advisory lock. The server frees it when the process is gone.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use graphile_worker_database::DbValue;
use secrecy::SecretString;
use tokio::task::JoinHandle;

use crate::Error;
use crate::queue::Queue;

/// The class of the advisory locks ("14Jw" in ASCII).
const CLASS: i32 = 0x3134_4a77;
const PREFIX: &str = "build14_";

/// The name of a worker; its number is the lock's.
pub(crate) fn name(key: i32) -> String {
    format!("{PREFIX}{key}")
}

/// A fresh number.
pub(crate) fn key() -> i32 {
    rand::random_range(0..i32::MAX)
}

/// The session that says that this worker lives. It is renewed when it breaks and ends with this value.
pub(crate) struct Presence {
    keeper: JoinHandle<()>,
    held: Arc<AtomicBool>,
}

impl Presence {
    /// Takes the lock, then keeps it.
    pub(crate) async fn begin(url: SecretString, key: i32) -> Result<Self, Error> {
        let mut session = Session::open(&url, key).await?;
        let held = Arc::new(AtomicBool::new(true));
        let flag = Arc::clone(&held);
        let keeper = tokio::spawn(async move {
            loop {
                session.ended().await;
                flag.store(false, Ordering::Relaxed);
                tracing::warn!("the worker's session is lost; taking a new one");
                session = loop {
                    match Session::open(&url, key).await {
                        Ok(session) => break session,
                        Err(error) => tracing::debug!(%error, "no session yet"),
                    }
                    tokio::time::sleep(Duration::from_millis(200)).await;
                };
                flag.store(true, Ordering::Relaxed);
            }
        });
        Ok(Self { keeper, held })
    }

    /// Ends it now, whoever else still holds this value.
    pub(crate) fn end(&self) {
        self.keeper.abort();
        self.held.store(false, Ordering::Relaxed);
    }

    pub(crate) fn is_held(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.end();
    }
}

struct Session {
    _client: tokio_postgres::Client,
    connection: JoinHandle<()>,
}

impl Session {
    async fn open(url: &SecretString, key: i32) -> Result<Self, Error> {
        let mut config = db::client_config(url)?;
        config.application_name(name(key));
        let (client, mut messages) = db::connect(&config).await?;
        let connection = tokio::spawn(async move { while let Some(Ok(_)) = messages.next().await {} });
        client.batch_execute(&db::Identity::of(db::Role::System).verification()).await.map_err(db::ConnectError::from)?;
        let session = Self { _client: client, connection };
        // If an earlier session of ours still stands on the server's side, its lock says the same, and this one waits for it.
        session._client.batch_execute(&format!("set lock_timeout = 0; select pg_advisory_lock({CLASS}, {key})")).await?;
        Ok(session)
    }

    async fn ended(&mut self) {
        let _ = (&mut self.connection).await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// Finds the workers that hold jobs and are gone.
#[derive(Default)]
pub(crate) struct Coroner {
    suspects: HashSet<String>,
}

/// What a look at the workers showed.
pub(crate) struct Look {
    gone: Vec<String>,
    others_live: bool,
    server_is_young: bool,
}

impl Coroner {
    /// At start: frees at once what dead workers held. True if no other worker lives.
    pub(crate) async fn first_look(&mut self, queue: &Queue, alone: bool) -> Result<bool, Error> {
        let look = look(queue).await?;
        if look.server_is_young && !alone {
            // Other workers had no time yet to come back after the server's restart: the later looks see to it.
            return Ok(false);
        }
        free(queue, &look.gone).await?;
        Ok(alone || !look.others_live)
    }

    /// From time to time: frees what a worker held that was gone in two looks running, so that one that is just taking a new session is not
    /// taken for dead. True if something was freed.
    pub(crate) async fn look_again(&mut self, queue: &Queue) -> Result<bool, Error> {
        let look = look(queue).await?;
        if look.server_is_young {
            self.suspects.clear();
            return Ok(false);
        }
        let (dead, fresh): (Vec<_>, Vec<_>) = look.gone.into_iter().partition(|worker| self.suspects.contains(worker));
        self.suspects = fresh.into_iter().collect();
        free(queue, &dead).await
    }
}

async fn free(queue: &Queue, dead: &[String]) -> Result<bool, Error> {
    if dead.is_empty() {
        return Ok(false);
    }
    let jobs = queue.recover(dead).await?;
    tracing::warn!(?dead, jobs, "gave back the jobs of workers that are gone");
    Ok(true)
}

async fn look(queue: &Queue) -> Result<Look, Error> {
    let sql = "with live as (
                   select objid::bigint as key from pg_locks
                   where locktype = 'advisory' and classid::bigint = $1 and granted
                     and database = (select oid from pg_database where datname = current_database())
               ), holders as (
                   select distinct locked_by from graphile_worker._private_jobs
                   where locked_by like $2::text || '%' and locked_by <> $3::text
               )
               select array_to_string(array(select locked_by from holders
                          where substr(locked_by, length($2::text) + 1) not in (select key::text from live)), ' ') as gone,
                      exists (select from live where $2::text || key <> $3::text) as others_live,
                      clock_timestamp() - pg_postmaster_start_time() < interval '3 seconds' as young";
    let params = vec![DbValue::I64(i64::from(CLASS)), DbValue::Text(PREFIX.to_owned()), DbValue::Text(queue.worker().to_owned())];
    let rows = queue.rows(sql, params).await?;
    let row = rows.first().ok_or(Error::TimedOut)?;
    let gone: String = row.try_get("gone")?;
    Ok(Look {
        gone: gone.split_whitespace().map(str::to_owned).collect(),
        others_live: row.try_get("others_live")?,
        server_is_young: row.try_get("young")?,
    })
}

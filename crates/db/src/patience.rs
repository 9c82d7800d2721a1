//! How long a migration waits for a lock, and who it waits for.
//!
//! A statement that waits for a lock on a table makes everybody who comes after it wait as well, even for reads. So it waits briefly, lets the
//! others by, and tries again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use secrecy::SecretString;
use tokio::task::JoinHandle;

use crate::connect::{Driver, establish};

/// How long a migration waits for locks.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long a statement waits for a lock before it lets the others by. Everybody who wants the same table waits that long, too.
    pub lock_timeout: Duration,
    /// How often a migration is tried.
    pub attempts: u32,
    /// How long to let the others by in between.
    pub pause: Duration,
}

impl Default for Patience {
    /// Two seconds, thirty times: two and a half minutes in all.
    fn default() -> Self {
        Self { lock_timeout: Duration::from_secs(2), attempts: 30, pause: Duration::from_secs(3) }
    }
}

impl Patience {
    pub(crate) fn set(self) -> String {
        format!("set lock_timeout = {}; set statement_timeout = 0", self.lock_timeout.as_millis().max(1))
    }
}

/// Who holds what the session `$1` waits for: one line for each.
const BLOCKERS: &str = "
    select format(
        '%s waits for process %s (%s%s, %s for %s s): %s',
        coalesce(w.mode || ' on ' || w.relation::regclass, w.mode || ' (' || w.locktype || ')'),
        a.pid, a.usename, coalesce(' ' || nullif(a.application_name, ''), ''), coalesce(a.state, 'busy'),
        coalesce(extract(epoch from clock_timestamp() - a.xact_start)::bigint, 0),
        coalesce(nullif(left(regexp_replace(a.query, '\\s+', ' ', 'g'), 200), ''), '(its statement is not ours to see)')
    ) as line
    from pg_locks w, unnest(pg_blocking_pids(w.pid)) b, pg_stat_activity a
    where w.pid = $1 and not w.granted and a.pid = b";

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}

#[derive(diesel::QueryableByName)]
struct Pid {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    pid: i32,
}

/// Looks from a session of its own at what a migrating one waits for, and says so.
pub(crate) struct Watchman {
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Watchman {
    pub(crate) async fn over(
        migrating: &mut AsyncPgConnection,
        url: &SecretString,
        patience: Patience,
    ) -> Result<Self, diesel::ConnectionError> {
        let pid: Pid = diesel::sql_query("select pg_backend_pid() as pid")
            .get_result(migrating)
            .await
            .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
        let (mut connection, driver) = establish(url).await?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&seen);
        let every = (patience.lock_timeout / 4).clamp(Duration::from_millis(10), Duration::from_millis(500));
        let task = tokio::spawn(async move {
            let _driver: Driver = driver;
            loop {
                tokio::time::sleep(every).await;
                let Ok(lines) = diesel::sql_query(BLOCKERS)
                    .bind::<diesel::sql_types::Integer, _>(pid.pid)
                    .load::<Line>(&mut connection)
                    .await
                else {
                    return;
                };
                if !lines.is_empty() {
                    *told.lock().unwrap_or_else(PoisonError::into_inner) = lines.into_iter().map(|row| row.line).collect();
                }
            }
        });
        Ok(Self { seen, task })
    }

    /// What was last seen to be waited for, forgotten with this.
    pub(crate) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Watchman {
    fn drop(&mut self) {
        self.task.abort();
    }
}

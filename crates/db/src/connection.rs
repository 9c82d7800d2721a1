//! A pooled connection and the watch that notices what its statements do.

use std::collections::HashSet;
use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hasher};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::{AsyncConnection, AsyncPgConnection};

use crate::PoolSettings;
use crate::connect::{Driver, establish};

/// What happened on a connection since its transaction began.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    failed: AtomicBool,
    started: AtomicU32,
    /// Whether each statement started since was prepared on this connection before. Known for reads only: it costs a microsecond.
    all_prepared: AtomicBool,
    asks_prepared: AtomicBool,
}

impl Watch {
    pub(crate) fn reset(&self) {
        self.failed.store(false, Ordering::Relaxed);
        self.started.store(0, Ordering::Relaxed);
        self.all_prepared.store(true, Ordering::Relaxed);
        self.asks_prepared.store(false, Ordering::Relaxed);
    }

    /// From now on, find out whether statements are prepared already.
    pub(crate) fn ask_prepared(&self) {
        self.asks_prepared.store(true, Ordering::Relaxed);
    }

    /// Whether a statement failed and nobody went back to a savepoint before it.
    pub(crate) fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    pub(crate) fn forgive(&self) {
        self.failed.store(false, Ordering::Relaxed);
    }

    /// How many statements were started.
    pub(crate) fn started(&self) -> u32 {
        self.started.load(Ordering::Relaxed)
    }

    /// Whether every statement since [`Watch::ask_prepared`] was prepared on this connection before it was started.
    pub(crate) fn all_prepared(&self) -> bool {
        self.all_prepared.load(Ordering::Relaxed)
    }
}

/// Tells the watch what happens, and remembers which statements the connection keeps prepared.
///
/// Not every statement is kept: diesel prepares `sql_query` and whatever has raw SQL in it anew each time, without a word. So the absence
/// of a preparing says nothing; only a statement that was seen going into the cache is known to be prepared.
struct Recorder {
    watch: Arc<Watch>,
    prepared: HashSet<u64>,
}

/// Hashes the SQL of a query as diesel displays it: up to its binds.
#[derive(Default)]
struct SqlHash(DefaultHasher);

impl SqlHash {
    fn of(sql: impl fmt::Display) -> u64 {
        let mut hash = Self::default();
        // Ends early, on purpose, where the binds begin.
        let _ended = write!(hash, "{sql}");
        hash.0.finish()
    }
}

impl Write for SqlHash {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if let Some((sql, _)) = piece.split_once(" -- binds") {
            self.0.write(sql.as_bytes());
            return Err(fmt::Error);
        }
        self.0.write(piece.as_bytes());
        Ok(())
    }
}

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { query, .. } => {
                // The first one is BEGIN, over the simple protocol.
                let first = self.watch.started.fetch_add(1, Ordering::Relaxed) == 0;
                if !first && self.watch.asks_prepared.load(Ordering::Relaxed) && !self.prepared.contains(&SqlHash::of(query)) {
                    self.watch.all_prepared.store(false, Ordering::Relaxed);
                }
            }
            InstrumentationEvent::CacheQuery { sql, .. } => {
                self.prepared.insert(SqlHash::of(sql));
            }
            InstrumentationEvent::FinishQuery { error: Some(error), .. } if !matches!(error, diesel::result::Error::NotFound) => {
                self.watch.failed.store(true, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

/// A connection with its watch.
pub(crate) struct Connection {
    pg: AsyncPgConnection,
    pub(crate) watch: Arc<Watch>,
    /// Makes the session what it was when it began.
    reset: Arc<str>,
    /// Held: the connection is closed with it, even if a statement is still running.
    _driver: Driver,
}

impl Deref for Connection {
    type Target = AsyncPgConnection;
    fn deref(&self) -> &AsyncPgConnection {
        &self.pg
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.pg
    }
}

/// Makes and recycles connections for deadpool.
#[derive(Debug)]
pub(crate) struct Connector {
    pub(crate) settings: PoolSettings,
}

impl Manager for Connector {
    type Type = Connection;
    type Error = diesel::ConnectionError;

    async fn create(&self) -> Result<Connection, diesel::ConnectionError> {
        let (mut pg, driver) = establish(&self.settings.url).await?;
        // Temporary tables last, which PostgreSQL else looks at first.
        let limits = format!(
            "SET search_path = public, pg_temp; SET statement_timeout = {}; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = 60000",
            self.settings.statement_timeout.as_millis(),
            self.settings.lock_timeout.as_millis(),
        );
        let begin = format!("{limits}; {}", self.settings.identity.verification());
        diesel_async::SimpleAsyncConnection::batch_execute(&mut pg, &begin)
            .await
            .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
        // As diesel and these lines began it. Whoever got statements into a transaction leaves no setting, role, cursor or channel to the next.
        let reset = format!("RESET ROLE; RESET ALL; CLOSE ALL; UNLISTEN *; SET TIME ZONE 'UTC'; {limits}").into();
        let watch = Arc::new(Watch::default());
        pg.set_instrumentation(Recorder { watch: Arc::clone(&watch), prepared: HashSet::new() });
        Ok(Connection { pg, watch, reset, _driver: driver })
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<diesel::ConnectionError> {
        // No round trip: a connection that died is noticed by its task; one that dies later answers 503 once.
        if connection.pg.is_broken() { Err(RecycleError::message("the connection is closed")) } else { Ok(()) }
    }
}

/// A connection held by a transaction: unless it is given back in order, it is closed, which ends the transaction and frees its locks.
pub(crate) struct Held(Option<deadpool::managed::Object<Connector>>);

impl Held {
    pub(crate) fn new(object: deadpool::managed::Object<Connector>) -> Self {
        object.watch.reset();
        Self(Some(object))
    }

    /// What ends a transaction, by `COMMIT` or `ROLLBACK`, and with it whatever it did to the session: one round trip.
    pub(crate) fn ending(&self, how: &str) -> String {
        format!("{how}; {}", self.reset)
    }

    /// The transaction is over: back to the pool.
    pub(crate) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Deref for Held {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        match &self.0 {
            Some(object) => object,
            None => unreachable!("only `give_back` empties it, and that consumes it"),
        }
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Connection {
        match &mut self.0 {
            Some(object) => object,
            None => unreachable!("only `give_back` empties it, and that consumes it"),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(deadpool::managed::Object::take(object));
        }
    }
}

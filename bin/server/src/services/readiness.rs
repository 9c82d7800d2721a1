//! Whether the process can do its work, as whoever watches it asks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use kernel::Fault;
use tokio::sync::Mutex;
use uow::SystemUow;

/// A worker that has not looked at its queues for so long is not well.
const WORKER_SILENCE: Duration = Duration::from_secs(30);

/// How long an answer stands, however many ask: anybody may.
const FRESH: Duration = Duration::from_secs(1);

type Checks = Vec<(&'static str, Result<(), String>)>;

/// Whether the process can do its work.
pub struct Ready {
    /// The tenants' door: what it exposes is asked each time.
    door: Arc<db::Postgres>,
    system: SystemUow,
    /// The worker of this process, if it is to run one.
    worker: Option<Arc<OnceLock<jobs::Monitor>>>,
    /// Whether the schema was seen to be current: it does not grow old again.
    schema_is_current: AtomicBool,
    /// Whether the demo logins are still being made: whoever waits for this server finds them all.
    demo_logins_missing: Arc<AtomicBool>,
    /// Whether the clock that decides deadlines must not have been moved.
    production: bool,
    fresh: Duration,
    /// The last answer. Whoever finds it old asks anew, the others wait for that one.
    last: Mutex<Option<(Instant, Checks)>>,
}

impl Ready {
    pub(super) fn new(door: Arc<db::Postgres>, system: SystemUow, worker: Option<Arc<OnceLock<jobs::Monitor>>>) -> Self {
        let (schema_is_current, last) = (AtomicBool::new(false), Mutex::default());
        let demo_logins_missing = Arc::default();
        Self { door, system, worker, schema_is_current, demo_logins_missing, production: false, fresh: FRESH, last }
    }

    /// In production, a clock that was moved is a reason not to be ready.
    pub(super) fn in_production(self, production: bool) -> Self {
        Self { production, ..self }
    }

    /// Not ready while `missing` is true.
    pub(super) fn unless_demo_logins_are_missing(self, missing: Arc<AtomicBool>) -> Self {
        Self { demo_logins_missing: missing, ..self }
    }

    async fn look(&self) -> Checks {
        let database = db::answers(&self.system).await;
        let schema = match &database {
            Ok(()) => self.schema().await,
            Err(_) => Err("cannot be compared while the database does not answer".to_owned()),
        };
        let isolation = match &database {
            Ok(()) => self.isolation().await,
            Err(_) => Err("cannot be checked while the database does not answer".to_owned()),
        };
        let mut checks = vec![("database", database.map_err(|fault| text(&fault))), ("schema", schema), ("isolation", isolation)];
        if self.production && checks[0].1.is_ok() {
            checks.push(("clock", self.clock().await));
        }
        if let Some(worker) = &self.worker {
            let well = worker.get().is_some_and(|monitor| monitor.health().is_well(WORKER_SILENCE));
            checks.push(("worker", if well { Ok(()) } else { Err("has not looked at its queues lately".to_owned()) }));
        }
        if self.demo_logins_missing.load(Ordering::Relaxed) {
            checks.push(("demo logins", Err("are being made".to_owned())));
        }
        checks
    }

    /// Whether row-level security holds for the role that serves.
    async fn isolation(&self) -> Result<(), String> {
        match self.door.exposures().await {
            Ok(exposures) if exposures.is_empty() => Ok(()),
            Ok(exposures) => {
                tracing::error!(?exposures, "tenants are not kept apart: this server must not serve");
                Err("the role that serves is above row-level security: run `build14 doctor`".to_owned())
            }
            Err(fault) => Err(text(&fault)),
        }
    }

    async fn clock(&self) -> Result<(), String> {
        match db::moved_clock(&self.system).await.map_err(|fault| text(&fault))? {
            None => Ok(()),
            Some(_) => Err("the clock that decides deadlines was moved: `build14 doctor` says what to do".to_owned()),
        }
    }

    async fn schema(&self) -> Result<(), String> {
        if self.schema_is_current.load(Ordering::Relaxed) {
            return Ok(());
        }
        let pending = db::pending_migrations(&self.system).await.map_err(|fault| text(&fault))?;
        if !pending.is_empty() {
            let lacks = kernel::counted(pending.len(), "migration", "migrations");
            return Err(format!("lacks {lacks}: run `build14 migrate`"));
        }
        self.schema_is_current.store(true, Ordering::Relaxed);
        Ok(())
    }
}

#[async_trait]
impl web::Readiness for Ready {
    async fn check(&self) -> Checks {
        let mut last = self.last.lock().await;
        if let Some((when, checks)) = &*last
            && when.elapsed() < self.fresh
        {
            return checks.clone();
        }
        let checks = self.look().await;
        *last = Some((Instant::now(), checks.clone()));
        checks
    }
}

/// In words that may be shown to anybody; the rest is in the log.
fn text(fault: &Fault) -> String {
    tracing::warn!(%fault, "the database does not answer");
    "does not answer".to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use kernel::Ctx;
    use testkit::Database;
    use uow::{ReadBackend, TxBackend};
    use web::Readiness;

    use super::*;

    /// A database that counts how often it is asked.
    struct Counted(Arc<dyn uow::Database>, Arc<AtomicUsize>);

    #[async_trait]
    impl uow::Database for Counted {
        async fn begin(&self, ctx: Option<&Ctx>) -> Result<Box<dyn TxBackend>, Fault> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.begin(ctx).await
        }

        async fn read(&self, ctx: Option<&Ctx>) -> Result<Box<dyn ReadBackend>, Fault> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.read(ctx).await
        }
    }

    async fn ready(database: &Database, fresh: Duration) -> (Ready, Arc<AtomicUsize>) {
        let postgres = db::Postgres::new(db::PoolSettings::system(database.system_url().await)).expect("settings that hold");
        let asked = Arc::new(AtomicUsize::new(0));
        let system = SystemUow::new(Arc::new(Counted(postgres, Arc::clone(&asked))));
        (Ready { fresh, ..Ready::new(database.postgres(), system, None) }, asked)
    }

    #[tokio::test]
    async fn a_crowd_asks_the_database_once() {
        let database = Database::fresh().await;
        let (ready, asked) = ready(&database, Duration::from_secs(3600)).await;
        let answers = futures::future::join_all((0..64).map(|_| ready.check())).await;
        assert!(answers.iter().all(|checks| *checks == [("database", Ok(())), ("schema", Ok(())), ("isolation", Ok(()))]));
        assert_eq!(asked.load(Ordering::Relaxed), 2, "whether it answers, and its schema");
    }

    #[tokio::test]
    async fn the_schema_is_compared_until_it_is_current() {
        let database = Database::fresh().await;
        let (ready, asked) = ready(&database, Duration::ZERO).await;
        let newest = "(select max(version) from __diesel_schema_migrations)";
        database.run_sql("create schema aside; create table aside.taken as table __diesel_schema_migrations").await;
        database.run_sql(&format!("delete from __diesel_schema_migrations where version = {newest}")).await;
        let lacking = Err("lacks 1 migration: run `build14 migrate`".to_owned());
        assert_eq!(ready.check().await, [("database", Ok(())), ("schema", lacking), ("isolation", Ok(()))]);
        database.run_sql("insert into __diesel_schema_migrations select * from aside.taken on conflict do nothing").await;
        assert_eq!(ready.check().await[1], ("schema", Ok(())));
        assert_eq!(ready.check().await[1], ("schema", Ok(())));
        assert_eq!(asked.load(Ordering::Relaxed), 5, "the third time only whether it answers");
    }

    #[tokio::test]
    async fn production_is_not_ready_with_a_clock_that_was_moved() {
        let database = Database::fresh().await;
        let (ready, _) = ready(&database, Duration::ZERO).await;
        let ready = ready.in_production(true);
        assert_eq!(ready.check().await[3], ("clock", Ok(())));
        database.advance_clock(Duration::from_secs(1)).await;
        assert!(matches!(&ready.check().await[3], ("clock", Err(why)) if why.contains("was moved")));
    }

    #[tokio::test]
    async fn it_is_not_ready_before_the_demo_logins_are_made() {
        let database = Database::fresh().await;
        let (ready, _) = ready(&database, Duration::ZERO).await;
        let missing = Arc::new(AtomicBool::new(true));
        let ready = ready.unless_demo_logins_are_missing(Arc::clone(&missing));
        assert_eq!(ready.check().await[3], ("demo logins", Err("are being made".to_owned())));
        missing.store(false, Ordering::Relaxed);
        assert_eq!(ready.check().await.len(), 3);
    }
}

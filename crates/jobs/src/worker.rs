//! The worker: its session, its loops, its end.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::presence::{self, Coroner, Presence};
use crate::queue::Queue;
use crate::shared::{Running, Shared};
use crate::{Error, Registry, Settings, housekeeping, outbox, relay, slots, sweep};

/// How often to look for workers that are gone.
const LOOK: Duration = Duration::from_secs(1);
/// How often to look for jobs that were granted to us unheard.
const LOOKS_PER_UNHEARD: u32 = 15;

/// A worker at work. Dropped without [`Worker::shutdown`] it stops as if it had been killed.
pub struct Worker {
    shared: Arc<Shared>,
    loops: Vec<JoinHandle<()>>,
    others: Vec<JoinHandle<()>>,
}

/// How a worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// How long ago it last saw the queue (or was too busy to look).
    pub since_jobs: Duration,
    /// How long ago it last saw the outbox.
    pub since_outbox: Duration,
    /// How many jobs run now.
    pub running_jobs: usize,
    /// Whether its session holds; without one, others take over what it holds.
    pub present: bool,
}

impl Health {
    /// Whether it has seen both within `bound` and its session holds.
    #[must_use]
    pub fn is_well(&self, bound: Duration) -> bool {
        self.present && self.since_jobs <= bound && self.since_outbox <= bound
    }
}

/// Tells how a worker is doing, from anywhere.
#[derive(Clone)]
pub struct Monitor(Arc<Shared>);

impl Monitor {
    /// How it is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        Health {
            since_jobs: self.0.since(&self.0.jobs_seen),
            since_outbox: self.0.since(&self.0.outbox_seen),
            running_jobs: self.0.running.count(),
            present: self.0.presence.is_held(),
        }
    }
}

impl Worker {
    /// Starts to work: takes over at once what dead workers left, then runs jobs, relays events and sweeps.
    ///
    /// # Errors
    /// If the database does not answer or the queue is not installed.
    pub async fn start(settings: Settings, mut registry: Registry) -> Result<Self, Error> {
        let key = presence::key();
        let presence = Presence::begin(settings.system_url.clone(), key).await?;
        let queue = Queue::open(&settings.system_url, presence::name(key), &registry).await?;
        let system = outbox::door(&settings.system_url)?;
        let mut coroner = Coroner::default();
        if coroner.first_look(&queue, settings.alone).await? {
            outbox::end_leases(&system).await?;
        }
        housekeeping::add(&mut registry, &system);
        let shared = Arc::new(Shared {
            settings,
            registry,
            queue,
            system,
            running: Running::default(),
            stop: CancellationToken::new(),
            call_jobs: Notify::new(),
            call_relay: Notify::new(),
            presence,
            began: Instant::now(),
            jobs_seen: AtomicU64::new(0),
            outbox_seen: AtomicU64::new(0),
        });
        let listener = {
            let shared = Arc::clone(&shared);
            let channels = &["jobs:insert", "outbox"];
            db::listen(shared.settings.system_url.clone(), channels, db::Hearing::default(), move |signal| match signal {
                db::Signal::Notified { channel, .. } if channel == "outbox" => shared.call_relay.notify_one(),
                db::Signal::Notified { .. } => shared.call_jobs.notify_one(),
                db::Signal::Connected => {
                    shared.call_jobs.notify_one();
                    shared.call_relay.notify_one();
                }
                db::Signal::Lost => {}
            })
        };
        let mut loops = vec![tokio::spawn(slots::run(Arc::clone(&shared))), tokio::spawn(relay::run(Arc::clone(&shared)))];
        for one in shared.registry.sweeps() {
            loops.push(tokio::spawn(sweep::run(Arc::clone(&shared), one.clone())));
        }
        let others = vec![listener, tokio::spawn(look_for_the_dead(Arc::clone(&shared), coroner))];
        tracing::info!(worker = shared.queue.worker(), tasks = shared.registry.tasks().count(), "the worker works");
        Ok(Self { shared, loops, others })
    }

    /// How it is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        self.monitor().health()
    }

    /// A handle that tells how it is doing, for the health endpoint.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        Monitor(Arc::clone(&self.shared))
    }

    /// Takes nothing new, finishes what runs within [`Settings::grace`], gives the rest back so that another worker runs it at once.
    pub async fn shutdown(mut self) {
        self.shared.stop.cancel();
        for one in std::mem::take(&mut self.loops) {
            let _ = one.await;
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        for task in self.loops.iter().chain(&self.others) {
            task.abort();
        }
        self.shared.presence.end();
    }
}

async fn look_for_the_dead(shared: Arc<Shared>, mut coroner: Coroner) {
    let mut looks: u32 = 0;
    loop {
        tokio::time::sleep(LOOK).await;
        looks = looks.wrapping_add(1);
        match coroner.look_again(&shared.queue).await {
            Ok(true) => shared.call_jobs.notify_one(),
            Ok(false) => {}
            Err(error) => tracing::debug!(%error, "cannot look for workers that are gone"),
        }
        if looks.is_multiple_of(LOOKS_PER_UNHEARD)
            && let Err(error) = shared.queue.give_back_unheard(shared.running.ids()).await
        {
            tracing::debug!(%error, "cannot look for jobs granted unheard");
        }
    }
}

//! What the loops of a worker share: what they work on, what wakes and what stops them, and when each was last well.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use graphile_worker_job::Job;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uow::SystemUow;

use crate::presence::Presence;
use crate::queue::Queue;
use crate::{Registry, Settings};

/// What the loops share.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) registry: Registry,
    pub(crate) queue: Queue,
    pub(crate) system: SystemUow,
    pub(crate) running: Running,
    pub(crate) stop: CancellationToken,
    pub(crate) call_jobs: Notify,
    pub(crate) call_relay: Notify,
    pub(crate) presence: Presence,
    pub(crate) began: Instant,
    pub(crate) jobs_seen: AtomicU64,
    pub(crate) outbox_seen: AtomicU64,
}

impl Shared {
    pub(crate) fn jobs_seen(&self) {
        self.jobs_seen.store(self.millis(), Ordering::Relaxed);
    }

    pub(crate) fn outbox_seen(&self) {
        self.outbox_seen.store(self.millis(), Ordering::Relaxed);
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn since(&self, seen: &AtomicU64) -> Duration {
        Duration::from_millis(self.millis().saturating_sub(seen.load(Ordering::Relaxed)))
    }
}

/// The jobs that run here now.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashMap<i64, Job>>);

impl Running {
    pub(crate) fn map(&self) -> MutexGuard<'_, HashMap<i64, Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ids(&self) -> Vec<i64> {
        self.map().keys().copied().collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.map().len()
    }
}

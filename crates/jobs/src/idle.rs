//! Doing all there is to do, one by one, and coming back: what tests and the demo want instead of a worker in the background.

use crate::presence::{self, Presence};
use crate::queue::Queue;
use crate::{Error, Registry, Settings, execute, outbox, relay};

/// A job that was run, or an event that was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Execution {
    /// A job.
    Job {
        /// Its task.
        task: String,
        /// Why it failed, if it did.
        error: Option<String>,
    },
    /// The delivery of an event to all its subscribers.
    Event {
        /// Its kind.
        kind: String,
        /// Which subscriber failed and why, if one did.
        error: Option<String>,
    },
}

impl Execution {
    /// The task or the kind.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Job { task, .. } => task,
            Self::Event { kind, .. } => kind,
        }
    }

    /// Why it failed, if it did.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Job { error, .. } | Self::Event { error, .. } => error.as_deref(),
        }
    }
}

/// Delivers every event and runs every job that is due, one after another (events before jobs, each in its order), until nothing is
/// due. What fails waits for its next attempt and is not due any more: see [`crate::make_due`]. Jobs without a handler stay.
///
/// # Errors
/// If the database does not answer.
pub async fn run_until_idle(settings: &Settings, registry: &Registry) -> Result<Vec<Execution>, Error> {
    let key = presence::key();
    let _presence = Presence::begin(settings.system_url.clone(), key).await?;
    let queue = Queue::open(&settings.system_url, presence::name(key), registry).await?;
    let system = outbox::door(&settings.system_url)?;
    let mut ran = Vec::new();
    loop {
        if let Some(event) = outbox::claim(&system, 1, &[]).await?.pop() {
            let result = relay::deliver(registry, &event).await;
            relay::settle(&system, &event, &result).await?;
            ran.push(Execution::Event { kind: event.kind, error: result.err() });
        } else if let Some(job) = queue.claim().await? {
            let result = execute::job(registry, &job).await;
            queue.settle(&job, &result).await?;
            ran.push(Execution::Job { task: job.task_identifier().clone(), error: result.err() });
        } else {
            return Ok(ran);
        }
    }
}

/// Runs one sweep of the registry now. False if there is none of that name.
///
/// # Errors
/// What the sweep failed with.
pub async fn run_sweep(registry: &Registry, name: &str) -> Result<bool, String> {
    match registry.sweeps().iter().find(|sweep| sweep.name == name) {
        Some(sweep) => execute::caught(|| (sweep.run)()).await.map(|()| true),
        None => Ok(false),
    }
}

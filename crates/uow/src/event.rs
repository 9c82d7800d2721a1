//! What a transaction may leave behind for later: domain events on the outbox, and jobs.

use kernel::{EventId, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

/// A fact of a domain that others may subscribe to. Part of the api crate of its domain, so its shape is a contract.
pub trait DomainEvent: Serialize + DeserializeOwned {
    /// Stable name, such as `tenders.awarded`.
    const KIND: &'static str;

    /// What it happened to: events of one aggregate are relayed in their order.
    fn aggregate(&self) -> Uuid;
}

/// An event as it goes onto the outbox.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Its id; subscribers remember it to handle it once.
    pub id: EventId,
    /// Stable name.
    pub kind: &'static str,
    /// What it happened to.
    pub aggregate: Uuid,
    /// The event itself.
    pub payload: Value,
}

/// Work to be done after the commit, at least once: a handler must bear repetition.
#[derive(Debug, Clone)]
pub struct Job {
    /// Which handler does it, such as `escrow.send_release`.
    pub task: &'static str,
    /// What it needs to know.
    pub payload: Value,
    /// Not before this instant.
    pub run_at: Option<Timestamp>,
    /// A job with the same key that has not started yet is replaced by this one.
    pub key: Option<String>,
    /// After so many failures it is dead, and visible as such.
    pub max_attempts: i16,
}

impl Job {
    /// A job to run as soon as possible, 25 attempts with exponential backoff (about three days).
    pub fn new(task: &'static str, payload: impl Serialize) -> Self {
        let payload = serde_json::to_value(payload).unwrap_or(Value::Null);
        Self { task, payload, run_at: None, key: None, max_attempts: 25 }
    }

    /// Not before `at`.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.run_at = Some(at);
        self
    }

    /// Replaces a waiting job of the same key.
    #[must_use]
    pub fn keyed(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
}

//! What a transaction may leave behind for later: domain events on the outbox, and jobs.

use kernel::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

kernel::ids! {
    /// A domain event on the outbox.
    EventId;
}

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

/// Work to be done later: what it needs to know is the value, what it is called and how often it is tried stands on its type. Jobs of it
/// may wait in the database while a newer program starts, so its name and its fields are a contract with the one before.
pub trait Task: Serialize + DeserializeOwned + Send + 'static {
    /// Stable name, `domain.verb`, such as `escrow.send_release`.
    const NAME: &'static str;
    /// After so many failures, with exponential backoff between, a job is dead, and visible as such. 25 take about three days.
    const ATTEMPTS: i16 = 25;

    /// What it is about. A job of the same task about the same thing that has not started yet is replaced; without it, there may be any number.
    fn subject(&self) -> Option<String> {
        None
    }
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
    /// A job that does `task` as soon as possible.
    pub fn of<T: Task>(task: &T) -> Self {
        let payload = serde_json::to_value(task).unwrap_or(Value::Null);
        let key = task.subject().map(|subject| format!("{}:{subject}", T::NAME));
        Self { task: T::NAME, payload, run_at: None, key, max_attempts: T::ATTEMPTS }
    }

    /// Not before `at`.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.run_at = Some(at);
        self
    }

    /// Apart from jobs about the same thing without this word: neither replaces the other.
    #[must_use]
    pub fn apart(mut self, word: &str) -> Self {
        self.key = self.key.map(|key| format!("{key}:{word}"));
        self
    }
}

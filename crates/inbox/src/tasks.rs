//! The tasks of the inbox: all are the platform's own.

use serde::{Deserialize, Serialize};
use uow::{Job, Task};

/// The names of all tasks.
pub(crate) const TASKS: &[&str] = &[Hear::NAME, FormerRoute::NAME];

/// A subscriber hears an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hear {
    /// The event's id, `evt_…`.
    pub(crate) event: String,
    /// The subscriber's name.
    pub(crate) subscriber: String,
}

impl Task for Hear {
    const NAME: &'static str = "inbox.hear";

    fn subject(&self) -> Option<String> {
        Some(format!("{}:{}", self.subscriber, self.event))
    }
}

/// What servers left behind when the inbox was the escrow domain's: jobs of it may still wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FormerRoute {
    /// The event's id.
    pub(crate) event: String,
}

impl Task for FormerRoute {
    const NAME: &'static str = "escrow.webhook";

    fn subject(&self) -> Option<String> {
        Some(self.event.clone())
    }
}

pub(crate) fn hear(event: &str, subscriber: &str) -> Job {
    Job::of(&Hear { event: event.to_owned(), subscriber: subscriber.to_owned() })
}

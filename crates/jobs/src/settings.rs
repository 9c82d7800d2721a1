//! How a worker is set up.

use std::time::Duration;

use secrecy::SecretString;

/// Settings of a worker.
#[derive(Debug, Clone)]
pub struct Settings {
    /// libpq URL of the platform's role.
    pub system_url: SecretString,
    /// How many jobs, and how many events, run at the same time.
    pub concurrency: usize,
    /// How often to look although nobody called: for what is due later, and in case a notification was lost.
    pub poll_interval: Duration,
    /// How long a shutdown waits for what is running before it gives it back.
    pub grace: Duration,
    /// Whether no other worker can exist (the database belongs to this process): then whatever is still locked at start is free at once,
    /// without asking whether its worker lives.
    pub alone: bool,
}

impl Settings {
    /// `system_url` with the defaults: 4 at a time, a look every second, 10 s of grace, not alone.
    #[must_use]
    pub fn new(system_url: impl Into<SecretString>) -> Self {
        Self {
            system_url: system_url.into(),
            concurrency: 4,
            poll_interval: Duration::from_secs(1),
            grace: Duration::from_secs(10),
            alone: false,
        }
    }

    /// The most connections that a worker opens, for `db::check_capacity`. What handlers do runs on the pools they bring along.
    #[must_use]
    pub fn connections(&self) -> usize {
        crate::queue::CONNECTIONS + crate::outbox::CONNECTIONS + 2
    }
}

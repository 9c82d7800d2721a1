//! How connections are made and how many.

use std::time::Duration;

use secrecy::SecretString;

use crate::{Identity, Role};

/// Whether threads share connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Each thread has its own small pool. A connection that crosses threads wakes another core for every query: a third of the
    /// throughput (docs/ARCHITECTURE.md).
    PerThread,
    /// One pool for all threads: for jobs, which are few and slow.
    Shared,
}

/// Settings of one pool.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    /// libpq URL; its role decides what can be seen.
    pub url: SecretString,
    /// Who it must lead to: verified on every new connection.
    pub identity: Identity,
    /// The most connections, per thread if not shared.
    pub size: usize,
    /// Whether threads share it.
    pub sharing: Sharing,
    /// How long a request waits for a connection before it gets 503.
    pub wait: Duration,
    /// A statement that runs longer is cancelled.
    pub statement_timeout: Duration,
    /// A statement that waits longer for a lock is cancelled.
    pub lock_timeout: Duration,
}

impl PoolSettings {
    /// Tenants' connections at `url`, with the defaults.
    #[must_use]
    pub fn app(url: impl Into<SecretString>) -> Self {
        Self::new(url, Identity::of(Role::App))
    }

    /// The platform's connections at `url`, with the defaults.
    #[must_use]
    pub fn system(url: impl Into<SecretString>) -> Self {
        Self::new(url, Identity::of(Role::System))
    }

    /// `url` with the defaults: 8 connections per thread, 2 s wait, 15 s per statement, 10 s per lock.
    #[must_use]
    pub fn new(url: impl Into<SecretString>, identity: Identity) -> Self {
        Self {
            url: url.into(),
            identity,
            size: 8,
            sharing: Sharing::PerThread,
            wait: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(15),
            lock_timeout: Duration::from_secs(10),
        }
    }
}

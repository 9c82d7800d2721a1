//! What a deployment decides about sign-in.

use std::time::Duration;

use secrecy::SecretString;

/// What a deployment decides about sign-in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a session lives, whatever is done with it.
    pub session_life: Duration,
    /// How many sessions are kept in memory.
    pub cached_sessions: u64,
    /// How long one is kept without asking the database: a backstop, should a notification be lost.
    pub cache_life: Duration,
    /// How many sessions a person may have; the oldest end for a newer one.
    pub sessions_per_person: u32,
    /// How many threads hash passwords: half the number of cores, so that whoever is signed in keeps the others.
    pub hash_threads: usize,
    /// How many more may wait for that; beyond it the answer is 503.
    pub hash_queue: usize,
    /// From what the token of a switched session is derived, so that a repetition gets it again though nobody stored it. The same in every
    /// process of a deployment, and not in the database.
    pub switch_secret: SecretString,
    /// How long one may wait; who would have to wait longer is answered 503 at once.
    pub hash_wait: Duration,
    /// How long security events are kept.
    pub events_kept: Duration,
    /// How many passwords may be tried for one email within a minute on one replica; beyond it the answer is 429.
    pub attempts_per_minute: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            session_life: Duration::from_secs(30 * 24 * 3600),
            cached_sessions: 100_000,
            cache_life: Duration::from_secs(60),
            sessions_per_person: 50,
            hash_threads: (std::thread::available_parallelism().map_or(2, std::num::NonZero::get) / 2).max(1),
            hash_queue: 1000,
            hash_wait: Duration::from_secs(20),
            events_kept: Duration::from_secs(90 * 24 * 3600),
            switch_secret: crate::token::random_secret(),
            attempts_per_minute: 10,
        }
    }
}

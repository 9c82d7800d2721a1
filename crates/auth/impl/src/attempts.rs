//! `Attempts`: how often a password was tried for one email lately.

use std::sync::{Arc, Mutex, PoisonError};

use auth_api::{Error, email};
use chrono::TimeDelta;
use kernel::{Spent, Timestamp};
use sha2::{Digest, Sha256};

/// So many emails are remembered; who tries more of them at a time meets the limits of addresses and of hashing long before.
const EMAILS: u64 = 100_000;
/// Attempts are counted for so many seconds from the first.
const WINDOW: u32 = 60;

/// Slows guessing at one account from many addresses. Known and unknown emails count alike, and only as hashes.
///
/// Somebody else's wrong guesses can keep a person from signing in for a while: sessions go on, and the right password starts anew.
pub(crate) struct Attempts {
    of: moka::sync::Cache<[u8; 32], Arc<Mutex<Window>>>,
    most: u32,
}

struct Window {
    since: Timestamp,
    attempts: u32,
}

/// No more may be tried for a while.
#[derive(Debug)]
pub(crate) struct Limited {
    /// What the caller is told.
    pub error: Error,
    /// Whether this is the first attempt too many of the window.
    pub first: bool,
}

impl Attempts {
    /// At most `most` a minute.
    pub(crate) fn new(most: u32) -> Self {
        let of = moka::sync::Cache::builder().max_capacity(EMAILS).time_to_idle(std::time::Duration::from_secs(600)).build();
        Self { of, most }
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`].
    pub(crate) fn count(&self, email: &str, now: Timestamp) -> Result<(), Limited> {
        let window = self.of.get_with(key(email), || Arc::new(Mutex::new(Window { since: now, attempts: 0 })));
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        if now - window.since >= TimeDelta::seconds(WINDOW.into()) {
            *window = Window { since: now, attempts: 0 };
        }
        window.attempts = window.attempts.saturating_add(1);
        if window.attempts <= self.most {
            return Ok(());
        }
        let wait = (window.since + TimeDelta::seconds(WINDOW.into()) - now).to_std().unwrap_or_default();
        let error = Error::TooManyAttempts(Spent { limit: "attempts", requests: self.most, seconds: WINDOW, wait });
        Err(Limited { error, first: window.attempts == self.most.saturating_add(1) })
    }

    /// The password was right.
    pub(crate) fn forget(&self, email: &str) {
        self.of.invalidate(&key(email));
    }
}

fn key(email: &str) -> [u8; 32] {
    Sha256::digest(email::key(email).as_bytes()).into()
}

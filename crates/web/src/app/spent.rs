//! `SpentLog`: where limits of requests that were spent are noted; joined with the security events in `bin/server`. Each once for a key and
//! window, and so many a minute at most, however many keys there are.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use kernel::{OrgId, RequestId, UserId};

/// Of all keys together so many are noted in a minute by one process. The others are in its log and its counter alone.
const MOST_NOTED: u32 = 60;
const MINUTE: Duration = Duration::from_secs(60);

/// A limit of requests that was spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpentLimit {
    /// Requests without a session, by address.
    Address,
    /// Requests of a person, or of an API key that they made, the last one in this organisation.
    Person(UserId, OrgId),
    /// Requests in an organisation.
    Organization(OrgId),
    /// Sign-ins and registrations, by address.
    SignIns,
}

/// Notes limits that were spent.
#[async_trait]
pub trait SpentLog: Send + Sync {
    /// `limit` was spent for the first time in its window, by this request from this address. A failure to note it is the log's own to tell.
    async fn spent(&self, limit: SpentLimit, request: &RequestId, address: Option<IpAddr>);
}

/// What was noted lately, by key.
pub(super) struct Noted<K> {
    since: Mutex<HashMap<K, Instant>>,
    window: Duration,
}

impl<K: Hash + Eq + Clone> Noted<K> {
    pub(super) fn new(window: Duration) -> Self {
        Self { since: Mutex::default(), window }
    }

    /// Whether it is to be noted: for the first time in its window, and there is room.
    pub(super) fn is_due(&self, key: &K, room: &Room) -> bool {
        let now = Instant::now();
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = since.get(key).is_some_and(|since| now.duration_since(*since) < self.window);
        if noted || !room.take(now) {
            return false;
        }
        since.insert(key.clone(), now);
        true
    }

    /// Forgets the keys whose window is over.
    pub(super) fn forget_old(&self) {
        let mut noted = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        noted.retain(|_, since| since.elapsed() < self.window);
    }
}

/// How much is noted in a minute.
#[derive(Default)]
pub(super) struct Room(Mutex<Option<(Instant, u32)>>);

impl Room {
    fn take(&self, now: Instant) -> bool {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, count) = taken.filter(|(began, _)| now.duration_since(*began) < MINUTE).unwrap_or((now, 0));
        *taken = Some((began, count.saturating_add(1)));
        count < MOST_NOTED
    }
}

//! `Held`: a session in memory with when it was last used, and `Seen`: what is to be written down of that.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use auth_api::Session;
use chrono::TimeDelta;
use kernel::{SessionId, Timestamp};

/// That a session is used is written down so often at most.
const NOTED_EVERY: i64 = 60_000;
/// And kept in memory so often: what many threads use at a time need not be written by each.
const KEPT_EVERY: i64 = 1_000;

/// A session as this process holds it.
pub(crate) struct Held {
    pub(crate) session: Arc<Session>,
    /// Whether its organisation is suspended.
    pub(crate) is_suspended: bool,
    /// Whether its organisation lets nobody in by what made it: only its own issuer does.
    pub(crate) is_shut: bool,
    /// For how long it may go unused, in milliseconds.
    idle: Option<i64>,
    /// When it was last used, as far as this process knows: milliseconds since 1970.
    last: AtomicI64,
    /// What of that is written down, or about to be.
    noted: AtomicI64,
}

impl Held {
    /// One that was last used at a time, of whom others may have noted it.
    pub(crate) fn new(session: Session, idle: Option<TimeDelta>, last_seen_at: Timestamp) -> Self {
        let last = last_seen_at.timestamp_millis();
        Self {
            session: Arc::new(session),
            is_suspended: false,
            is_shut: false,
            idle: idle.map(|idle| idle.num_milliseconds()),
            last: AtomicI64::new(last),
            noted: AtomicI64::new(last),
        }
    }

    /// The same, in an organisation that is suspended or not.
    pub(crate) fn suspended(self, is_suspended: bool) -> Self {
        Self { is_suspended, ..self }
    }

    /// The same, where the organisation lets nobody in by what made it, or does.
    pub(crate) fn shut(self, is_shut: bool) -> Self {
        Self { is_shut, ..self }
    }

    /// Whether it went unused for longer than the organisation allows, as far as this process knows.
    pub(crate) fn is_unused(&self, now: Timestamp) -> bool {
        self.idle.is_some_and(|idle| now.timestamp_millis() - self.last.load(Ordering::Relaxed) >= idle)
    }

    /// It is used now. Once in a while that goes into `seen`.
    pub(crate) fn used(&self, now: Timestamp, seen: &Seen) {
        let at = now.timestamp_millis();
        if at - self.last.load(Ordering::Relaxed) >= KEPT_EVERY {
            self.last.fetch_max(at, Ordering::Relaxed);
        }
        let noted = self.noted.load(Ordering::Relaxed);
        if at - noted >= NOTED_EVERY && self.noted.compare_exchange(noted, at, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            seen.note(self.session.id, now);
        }
    }
}

/// Which sessions were used when, until that is written down for all of them together.
pub(crate) struct Seen {
    waiting: Mutex<HashMap<SessionId, Timestamp>>,
    most: usize,
}

impl Seen {
    /// Of at most so many sessions: what is beyond is lost, should nothing be written for long.
    pub(crate) fn new(most: u64) -> Self {
        Self { waiting: Mutex::default(), most: usize::try_from(most).unwrap_or(usize::MAX) }
    }

    fn note(&self, session: SessionId, at: Timestamp) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let room = waiting.len() < self.most;
        match waiting.get_mut(&session) {
            Some(last) => *last = at.max(*last),
            None if room => {
                waiting.insert(session, at);
            }
            None => {}
        }
    }

    /// When a session was last used, if that waits to be written.
    pub(crate) fn of(&self, session: SessionId) -> Option<Timestamp> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).get(&session).copied()
    }

    /// What is to be written: from now on it waits no longer.
    pub(crate) fn take(&self) -> Vec<(SessionId, Timestamp)> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }

    /// It could not be written: it waits again.
    pub(crate) fn put_back(&self, unwritten: Vec<(SessionId, Timestamp)>) {
        for (session, at) in unwritten {
            self.note(session, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{AddedPermissions, OrgId, OrgRole, ProjectRoles, UserId};

    fn at(seconds: i64) -> Timestamp {
        chrono::DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn held(idle: Option<TimeDelta>) -> Held {
        let (id, user, org, projects) = (SessionId::new(), UserId::new(), OrgId::new(), ProjectRoles::default());
        let (expires_at, authenticated_at) = (Timestamp::MAX_UTC, at(0));
        let (role, factor, added) = (OrgRole::Member, auth_api::FactorStanding::default(), AddedPermissions::default());
        let bound = false;
        Held::new(Session { id, user, org, role, projects, added, expires_at, authenticated_at, factor, bound }, idle, at(0))
    }

    #[test]
    fn what_is_used_is_noted_once_a_minute() {
        let (held, seen) = (held(None), Seen::new(10));
        let noted = |seconds| {
            held.used(at(seconds), &seen);
            seen.take().into_iter().map(|(_, at)| at).collect::<Vec<_>>()
        };
        assert!(noted(59).is_empty());
        assert_eq!(noted(60), [at(60)]);
        assert!(noted(119).is_empty());
        assert_eq!(noted(300), [at(300)]);
        assert!(!held.is_unused(Timestamp::MAX_UTC), "nobody said for how long it may go unused");
    }

    #[test]
    fn a_session_is_unused_when_nobody_used_it_for_so_long() {
        let (held, seen) = (held(Some(TimeDelta::minutes(5))), Seen::new(10));
        assert!(!held.is_unused(at(299)) && held.is_unused(at(300)));
        held.used(at(299), &seen);
        assert!(!held.is_unused(at(598)) && held.is_unused(at(599)));
        held.used(at(100), &seen);
        assert!(!held.is_unused(at(598)), "an earlier use changes nothing");
    }

    #[test]
    fn what_could_not_be_written_waits_again_and_is_bounded() {
        let (seen, [a, b]) = (Seen::new(1), [SessionId::new(), SessionId::new()]);
        seen.note(a, at(1));
        let taken = seen.take();
        assert_eq!((seen.of(a), taken.len()), (None, 1));
        seen.note(a, at(5));
        seen.put_back(taken);
        assert_eq!(seen.of(a), Some(at(5)), "the later one");
        seen.note(b, at(6));
        assert_eq!(seen.of(b), None, "no room");
    }
}

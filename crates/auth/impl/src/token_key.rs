//! When a key for tokens is made, signs and is believed, pure.

use std::time::Duration;

use chrono::TimeDelta;
use kernel::Timestamp;
use uuid::Uuid;

/// A key is shown for so long before it signs. Others may keep the list for five minutes, and look at it anew when they meet an id that is not in it.
pub(crate) const SHOWN_BEFORE: TimeDelta = TimeDelta::minutes(20);
/// And believed for so long after another one signs in its place: a server that has not got that one's secret yet goes on with it.
const BELIEVED_AFTER: TimeDelta = TimeDelta::hours(1);

/// A key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredTokenKey {
    pub(crate) kid: Uuid,
    pub(crate) public: Vec<u8>,
    pub(crate) signs_from: Timestamp,
    pub(crate) verifies_until: Option<Timestamp>,
}

impl StoredTokenKey {
    /// Whether a token that it signed is believed at a time.
    pub(crate) fn is_believed(&self, at: Timestamp) -> bool {
        self.verifies_until.is_none_or(|until| at < until)
    }

    /// Whether it may sign now what is to be believed until then.
    pub(crate) fn signs(&self, now: Timestamp, until: Timestamp) -> bool {
        self.signs_from <= now && self.is_believed(until)
    }
}

/// Why another key is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// If there is none.
    First,
    /// If the newest one has signed for so long, or is about to.
    After(Duration),
    /// An operator wants another.
    Now,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// One is made that signs at once: there is none.
    First,
    /// One is made that signs from this time on, and the newest is believed until that one.
    Next { signs_from: Timestamp, believed_until: Timestamp },
    /// The newest one stays that.
    None,
}

/// What is to be done, by the newest key.
pub(crate) fn step(newest: Option<&StoredTokenKey>, wanted: Wanted, now: Timestamp) -> Step {
    let Some(newest) = newest else { return Step::First };
    let signs_from = now + SHOWN_BEFORE;
    let due = match wanted {
        Wanted::First => false,
        // One that does not sign yet is young enough.
        Wanted::After(life) => TimeDelta::from_std(life)
            .ok()
            .and_then(|life| newest.signs_from.checked_add_signed(life))
            .is_some_and(|ends| ends <= signs_from),
        Wanted::Now => newest.signs_from <= now,
    };
    if due { Step::Next { signs_from, believed_until: signs_from + BELIEVED_AFTER } } else { Step::None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn key(signs_from: TimeDelta) -> StoredTokenKey {
        StoredTokenKey { kid: Uuid::nil(), public: Vec::new(), signs_from: AT + signs_from, verifies_until: None }
    }

    #[test]
    fn the_first_key_signs_at_once_and_every_other_is_shown_before() {
        for wanted in [Wanted::First, Wanted::After(Duration::from_secs(1)), Wanted::Now] {
            assert_eq!(step(None, wanted, AT), Step::First);
        }
        let next = Step::Next { signs_from: AT + TimeDelta::minutes(20), believed_until: AT + TimeDelta::minutes(80) };
        assert_eq!(step(Some(&key(TimeDelta::zero())), Wanted::First, AT), Step::None);
        assert_eq!(step(Some(&key(TimeDelta::zero())), Wanted::Now, AT), next);
        assert_eq!(step(Some(&key(TimeDelta::seconds(1))), Wanted::Now, AT), Step::None, "one is on its way");
        let day = Wanted::After(Duration::from_secs(24 * 3600));
        assert_eq!(
            step(Some(&key(TimeDelta::minutes(20 - 24 * 60))), day, AT),
            next,
            "as the newest has signed for a day, the next signs"
        );
        assert_eq!(step(Some(&key(TimeDelta::minutes(21 - 24 * 60))), day, AT), Step::None);
    }

    #[test]
    fn a_key_signs_only_what_ends_while_it_is_believed() {
        let minute = TimeDelta::minutes(1);
        let old = StoredTokenKey { verifies_until: Some(AT + minute * 10), ..key(TimeDelta::zero()) };
        assert!(old.signs(AT, AT + minute * 9) && !old.signs(AT, AT + minute * 10));
        assert!(!old.signs(AT - minute, AT) && key(TimeDelta::zero()).signs(AT, AT + TimeDelta::days(999)));
        assert!(old.is_believed(AT + minute * 9) && !old.is_believed(AT + minute * 10));
    }
}

//! `Attempts`: how often passwords were tried lately, for one email from one network, for one email, and in vain from one network.

use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use auth_api::{Error, email};
use chrono::TimeDelta;
use kernel::{Spent, Timestamp};
use sha2::{Digest, Sha256};

/// So much is remembered of each; who tries more at a time meets the limits of addresses and of hashing long before.
const REMEMBERED: u64 = 100_000;
/// Attempts are counted for so many seconds from the first.
const WINDOW: u32 = 60;
/// One email may be tried from everywhere so many times as often as from one network.
const NETWORKS: u32 = 5;

/// Slows guessing. Known and unknown emails count alike, and only as hashes.
///
/// An email is counted by the network that it is tried from: whoever guesses somewhere else, or a colleague who mistypes behind the same address,
/// keeps nobody from signing in. Many networks together still try one email a bounded number of times, and one network tries a bounded number of
/// wrong passwords on many. Sessions go on meanwhile, and the right password starts anew.
pub(crate) struct Attempts {
    /// By what is tried and from where.
    here: Windows<[u8; 32]>,
    /// By what is tried.
    everywhere: Windows<[u8; 32]>,
    /// Wrong passwords by where they came from.
    wrong: Windows<IpAddr>,
}

struct Windows<K> {
    of: moka::sync::Cache<K, Arc<Mutex<Window>>>,
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

impl<K: Hash + Eq + Send + Sync + 'static> Windows<K> {
    fn new(most: u32) -> Self {
        let of = moka::sync::Cache::builder().max_capacity(REMEMBERED).time_to_idle(std::time::Duration::from_secs(600)).build();
        Self { of, most }
    }

    /// Counts one, and refuses those beyond the limit.
    fn count(&self, key: K, now: Timestamp) -> Result<(), Limited> {
        let window = self.of.get_with(key, || Arc::new(Mutex::new(Window { since: now, attempts: 0 })));
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        if now - window.since >= TimeDelta::seconds(WINDOW.into()) {
            *window = Window { since: now, attempts: 0 };
        }
        window.attempts = window.attempts.saturating_add(1);
        if window.attempts <= self.most { Ok(()) } else { Err(self.limited(&window, now)) }
    }

    /// Refuses if the limit is reached, without counting.
    fn look(&self, key: &K, now: Timestamp) -> Result<(), Limited> {
        let Some(window) = self.of.get(key) else { return Ok(()) };
        let window = window.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = now - window.since >= TimeDelta::seconds(WINDOW.into());
        if is_over || window.attempts < self.most { Ok(()) } else { Err(self.limited(&window, now)) }
    }

    fn limited(&self, window: &Window, now: Timestamp) -> Limited {
        let wait = (window.since + TimeDelta::seconds(WINDOW.into()) - now).to_std().unwrap_or_default();
        let error = Error::TooManyAttempts(Spent { limit: "attempts", requests: self.most, seconds: WINDOW, wait });
        Limited { error, first: window.attempts == self.most.saturating_add(1) }
    }
}

impl Attempts {
    /// At most `most` a minute for one email from one network, and `wrong` wrong ones from one network.
    pub(crate) fn new(most: u32, wrong: u32) -> Self {
        let everywhere = Windows::new(most.saturating_mul(NETWORKS));
        Self { here: Windows::new(most), everywhere, wrong: Windows::new(wrong) }
    }

    /// Counts an attempt to sign in. What is refused from one network does not count for the others.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`].
    pub(crate) fn count(&self, email: &str, from: Option<IpAddr>, now: Timestamp) -> Result<(), Limited> {
        let network = network_of(from);
        self.wrong.look(&network, now)?;
        self.here.count(key_at(email, network), now)?;
        self.everywhere.count(key(email), now)
    }

    /// The password was wrong.
    pub(crate) fn was_wrong(&self, from: Option<IpAddr>, now: Timestamp) {
        // Whoever comes next is refused.
        let _ = self.wrong.count(network_of(from), now);
    }

    /// The password was right.
    pub(crate) fn forget(&self, email: &str, from: Option<IpAddr>) {
        self.here.of.invalidate(&key_at(email, network_of(from)));
        self.everywhere.of.invalidate(&key(email));
    }

    /// Counts an attempt of somebody who is signed in, by what it is about.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`].
    pub(crate) fn count_own(&self, what: &str, now: Timestamp) -> Result<(), Limited> {
        self.here.count(digest(what), now)
    }

    /// It was right.
    pub(crate) fn forget_own(&self, what: &str) {
        self.here.of.invalidate(&digest(what));
    }
}

fn key(text: &str) -> [u8; 32] {
    digest(&email::key(text))
}

fn key_at(text: &str, network: IpAddr) -> [u8; 32] {
    digest(&format!("{} {network}", email::key(text)))
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Somebody with an IPv6 address usually has 2⁶⁴ of them. As the limits of requests count them.
fn network_of(address: Option<IpAddr>) -> IpAddr {
    match address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX))),
        },
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        chrono::DateTime::UNIX_EPOCH
    }

    fn at(n: u8) -> Option<IpAddr> {
        Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, n)))
    }

    fn quota(refused: Result<(), Limited>) -> Option<u32> {
        match refused.err()?.error {
            Error::TooManyAttempts(spent) => Some(spent.requests),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_colleague_who_mistypes_locks_nobody_out_behind_the_same_address() {
        let attempts = Attempts::new(3, 10);
        for n in 0..50 {
            let counted = attempts.count("ada@example.com", at(1), now());
            if counted.is_ok() {
                attempts.was_wrong(at(1), now());
            }
            assert_eq!(quota(counted), (n >= 3).then_some(3));
        }
        assert!(attempts.count("bob@example.com", at(1), now()).is_ok());
        assert!(attempts.count("ada@example.com", at(2), now()).is_ok(), "and not even ada, elsewhere");
        attempts.forget("ada@example.com", at(1));
        assert!(attempts.count("Ada@example.com ", at(1), now()).is_ok(), "the right one starts anew");
    }

    #[test]
    fn many_networks_try_one_email_a_bounded_number_of_times() {
        let attempts = Attempts::new(3, 10);
        let tried: Vec<_> = (0..30).map(|n| quota(attempts.count("ada@example.com", at(n), now()))).collect();
        assert_eq!(tried[..15], [None; 15]);
        assert_eq!(tried[15..], [Some(15); 15]);
        assert!(attempts.count("ada@example.com", at(99), now() + TimeDelta::seconds(60)).is_ok(), "for a minute");
    }

    #[test]
    fn one_network_tries_a_bounded_number_of_wrong_passwords() {
        let attempts = Attempts::new(3, 10);
        let stuff = |n: u8, from: Option<IpAddr>| {
            let counted = attempts.count(&format!("{n}@example.com"), from, now());
            if counted.is_ok() {
                attempts.was_wrong(from, now());
            }
            quota(counted)
        };
        let tried: Vec<_> = (0..20).map(|n| stuff(n, at(1))).collect();
        assert_eq!(tried[..10], [None; 10]);
        assert_eq!(tried[10..], [Some(10); 10]);
        assert_eq!(stuff(20, at(2)), None);
        // An IPv6 network is one.
        let v6 = |n: u8| Some(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, u16::from(n), 0, 0, 1)));
        let tried: Vec<_> = (30..50).map(|n| stuff(n, v6(n))).collect();
        assert_eq!(tried.iter().filter(|refused| refused.is_some()).count(), 10);
        let mapped = Some(IpAddr::V6(Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped()));
        assert_eq!(stuff(60, mapped), Some(10));
    }
}

//! `Attempts`: how many wrong passwords are tried, for one email from one network or device, for one email from strangers, from one network.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use auth_api::{ConnectionId, Error, email};
use kernel::{Clock, Timestamp, UserId};
use sha2::{Digest, Sha256};

use crate::budget::{Allowance, Budgets, Limited, Try};
use crate::token::TokenHash;

/// Wrong passwords for one email are counted for an hour.
const HOUR: u32 = 3600;
/// Those from one network, for whatever emails, for a minute.
const MINUTE: u32 = 60;
/// Strangers may try one email so many times as often as one of them alone.
const STRANGERS: u32 = 5;
/// This part of what was allowed at first is allowed after a pause.
const AGAIN: u32 = 5;

/// Slows guessing. Known and unknown emails count alike, and only as hashes.
///
/// Whoever tries an email has a budget of their own: that of the network, or of the device if it presents the cookie of one that signed in
/// before. Who comes from elsewhere shares two more with all other strangers: the email's, and the network's. So nobody keeps a person from
/// signing in where they did before: neither many networks together, nor a colleague behind the same address. Sessions go on meanwhile, and
/// the right password gives the own budget back.
pub(crate) struct Attempts {
    /// By what is tried and from where, or by the device that tries.
    own: Budgets<[u8; 32]>,
    /// By what strangers try.
    strangers: Budgets<[u8; 32]>,
    /// By the networks of strangers.
    networks: Budgets<Option<IpAddr>>,
    /// For so long one waits for the outcome of others' tries.
    patience: Duration,
}

/// Where the person whose email is tried has signed in before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Familiar {
    /// On this device: it presents their cookie.
    Device(TokenHash),
    /// From this network.
    Network,
    /// Neither.
    Stranger,
}

/// By what tries of somebody who is signed in are counted: apart in sessions that the issuer of a connection made. Whoever runs that makes as many of them as
/// they like, and spends nothing of the person's own by it.
pub(crate) fn own_factor_key(user: UserId, by: Option<ConnectionId>) -> String {
    apart(format!("second factor of {user}"), by)
}

/// The same of the password.
pub(crate) fn own_password_key(user: UserId, by: Option<ConnectionId>) -> String {
    apart(format!("password of {user}"), by)
}

fn apart(key: String, by: Option<ConnectionId>) -> String {
    match by {
        Some(connection) => format!("{key} by {connection}"),
        None => key,
    }
}

/// By what tries of somebody who signs in are counted: strangers together, and apart from whoever has signed in there before, so that they keep
/// nobody out.
pub(crate) fn factor_key(user: UserId, familiar: Familiar) -> String {
    match familiar {
        Familiar::Device(device) => format!("second factor of {user} on {}", hex::encode(device)),
        Familiar::Network => format!("second factor of {user} at home"),
        Familiar::Stranger => format!("second factor of {user} anywhere"),
    }
}

/// The places that a try has taken; given back when dropped.
pub(crate) struct Tries(Vec<Try>);

impl Tries {
    /// The password was wrong.
    pub(crate) fn were_wrong(&self, now: Timestamp) {
        for one in &self.0 {
            one.was_wrong(now);
        }
    }
}

impl Attempts {
    /// `most` wrong ones in an hour for one email from one network or device, and `wrong` in a minute from one network of strangers. Who waits
    /// for others' outcomes does so for `patience`.
    pub(crate) fn new(most: u32, wrong: u32, patience: Duration) -> Self {
        let hourly = |most: u32| Budgets::new(Allowance { most, seconds: HOUR, again: most / AGAIN });
        Self {
            own: hourly(most),
            strangers: hourly(most.saturating_mul(STRANGERS)),
            networks: Budgets::new(Allowance { most: wrong, seconds: MINUTE, again: wrong }),
            patience,
        }
    }

    /// Refuses who pauses with an email in a network, and takes no place: whoever goes on trying costs nothing.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`].
    pub(crate) fn look(&self, email: &str, from: Option<IpAddr>, now: Timestamp) -> Result<(), Limited> {
        self.own.look(&key_at(email, from), now)
    }

    /// Takes the places of an attempt to sign in, the own one first: what is refused there takes none from others.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`]; [`Error::Busy`] if others' outcomes take too long.
    pub(crate) async fn enter(
        &self,
        email: &str,
        from: Option<IpAddr>,
        familiar: Familiar,
        clock: &dyn Clock,
    ) -> Result<Tries, Limited> {
        let entered = async {
            Ok::<_, Limited>(Tries(match familiar {
                Familiar::Device(device) => vec![self.own.enter(device, clock).await?],
                Familiar::Network => vec![self.own.enter(key_at(email, from), clock).await?],
                Familiar::Stranger => vec![
                    self.own.enter(key_at(email, from), clock).await?,
                    self.strangers.enter(key(email), clock).await?,
                    self.networks.enter(network_of(from), clock).await?,
                ],
            }))
        };
        self.patiently(entered).await
    }

    /// The password was right: the own budget is whole again. That of strangers is not, or the person's own sign-ins would give it back to who
    /// guesses.
    pub(crate) fn forget(&self, email: &str, from: Option<IpAddr>, familiar: Familiar) {
        match familiar {
            Familiar::Device(device) => self.own.forget(&device),
            Familiar::Network | Familiar::Stranger => self.own.forget(&key_at(email, from)),
        }
    }

    /// Takes the place of an attempt of somebody who is signed in, by what it is about.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`]; [`Error::Busy`] if others' outcomes take too long.
    pub(crate) async fn enter_own(&self, what: &str, clock: &dyn Clock) -> Result<Tries, Limited> {
        self.patiently(async { Ok::<_, Limited>(Tries(vec![self.own.enter(digest(what), clock).await?])) }).await
    }

    /// It was right.
    pub(crate) fn forget_own(&self, what: &str) {
        self.own.forget(&digest(what));
    }

    async fn patiently(&self, entered: impl Future<Output = Result<Tries, Limited>> + Send) -> Result<Tries, Limited> {
        let busy = |_| Limited { error: Error::Busy(self.patience), first: false };
        tokio::time::timeout(self.patience, entered).await.map_err(busy)?
    }
}

fn key(text: &str) -> [u8; 32] {
    digest(&email::key(text))
}

fn key_at(text: &str, from: Option<IpAddr>) -> [u8; 32] {
    let network = network_of(from).map_or_else(|| "nowhere".to_owned(), |network| network.to_string());
    digest(&format!("{} {network}", email::key(text)))
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Somebody with an IPv6 address usually has 2⁶⁴ of them. As the limits of requests count them.
pub(crate) fn network_of(address: Option<IpAddr>) -> Option<IpAddr> {
    Some(match address? {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX))),
        },
        v4 => v4,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    use chrono::TimeDelta;
    use kernel::ManualClock;

    use super::*;

    fn clock() -> ManualClock {
        ManualClock::at(chrono::DateTime::UNIX_EPOCH)
    }

    fn attempts() -> Attempts {
        Attempts::new(3, 10, Duration::from_secs(600))
    }

    fn at(n: u8) -> Option<IpAddr> {
        Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, n)))
    }

    /// Tries a wrong password: the limit that was spent, if it was not allowed.
    async fn guess(
        attempts: &Attempts,
        clock: &ManualClock,
        email: &str,
        from: Option<IpAddr>,
        familiar: Familiar,
    ) -> Option<u32> {
        match attempts.enter(email, from, familiar, clock).await {
            Ok(tries) => {
                tries.were_wrong(clock.now());
                None
            }
            Err(Limited { error: Error::TooManyAttempts(spent), .. }) => Some(spent.requests),
            Err(limited) => panic!("{}", limited.error),
        }
    }

    #[tokio::test]
    async fn a_colleague_who_mistypes_locks_nobody_out_behind_the_same_address() {
        let (attempts, clock) = (attempts(), clock());
        for n in 0..50 {
            let refused = guess(&attempts, &clock, "ada@example.com", at(1), Familiar::Stranger).await;
            assert_eq!(refused, (n >= 3).then_some(3));
        }
        assert!(attempts.look("Ada@example.com ", at(1), clock.now()).is_err(), "told without asking anybody");
        assert_eq!(guess(&attempts, &clock, "bob@example.com", at(1), Familiar::Stranger).await, None);
        assert_eq!(
            guess(&attempts, &clock, "ada@example.com", at(2), Familiar::Stranger).await,
            None,
            "and not even ada, elsewhere"
        );
        let device = Familiar::Device([7; 32]);
        assert_eq!(guess(&attempts, &clock, "ada@example.com", at(1), device).await, None, "nor on a device of hers, here");
        attempts.forget("ada@example.com", at(1), Familiar::Network);
        assert!(attempts.look("ada@example.com", at(1), clock.now()).is_ok(), "the right one starts anew");
    }

    #[tokio::test]
    async fn who_signed_in_here_before_is_kept_out_by_nobody_elsewhere() {
        let (attempts, clock) = (attempts(), clock());
        let mut tried = Vec::new();
        for n in 0..30 {
            tried.push(guess(&attempts, &clock, "ada@example.com", at(n), Familiar::Stranger).await);
        }
        assert_eq!(tried[..15], [None; 15]);
        assert_eq!(tried[15..], [Some(15); 15], "from networks that never tried before");
        let device = Familiar::Device([7; 32]);
        for familiar in [Familiar::Network, device] {
            let mut tried = Vec::new();
            for _ in 0..4 {
                tried.push(guess(&attempts, &clock, "ada@example.com", at(99), familiar).await);
            }
            assert_eq!(tried, [None, None, None, Some(3)], "and has a budget too");
        }
        clock.advance(TimeDelta::seconds(60));
        assert_eq!(guess(&attempts, &clock, "ada@example.com", at(100), Familiar::Stranger).await, None, "for a minute");
    }

    #[tokio::test]
    async fn sign_ins_of_the_person_give_strangers_nothing_back() {
        let (attempts, clock) = (attempts(), clock());
        for n in 0..15 {
            assert_eq!(guess(&attempts, &clock, "ada@example.com", at(n), Familiar::Stranger).await, None);
        }
        attempts.forget("ada@example.com", at(200), Familiar::Network);
        assert_eq!(guess(&attempts, &clock, "ada@example.com", at(100), Familiar::Stranger).await, Some(15));
    }

    #[tokio::test]
    async fn one_network_tries_a_bounded_number_of_wrong_passwords() {
        let (attempts, clock) = (attempts(), clock());
        let stuff = async |n: u8, from: Option<IpAddr>, familiar: Familiar| {
            guess(&attempts, &clock, &format!("{n}@example.com"), from, familiar).await
        };
        let mut tried = Vec::new();
        for n in 0..20 {
            tried.push(stuff(n, at(1), Familiar::Stranger).await);
        }
        assert_eq!(tried[..10], [None; 10]);
        assert_eq!(tried[10..], [Some(10); 10]);
        assert_eq!(stuff(20, at(2), Familiar::Stranger).await, None);
        assert_eq!(stuff(21, at(1), Familiar::Network).await, None, "who signed in from there before has another limit");
        // An IPv6 network is one.
        let v6 = |n: u8| Some(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, u16::from(n), 0, 0, 1)));
        let mut refused = 0;
        for n in 30..50 {
            refused += u32::from(stuff(n, v6(n), Familiar::Stranger).await.is_some());
        }
        assert_eq!(refused, 10);
        let mapped = Some(IpAddr::V6(Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped()));
        assert_eq!(stuff(60, mapped, Familiar::Stranger).await, Some(10));
    }

    #[tokio::test]
    async fn a_crowd_of_right_ones_behind_one_address_is_let_in_one_after_another() {
        let (attempts, clock) = (Arc::new(attempts()), Arc::new(clock()));
        let sign_in = |n: u32| {
            let (attempts, clock) = (Arc::clone(&attempts), Arc::clone(&clock));
            async move {
                let entered = attempts.enter(&format!("{n}@example.com"), at(1), Familiar::Stranger, &*clock).await;
                tokio::task::yield_now().await;
                entered.is_ok()
            }
        };
        let crowd: Vec<_> = (0..300).map(|n| tokio::spawn(sign_in(n))).collect();
        for one in crowd {
            assert!(one.await.unwrap());
        }
    }
}

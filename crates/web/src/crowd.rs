//! `Crowd`: who is connected, and whose turn it is to go.
//!
//! Nobody is refused while somebody else only waits: a newcomer beyond a limit takes the seat of whoever has been waited for longest, of
//! its own address first. So whoever opens a thousand connections and sends nothing loses them to itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Context;
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use auth_api::Network;
use futures::task::AtomicWaker;
use metrics::{counter, gauge};

use crate::client::{is_trusted, network_of};

/// Slower than so many bytes a second, a client that takes its answer bit by bit is one that does not take it.
const LEAST_RATE: u64 = 1024;

/// What the crowd is bounded by.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Seats.
    pub all: usize,
    /// Seats of one address.
    pub per_address: usize,
    /// Whose connections are not counted by address.
    pub trusted: Vec<Network>,
    /// From the first byte of a request to the end of its head.
    pub head: Duration,
    /// Without a request.
    pub idle: Duration,
    /// Without taking what is written.
    pub write: Duration,
    /// After an answer that ends the connection.
    pub goodbye: Duration,
}

/// What a connection is doing. A `u8` in an atomic.
mod phase {
    /// The client is to send a request.
    pub const HEAD: u8 = 0;
    /// A request is being served: the client is not waited for.
    pub const SERVING: u8 = 1;
    /// The client is to go on sending a body. Its extractor looks at the clock.
    pub const BODY: u8 = 2;
    /// The last answer was given.
    pub const GOODBYE: u8 = 3;
}

/// Everybody who is connected.
pub struct Crowd {
    limits: Limits,
    began: Instant,
    here: Mutex<Here>,
}

#[derive(Default)]
struct Here {
    next: u64,
    seats: BTreeMap<u64, Arc<Seat>>,
    by_address: HashMap<IpAddr, BTreeSet<u64>>,
    /// The last seat that was looked at to make room.
    hand: u64,
}

/// Of so many seats at a time the one that has been waited for longest goes: what a newcomer costs does not grow with the crowd, or whoever
/// knocks five thousand times a second takes the server down by that.
const LOOKED_AT: usize = 512;

/// A connection's place.
pub struct Seat {
    number: u64,
    /// By which it is counted.
    address: Option<IpAddr>,
    crowd: Weak<Crowd>,
    began: Instant,
    lost: AtomicBool,
    waker: AtomicWaker,
    phase: AtomicU8,
    /// Milliseconds since the crowd began: when the phase began; when the first byte of a head was heard, and when writing was held up (0: not).
    since: AtomicU64,
    heard: AtomicU64,
    blocked: AtomicU64,
    /// Bytes taken since writing was held up.
    taken: AtomicU64,
}

impl Crowd {
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, began: Instant::now(), here: Mutex::default() })
    }

    /// Ends, for as long as the crowd is there, what takes too long.
    pub fn watch(self: &Arc<Self>) {
        let shortest = [self.limits.head, self.limits.idle, self.limits.write, self.limits.goodbye].into_iter().min();
        let tick = (shortest.unwrap_or_default() / 4).clamp(Duration::from_millis(20), Duration::from_secs(1));
        let crowd = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(tick).await;
                let Some(crowd) = crowd.upgrade() else { return };
                crowd.sweep();
            }
        });
    }

    /// A seat, if need be somebody else's. `None` if all are busy.
    pub fn enter(self: &Arc<Self>, peer: Option<IpAddr>) -> Option<Arc<Seat>> {
        let counted = peer.filter(|peer| !is_trusted(*peer, &self.limits.trusted)).map(|peer| network_of(Some(peer)));
        let mut here = self.here();
        if let Some(address) = counted
            && let Some(seats) = here.by_address.get(&address)
            && seats.len() >= self.limits.per_address
        {
            let longest = longest(seats.iter().filter_map(|number| here.seats.get(number)));
            here.make_room(longest)?;
        }
        if here.seats.len() >= self.limits.all {
            let longest = here.longest_of_some();
            here.make_room(longest)?;
        }
        here.next += 1;
        let seat = Arc::new(Seat {
            number: here.next,
            address: counted,
            crowd: Arc::downgrade(self),
            began: self.began,
            lost: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            phase: AtomicU8::new(phase::HEAD),
            since: AtomicU64::new(millis(self.began)),
            heard: AtomicU64::new(0),
            blocked: AtomicU64::new(0),
            taken: AtomicU64::new(0),
        });
        here.seats.insert(seat.number, Arc::clone(&seat));
        if let Some(address) = counted {
            here.by_address.entry(address).or_default().insert(seat.number);
        }
        gauge!("http_connections").increment(1.0);
        Some(seat)
    }

    fn sweep(&self) {
        let now = millis(self.began);
        let mut here = self.here();
        let overdue: Vec<_> = here.seats.values().filter(|seat| seat.is_overdue(now, &self.limits)).map(Arc::clone).collect();
        for seat in overdue {
            counter!("http_connections_ended_total", "why" => "slow").increment(1);
            here.end(&seat);
        }
    }

    fn here(&self) -> MutexGuard<'_, Here> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Here {
    /// Takes the seat away and lets its connection know.
    fn end(&mut self, seat: &Seat) {
        self.forget(seat);
        seat.lost.store(true, Ordering::Release);
        seat.waker.wake();
    }

    fn forget(&mut self, seat: &Seat) {
        if self.seats.remove(&seat.number).is_none() {
            return;
        }
        gauge!("http_connections").decrement(1.0);
        if let Some(address) = seat.address
            && let Some(seats) = self.by_address.get_mut(&address)
        {
            seats.remove(&seat.number);
            if seats.is_empty() {
                self.by_address.remove(&address);
            }
        }
    }

    /// The one that has been waited for longest among those behind the last one looked at; further on only if all of these are being served.
    fn longest_of_some(&mut self) -> Option<Arc<Seat>> {
        let mut left = self.seats.len();
        while left > 0 {
            let hand = self.hand;
            let behind = self.seats.range(hand.saturating_add(1)..).chain(self.seats.range(..=hand));
            let some: Vec<&Arc<Seat>> = behind.take(LOOKED_AT.min(left)).map(|(_, seat)| seat).collect();
            left -= some.len();
            let last = some.last().map_or(0, |seat| seat.number);
            let longest = longest(some.into_iter());
            self.hand = last;
            if longest.is_some() {
                return longest;
            }
        }
        None
    }

    /// Ends this connection; `None`, and counted, if there is none.
    fn make_room(&mut self, longest: Option<Arc<Seat>>) -> Option<()> {
        let Some(seat) = longest else {
            counter!("http_connections_refused_total").increment(1);
            return None;
        };
        counter!("http_connections_ended_total", "why" => "room").increment(1);
        self.end(&seat);
        Some(())
    }
}

/// Who has been waited for longest.
fn longest<'a>(seats: impl Iterator<Item = &'a Arc<Seat>>) -> Option<Arc<Seat>> {
    let waited_for = seats.filter_map(|seat| Some((seat.waited_since()?, seat.number, seat)));
    waited_for.min_by_key(|(since, number, _)| (*since, *number)).map(|(_, _, seat)| Arc::clone(seat))
}

impl Seat {
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// The connection waits for its client: it is to be woken when the seat is taken away.
    pub fn waits(&self, context: &Context<'_>) {
        self.waker.register(context.waker());
    }

    /// Bytes came.
    pub fn heard(&self) {
        if self.heard.load(Ordering::Relaxed) == 0 && self.phase.load(Ordering::Relaxed) == phase::HEAD {
            self.heard.store(self.now(), Ordering::Relaxed);
        }
    }

    /// The client does not take what is written.
    pub fn blocked(&self) {
        if self.blocked.load(Ordering::Relaxed) == 0 {
            self.taken.store(0, Ordering::Relaxed);
            self.blocked.store(self.now(), Ordering::Relaxed);
        }
    }

    /// The client took so many bytes.
    pub fn took(&self, bytes: usize) {
        self.taken.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Nothing is left to be written. The time for the next request begins only now.
    pub fn caught_up(&self) {
        if self.blocked.load(Ordering::Relaxed) != 0 {
            self.since.store(self.now(), Ordering::Relaxed);
            self.blocked.store(0, Ordering::Relaxed);
        }
    }

    /// The connection is closed.
    pub fn leave(&self) {
        if let Some(crowd) = self.crowd.upgrade() {
            crowd.here().forget(self);
        }
    }

    /// The answer that is on its way is the last.
    pub fn say_goodbye(&self) {
        self.enter(phase::GOODBYE);
    }

    fn enter(&self, phase: u8) {
        self.since.store(self.now(), Ordering::Relaxed);
        self.heard.store(0, Ordering::Relaxed);
        self.phase.store(phase, Ordering::Relaxed);
    }

    fn waited_since(&self) -> Option<u64> {
        let blocked = self.blocked.load(Ordering::Relaxed);
        if blocked != 0 {
            return Some(blocked);
        }
        (self.phase.load(Ordering::Relaxed) != phase::SERVING).then(|| self.since.load(Ordering::Relaxed))
    }

    fn is_overdue(&self, now: u64, limits: &Limits) -> bool {
        let over = |since: u64, limit: Duration| now.saturating_sub(since) > u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let blocked = self.blocked.load(Ordering::Relaxed);
        let earned = Duration::from_millis(self.taken.load(Ordering::Relaxed).saturating_mul(1000) / LEAST_RATE);
        if blocked != 0 {
            return over(blocked, limits.write + earned);
        }
        let (since, heard) = (self.since.load(Ordering::Relaxed), self.heard.load(Ordering::Relaxed));
        match self.phase.load(Ordering::Relaxed) {
            phase::HEAD if heard != 0 => over(heard, limits.head),
            phase::HEAD => over(since, limits.idle),
            phase::GOODBYE => over(since, limits.goodbye),
            _ => false,
        }
    }

    fn now(&self) -> u64 {
        millis(self.began)
    }
}

/// Since then; never 0, which means 'not'.
fn millis(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
}

/// While this lives, a request of the connection is being served.
pub struct Serving(Option<Arc<Seat>>);

impl Serving {
    pub fn begin(seat: Option<&Arc<Seat>>) -> Self {
        if let Some(seat) = seat {
            seat.enter(phase::SERVING);
        }
        Self(seat.map(Arc::clone))
    }

    /// The answer ends the connection.
    pub fn say_goodbye(mut self) {
        if let Some(seat) = self.0.take() {
            seat.say_goodbye();
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(seat) = &self.0 {
            seat.enter(phase::HEAD);
        }
    }
}

/// While this lives, the client is to go on sending its body.
pub struct Waiting(Option<Arc<Seat>>);

impl Waiting {
    pub fn begin(request: &HttpRequest) -> Self {
        let seat = request.conn_data::<Arc<Seat>>().map(Arc::clone);
        if let Some(seat) = &seat {
            seat.enter(phase::BODY);
        }
        Self(seat)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(seat) = &self.0 {
            seat.enter(phase::SERVING);
        }
    }
}

/// What a connection is told for which there is no room.
pub fn refusal() -> Vec<u8> {
    let body = r#"{"type":"https://14build.dev/problems/too-many-connections","title":"Too many connections","status":503,"detail":"too many connections are in use: try again after Retry-After seconds, over one connection","code":"TOO_MANY_CONNECTIONS"}"#;
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\ncache-control: no-store\r\n\
         content-type: application/problem+json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(all: usize, per_address: usize) -> Arc<Crowd> {
        Crowd::new(Limits {
            all,
            per_address,
            trusted: vec!["10.0.0.0/8".parse().expect("a network")],
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            write: Duration::from_secs(30),
            goodbye: Duration::from_secs(2),
        })
    }

    fn enter(crowd: &Arc<Crowd>, address: &str) -> Option<Arc<Seat>> {
        crowd.enter(address.parse().ok())
    }

    /// As if the phase had begun so many milliseconds after the crowd did.
    fn since(seat: &Seat, at: u64) {
        seat.since.store(at, Ordering::Relaxed);
    }

    #[test]
    fn a_newcomer_takes_the_seat_of_whom_its_own_address_has_waited_for_longest() {
        let crowd = crowd(100, 2);
        let (one, two, other) = (enter(&crowd, "1.1.1.1"), enter(&crowd, "1.1.1.1"), enter(&crowd, "2.2.2.2"));
        let (one, two, other) = (one.expect("room"), two.expect("room"), other.expect("room"));
        since(&other, 1);
        since(&one, 3);
        since(&two, 2);
        let three = enter(&crowd, "1.1.1.1").expect("a seat of somebody who only waits");
        assert_eq!([one.is_lost(), two.is_lost(), other.is_lost(), three.is_lost()], [false, true, false, false]);
    }

    #[test]
    fn whoever_is_served_keeps_the_seat_and_then_a_newcomer_is_refused() {
        let crowd = crowd(100, 2);
        let seats = [enter(&crowd, "1.1.1.1").expect("room"), enter(&crowd, "1.1.1.1").expect("room")];
        let serving = seats.each_ref().map(|seat| Serving::begin(Some(seat)));
        assert!(enter(&crowd, "1.1.1.1").is_none());
        assert!(enter(&crowd, "1.1.1.2").is_some(), "others have seats of their own");
        drop(serving);
        assert!(enter(&crowd, "1.1.1.1").is_some());
        assert_eq!(seats.iter().filter(|seat| seat.is_lost()).count(), 1);
    }

    #[test]
    fn of_a_large_crowd_a_part_is_looked_at_and_the_next_time_the_next() {
        let crowd = crowd(2 * LOOKED_AT, 10);
        let address = |n: usize| format!("1.{}.{}.1", n / 250, n % 250);
        let seats: Vec<_> = (0..2 * LOOKED_AT).map(|n| enter(&crowd, &address(n)).expect("room")).collect();
        for (n, seat) in seats.iter().enumerate() {
            since(seat, 1000 - (n % 500) as u64);
        }
        let gone = || seats.iter().enumerate().filter(|(_, seat)| seat.is_lost()).map(|(n, _)| n).collect::<Vec<_>>();
        enter(&crowd, "2.1.1.1").expect("a seat");
        assert_eq!(gone(), [499], "the longest of the first part");
        enter(&crowd, "2.1.1.2").expect("a seat");
        assert_eq!(gone(), [499, 999], "and of the second");
        // However far away who waits is, it is found.
        let serving: Vec<_> =
            seats.iter().enumerate().filter(|(n, _)| *n != 700).map(|(_, seat)| Serving::begin(Some(seat))).collect();
        let late: Vec<_> = (1..=2).filter_map(|n| enter(&crowd, &format!("3.1.1.{n}"))).collect();
        assert_eq!((late.len(), seats[700].is_lost()), (2, true), "the newcomers of before, and that one");
        drop(serving);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_trusted_proxies_are_none() {
        let crowd = crowd(100, 1);
        let first = enter(&crowd, "2001:db8:0:1::1").expect("room");
        enter(&crowd, "2001:db8:0:1:ffff::2").expect("the seat of the first");
        assert!(first.is_lost());
        let proxied: Vec<_> = (0..50).map(|_| enter(&crowd, "10.0.0.1").expect("room")).collect();
        assert!(proxied.iter().all(|seat| !seat.is_lost()));
    }

    #[test]
    fn all_together_are_bounded_and_who_leaves_makes_room() {
        let crowd = crowd(2, 2);
        let seats = [enter(&crowd, "1.1.1.1").expect("room"), enter(&crowd, "2.2.2.2").expect("room")];
        seats[0].leave();
        enter(&crowd, "3.3.3.3").expect("room");
        assert!(!seats[1].is_lost(), "there was room");
        since(&seats[1], 0);
        enter(&crowd, "4.4.4.4").expect("a seat of somebody who only waits");
        assert!(seats[1].is_lost());
        assert_eq!(crowd.here().by_address.len(), 2, "nobody is remembered who left");
    }

    #[test]
    fn nobody_is_waited_for_for_ever() {
        let crowd = crowd(100, 100);
        let seat = enter(&crowd, "1.1.1.1").expect("room");
        let overdue = |at: u64| seat.is_overdue(at, &crowd.limits);
        since(&seat, 1000);
        assert!(!overdue(76_000) && overdue(76_001), "without a request");
        seat.heard.store(2000, Ordering::Relaxed);
        assert!(!overdue(12_000) && overdue(12_001), "with half a head, however its bytes trickle");
        let serving = Serving::begin(Some(&seat));
        assert!(!overdue(10_000_000), "a request that is served has the time it takes");
        seat.blocked.store(5000, Ordering::Relaxed);
        assert!(!overdue(35_000) && overdue(35_001), "an answer that is not taken");
        seat.took(LEAST_RATE as usize * 10);
        assert!(!overdue(45_000) && overdue(45_001), "ten seconds' worth of bytes bring ten seconds");
        seat.caught_up();
        assert!(!overdue(10_000_000));
        drop(serving);
        since(&seat, 1);
        seat.blocked.store(80_000, Ordering::Relaxed);
        assert!(!overdue(100_000), "who takes a long answer slowly is not idle");
        seat.caught_up();
        assert!(
            seat.since.load(Ordering::Relaxed) <= seat.now() && !overdue(seat.now()),
            "the time for the next request begins then"
        );
        Serving::begin(Some(&seat)).say_goodbye();
        since(&seat, 1000);
        assert!(!overdue(3000) && overdue(3001), "after the last answer");
    }
}

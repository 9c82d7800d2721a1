//! `Budgets`: how many wrong tries each key may make, and how long it pauses once they are spent.
//!
//! A try takes its place before its outcome is known, and gives it back unless it was wrong: of a burst no more are tried at a time than may turn
//! out wrong. Whoever finds only places that are taken waits for one; whoever finds them spent is told for how long. What was wrong counts for a
//! time of its own, so no moment of a clock has twice as much as another. Every further pause is twice as long as the one before, up to a bound.

use std::collections::VecDeque;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_api::Error;
use chrono::TimeDelta;
use kernel::{Clock, Spent, Timestamp};
use tokio::sync::Notify;

/// So many keys are remembered; who tries more at a time meets the limits of addresses and of hashing long before.
const REMEMBERED: u64 = 100_000;
/// For so long, if nobody tries.
const IDLE: Duration = Duration::from_secs(2 * 3600);
/// Seconds of the first pause.
const PAUSE: i64 = 60;
/// Seconds of the longest.
const LONGEST: i64 = 15 * 60;
/// So long after a pause the next one is a first one again.
const FORGIVEN: TimeDelta = TimeDelta::hours(1);

/// What is allowed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    /// So many wrong tries …
    pub most: u32,
    /// … within so many seconds lead to a pause.
    pub seconds: u32,
    /// So many after it lead to the next.
    pub again: u32,
}

/// Nothing may be tried for a while.
#[derive(Debug)]
pub(crate) struct Limited {
    /// What the caller is told.
    pub error: Error,
    /// Whether nobody was told before in this pause.
    pub first: bool,
}

/// Wrong tries by key.
pub(crate) struct Budgets<K> {
    of: moka::sync::Cache<K, Arc<Budget>>,
    allowance: Allowance,
}

#[derive(Default)]
struct Budget {
    state: Mutex<State>,
    /// Places were given back, or spent.
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// When the wrong ones were tried that count yet, the oldest first.
    wrong: VecDeque<Timestamp>,
    /// Tries whose outcome is not known yet.
    under_way: u32,
    /// How many pauses there were, none of them forgiven.
    pauses: u32,
    /// The end of the last one.
    until: Option<Timestamp>,
    /// Whether what is tried after it is counted already.
    resumed: bool,
    /// Whether somebody was told of it.
    told: bool,
}

enum Room {
    Free,
    /// All that is left is taken by tries that are under way.
    Taken,
    Paused(TimeDelta),
}

impl State {
    fn look(&mut self, allowed: Allowance, now: Timestamp) -> Room {
        if let Some(until) = self.until {
            if now < until {
                return Room::Paused(until - now);
            }
            if !self.resumed {
                self.resumed = true;
                while self.wrong.len() > usize_of(allowed.most.saturating_sub(allowed.again)) {
                    self.wrong.pop_front();
                }
            }
            if now - until >= FORGIVEN {
                (self.until, self.pauses) = (None, 0);
            }
        }
        let counts = TimeDelta::seconds(allowed.seconds.into());
        while self.wrong.front().is_some_and(|at| now - *at >= counts) {
            self.wrong.pop_front();
        }
        let taken = self.wrong.len() + usize_of(self.under_way);
        if taken < usize_of(allowed.most) { Room::Free } else { Room::Taken }
    }

    fn was_wrong(&mut self, allowed: Allowance, now: Timestamp) {
        self.wrong.push_back(now);
        let is_paused = self.until.is_some_and(|until| now < until);
        if is_paused || self.wrong.len() < usize_of(allowed.most) {
            return;
        }
        let seconds = PAUSE.checked_shl(self.pauses).map_or(LONGEST, |seconds| seconds.clamp(PAUSE, LONGEST));
        self.until = Some(now + TimeDelta::seconds(seconds));
        self.pauses = self.pauses.saturating_add(1).min(16);
        (self.resumed, self.told) = (false, false);
    }
}

fn usize_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl Budget {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that a try has taken; given back when dropped.
pub(crate) struct Try {
    budget: Arc<Budget>,
    allowance: Allowance,
}

impl Try {
    /// The try was wrong, and counts.
    pub(crate) fn was_wrong(&self, now: Timestamp) {
        self.budget.state().was_wrong(self.allowance, now);
    }
}

impl Drop for Try {
    fn drop(&mut self) {
        let mut state = self.budget.state();
        state.under_way = state.under_way.saturating_sub(1);
        drop(state);
        self.budget.changed.notify_waiters();
    }
}

impl<K: Hash + Eq + Send + Sync + 'static> Budgets<K> {
    pub(crate) fn new(allowance: Allowance) -> Self {
        // None at all would wait for a place that never comes.
        let most = allowance.most.max(1);
        let allowance = Allowance { most, again: allowance.again.clamp(1, most), ..allowance };
        Self { of: moka::sync::Cache::builder().max_capacity(REMEMBERED).time_to_idle(IDLE).build(), allowance }
    }

    /// Takes a place, perhaps after those that are under way have given theirs back.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`] during a pause.
    pub(crate) async fn enter(&self, key: K, clock: &dyn Clock) -> Result<Try, Limited> {
        let budget = self.of.get_with(key, Arc::default);
        loop {
            // Before the look: what changes after it wakes this one.
            let changed = budget.changed.notified();
            if let Some(taken) = self.take(&budget, clock.now())? {
                return Ok(taken);
            }
            changed.await;
        }
    }

    fn take(&self, budget: &Arc<Budget>, now: Timestamp) -> Result<Option<Try>, Limited> {
        let mut state = budget.state();
        match state.look(self.allowance, now) {
            Room::Free => {
                state.under_way = state.under_way.saturating_add(1);
                Ok(Some(Try { budget: Arc::clone(budget), allowance: self.allowance }))
            }
            Room::Taken => Ok(None),
            Room::Paused(wait) => Err(self.limited(&mut state, wait)),
        }
    }

    /// Refuses during a pause, and takes no place.
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`].
    pub(crate) fn look(&self, key: &K, now: Timestamp) -> Result<(), Limited> {
        let Some(budget) = self.of.get(key) else { return Ok(()) };
        let mut state = budget.state();
        match state.look(self.allowance, now) {
            Room::Paused(wait) => Err(self.limited(&mut state, wait)),
            Room::Free | Room::Taken => Ok(()),
        }
    }

    /// The key starts anew: what was wrong is forgotten, what is under way is not.
    pub(crate) fn forget(&self, key: &K) {
        let Some(budget) = self.of.get(key) else { return };
        let mut state = budget.state();
        *state = State { under_way: state.under_way, ..State::default() };
        drop(state);
        budget.changed.notify_waiters();
    }

    fn limited(&self, state: &mut State, wait: TimeDelta) -> Limited {
        let Allowance { most, seconds, .. } = self.allowance;
        let spent = Spent { limit: "attempts", requests: most, seconds, wait: wait.to_std().unwrap_or_default() };
        Limited { error: Error::TooManyAttempts(spent), first: !std::mem::replace(&mut state.told, true) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use kernel::ManualClock;

    use super::*;

    fn clock() -> ManualClock {
        ManualClock::at(chrono::DateTime::UNIX_EPOCH)
    }

    fn ten_an_hour() -> Budgets<u8> {
        Budgets::new(Allowance { most: 10, seconds: 3600, again: 2 })
    }

    fn wait_of(limited: &Limited) -> u64 {
        match &limited.error {
            Error::TooManyAttempts(spent) => spent.wait.as_secs(),
            other => panic!("{other}"),
        }
    }

    /// Tries wrongly until it has to pause: how often, and for how long then.
    async fn spend(budgets: &Budgets<u8>, clock: &ManualClock) -> (u32, u64) {
        let mut tried = 0;
        loop {
            match budgets.enter(1, clock).await {
                Ok(one) => one.was_wrong(clock.now()),
                Err(limited) => return (tried, wait_of(&limited)),
            }
            tried += 1;
        }
    }

    #[tokio::test]
    async fn every_further_pause_is_twice_as_long_up_to_a_quarter_of_an_hour() {
        let (budgets, clock) = (ten_an_hour(), clock());
        let mut all = Vec::new();
        for _ in 0..7 {
            let (tried, wait) = spend(&budgets, &clock).await;
            all.push((tried, wait));
            clock.advance(TimeDelta::seconds(i64::try_from(wait).unwrap()));
        }
        assert_eq!(all, [(10, 60), (2, 120), (2, 240), (2, 480), (2, 900), (2, 900), (2, 900)]);
        clock.advance(FORGIVEN);
        assert_eq!(spend(&budgets, &clock).await, (10, 60), "an hour later it is forgiven");
    }

    #[tokio::test]
    async fn the_right_one_starts_anew() {
        let (budgets, clock) = (ten_an_hour(), clock());
        assert_eq!(spend(&budgets, &clock).await, (10, 60));
        budgets.forget(&1);
        assert_eq!(spend(&budgets, &clock).await, (10, 60));
    }

    #[tokio::test]
    async fn no_hour_has_more_than_another() {
        let (budgets, clock) = (ten_an_hour(), clock());
        // One at the beginning, eight at the end of an hour that began with it.
        budgets.enter(1, &clock).await.unwrap().was_wrong(clock.now());
        clock.advance(TimeDelta::seconds(3599));
        for _ in 0..8 {
            budgets.enter(1, &clock).await.unwrap().was_wrong(clock.now());
        }
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(spend(&budgets, &clock).await, (2, 60), "the first has gone, those of a second ago have not");
    }

    #[tokio::test]
    async fn a_burst_has_no_more_places_than_may_turn_out_wrong() {
        let (budgets, clock) = (ten_an_hour(), clock());
        let mut places = Vec::new();
        for _ in 0..10 {
            places.push(budgets.enter(1, &clock).await.unwrap());
        }
        let mut context = Context::from_waker(Waker::noop());
        let mut eleventh = pin!(budgets.enter(1, &clock));
        assert!(eleventh.as_mut().poll(&mut context).is_pending(), "it waits for an outcome");
        assert!(budgets.enter(2, &clock).await.is_ok(), "others do not");
        places.pop();
        let Poll::Ready(Ok(eleventh)) = eleventh.as_mut().poll(&mut context) else { panic!("a place was given back") };
        places.push(eleventh);
        let mut twelfth = pin!(budgets.enter(1, &clock));
        assert!(twelfth.as_mut().poll(&mut context).is_pending());
        for place in places.drain(..) {
            place.was_wrong(clock.now());
        }
        let Poll::Ready(Err(limited)) = twelfth.as_mut().poll(&mut context) else { panic!("all ten were wrong") };
        assert_eq!((wait_of(&limited), limited.first), (60, true));
        assert!(!budgets.look(&1, clock.now()).unwrap_err().first, "told once in a pause");
    }
}

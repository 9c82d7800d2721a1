//! `Flood`: whether notifications come faster than they could be looked at one by one.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many of them within a [`WINDOW`] are looked at.
pub(crate) const MOST: u32 = 5_000;
/// And a flood is over when for so long none came beyond that.
const WINDOW: Duration = Duration::from_secs(1);

/// What was counted.
#[derive(Default)]
pub(crate) struct Flood(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    /// Since when, and how many.
    window: Option<(Instant, u32)>,
    /// When the last one came that was beyond.
    last: Option<Instant>,
}

impl Flood {
    /// Counts one; whether it is beyond what can be looked at.
    pub(crate) fn rises(&self, now: Instant) -> bool {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = match counted.window {
            Some((since, count)) if now.duration_since(since) < WINDOW => (since, count.saturating_add(1)),
            _ => (now, 1),
        };
        counted.window = Some((since, count));
        // While it goes on, one is as good as all: those between two windows are not looked at either.
        let beyond = count > MOST || counted.last.is_some_and(|last| now.duration_since(last) < WINDOW);
        if count > MOST {
            counted.last = Some(now);
        }
        beyond
    }

    /// Whether none was beyond lately.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.last.is_none_or(|last| now.duration_since(last) >= WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_begins_beyond_the_most_and_ends_a_while_after_the_last() {
        let (flood, began) = (Flood::default(), Instant::now());
        assert!((0..MOST).all(|_| !flood.rises(began)) && flood.is_over(began), "so many are looked at");
        assert!(flood.rises(began) && !flood.is_over(began));
        let later = began + WINDOW - Duration::from_millis(1);
        assert!(flood.rises(later) && !flood.is_over(later), "it goes on");
        let after = later + WINDOW;
        assert!(flood.is_over(after) && !flood.rises(after));
    }

    #[test]
    fn what_comes_slowly_is_no_flood() {
        let (flood, began) = (Flood::default(), Instant::now());
        for second in 0..10 {
            assert!((0..MOST).all(|_| !flood.rises(began + WINDOW * second)));
        }
    }
}

//! Latencies and what is said of them.

use std::time::Duration;

/// What requests took, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Of these requests.
    #[must_use]
    pub fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// How many requests there were.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// What this share of the requests took at most (nearest rank): of a hundred, the 99th for 0.99. Nothing if there were none.
    #[must_use]
    pub fn at(&self, share: f64) -> Duration {
        let rank = (self.0.len() as f64 * share).ceil() as usize;
        self.0.get(rank.clamp(1, self.0.len().max(1)) - 1).copied().unwrap_or_default()
    }

    /// The middle one.
    #[must_use]
    pub fn p50(&self) -> Duration {
        self.at(0.5)
    }

    /// What all but one of a hundred took at most.
    #[must_use]
    pub fn p99(&self) -> Duration {
        self.at(0.99)
    }
}

/// In milliseconds.
#[must_use]
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The middle one; of none, not a number.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How many times as long one took as the other.
#[must_use]
pub fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(all: impl IntoIterator<Item = u64>) -> Latencies {
        Latencies::of(all.into_iter().map(Duration::from_millis).collect())
    }

    #[test]
    fn a_percentile_is_a_latency_that_was_measured() {
        let hundred = milliseconds((1..=100).rev());
        assert_eq!([0.0, 0.01, 0.5, 0.99, 0.995, 1.0].map(|share| hundred.at(share).as_millis()), [1, 1, 50, 99, 100, 100]);
        assert_eq!((hundred.p50(), hundred.p99()), (Duration::from_millis(50), Duration::from_millis(99)));
        let one = milliseconds([7]);
        assert_eq!((one.p50(), one.p99(), one.count()), (Duration::from_millis(7), Duration::from_millis(7), 1));
        assert_eq!(milliseconds([]).p99(), Duration::ZERO);
    }

    #[test]
    fn one_slow_request_of_two_hundred_is_beyond_p99_and_three_are_not() {
        assert_eq!(milliseconds((0..199).map(|_| 1).chain([500])).p99(), Duration::from_millis(1));
        assert_eq!(milliseconds((0..197).map(|_| 1).chain([500; 3])).p99(), Duration::from_millis(500));
    }

    #[test]
    fn the_median_is_the_middle_one_whatever_the_order() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), 3.0);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn a_ratio_is_of_durations() {
        assert_eq!(ratio(Duration::from_millis(30), Duration::from_millis(20)), 1.5);
        assert_eq!(ms(Duration::from_micros(1500)), 1.5);
    }
}

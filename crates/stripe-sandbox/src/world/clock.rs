//! The controllable clock: real time plus an offset that only grows, and the calendar of banks.

use chrono::{DateTime, Datelike, Utc, Weekday};

/// Real time, in seconds.
pub(crate) fn real_seconds() -> i64 {
    Utc::now().timestamp()
}

/// Real time, in milliseconds.
pub(crate) fn real_millis() -> i64 {
    Utc::now().timestamp_millis()
}

/// One day in seconds.
pub(crate) const DAY: i64 = 86_400;

/// The same time of day, some business days later; Saturdays and Sundays do not count.
pub(crate) fn business_days_later(from: i64, days: u32) -> i64 {
    let mut at = from;
    let mut left = days;
    while left > 0 {
        at += DAY;
        let weekend = DateTime::<Utc>::from_timestamp(at, 0).is_some_and(|t| matches!(t.weekday(), Weekday::Sat | Weekday::Sun));
        if !weekend {
            left -= 1;
        }
    }
    at
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn weekends_do_not_count() {
        let friday = 1_700_200_800; // 2023-11-17
        assert_eq!(business_days_later(friday, 1), friday + 3 * DAY);
        assert_eq!(business_days_later(friday, 4), friday + 6 * DAY);
        assert_eq!(business_days_later(friday - DAY, 4), friday + 5 * DAY);
    }
}

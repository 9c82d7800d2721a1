//! Times on the wire: chrono's own text without the way through `fmt`, which took a twentieth of the time of a list.

use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, Timelike, Utc};
use serde::Serializer;

/// For `#[serde(serialize_with)]` on what lists repeat: RFC 3339 in UTC.
///
/// # Errors
/// The serialiser's.
pub fn rfc3339<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    match Text::of(at.date_naive()).and_then(|date| date.at(at)) {
        Some(text) => serializer.serialize_str(text.as_str()),
        None => serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
    }
}

/// For `#[serde(serialize_with)]` on what lists repeat: `2027-03-01` or null.
///
/// # Errors
/// The serialiser's.
pub fn iso_date<S: Serializer>(date: &Option<NaiveDate>, serializer: S) -> Result<S::Ok, S::Error> {
    let Some(date) = date else { return serializer.serialize_none() };
    match Text::of(*date) {
        Some(text) => serializer.serialize_str(text.as_str()),
        None => serializer.serialize_str(&date.to_string()),
    }
}

/// ASCII, in a buffer that holds the longest: `2027-03-01T12:34:56.123456789Z`.
struct Text {
    bytes: [u8; 30],
    length: usize,
}

impl Text {
    /// A date, if its year has four digits.
    fn of(date: NaiveDate) -> Option<Self> {
        let year = u32::try_from(date.year()).ok().filter(|year| *year <= 9999)?;
        let mut text = Self { bytes: [0; 30], length: 0 };
        text.digits(year, 4);
        text.then(b'-', date.month(), 2);
        text.then(b'-', date.day(), 2);
        Some(text)
    }

    /// The time of day behind the date, with as many groups of three decimals as it needs; not in a leap second.
    fn at(mut self, time: &DateTime<Utc>) -> Option<Self> {
        self.then(b'T', time.hour(), 2);
        self.then(b':', time.minute(), 2);
        self.then(b':', time.second(), 2);
        match time.nanosecond() {
            0 => {}
            nanos if nanos >= 1_000_000_000 => return None,
            nanos if nanos % 1_000_000 == 0 => self.then(b'.', nanos / 1_000_000, 3),
            nanos if nanos % 1_000 == 0 => self.then(b'.', nanos / 1_000, 6),
            nanos => self.then(b'.', nanos, 9),
        }
        self.push(b'Z');
        Some(self)
    }

    fn then(&mut self, separator: u8, number: u32, width: usize) {
        self.push(separator);
        self.digits(number, width);
    }

    fn digits(&mut self, mut number: u32, width: usize) {
        for place in (self.length..self.length + width).rev() {
            self.bytes[place] = b'0' + (number % 10) as u8;
            number /= 10;
        }
        self.length += width;
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[derive(Serialize)]
    struct Ours {
        #[serde(serialize_with = "rfc3339")]
        at: DateTime<Utc>,
        #[serde(serialize_with = "iso_date")]
        on: Option<NaiveDate>,
    }

    #[derive(Serialize)]
    struct Theirs {
        at: DateTime<Utc>,
        on: Option<NaiveDate>,
    }

    fn same(at: DateTime<Utc>, on: Option<NaiveDate>) {
        let (ours, theirs) = (serde_json::to_string(&Ours { at, on }), serde_json::to_string(&Theirs { at, on }));
        assert_eq!(ours.expect("serialises"), theirs.expect("serialises"));
    }

    #[test]
    fn the_text_is_chronos() {
        let instants = [0, 1, 999, 1_000, 120_000_000, 999_999_999, 1_782_000_000_123_456_789, -62_000_000_000_000_000];
        for at in instants.map(DateTime::from_timestamp_nanos) {
            same(at, Some(at.date_naive()));
            same(at, None);
        }
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            same(at, Some(at.date_naive()));
        }
        for (year, month, day) in [(-1, 12, 31), (0, 1, 1), (9, 9, 9), (9999, 12, 31), (10_000, 1, 1)] {
            let date = NaiveDate::from_ymd_opt(year, month, day).expect("a date");
            same(date.and_hms_opt(23, 59, 59).expect("a time").and_utc(), Some(date));
            same(date.and_hms_nano_opt(23, 59, 59, 1_500_000_000).expect("a leap second").and_utc(), Some(date));
        }
    }
}

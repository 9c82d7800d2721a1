//! Times on the wire, written as one string: chrono's own way hands the serialiser one character at a time, each checked for escapes.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::Serializer;

/// For `#[serde(serialize_with)]` on what lists repeat: RFC 3339 in UTC, the same text as chrono's.
///
/// # Errors
/// The serialiser's.
pub fn rfc3339<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// For `#[serde(serialize_with)]` on what lists repeat: `2027-03-01` or null, the same text as chrono's.
///
/// # Errors
/// The serialiser's.
pub fn iso_date<S: Serializer>(date: &Option<NaiveDate>, serializer: S) -> Result<S::Ok, S::Error> {
    match date {
        Some(date) => serializer.serialize_str(&date.to_string()),
        None => serializer.serialize_none(),
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

    #[test]
    fn the_text_is_chronos() {
        for micros in
            [0, 1, 1_000, 999_999, 1_782_000_000_000_000, 1_782_000_000_120_000, 1_782_000_000_123_456, -62_000_000_000_000_000]
        {
            for absent in [false, true] {
                let at = DateTime::from_timestamp_micros(micros).expect("in range");
                let on = (!absent).then(|| at.date_naive());
                let (ours, theirs) = (serde_json::to_string(&Ours { at, on }), serde_json::to_string(&Theirs { at, on }));
                assert_eq!(ours.expect("serialises"), theirs.expect("serialises"));
            }
        }
    }
}

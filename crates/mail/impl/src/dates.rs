//! Instants and lengths of time in words of each language.

use chrono::{Datelike, Timelike};
use kernel::Timestamp;
use mail_api::Language;

const GERMAN: [&str; 12] =
    ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"];
const ENGLISH: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// An instant to the minute, with what it counts from: nobody knows where a reader is.
pub(crate) fn when(at: Timestamp, language: Language) -> String {
    let months = match language {
        Language::German => GERMAN,
        Language::English => ENGLISH,
    };
    let month = usize::try_from(at.month0()).ok().and_then(|month| months.get(month)).copied().unwrap_or_default();
    let (day, year, hour, minute) = (at.day(), at.year(), at.hour(), at.minute());
    match language {
        Language::German => format!("{day}. {month} {year}, {hour:02}:{minute:02} Uhr (UTC)"),
        Language::English => format!("{day} {month} {year}, {hour:02}:{minute:02} (UTC)"),
    }
}

/// How long something counts, in the largest unit that says it exactly.
pub(crate) fn how_long(minutes: u64, language: Language) -> String {
    let (number, unit) = match minutes {
        0 => (0, 0),
        all if all.is_multiple_of(1440) => (all / 1440, 2),
        all if all.is_multiple_of(60) => (all / 60, 1),
        all => (all, 0),
    };
    let words = match language {
        Language::German => [("Minute", "Minuten"), ("Stunde", "Stunden"), ("Tag", "Tage")],
        Language::English => [("minute", "minutes"), ("hour", "hours"), ("day", "days")],
    };
    let (one, many) = words[unit];
    kernel::counted(number, one, many)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn instants_and_lengths_are_told_in_words() {
        let at = DateTime::from_timestamp(1_741_392_000 + 65, 0).expect("a time");
        assert_eq!(when(at, Language::German), "8. März 2025, 00:01 Uhr (UTC)");
        assert_eq!(when(at, Language::English), "8 March 2025, 00:01 (UTC)");
        for (minutes, german, english) in [
            (1, "1 Minute", "1 minute"),
            (15, "15 Minuten", "15 minutes"),
            (60, "1 Stunde", "1 hour"),
            (90, "90 Minuten", "90 minutes"),
            (1440, "1 Tag", "1 day"),
            (10_080, "7 Tage", "7 days"),
        ] {
            assert_eq!(
                (how_long(minutes, Language::German), how_long(minutes, Language::English)),
                (german.to_owned(), english.to_owned())
            );
        }
    }
}

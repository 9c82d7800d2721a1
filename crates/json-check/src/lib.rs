//! A JSON value against its schema: compiled once, then every fault at once, in words that teach.
//!
//! Apart from `web`, for the validator is generic code, which every crate that names it translates anew: here, and as little optimised as
//! the reading of a body allows (docs/decisions/0006). That is why callers get a [`Schema`] and see nothing of what is in it.

mod explain;
mod keyword;
pub mod pointer;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike};
use jsonschema::{Draft, PatternOptions, Validator};
use kernel::{FieldFault, MOST_FAULTS};
use serde_json::Value;

pub use explain::{PatternWords, coded, unknown_field};
pub use keyword::MAX_DECIMALS;

use keyword::MaxDecimals;

/// A compiled schema.
pub struct Schema {
    validator: Validator,
    patterns: PatternWords,
}

impl Schema {
    /// Compiles a schema; `patterns` says what its patterns mean. Kept for the life of the process: there is one per kind of body.
    ///
    /// # Errors
    /// What is wrong with the schema.
    pub fn compile(schema: &Value, patterns: PatternWords) -> Result<&'static Self, String> {
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .with_format("date-time", is_instant)
            .with_format("date", is_date)
            .with_pattern_options(PatternOptions::regex())
            .with_keyword(MAX_DECIMALS, |_, most, _| Ok(Box::new(MaxDecimals(most.as_u64().unwrap_or(0)))))
            .build(schema)
            .map_err(|error| error.to_string())?;
        Ok(Box::leak(Box::new(Self { validator, patterns })))
    }

    /// All faults of a value, as far as a client is told of them.
    pub fn faults(&self, value: &Value) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        if !self.validator.is_valid(value) {
            for error in self.validator.iter_errors(value).take(MOST_FAULTS) {
                explain::explain(&error, self.patterns, &mut faults);
            }
        }
        faults
    }
}

/// The years that a time of ours can lie in: what is outside of them is a slip of the pen, and soon does not fit its text or the database.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=9999;

/// An RFC 3339 instant, in those years after it was turned into UTC. The database makes the next second of a leap second.
fn is_instant(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok_and(|at| {
        let leap = i64::from(at.nanosecond() >= 1_000_000_000);
        YEARS.contains(&(at.to_utc() + TimeDelta::seconds(leap)).year())
    })
}

/// An RFC 3339 date in those years.
fn is_date(text: &str) -> bool {
    text.len() == "2026-03-31".len() && text.parse::<NaiveDate>().is_ok_and(|date| YEARS.contains(&date.year()))
}

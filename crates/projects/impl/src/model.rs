//! The rules of projects, units and schedules of quantities: pure, every fault of an input at once.

pub(crate) mod measure;
pub(crate) mod project;
pub(crate) mod soq;
pub(crate) mod unit;

use kernel::{FieldFault, MOST_FAULTS};
use projects_api::Error;
use rust_decimal::Decimal;

/// What is wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<FieldFault>);

impl Faults {
    pub(crate) fn push(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        if self.0.len() < MOST_FAULTS {
            self.0.push(FieldFault::new(pointer, code, detail));
        }
    }

    pub(crate) fn finish(&mut self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(std::mem::take(&mut self.0))) }
    }

    /// Text without blanks around it, of 1 to `most` characters.
    pub(crate) fn text(&mut self, pointer: &str, text: &str, most: usize) -> String {
        let text = text.trim();
        if text.is_empty() {
            self.push(pointer, "REQUIRED", "must not be blank");
        }
        self.length(pointer, text, most);
        text.to_owned()
    }

    /// Text that may be missing; blank text is as good as none.
    pub(crate) fn optional_text(&mut self, pointer: &str, text: Option<&str>, most: usize) -> Option<String> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        self.length(pointer, text, most);
        Some(text.to_owned())
    }

    fn length(&mut self, pointer: &str, text: &str, most: usize) {
        if text.chars().count() > most {
            self.push(pointer, "TOO_LONG", format!("must have at most {most} characters"));
        }
        if text.contains('\0') {
            self.push(pointer, "INVALID_CHARACTER", "must not contain the character U+0000");
        }
    }

    /// A decimal that a column `numeric(18,4)` holds exactly.
    pub(crate) fn numeric(&mut self, pointer: impl FnOnce() -> String, value: Decimal) {
        if value.normalize().scale() > 4 {
            self.push(pointer(), "TOO_MANY_DECIMALS", "at most 4 decimals are allowed");
        } else if value.abs() >= Decimal::from(100_000_000_000_000_i64) {
            self.push(pointer(), "OUT_OF_RANGE", "at most 14 digits before the point are allowed");
        }
    }
}

#[cfg(test)]
pub(crate) fn faults_of<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<(String, &'static str)> {
    match result {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect(),
        other => panic!("faults were expected, not {other:?}"),
    }
}

#[cfg(test)]
pub(crate) fn dec(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

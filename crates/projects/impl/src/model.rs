//! The rules of projects, units and schedules of quantities: pure, every fault of an input at once.

pub(crate) mod measure;
pub(crate) mod project;
pub(crate) mod soq;
pub(crate) mod unit;

use kernel::{FieldFault, MOST_FAULTS, text};
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

    /// A name or title as it is kept: one visible line of 1 to `most` characters.
    pub(crate) fn text(&mut self, pointer: &str, written: &str, most: usize) -> String {
        self.kept(pointer, text::line(written, most))
    }

    /// Longer text that may be missing; blank text is as good as none.
    pub(crate) fn optional_text(&mut self, pointer: &str, written: Option<&str>, most: usize) -> Option<String> {
        let written = written.filter(|written| !text::is_blank(written))?;
        Some(self.kept(pointer, text::prose(written, most)))
    }

    /// Longer text of 1 to `most` characters.
    pub(crate) fn prose(&mut self, pointer: &str, written: &str, most: usize) -> String {
        self.kept(pointer, text::prose(written, most))
    }

    fn kept(&mut self, pointer: &str, text: Result<String, text::TextFlaw>) -> String {
        text.unwrap_or_else(|flaw| {
            let fault = flaw.at(pointer);
            self.push(fault.pointer, fault.code, fault.detail);
            String::new()
        })
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

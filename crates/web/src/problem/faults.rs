//! `Faults`: collects what is wrong with single fields, so that all of it is told at once.

use std::borrow::Cow;

use kernel::{FieldFault, MoneyError};

use super::Problem;

/// An error that can be told as the fault of one field.
pub trait FaultReason {
    /// Stable code, SCREAMING_SNAKE.
    fn code(&self) -> &'static str;
    /// What is wrong and what would be right.
    fn detail(&self) -> Cow<'_, str>;
}

impl FaultReason for MoneyError {
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownCurrency(_) => "NOT_ONE_OF",
            Self::NotADecimal(_) => "INVALID_FORMAT",
            Self::TooManyDecimals { .. } => "TOO_MANY_DECIMALS",
            Self::OutOfRange => "OUT_OF_RANGE",
        }
    }

    fn detail(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }
}

impl FaultReason for (&'static str, String) {
    fn code(&self) -> &'static str {
        self.0
    }

    fn detail(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.1)
    }
}

impl FaultReason for (&'static str, &str) {
    fn code(&self) -> &'static str {
        self.0
    }

    fn detail(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.1)
    }
}

/// What is wrong so far with the fields of a body.
#[derive(Debug, Default)]
#[must_use = "call `finish()?`"]
pub struct Faults(Vec<FieldFault>);

impl Faults {
    /// Nothing wrong yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a fault at a JSON pointer such as `/units/0/floors`.
    pub fn push(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.0.push(FieldFault::new(pointer, code, detail));
    }

    /// The value if it is right, else notes why not.
    pub fn check<T, E: FaultReason>(&mut self, pointer: impl Into<String>, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(reason) => {
                let detail = reason.detail().into_owned();
                self.push(pointer, reason.code(), detail);
                None
            }
        }
    }

    /// Whether nothing is wrong so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Passes if nothing is wrong.
    ///
    /// # Errors
    /// 422 with all faults.
    pub fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }

    /// `value` if nothing is wrong. For the end of a conversion: `faults.into_result(cmd)`.
    ///
    /// # Errors
    /// 422 with all faults; 500 if `value` is missing though no fault was noted, which is a bug of the caller.
    pub fn into_result<T>(self, value: Option<T>) -> Result<T, Problem> {
        self.finish()?;
        value.ok_or_else(|| {
            tracing::error!("a conversion gave no value and noted no fault");
            Problem::internal()
        })
    }
}

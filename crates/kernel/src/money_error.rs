//! Why something is no money.

use std::fmt;

/// Why a text or a number is not an amount of money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoneyError {
    /// Not a currency of [`crate::Currency::all`].
    UnknownCurrency(String),
    /// Not a decimal number.
    NotADecimal(String),
    /// More decimals than the currency has.
    TooManyDecimals {
        /// The most that is allowed.
        allowed: u32,
    },
    /// Outside of what 64 bits of minor units hold.
    OutOfRange,
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCurrency(code) => write!(f, "{code:?} is not an ISO 4217 code of a currency that can be used here"),
            Self::NotADecimal(text) => write!(f, "{text:?} is not a decimal number such as \"1234.50\""),
            Self::TooManyDecimals { allowed } => write!(f, "at most {allowed} decimals are allowed"),
            Self::OutOfRange => f.write_str("the amount is too large"),
        }
    }
}

impl std::error::Error for MoneyError {}

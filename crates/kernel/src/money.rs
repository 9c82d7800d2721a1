//! Money as integer minor units of one currency; decimals only where a rate meets a quantity.

use std::fmt;

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Currency, MoneyError};

/// An amount of one currency, in its minor units. Arithmetic is checked; two currencies never mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// `minor` units (cents) of `currency`.
    #[must_use]
    pub const fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::from_minor(0, currency)
    }

    /// An exact decimal amount; more decimals than the currency has are refused, never rounded away.
    ///
    /// # Errors
    /// [`MoneyError::TooManyDecimals`] and [`MoneyError::OutOfRange`].
    pub fn from_decimal(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let scaled =
            amount.checked_mul(Decimal::from(10_i64.pow(currency.minor_digits()))).ok_or(MoneyError::OutOfRange)?.normalize();
        if scaled.scale() > 0 {
            return Err(MoneyError::TooManyDecimals { allowed: currency.minor_digits() });
        }
        Ok(Self { minor: scaled.to_i64().ok_or(MoneyError::OutOfRange)?, currency })
    }

    /// A decimal amount brought to the currency's minor unit by rounding half up (docs/domain/schedules.md).
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`].
    pub fn rounded(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        Self::from_decimal(round_half_up(amount, currency.minor_digits()), currency)
    }

    /// The amount in minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// Its currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The amount as a decimal with exactly the currency's digits.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.minor_digits())
    }

    /// The sum, unless the currencies differ or it overflows.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        (self.currency == other.currency)
            .then(|| self.minor.checked_add(other.minor))
            .flatten()
            .map(|minor| Self { minor, ..self })
    }

    /// The difference, unless the currencies differ or it overflows.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(Self { minor: other.minor.checked_neg()?, ..other })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    amount: String,
    currency: Currency,
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Wire { amount: self.to_decimal().to_string(), currency: self.currency }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        let amount: Decimal = wire.amount.parse().map_err(|_| serde::de::Error::custom(MoneyError::NotADecimal(wire.amount)))?;
        Self::from_decimal(amount, wire.currency).map_err(serde::de::Error::custom)
    }
}

/// Rounds half away from zero, which for the non-negative amounts of a schedule of quantities is half up (docs/domain/schedules.md).
fn round_half_up(value: Decimal, decimals: u32) -> Decimal {
    value.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
}

/// The amount of a line: round_half_up(quantity × rate) to the currency's minor unit (docs/domain/schedules.md).
///
/// # Errors
/// [`MoneyError::OutOfRange`].
pub fn amount_of(quantity: Decimal, rate: Decimal, currency: Currency) -> Result<Money, MoneyError> {
    Money::rounded(quantity.checked_mul(rate).ok_or(MoneyError::OutOfRange)?, currency)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eur(text: &str) -> Result<Money, MoneyError> {
        Money::from_decimal(text.parse().expect("a decimal"), Currency::EUR)
    }

    #[test]
    fn decimals_in_and_out_are_exact() {
        assert_eq!(eur("9649").expect("fits").to_string(), "9649.00 EUR");
        assert_eq!(eur("0.10").expect("fits").minor(), 10);
        assert_eq!(eur("0.100").expect("trailing zeros are no decimals").minor(), 10);
        assert_eq!(eur("0.101"), Err(MoneyError::TooManyDecimals { allowed: 2 }));
        assert_eq!(eur("92233720368547758.08"), Err(MoneyError::OutOfRange));
        let yen: Currency = "JPY".parse().expect("known");
        assert_eq!(Money::from_minor(1200, yen).to_string(), "1200 JPY");
    }

    #[test]
    fn lines_round_half_up() {
        let line =
            |q: &str, r: &str| amount_of(q.parse().expect("q"), r.parse().expect("r"), Currency::EUR).expect("fits").minor();
        assert_eq!(line("0.5", "0.01"), 1);
        assert_eq!(line("1.005", "1"), 101);
        assert_eq!(line("3", "0.3333"), 100);
        assert_eq!(line("0", "12.5"), 0);
    }

    #[test]
    fn currencies_never_mix() {
        let usd: Currency = "USD".parse().expect("known");
        assert_eq!(Money::from_minor(1, usd).checked_add(Money::from_minor(1, Currency::EUR)), None);
        assert!("eur".parse::<Currency>().is_err());
    }

    #[test]
    fn the_wire_form_is_a_decimal_string() {
        let money = eur("9649.00").expect("fits");
        let text = serde_json::to_string(&money).expect("serialises");
        assert_eq!(text, r#"{"amount":"9649.00","currency":"EUR"}"#);
        assert_eq!(serde_json::from_str::<Money>(&text).expect("parses"), money);
    }
}

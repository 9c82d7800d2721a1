//! The currencies: what each is divided into, what one charge may be over, and until when it is taken for new projects.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::MoneyError;

/// A currency we know, by its ISO 4217 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    code: &'static str,
    minor_digits: u32,
}

/// Whether new projects may be made in a currency. Projects that are there go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offered {
    Yes,
    /// Until, and not on, this day; what replaced it.
    Until(i32, u32, u32, &'static str),
    /// It does not settle; why, and what may be used instead.
    No(&'static str, &'static str),
}

/// What is known of a currency.
struct Facts {
    code: &'static str,
    minor_digits: u32,
    /// The least and the most that one charge may be over, in minor units.
    charge: (i64, i64),
    offered: Offered,
}

/// Eight digits: what every means of payment takes in most currencies.
const EIGHT_DIGITS: i64 = 99_999_999;
/// Ten digits.
const TEN_DIGITS: i64 = 9_999_999_999;

const fn settles(code: &'static str, minor_digits: u32, least: i64) -> Facts {
    Facts { code, minor_digits, charge: (least, EIGHT_DIGITS), offered: Offered::Yes }
}

/// Where the facts are from, as far as stored copies of these pages tell; the operator compares them with the pages:
/// - *Minor digits*: ISO 4217, and `docs.stripe.com/currencies` (zero-decimal currencies and special cases). Of the currencies here only JPY
///   has none. HUF has two for charges and transfers; only a payout to a bank must be whole forints, and that Stripe rounds itself. ISK, TWD
///   and UGX, which Stripe writes with two digits that must be zero, are not taken.
/// - *Least charge*: `docs.stripe.com/currencies`, minimum charge amounts. It goes by the currency in which the money settles, and money here
///   settles in the currency of the charge. None is given for BGN any more (1.00 was) and for MAD (5.00, which is the USD 0.50 of the rest).
/// - *Most*: `docs.stripe.com/currencies` and the reference of payment intents: eight digits for every means of payment. By card more is taken
///   in some currencies; that counts for HUF alone (ten digits), where eight would be some 2,500 euros.
/// - *Settles*: `docs.stripe.com/payouts`, supported accounts and settlement currencies: each is the currency of a country in which a Stripe
///   account can be held, and in which separate charges and transfers are there for such an account
///   (`docs.stripe.com/connect/separate-charges-and-transfers`). Whether it settles for *your* account is for its dashboard to tell; what does
///   not is left out of `escrow.currencies`. MAD is the currency of no such country: it can be charged, but is converted on arrival.
/// - *Ended*: BGN: the Council of the European Union, 8 July 2025 (the euro from 1 January 2026, at 1.95583). HRK and the others that the euro
///   replaced were never taken here.
const FACTS: &[Facts] = &[
    settles("AED", 2, 200),
    settles("AUD", 2, 50),
    Facts { code: "BGN", minor_digits: 2, charge: (100, EIGHT_DIGITS), offered: Offered::Until(2026, 1, 1, "EUR") },
    settles("BRL", 2, 50),
    settles("CAD", 2, 50),
    settles("CHF", 2, 50),
    settles("CZK", 2, 1_500),
    settles("DKK", 2, 250),
    settles("EUR", 2, 50),
    settles("GBP", 2, 30),
    settles("HKD", 2, 400),
    Facts { code: "HUF", minor_digits: 2, charge: (17_500, TEN_DIGITS), offered: Offered::Yes },
    settles("JPY", 0, 50),
    Facts {
        code: "MAD",
        minor_digits: 2,
        charge: (500, EIGHT_DIGITS),
        offered: Offered::No("the payment provider does not settle in it", "EUR"),
    },
    settles("MXN", 2, 1_000),
    settles("MYR", 2, 200),
    settles("NOK", 2, 300),
    settles("NZD", 2, 50),
    settles("PLN", 2, 200),
    settles("RON", 2, 200),
    settles("SEK", 2, 300),
    settles("SGD", 2, 50),
    settles("THB", 2, 1_000),
    settles("USD", 2, 50),
];

/// Why no new project is made in a currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotOffered {
    currency: Currency,
    why: String,
    /// What may be used instead.
    pub instead: &'static str,
}

impl fmt::Display for NotOffered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no new project is made in {}: {}; use {}", self.currency, self.why, self.instead)
    }
}

impl Currency {
    /// The euro.
    pub const EUR: Self = Self { code: "EUR", minor_digits: 2 };

    /// The ISO 4217 code, upper case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// How many digits its minor unit has: 2 for EUR, 0 for JPY.
    pub(crate) const fn minor_digits(self) -> u32 {
        self.minor_digits
    }

    /// Every currency that is known, also those in which no new project is made.
    pub fn all() -> impl Iterator<Item = Self> {
        FACTS.iter().map(|facts| Self { code: facts.code, minor_digits: facts.minor_digits })
    }

    fn facts(self) -> Option<&'static Facts> {
        FACTS.iter().find(|facts| facts.code == self.code)
    }

    /// The least and the most that one charge may be over, in minor units.
    #[must_use]
    pub fn charge_limits(self) -> (i64, i64) {
        self.facts().map_or((50, EIGHT_DIGITS), |facts| facts.charge)
    }

    /// Passes if new projects may be made in it on this day.
    ///
    /// # Errors
    /// Why not, and what to use instead.
    pub fn offered_on(self, today: NaiveDate) -> Result<(), NotOffered> {
        let refused = |why: String, instead| Err(NotOffered { currency: self, why, instead });
        match self.facts().map(|facts| facts.offered) {
            Some(Offered::Until(year, month, day, instead)) => match NaiveDate::from_ymd_opt(year, month, day) {
                Some(end) if today >= end => refused(format!("{instead} replaced it on {end}"), instead),
                _ => Ok(()),
            },
            Some(Offered::No(why, instead)) => refused(why.to_owned(), instead),
            Some(Offered::Yes) | None => Ok(()),
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        Self::all().find(|c| c.code == code).ok_or_else(|| MoneyError::UnknownCurrency(code.to_owned()))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn currency(code: &str) -> Currency {
        code.parse().expect("known")
    }

    #[test]
    fn the_euro_replaced_the_lev_on_the_first_of_january_2026() {
        assert_eq!(currency("BGN").offered_on(day("2025-12-31")), Ok(()));
        for today in ["2026-01-01", "2026-11-26"] {
            let refused = currency("BGN").offered_on(day(today)).expect_err("ended");
            assert_eq!(refused.to_string(), "no new project is made in BGN: EUR replaced it on 2026-01-01; use EUR");
        }
    }

    #[test]
    fn all_others_but_the_dirham_of_morocco_are_offered() {
        let refused: Vec<_> = Currency::all().filter_map(|c| c.offered_on(day("2026-11-26")).err()).collect();
        assert_eq!(refused.iter().map(|refused| refused.currency.code).collect::<Vec<_>>(), ["BGN", "MAD"]);
        for refused in refused {
            assert_eq!(currency(refused.instead).offered_on(day("2026-11-26")), Ok(()), "what is named instead is there");
        }
    }

    #[test]
    fn charges_have_the_limits_that_stripe_states() {
        let limits = |code| currency(code).charge_limits();
        assert_eq!(limits("EUR"), (50, 99_999_999));
        assert_eq!(limits("GBP"), (30, 99_999_999));
        assert_eq!(limits("HUF"), (17_500, 9_999_999_999));
        assert_eq!(limits("JPY"), (50, 99_999_999));
        for currency in Currency::all() {
            let (least, most) = currency.charge_limits();
            assert!(0 < least && least < most, "{currency}");
        }
    }
}

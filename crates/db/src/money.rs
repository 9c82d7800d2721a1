//! Columns of money: minor units beside the currency's code.

use kernel::{Currency, Fault, Money};

/// The currency that a column's text names.
///
/// # Errors
/// A fault for a code that this program does not know: the row is from a newer one.
#[track_caller]
pub fn currency(code: &str) -> Result<Currency, Fault> {
    match code.parse() {
        Ok(currency) => Ok(currency),
        Err(_) => Err(Fault::internal(format!("the database holds the currency {code:?}, which this program does not know"))),
    }
}

/// The amount that two columns hold: minor units and the currency's code.
///
/// # Errors
/// As [`currency`].
#[track_caller]
pub fn money(minor: i64, code: &str) -> Result<Money, Fault> {
    Ok(Money::from_minor(minor, currency(code)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_columns_are_an_amount_or_a_fault_that_names_the_code() {
        assert_eq!(money(-1205, "EUR").ok(), Some(Money::from_minor(-1205, Currency::EUR)));
        assert_eq!(money(1, "JPY").map(|money| money.to_string()).ok(), Some("1 JPY".to_owned()));
        let fault = money(1, "eur").expect_err("no currency is spelt so").to_string();
        assert!(fault.contains("the currency \"eur\""), "{fault}");
    }
}

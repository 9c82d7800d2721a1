//! Currencies, the amounts that may be charged, and what Stripe takes for itself.

use crate::protocol::errors::ApiError;

/// The currencies accepted.
pub(crate) const CURRENCIES: &[&str] = &[
    "aed", "ars", "aud", "bdt", "bgn", "brl", "cad", "chf", "clp", "cny", "cop", "czk", "dkk", "egp", "eur", "gbp", "gel", "hkd",
    "huf", "idr", "ils", "inr", "isk", "jpy", "kes", "krw", "lkr", "mad", "mxn", "myr", "ngn", "nok", "nzd", "pen", "php", "pkr",
    "pln", "qar", "ron", "rsd", "sar", "sek", "sgd", "thb", "try", "twd", "tzs", "uah", "ugx", "usd", "uyu", "vnd", "xaf", "xof",
    "zar",
];

/// Whether Stripe knows the currency.
pub(crate) fn is_currency(code: &str) -> bool {
    CURRENCIES.contains(&code)
}

/// Refuses amounts that Stripe would not charge.
pub(crate) fn chargeable(amount: i64, currency: &str) -> Result<(), ApiError> {
    positive(amount, "amount")?;
    let minimum = match currency {
        "gbp" => 30,
        "aed" | "myr" | "pln" | "ron" => 200,
        "dkk" => 250,
        "nok" | "sek" => 300,
        "hkd" => 400,
        "czk" => 1_500,
        "huf" => 17_500,
        "mxn" | "thb" => 1_000,
        _ => 50,
    };
    if amount < minimum {
        return Err(ApiError::parameter(
            "amount",
            format!("Amount must be at least {minimum} (the smallest unit of {currency}); amounts are whole numbers of the smallest unit."),
        )
        .code("amount_too_small"));
    }
    let maximum = match currency {
        "idr" => 999_999_999_999,
        "inr" | "huf" | "cop" | "clp" | "vnd" => 9_999_999_999,
        _ => 99_999_999,
    };
    if amount > maximum {
        return Err(ApiError::parameter(
            "amount",
            format!("Amount must be no more than {maximum} (the smallest unit of {currency})."),
        )
        .code("amount_too_large"));
    }
    Ok(())
}

/// Refuses zero and negative amounts.
pub(crate) fn positive(amount: i64, param: &str) -> Result<(), ApiError> {
    if amount < 1 {
        return Err(
            ApiError::parameter(param, "This value must be greater than or equal to 1.").code("parameter_invalid_integer")
        );
    }
    Ok(())
}

/// Stripe's own fee: 2.9 % + 30 for cards, 0.8 % capped for bank debits.
pub(crate) fn processing_fee(method_type: &str, amount: i64) -> i64 {
    match method_type {
        "card" => per_mille(amount, 29) + 30,
        "us_bank_account" => per_mille(amount, 8).min(500),
        _ => per_mille(amount, 8).min(600),
    }
    .min(amount)
}

/// Thousandths, rounded half up.
fn per_mille(amount: i64, thousandths: i64) -> i64 {
    let product = i128::from(amount) * i128::from(thousandths);
    i64::try_from((product + 500) / 1_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_costs_290_30() {
        assert_eq!(processing_fee("card", 1_000_000), 29_030);
        assert_eq!(processing_fee("card", 50), 31);
        assert_eq!(processing_fee("sepa_debit", 1_000_000), 600);
    }

    #[test]
    fn amounts_have_bounds() {
        assert!(chargeable(50, "usd").is_ok());
        assert_eq!(chargeable(49, "usd").unwrap_err().error["code"], "amount_too_small");
        assert_eq!(chargeable(0, "usd").unwrap_err().error["code"], "parameter_invalid_integer");
        assert_eq!(chargeable(100_000_000, "eur").unwrap_err().error["code"], "amount_too_large");
    }
}

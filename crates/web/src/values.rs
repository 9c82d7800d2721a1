//! Wire types of decimals, money and times: strings out; strings or JSON numbers in, read from their text.

mod amount;
mod decimal;
mod money;
mod one_of;
mod time;

pub use amount::AmountOrMoney;
pub use decimal::{AmountIn, Decimal4, Decimal4Out};
pub use money::{CurrencyCode, MoneyIn, MoneyOut};
pub use one_of::OneOf;
pub use time::{iso_date, rfc3339};

/// A violated pattern in words.
pub(crate) fn pattern_text(pattern: &str) -> String {
    match pattern {
        decimal::PATTERN_14 => decimal::words(14),
        decimal::PATTERN_16 => decimal::words(16),
        "^[A-Za-z0-9_-]+$" => "must be bytes as base64url, without padding".to_owned(),
        "^[0-9a-f]{64}$" => "must be 64 hexadecimal digits, in small letters".to_owned(),
        "^([0-9a-f]{32}){1,2}$" => "must be 32 or 64 hexadecimal digits, in small letters".to_owned(),
        "^[0-9a-fA-F]{64}$" => "must be 64 hexadecimal digits".to_owned(),
        "^[0-9]{8}$" => "must be 8 digits".to_owned(),
        "^[A-Z][A-Z0-9_]{2,63}$" => "must be 3 to 64 capital letters, digits and underscores, a letter first".to_owned(),
        "^[a-z-]+$" => "must be small letters and hyphens".to_owned(),
        "^/" => "must be a path of this server, such as /projects".to_owned(),
        other => format!("must match {other}"),
    }
}

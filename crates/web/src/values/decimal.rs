//! Non-negative decimals with at most four decimals: quantities, rates and plain amounts. In as strings or numbers, out as strings.

use std::borrow::Cow;

use json_check::MAX_DECIMALS;
use kernel::{Currency, Money, MoneyError};
use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

pub(crate) const PATTERN_14: &str = r"^[0-9]{1,14}(\.[0-9]{1,4})?$";
pub(crate) const PATTERN_16: &str = r"^[0-9]{1,16}(\.[0-9]{1,4})?$";
const DECIMALS: u32 = 4;

/// What a decimal must look like.
pub(crate) fn words(digits: u32) -> String {
    format!("must be a decimal such as \"12.5\": not negative, at most {digits} digits before and {DECIMALS} behind the point")
}

/// A quantity or a rate as clients send it: not negative, at most 14 digits before and 4 behind the point.
///
/// Not inside `#[serde(flatten)]` or an untagged enum: these lose the text of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal4(pub Decimal);

/// A quantity or a rate as we send it: always a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal4Out(pub Decimal);

/// An amount whose currency is told elsewhere, such as a project's `budget`: not negative, at most 16 digits before and 4 behind the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AmountIn(pub Decimal);

impl AmountIn {
    /// The amount in `currency`.
    ///
    /// # Errors
    /// More decimals than the currency has, or too large: hand it to [`crate::Faults::check`].
    pub fn to_money(self, currency: Currency) -> Result<Money, MoneyError> {
        Money::from_decimal(self.0, currency)
    }
}

/// Reads a JSON string or number as a decimal, from its text.
fn read<'de, D: Deserializer<'de>>(deserializer: D, digits: u32) -> Result<Decimal, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let value = match serde_json::from_str::<Cow<'_, str>>(raw.get()) {
        Ok(text) => plain(&text, digits),
        Err(_) => number(raw.get()),
    };
    let value = value.ok_or_else(|| D::Error::custom(format!("INVALID_FORMAT: {}", words(digits))))?.normalize();
    if value.scale() > DECIMALS {
        return Err(D::Error::custom(format!("TOO_MANY_DECIMALS: at most {DECIMALS} decimals are allowed")));
    }
    if value.is_sign_negative() && !value.is_zero() || value >= Decimal::from_i128_with_scale(10_i128.pow(digits), 0) {
        return Err(D::Error::custom(format!("OUT_OF_RANGE: {}", words(digits))));
    }
    Ok(value)
}

/// `12.5`, as the pattern of the schema says.
fn plain(text: &str, digits: u32) -> Option<Decimal> {
    let (whole, decimals) = text.split_once('.').map_or((text, None), |(whole, decimals)| (whole, Some(decimals)));
    let all_digits =
        |part: &str, most: u32| (1..=most as usize).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let right = all_digits(whole, digits) && decimals.is_none_or(|decimals| all_digits(decimals, DECIMALS));
    right.then(|| text.parse().ok()).flatten()
}

/// A JSON number: any digits, exactly, or nothing.
fn number(text: &str) -> Option<Decimal> {
    if text.contains(['e', 'E']) {
        return Decimal::from_scientific(text).ok();
    }
    Decimal::from_str_exact(text).ok()
}

/// A string of a pattern, or a number.
fn schema(pattern: &str, digits: u32, description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Number]))
        .pattern(Some(pattern))
        .minimum(Some(0))
        .exclusive_maximum(Some(10_f64.powi(i32::try_from(digits).unwrap_or(14))))
        .description(Some(description))
        .examples([serde_json::json!("12.5")])
        .extensions(Some(Extensions::builder().add(MAX_DECIMALS, DECIMALS).build()))
        .into()
}

macro_rules! wire {
    ($name:ident as $called:literal, $digits:literal, $pattern:ident, $description:literal) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                read(deserializer, $digits).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0.normalize())
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                schema($pattern, $digits, $description)
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($called)
            }
        }

        impl From<Decimal> for $name {
            fn from(value: Decimal) -> Self {
                Self(value)
            }
        }

        impl From<$name> for Decimal {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

wire!(Decimal4 as "Decimal4In", 14, PATTERN_14, "A decimal with at most 4 decimals: a string or a number.");
wire!(AmountIn as "AmountIn", 16, PATTERN_16, "An amount with at most the currency's minor digits: a string or a number.");

impl Serialize for Decimal4Out {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.normalize())
    }
}

impl PartialSchema for Decimal4Out {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .pattern(Some(PATTERN_14))
            .description(Some("A decimal with at most 4 decimals."))
            .examples([serde_json::json!("12.5")])
            .into()
    }
}

impl ToSchema for Decimal4Out {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Decimal4")
    }
}

impl From<Decimal> for Decimal4Out {
    fn from(value: Decimal) -> Self {
        Self(value)
    }
}

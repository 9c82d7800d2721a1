//! An amount as money, or as a plain decimal in a currency that is known already.

use kernel::Currency;
use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::openapi::schema::OneOfBuilder;
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{AmountIn, MoneyIn};

/// An amount that a client states: money, or a plain decimal in the currency of what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum AmountOrMoney {
    /// With its currency.
    Money(MoneyIn),
    /// Without.
    Plain(AmountIn),
}

impl AmountOrMoney {
    /// The number, and the currency if it was said.
    #[must_use]
    pub const fn parts(self) -> (Decimal, Option<Currency>) {
        match self {
            Self::Money(money) => (money.amount.0, Some(money.currency.0)),
            Self::Plain(amount) => (amount.0, None),
        }
    }
}

impl<'de> Deserialize<'de> for AmountOrMoney {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not derived: an untagged enum loses the text of numbers.
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        if text.starts_with('{') {
            serde_json::from_str(text).map(Self::Money).map_err(D::Error::custom)
        } else {
            serde_json::from_str(text).map(Self::Plain).map_err(D::Error::custom)
        }
    }
}

impl PartialSchema for AmountOrMoney {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(Ref::from_schema_name(MoneyIn::name()))
            .item(Ref::from_schema_name(AmountIn::name()))
            .description(Some("Money, or a plain amount in the currency of what it is about."))
            .into()
    }
}

impl ToSchema for AmountOrMoney {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((AmountIn::name().into_owned(), AmountIn::schema()));
        schemas.push((MoneyIn::name().into_owned(), MoneyIn::schema()));
        MoneyIn::schemas(schemas);
    }
}

//! Money on the wire: `{"amount": "9649.00", "currency": "EUR"}`.

use std::borrow::Cow;

use kernel::{Currency, Money, MoneyError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, RefBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::AmountIn;

/// An ISO 4217 code of a currency that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct CurrencyCode(pub Currency);

impl<'de> Deserialize<'de> for CurrencyCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Currency::deserialize(deserializer).map(Self)
    }
}

impl PartialSchema for CurrencyCode {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .enum_values(Some(Currency::all().map(|currency| currency.code())))
            .description(Some(
                "ISO 4217 code. No new project is made in BGN, which ended with 2025, nor in MAD, which does not settle: their amounts are of \
                 projects made before.",
            ))
            .examples([serde_json::json!("EUR")])
            .into()
    }
}

impl ToSchema for CurrencyCode {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Currency")
    }
}

/// Money as clients send it: fewer digits than the currency's are accepted, more are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoneyIn {
    /// Decimal string (or number) in units of the currency.
    pub amount: AmountIn,
    /// ISO 4217 code.
    pub currency: CurrencyCode,
}

impl MoneyIn {
    /// The money meant.
    ///
    /// # Errors
    /// More decimals than the currency has, or too large: hand it to [`crate::Faults::check`] with the pointer of `amount`.
    pub fn to_money(self) -> Result<Money, MoneyError> {
        self.amount.to_money(self.currency.0)
    }
}

/// Money as we send it: exactly the currency's minor digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoneyOut(pub Money);

impl From<Money> for MoneyOut {
    fn from(money: Money) -> Self {
        Self(money)
    }
}

impl Serialize for MoneyOut {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl PartialSchema for MoneyOut {
    fn schema() -> RefOr<Schema> {
        let amount = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .pattern(Some(r"^-?[0-9]+(\.[0-9]{2})?$"))
            .description(Some("Decimal with exactly the currency's minor digits."))
            .examples([serde_json::json!("9649.00")]);
        let currency =
            RefBuilder::new().ref_location_from_schema_name(CurrencyCode::name()).description(Some("Its ISO 4217 code."));
        ObjectBuilder::new()
            .property("amount", amount)
            .property("currency", currency)
            .required("amount")
            .required("currency")
            .description(Some("An amount of money."))
            .into()
    }
}

impl ToSchema for MoneyOut {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Money")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((CurrencyCode::name().into_owned(), CurrencyCode::schema()));
    }
}

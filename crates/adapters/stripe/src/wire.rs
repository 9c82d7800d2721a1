//! What we read of Stripe's answers.

use std::collections::BTreeMap;

use chrono::DateTime;
use escrow_api::{AccountState, PaymentIntentState, PaymentStatus, ProviderError, SettledFunds, TransferState};
use kernel::{Currency, Money};
use serde::Deserialize;

/// An object, or only its id if it is not expanded.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Ref<T> {
    Id(String),
    Object(Box<T>),
}

#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    id: String,
}

impl Ref<Named> {
    fn id(self) -> String {
        match self {
            Self::Id(id) => id,
            Self::Object(object) => object.id,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct PaymentIntent {
    id: String,
    client_secret: Option<String>,
    status: String,
    amount: i64,
    #[serde(default)]
    amount_received: i64,
    currency: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    livemode: bool,
    last_payment_error: Option<PaymentError>,
    latest_charge: Option<Ref<Charge>>,
}

#[derive(Debug, Deserialize)]
struct PaymentError {
    code: Option<String>,
    decline_code: Option<String>,
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Charge {
    id: String,
    transfer: Option<Ref<Named>>,
    balance_transaction: Option<Ref<BalanceTransaction>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct BalanceTransaction {
    id: String,
    amount: i64,
    fee: i64,
    currency: String,
    available_on: i64,
    status: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Transfer {
    pub(crate) id: String,
    amount: i64,
    #[serde(default)]
    amount_reversed: i64,
    currency: String,
    destination: Option<Ref<Named>>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct List<T> {
    pub(crate) data: Vec<T>,
    pub(crate) has_more: bool,
}

/// Of anything in a list, what tells whose it is.
#[derive(Debug, Deserialize)]
pub(crate) struct Labelled {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) metadata: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Account {
    id: String,
    #[serde(default)]
    details_submitted: bool,
    #[serde(default)]
    capabilities: Capabilities,
    requirements: Option<Requirements>,
}

#[derive(Debug, Default, Deserialize)]
struct Capabilities {
    transfers: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Requirements {
    currently_due: Option<Vec<String>>,
    disabled_reason: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct AccountLink {
    pub(crate) url: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Balance {
    available: Vec<BalanceAmount>,
}

#[derive(Debug, Deserialize)]
struct BalanceAmount {
    amount: i64,
    currency: String,
}

fn money(minor: i64, currency: &str) -> Result<Money, ProviderError> {
    let currency =
        currency.to_ascii_uppercase().parse::<Currency>().map_err(|error| ProviderError::Unexpected(error.to_string()))?;
    Ok(Money::from_minor(minor, currency))
}

impl PaymentIntent {
    pub(crate) fn state(self) -> Result<PaymentIntentState, ProviderError> {
        let status = match self.status.as_str() {
            "requires_payment_method" | "requires_confirmation" => PaymentStatus::Created,
            "requires_action" => PaymentStatus::RequiresAction,
            "processing" => PaymentStatus::Processing,
            "succeeded" => PaymentStatus::Succeeded,
            "canceled" => PaymentStatus::Canceled,
            other => return Err(ProviderError::Unexpected(format!("{} has the status `{other}`", self.id))),
        };
        let amount_received = money(self.amount_received, &self.currency)?;
        let funds = match self.latest_charge {
            Some(Ref::Object(charge)) if status == PaymentStatus::Succeeded => charge.funds(amount_received)?,
            Some(Ref::Id(id)) if status == PaymentStatus::Succeeded => {
                return Err(ProviderError::Unexpected(format!("{id} was to be expanded and is not")));
            }
            _ => None,
        };
        Ok(PaymentIntentState {
            status,
            amount: money(self.amount, &self.currency)?,
            amount_received,
            id: self.id,
            client_secret: self.client_secret,
            metadata: self.metadata.into_iter().collect(),
            livemode: self.livemode,
            last_error: self.last_payment_error.map(PaymentError::text),
            funds,
        })
    }
}

impl PaymentError {
    fn text(self) -> String {
        let code = self.decline_code.or(self.code).unwrap_or_else(|| "unknown".to_owned());
        match self.message {
            Some(message) => format!("{message} ({code})"),
            None => code,
        }
    }
}

impl Charge {
    /// `None` as long as Stripe has not booked the charge.
    fn funds(self, received: Money) -> Result<Option<SettledFunds>, ProviderError> {
        let Some(Ref::Object(booked)) = self.balance_transaction else { return Ok(None) };
        let available_on = DateTime::from_timestamp(booked.available_on, 0)
            .ok_or_else(|| ProviderError::Unexpected(format!("{} is available at no time", booked.id)))?;
        let settled = money(booked.amount, &booked.currency)?;
        Ok(Some(SettledFunds {
            charge: self.id,
            gross: if settled.currency() == received.currency() { settled } else { received },
            fee: money(booked.fee, &booked.currency)?,
            available_on,
            available: booked.status == "available",
            balance_transaction: booked.id,
            destination_transfer: self.transfer.map(Ref::id),
        }))
    }
}

impl Transfer {
    pub(crate) fn state(self) -> Result<TransferState, ProviderError> {
        let destination = self.destination.map(Ref::id);
        Ok(TransferState {
            amount: money(self.amount, &self.currency)?,
            reversed: money(self.amount_reversed, &self.currency)?,
            destination: destination.ok_or_else(|| ProviderError::Unexpected(format!("{} goes nowhere", self.id)))?,
            id: self.id,
            metadata: self.metadata.into_iter().collect(),
        })
    }
}

impl Account {
    pub(crate) fn state(self) -> AccountState {
        let requirements = self.requirements.unwrap_or_default();
        AccountState {
            id: self.id,
            transfers_active: self.capabilities.transfers.as_deref() == Some("active"),
            details_submitted: self.details_submitted,
            requirements: requirements.currently_due.unwrap_or_default(),
            disabled_reason: requirements.disabled_reason,
        }
    }
}

impl Balance {
    pub(crate) fn available(&self, currency: Currency) -> Money {
        let minor = self.available.iter().filter(|a| a.currency.eq_ignore_ascii_case(currency.code())).map(|a| a.amount).sum();
        Money::from_minor(minor, currency)
    }
}

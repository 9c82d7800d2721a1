//! What we read of Stripe's answers.

use std::collections::BTreeMap;

use chrono::DateTime;
use escrow_api::{
    AccountState, BalanceMovement, ChargeNews, ChargeState, DisputeStage, DisputeState, FraudWarning, Holding, IntentStatus,
    OwnTransfer, PaymentIntentState, ProviderError, RefundState, SettledFunds, TransferState,
};
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

/// A charge by itself: what became of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Outcome {
    id: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    captured: bool,
    #[serde(default)]
    disputed: bool,
    #[serde(default)]
    amount: i64,
    #[serde(default)]
    amount_refunded: i64,
    currency: Option<String>,
    review: Option<Ref<Named>>,
    payment_intent: Option<Ref<Named>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dispute {
    id: String,
    charge: Option<Ref<Named>>,
    payment_intent: Option<Ref<Named>>,
    status: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    amount: i64,
    currency: Option<String>,
    balance_transactions: Option<Vec<Moved>>,
}

/// What a dispute did to the balance: the money taken, and given back.
#[derive(Debug, Deserialize)]
struct Moved {
    id: Option<String>,
    amount: i64,
    #[serde(default)]
    fee: i64,
    currency: Option<String>,
    status: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct EarlyFraudWarning {
    id: String,
    charge: Option<Ref<Named>>,
    payment_intent: Option<Ref<Named>>,
    fraud_type: Option<String>,
}

/// A dispute, a fraud warning, a refund or a review, as far as they are alike.
#[derive(Debug, Deserialize)]
pub(crate) struct OfCharge {
    id: String,
    charge: Option<Ref<Named>>,
    payment_intent: Option<Ref<Named>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Refund {
    id: String,
    amount: i64,
    currency: String,
    status: Option<String>,
    balance_transaction: Option<Ref<Named>>,
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct BalanceTransaction {
    id: String,
    amount: i64,
    fee: i64,
    currency: String,
    available_on: i64,
    status: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    source: Option<Ref<Named>>,
}

/// A top-up or a payout.
#[derive(Debug, Deserialize)]
pub(crate) struct Own {
    id: String,
    status: Option<String>,
    balance_transaction: Option<Ref<BalanceTransaction>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Transfer {
    id: String,
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
    pending: Vec<BalanceAmount>,
}

#[derive(Debug, Deserialize)]
struct BalanceAmount {
    amount: i64,
    currency: String,
}

fn money(minor: i64, currency: &str) -> Option<Money> {
    Some(Money::from_minor(minor, currency.to_ascii_uppercase().parse().ok()?))
}

/// What is in a currency that is not used here is nothing of ours: it never equals what we asked for, and stops nobody who looks at it.
fn money_or_none(minor: i64, currency: &str) -> Money {
    money(minor, currency).unwrap_or(Money::zero(Currency::EUR))
}

/// A word of Stripe's that is to be shown to a person.
fn word(word: Option<String>) -> String {
    word.filter(|word| !word.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

impl PaymentIntent {
    pub(crate) fn state(self) -> Result<PaymentIntentState, ProviderError> {
        let status = match self.status.as_str() {
            "requires_payment_method" | "requires_confirmation" => IntentStatus::Created,
            "requires_action" => IntentStatus::RequiresAction,
            "processing" => IntentStatus::Processing,
            "requires_capture" => IntentStatus::RequiresCapture,
            "succeeded" => IntentStatus::Succeeded,
            "canceled" => IntentStatus::Canceled,
            _ => IntentStatus::Unrecognised,
        };
        let amount_received = money_or_none(self.amount_received, &self.currency);
        let funds = match self.latest_charge {
            Some(Ref::Object(charge)) if status == IntentStatus::Succeeded => charge.funds(amount_received)?,
            Some(Ref::Id(id)) if status == IntentStatus::Succeeded => {
                return Err(ProviderError::Unexpected(format!("{id} was to be expanded and is not")));
            }
            _ => None,
        };
        Ok(PaymentIntentState {
            status,
            amount: money_or_none(self.amount, &self.currency),
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
        let settled = money(booked.amount, &booked.currency);
        Ok(Some(SettledFunds {
            charge: self.id,
            gross: settled.filter(|settled| settled.currency() == received.currency()).unwrap_or(received),
            fee: money(booked.fee, &booked.currency).unwrap_or(Money::zero(received.currency())),
            settled_in: booked.currency.to_ascii_uppercase(),
            available_on,
            available: booked.status == "available",
            balance_transaction: booked.id,
            destination_transfer: self.transfer.map(Ref::id),
        }))
    }
}

impl BalanceTransaction {
    /// In its own currency, or not at all: it is posted exactly as it is.
    pub(crate) fn movement(self) -> Result<BalanceMovement, ProviderError> {
        let foreign = || {
            let currency = self.currency.to_ascii_uppercase();
            ProviderError::Unexpected(format!("{} is in {currency}, a currency that is not used here", self.id))
        };
        let amount = money(self.amount, &self.currency).ok_or_else(foreign)?;
        Ok(BalanceMovement {
            amount,
            fee: Money::from_minor(self.fee, amount.currency()),
            available: self.status == "available",
            kind: word(self.kind),
            source: self.source.map(Ref::id),
            id: self.id,
        })
    }
}

impl Own {
    pub(crate) fn state(self) -> Result<OwnTransfer, ProviderError> {
        let movement = match self.balance_transaction {
            Some(Ref::Object(booked)) => Some(booked.movement()?),
            Some(Ref::Id(id)) => return Err(ProviderError::Unexpected(format!("{id} was to be expanded and is not"))),
            None => None,
        };
        Ok(OwnTransfer { id: self.id, status: word(self.status), movement })
    }
}

impl Transfer {
    pub(crate) fn state(self) -> TransferState {
        TransferState {
            amount: money_or_none(self.amount, &self.currency),
            reversed: money_or_none(self.amount_reversed, &self.currency),
            // Nobody's id: it is not the payee's.
            destination: self.destination.map(Ref::id).unwrap_or_default(),
            id: self.id,
            metadata: self.metadata.into_iter().collect(),
        }
    }
}

impl Outcome {
    pub(crate) fn state(self) -> ChargeState {
        ChargeState {
            id: self.id,
            intent: self.payment_intent.map(Ref::id),
            status: word(self.status),
            captured: self.captured,
            disputed: self.disputed,
            amount: self.amount,
            amount_refunded: self.amount_refunded,
            currency: word(self.currency).to_ascii_uppercase(),
            review: self.review.map(Ref::id),
        }
    }
}

impl Dispute {
    pub(crate) fn state(self) -> DisputeState {
        let status = word(self.status);
        let moved = self.balance_transactions.unwrap_or_default();
        let back = moved.iter().map(|moved| moved.amount).sum::<i64>() >= 0;
        let booked = moved.into_iter().filter_map(|moved| moved.movement(&self.id)).collect();
        let stage = match status.as_str() {
            "warning_needs_response" | "warning_under_review" => DisputeStage::Inquiry,
            "warning_closed" => DisputeStage::InquiryClosed,
            "won" if back => DisputeStage::Won,
            "won" => DisputeStage::WonUnpaid,
            "lost" | "charge_refunded" | "prevented" => DisputeStage::Lost,
            // `needs_response`, `under_review`, and whatever Stripe may add: money is away until we are told otherwise.
            _ => DisputeStage::Open,
        };
        let currency = word(self.currency).to_ascii_uppercase();
        let amount =
            money(self.amount, &currency).map_or_else(|| format!("{} {currency}", self.amount), |money| money.to_string());
        DisputeState {
            id: self.id,
            charge: self.charge.map(Ref::id).unwrap_or_default(),
            intent: self.payment_intent.map(Ref::id),
            status,
            stage,
            amount,
            reason: word(self.reason),
            booked,
        }
    }
}

impl Moved {
    /// What is in a currency that is not used here is in no book of ours.
    fn movement(self, dispute: &str) -> Option<BalanceMovement> {
        let amount = money(self.amount, &self.currency?)?;
        Some(BalanceMovement {
            id: self.id?,
            kind: "adjustment".to_owned(),
            source: Some(dispute.to_owned()),
            amount,
            fee: Money::from_minor(self.fee, amount.currency()),
            available: self.status.as_deref() == Some("available"),
        })
    }
}

impl EarlyFraudWarning {
    pub(crate) fn state(self) -> FraudWarning {
        FraudWarning {
            id: self.id,
            charge: self.charge.map(Ref::id).unwrap_or_default(),
            intent: self.payment_intent.map(Ref::id),
            fraud_type: word(self.fraud_type),
        }
    }
}

impl OfCharge {
    pub(crate) fn news(self) -> ChargeNews {
        ChargeNews { object: self.id, charge: self.charge.map(Ref::id), intent: self.payment_intent.map(Ref::id) }
    }
}

impl Refund {
    pub(crate) fn state(self) -> RefundState {
        RefundState {
            amount: money_or_none(self.amount, &self.currency),
            status: word(self.status),
            booked: self.balance_transaction.is_some(),
            metadata: self.metadata.unwrap_or_default().into_iter().collect(),
            id: self.id,
        }
    }
}

/// An object of a list, by which the next page is asked for.
pub(crate) trait Identified {
    fn id(&self) -> &str;
}

macro_rules! identified {
    ($($name:ident),*) => {$(
        impl Identified for $name {
            fn id(&self) -> &str {
                &self.id
            }
        }
    )*};
}
identified!(Transfer, Dispute, EarlyFraudWarning, OfCharge, Refund, BalanceTransaction, Labelled);

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
    /// Per currency that is used here.
    pub(crate) fn holdings(self) -> Result<Vec<Holding>, ProviderError> {
        let mut sums: BTreeMap<String, (Currency, i64, i64)> = BTreeMap::new();
        let parts = self.available.into_iter().map(|part| (part, true)).chain(self.pending.into_iter().map(|part| (part, false)));
        for (part, available) in parts {
            // What cannot be spoken of here can be in no book of ours.
            let Ok(currency) = part.currency.to_ascii_uppercase().parse::<Currency>() else { continue };
            let (_, now, later) = sums.entry(part.currency).or_insert((currency, 0, 0));
            let sum = if available { now } else { later };
            *sum = sum
                .checked_add(part.amount)
                .ok_or_else(|| ProviderError::Unexpected("the balance is beyond all bounds".to_owned()))?;
        }
        Ok(sums
            .into_values()
            .map(|(currency, now, later)| Holding {
                available: Money::from_minor(now, currency),
                pending: Money::from_minor(later, currency),
            })
            .collect())
    }
}

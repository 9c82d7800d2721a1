//! Balances: the sum of an account's balance transactions, pending until the clock reaches their `available_on`.

use crate::objects::events;
use crate::protocol::params::{Field, Kind, may};
use crate::protocol::{ApiError, Call, list};
use crate::world::schedule::{self, Task};
use crate::world::{State, ids, table};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Filters of the list of balance transactions.
pub(crate) const LIST: &[Field] = &[
    may("created", Kind::Range),
    may("currency", Kind::Currency),
    may("ending_before", Kind::Text),
    may("limit", Kind::Integer),
    may("payout", Kind::Text),
    may("source", Kind::Text),
    may("starting_after", Kind::Text),
    may("type", Kind::Text),
];

/// A movement on an account's balance.
#[derive(Debug)]
pub(crate) struct Movement<'a> {
    pub account: &'a str,
    /// Stripe's name of the kind: `charge`, `transfer`, `refund` …
    pub kind: &'a str,
    pub amount: i64,
    pub fee: i64,
    pub currency: &'a str,
    /// The object that caused it.
    pub source: &'a str,
    pub description: Option<&'a str>,
    pub available_on: i64,
}

/// Books a movement; answers the balance transaction's id.
pub(crate) fn book(state: &mut State, movement: &Movement<'_>) -> String {
    let id = ids::new("txn");
    let fee_type = if movement.kind == "payment" { "application_fee" } else { "stripe_fee" };
    let fee_details = if movement.fee == 0 {
        json!([])
    } else {
        json!([{ "amount": movement.fee, "application": null, "currency": movement.currency, "description": "Stripe processing fees", "type": fee_type }])
    };
    let transaction = json!({
        "id": id,
        "object": "balance_transaction",
        "amount": movement.amount,
        "available_on": movement.available_on,
        "balance_type": "payments",
        "created": state.now,
        "currency": movement.currency,
        "description": movement.description,
        "exchange_rate": null,
        "fee": movement.fee,
        "fee_details": fee_details,
        "net": movement.amount - movement.fee,
        "reporting_category": reporting_category(movement.kind),
        "source": movement.source,
        "status": "pending",
        "type": movement.kind,
    });
    state.insert(table::BALANCE_TRANSACTIONS, movement.account, transaction);
    if movement.available_on > state.now {
        schedule::at(state, movement.available_on, Task::BalanceAvailable, movement.account);
    } else if movement.amount > 0 && matches!(movement.kind, "charge" | "topup") {
        announce(state, movement.account);
    }
    id
}

fn reporting_category(kind: &str) -> &str {
    match kind {
        "payment" => "charge",
        "payment_refund" => "refund",
        "transfer_refund" => "transfer_reversal",
        "application_fee" => "connect_collection_transfer",
        "adjustment" => "dispute",
        other => other,
    }
}

/// What an account has of a currency.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Holding {
    pub available: i64,
    pub pending: i64,
}

impl Holding {
    /// Available and pending together.
    pub fn total(self) -> i64 {
        self.available + self.pending
    }
}

/// What an account has, by currency.
pub(crate) fn holdings(state: &State, account: &str) -> BTreeMap<String, Holding> {
    let mut sums: BTreeMap<String, Holding> = BTreeMap::new();
    for transaction in state.of_account(table::BALANCE_TRANSACTIONS, account) {
        let currency = transaction["currency"].as_str().unwrap_or_default();
        let net = transaction["net"].as_i64().unwrap_or(0);
        let holding = sums.entry(currency.to_owned()).or_default();
        if transaction["available_on"].as_i64().unwrap_or(0) <= state.now {
            holding.available += net;
        } else {
            holding.pending += net;
        }
    }
    sums
}

/// What an account has of one currency.
pub(crate) fn holding(state: &State, account: &str, currency: &str) -> Holding {
    holdings(state, account).remove(currency).unwrap_or_default()
}

/// The balance object of an account.
pub(crate) fn object(state: &State, account: &str) -> Value {
    let mut holdings = holdings(state, account);
    if holdings.is_empty() {
        holdings.insert("usd".into(), Holding::default());
    }
    let amounts = |of: fn(&Holding) -> i64| -> Vec<Value> {
        holdings
            .iter()
            .map(|(currency, holding)| json!({ "amount": of(holding), "currency": currency, "source_types": { "card": of(holding) } }))
            .collect()
    };
    json!({
        "object": "balance",
        "available": amounts(|h| h.available),
        "connect_reserved": [],
        "livemode": false,
        "pending": amounts(|h| h.pending),
        "refund_and_dispute_prefunding": { "available": [], "pending": [] },
    })
}

/// Tells the world that money of an account became available.
pub(crate) fn announce(state: &mut State, account: &str) {
    let balance = object(state, account);
    events::emit(state, "balance.available", account, &balance);
}

/// Refuses to take more than is available.
pub(crate) fn require_available(state: &State, account: &str, amount: i64, currency: &str) -> Result<(), ApiError> {
    if holding(state, account, currency).available >= amount { Ok(()) } else { Err(insufficient()) }
}

/// The refusal for lack of money.
pub(crate) fn insufficient() -> ApiError {
    ApiError::invalid(
        "You have insufficient available funds in your Stripe account. Try adding funds directly to your available balance by creating Charges using the 4000000000000077 test card (pm_card_bypassPending). See: https://stripe.com/docs/testing#available-balance",
    )
    .code("balance_insufficient")
}

/// `GET /v1/balance`.
pub(crate) fn retrieve(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    Ok(object(state, &call.account))
}

/// `GET /v1/balance_transactions/{id}`.
pub(crate) fn retrieve_transaction(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    state.fetch(table::BALANCE_TRANSACTIONS, &call.account, "balance transaction", call.path(0))
}

/// `GET /v1/balance_transactions`.
pub(crate) fn list_transactions(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let same = |object: &Value, field: &str| call.text(field).is_none_or(|wanted| object[field] == wanted);
    let transactions = state.of_account(table::BALANCE_TRANSACTIONS, &call.account).filter(|t| {
        same(t, "currency") && same(t, "source") && same(t, "type") && call.text("payout").is_none_or(|po| t["source"] == po)
    });
    list::page(transactions, call)
}

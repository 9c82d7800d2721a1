//! Payouts: money of a balance sent to the bank account behind it.

use crate::objects::balance::{self, Movement};
use crate::objects::events;
use crate::protocol::params::{Field, Kind, may, need};
use crate::protocol::{ApiError, Call, list, metadata, money};
use crate::world::clock::DAY;
use crate::world::{State, ids, table};
use serde_json::{Value, json};

/// Parameters of a new payout.
pub(crate) const CREATE: &[Field] = &[
    need("amount", Kind::Integer),
    need("currency", Kind::Currency),
    may("description", Kind::Text),
    may("destination", Kind::Text),
    may("metadata", Kind::Metadata),
    may("method", Kind::OneOf(&["instant", "standard"])),
    may("source_type", Kind::OneOf(&["bank_account", "card", "fpx"])),
    may("statement_descriptor", Kind::Text),
];

/// Filters of the list.
pub(crate) const LIST: &[Field] = &[
    may("created", Kind::Range),
    may("ending_before", Kind::Text),
    may("limit", Kind::Integer),
    may("starting_after", Kind::Text),
    may("status", Kind::Text),
];

/// `POST /v1/payouts`.
pub(crate) fn create(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let amount = call.int("amount").unwrap_or(0);
    money::positive(amount, "amount")?;
    let currency = call.text("currency").unwrap_or_default();
    balance::require_available(state, &call.account, amount, currency)?;
    let id = ids::new("po");
    let movement = Movement {
        account: &call.account,
        kind: "payout",
        amount: -amount,
        fee: 0,
        currency,
        source: &id,
        description: Some("STRIPE PAYOUT"),
        available_on: state.now,
    };
    let transaction = balance::book(state, &movement);
    let payout = json!({
        "id": id, "object": "payout", "amount": amount, "application_fee": null, "application_fee_amount": null, "arrival_date": state.now + DAY,
        "automatic": false, "balance_transaction": transaction, "created": state.now, "currency": currency,
        "description": call.text("description"), "destination": "ba_sandbox", "failure_balance_transaction": null, "failure_code": null,
        "failure_message": null, "livemode": false, "metadata": metadata::merged(&json!({}), call.params.get("metadata")),
        "method": call.text("method").unwrap_or("standard"), "original_payout": null, "payout_method": null, "reconciliation_status": "not_applicable",
        "reversed_by": null, "source_type": "card", "statement_descriptor": call.text("statement_descriptor"), "status": "paid",
        "trace_id": null, "type": "bank_account",
    });
    let payout = state.insert(table::PAYOUTS, &call.account, payout);
    events::emit(state, "payout.created", &call.account, &payout);
    events::emit(state, "payout.paid", &call.account, &payout);
    Ok(payout)
}

/// `GET /v1/payouts/{id}`.
pub(crate) fn retrieve(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    state.fetch(table::PAYOUTS, &call.account, "payout", call.path(0))
}

/// `GET /v1/payouts`.
pub(crate) fn list(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let status = call.text("status");
    list::page(state.of_account(table::PAYOUTS, &call.account).filter(|p| status.is_none_or(|s| p["status"] == s)), call)
}

/// The bank takes it, has it, or sends it back.
pub(crate) fn move_to(state: &mut State, id: &str, status: &str) -> Result<Value, ApiError> {
    let mut payout = state.store.get(table::PAYOUTS, id).cloned().ok_or_else(|| ApiError::missing("payout", id))?;
    let before = payout["status"].as_str().unwrap_or_default().to_owned();
    let back = match status {
        "failed" => Some("payout_failure"),
        "canceled" => Some("payout_cancel"),
        _ => None,
    };
    let over = matches!(before.as_str(), "failed" | "canceled");
    if over || !(back.is_some() || matches!(status, "pending" | "in_transit" | "paid")) {
        return Err(ApiError::invalid(format!("The payout {id} is {before} and cannot become {status}.")));
    }
    let account = payout["_account"].as_str().unwrap_or_default().to_owned();
    payout["status"] = json!(status);
    if let Some(kind) = back {
        let currency = payout["currency"].as_str().unwrap_or_default().to_owned();
        let movement = Movement {
            account: &account,
            kind,
            amount: payout["amount"].as_i64().unwrap_or(0),
            fee: 0,
            currency: &currency,
            source: id,
            description: Some("STRIPE PAYOUT"),
            available_on: state.now,
        };
        payout["failure_balance_transaction"] = json!(balance::book(state, &movement));
    }
    state.save(table::PAYOUTS, &payout);
    let kind = if matches!(status, "pending" | "in_transit") { "updated" } else { status };
    events::emit(state, &format!("payout.{kind}"), &account, &payout);
    Ok(payout)
}

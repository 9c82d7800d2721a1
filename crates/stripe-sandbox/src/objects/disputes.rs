//! Disputes: a payer contests a charge, and the bank takes the money until it is decided.

use crate::objects::balance::{self, Movement};
use crate::objects::events;
use crate::protocol::params::{Field, Kind, may};
use crate::protocol::{ApiError, Call, list};
use crate::world::clock::DAY;
use crate::world::{State, ids, table};
use serde_json::{Value, json};

/// What the bank takes for a dispute, won or lost.
const FEE: i64 = 1_500;

/// Filters of the list.
pub(crate) const LIST: &[Field] = &[
    may("charge", Kind::Text),
    may("created", Kind::Range),
    may("ending_before", Kind::Text),
    may("limit", Kind::Integer),
    may("payment_intent", Kind::Text),
    may("starting_after", Kind::Text),
];

/// Whether the bank only asks so far: no money has moved.
fn is_inquiry(dispute: &Value) -> bool {
    dispute["status"].as_str().is_some_and(|status| status.starts_with("warning_"))
}

fn is_over(dispute: &Value) -> bool {
    matches!(dispute["status"].as_str(), Some("won" | "lost" | "warning_closed"))
}

/// A payer contests a charge; or, as an inquiry, their bank asks about it first.
pub(crate) fn open(state: &mut State, charge_id: &str, reason: &str, inquiry: bool) -> Result<Value, ApiError> {
    let mut charge = state.store.get(table::CHARGES, charge_id).cloned().ok_or_else(|| ApiError::missing("charge", charge_id))?;
    if charge["status"] != "succeeded" || charge["disputed"] == true {
        return Err(ApiError::invalid(format!("The charge {charge_id} has not succeeded or is disputed already.")));
    }
    let account = charge["_account"].as_str().unwrap_or_default().to_owned();
    let amount = charge["amount_captured"].as_i64().unwrap_or(0) - charge["amount_refunded"].as_i64().unwrap_or(0);
    let id = ids::new("dp");
    let dispute = json!({
        "id": id, "object": "dispute", "amount": amount, "balance_transactions": [], "charge": charge_id, "created": state.now,
        "currency": charge["currency"], "enhanced_eligibility_types": [], "evidence": { "enhanced_evidence": {} },
        "evidence_details": { "due_by": state.now + 7 * DAY, "enhanced_eligibility": {}, "has_evidence": false, "past_due": false, "submission_count": 0 },
        "is_charge_refundable": inquiry, "livemode": false, "metadata": {}, "payment_intent": charge["payment_intent"],
        "payment_method_details": { "type": "card", "card": { "brand": "visa", "case_type": "chargeback", "network": "visa", "network_reason_code": "83" } },
        "reason": reason, "status": if inquiry { "warning_needs_response" } else { "needs_response" },
    });
    let mut dispute = state.insert(table::DISPUTES, &account, dispute);
    charge["dispute"] = json!(id);
    state.save(table::CHARGES, &charge);
    if inquiry {
        events::emit(state, "charge.dispute.created", &account, &dispute);
        return Ok(dispute);
    }
    withdraw(state, &mut dispute);
    events::emit(state, "charge.dispute.created", &account, &dispute);
    events::emit(state, "charge.dispute.funds_withdrawn", &account, &dispute);
    Ok(dispute)
}

/// The bank takes the money.
fn withdraw(state: &mut State, dispute: &mut Value) {
    let account = dispute["_account"].as_str().unwrap_or_default().to_owned();
    let mut charge = dispute["charge"].as_str().and_then(|id| state.store.get(table::CHARGES, id)).cloned().unwrap_or_default();
    let (id, amount) = (dispute["id"].as_str().unwrap_or_default().to_owned(), dispute["amount"].as_i64().unwrap_or(0));
    let transaction = adjust(state, &account, -amount, FEE, &charge, &id, "Chargeback withdrawal");
    if let Some(all) = dispute["balance_transactions"].as_array_mut() {
        all.push(transaction);
    }
    dispute["is_charge_refundable"] = json!(false);
    state.save(table::DISPUTES, dispute);
    charge["disputed"] = json!(true);
    state.save(table::CHARGES, &charge);
}

/// It goes on: evidence is looked at, or an inquiry becomes a dispute.
pub(crate) fn move_to(state: &mut State, id: &str, status: &str) -> Result<Value, ApiError> {
    let mut dispute = state.store.get(table::DISPUTES, id).cloned().ok_or_else(|| ApiError::missing("dispute", id))?;
    let escalates = is_inquiry(&dispute) && !status.starts_with("warning_");
    let known = matches!(status, "needs_response" | "under_review" | "warning_needs_response" | "warning_under_review");
    if is_over(&dispute) || !known || (!is_inquiry(&dispute) && status.starts_with("warning_")) {
        return Err(ApiError::invalid(format!("The dispute {id} cannot become {status}.")));
    }
    let account = dispute["_account"].as_str().unwrap_or_default().to_owned();
    dispute["status"] = json!(status);
    state.save(table::DISPUTES, &dispute);
    if escalates {
        withdraw(state, &mut dispute);
        events::emit(state, "charge.dispute.funds_withdrawn", &account, &dispute);
    }
    events::emit(state, "charge.dispute.updated", &account, &dispute);
    Ok(dispute)
}

/// The bank decides. What is won comes back at once, or later (`reinstate`).
pub(crate) fn close(state: &mut State, id: &str, won: bool, at_once: bool) -> Result<Value, ApiError> {
    let mut dispute = state.store.get(table::DISPUTES, id).cloned().ok_or_else(|| ApiError::missing("dispute", id))?;
    if is_over(&dispute) {
        return Err(ApiError::invalid(format!("The dispute {id} is closed already.")));
    }
    let account = dispute["_account"].as_str().unwrap_or_default().to_owned();
    let inquiry = is_inquiry(&dispute);
    dispute["status"] = json!(match (inquiry, won) {
        (true, _) => "warning_closed",
        (false, true) => "won",
        (false, false) => "lost",
    });
    state.save(table::DISPUTES, &dispute);
    events::emit(state, "charge.dispute.closed", &account, &dispute);
    if won && at_once && !inquiry { reinstate(state, id) } else { Ok(dispute) }
}

/// The money of a dispute that was won comes back.
pub(crate) fn reinstate(state: &mut State, id: &str) -> Result<Value, ApiError> {
    let mut dispute = state.store.get(table::DISPUTES, id).cloned().ok_or_else(|| ApiError::missing("dispute", id))?;
    let moved = dispute["balance_transactions"].as_array().map_or(0, Vec::len);
    if dispute["status"] != "won" || moved != 1 {
        return Err(ApiError::invalid(format!("The dispute {id} has no money to come back.")));
    }
    let account = dispute["_account"].as_str().unwrap_or_default().to_owned();
    let charge = dispute["charge"].as_str().and_then(|id| state.store.get(table::CHARGES, id)).cloned().unwrap_or_default();
    let amount = dispute["amount"].as_i64().unwrap_or(0);
    let transaction = adjust(state, &account, amount, 0, &charge, id, "Chargeback reversal");
    if let Some(all) = dispute["balance_transactions"].as_array_mut() {
        all.push(transaction);
    }
    state.save(table::DISPUTES, &dispute);
    events::emit(state, "charge.dispute.funds_reinstated", &account, &dispute);
    Ok(dispute)
}

fn adjust(state: &mut State, account: &str, amount: i64, fee: i64, charge: &Value, dispute: &str, description: &str) -> Value {
    let currency = charge["currency"].as_str().unwrap_or_default().to_owned();
    let movement = Movement {
        account,
        kind: "adjustment",
        amount,
        fee,
        currency: &currency,
        source: dispute,
        description: Some(description),
        available_on: state.now,
    };
    let id = balance::book(state, &movement);
    let transaction = state.store.get(table::BALANCE_TRANSACTIONS, &id).cloned().unwrap_or_default();
    state.present(&transaction)
}

/// `GET /v1/disputes/{id}`.
pub(crate) fn retrieve(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    state.fetch(table::DISPUTES, &call.account, "dispute", call.path(0))
}

/// `GET /v1/disputes`.
pub(crate) fn list(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let same = |dispute: &Value, field: &str| call.text(field).is_none_or(|wanted| dispute[field] == wanted);
    list::page(state.of_account(table::DISPUTES, &call.account).filter(|d| same(d, "charge") && same(d, "payment_intent")), call)
}

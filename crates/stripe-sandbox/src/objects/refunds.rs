//! Refunds: money of a charge given back to the payer.

use crate::objects::balance::{self, Movement};
use crate::objects::{events, reversals};
use crate::protocol::params::{Field, Kind, may};
use crate::protocol::{ApiError, Call, list, metadata, money};
use crate::world::clock::DAY;
use crate::world::schedule::{self, Task};
use crate::world::{State, ids, table};
use serde_json::{Value, json};

/// Parameters of a new refund.
pub(crate) const CREATE: &[Field] = &[
    may("amount", Kind::Integer),
    may("charge", Kind::Text),
    may("instructions_email", Kind::Text),
    may("metadata", Kind::Metadata),
    may("payment_intent", Kind::Text),
    may("reason", Kind::OneOf(&["duplicate", "fraudulent", "requested_by_customer"])),
    may("refund_application_fee", Kind::Boolean),
    may("reverse_transfer", Kind::Boolean),
];

/// Parameters of a change.
pub(crate) const UPDATE: &[Field] = &[may("metadata", Kind::Metadata)];

/// Filters of the list.
pub(crate) const LIST: &[Field] = &[
    may("charge", Kind::Text),
    may("created", Kind::Range),
    may("ending_before", Kind::Text),
    may("limit", Kind::Integer),
    may("payment_intent", Kind::Text),
    may("starting_after", Kind::Text),
];

/// The charge that a request wants to refund.
fn charge_of(state: &State, call: &Call) -> Result<Value, ApiError> {
    let find = |id: &str, param: &str| {
        state.get(table::CHARGES, &call.account, id).ok_or_else(|| ApiError::missing_reference("charge", id, param))
    };
    let charge = match (call.text("charge"), call.text("payment_intent")) {
        (Some(charge), _) => find(charge, "charge")?,
        (None, Some(id)) => {
            let intent = state
                .get(table::PAYMENT_INTENTS, &call.account, id)
                .ok_or_else(|| ApiError::missing_reference("payment_intent", id, "payment_intent"))?;
            let Some(charge) = intent["latest_charge"].as_str() else {
                return Err(ApiError::invalid(format!("This PaymentIntent ({id}) does not have a successful charge to refund."))
                    .param("payment_intent"));
            };
            find(charge, "payment_intent")?
        }
        (None, None) => {
            return Err(ApiError::parameter(
                "charge",
                "One of the following params should be provided for this request: payment_intent or charge.",
            )
            .code("parameter_missing"));
        }
    };
    if charge["status"] != "succeeded" {
        return Err(ApiError::invalid("This charge has not succeeded, so there is nothing to refund.")
            .code("charge_not_refundable")
            .param("charge"));
    }
    Ok(charge)
}

/// `POST /v1/refunds`.
pub(crate) fn create(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let mut charge = charge_of(state, call)?;
    let text = |field: &str| charge[field].as_str().unwrap_or_default().to_owned();
    let (charge_id, currency, method) = (text("id"), text("currency"), text("payment_method"));
    let refunded = charge["amount_refunded"].as_i64().unwrap_or(0);
    let left = charge["amount_captured"].as_i64().unwrap_or(0) - refunded;
    if left == 0 {
        return Err(ApiError::invalid(format!("Charge {charge_id} has already been refunded.")).code("charge_already_refunded"));
    }
    if charge["disputed"] == true {
        return Err(ApiError::invalid(format!("Charge {charge_id} has been charged back; cannot issue a refund."))
            .code("charge_disputed"));
    }
    let amount = call.int("amount").unwrap_or(left);
    money::positive(amount, "amount")?;
    if amount > left {
        return Err(ApiError::invalid(format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"))
            .param("amount"));
    }
    let available_on = charge["_available_on"].as_i64().unwrap_or(0).max(state.now);
    let holding = balance::holding(state, &call.account, &currency);
    let covered = if available_on > state.now { holding.total() } else { holding.available };
    let reversing = call.flag("reverse_transfer") == Some(true);
    if covered < amount && !reversing {
        return Err(balance::insufficient());
    }
    let id = ids::new("re");
    let reversal = if reversing { Some(reverse(state, &charge, amount, &id)?) } else { None };
    let movement = Movement {
        account: &call.account,
        kind: if charge_id.starts_with("py_") { "payment_refund" } else { "refund" },
        amount: -amount,
        fee: 0,
        currency: &currency,
        source: &id,
        description: Some("REFUND FOR CHARGE"),
        available_on,
    };
    let transaction = balance::book(state, &movement);
    let behaviour =
        state.store.get(table::PAYMENT_METHODS, &method).and_then(|m| m["_test"].as_str()).unwrap_or_default().to_owned();
    let status = if behaviour == "pm_card_pendingRefund" { "pending" } else { "succeeded" };
    let refund = json!({
        "id": id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": transaction,
        "charge": charge_id,
        "created": state.now,
        "currency": currency,
        "destination_details": { "type": "card", "card": { "reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund" } },
        "metadata": metadata::merged(&json!({}), call.params.get("metadata")),
        "payment_intent": charge["payment_intent"],
        "reason": call.any("reason"),
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": status,
        "transfer_reversal": reversal.map(|r| r["id"].clone()),
        "_behaviour": behaviour,
    });
    let refund = state.insert(table::REFUNDS, &call.account, refund);
    charge["amount_refunded"] = json!(refunded + amount);
    charge["refunded"] = json!(amount == left);
    state.save(table::CHARGES, &charge);
    if matches!(behaviour.as_str(), "pm_card_pendingRefund" | "pm_card_refundFail") {
        let due = state.now + DAY;
        schedule::at(state, due, Task::SettleRefund, &id);
    }
    events::emit(state, "refund.created", &call.account, &refund);
    events::emit_change(
        state,
        "charge.refunded",
        &call.account,
        &charge,
        Some(json!({ "amount_refunded": refunded, "refunded": false })),
    );
    Ok(refund)
}

/// Takes back from the destination its part of the amount refunded.
fn reverse(state: &mut State, charge: &Value, amount: i64, refund: &str) -> Result<Value, ApiError> {
    let Some(transfer) = charge["transfer"].as_str().and_then(|id| state.store.get(table::TRANSFERS, id)).cloned() else {
        return Err(ApiError::invalid("Cannot reverse the transfer: this charge has no associated transfer. Reverse the transfers of its group by themselves.")
            .param("reverse_transfer"));
    };
    let sent = i128::from(transfer["amount"].as_i64().unwrap_or(0));
    let charged = i128::from(charge["amount_captured"].as_i64().unwrap_or(1)).max(1);
    let part = i64::try_from(sent * i128::from(amount) / charged).unwrap_or(0);
    reversals::reverse(state, transfer, part, Some(refund))
}

/// The bank answers about a refund, a day later.
pub(crate) fn settle(state: &mut State, id: &str) {
    let Some(mut refund) = state.store.get(table::REFUNDS, id).cloned() else { return };
    let account = refund["_account"].as_str().unwrap_or_default().to_owned();
    if refund["_behaviour"] != "pm_card_refundFail" {
        refund["status"] = json!("succeeded");
        state.save(table::REFUNDS, &refund);
        events::emit(state, "refund.updated", &account, &refund);
        return;
    }
    let amount = refund["amount"].as_i64().unwrap_or(0);
    let currency = refund["currency"].as_str().unwrap_or_default().to_owned();
    let movement = Movement {
        account: &account,
        kind: "refund_failure",
        amount,
        fee: 0,
        currency: &currency,
        source: id,
        description: Some("REFUND FAILURE"),
        available_on: state.now,
    };
    let transaction = balance::book(state, &movement);
    refund["status"] = json!("failed");
    refund["failure_reason"] = json!("expired_or_canceled_card");
    refund["failure_balance_transaction"] = json!(transaction);
    state.save(table::REFUNDS, &refund);
    if let Some(mut charge) = refund["charge"].as_str().and_then(|id| state.store.get(table::CHARGES, id)).cloned() {
        charge["amount_refunded"] = json!(charge["amount_refunded"].as_i64().unwrap_or(0) - amount);
        charge["refunded"] = json!(false);
        state.save(table::CHARGES, &charge);
    }
    events::emit(state, "refund.updated", &account, &refund);
    events::emit(state, "refund.failed", &account, &refund);
}

/// `GET /v1/refunds/{id}`.
pub(crate) fn retrieve(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    state.fetch(table::REFUNDS, &call.account, "refund", call.path(0))
}

/// `POST /v1/refunds/{id}`.
pub(crate) fn update(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let mut refund = state.fetch(table::REFUNDS, &call.account, "refund", call.path(0))?;
    refund["metadata"] = metadata::merged(&refund["metadata"], call.params.get("metadata"));
    state.save(table::REFUNDS, &refund);
    events::emit(state, "refund.updated", &call.account, &refund);
    Ok(refund)
}

/// `GET /v1/refunds`.
pub(crate) fn list(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let same = |refund: &Value, field: &str| call.text(field).is_none_or(|wanted| refund[field] == wanted);
    list::page(state.of_account(table::REFUNDS, &call.account).filter(|r| same(r, "charge") && same(r, "payment_intent")), call)
}

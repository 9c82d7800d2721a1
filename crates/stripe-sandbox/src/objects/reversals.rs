//! Reversals: money of a transfer taken back, as far as the connected account still has it.

use crate::objects::balance::{self, Movement};
use crate::objects::{events, transfers};
use crate::protocol::params::{Field, Kind, may};
use crate::protocol::{ApiError, Call, list, metadata, money};
use crate::world::{State, ids, table};
use serde_json::{Value, json};

/// Parameters of a new reversal.
pub(crate) const CREATE: &[Field] = &[
    may("amount", Kind::Integer),
    may("description", Kind::Text),
    may("metadata", Kind::Metadata),
    may("refund_application_fee", Kind::Boolean),
];

/// Parameters of a change.
pub(crate) const UPDATE: &[Field] = &[may("metadata", Kind::Metadata)];

/// Cursors of the list.
pub(crate) const LIST: &[Field] =
    &[may("ending_before", Kind::Text), may("limit", Kind::Integer), may("starting_after", Kind::Text)];

/// `POST /v1/transfers/{id}/reversals`.
pub(crate) fn create(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let transfer = state.fetch(table::TRANSFERS, &call.account, "transfer", call.path(0))?;
    let left = transfer["amount"].as_i64().unwrap_or(0) - transfer["amount_reversed"].as_i64().unwrap_or(0);
    if left == 0 {
        return Err(ApiError::invalid(format!("Transfer {} is already fully reversed.", call.path(0))));
    }
    let amount = call.int("amount").unwrap_or(left);
    let mut reversal = reverse(state, transfer, amount, None)?;
    reversal["metadata"] = metadata::merged(&json!({}), call.params.get("metadata"));
    state.save(table::REVERSALS, &reversal);
    Ok(reversal)
}

/// Takes money of a transfer back.
pub(crate) fn reverse(state: &mut State, mut transfer: Value, amount: i64, refund: Option<&str>) -> Result<Value, ApiError> {
    money::positive(amount, "amount")?;
    let text = |field: &str| transfer[field].as_str().unwrap_or_default().to_owned();
    let (account, destination, currency, payment) =
        (text("_account"), text("destination"), text("currency"), text("destination_payment"));
    let reversed = transfer["amount_reversed"].as_i64().unwrap_or(0);
    let left = transfer["amount"].as_i64().unwrap_or(0) - reversed;
    if amount > left {
        return Err(ApiError::invalid(format!(
            "Reversal amount ({amount}) is greater than unreversed amount on transfer ({left})"
        ))
        .param("amount"));
    }
    let pending_until = transfer["_available_on"].as_i64().unwrap_or(0);
    let holding = balance::holding(state, &destination, &currency);
    let covered = if pending_until > state.now { holding.total() } else { holding.available };
    if covered < amount {
        return Err(ApiError::invalid(
            "Insufficient funds in the connected account's balance to reverse this transfer: the account has already used or paid out the money.",
        )
        .code("balance_insufficient"));
    }
    let id = ids::new("trr");
    let refund_id = ids::new("pyr");
    let taken = Movement {
        account: &destination,
        kind: "payment_refund",
        amount: -amount,
        fee: 0,
        currency: &currency,
        source: &refund_id,
        description: None,
        available_on: pending_until.max(state.now),
    };
    let taken_transaction = balance::book(state, &taken);
    let back = Movement { account: &account, kind: "transfer_refund", amount, source: &id, ..taken };
    let transaction = balance::book(state, &back);
    let payment_refund = json!({
        "id": refund_id, "object": "refund", "amount": amount, "balance_transaction": taken_transaction, "charge": payment, "created": state.now,
        "currency": currency, "metadata": {}, "payment_intent": null, "reason": null, "receipt_number": null,
        "source_transfer_reversal": id, "status": "succeeded", "transfer_reversal": null,
    });
    state.insert(table::REFUNDS, &destination, payment_refund);
    if let Some(mut charge) = state.store.get(table::CHARGES, &payment).cloned() {
        charge["amount_refunded"] = json!(reversed + amount);
        charge["refunded"] = json!(amount == left);
        state.save(table::CHARGES, &charge);
    }
    let reversal = json!({
        "id": id,
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": transaction,
        "created": state.now,
        "currency": currency,
        "destination_payment_refund": refund_id,
        "metadata": {},
        "source_refund": refund,
        "transfer": transfer["id"],
    });
    let reversal = state.insert(table::REVERSALS, &account, reversal);
    transfer["amount_reversed"] = json!(reversed + amount);
    transfer["reversed"] = json!(amount == left);
    state.save(table::TRANSFERS, &transfer);
    let shown = transfers::with_reversals(state, &transfer);
    events::emit_change(
        state,
        "transfer.reversed",
        &account,
        &shown,
        Some(json!({ "amount_reversed": reversed, "reversed": false })),
    );
    Ok(reversal)
}

fn one(state: &State, call: &Call) -> Result<Value, ApiError> {
    let reversal = state.fetch(table::REVERSALS, &call.account, "transfer reversal", call.path(1))?;
    if reversal["transfer"] == call.path(0) { Ok(reversal) } else { Err(ApiError::missing("transfer reversal", call.path(1))) }
}

/// `GET /v1/transfers/{id}/reversals/{id}`.
pub(crate) fn retrieve(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    one(state, call)
}

/// `POST /v1/transfers/{id}/reversals/{id}`.
pub(crate) fn update(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let mut reversal = one(state, call)?;
    reversal["metadata"] = metadata::merged(&reversal["metadata"], call.params.get("metadata"));
    state.save(table::REVERSALS, &reversal);
    Ok(reversal)
}

/// `GET /v1/transfers/{id}/reversals`.
pub(crate) fn list(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    state.fetch(table::TRANSFERS, &call.account, "transfer", call.path(0))?;
    list::page(state.of_account(table::REVERSALS, &call.account).filter(|r| r["transfer"] == call.path(0)), call)
}

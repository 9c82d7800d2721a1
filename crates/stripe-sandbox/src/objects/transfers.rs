//! Transfers: money from the platform's balance to a connected account's.

use crate::objects::balance::{self, Movement};
use crate::objects::events;
use crate::protocol::params::{Field, Kind, may, need};
use crate::protocol::{ApiError, Call, list, metadata, money};
use crate::world::{PLATFORM, State, ids, table};
use serde_json::{Value, json};

/// Parameters of a new transfer.
pub(crate) const CREATE: &[Field] = &[
    need("amount", Kind::Integer),
    need("currency", Kind::Currency),
    may("description", Kind::Text),
    need("destination", Kind::Text),
    may("metadata", Kind::Metadata),
    may("source_transaction", Kind::Text),
    may("source_type", Kind::OneOf(&["bank_account", "card", "fpx"])),
    may("transfer_group", Kind::Text),
];

/// Parameters of a change.
pub(crate) const UPDATE: &[Field] = &[may("description", Kind::Text), may("metadata", Kind::Metadata)];

/// Filters of the list.
pub(crate) const LIST: &[Field] = &[
    may("created", Kind::Range),
    may("destination", Kind::Text),
    may("ending_before", Kind::Text),
    may("limit", Kind::Integer),
    may("starting_after", Kind::Text),
    may("transfer_group", Kind::Text),
];

/// The refusal to send money to an account that cannot receive it.
pub(crate) fn incapable() -> ApiError {
    ApiError::invalid(
        "Your destination account needs to have at least one of the following capabilities enabled: transfers, crypto_transfers, legacy_payments",
    )
    .code("insufficient_capabilities_for_transfer")
}

/// Where the money of a transfer comes from and when it arrives.
struct Source {
    charge: Option<String>,
    group: Option<String>,
    available_on: i64,
}

/// `POST /v1/transfers`.
pub(crate) fn create(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let amount = call.int("amount").unwrap_or(0);
    money::positive(amount, "amount")?;
    let currency = call.text("currency").unwrap_or_default().to_owned();
    let destination = call.text("destination").unwrap_or_default().to_owned();
    let Some(account) = state.store.get(table::ACCOUNTS, &destination) else {
        return Err(ApiError::missing_reference("destination", &destination, "destination"));
    };
    if account["capabilities"]["transfers"] != "active" {
        return Err(incapable());
    }
    let source = match call.text("source_transaction") {
        Some(charge) => from_charge(state, call, charge, amount, &currency)?,
        None => {
            balance::require_available(state, &call.account, amount, &currency)?;
            Source { charge: None, group: call.text("transfer_group").map(str::to_owned), available_on: state.now }
        }
    };
    let data = metadata::merged(&json!({}), call.params.get("metadata"));
    let mut transfer = send(state, &call.account, &destination, amount, amount, &currency, &source);
    transfer["description"] = call.any("description");
    transfer["metadata"] = data;
    state.save(table::TRANSFERS, &transfer);
    let shown = with_reversals(state, &transfer);
    events::emit(state, "transfer.created", &call.account, &shown);
    Ok(shown)
}

/// A transfer out of one charge may use its money before it is available, and no more than it brought.
fn from_charge(state: &State, call: &Call, id: &str, amount: i64, currency: &str) -> Result<Source, ApiError> {
    let charge = state
        .get(table::CHARGES, &call.account, id)
        .ok_or_else(|| ApiError::missing_reference("charge", id, "source_transaction"))?;
    if charge["status"] != "succeeded" || charge["captured"] != true {
        return Err(ApiError::invalid(format!("The charge {id} has not succeeded, so it cannot be the source of a transfer."))
            .param("source_transaction"));
    }
    if charge["currency"] != currency {
        return Err(ApiError::invalid(
            "The currency of source_transaction's balance transaction must be the same as the transfer currency.",
        )
        .param("currency"));
    }
    let used: i64 = state
        .of_account(table::TRANSFERS, &call.account)
        .filter(|t| t["source_transaction"] == id)
        .map(|t| t["amount"].as_i64().unwrap_or(0) - t["amount_reversed"].as_i64().unwrap_or(0))
        .sum();
    let left = charge["amount_captured"].as_i64().unwrap_or(0) - charge["amount_refunded"].as_i64().unwrap_or(0) - used;
    if amount > left {
        return Err(ApiError::invalid(format!(
            "Cannot use source_transaction because the transfer amount ({amount}) is greater than what is left of the source charge ({left})."
        ))
        .param("amount"));
    }
    let group = match (charge["transfer_group"].as_str(), call.text("transfer_group")) {
        (Some(own), Some(asked)) if own != asked => {
            return Err(ApiError::parameter(
                "transfer_group",
                "The transfer_group must be the same as the source charge's transfer_group.",
            ));
        }
        (Some(own), _) => own.to_owned(),
        (None, Some(asked)) => asked.to_owned(),
        (None, None) => format!("group_{id}"),
    };
    let available_on = charge["_available_on"].as_i64().unwrap_or(0).max(state.now);
    Ok(Source { charge: Some(id.to_owned()), group: Some(group), available_on })
}

/// Moves the money of a destination charge at once, and takes the application fee back.
pub(crate) fn of_destination_charge(state: &mut State, charge: &mut Value, captured: i64, available_on: i64) {
    let account = charge["_account"].as_str().unwrap_or_default().to_owned();
    let destination = charge["transfer_data"]["destination"].as_str().unwrap_or_default().to_owned();
    let currency = charge["currency"].as_str().unwrap_or_default().to_owned();
    let id = charge["id"].as_str().unwrap_or_default().to_owned();
    let amount = charge["transfer_data"]["amount"].as_i64().unwrap_or(captured).min(captured);
    let fee = charge["application_fee_amount"].as_i64().unwrap_or(0).min(amount);
    let source = Source { charge: Some(id.clone()), group: charge["transfer_group"].as_str().map(str::to_owned), available_on };
    let transfer = send(state, &account, &destination, amount, amount - fee, &currency, &source);
    charge["transfer"] = transfer["id"].clone();
    if fee > 0 {
        let fee_id = ids::new("fee");
        let movement = Movement {
            account: &account,
            kind: "application_fee",
            amount: fee,
            fee: 0,
            currency: &currency,
            source: &fee_id,
            description: None,
            available_on,
        };
        let transaction = balance::book(state, &movement);
        let object = json!({
            "id": fee_id, "object": "application_fee", "account": destination, "amount": fee, "amount_refunded": 0, "application": "ca_sandbox",
            "balance_transaction": transaction, "charge": transfer["destination_payment"], "created": state.now, "currency": currency,
            "livemode": false, "originating_transaction": id, "refunded": false,
        });
        let object = state.insert(table::APPLICATION_FEES, &account, object);
        charge["application_fee"] = json!(fee_id);
        events::emit(state, "application_fee.created", &account, &object);
    }
    let shown = with_reversals(state, &transfer);
    events::emit(state, "transfer.created", &account, &shown);
}

/// Books a transfer on both sides.
fn send(
    state: &mut State,
    account: &str,
    destination: &str,
    amount: i64,
    arriving: i64,
    currency: &str,
    source: &Source,
) -> Value {
    let id = ids::new("tr");
    let payment = ids::new("py");
    let out = Movement {
        account,
        kind: "transfer",
        amount: -amount,
        fee: 0,
        currency,
        source: &id,
        description: None,
        available_on: source.available_on,
    };
    let transaction = balance::book(state, &out);
    let arrival = Movement { account: destination, kind: "payment", amount, fee: amount - arriving, source: &payment, ..out };
    let arrived = balance::book(state, &arrival);
    let charge = json!({
        "id": payment, "object": "charge", "amount": amount, "amount_captured": amount, "amount_refunded": 0, "application_fee": null,
        "application_fee_amount": if amount == arriving { Value::Null } else { json!(amount - arriving) }, "balance_transaction": arrived,
        "billing_details": { "address": null, "email": null, "name": null, "phone": null }, "captured": true, "created": state.now,
        "currency": currency, "customer": null, "description": null, "disputed": false, "failure_code": null, "failure_message": null,
        "livemode": false, "metadata": {}, "outcome": null, "paid": true, "payment_intent": null, "payment_method": null,
        "payment_method_details": { "type": "stripe_account", "stripe_account": {} }, "refunded": false, "source_transfer": id,
        "status": "succeeded", "transfer_data": null, "transfer_group": null, "_available_on": source.available_on,
    });
    let charge = state.insert(table::CHARGES, destination, charge);
    events::emit(state, "payment.created", destination, &charge);
    let transfer = json!({
        "id": id,
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "balance_transaction": transaction,
        "created": state.now,
        "currency": currency,
        "description": null,
        "destination": destination,
        "destination_payment": payment,
        "livemode": false,
        "metadata": {},
        "reversed": false,
        "source_transaction": source.charge,
        "source_type": "card",
        "transfer_group": source.group,
        "_available_on": source.available_on,
    });
    state.insert(table::TRANSFERS, account, transfer)
}

/// A transfer as it is answered: with its reversals.
pub(crate) fn with_reversals(state: &State, transfer: &Value) -> Value {
    let id = transfer["id"].as_str().unwrap_or_default();
    let reversals: Vec<Value> =
        state.store.rows(table::REVERSALS).rev().filter(|(_, r)| r["transfer"] == id).map(|(_, r)| r.clone()).collect();
    let mut shown = transfer.clone();
    shown["reversals"] = list::embedded(reversals, &format!("/v1/transfers/{id}/reversals"));
    shown
}

/// `GET /v1/transfers/{id}`.
pub(crate) fn retrieve(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let transfer = state.fetch(table::TRANSFERS, &call.account, "transfer", call.path(0))?;
    Ok(with_reversals(state, &transfer))
}

/// `POST /v1/transfers/{id}`.
pub(crate) fn update(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let mut transfer = state.fetch(table::TRANSFERS, &call.account, "transfer", call.path(0))?;
    if let Some(description) = call.params.get("description") {
        transfer["description"] = description.clone();
    }
    transfer["metadata"] = metadata::merged(&transfer["metadata"], call.params.get("metadata"));
    state.save(table::TRANSFERS, &transfer);
    let shown = with_reversals(state, &transfer);
    events::emit(state, "transfer.updated", &call.account, &shown);
    Ok(shown)
}

/// `GET /v1/transfers`.
pub(crate) fn list(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let same = |transfer: &Value, field: &str| call.text(field).is_none_or(|wanted| transfer[field] == wanted);
    let transfers =
        state.of_account(table::TRANSFERS, &call.account).filter(|t| same(t, "destination") && same(t, "transfer_group"));
    let mut page = list::page(transfers, call)?;
    if let Some(items) = page["data"].as_array_mut() {
        for item in items {
            *item = with_reversals(state, item);
        }
    }
    Ok(page)
}

/// All transfers of the platform, oldest first.
pub(crate) fn all(state: &State) -> Vec<Value> {
    let mut transfers: Vec<Value> =
        state.of_account(table::TRANSFERS, PLATFORM).map(|t| state.present(&with_reversals(state, t))).collect();
    transfers.reverse();
    transfers
}

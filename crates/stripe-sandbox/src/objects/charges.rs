//! Charges: single movements of money from a payer.

use crate::objects::balance::{self, Movement};
use crate::objects::{events, payment_methods, transfers};
use crate::protocol::params::{Field, Kind, may};
use crate::protocol::{ApiError, Call, list, metadata, money};
use crate::world::{State, ids, table};
use serde_json::{Value, json};

/// Filters of the list.
pub(crate) const LIST: &[Field] = &[
    may("created", Kind::Range),
    may("customer", Kind::Text),
    may("ending_before", Kind::Text),
    may("limit", Kind::Integer),
    may("payment_intent", Kind::Text),
    may("starting_after", Kind::Text),
    may("transfer_group", Kind::Text),
];

/// Parameters of a change.
pub(crate) const UPDATE: &[Field] = &[
    may("description", Kind::Text),
    may("metadata", Kind::Metadata),
    may("receipt_email", Kind::Text),
    may("transfer_group", Kind::Text),
];

/// How an attempt to charge stands.
#[derive(Debug)]
pub(crate) enum Attempt<'a> {
    /// The bank has not answered yet.
    Pending,
    /// The money is reserved, not taken.
    Authorized,
    /// The bank refused.
    Failed { code: &'a str, decline_code: &'a str, message: &'a str },
}

/// Records the charge of an attempt. A failed answer to a pending charge changes that one.
pub(crate) fn record(state: &mut State, intent: &Value, method: &Value, attempt: &Attempt<'_>) -> Value {
    let account = intent["_account"].as_str().unwrap_or_default().to_owned();
    let pending = intent["latest_charge"]
        .as_str()
        .and_then(|id| state.store.get(table::CHARGES, id))
        .filter(|c| c["status"] == "pending")
        .cloned();
    let mut charge = pending.unwrap_or_else(|| fresh(state, intent, method));
    match attempt {
        Attempt::Pending => {}
        Attempt::Authorized => charge["status"] = json!("succeeded"),
        Attempt::Failed { code, decline_code, message } => {
            charge["status"] = json!("failed");
            charge["failure_code"] = json!(code);
            charge["failure_message"] = json!(message);
            charge["outcome"] = json!({
                "network_status": "declined_by_network", "reason": decline_code, "risk_level": "normal", "risk_score": 20,
                "seller_message": format!("The bank returned the decline code `{decline_code}`."), "type": "issuer_declined",
            });
        }
    }
    if matches!(attempt, Attempt::Authorized) {
        charge["paid"] = json!(true);
        charge["captured"] = json!(false);
    }
    state.insert(table::CHARGES, &account, charge)
}

fn fresh(state: &State, intent: &Value, method: &Value) -> Value {
    let prefix = if method["type"] == "card" { "ch" } else { "py" };
    json!({
        "id": ids::new(prefix),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": null,
        "application_fee": null,
        "application_fee_amount": intent["application_fee_amount"],
        "balance_transaction": null,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "SANDBOX",
        "captured": false,
        "created": state.now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "destination": intent["transfer_data"]["destination"],
        "dispute": null,
        "disputed": false,
        "failure_balance_transaction": null,
        "failure_code": null,
        "failure_message": null,
        "fraud_details": {},
        "livemode": false,
        "metadata": intent["metadata"],
        "on_behalf_of": intent["on_behalf_of"],
        "outcome": {
            "network_status": "approved_by_network", "reason": null, "risk_level": "normal", "risk_score": 20,
            "seller_message": "Payment complete.", "type": "authorized",
        },
        "paid": false,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": payment_methods::charge_details(method),
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": null,
        "receipt_url": null,
        "refunded": false,
        "review": null,
        "shipping": intent["shipping"],
        "source_transfer": null,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "pending",
        "transfer_data": intent["transfer_data"],
        "transfer_group": intent["transfer_group"],
    })
}

/// The money of an intent's latest charge has come: books it, and sends it on if it is a destination charge.
pub(crate) fn settle(state: &mut State, intent: &Value, amount: i64, available_on: i64) -> Value {
    let account = intent["_account"].as_str().unwrap_or_default().to_owned();
    let id = intent["latest_charge"].as_str().unwrap_or_default().to_owned();
    let mut charge = state.store.get(table::CHARGES, &id).cloned().unwrap_or_default();
    let currency = charge["currency"].as_str().unwrap_or_default().to_owned();
    let kind = charge["payment_method_details"]["type"].as_str().unwrap_or("card").to_owned();
    let transaction = balance::book(
        state,
        &Movement {
            account: &account,
            kind: if id.starts_with("py_") { "payment" } else { "charge" },
            amount,
            fee: money::processing_fee(&kind, amount),
            currency: &currency,
            source: &id,
            description: charge["description"].as_str(),
            available_on,
        },
    );
    charge["amount_captured"] = json!(amount);
    charge["balance_transaction"] = json!(transaction);
    charge["captured"] = json!(true);
    charge["paid"] = json!(true);
    charge["status"] = json!("succeeded");
    charge["_available_on"] = json!(available_on);
    if charge["transfer_data"].is_object() {
        if charge["transfer_group"].is_null() {
            charge["transfer_group"] = json!(format!("group_{}", intent["id"].as_str().unwrap_or_default()));
        }
        state.save(table::CHARGES, &charge);
        transfers::of_destination_charge(state, &mut charge, amount, available_on);
    }
    state.save(table::CHARGES, &charge);
    charge
}

/// Gives back the money reserved for an intent that is canceled.
pub(crate) fn release(state: &mut State, intent: &Value) {
    let Some(mut charge) = intent["latest_charge"].as_str().and_then(|id| state.store.get(table::CHARGES, id)).cloned() else {
        return;
    };
    charge["refunded"] = json!(true);
    charge["amount_refunded"] = charge["amount"].clone();
    state.save(table::CHARGES, &charge);
    let account = intent["_account"].as_str().unwrap_or_default().to_owned();
    events::emit(state, "charge.refunded", &account, &charge);
}

/// `GET /v1/charges/{id}`.
pub(crate) fn retrieve(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    state.fetch(table::CHARGES, &call.account, "charge", call.path(0))
}

/// `POST /v1/charges/{id}`.
pub(crate) fn update(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let mut charge = state.fetch(table::CHARGES, &call.account, "charge", call.path(0))?;
    if charge["transfer_group"].is_string() && call.text("transfer_group").is_some_and(|group| charge["transfer_group"] != group)
    {
        return Err(ApiError::parameter(
            "transfer_group",
            "The transfer_group of this charge is already set and cannot be changed.",
        ));
    }
    for field in ["description", "receipt_email", "transfer_group"] {
        if let Some(value) = call.params.get(field) {
            charge[field] = value.clone();
        }
    }
    charge["metadata"] = metadata::merged(&charge["metadata"], call.params.get("metadata"));
    state.save(table::CHARGES, &charge);
    events::emit(state, "charge.updated", &call.account, &charge);
    Ok(charge)
}

/// `GET /v1/charges`.
pub(crate) fn list(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let same = |charge: &Value, field: &str| call.text(field).is_none_or(|wanted| charge[field] == wanted);
    let charges = state
        .of_account(table::CHARGES, &call.account)
        .filter(|c| same(c, "payment_intent") && same(c, "transfer_group") && same(c, "customer"));
    list::page(charges, call)
}

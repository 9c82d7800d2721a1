//! Reviews: somebody at Stripe, or a rule of the platform's there, wants a person to look at a payment.

use crate::objects::events;
use crate::protocol::params::{Field, Kind, may};
use crate::protocol::{ApiError, Call, list};
use crate::world::{State, ids, table};
use serde_json::{Value, json};

/// Filters of the list.
pub(crate) const LIST: &[Field] = &[
    may("created", Kind::Range),
    may("ending_before", Kind::Text),
    may("limit", Kind::Integer),
    may("starting_after", Kind::Text),
];

/// A review begins.
pub(crate) fn open(state: &mut State, charge_id: &str) -> Result<Value, ApiError> {
    let mut charge = state.store.get(table::CHARGES, charge_id).cloned().ok_or_else(|| ApiError::missing("charge", charge_id))?;
    if charge["review"].is_string() {
        return Err(ApiError::invalid(format!("The charge {charge_id} is under review already.")));
    }
    let account = charge["_account"].as_str().unwrap_or_default().to_owned();
    let id = ids::new("prv");
    let review = json!({
        "id": id, "object": "review", "billing_zip": null, "charge": charge_id, "closed_reason": null, "created": state.now,
        "ip_address": null, "ip_address_location": null, "livemode": false, "open": true, "opened_reason": "manual",
        "payment_intent": charge["payment_intent"], "reason": "manual", "session": null,
    });
    let review = state.insert(table::REVIEWS, &account, review);
    charge["review"] = json!(id);
    state.save(table::CHARGES, &charge);
    events::emit(state, "review.opened", &account, &review);
    Ok(review)
}

/// It ends.
pub(crate) fn close(state: &mut State, id: &str, reason: &str) -> Result<Value, ApiError> {
    let mut review = state.store.get(table::REVIEWS, id).cloned().ok_or_else(|| ApiError::missing("review", id))?;
    if review["open"] != true {
        return Err(ApiError::invalid(format!("The review {id} is closed already.")));
    }
    let account = review["_account"].as_str().unwrap_or_default().to_owned();
    review["open"] = json!(false);
    review["closed_reason"] = json!(reason);
    review["reason"] = json!(reason);
    state.save(table::REVIEWS, &review);
    if let Some(mut charge) = review["charge"].as_str().and_then(|charge| state.store.get(table::CHARGES, charge)).cloned() {
        charge["review"] = Value::Null;
        state.save(table::CHARGES, &charge);
    }
    events::emit(state, "review.closed", &account, &review);
    Ok(review)
}

/// `GET /v1/reviews/{id}`.
pub(crate) fn retrieve(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    state.fetch(table::REVIEWS, &call.account, "review", call.path(0))
}

/// `GET /v1/reviews`.
pub(crate) fn list(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    list::page(state.of_account(table::REVIEWS, &call.account).filter(|review| review["open"] == true), call)
}

//! Early fraud warnings: a card network suspects that its customer did not pay this; a dispute often follows.

use crate::objects::events;
use crate::protocol::params::{Field, Kind, may};
use crate::protocol::{ApiError, Call, list};
use crate::world::{State, ids, table};
use serde_json::{Value, json};

/// Filters of the list.
pub(crate) const LIST: &[Field] = &[
    may("charge", Kind::Text),
    may("created", Kind::Range),
    may("ending_before", Kind::Text),
    may("limit", Kind::Integer),
    may("payment_intent", Kind::Text),
    may("starting_after", Kind::Text),
];

/// The network warns.
pub(crate) fn open(state: &mut State, charge_id: &str, fraud_type: &str) -> Result<Value, ApiError> {
    let charge = state.store.get(table::CHARGES, charge_id).cloned().ok_or_else(|| ApiError::missing("charge", charge_id))?;
    let account = charge["_account"].as_str().unwrap_or_default().to_owned();
    let actionable = charge["disputed"] != true && charge["refunded"] != true;
    let warning = json!({
        "id": ids::new("issfr"), "object": "radar.early_fraud_warning", "actionable": actionable, "charge": charge_id,
        "created": state.now, "fraud_type": fraud_type, "livemode": false, "payment_intent": charge["payment_intent"],
    });
    let warning = state.insert(table::EARLY_FRAUD_WARNINGS, &account, warning);
    events::emit(state, "radar.early_fraud_warning.created", &account, &warning);
    Ok(warning)
}

/// `GET /v1/radar/early_fraud_warnings/{id}`.
pub(crate) fn retrieve(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    state.fetch(table::EARLY_FRAUD_WARNINGS, &call.account, "early_fraud_warning", call.path(0))
}

/// `GET /v1/radar/early_fraud_warnings`.
pub(crate) fn list(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let same = |warning: &Value, field: &str| call.text(field).is_none_or(|wanted| warning[field] == wanted);
    let warnings = state.of_account(table::EARLY_FRAUD_WARNINGS, &call.account);
    list::page(warnings.filter(|w| same(w, "charge") && same(w, "payment_intent")), call)
}

//! Capabilities of connected accounts: asked for, then active once the account holder has told who they are.

use crate::accounts;
use crate::api::Call;
use crate::errors::ApiError;
use crate::params::{Field, Kind, may};
use crate::state::{State, table};
use crate::{list, onboarding};
use serde_json::{Value, json};

/// Parameters of an update.
pub(crate) const UPDATE: &[Field] = &[may("requested", Kind::Boolean)];

/// The capability object of an account.
pub(crate) fn object(account: &Value, name: &str) -> Option<Value> {
    let status = account["capabilities"].get(name)?.as_str()?.to_owned();
    let due = if status == "active" { json!([]) } else { account["requirements"]["currently_due"].clone() };
    let disabled = if status == "active" { Value::Null } else { json!("requirements.fields_needed") };
    let requirements = json!({
        "alternatives": [], "current_deadline": null, "currently_due": due, "disabled_reason": disabled, "errors": [],
        "eventually_due": due, "past_due": [], "pending_verification": [],
    });
    Some(json!({
        "id": name,
        "object": "capability",
        "account": account["id"],
        "future_requirements": accounts::no_requirements(),
        "requested": status != "unrequested",
        "requested_at": account["created"],
        "requirements": requirements,
        "status": status,
    }))
}

/// `GET /v1/accounts/{id}/capabilities/{capability}`.
pub(crate) fn retrieve(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let account = accounts::reachable(state, call, call.path(0))?;
    object(&account, call.path(1)).ok_or_else(|| ApiError::missing("capability", call.path(1)))
}

/// `GET /v1/accounts/{id}/capabilities`.
pub(crate) fn list(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let account = accounts::reachable(state, call, call.path(0))?;
    let names: Vec<&String> = account["capabilities"].as_object().into_iter().flat_map(|map| map.keys()).collect();
    Ok(list::embedded(names.iter().filter_map(|name| object(&account, name)).collect(), &call.url))
}

/// `POST /v1/accounts/{id}/capabilities/{capability}`.
pub(crate) fn update(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let mut account = accounts::reachable(state, call, call.path(0))?;
    if let Some(requested) = call.flag("requested") {
        request(&mut account, call.path(1), requested);
        state.save(table::ACCOUNTS, &account);
        onboarding::announce(state, &account);
    }
    object(&account, call.path(1)).ok_or_else(|| ApiError::missing("capability", call.path(1)))
}

/// Asks for a capability, or gives it back.
pub(crate) fn request(account: &mut Value, name: &str, requested: bool) {
    let status = match (requested, account["details_submitted"] == true) {
        (true, true) => "active",
        (true, false) => "inactive",
        (false, _) => "unrequested",
    };
    account["capabilities"][name] = json!(status);
    accounts::derive(account);
}

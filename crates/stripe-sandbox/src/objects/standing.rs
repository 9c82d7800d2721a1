//! How an account stands: what is still required of it, which capabilities it has, and what follows from both.

use crate::objects::events;
use crate::world::State;
use serde_json::{Value, json};

/// Nothing is required.
pub(crate) fn no_requirements() -> Value {
    requirements(&[], Value::Null)
}

/// What is required, and why the account is disabled meanwhile.
pub(crate) fn requirements(due: &[&str], disabled: Value) -> Value {
    json!({
        "alternatives": [], "current_deadline": null, "currently_due": due, "disabled_reason": disabled, "errors": [],
        "eventually_due": due, "past_due": due, "pending_verification": [],
    })
}

/// Sets what follows from the rest of an account.
pub(crate) fn derive(account: &mut Value) {
    let active = |name: &str| account["capabilities"][name] == "active";
    let enabled = active("card_payments") || active("transfers");
    let open = account["details_submitted"] == true;
    account["charges_enabled"] = json!(enabled && open);
    account["payouts_enabled"] = json!(open && account["requirements"]["disabled_reason"].is_null());
}

/// The account holder has told everything: what was asked for becomes active.
pub(crate) fn verify(account: &mut Value, now: i64) {
    account["details_submitted"] = json!(true);
    account["requirements"] = no_requirements();
    account["tos_acceptance"] = json!({ "date": now, "ip": "127.0.0.1", "user_agent": "sandbox" });
    if account["business_type"].is_null() {
        account["business_type"] = json!("company");
    }
    let asked: Vec<String> = account["capabilities"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, status)| *status != "unrequested")
        .map(|(name, _)| name.clone())
        .collect();
    for name in asked {
        account["capabilities"][&name] = json!("active");
    }
    derive(account);
}

/// Stripe disables the account (or, without a reason, enables it again).
pub(crate) fn restrict(account: &mut Value, reason: Option<&str>) {
    let (status, due): (&str, &[&str]) =
        if reason.is_some() { ("inactive", &["individual.verification.document"]) } else { ("active", &[]) };
    account["requirements"] = requirements(due, json!(reason));
    let names: Vec<String> = account["capabilities"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    for name in names {
        account["capabilities"][&name] = json!(status);
    }
    derive(account);
}

/// The capability object of an account.
pub(crate) fn capability(account: &Value, name: &str) -> Option<Value> {
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
        "future_requirements": no_requirements(),
        "requested": status != "unrequested",
        "requested_at": account["created"],
        "requirements": requirements,
        "status": status,
    }))
}

/// Asks for a capability, or gives it back.
pub(crate) fn request(account: &mut Value, name: &str, requested: bool) {
    let status = match (requested, account["details_submitted"] == true) {
        (true, true) => "active",
        (true, false) => "inactive",
        (false, _) => "unrequested",
    };
    account["capabilities"][name] = json!(status);
    derive(account);
}

/// Tells the connect endpoints how an account stands.
pub(crate) fn announce(state: &mut State, account: &Value) {
    let id = account["id"].as_str().unwrap_or_default().to_owned();
    events::emit(state, "account.updated", &id, account);
    let names: Vec<String> = account["capabilities"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    for name in names {
        if let Some(capability) = capability(account, &name) {
            events::emit(state, "capability.updated", &id, &capability);
        }
    }
}

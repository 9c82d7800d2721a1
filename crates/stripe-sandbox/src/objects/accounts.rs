//! Connected accounts.

use crate::objects::{balance, events, standing};
use crate::protocol::params::{Field, Kind, may};
use crate::protocol::{ApiError, Call, list, metadata};
use crate::world::{PLATFORM, State, ids, table};
use serde_json::{Value, json};

/// Parameters of a new account.
pub(crate) const CREATE: &[Field] = &[
    may("account_token", Kind::Text),
    may("business_profile", Kind::Anything),
    may("business_type", Kind::OneOf(&["company", "government_entity", "individual", "non_profit"])),
    may("capabilities", Kind::Anything),
    may("company", Kind::Anything),
    may("controller", Kind::Object(CONTROLLER)),
    may("country", Kind::Text),
    may("default_currency", Kind::Currency),
    may("documents", Kind::Anything),
    may("email", Kind::Text),
    may("external_account", Kind::Anything),
    may("groups", Kind::Anything),
    may("individual", Kind::Anything),
    may("metadata", Kind::Metadata),
    may("settings", Kind::Anything),
    may("tos_acceptance", Kind::Anything),
    may("type", Kind::OneOf(&["custom", "express", "standard"])),
];

const CONTROLLER: &[Field] = &[
    may("fees", Kind::Object(&[may("payer", Kind::OneOf(&["account", "application"]))])),
    may("losses", Kind::Object(&[may("payments", Kind::OneOf(&["application", "stripe"]))])),
    may("requirement_collection", Kind::OneOf(&["application", "stripe"])),
    may("stripe_dashboard", Kind::Object(&[may("type", Kind::OneOf(&["express", "full", "none"]))])),
];

/// Parameters of a change.
pub(crate) const UPDATE: &[Field] = &[
    may("account_token", Kind::Text),
    may("business_profile", Kind::Anything),
    may("business_type", Kind::OneOf(&["company", "government_entity", "individual", "non_profit"])),
    may("capabilities", Kind::Anything),
    may("company", Kind::Anything),
    may("default_currency", Kind::Currency),
    may("documents", Kind::Anything),
    may("email", Kind::Text),
    may("external_account", Kind::Anything),
    may("groups", Kind::Anything),
    may("individual", Kind::Anything),
    may("metadata", Kind::Metadata),
    may("settings", Kind::Anything),
    may("tos_acceptance", Kind::Anything),
];

/// Filters of the list.
pub(crate) const LIST: &[Field] = &[
    may("created", Kind::Range),
    may("ending_before", Kind::Text),
    may("limit", Kind::Integer),
    may("starting_after", Kind::Text),
];

/// What a person has to tell before an account is verified.
const DUE: &[&str] = &["business_type", "external_account", "tos_acceptance.date", "tos_acceptance.ip"];

/// The platform's own account.
pub(crate) fn platform() -> Value {
    json!({
        "id": PLATFORM, "object": "account", "business_type": "company", "capabilities": { "card_payments": "active", "transfers": "active" },
        "charges_enabled": true, "country": "US", "created": 1_577_836_800, "default_currency": "usd", "details_submitted": true,
        "email": "platform@example.com", "metadata": {}, "payouts_enabled": true, "type": "standard",
    })
}

/// `POST /v1/accounts`.
pub(crate) fn create(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    if call.params.contains_key("type") && call.params.contains_key("controller") {
        return Err(ApiError::parameter("controller", "You may only specify one of these parameters: type, controller."));
    }
    let country = call.text("country").unwrap_or("US").to_uppercase();
    if country.len() != 2 || !country.chars().all(|c| c.is_ascii_alphabetic()) {
        return Err(ApiError::parameter("country", format!("Country '{country}' is unknown. Try using a 2-character alphanumeric country code instead, such as 'US', 'EG', or 'GB'."))
            .code("country_unsupported"));
    }
    let id = ids::new("acct");
    let kind = account_type(call);
    let external = list::embedded(Vec::new(), &format!("/v1/accounts/{id}/external_accounts"));
    let mut account = json!({
        "id": id,
        "object": "account",
        "business_profile": { "mcc": null, "name": null, "product_description": null, "url": null },
        "business_type": call.text("business_type"),
        "capabilities": {},
        "charges_enabled": false,
        "controller": controller(call, kind),
        "country": country,
        "created": state.now,
        "default_currency": call.text("default_currency").unwrap_or_else(|| currency_of(&country)),
        "details_submitted": false,
        "email": call.text("email"),
        "external_accounts": external,
        "future_requirements": standing::no_requirements(),
        "metadata": metadata::merged(&json!({}), call.params.get("metadata")),
        "payouts_enabled": false,
        "requirements": standing::requirements(DUE, json!("requirements.past_due")),
        "settings": default_settings(),
        "tos_acceptance": { "date": null, "ip": null, "user_agent": null },
        "type": kind,
    });
    for field in ["business_profile", "settings"] {
        overlay(&mut account[field], &call.any(field));
    }
    ask(&mut account, call)?;
    Ok(state.insert(table::ACCOUNTS, PLATFORM, account))
}

fn default_settings() -> Value {
    json!({
        "branding": { "icon": null, "logo": null, "primary_color": null, "secondary_color": null },
        "card_payments": { "decline_on": { "avs_failure": false, "cvc_failure": false }, "statement_descriptor_prefix": null },
        "dashboard": { "display_name": null, "timezone": "Etc/UTC" },
        "payments": { "statement_descriptor": null, "statement_descriptor_kana": null, "statement_descriptor_kanji": null },
        "payouts": { "debit_negative_balances": false, "schedule": { "delay_days": 2, "interval": "daily" }, "statement_descriptor": null },
    })
}

/// Lays what a form sent over what there is; texts become what they replace.
fn overlay(base: &mut Value, sent: &Value) {
    match (base, sent) {
        (Value::Object(base), Value::Object(sent)) => {
            for (key, value) in sent {
                overlay(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (base @ (Value::Bool(_) | Value::Number(_)), Value::String(text)) => {
            *base = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
        }
        (base, sent) => *base = sent.clone(),
    }
}

fn account_type(call: &Call) -> &'static str {
    match call.text("type") {
        Some("express") => "express",
        Some("custom") => "custom",
        Some(_) => "standard",
        None => match call.params.get("controller").and_then(|c| c["stripe_dashboard"]["type"].as_str()) {
            Some("express") => "express",
            Some("none") => "none",
            _ => "standard",
        },
    }
}

fn controller(call: &Call, kind: &str) -> Value {
    let asked = call.any("controller");
    let own = kind != "standard";
    let pick = |value: &Value, default: &str| value.as_str().unwrap_or(default).to_owned();
    json!({
        "type": "application",
        "is_controller": true,
        "fees": { "payer": pick(&asked["fees"]["payer"], if own { "application" } else { "account" }) },
        "losses": { "payments": pick(&asked["losses"]["payments"], if own { "application" } else { "stripe" }) },
        "requirement_collection": pick(&asked["requirement_collection"], if kind == "custom" { "application" } else { "stripe" }),
        "stripe_dashboard": { "type": pick(&asked["stripe_dashboard"]["type"], match kind { "express" => "express", "custom" => "none", _ => "full" }) },
    })
}

fn currency_of(country: &str) -> &'static str {
    match country {
        "AE" => "aed",
        "AU" => "aud",
        "BR" => "brl",
        "CA" => "cad",
        "CH" => "chf",
        "CZ" => "czk",
        "DK" => "dkk",
        "GB" => "gbp",
        "HK" => "hkd",
        "HU" => "huf",
        "IN" => "inr",
        "JP" => "jpy",
        "MX" => "mxn",
        "NO" => "nok",
        "NZ" => "nzd",
        "PL" => "pln",
        "RO" => "ron",
        "SE" => "sek",
        "SG" => "sgd",
        "AT" | "BE" | "BG" | "CY" | "DE" | "EE" | "ES" | "FI" | "FR" | "GR" | "HR" | "IE" | "IT" | "LT" | "LU" | "LV" | "MT"
        | "NL" | "PT" | "SI" | "SK" => "eur",
        _ => "usd",
    }
}

/// Asks for the capabilities that a request names.
fn ask(account: &mut Value, call: &Call) -> Result<(), ApiError> {
    let Some(asked) = call.params.get("capabilities") else { return Ok(()) };
    let malformed = |name: &str| {
        ApiError::parameter(
            &format!("capabilities[{name}]"),
            "Capabilities are asked for as capabilities[<name>][requested]=true",
        )
    };
    for (name, value) in asked.as_object().ok_or_else(|| malformed("name"))? {
        match value["requested"].as_str() {
            Some("true") => standing::request(account, name, true),
            Some("false") => standing::request(account, name, false),
            _ => return Err(malformed(name)),
        }
    }
    Ok(())
}

/// A connected account that the call may see; 403 as Stripe answers when there is none.
pub(crate) fn reachable(state: &State, call: &Call, id: &str) -> Result<Value, ApiError> {
    if id == PLATFORM {
        return Ok(platform());
    }
    let own = call.account == PLATFORM || call.account == id;
    state.store.get(table::ACCOUNTS, id).filter(|_| own).cloned().ok_or_else(|| ApiError::account(id))
}

/// `GET /v1/account`.
pub(crate) fn retrieve_own(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    reachable(state, call, &call.account)
}

/// `GET /v1/accounts/{id}`.
pub(crate) fn retrieve(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    reachable(state, call, call.path(0))
}

/// `POST /v1/accounts/{id}`.
pub(crate) fn update(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let mut account = reachable(state, call, call.path(0))?;
    if call.path(0) == PLATFORM {
        return Err(ApiError::invalid("The sandbox does not change the platform's own account."));
    }
    for field in ["business_profile", "settings"] {
        overlay(&mut account[field], &call.any(field));
    }
    for field in ["business_type", "default_currency", "email"] {
        if let Some(value) = call.params.get(field) {
            account[field] = value.clone();
        }
    }
    account["metadata"] = metadata::merged(&account["metadata"], call.params.get("metadata"));
    ask(&mut account, call)?;
    standing::derive(&mut account);
    state.save(table::ACCOUNTS, &account);
    let id = call.path(0).to_owned();
    events::emit(state, "account.updated", &id, &account);
    Ok(account)
}

/// `DELETE /v1/accounts/{id}`.
pub(crate) fn delete(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let id = call.path(0).to_owned();
    if id == PLATFORM {
        return Err(ApiError::invalid("The platform's own account cannot be deleted."));
    }
    reachable(state, call, &id)?;
    if balance::holdings(state, &id).values().any(|h| h.available != 0 || h.pending != 0) {
        return Err(ApiError::invalid("Cannot delete the account: its balance is not zero."));
    }
    state.store.remove(table::ACCOUNTS, &id);
    Ok(json!({ "id": id, "object": "account", "deleted": true }))
}

/// `GET /v1/accounts`.
pub(crate) fn list(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    list::page(state.of_account(table::ACCOUNTS, &call.account), call)
}

//! Payment intents: what a payer is to pay, from the first request to the end. The attempts to pay are in `payment_attempts`.

use crate::objects::{charges, events, payment_attempts, payment_methods, transfers};
use crate::protocol::params::{Field, Kind, may, need};
use crate::protocol::{ApiError, Call, Key, list, metadata, money};
use crate::world::{PLATFORM, State, ids, schedule, table};
use serde_json::{Value, json};

const CAPTURE: Kind = Kind::OneOf(&["automatic", "automatic_async", "manual"]);
const FUTURE: Kind = Kind::OneOf(&["off_session", "on_session"]);
const AUTOMATIC: Kind =
    Kind::Object(&[need("enabled", Kind::Boolean), may("allow_redirects", Kind::OneOf(&["always", "never"]))]);
const TRANSFER_DATA: Kind = Kind::Object(&[need("destination", Kind::Text), may("amount", Kind::Integer)]);

/// Parameters of a new payment intent.
pub(crate) const CREATE: &[Field] = &[
    need("amount", Kind::Integer),
    may("amount_details", Kind::Anything),
    may("application_fee_amount", Kind::Integer),
    may("automatic_payment_methods", AUTOMATIC),
    may("capture_method", CAPTURE),
    may("confirm", Kind::Boolean),
    may("confirmation_method", Kind::OneOf(&["automatic", "manual"])),
    need("currency", Kind::Currency),
    may("customer", Kind::Text),
    may("description", Kind::Text),
    may("error_on_requires_action", Kind::Boolean),
    may("excluded_payment_method_types", Kind::List(&Kind::Text)),
    may("mandate", Kind::Text),
    may("mandate_data", Kind::Anything),
    may("metadata", Kind::Metadata),
    may("off_session", Kind::Anything),
    may("on_behalf_of", Kind::Text),
    may("payment_method", Kind::Text),
    may("payment_method_configuration", Kind::Text),
    may("payment_method_data", Kind::Anything),
    may("payment_method_options", Kind::Anything),
    may("payment_method_types", Kind::List(&Kind::Text)),
    may("radar_options", Kind::Anything),
    may("receipt_email", Kind::Text),
    may("return_url", Kind::Text),
    may("setup_future_usage", FUTURE),
    may("shipping", Kind::Anything),
    may("statement_descriptor", Kind::Text),
    may("statement_descriptor_suffix", Kind::Text),
    may("transfer_data", TRANSFER_DATA),
    may("transfer_group", Kind::Text),
    may("use_stripe_sdk", Kind::Boolean),
];

/// Parameters of a change.
pub(crate) const UPDATE: &[Field] = &[
    may("amount", Kind::Integer),
    may("application_fee_amount", Kind::Integer),
    may("capture_method", CAPTURE),
    may("currency", Kind::Currency),
    may("customer", Kind::Text),
    may("description", Kind::Text),
    may("metadata", Kind::Metadata),
    may("payment_method", Kind::Text),
    may("payment_method_data", Kind::Anything),
    may("payment_method_options", Kind::Anything),
    may("payment_method_types", Kind::List(&Kind::Text)),
    may("receipt_email", Kind::Text),
    may("setup_future_usage", FUTURE),
    may("shipping", Kind::Anything),
    may("statement_descriptor", Kind::Text),
    may("statement_descriptor_suffix", Kind::Text),
    may("transfer_data", Kind::Object(&[may("amount", Kind::Integer)])),
    may("transfer_group", Kind::Text),
];

/// Parameters of a confirmation.
pub(crate) const CONFIRM: &[Field] = &[
    may("capture_method", CAPTURE),
    may("client_secret", Kind::Text),
    may("error_on_requires_action", Kind::Boolean),
    may("mandate", Kind::Text),
    may("mandate_data", Kind::Anything),
    may("off_session", Kind::Anything),
    may("payment_method", Kind::Text),
    may("payment_method_data", Kind::Anything),
    may("payment_method_options", Kind::Anything),
    may("payment_method_types", Kind::List(&Kind::Text)),
    may("radar_options", Kind::Anything),
    may("receipt_email", Kind::Text),
    may("return_url", Kind::Text),
    may("setup_future_usage", FUTURE),
    may("shipping", Kind::Anything),
    may("use_stripe_sdk", Kind::Boolean),
];

/// Parameters of a retrieval.
pub(crate) const RETRIEVE: &[Field] = &[may("client_secret", Kind::Text)];

/// Parameters of a cancellation.
pub(crate) const CANCEL: &[Field] =
    &[may("cancellation_reason", Kind::OneOf(&["abandoned", "duplicate", "fraudulent", "requested_by_customer"]))];

/// Parameters of a capture.
pub(crate) const CAPTURE_PARAMS: &[Field] = &[may("amount_to_capture", Kind::Integer), may("metadata", Kind::Metadata)];

/// Filters of the list.
pub(crate) const LIST: &[Field] = &[
    may("created", Kind::Range),
    may("customer", Kind::Text),
    may("ending_before", Kind::Text),
    may("limit", Kind::Integer),
    may("starting_after", Kind::Text),
];

/// The types that a payer may use when the platform leaves the choice to Stripe.
const ALL_TYPES: &[&str] = &["card", "sepa_debit", "us_bank_account"];

/// `POST /v1/payment_intents`.
pub(crate) fn create(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let amount = call.int("amount").unwrap_or(0);
    let currency = call.text("currency").unwrap_or_default();
    money::chargeable(amount, currency)?;
    check_destination(state, call, amount)?;
    let id = ids::new("pi");
    let types = method_types(call)?;
    let automatic = call
        .params
        .get("automatic_payment_methods")
        .cloned()
        .or_else(|| (!call.params.contains_key("payment_method_types")).then(|| json!({ "enabled": true })));
    let automatic = automatic
        .map(|a| json!({ "allow_redirects": a["allow_redirects"].as_str().unwrap_or("always"), "enabled": a["enabled"] }));
    let intent = json!({
        "id": id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": { "tip": {} },
        "amount_received": 0,
        "application": null,
        "application_fee_amount": call.int("application_fee_amount"),
        "automatic_payment_methods": automatic,
        "canceled_at": null,
        "cancellation_reason": null,
        "capture_method": call.text("capture_method").unwrap_or("automatic_async"),
        "client_secret": format!("{id}_secret_{}", ids::random(25)),
        "confirmation_method": call.text("confirmation_method").unwrap_or("automatic"),
        "created": state.now,
        "currency": currency,
        "customer": call.text("customer"),
        "description": call.text("description"),
        "excluded_payment_method_types": call.any("excluded_payment_method_types"),
        "last_payment_error": null,
        "latest_charge": null,
        "livemode": false,
        "metadata": metadata::merged(&json!({}), call.params.get("metadata")),
        "next_action": null,
        "on_behalf_of": call.text("on_behalf_of"),
        "payment_method": null,
        "payment_method_configuration_details": null,
        "payment_method_options": {},
        "payment_method_types": types,
        "processing": null,
        "receipt_email": call.text("receipt_email"),
        "review": null,
        "setup_future_usage": call.text("setup_future_usage"),
        "shipping": call.any("shipping"),
        "source": null,
        "statement_descriptor": call.text("statement_descriptor"),
        "statement_descriptor_suffix": call.text("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "transfer_data": call.any("transfer_data"),
        "transfer_group": call.text("transfer_group"),
    });
    let mut intent = state.insert(table::PAYMENT_INTENTS, &call.account, intent);
    take_method(state, call, &mut intent)?;
    state.save(table::PAYMENT_INTENTS, &intent);
    events::emit(state, "payment_intent.created", &call.account, &intent);
    if call.flag("confirm") == Some(true) { payment_attempts::confirm(state, call, intent) } else { Ok(intent) }
}

fn method_types(call: &Call) -> Result<Value, ApiError> {
    let Some(types) = call.params.get("payment_method_types").and_then(Value::as_array) else { return Ok(json!(ALL_TYPES)) };
    for (i, kind) in types.iter().enumerate() {
        let name = kind.as_str().unwrap_or_default();
        if !ALL_TYPES.contains(&name) && name != "link" {
            return Err(ApiError::parameter(
                &format!("payment_method_types[{i}]"),
                format!("The payment method type \"{name}\" is invalid. The sandbox knows {}.", ALL_TYPES.join(", ")),
            )
            .code("payment_intent_invalid_parameter"));
        }
    }
    Ok(json!(types))
}

/// A destination charge needs an account that can receive, and a fee not above the amount.
fn check_destination(state: &State, call: &Call, amount: i64) -> Result<(), ApiError> {
    if let Some(fee) = call.int("application_fee_amount") {
        if fee > amount {
            return Err(ApiError::parameter(
                "application_fee_amount",
                "Your application fee cannot be larger than the amount of the charge.",
            ));
        }
        if !call.params.contains_key("transfer_data") && call.account == PLATFORM {
            return Err(ApiError::parameter(
                "application_fee_amount",
                "Can only apply an application_fee_amount when the PaymentIntent is attempting a direct payment (using an OAuth key or Stripe-Account header) or destination payment (using `transfer_data[destination]`).",
            ));
        }
    }
    if let Some(account) = call.text("on_behalf_of")
        && state.store.get(table::ACCOUNTS, account).is_none()
    {
        return Err(ApiError::missing_reference("account", account, "on_behalf_of"));
    }
    let Some(data) = call.params.get("transfer_data").filter(|d| d.is_object()) else { return Ok(()) };
    let destination = data["destination"].as_str().unwrap_or_default();
    let Some(account) = state.store.get(table::ACCOUNTS, destination) else {
        return Err(ApiError::missing_reference("destination", destination, "transfer_data[destination]"));
    };
    if account["capabilities"]["transfers"] != "active" {
        return Err(transfers::incapable());
    }
    if data["amount"].as_i64().is_some_and(|part| part > amount) {
        return Err(ApiError::parameter(
            "transfer_data[amount]",
            "The transfer_data[amount] must be less than or equal to the amount.",
        ));
    }
    Ok(())
}

/// Attaches the payment method that a request brings along.
pub(crate) fn take_method(state: &mut State, call: &Call, intent: &mut Value) -> Result<(), ApiError> {
    let method = if let Some(id) = call.text("payment_method") {
        payment_methods::resolve(state, &call.account, id)?
    } else if let Some(details) = call.params.get("payment_method_data") {
        payment_methods::from_details(state, &call.account, details)?
    } else {
        return Ok(());
    };
    let kind = &method["type"];
    if !intent["payment_method_types"].as_array().is_some_and(|types| types.contains(kind)) {
        let allowed: Vec<&str> =
            intent["payment_method_types"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        return Err(ApiError::invalid(format!(
            "The PaymentMethod provided ({}) is not allowed for this PaymentIntent. Please attach a PaymentMethod of one of the following types: {}.",
            kind.as_str().unwrap_or_default(),
            allowed.join(", ")
        ))
        .param("payment_method"));
    }
    intent["payment_method"] = method["id"].clone();
    if intent["status"] == "requires_payment_method" {
        intent["status"] = json!("requires_confirmation");
    }
    Ok(())
}

/// The payment intent of a path, for whoever may see it: the secret key, or a browser that knows the client secret.
pub(crate) fn reachable(state: &State, call: &Call) -> Result<Value, ApiError> {
    let intent = state.fetch(table::PAYMENT_INTENTS, &call.account, "payment_intent", call.path(0));
    let secret = call.text("client_secret");
    if call.key == Key::Secret && secret.is_none() {
        return intent;
    }
    match secret {
        None => Err(ApiError::parameter("client_secret", "Missing required param: client_secret.").code("parameter_missing")),
        Some(secret) => intent.ok().filter(|intent| intent["client_secret"] == secret).ok_or_else(|| {
            ApiError::parameter(
                "client_secret",
                "The client_secret provided does not match any associated PaymentIntent on this account. Ensure the publishable key used belongs to the same account that created the PaymentIntent.",
            )
            .code("payment_intent_invalid_parameter")
        }),
    }
}

/// `GET /v1/payment_intents/{id}`.
pub(crate) fn retrieve(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    reachable(state, call)
}

/// `POST /v1/payment_intents/{id}`.
pub(crate) fn update(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let mut intent = reachable(state, call)?;
    let open = matches!(intent["status"].as_str(), Some("requires_payment_method" | "requires_confirmation" | "requires_action"));
    let harmless = ["metadata", "description", "receipt_email", "expand"];
    if !open && call.params.keys().any(|name| !harmless.contains(&name.as_str())) {
        return Err(payment_attempts::unexpected_state(state, &intent, "update the given parameters of"));
    }
    if call.params.contains_key("amount") || call.params.contains_key("currency") {
        let amount = call.int("amount").or(intent["amount"].as_i64()).unwrap_or(0);
        let currency = call.text("currency").or(intent["currency"].as_str()).unwrap_or_default().to_owned();
        money::chargeable(amount, &currency)?;
        intent["amount"] = json!(amount);
        intent["currency"] = json!(currency);
    }
    if call.params.contains_key("payment_method_types") {
        intent["payment_method_types"] = method_types(call)?;
    }
    for field in [
        "application_fee_amount",
        "capture_method",
        "customer",
        "description",
        "receipt_email",
        "setup_future_usage",
        "shipping",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_group",
    ] {
        if let Some(value) = call.params.get(field) {
            intent[field] = value.clone();
        }
    }
    if let Some(part) = call.params.get("transfer_data").filter(|_| intent["transfer_data"].is_object()) {
        intent["transfer_data"]["amount"] = part["amount"].clone();
    }
    intent["metadata"] = metadata::merged(&intent["metadata"], call.params.get("metadata"));
    take_method(state, call, &mut intent)?;
    state.save(table::PAYMENT_INTENTS, &intent);
    Ok(intent)
}

/// `POST /v1/payment_intents/{id}/confirm`.
pub(crate) fn confirm(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let mut intent = reachable(state, call)?;
    if !matches!(intent["status"].as_str(), Some("requires_payment_method" | "requires_confirmation" | "requires_action")) {
        return Err(payment_attempts::unexpected_state(state, &intent, "confirm"));
    }
    for field in ["capture_method", "receipt_email", "setup_future_usage", "shipping"] {
        if let Some(value) = call.params.get(field) {
            intent[field] = value.clone();
        }
    }
    take_method(state, call, &mut intent)?;
    payment_attempts::confirm(state, call, intent)
}

/// `POST /v1/payment_intents/{id}/cancel`.
pub(crate) fn cancel(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let mut intent = reachable(state, call)?;
    if matches!(intent["status"].as_str(), Some("succeeded" | "canceled" | "processing")) {
        return Err(payment_attempts::unexpected_state(state, &intent, "cancel"));
    }
    if intent["status"] == "requires_capture" {
        charges::release(state, &intent);
    }
    intent["status"] = json!("canceled");
    intent["canceled_at"] = json!(state.now);
    intent["cancellation_reason"] = call.any("cancellation_reason");
    intent["amount_capturable"] = json!(0);
    intent["next_action"] = Value::Null;
    state.save(table::PAYMENT_INTENTS, &intent);
    schedule::cancel(state, schedule::Task::SettleDebit, intent["id"].as_str().unwrap_or_default());
    events::emit(state, "payment_intent.canceled", &call.account, &intent);
    Ok(intent)
}

/// `POST /v1/payment_intents/{id}/capture`.
pub(crate) fn capture(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let mut intent = reachable(state, call)?;
    if intent["status"] != "requires_capture" {
        return Err(payment_attempts::unexpected_state(state, &intent, "capture"));
    }
    let capturable = intent["amount_capturable"].as_i64().unwrap_or(0);
    let amount = call.int("amount_to_capture").unwrap_or(capturable);
    money::positive(amount, "amount_to_capture")?;
    if amount > capturable {
        return Err(ApiError::invalid(format!(
            "The requested capture amount is greater than the authorized amount ({capturable})."
        ))
        .code("amount_too_large")
        .param("amount_to_capture"));
    }
    intent["metadata"] = metadata::merged(&intent["metadata"], call.params.get("metadata"));
    payment_attempts::capture(state, intent, amount)
}

/// `GET /v1/payment_intents`.
pub(crate) fn list(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let customer = call.text("customer");
    let intents = state.of_account(table::PAYMENT_INTENTS, &call.account).filter(|i| customer.is_none_or(|c| i["customer"] == c));
    list::page(intents, call)
}

//! Attempts to pay: what a confirmation, an authentication, a capture and the bank's late answer do to a payment intent.

use crate::objects::charges::{self, Attempt};
use crate::objects::payment_methods::{self, Verdict};
use crate::objects::{disputes, events};
use crate::protocol::{ApiError, Call};
use crate::world::clock::{self, DAY};
use crate::world::schedule::{self, Task};
use crate::world::{State, table};
use serde_json::{Value, json};

/// How many business days a bank takes to answer about a debit.
const DEBIT_DAYS: u32 = 4;

/// The refusal to do something in the state that a payment intent is in.
pub(crate) fn unexpected_state(state: &State, intent: &Value, verb: &str) -> ApiError {
    let status = intent["status"].as_str().unwrap_or_default();
    let why = match status {
        "succeeded" => "it has already succeeded after being previously confirmed".to_owned(),
        other => format!("it has a status of {other}"),
    };
    ApiError::invalid(format!("You cannot {verb} this PaymentIntent because {why}."))
        .code("payment_intent_unexpected_state")
        .with("payment_intent", state.present(intent))
}

/// Tries to pay with the payment method attached.
pub(crate) fn confirm(state: &mut State, call: &Call, mut intent: Value) -> Result<Value, ApiError> {
    let Some(method) = intent["payment_method"].as_str().and_then(|id| state.get(table::PAYMENT_METHODS, &call.account, id))
    else {
        return Err(ApiError::invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.",
        )
        .code("payment_intent_unexpected_state")
        .with("payment_intent", state.present(&intent)));
    };
    intent["last_payment_error"] = Value::Null;
    intent["next_action"] = Value::Null;
    if payment_methods::verdict(&method) == Verdict::Authenticate {
        let unattended = call.params.get("off_session").is_some_and(|v| v == "true" || v == "one_off" || v == "recurring");
        if unattended || call.flag("error_on_requires_action") == Some(true) {
            const MESSAGE: &str = "Your card was declined. This transaction requires authentication.";
            return Err(decline(state, intent, &method, ("authentication_required", "authentication_required", MESSAGE)));
        }
        let url =
            format!("{}/_sandbox/payment_intents/{}/authenticate", state.base_url, intent["id"].as_str().unwrap_or_default());
        intent["status"] = json!("requires_action");
        intent["next_action"] =
            json!({ "type": "redirect_to_url", "redirect_to_url": { "return_url": call.text("return_url"), "url": url } });
        state.save(table::PAYMENT_INTENTS, &intent);
        events::emit(state, "payment_intent.requires_action", &call.account, &intent);
        return Ok(intent);
    }
    pay(state, intent, &method)
}

/// The payer has authenticated, or failed to.
pub(crate) fn authenticate(state: &mut State, id: &str, succeed: bool) -> Result<Value, ApiError> {
    let intent = state.store.get(table::PAYMENT_INTENTS, id).cloned().ok_or_else(|| ApiError::missing("payment_intent", id))?;
    if intent["status"] != "requires_action" {
        return Err(unexpected_state(state, &intent, "authenticate"));
    }
    let account = owner(&intent);
    let method =
        state.get(table::PAYMENT_METHODS, &account, intent["payment_method"].as_str().unwrap_or_default()).unwrap_or_default();
    if succeed {
        return pay(state, intent, &method);
    }
    let error = ApiError::card(
        "payment_intent_authentication_failure",
        "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent again.",
    );
    Ok(fail(state, intent, &method, &error))
}

/// Asks the bank.
fn pay(state: &mut State, mut intent: Value, method: &Value) -> Result<Value, ApiError> {
    let account = owner(&intent);
    let id = intent["id"].as_str().unwrap_or_default().to_owned();
    intent["next_action"] = Value::Null;
    match payment_methods::verdict(method) {
        Verdict::Declined(code, decline_code, message) => Err(decline(state, intent, method, (code, decline_code, message))),
        Verdict::Later | Verdict::LaterDeclined => {
            let charge = charges::record(state, &intent, method, &Attempt::Pending);
            intent["status"] = json!("processing");
            intent["latest_charge"] = charge["id"].clone();
            state.save(table::PAYMENT_INTENTS, &intent);
            let due = clock::business_days_later(state.now, DEBIT_DAYS);
            schedule::at(state, due, Task::SettleDebit, &id);
            events::emit(state, "charge.pending", &account, &charge);
            events::emit(state, "payment_intent.processing", &account, &intent);
            Ok(intent)
        }
        _ if intent["capture_method"] == "manual" => {
            let charge = charges::record(state, &intent, method, &Attempt::Authorized);
            intent["status"] = json!("requires_capture");
            intent["latest_charge"] = charge["id"].clone();
            intent["amount_capturable"] = intent["amount"].clone();
            state.save(table::PAYMENT_INTENTS, &intent);
            events::emit(state, "charge.succeeded", &account, &charge);
            events::emit(state, "payment_intent.amount_capturable_updated", &account, &intent);
            Ok(intent)
        }
        verdict => {
            let charge = charges::record(state, &intent, method, &Attempt::Pending);
            intent["latest_charge"] = charge["id"].clone();
            let available_on = if verdict == Verdict::PaidAvailable { state.now } else { state.now + 2 * DAY };
            let amount = intent["amount"].as_i64().unwrap_or(0);
            let intent = succeed(state, intent, amount, available_on);
            if verdict == Verdict::PaidDisputed {
                disputes::open(state, charge["id"].as_str().unwrap_or_default(), "fraudulent", false)?;
            }
            Ok(intent)
        }
    }
}

/// The money has come.
fn succeed(state: &mut State, mut intent: Value, amount: i64, available_on: i64) -> Value {
    let account = owner(&intent);
    let charge = charges::settle(state, &intent, amount, available_on);
    intent["status"] = json!("succeeded");
    intent["amount_received"] = json!(amount);
    intent["amount_capturable"] = json!(0);
    intent["processing"] = Value::Null;
    if intent["transfer_group"].is_null() {
        intent["transfer_group"] = charge["transfer_group"].clone();
    }
    state.save(table::PAYMENT_INTENTS, &intent);
    events::emit(state, "charge.succeeded", &account, &charge);
    events::emit(state, "payment_intent.succeeded", &account, &intent);
    intent
}

/// Takes money that was authorised before.
pub(crate) fn capture(state: &mut State, intent: Value, amount: i64) -> Result<Value, ApiError> {
    let available_on = state.now + 2 * DAY;
    Ok(succeed(state, intent, amount, available_on))
}

/// The bank answers about a debit.
pub(crate) fn settle_debit(state: &mut State, id: &str) {
    let Some(intent) = state.store.get(table::PAYMENT_INTENTS, id).filter(|i| i["status"] == "processing").cloned() else {
        return;
    };
    let account = owner(&intent);
    let method =
        state.get(table::PAYMENT_METHODS, &account, intent["payment_method"].as_str().unwrap_or_default()).unwrap_or_default();
    if payment_methods::verdict(&method) == Verdict::LaterDeclined {
        let error = ApiError::card(
            "payment_method_provider_decline",
            "The customer's bank account could not be debited: insufficient funds.",
        )
        .with("decline_code", json!("insufficient_funds"));
        fail(state, intent, &method, &error);
    } else {
        let amount = intent["amount"].as_i64().unwrap_or(0);
        let available_on = state.now;
        succeed(state, intent, amount, available_on);
    }
}

fn decline(state: &mut State, intent: Value, method: &Value, (code, decline_code, message): (&str, &str, &str)) -> ApiError {
    let error = ApiError::card(code, message).with("decline_code", json!(decline_code));
    let intent = fail(state, intent, method, &error);
    let shown = state.present(&intent);
    let error = error.with("payment_method", state.present(method)).with("charge", intent["latest_charge"].clone());
    error.with("payment_intent", shown)
}

/// The attempt failed; the payer may try another payment method.
fn fail(state: &mut State, mut intent: Value, method: &Value, error: &ApiError) -> Value {
    let account = owner(&intent);
    let text = |field: &str| error.error.get(field).and_then(Value::as_str).unwrap_or_default();
    let asked_bank = text("code") != "payment_intent_authentication_failure";
    if asked_bank {
        let failure = Attempt::Failed { code: text("code"), decline_code: text("decline_code"), message: text("message") };
        let charge = charges::record(state, &intent, method, &failure);
        intent["latest_charge"] = charge["id"].clone();
        events::emit(state, "charge.failed", &account, &charge);
    }
    let mut last = error.error.clone();
    last.insert("payment_method".into(), state.present(method));
    if asked_bank {
        last.insert("charge".into(), intent["latest_charge"].clone());
    }
    intent["last_payment_error"] = Value::Object(last);
    intent["status"] = json!("requires_payment_method");
    intent["payment_method"] = Value::Null;
    intent["next_action"] = Value::Null;
    intent["processing"] = Value::Null;
    state.save(table::PAYMENT_INTENTS, &intent);
    events::emit(state, "payment_intent.payment_failed", &account, &intent);
    intent
}

fn owner(intent: &Value) -> String {
    intent["_account"].as_str().unwrap_or_default().to_owned()
}

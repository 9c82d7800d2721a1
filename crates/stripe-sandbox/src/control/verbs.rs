//! `/_sandbox/…`: what Stripe lets nobody control, as JSON over HTTP.

use crate::config::Endpoint;
use crate::control::faults::{self, Fault};
use crate::control::{authentication, onboarding, request_log};
use crate::objects::{
    disputes, due, early_fraud_warnings, events, payment_attempts, payment_intents, payment_methods, payouts, reviews, standing,
    topups,
};
use crate::protocol::{ApiError, Call, Request, money};
use crate::webhooks::endpoints;
use crate::webhooks::queue::{self, FlushOrder, Parcel};
use crate::world::deliveries::DeliveryMode;
use crate::world::{Origin, PLATFORM, State, table};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// What the socket has to do.
#[derive(Debug)]
pub(crate) enum Control {
    /// Answer with JSON.
    Json(Value),
    /// Post these webhooks one after the other, then answer.
    Flush(Vec<Parcel>),
    /// A person or a program visits an onboarding link.
    Visit(onboarding::Visit),
    /// Show a page.
    Html(String),
    /// A payer has authenticated or failed to; a browser goes back to the platform.
    Authenticated { intent: Value, return_url: Option<String> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Advance {
    advance_seconds: i64,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Flush {
    order: FlushOrder,
    reverse: bool,
    reversed: bool,
    shuffle: bool,
    shuffled: bool,
}

impl Flush {
    fn order(&self) -> FlushOrder {
        match self {
            Self { reverse: true, .. } | Self { reversed: true, .. } => FlushOrder::Reverse,
            Self { shuffle: true, .. } | Self { shuffled: true, .. } => FlushOrder::Shuffle,
            Self { order, .. } => *order,
        }
    }
}

#[derive(Deserialize)]
struct Authenticate {
    #[serde(default = "yes")]
    succeed: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Restrict {
    disabled_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopUp {
    amount: i64,
    currency: String,
    account: Option<String>,
    #[serde(default)]
    pending: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenDispute {
    charge: String,
    reason: Option<String>,
    #[serde(default)]
    inquiry: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    status: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Warn {
    charge: String,
    fraud_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenReview {
    charge: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseReview {
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseDispute {
    won: bool,
    #[serde(default = "yes")]
    reinstate: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmitEvent {
    #[serde(rename = "type")]
    kind: String,
    object: Value,
    account: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resend {
    event: String,
}

/// Serves a control request. The caller commits the store before acting on the outcome.
pub(crate) fn serve(state: &mut State, request: &Request) -> Result<Control, ApiError> {
    due::enter(state, Origin::default());
    let path: Vec<&str> = request.path.trim_matches('/').split('/').skip(1).collect();
    let data = |items: Vec<Value>| Ok(Control::Json(json!({ "data": items })));
    match (request.method.as_str(), path.as_slice()) {
        ("GET", [] | ["health"]) => Ok(Control::Json(about(state))),
        ("GET", ["clock"]) => Ok(Control::Json(json!({ "now": state.now }))),
        ("POST", ["clock"]) => {
            let Advance { advance_seconds } = body(request)?;
            if advance_seconds < 0 {
                return Err(ApiError::parameter(
                    "advanceSeconds",
                    "The clock only moves forward: advanceSeconds must not be negative.",
                ));
            }
            due::advance(state, advance_seconds);
            Ok(Control::Json(json!({ "now": state.now })))
        }
        ("GET", ["faults"]) => data(faults::all(state)),
        ("POST", ["faults"]) => Ok(Control::Json(json!(faults::add(state, body::<Fault>(request)?)))),
        ("DELETE", ["faults"]) => {
            faults::clear(state);
            data(Vec::new())
        }
        ("GET", ["requests"]) => data(request_log::all(state)),
        ("GET", ["payment_methods"]) => Ok(Control::Json(payment_methods::catalogue())),
        ("GET", ["webhooks"]) => Ok(Control::Json(json!(state.webhooks.mode))),
        ("POST", ["webhooks"]) => {
            state.webhooks.mode = body::<DeliveryMode>(request)?;
            Ok(Control::Json(json!(state.webhooks.mode)))
        }
        ("POST", ["webhooks", "flush"]) => {
            let order = if request.body.is_empty() { FlushOrder::Fifo } else { body::<Flush>(request)?.order() };
            Ok(Control::Flush(queue::release(state, order)))
        }
        ("POST", ["webhooks", "endpoints"]) => {
            let endpoint = body::<Endpoint>(request)?;
            let id = endpoints::add_host(state, &endpoint);
            Ok(Control::Json(json!({ "id": id, "url": endpoint.url, "kind": endpoint.kind })))
        }
        ("POST", ["webhooks", "resend"]) => {
            let Resend { event } = body(request)?;
            Ok(Control::Json(json!({ "deliveries": queue::resend(state, &event)? })))
        }
        ("GET", ["webhooks", "deliveries"]) => data(queue::all(state)),
        ("POST", ["payment_intents", id, "authenticate"]) => {
            let Authenticate { succeed } = match (request.query.as_str(), request.body.is_empty()) {
                ("succeed=false", _) => Authenticate { succeed: false },
                (_, true) | ("succeed=true", _) => Authenticate { succeed: true },
                _ => body(request)?,
            };
            let return_url = state.store.get(table::PAYMENT_INTENTS, id).map(authentication::return_url).unwrap_or_default();
            let intent = payment_attempts::authenticate(state, id, succeed).or_else(|e| after_decline(state, id, e))?;
            Ok(Control::Authenticated { intent: state.present(&intent), return_url })
        }
        ("GET", ["payment_intents", id, "authenticate"]) => {
            let intent = state.store.get(table::PAYMENT_INTENTS, id).ok_or_else(|| ApiError::missing("payment_intent", id))?;
            Ok(Control::Html(authentication::page(intent)))
        }
        ("POST", ["accounts", id, "onboard"]) => {
            let account = onboarding::complete(state, id).ok_or_else(|| ApiError::account(id))?;
            shown(state, &account)
        }
        ("POST", ["accounts", id, "restrict"]) => {
            let Restrict { disabled_reason } = body(request)?;
            let mut account = state.store.get(table::ACCOUNTS, id).cloned().ok_or_else(|| ApiError::account(id))?;
            standing::restrict(&mut account, disabled_reason.as_deref());
            state.save(table::ACCOUNTS, &account);
            standing::announce(state, &account);
            shown(state, &account)
        }
        ("POST", ["accounts", id, "deauthorize"]) => {
            let account = state.store.get(table::ACCOUNTS, id).cloned().ok_or_else(|| ApiError::account(id))?;
            state.store.remove(table::ACCOUNTS, id);
            let application = json!({ "id": "ca_sandbox", "object": "application", "name": "sandbox" });
            events::emit(state, "account.application.deauthorized", id, &application);
            shown(state, &account)
        }
        ("POST", ["topups"]) => {
            let TopUp { amount, currency, account, pending } = body(request)?;
            money::positive(amount, "amount")?;
            if !money::is_currency(&currency) {
                return Err(ApiError::parameter("currency", format!("Invalid currency: {currency}")));
            }
            let topup = topups::open(state, account.as_deref().unwrap_or(PLATFORM), amount, &currency, pending)?;
            shown(state, &topup)
        }
        ("POST", ["topups", id, "move"]) => {
            let Move { status } = body(request)?;
            let topup = topups::move_to(state, id, &status)?;
            shown(state, &topup)
        }
        ("POST", ["payouts", id, "move"]) => {
            let Move { status } = body(request)?;
            let payout = payouts::move_to(state, id, &status)?;
            shown(state, &payout)
        }
        ("POST", ["disputes"]) => {
            let OpenDispute { charge, reason, inquiry } = body(request)?;
            let dispute = disputes::open(state, &charge, reason.as_deref().unwrap_or("fraudulent"), inquiry)?;
            shown(state, &dispute)
        }
        ("POST", ["disputes", id, "close"]) => {
            let CloseDispute { won, reinstate } = body(request)?;
            let dispute = disputes::close(state, id, won, reinstate)?;
            shown(state, &dispute)
        }
        ("POST", ["disputes", id, "move"]) => {
            let Move { status } = body(request)?;
            let dispute = disputes::move_to(state, id, &status)?;
            shown(state, &dispute)
        }
        ("POST", ["disputes", id, "reinstate"]) => {
            let dispute = disputes::reinstate(state, id)?;
            shown(state, &dispute)
        }
        ("POST", ["early_fraud_warnings"]) => {
            let Warn { charge, fraud_type } = body(request)?;
            let kind = fraud_type.as_deref().unwrap_or("unauthorized_use_of_card");
            let warning = early_fraud_warnings::open(state, &charge, kind)?;
            shown(state, &warning)
        }
        ("POST", ["reviews"]) => {
            let OpenReview { charge } = body(request)?;
            let review = reviews::open(state, &charge)?;
            shown(state, &review)
        }
        ("POST", ["reviews", id, "close"]) => {
            let CloseReview { reason } = body(request)?;
            let review = reviews::close(state, id, reason.as_deref().unwrap_or("approved"))?;
            shown(state, &review)
        }
        ("POST", ["events"]) => {
            let EmitEvent { kind, object, account } = body(request)?;
            events::emit(state, &kind, account.as_deref().unwrap_or(PLATFORM), &object);
            let event = state.store.rows(table::EVENTS).next_back().map(|(_, event)| event.clone()).unwrap_or_default();
            shown(state, &event)
        }
        ("GET" | "POST", ["onboarding", token]) => Ok(Control::Visit(onboarding::visit(state, token, request.method == "POST"))),
        _ => Err(ApiError::unknown_route(&request.method, &request.path)),
    }
}

/// A declined card is no error of whoever controls the sandbox: answers the payment intent as it is now.
fn after_decline(state: &State, id: &str, error: ApiError) -> Result<Value, ApiError> {
    match state.store.get(table::PAYMENT_INTENTS, id) {
        Some(intent) if error.status == 402 => Ok(intent.clone()),
        _ => Err(error),
    }
}

fn shown(state: &State, object: &Value) -> Result<Control, ApiError> {
    Ok(Control::Json(state.present(object)))
}

fn body<T: DeserializeOwned>(request: &Request) -> Result<T, ApiError> {
    serde_json::from_slice(&request.body)
        .map_err(|e| ApiError::invalid(format!("The body of {} is not understood: {e}", request.path)).forgotten())
}

fn about(state: &State) -> Value {
    json!({
        "what": "Stripe sandbox of 14Build",
        "now": state.now,
        "stateFile": state.config.state_file.as_ref().map(|path| path.display().to_string()),
        "secretKey": "any sk_test_…",
        "apiVersion": state.config.api_version,
        "control": [
            "GET|POST /_sandbox/clock {advanceSeconds}", "GET|POST|DELETE /_sandbox/faults", "GET /_sandbox/requests", "GET|POST /_sandbox/webhooks {duplicate,shuffle,hold}",
            "POST /_sandbox/webhooks/flush {order: fifo|reverse|shuffle}", "POST /_sandbox/webhooks/endpoints {url,secret,kind}", "POST /_sandbox/webhooks/resend {event}",
            "GET /_sandbox/webhooks/deliveries", "POST /_sandbox/payment_intents/{id}/authenticate {succeed}", "POST /_sandbox/accounts/{id}/onboard",
            "POST /_sandbox/accounts/{id}/restrict {disabledReason}", "POST /_sandbox/accounts/{id}/deauthorize", "POST /_sandbox/topups {amount,currency,account?,pending?}",
            "POST /_sandbox/topups/{id}/move {status}", "POST /_sandbox/payouts/{id}/move {status}",
            "POST /_sandbox/disputes {charge,reason?,inquiry?}", "POST /_sandbox/disputes/{id}/move {status}",
            "POST /_sandbox/disputes/{id}/close {won,reinstate?}", "POST /_sandbox/disputes/{id}/reinstate",
            "POST /_sandbox/early_fraud_warnings {charge,fraudType?}", "POST /_sandbox/reviews {charge}", "POST /_sandbox/reviews/{id}/close {reason?}", "POST /_sandbox/events {type,object,account?}", "GET /_sandbox/payment_methods",
        ],
    })
}

/// Confirms a payment intent as its payer would.
pub(crate) fn confirm(state: &mut State, intent: &str, method: &str) -> Result<Value, ApiError> {
    let call = Call::internal(PLATFORM, &[intent], json!({ "payment_method": method }));
    let result = payment_intents::confirm(state, &call).or_else(|e| after_decline(state, intent, e))?;
    Ok(state.present(&result))
}

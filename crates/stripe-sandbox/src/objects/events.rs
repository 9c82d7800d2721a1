//! Events: what happened, with the object as it was then; every one is queued for the endpoints that want it.

use crate::protocol::params::{Field, Kind, may};
use crate::protocol::{ApiError, Call, list};
use crate::webhooks::queue;
use crate::world::{PLATFORM, State, ids, table};
use serde_json::{Value, json};

/// Filters of the list.
pub(crate) const LIST: &[Field] = &[
    may("created", Kind::Range),
    may("delivery_success", Kind::Boolean),
    may("ending_before", Kind::Text),
    may("limit", Kind::Integer),
    may("starting_after", Kind::Text),
    may("type", Kind::Text),
    may("types", Kind::List(&Kind::Text)),
];

/// Records that something happened to an object of an account.
pub(crate) fn emit(state: &mut State, kind: &str, account: &str, object: &Value) {
    emit_change(state, kind, account, object, None);
}

/// Records a change, with the fields as they were before.
pub(crate) fn emit_change(state: &mut State, kind: &str, account: &str, object: &Value, before: Option<Value>) {
    let mut data = json!({ "object": state.present(object) });
    if let Some(before) = before {
        data["previous_attributes"] = before;
    }
    let mut event = json!({
        "id": ids::new("evt"),
        "object": "event",
        "api_version": state.config.api_version,
        "created": state.now,
        "data": data,
        "livemode": false,
        "pending_webhooks": 0,
        "request": { "id": state.origin.request, "idempotency_key": state.origin.idempotency_key },
        "type": kind,
    });
    if account != PLATFORM {
        event["account"] = json!(account);
    }
    let event = state.insert(table::EVENTS, account, event);
    queue::enqueue(state, event);
}

/// `GET /v1/events/{id}`.
pub(crate) fn retrieve(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    state.fetch(table::EVENTS, &call.account, "event", call.path(0))
}

/// `GET /v1/events`.
pub(crate) fn list(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let wanted: Vec<&str> = match call.params.get("types").and_then(Value::as_array) {
        Some(types) => types.iter().filter_map(Value::as_str).collect(),
        None => call.text("type").into_iter().collect(),
    };
    let matches = |kind: &str| {
        wanted.is_empty() || wanted.iter().any(|w| *w == kind || w.strip_suffix('*').is_some_and(|p| kind.starts_with(p)))
    };
    let delivered = call.flag("delivery_success");
    let events = state.of_account(table::EVENTS, &call.account).filter(|event| {
        matches(event["type"].as_str().unwrap_or_default()) && delivered.is_none_or(|d| d == (event["pending_webhooks"] == 0))
    });
    list::page(events, call)
}

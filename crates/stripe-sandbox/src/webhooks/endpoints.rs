//! Webhook endpoints: who is told about events. The host of the sandbox adds some, the API may add others.

use crate::config::{Endpoint, EndpointKind};
use crate::protocol::params::{Field, Kind, may, need};
use crate::protocol::{ApiError, Call, list, metadata};
use crate::world::{PLATFORM, State, ids, table};
use serde_json::{Value, json};

/// Parameters of a new endpoint.
pub(crate) const CREATE: &[Field] = &[
    may("api_version", Kind::Text),
    may("connect", Kind::Boolean),
    may("description", Kind::Text),
    need("enabled_events", Kind::List(&Kind::Text)),
    may("metadata", Kind::Metadata),
    need("url", Kind::Text),
];

/// Parameters of a change.
pub(crate) const UPDATE: &[Field] = &[
    may("description", Kind::Text),
    may("disabled", Kind::Boolean),
    may("enabled_events", Kind::List(&Kind::Text)),
    may("metadata", Kind::Metadata),
    may("url", Kind::Text),
];

/// Cursors of the list.
pub(crate) const LIST: &[Field] =
    &[may("ending_before", Kind::Text), may("limit", Kind::Integer), may("starting_after", Kind::Text)];

/// An endpoint of the host. The n-th added in a run is the n-th of any later run: what could not be delivered before a
/// restart goes to the address that it has now.
pub(crate) fn add_host(state: &mut State, endpoint: &Endpoint) -> String {
    let id = format!("we_host{}", state.webhooks.host_endpoints);
    state.webhooks.host_endpoints += 1;
    let connect = endpoint.kind == EndpointKind::Connect;
    let object = object(state, &id, &endpoint.url, &endpoint.secret, connect, json!(["*"]));
    state.insert(table::WEBHOOK_ENDPOINTS, PLATFORM, object);
    state.webhooks.paused.remove(&id);
    state.webhooks.expedite(&state.store, &id);
    id
}

fn object(state: &State, id: &str, url: &str, secret: &str, connect: bool, events: Value) -> Value {
    json!({
        "id": id, "object": "webhook_endpoint", "api_version": null, "application": if connect { json!("ca_sandbox") } else { Value::Null },
        "created": state.now, "description": null, "enabled_events": events, "livemode": false, "metadata": {}, "status": "enabled",
        "url": url, "_secret": secret, "_connect": connect,
    })
}

/// `POST /v1/webhook_endpoints`.
pub(crate) fn create(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let url = call.text("url").unwrap_or_default();
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(ApiError::parameter("url", format!("Invalid URL: {url}")).code("url_invalid"));
    }
    let secret = format!("whsec_{}", ids::random(32));
    let connect = call.flag("connect") == Some(true);
    let mut endpoint = object(state, &ids::new("we"), url, &secret, connect, call.any("enabled_events"));
    endpoint["description"] = call.any("description");
    endpoint["api_version"] = call.any("api_version");
    endpoint["metadata"] = metadata::merged(&json!({}), call.params.get("metadata"));
    let mut shown = state.insert(table::WEBHOOK_ENDPOINTS, &call.account, endpoint);
    shown["secret"] = json!(secret);
    Ok(shown)
}

/// `GET /v1/webhook_endpoints/{id}`.
pub(crate) fn retrieve(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    state.fetch(table::WEBHOOK_ENDPOINTS, &call.account, "webhook endpoint", call.path(0))
}

/// `POST /v1/webhook_endpoints/{id}`.
pub(crate) fn update(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let mut endpoint = state.fetch(table::WEBHOOK_ENDPOINTS, &call.account, "webhook endpoint", call.path(0))?;
    for field in ["description", "enabled_events", "url"] {
        if let Some(value) = call.params.get(field) {
            endpoint[field] = value.clone();
        }
    }
    if let Some(disabled) = call.flag("disabled") {
        endpoint["status"] = json!(if disabled { "disabled" } else { "enabled" });
    }
    endpoint["metadata"] = metadata::merged(&endpoint["metadata"], call.params.get("metadata"));
    state.save(table::WEBHOOK_ENDPOINTS, &endpoint);
    Ok(endpoint)
}

/// `DELETE /v1/webhook_endpoints/{id}`.
pub(crate) fn delete(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    let endpoint = state.fetch(table::WEBHOOK_ENDPOINTS, &call.account, "webhook endpoint", call.path(0))?;
    state.store.remove(table::WEBHOOK_ENDPOINTS, call.path(0));
    Ok(json!({ "id": endpoint["id"], "object": "webhook_endpoint", "deleted": true }))
}

/// `GET /v1/webhook_endpoints`.
pub(crate) fn list(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    list::page(state.of_account(table::WEBHOOK_ENDPOINTS, &call.account), call)
}

/// Whether an endpoint wants an event.
pub(crate) fn wants(endpoint: &Value, event: &Value) -> bool {
    let connected = event["account"].is_string();
    let kind = event["type"].as_str().unwrap_or_default();
    endpoint["status"] == "enabled"
        && endpoint["_connect"] == connected
        && endpoint["enabled_events"].as_array().is_some_and(|wanted| {
            wanted
                .iter()
                .filter_map(Value::as_str)
                .any(|w| w == "*" || w == kind || w.strip_suffix('*').is_some_and(|p| kind.starts_with(p)))
        })
}

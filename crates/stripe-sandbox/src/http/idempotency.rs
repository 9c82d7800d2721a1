//! Idempotency keys: the first answer of a key is every later answer of it, for a day.

use crate::protocol::ApiError;
use crate::world::clock::DAY;
use crate::world::{State, table};
use serde_json::{Map, Value, json};

/// The answer to a request that carries a key already answered.
#[derive(Debug)]
pub(crate) struct Replay {
    pub status: u16,
    pub body: Value,
    pub original_request: String,
}

/// The row that a key has: keys of different accounts do not meet.
pub(crate) fn row(account: &str, key: &str) -> String {
    format!("{account}/{key}")
}

/// Looks a key up. `Ok(None)`: the work is ours to do.
pub(crate) fn look_up(
    state: &mut State,
    row: &str,
    key: &str,
    path: &str,
    params: &Map<String, Value>,
) -> Result<Option<Replay>, ApiError> {
    if key.chars().count() > 255 {
        return Err(ApiError::idempotency(400, None, "Idempotency keys can have up to 255 characters."));
    }
    if state.busy_keys.contains(row) {
        return Err(ApiError::idempotency(
            409,
            Some("idempotency_key_in_use"),
            format!(
                "There is currently another in-progress request using this Idempotency-Key (that probably means you submitted twice, and the other request is still going through): {key}. If you're seeing this message you can try your request again, or use a different Idempotency-Key."
            ),
        ));
    }
    let Some(known) = state.store.get(table::IDEMPOTENCY, row).cloned() else { return Ok(None) };
    if known["at"].as_i64().unwrap_or(0) + DAY < state.now {
        state.store.remove(table::IDEMPOTENCY, row);
        return Ok(None);
    }
    if known["path"] != path {
        return Err(ApiError::idempotency(
            400,
            None,
            format!(
                "Keys for idempotent requests can only be used for the same endpoint they were first used for ('{}' vs '{path}'). Try using a key other than '{key}' if you meant to execute a different request.",
                known["path"].as_str().unwrap_or_default()
            ),
        ));
    }
    if known["params"].as_object() != Some(params) {
        return Err(ApiError::idempotency(
            400,
            None,
            format!(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '{key}' if you meant to execute a different request."
            ),
        ));
    }
    Ok(Some(Replay {
        status: known["status"].as_u64().and_then(|s| u16::try_from(s).ok()).unwrap_or(200),
        body: known["body"].clone(),
        original_request: known["request"].as_str().unwrap_or_default().to_owned(),
    }))
}

/// Remembers the answer of a key.
pub(crate) fn remember(
    state: &mut State,
    row: &str,
    path: &str,
    params: &Map<String, Value>,
    status: u16,
    body: &Value,
    request: &str,
) {
    let known = json!({ "at": state.now, "path": path, "params": params, "status": status, "body": body, "request": request });
    state.store.put(table::IDEMPOTENCY, row, known);
}

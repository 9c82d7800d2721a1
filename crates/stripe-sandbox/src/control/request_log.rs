//! What the sandbox was asked, kept for tests and for curious people.

use crate::world::{State, table};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How many requests are kept.
const KEPT: usize = 10_000;

/// One request to `/v1/…`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestRecord {
    /// `req_…`, as in the `Request-Id` header.
    pub id: String,
    /// The sandbox's time, in Unix seconds.
    pub at: i64,
    /// The HTTP method.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The parameters as sent, nested by their brackets.
    pub params: Map<String, Value>,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// The `Stripe-Account` header.
    pub account: Option<String>,
    /// The status answered; for a lost answer, the one that would have been.
    pub status: Option<u16>,
    /// Whether an idempotency key answered instead of work.
    pub replayed: bool,
    /// The fault that hit it.
    pub fault: Option<Value>,
}

/// Adds a request; the oldest falls out.
pub(crate) fn add(state: &mut State, record: &RequestRecord) {
    state.store.put(table::REQUESTS, &record.id, json!(record));
    while state.store.len(table::REQUESTS) > KEPT {
        let Some(oldest) = state.store.rows(table::REQUESTS).next().map(|(id, _)| id.to_owned()) else { break };
        state.store.remove(table::REQUESTS, &oldest);
    }
}

/// All requests kept, oldest first.
pub(crate) fn all(state: &State) -> Vec<Value> {
    state.store.rows(table::REQUESTS).map(|(_, row)| row.clone()).collect()
}

//! The queue of webhook deliveries: what is to be posted where and when; `http::delivery` posts it.

use crate::protocol::ApiError;
use crate::webhooks::endpoints;
use crate::world::deliveries::DeliveryMode;
use crate::world::{State, clock, ids, table};
use rand::Rng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How many finished deliveries are kept for [`crate::Sandbox::deliveries`].
const KEPT: usize = 10_000;

/// Within how many milliseconds shuffled deliveries are spread.
const SHUFFLE_WINDOW: i64 = 250;

/// In which order held deliveries are released.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlushOrder {
    /// As they happened.
    #[default]
    Fifo,
    /// The last first.
    Reverse,
    /// Any order.
    Shuffle,
}

/// Something to post.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    pub delivery: String,
    pub event: String,
    pub url: String,
    pub secret: String,
    pub payload: String,
}

/// Queues an event for every endpoint that wants it.
pub(crate) fn enqueue(state: &mut State, mut event: Value) {
    let endpoints: Vec<String> = state
        .store
        .rows(table::WEBHOOK_ENDPOINTS)
        .filter(|(_, e)| endpoints::wants(e, &event))
        .map(|(id, _)| id.to_owned())
        .collect();
    event["pending_webhooks"] = json!(endpoints.len());
    state.save(table::EVENTS, &event);
    let mode = state.webhooks.mode;
    for endpoint in endpoints {
        for copy in 0..=mode.duplicate {
            deliver(state, &event, &endpoint, copy, mode);
        }
    }
}

fn deliver(state: &mut State, event: &Value, endpoint: &str, copy: u32, mode: DeliveryMode) {
    let number = state.webhooks.next;
    state.webhooks.next += 1;
    let id = ids::new("whd");
    let status = if mode.hold { "held" } else { "pending" };
    let row = json!({
        "id": id, "number": number, "event": event["id"], "type": event["type"], "endpoint": endpoint, "copy": copy, "status": status,
        "attempts": 0, "lastStatus": null, "lastError": null,
    });
    state.store.put(table::DELIVERIES, &id, row);
    if !mode.hold {
        let wait = if mode.shuffle { rand::rng().random_range(0..SHUFFLE_WINDOW) } else { 0 };
        state.webhooks.due.insert((clock::real_millis() + wait, id));
    }
    while state.store.len(table::DELIVERIES) > KEPT {
        let finished = |row: &Value| matches!(row["status"].as_str(), Some("delivered" | "failed"));
        let Some(oldest) = state.store.rows(table::DELIVERIES).find(|(_, row)| finished(row)).map(|(id, _)| id.to_owned()) else {
            break;
        };
        state.store.remove(table::DELIVERIES, &oldest);
    }
}

/// Posts an event once more to everybody who wants it.
pub(crate) fn resend(state: &mut State, event: &str) -> Result<u64, ApiError> {
    let event = state.store.get(table::EVENTS, event).cloned().ok_or_else(|| ApiError::missing("event", event))?;
    let endpoints: Vec<String> = state
        .store
        .rows(table::WEBHOOK_ENDPOINTS)
        .filter(|(_, e)| endpoints::wants(e, &event))
        .map(|(id, _)| id.to_owned())
        .collect();
    for endpoint in &endpoints {
        deliver(state, &event, endpoint, 1, DeliveryMode::default());
    }
    Ok(endpoints.len() as u64)
}

/// What is due now, no more than `room` at a time; it counts as being attempted until [`attempted`].
pub(crate) fn take_due(state: &mut State, room: usize) -> Vec<Parcel> {
    let now = clock::real_millis();
    let mut parcels = Vec::new();
    let mut waiting = Vec::new();
    while parcels.len() < room {
        let Some((at, id)) = state.webhooks.due.first().cloned() else { break };
        if at > now {
            break;
        }
        state.webhooks.due.pop_first();
        match parcel(state, &id) {
            Some(parcel) => {
                state.webhooks.in_flight.insert(id);
                parcels.push(parcel);
            }
            None => waiting.push(id),
        }
    }
    for id in waiting {
        let row = state.store.get(table::DELIVERIES, &id).cloned().unwrap_or_default();
        if row["endpoint"].as_str().is_some_and(|endpoint| state.webhooks.paused.contains(endpoint)) {
            state.webhooks.due.insert((now + 5_000, id));
        } else if !row.is_null() {
            give_up(state, &id, row, "the endpoint is gone");
        }
    }
    parcels
}

fn give_up(state: &mut State, id: &str, mut row: Value, why: &str) {
    row["status"] = json!("failed");
    row["lastError"] = json!(why);
    state.store.put(table::DELIVERIES, id, row);
}

/// The delivery's row with its address and content; nothing when its endpoint is paused or gone.
fn parcel(state: &State, id: &str) -> Option<Parcel> {
    let row = state.store.get(table::DELIVERIES, id)?;
    let endpoint_id = row["endpoint"].as_str()?;
    if state.webhooks.paused.contains(endpoint_id) {
        return None;
    }
    let endpoint = state.store.get(table::WEBHOOK_ENDPOINTS, endpoint_id)?;
    let event = state.store.get(table::EVENTS, row["event"].as_str()?)?;
    Some(Parcel {
        delivery: id.to_owned(),
        event: row["event"].as_str()?.to_owned(),
        url: endpoint["url"].as_str()?.to_owned(),
        secret: endpoint["_secret"].as_str()?.to_owned(),
        payload: serde_json::to_string_pretty(&state.present(event)).ok()?,
    })
}

/// Releases what is held, in an order; the caller posts it one after the other.
pub(crate) fn release(state: &mut State, order: FlushOrder) -> Vec<Parcel> {
    let mut held: Vec<String> =
        state.store.rows(table::DELIVERIES).filter(|(_, row)| row["status"] == "held").map(|(id, _)| id.to_owned()).collect();
    match order {
        FlushOrder::Fifo => {}
        FlushOrder::Reverse => held.reverse(),
        FlushOrder::Shuffle => held.shuffle(&mut rand::rng()),
    }
    let mut parcels = Vec::new();
    for id in held {
        let Some(mut row) = state.store.get(table::DELIVERIES, &id).cloned() else { continue };
        row["status"] = json!("pending");
        state.store.put(table::DELIVERIES, &id, row);
        match parcel(state, &id) {
            Some(parcel) => {
                state.webhooks.in_flight.insert(id);
                parcels.push(parcel);
            }
            None => {
                state.webhooks.due.insert((0, id));
            }
        }
    }
    parcels
}

/// Records how an attempt went, and plans the next one if it went badly.
pub(crate) fn attempted(state: &mut State, parcel: &Parcel, outcome: Result<u16, String>) {
    state.webhooks.in_flight.remove(&parcel.delivery);
    let Some(mut row) = state.store.get(table::DELIVERIES, &parcel.delivery).cloned() else { return };
    let attempts = row["attempts"].as_u64().unwrap_or(0) + 1;
    row["attempts"] = json!(attempts);
    row["lastStatus"] = json!(outcome.as_ref().ok());
    row["lastError"] = json!(outcome.as_ref().err());
    if outcome.is_ok_and(|status| (200..300).contains(&status)) {
        row["status"] = json!("delivered");
        if let Some(mut event) = state.store.get(table::EVENTS, &parcel.event).cloned()
            && row["copy"] == 0
        {
            event["pending_webhooks"] = json!(event["pending_webhooks"].as_i64().unwrap_or(1).saturating_sub(1).max(0));
            state.save(table::EVENTS, &event);
        }
    } else if attempts >= u64::from(state.config.webhook_attempts) {
        row["status"] = json!("failed");
    } else {
        let doublings = u32::try_from(attempts - 1).unwrap_or(u32::MAX).min(20);
        let delay = state.config.webhook_base_delay.saturating_mul(1 << doublings).min(state.config.webhook_max_delay);
        let at = clock::real_millis() + i64::try_from(delay.as_millis()).unwrap_or(i64::MAX / 2);
        state.webhooks.due.insert((at, parcel.delivery.clone()));
    }
    state.store.put(table::DELIVERIES, &parcel.delivery, row);
}

/// All deliveries kept, oldest first.
pub(crate) fn all(state: &State) -> Vec<Value> {
    state.store.rows(table::DELIVERIES).map(|(_, row)| row.clone()).collect()
}

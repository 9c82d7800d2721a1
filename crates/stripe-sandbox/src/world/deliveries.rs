//! How deliveries of webhooks stand: what of their queue lives in memory only.

use crate::world::store::Store;
use crate::world::table;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};

/// How deliveries misbehave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryMode {
    /// How many extra copies of every event are delivered.
    pub duplicate: u32,
    /// Whether deliveries overtake each other.
    pub shuffle: bool,
    /// Whether deliveries wait for a flush.
    pub hold: bool,
}

/// What of the queue lives in memory only.
#[derive(Debug, Default)]
pub(crate) struct Webhooks {
    pub mode: DeliveryMode,
    /// Endpoints of the host that this run has not named yet: nothing is sent to their old address.
    pub paused: HashSet<String>,
    pub host_endpoints: u32,
    /// When (real milliseconds) which delivery is to be attempted.
    pub due: BTreeSet<(i64, String)>,
    /// Deliveries being attempted.
    pub in_flight: HashSet<String>,
    /// The number of the next delivery.
    pub next: u64,
}

impl Webhooks {
    /// Takes over what an earlier run could not deliver.
    pub fn load(&mut self, store: &Store) {
        for (id, row) in store.rows(table::DELIVERIES) {
            self.next = self.next.max(row["number"].as_u64().unwrap_or(0) + 1);
            if row["status"] == "pending" {
                self.due.insert((0, id.to_owned()));
            }
        }
        self.paused = store
            .rows(table::WEBHOOK_ENDPOINTS)
            .filter(|(id, _)| id.starts_with("we_host"))
            .map(|(id, _)| id.to_owned())
            .collect();
    }

    /// Attempts what waits for an endpoint at once.
    pub fn expedite(&mut self, store: &Store, endpoint: &str) {
        for (id, row) in store.rows(table::DELIVERIES) {
            if row["endpoint"] == endpoint && row["status"] == "pending" && !self.in_flight.contains(id) {
                self.due.retain(|(_, known)| known != id);
                self.due.insert((0, id.to_owned()));
            }
        }
    }

    /// When the next attempt is due.
    pub fn next_due(&self) -> Option<i64> {
        self.due.first().map(|(at, _)| *at)
    }
}

//! What this process remembers of having had looked at, so that reading asks for no look again and again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use kernel::Timestamp;
use uuid::Uuid;

/// So many things are remembered at most; beyond that, all are forgotten.
const REMEMBERED: usize = 10_000;

/// What was asked for by reading, and when.
#[derive(Debug, Default)]
pub(super) struct Asked(Mutex<HashMap<Uuid, Timestamp>>);

impl Asked {
    /// Whether it is to be asked for now: not again within `debounce`.
    pub(super) fn now(&self, id: Uuid, now: Timestamp, debounce: TimeDelta) -> bool {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.get(&id).is_some_and(|at| now - *at < debounce) {
            return false;
        }
        if asked.len() >= REMEMBERED {
            asked.clear();
        }
        asked.insert(id, now);
        true
    }
}

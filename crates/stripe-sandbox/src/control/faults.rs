//! Faults to order: the next requests that match get no answer, a late one, or a wrong one.

use crate::world::{State, ids, table};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What goes wrong. `Before`: nothing was done. `After`: the work was done, only the answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultKind {
    /// Nothing is done; the connection stays open for `delay_ms`, then closes.
    TimeoutBefore,
    /// The work is done; the connection stays open for `delay_ms`, then closes without an answer.
    TimeoutAfter,
    /// Nothing is done; the answer is 500 (and an idempotency key remembers it, as Stripe's do).
    Status500,
    /// The work is done; the answer is 500 all the same (and an idempotency key remembers it).
    Status500After,
    /// Nothing is done; the answer is 429.
    Status429,
    /// Nothing is done; the connection closes at once.
    DisconnectBefore,
    /// The work is done; the connection closes without an answer.
    DisconnectAfter,
    /// The request is worked on for `delay_ms` (its idempotency key is in use), then done and answered as usual.
    Delay,
}

impl FaultKind {
    /// Whether the work is done all the same.
    pub(crate) fn works(self) -> bool {
        matches!(self, Self::TimeoutAfter | Self::Status500After | Self::DisconnectAfter | Self::Delay)
    }
}

/// A fault waiting for requests that match it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// Given by the sandbox.
    #[serde(default)]
    pub id: String,
    /// Which requests it hits.
    #[serde(rename = "match", default)]
    pub matches: FaultMatch,
    /// What happens to them.
    pub kind: FaultKind,
    /// How many requests it hits before it is gone.
    #[serde(default = "once")]
    pub times: u32,
    /// How many matching requests it lets pass first.
    #[serde(default)]
    pub skip: u32,
    /// How long a timeout or a delay lasts.
    #[serde(default = "a_minute")]
    pub delay_ms: u64,
}

/// Which requests a fault hits; what is absent matches everything.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultMatch {
    /// The HTTP method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path; `*` stands for one segment, at the end for any rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

fn once() -> u32 {
    1
}

fn a_minute() -> u64 {
    60_000
}

impl Fault {
    /// A fault for the next request of a method to a path.
    #[must_use]
    pub fn new(method: &str, path: &str, kind: FaultKind) -> Self {
        let matches = FaultMatch { method: Some(method.into()), path: Some(path.into()) };
        Self { id: String::new(), matches, kind, times: once(), skip: 0, delay_ms: a_minute() }
    }

    /// The same for more than one request.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// The same after letting some requests pass.
    #[must_use]
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// The same with another duration.
    #[must_use]
    pub fn delay_ms(mut self, delay_ms: u64) -> Self {
        self.delay_ms = delay_ms;
        self
    }

    fn hits(&self, method: &str, path: &str) -> bool {
        self.matches.method.as_deref().is_none_or(|m| m.eq_ignore_ascii_case(method))
            && self.matches.path.as_deref().is_none_or(|pattern| path_matches(pattern, path))
    }
}

fn path_matches(pattern: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    let mut patterns = pattern.split('/').peekable();
    while let Some(expected) = patterns.next() {
        let Some(segment) = segments.next() else { return false };
        if expected == "*" {
            if patterns.peek().is_none() {
                return true;
            }
        } else if expected != segment {
            return false;
        }
    }
    segments.next().is_none()
}

/// Adds a fault.
pub(crate) fn add(state: &mut State, mut fault: Fault) -> Fault {
    fault.id = ids::new("fault");
    let row = json!(fault);
    state.store.put(table::FAULTS, &fault.id, row);
    fault
}

/// The faults that still wait.
pub(crate) fn all(state: &State) -> Vec<Value> {
    state.store.rows(table::FAULTS).map(|(_, row)| row.clone()).collect()
}

/// Removes all faults.
pub(crate) fn clear(state: &mut State) {
    let ids: Vec<String> = state.store.rows(table::FAULTS).map(|(id, _)| id.to_owned()).collect();
    ids.iter().for_each(|id| state.store.remove(table::FAULTS, id));
}

/// The fault that hits this request, if any; it is used up by one.
pub(crate) fn take(state: &mut State, method: &str, path: &str) -> Option<Fault> {
    let waiting: Vec<Fault> =
        state.store.rows(table::FAULTS).filter_map(|(_, row)| serde_json::from_value(row.clone()).ok()).collect();
    for mut fault in waiting.into_iter().filter(|fault| fault.hits(method, path)) {
        if fault.skip > 0 {
            fault.skip -= 1;
            let row = json!(fault);
            state.store.put(table::FAULTS, &fault.id, row);
            continue;
        }
        if fault.times > 1 {
            fault.times -= 1;
            let row = json!(fault);
            state.store.put(table::FAULTS, &fault.id, row);
        } else {
            state.store.remove(table::FAULTS, &fault.id);
        }
        return Some(fault);
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::path_matches;

    #[test]
    fn stars_stand_for_segments() {
        assert!(path_matches("/v1/transfers", "/v1/transfers"));
        assert!(!path_matches("/v1/transfers", "/v1/transfers/tr_1"));
        assert!(path_matches("/v1/payment_intents/*/confirm", "/v1/payment_intents/pi_1/confirm"));
        assert!(!path_matches("/v1/payment_intents/*/confirm", "/v1/payment_intents/pi_1/cancel"));
        assert!(path_matches("/v1/*", "/v1/transfers/tr_1/reversals"));
    }
}

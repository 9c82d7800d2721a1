//! Everything the sandbox knows, and the few verbs that resource modules use on it.

use crate::config::Config;
use crate::protocol::ApiError;
use crate::world::deliveries::Webhooks;
use crate::world::store::Store;
use crate::world::{clock, table};
use serde_json::{Value, json};
use std::collections::HashSet;

/// The account whose secret key everybody uses.
pub(crate) const PLATFORM: &str = "acct_1SandboxPlatform";

/// Which request causes what happens now; events name it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    pub request: Option<String>,
    pub idempotency_key: Option<String>,
}

/// Everything the sandbox knows.
#[derive(Debug)]
pub(crate) struct State {
    pub store: Store,
    /// The sandbox's time; stands still while one request is served.
    pub now: i64,
    pub origin: Origin,
    /// Where browsers reach the sandbox.
    pub base_url: String,
    pub config: Config,
    pub webhooks: Webhooks,
    /// Idempotency keys of requests that are being worked on.
    pub busy_keys: HashSet<String>,
}

impl State {
    /// Takes over what the store holds.
    pub fn new(store: Store, config: Config) -> Self {
        let mut state = Self {
            store,
            now: 0,
            origin: Origin::default(),
            base_url: String::new(),
            webhooks: Webhooks::default(),
            busy_keys: HashSet::new(),
            config,
        };
        if state.store.get(table::META, "clock").is_none() {
            let offset = state.config.start_time.map_or(0, |start| start - clock::real_seconds());
            state.store.put(table::META, "clock", json!({ "offset": offset }));
        }
        state.webhooks.load(&state.store);
        state.now = state.time();
        state
    }

    fn offset(&self) -> i64 {
        self.store.get(table::META, "clock").and_then(|row| row["offset"].as_i64()).unwrap_or(0)
    }

    /// What the clock shows at this moment.
    pub fn time(&self) -> i64 {
        clock::real_seconds() + self.offset()
    }

    /// Moves the clock forward. What falls due by that happens at the next `due::enter`.
    pub fn wind(&mut self, seconds: i64) {
        let offset = self.offset() + seconds.max(0);
        self.store.put(table::META, "clock", json!({ "offset": offset }));
    }

    /// Stores a new object under its id, as belonging to an account.
    pub fn insert(&mut self, table: &str, account: &str, mut object: Value) -> Value {
        object["_account"] = json!(account);
        let id = object["id"].as_str().unwrap_or_default().to_owned();
        self.store.put(table, &id, object.clone());
        object
    }

    /// Stores a changed object.
    pub fn save(&mut self, table: &str, object: &Value) {
        let id = object["id"].as_str().unwrap_or_default().to_owned();
        self.store.put(table, &id, object.clone());
    }

    /// An object of an account.
    pub fn get(&self, table: &str, account: &str, id: &str) -> Option<Value> {
        self.store.get(table, id).filter(|object| object["_account"] == account).cloned()
    }

    /// An object of an account that a path names; 404 when there is none.
    pub fn fetch(&self, table: &str, account: &str, kind: &str, id: &str) -> Result<Value, ApiError> {
        self.get(table, account, id).ok_or_else(|| ApiError::missing(kind, id))
    }

    /// All objects of an account, newest first.
    pub fn of_account<'s>(&'s self, table: &str, account: &'s str) -> impl Iterator<Item = &'s Value> {
        self.store.rows(table).rev().map(|(_, object)| object).filter(move |object| object["_account"] == account)
    }

    /// An object as it is answered: without the sandbox's own notes (`_…`), and with what depends on the time.
    pub fn present(&self, value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut shown: serde_json::Map<String, Value> = map
                    .iter()
                    .filter(|(key, _)| !key.starts_with('_'))
                    .map(|(key, value)| (key.clone(), self.present(value)))
                    .collect();
                if shown.get("object").is_some_and(|o| o == "balance_transaction") {
                    let available = shown.get("available_on").and_then(Value::as_i64).is_some_and(|at| at <= self.now);
                    shown.insert("status".into(), json!(if available { "available" } else { "pending" }));
                }
                Value::Object(shown)
            }
            Value::Array(items) => items.iter().map(|item| self.present(item)).collect(),
            other => other.clone(),
        }
    }
}

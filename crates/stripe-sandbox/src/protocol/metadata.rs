//! Metadata as Stripe keeps it: merged key by key, an empty value removes a key, an empty whole removes all.

use serde_json::{Map, Value};

/// The metadata after a request that sent `change` (absent: unchanged; null: cleared).
pub(crate) fn merged(current: &Value, change: Option<&Value>) -> Value {
    let mut result = current.as_object().cloned().unwrap_or_default();
    match change {
        None => {}
        Some(Value::Object(change)) => {
            for (key, value) in change {
                if value.as_str() == Some("") {
                    result.remove(key);
                } else {
                    result.insert(key.clone(), value.clone());
                }
            }
        }
        Some(_) => result = Map::new(),
    }
    Value::Object(result)
}

//! What a handler sees of a request: whose it is, and its checked parameters.

use serde_json::{Map, Value};

/// What kind of key a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// `sk_test_…`.
    Secret,
    /// `pk_test_…`.
    Publishable,
}

/// What a handler sees of a request.
#[derive(Debug)]
pub(crate) struct Call {
    /// The platform, or the connected account of `Stripe-Account`.
    pub account: String,
    /// The kind of key.
    pub key: Key,
    /// The path asked for; lists repeat it.
    pub url: String,
    /// Checked parameters.
    pub params: Map<String, Value>,
    /// The variable segments of the path.
    pub captured: Vec<String>,
}

impl Call {
    /// The n-th variable segment of the path.
    pub fn path(&self, n: usize) -> &str {
        self.captured.get(n).map_or("", String::as_str)
    }

    /// A text parameter.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.params.get(name).and_then(Value::as_str)
    }

    /// A number parameter.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.params.get(name).and_then(Value::as_i64)
    }

    /// A yes-or-no parameter.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.params.get(name).and_then(Value::as_bool)
    }

    /// Any parameter; null when absent.
    pub fn any(&self, name: &str) -> Value {
        self.params.get(name).cloned().unwrap_or(Value::Null)
    }

    /// A call that the sandbox makes to itself.
    pub fn internal(account: &str, captured: &[&str], params: Value) -> Self {
        let params = match params {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        let captured = captured.iter().map(|s| (*s).to_owned()).collect();
        Self { account: account.to_owned(), key: Key::Secret, url: String::new(), params, captured }
    }
}

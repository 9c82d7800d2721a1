//! Errors in Stripe's shape: status, type, code, message, and what else the official libraries look at.

use serde_json::{Map, Value, json};

/// An answer that is not a success.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The content of `error`.
    pub error: Map<String, Value>,
    /// Whether an idempotency key remembers it. Stripe remembers what happened once an endpoint began to work, and forgets
    /// what it refused before: bad parameters, bad keys, too many requests.
    pub remembered: bool,
}

impl ApiError {
    fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        let mut error = Map::new();
        error.insert("type".into(), kind.into());
        error.insert("message".into(), message.into().into());
        Self { status, error, remembered: true }
    }

    /// A request that cannot be done as asked (400), found out while doing it.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    /// A request with a bad parameter (400), found out before doing anything.
    pub fn parameter(name: &str, message: impl Into<String>) -> Self {
        Self::invalid(message).param(name).forgotten()
    }

    /// A payment that the bank or the network refused (402).
    pub fn card(code: &str, message: impl Into<String>) -> Self {
        Self::new(402, "card_error", message).code(code)
    }

    /// An object in the path that does not exist (404).
    pub fn missing(kind: &str, id: &str) -> Self {
        let mut error = Self::invalid(format!("No such {kind}: '{id}'")).code("resource_missing").param("id");
        error.status = 404;
        error
    }

    /// An object named by a parameter that does not exist (400).
    pub fn missing_reference(kind: &str, id: &str, param: &str) -> Self {
        Self::invalid(format!("No such {kind}: '{id}'")).code("resource_missing").param(param)
    }

    /// An account that the key does not reach or that does not exist (403).
    pub fn account(id: &str) -> Self {
        let mut error = Self::invalid(format!(
            "The provided key does not have access to account '{id}' (or that account does not exist). Application access may have been revoked."
        ))
        .code("account_invalid");
        error.status = 403;
        error
    }

    /// A key that is missing or wrong (401).
    pub fn unauthorized(message: impl Into<String>) -> Self {
        let mut error = Self::invalid(message).forgotten();
        error.status = 401;
        error
    }

    /// A path that the sandbox does not know (404).
    pub fn unknown_route(method: &str, path: &str) -> Self {
        let mut error = Self::invalid(format!(
            "Unrecognized request URL ({method}: {path}). The sandbox speaks only the part of the API listed in crates/stripe-sandbox/src/http/routes.rs."
        ))
        .forgotten();
        error.status = 404;
        error
    }

    /// An idempotency key used for something else (400) or right now (409).
    pub fn idempotency(status: u16, code: Option<&str>, message: impl Into<String>) -> Self {
        let mut error = Self::new(status, "idempotency_error", message).forgotten();
        if let Some(code) = code {
            error = error.code(code);
        }
        error
    }

    /// Too many requests (429).
    pub fn rate_limited() -> Self {
        let mut error =
            Self::invalid("Too many requests hit the API too quickly. We recommend an exponential backoff of your requests.")
                .code("rate_limit")
                .forgotten();
        error.status = 429;
        error
    }

    /// Stripe's own fault (500).
    pub fn server(message: impl Into<String>) -> Self {
        Self::new(500, "api_error", message)
    }

    /// With a machine-readable code.
    pub fn code(self, code: &str) -> Self {
        self.with("code", json!(code))
            .with("doc_url", json!(format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-"))))
    }

    /// With the parameter that is to blame.
    pub fn param(self, name: &str) -> Self {
        self.with("param", json!(name))
    }

    /// With any other field.
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.error.insert(name.into(), value);
        self
    }

    /// Not remembered by an idempotency key.
    pub fn forgotten(mut self) -> Self {
        self.remembered = false;
        self
    }

    /// The body to answer.
    pub fn body(&self, request_id: &str) -> Value {
        let mut error = self.error.clone();
        error.insert("request_log_url".into(), json!(format!("https://dashboard.stripe.com/test/logs/{request_id}")));
        json!({ "error": error })
    }
}

//! A small HTTP client for the demo: what a front end would send.

use serde_json::Value;

/// Why the journey stopped.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The server was not reached.
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    /// The server answered something else than the journey expects.
    #[error("{method} {path} answered {status}, not {expected}: {body}")]
    Unexpected {
        /// Method.
        method: &'static str,
        /// Path.
        path: String,
        /// Status that came.
        status: u16,
        /// Status that was expected.
        expected: u16,
        /// Body that came.
        body: String,
    },
    /// Something that must hold does not.
    #[error("{0}")]
    Broken(String),
}

/// One signed-in party.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    /// Nobody yet, at the API of `base`.
    pub fn new(base: &str) -> Self {
        Self { http: reqwest::Client::new(), base: base.to_owned(), token: None }
    }

    /// The same client, signed in.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// GET, expecting 200.
    ///
    /// # Errors
    /// Another answer, or none.
    pub async fn get(&self, path: &str) -> Result<Value, DemoError> {
        self.send("GET", path, None, 200).await
    }

    /// POST with an idempotency key of its own.
    ///
    /// # Errors
    /// Another answer, or none.
    pub async fn post(&self, path: &str, body: Value, expected: u16) -> Result<Value, DemoError> {
        self.send("POST", path, Some(body), expected).await
    }

    /// Any request; a path is one of the API, a URL stands for itself.
    ///
    /// # Errors
    /// Another answer than `expected`, or none.
    pub async fn send(&self, method: &'static str, path: &str, body: Option<Value>, expected: u16) -> Result<Value, DemoError> {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let verb = reqwest::Method::from_bytes(method.as_bytes()).unwrap_or(reqwest::Method::GET);
        let mut request = self.http.request(verb, url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if method == "POST" {
            request = request.header("Idempotency-Key", uuid::Uuid::now_v7().to_string());
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        if status != expected {
            return Err(DemoError::Unexpected { method, path: path.to_owned(), status, expected, body: text });
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Confirms a payment intent at Stripe as the payer's browser does: with the client secret.
    ///
    /// # Errors
    /// A declined card, or no answer.
    pub async fn confirm_payment(&self, stripe: &str, id: &str, client_secret: &str, method: &str) -> Result<Value, DemoError> {
        let form = [("payment_method", method), ("client_secret", client_secret), ("return_url", "https://example.com/paid")];
        let body: String =
            form.iter().map(|(key, value)| format!("{key}={}&", value.replace('/', "%2F").replace(':', "%3A"))).collect();
        let path = format!("/v1/payment_intents/{id}/confirm");
        let response = self
            .http
            .post(format!("{stripe}{path}"))
            .bearer_auth("pk_test_sandbox")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        if status != 200 {
            return Err(DemoError::Unexpected { method: "POST", path, status, expected: 200, body: text });
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}

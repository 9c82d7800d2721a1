//! Where Stripe is and how patient to be.

use std::time::Duration;

use secrecy::SecretString;

/// Settings of the adapter.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://api.stripe.com`, or wherever the sandbox listens; plain http is allowed.
    pub api_base: String,
    /// `sk_…` or `rk_…`.
    pub secret_key: SecretString,
    /// How long one request may take.
    pub timeout: Duration,
    /// How often a request is repeated that surely or safely can be.
    pub retries: u32,
}

impl Settings {
    /// Stripe itself with `secret_key`: 10 s per request, 2 repetitions.
    #[must_use]
    pub fn new(secret_key: impl Into<SecretString>) -> Self {
        Self {
            api_base: "https://api.stripe.com".to_owned(),
            secret_key: secret_key.into(),
            timeout: Duration::from_secs(10),
            retries: 2,
        }
    }
}

/// Why the settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the Stripe settings cannot be used: {0}")]
pub struct SettingsError(pub(crate) String);

//! The Stripe sandbox of development and tests.

use secrecy::{ExposeSecret, SecretString};
use stripe_sandbox::{Config, Endpoint, EndpointKind, Sandbox};

use crate::config::Settings;

/// Starts the sandbox; it keeps its state in the data directory and delivers webhooks to `url`.
///
/// # Errors
/// If its address is taken or its state cannot be read.
pub async fn start_sandbox(settings: &Settings, url: &str, webhook_secret: &SecretString) -> anyhow::Result<Sandbox> {
    let endpoint = |kind| Endpoint { url: url.to_owned(), secret: webhook_secret.expose_secret().to_owned(), kind };
    let config = Config {
        address: settings.stripe.sandbox_address,
        webhook_endpoints: vec![endpoint(EndpointKind::Platform), endpoint(EndpointKind::Connect)],
        state_file: Some(settings.data_dir.join("stripe-sandbox.json")),
        ..Config::default()
    };
    Ok(Sandbox::start(config).await?)
}

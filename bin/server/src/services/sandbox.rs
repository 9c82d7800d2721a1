//! The Stripe sandbox of development and tests.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use stripe_sandbox::{Config, Endpoint, EndpointKind, Sandbox};

use crate::config::Settings;
use crate::{data_dir, secrets};

/// Where a server tells where its sandbox is.
const WHERE: &str = "stripe-sandbox.url";

/// The sandbox's state, by a path that is the same for everybody who means this data directory.
fn state_file(settings: &Settings) -> anyhow::Result<PathBuf> {
    let data_dir = std::fs::canonicalize(&settings.data_dir)
        .with_context(|| format!("cannot find the data directory {}", settings.data_dir.display()))?;
    Ok(data_dir.join("stripe-sandbox.json"))
}

/// Starts the sandbox; it keeps its state in the data directory and delivers webhooks to `url`.
///
/// # Errors
/// If its address is taken or its state cannot be read.
pub async fn start_sandbox(settings: &Settings, url: &str, webhook_secret: &SecretString) -> anyhow::Result<Sandbox> {
    let endpoint = |kind| Endpoint { url: url.to_owned(), secret: webhook_secret.expose_secret().to_owned(), kind };
    let config = Config {
        address: settings.stripe.sandbox_address,
        webhook_endpoints: vec![endpoint(EndpointKind::Platform), endpoint(EndpointKind::Connect)],
        state_file: Some(state_file(settings)?),
        ..Config::default()
    };
    let sandbox = Sandbox::start(config).await?;
    secrets::write(&settings.data_dir, WHERE, &sandbox.base_url())?;
    Ok(sandbox)
}

/// Starts the sandbox over the state that servers left, for a command: at any free address, and without telling anybody.
///
/// # Errors
/// If its state cannot be read.
pub async fn reopen_sandbox(settings: &Settings) -> anyhow::Result<Sandbox> {
    Ok(Sandbox::start(Config { state_file: Some(state_file(settings)?), ..Config::default() }).await?)
}

/// Takes back where the sandbox of a server was, which has stopped.
pub fn forget_sandbox(data_dir: &Path, base: &str) {
    data_dir::forget(data_dir, WHERE, base);
}

/// Where the sandbox of this data directory answers, if a server runs one. Another's may have got its address meanwhile.
pub async fn running_sandbox(settings: &Settings) -> Option<String> {
    let base = std::fs::read_to_string(settings.data_dir.join(WHERE)).ok()?.trim().to_owned();
    let state = state_file(settings).ok()?;
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().ok()?;
    let about: serde_json::Value = client.get(format!("{base}/_sandbox")).send().await.ok()?.json().await.ok()?;
    (about["stateFile"] == state.display().to_string().as_str()).then_some(base)
}

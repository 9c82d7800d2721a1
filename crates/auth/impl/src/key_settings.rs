//! `[api_keys]`: what a deployment decides about API keys.

use std::time::Duration;

use module::Reader;

/// What a deployment decides about API keys.
#[derive(Debug, Clone)]
pub struct KeySettings {
    /// How long a key lives at most.
    pub lifetime: Duration,
    /// How many keys of an organisation work at a time.
    pub per_organization: u32,
    /// Whether keys open what moves real money: they begin accordingly.
    pub live: bool,
    /// Where the public keys are with which reports of leaked keys are signed; `None`: no report is taken.
    pub leak_reporter_url: Option<String>,
}

/// More than anybody can look through.
const MOST_KEYS: u32 = 1000;

impl KeySettings {
    /// As configured. Whether money is real the server says.
    pub fn read(r: &mut Reader) -> Self {
        let lifetime = r.duration_within("api_keys.lifetime", "1h", "1000d");
        let per_organization = r.number("api_keys.per_organization", "100");
        if !(1..=MOST_KEYS).contains(&per_organization) && !r.has_fault("api_keys.per_organization") {
            r.fault("api_keys.per_organization", format!("must be 1 to {MOST_KEYS}"));
        }
        let url = r.text("api_keys.leak_reporter_url");
        let local = ["http://127.0.0.1:", "http://localhost:"].iter().any(|start| url.starts_with(start));
        if !(url.is_empty() || url.starts_with("https://") || (local && !r.production())) {
            r.fault(
                "api_keys.leak_reporter_url",
                "must begin with https://, or be empty: then no report of a leaked key is taken",
            );
        }
        let leak_reporter_url = Some(url).filter(|url| !url.is_empty());
        Self { lifetime, per_organization, leak_reporter_url, ..Self::default() }
    }
}

impl Default for KeySettings {
    fn default() -> Self {
        Self { lifetime: Duration::from_secs(400 * 24 * 3600), per_organization: 100, live: false, leak_reporter_url: None }
    }
}

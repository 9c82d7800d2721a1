//! `[identity_providers]`: by which providers somebody may sign in elsewhere. None is on unless it is told how this server is known there.

use std::time::Duration;

use kernel::text;
use module::Reader;
use secrecy::{ExposeSecret, SecretString};

/// The section of all of them.
const SECTION: &str = "identity_providers";
/// How the ones that we know are spoken to.
const GITHUB: &str = "github";

/// A provider of a deployment.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// How paths and settings name it.
    pub key: String,
    /// How people call it.
    pub name: String,
    /// What it knows this server by.
    pub client_id: String,
    /// By what this server proves that.
    pub client_secret: SecretString,
    /// How it is spoken to.
    pub kind: ProviderKind,
    /// How long one request may take.
    pub timeout: Duration,
}

/// How a provider is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderKind {
    /// OpenID Connect, by the issuer's name.
    OpenId(String),
    /// GitHub: where people sign in, and where it is asked.
    GitHub(String, String),
}

impl ProviderSettings {
    /// Those that are on, in the order of their keys.
    pub fn read(r: &mut Reader) -> Vec<Self> {
        let timeout = r.duration_within(&format!("{SECTION}.timeout"), "100ms", "60s");
        let keys = r.sections(SECTION);
        keys.into_iter().filter_map(|key| Self::of(r, key, timeout)).collect()
    }

    fn of(r: &mut Reader, key: String, timeout: Duration) -> Option<Self> {
        let setting = |name: &str| format!("{SECTION}.{key}.{name}");
        let (id, secret) = (setting("client_id"), setting("client_secret"));
        let client_id = r.text(&id).trim().to_owned();
        let client_secret = r.secret(&secret);
        if client_id.is_empty() {
            if !client_secret.expose_secret().is_empty() {
                r.fault(&id, "is needed together with client_secret: without it this provider is off");
            }
            return None;
        }
        if client_secret.expose_secret().trim().is_empty() {
            r.fault(&secret, "is needed together with client_id: this server proves by it who it is");
        }
        let name = setting("name");
        if let Err(flaw) = text::line(&r.text(&name), 50) {
            r.fault(&name, format!("{flaw}: it is what people call the provider"));
        }
        let kind = if key == GITHUB {
            let (base, api_base) = (setting("base"), setting("api_base"));
            for address in [&base, &api_base] {
                check_address(r, address);
            }
            ProviderKind::GitHub(r.text(&base), r.text(&api_base))
        } else {
            let issuer = setting("issuer");
            check_address(r, &issuer);
            ProviderKind::OpenId(r.text(&issuer))
        };
        let name = r.text(&name).trim().to_owned();
        Some(Self { key, name, client_id, client_secret, kind, timeout })
    }
}

/// What is said there opens accounts: nobody on the way may say it in the provider's place.
fn check_address(r: &mut Reader, key: &str) {
    let text = r.text(key);
    let local = ["http://127.0.0.1:", "http://localhost:"].iter().any(|start| text.starts_with(start));
    let host = text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains(['?', '#', '@']);
    if !(plain && (host || (local && !r.production()))) {
        r.fault(
            key,
            "must be a plain URL that begins with https://, as the provider names itself: no query, no name or password in it",
        );
    }
}

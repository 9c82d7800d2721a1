//! Settings of the adapter.

use std::time::Duration;

use secrecy::SecretString;

/// What the identity providers are, and how they are asked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Under which browsers reach this server: they are sent back below it.
    pub public_url: String,
    /// How long one request may take.
    pub timeout: Duration,
    /// The providers, in the order in which people see them.
    pub providers: Vec<ProviderSettings>,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// How paths name it.
    pub key: String,
    /// How people call it.
    pub name: String,
    /// What it knows this server by.
    pub client_id: String,
    /// By what this server proves that.
    pub client_secret: SecretString,
    /// How it is spoken to.
    pub kind: Kind,
}

/// How a provider is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// OpenID Connect.
    OpenId {
        /// The issuer, as it names itself; plain http is allowed.
        issuer: String,
    },
    /// GitHub, or a GitHub Enterprise Server.
    GitHub {
        /// Where people sign in: `https://github.com`.
        base: String,
        /// Where it is asked: `https://api.github.com`.
        api_base: String,
    },
}

/// Why the settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the settings of the identity provider {0} cannot be used: an address is no URL")]
pub struct SettingsError(pub(crate) String);

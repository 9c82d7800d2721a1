//! The settings, typed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use module::{Reader, Values};
use secrecy::SecretString;

/// What may be embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Everything that is not configured runs inside.
    Development,
    /// Nothing does.
    Production,
}

/// What the settings are read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Serving, or a command that reaches what servers do: all that the profile needs must be given.
    Everything,
    /// `build14 migrate`: the owner's URL is enough.
    Migrating,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For machines.
    Json,
}

/// What the server itself is told, and all settings for the domains, which read their own; see config/default.toml for what each one means.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Settings {
    pub profile: Profile,
    pub data_dir: PathBuf,
    pub server: Server,
    pub metrics: Metrics,
    pub log_format: LogFormat,
    pub log_filter: String,
    pub database: Database,
    pub jobs: Jobs,
    pub secure_cookie: bool,
    pub tenders: Tenders,
    pub audit: Audit,
    pub stripe: Stripe,
    pub rate_limits: RateLimits,
    pub(super) values: Values,
}

/// `[server]`
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Server {
    pub address: SocketAddr,
    pub workers: usize,
    pub public_url: String,
    pub allowed_origins: Vec<String>,
    pub trusted_proxies: Vec<web::Network>,
    pub client_ip_header: web::ClientIpHeader,
    pub max_body_bytes: usize,
    pub head_timeout: Duration,
    pub body_idle_timeout: Duration,
    pub body_timeout: Duration,
    pub write_timeout: Duration,
    pub keep_alive: Duration,
    pub max_connections: usize,
    pub connections_per_address: usize,
    pub shutdown_timeout: Duration,
    pub drain_period: Duration,
    pub docs: bool,
}

/// `[metrics]`
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Metrics {
    pub enabled: bool,
    pub address: SocketAddr,
}

/// `[database]`
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Database {
    pub url: Option<SecretString>,
    pub system_url: Option<SecretString>,
    pub owner_url: Option<SecretString>,
    pub pool_size: usize,
    pub wait: Duration,
    pub statement_timeout: Duration,
    pub lock_timeout: Duration,
}

/// `[jobs]`
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Jobs {
    pub in_process: bool,
    pub concurrency: usize,
}

/// `[tenders]`: the keys, which development makes for itself.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Tenders {
    pub seal_key: Option<SecretString>,
    pub previous_seal_keys: Vec<SecretString>,
}

/// `[audit]`: the keys, which development makes for itself.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Audit {
    pub signing_key: Option<SecretString>,
    pub previous_public_keys: Vec<String>,
}

/// `[stripe]`
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Stripe {
    pub api_base: Option<String>,
    pub secret_key: SecretString,
    /// Whether the key moves real money.
    pub livemode: bool,
    pub allow_test_key: bool,
    pub webhook_secrets: Vec<SecretString>,
    pub timeout: Duration,
    pub sandbox_address: SocketAddr,
}

/// `[rate_limits]`, per minute
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct RateLimits {
    pub enabled: bool,
    pub per_address: u32,
    pub per_user: u32,
    pub per_organization: u32,
    pub sign_in_per_address: u32,
}

impl Settings {
    /// Every setting, for whoever reads its own. No fault is left in them.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(self.values.clone(), self.profile == Profile::Production)
    }

    /// How many threads serve requests.
    #[must_use]
    pub fn workers(&self) -> usize {
        match self.server.workers {
            0 => std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            workers => workers,
        }
    }
}

//! The settings, typed, and what must hold among them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::Faults;
use super::reader::Reader;

/// What may be embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Everything that is not configured runs inside.
    Development,
    /// Nothing does.
    Production,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For machines.
    Json,
}

/// All settings; see config/default.toml for what each one means.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Settings {
    pub profile: Profile,
    pub data_dir: PathBuf,
    pub server: Server,
    pub metrics_address: SocketAddr,
    pub log_format: LogFormat,
    pub log_filter: String,
    pub database: Database,
    pub jobs: Jobs,
    pub session_lifetime: Duration,
    pub secure_cookie: bool,
    pub tenders: Tenders,
    pub stripe: Stripe,
    pub escrow: Escrow,
    pub rate_limits: RateLimits,
}

/// `[server]`
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Server {
    pub address: SocketAddr,
    pub workers: usize,
    pub public_url: String,
    pub allowed_origins: Vec<String>,
    pub trusted_proxies: Vec<String>,
    pub max_body_bytes: usize,
    pub shutdown_timeout: Duration,
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

/// `[tenders]`
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Tenders {
    pub minimum_submission_period: Duration,
    pub standstill: Duration,
    pub seal_key: Option<SecretString>,
}

/// `[stripe]`
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Stripe {
    pub api_base: Option<String>,
    pub secret_key: SecretString,
    pub webhook_secrets: Vec<SecretString>,
    pub timeout: Duration,
    pub sandbox_address: SocketAddr,
}

/// `[escrow]`
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Escrow {
    pub fee_basis_points: u32,
    pub processing_basis_points: u32,
    pub processing_fixed_minor: u32,
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
    /// How many threads serve requests.
    #[must_use]
    pub fn workers(&self) -> usize {
        match self.server.workers {
            0 => std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            workers => workers,
        }
    }
}

fn some(secret: SecretString) -> Option<SecretString> {
    (!secret.expose_secret().is_empty()).then_some(secret)
}

impl Reader {
    pub(super) fn settings(mut self, profile: Profile) -> Result<Settings, Faults> {
        let r = &mut self;
        let log_format = match r.text("log.format").as_str() {
            "pretty" => LogFormat::Pretty,
            "json" => LogFormat::Json,
            other => {
                r.fault("log.format", format!("{other:?} should be pretty or json"));
                LogFormat::Json
            }
        };
        let settings = Settings {
            profile,
            data_dir: PathBuf::from(r.text("data_dir")),
            server: Server {
                address: r.address("server.address"),
                workers: r.parsed("server.workers", "4, or 0 for one per core"),
                public_url: r.text("server.public_url"),
                allowed_origins: r.list("server.allowed_origins"),
                trusted_proxies: r.list("server.trusted_proxies"),
                max_body_bytes: r.parsed("server.max_body_bytes", "1048576"),
                shutdown_timeout: r.duration("server.shutdown_timeout"),
            },
            metrics_address: r.address("metrics.address"),
            log_format,
            log_filter: r.text("log.filter"),
            database: Database {
                url: some(r.secret("database.url")),
                system_url: some(r.secret("database.system_url")),
                owner_url: some(r.secret("database.owner_url")),
                pool_size: r.parsed("database.pool_size", "6"),
                wait: r.duration("database.wait"),
                statement_timeout: r.duration("database.statement_timeout"),
                lock_timeout: r.duration("database.lock_timeout"),
            },
            jobs: Jobs { in_process: r.parsed("jobs.in_process", "true"), concurrency: r.parsed("jobs.concurrency", "4") },
            session_lifetime: r.duration("sessions.lifetime"),
            secure_cookie: r.parsed("sessions.secure_cookie", "true"),
            tenders: Tenders {
                minimum_submission_period: r.duration("tenders.minimum_submission_period"),
                standstill: r.duration("tenders.standstill"),
                seal_key: some(r.secret("tenders.seal_key")),
            },
            stripe: Stripe {
                api_base: Some(r.text("stripe.api_base")).filter(|base| !base.is_empty()),
                secret_key: r.secret("stripe.secret_key"),
                webhook_secrets: r.list("stripe.webhook_secret").into_iter().map(SecretString::from).collect(),
                timeout: r.duration("stripe.timeout"),
                sandbox_address: r.address("stripe.sandbox.address"),
            },
            escrow: Escrow {
                fee_basis_points: r.parsed("escrow.fee_basis_points", "250"),
                processing_basis_points: r.parsed("escrow.processing_basis_points", "290"),
                processing_fixed_minor: r.parsed("escrow.processing_fixed_minor", "30"),
            },
            rate_limits: RateLimits {
                enabled: r.parsed("rate_limits.enabled", "true"),
                per_address: r.parsed("rate_limits.per_address", "1200"),
                per_user: r.parsed("rate_limits.per_user", "1200"),
                per_organization: r.parsed("rate_limits.per_organization", "6000"),
                sign_in_per_address: r.parsed("rate_limits.sign_in_per_address", "30"),
            },
        };
        r.check(&settings);
        self.finish(settings)
    }

    /// What must hold among settings.
    fn check(&mut self, s: &Settings) {
        if s.database.pool_size == 0 {
            self.fault("database.pool_size", "at least 1 connection is needed");
        }
        if s.jobs.concurrency == 0 {
            self.fault("jobs.concurrency", "at least 1 job must be able to run");
        }
        if s.database.wait.is_zero() {
            self.fault("database.wait", "a request must be able to wait a moment for a connection, such as 2s");
        }
        for key in ["escrow.fee_basis_points", "escrow.processing_basis_points"] {
            if self.text(key).parse::<u32>().is_ok_and(|points| points >= 10_000) {
                self.fault(key, "must be below 10000 (100 %)");
            }
        }
        if s.stripe.api_base.is_some() {
            for key in ["stripe.secret_key", "stripe.webhook_secret"] {
                if self.text(key).is_empty() {
                    self.fault(key, "is needed together with stripe.api_base");
                }
            }
        }
        if s.profile == Profile::Production {
            for key in ["database.url", "database.system_url", "stripe.api_base", "tenders.seal_key"] {
                if self.text(key).is_empty() {
                    self.fault(key, "must be given in production: nothing is embedded there");
                }
            }
            if !s.secure_cookie {
                self.fault("sessions.secure_cookie", "must be true in production");
            }
        }
    }
}

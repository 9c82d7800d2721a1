//! Reads the settings, and checks what must hold for single ones and among them.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use module::{Faults, Reader, Values};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::config::{Host, SslMode};
use tracing_subscriber::EnvFilter;

use super::sanity;
use super::settings::{
    Audit, Database, Jobs, LogFormat, Metrics, Profile, Purpose, RateLimits, Server, Settings, Stripe, Tenders,
};
use crate::modules;

/// Whether a secret key, plain or restricted, moves real money. Only Stripe itself insists on keys that say so.
fn livemode(api_base: &str, key: &str) -> Result<bool, &'static str> {
    let begins = |prefixes: [&str; 2]| prefixes.iter().any(|prefix| key.starts_with(prefix));
    let is_stripe = reqwest::Url::parse(api_base).is_ok_and(|url| url.host_str() == Some("api.stripe.com"));
    if begins(["sk_live_", "rk_live_"]) {
        Ok(true)
    } else if begins(["sk_test_", "rk_test_"]) || !is_stripe {
        Ok(false)
    } else {
        Err("should begin with sk_live_ or rk_live_ for real money, sk_test_ or rk_test_ for tests")
    }
}

/// Whether somebody between could read what is said to this host.
fn is_remote(config: &tokio_postgres::Config) -> bool {
    let named = config.get_hosts().iter().any(|host| match host {
        Host::Tcp(name) => name != "localhost" && !name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        Host::Unix(_) => false,
    });
    named || config.get_hostaddrs().iter().any(|address| !address.is_loopback())
}

fn some(secret: SecretString) -> Option<SecretString> {
    (!secret.expose_secret().is_empty()).then_some(secret)
}

/// Reads and checks them all, those of the domains too.
pub(super) fn read(values: Values, profile: Profile, purpose: Purpose) -> Result<Settings, Faults> {
    let mut reader = Reader::new(values.clone(), profile == Profile::Production);
    let r = &mut reader;
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
            workers: r.number("server.workers", "4, or 0 for one per core"),
            public_url: r.text("server.public_url"),
            allowed_origins: r.list("server.allowed_origins"),
            trusted_proxies: r.parsed_list("server.trusted_proxies"),
            client_ip_header: r.parsed("server.client_ip_header", "x-forwarded-for, or forwarded"),
            max_body_bytes: r.number("server.max_body_bytes", "1048576"),
            head_timeout: r.duration("server.head_timeout"),
            body_idle_timeout: r.duration("server.body_idle_timeout"),
            body_timeout: r.duration("server.body_timeout"),
            write_timeout: r.duration("server.write_timeout"),
            keep_alive: r.duration("server.keep_alive"),
            max_connections: r.number("server.max_connections", "10000"),
            connections_per_address: r.number("server.connections_per_address", "256"),
            shutdown_timeout: r.duration("server.shutdown_timeout"),
            drain_period: r.duration("server.drain_period"),
            docs: r.flag("server.docs"),
        },
        metrics: Metrics { enabled: r.flag("metrics.enabled"), address: r.address("metrics.address") },
        log_format,
        log_filter: r.text("log.filter"),
        database: Database {
            url: some(r.secret("database.url")),
            system_url: some(r.secret("database.system_url")),
            owner_url: some(r.secret("database.owner_url")),
            pool_size: r.number("database.pool_size", "6"),
            wait: r.duration("database.wait"),
            statement_timeout: r.duration("database.statement_timeout"),
            lock_timeout: r.duration("database.lock_timeout"),
        },
        jobs: Jobs { in_process: r.flag("jobs.in_process"), concurrency: r.number("jobs.concurrency", "4") },
        secure_cookie: r.flag("sessions.secure_cookie"),
        tenders: Tenders {
            seal_key: some(r.secret("tenders.seal_key")),
            previous_seal_keys: r.list("tenders.previous_seal_keys").into_iter().map(SecretString::from).collect(),
        },
        audit: Audit {
            signing_key: some(r.secret("audit.signing_key")),
            previous_public_keys: r.list("audit.previous_public_keys"),
        },
        stripe: Stripe {
            api_base: Some(r.text("stripe.api_base")).filter(|base| !base.is_empty()),
            secret_key: r.secret("stripe.secret_key"),
            livemode: is_live(r),
            allow_test_key: r.flag("stripe.allow_test_key"),
            webhook_secrets: r.list("stripe.webhook_secret").into_iter().map(SecretString::from).collect(),
            timeout: r.duration("stripe.timeout"),
            sandbox_address: r.address("stripe.sandbox.address"),
        },
        rate_limits: RateLimits {
            enabled: r.flag("rate_limits.enabled"),
            per_address: r.number("rate_limits.per_address", "1200"),
            per_user: r.number("rate_limits.per_user", "1200"),
            per_organization: r.number("rate_limits.per_organization", "6000"),
            sign_in_per_address: r.number("rate_limits.sign_in_per_address", "300"),
        },
        values,
    };
    check(r, &settings, purpose);
    for module in modules::all() {
        (module.settings)(r);
    }
    reader.finish(settings)
}

/// Whether `stripe.secret_key` moves real money.
fn is_live(r: &mut Reader) -> bool {
    let (api_base, key) = (r.text("stripe.api_base"), r.text("stripe.secret_key"));
    if api_base.is_empty() || key.is_empty() {
        return false;
    }
    livemode(&api_base, &key).unwrap_or_else(|fault| {
        r.fault("stripe.secret_key", fault);
        false
    })
}

/// Passes if the text is empty, or a URL that a browser would take.
fn check_web_url(r: &mut Reader, key: &str) {
    let text = r.text(key);
    if text.contains('@') {
        return r.fault(key, sanity::NO_PASSWORD);
    }
    let sound = reqwest::Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !text.is_empty() && !sound {
        r.fault(key, format!("{text:?} should be a URL, like https://api.example.com"));
    }
}

fn check_database_url(r: &mut Reader, key: &str, profile: Profile) {
    let text = r.text(key);
    if text.is_empty() {
        return;
    }
    // What follows the first one would be taken for the host, and told when nobody is found there.
    if text.contains("://") && text.split('?').next().is_some_and(|place| place.matches('@').count() > 1) {
        return r.fault(key, "has a second @: within a password it is written %40");
    }
    match text.parse::<tokio_postgres::Config>() {
            // The error names an option at most, never its value.
            Err(error) => r.fault(
                key,
                format!("should be a libpq URL ({error}); sslmode is disable or require, which verifies the certificate as verify-full does"),
            ),
            Ok(config) if profile == Profile::Production && is_remote(&config) && config.get_ssl_mode() == SslMode::Prefer => r.fault(
                key,
                "must say what protects the way to another host: sslmode=require for TLS (PGSSLROOTCERT names a file of further \
                 authorities), or sslmode=disable if the network does",
            ),
            Ok(_) => {}
        }
}

/// The URLs that are needed together. One that is given and not used would let a command work on another database than was meant.
fn check_databases(r: &mut Reader, s: &Settings, purpose: Purpose) {
    let database = &s.database;
    if database.url.is_some() {
        return;
    }
    let production = s.profile == Profile::Production;
    match purpose {
        Purpose::Migrating if database.owner_url.is_some() => {}
        Purpose::Migrating if production || database.system_url.is_some() => r.fault(
            "database.owner_url",
            "must be given: `build14 migrate` needs a URL of build14_owner or of a superuser, and nothing else",
        ),
        Purpose::Everything if !production && (database.owner_url.is_some() || database.system_url.is_some()) => r.fault(
            "database.url",
            "must be given together with database.system_url and database.owner_url; the owner's URL alone serves `build14 migrate` only",
        ),
        _ => {}
    }
}

/// What development makes or plays itself, and production is given.
const NOTHING_EMBEDDED: [&str; 7] = [
    "database.url",
    "database.system_url",
    "stripe.api_base",
    "stripe.secret_key",
    "stripe.webhook_secret",
    "tenders.seal_key",
    "audit.signing_key",
];

/// The address and the keys of Stripe are given together. Keys alone would be ignored, and money that was meant to be real would be the sandbox's.
fn check_stripe_is_whole(r: &mut Reader, s: &Settings, purpose: Purpose) {
    let keys = ["stripe.secret_key", "stripe.webhook_secret"];
    match (&s.stripe.api_base, s.profile, purpose) {
        // There each that is missing is told as such.
        (_, Profile::Production, Purpose::Everything) => {}
        (Some(_), ..) => {
            for key in keys {
                if r.text(key).is_empty() {
                    r.fault(key, "is needed together with stripe.api_base");
                }
            }
        }
        (None, Profile::Development, Purpose::Everything) => {
            for key in keys {
                if !r.text(key).is_empty() {
                    r.fault(
                        key,
                        "would not be used: without stripe.api_base (https://api.stripe.com) the sandbox plays Stripe. Give both, or neither",
                    );
                }
            }
        }
        (None, ..) => {}
    }
}

/// How long clients are waited for: somewhat, and not for ever.
fn check_patience(r: &mut Reader, server: &Server) {
    let sane = Duration::from_secs(1)..=Duration::from_secs(3600);
    for (key, value) in [
        ("server.head_timeout", server.head_timeout),
        ("server.body_idle_timeout", server.body_idle_timeout),
        ("server.body_timeout", server.body_timeout),
        ("server.write_timeout", server.write_timeout),
        ("server.keep_alive", server.keep_alive),
    ] {
        if !sane.contains(&value) {
            r.fault(key, "must be at least 1s and at most 1h: who is waited for for ever takes the server down");
        }
    }
    if server.body_timeout < server.body_idle_timeout {
        r.fault("server.body_timeout", "must be at least server.body_idle_timeout");
    }
    if server.max_connections == 0 {
        r.fault("server.max_connections", "at least 1 client must be able to connect");
    }
    if server.connections_per_address == 0 {
        r.fault("server.connections_per_address", "at least 1 connection must be possible");
    }
}

/// What must hold for single settings and among them.
fn check(r: &mut Reader, s: &Settings, purpose: Purpose) {
    sanity::check(r, s);
    if s.database.pool_size == 0 {
        r.fault("database.pool_size", "at least 1 connection is needed");
    }
    if s.jobs.concurrency == 0 {
        r.fault("jobs.concurrency", "at least 1 job must be able to run");
    }
    check_patience(r, &s.server);
    for key in ["server.public_url", "stripe.api_base"] {
        check_web_url(r, key);
    }
    for key in ["database.url", "database.system_url", "database.owner_url"] {
        check_database_url(r, key, s.profile);
    }
    check_databases(r, s, purpose);
    let is_key = |key: &SecretString| STANDARD.decode(key.expose_secret().trim()).map(|bytes| bytes.len()) == Ok(32);
    if !s.tenders.seal_key.iter().all(is_key) {
        r.fault("tenders.seal_key", "must be 32 bytes, base64: `openssl rand -base64 32`");
    }
    if !s.tenders.previous_seal_keys.iter().all(is_key) {
        r.fault("tenders.previous_seal_keys", "each must be 32 bytes, base64, as tenders.seal_key was");
    }
    if !s.audit.signing_key.iter().all(is_key) {
        r.fault("audit.signing_key", "must be 32 bytes, base64: `openssl rand -base64 32`");
    }
    if !s.audit.previous_public_keys.iter().all(|key| hex::decode(key).is_ok_and(|bytes| bytes.len() == 32)) {
        r.fault("audit.previous_public_keys", "each must be 64 hexadecimal digits, as GET /api/audit/keys shows them");
    }
    if let Err(error) = EnvFilter::try_new(&s.log_filter) {
        r.fault("log.filter", format!("{:?} should be like info,graphile_worker=warn: {error}", s.log_filter));
    }
    check_stripe_is_whole(r, s, purpose);
    if s.profile == Profile::Production && purpose == Purpose::Everything {
        for key in NOTHING_EMBEDDED {
            if r.text(key).is_empty() {
                r.fault(key, "must be given in production: nothing is embedded there");
            }
        }
        if r.text("mail.transport") == "outbox" && !r.flag("mail.allow_outbox") {
            r.fault(
                "mail.transport",
                "must be smtp or resend in production: with outbox nobody gets a mail. mail.allow_outbox = true if that is meant",
            );
        }
        if s.server.public_url.is_empty() {
            r.fault("server.public_url", "must be given in production: the payment provider sends people back there");
        }
        if !s.secure_cookie {
            r.fault("sessions.secure_cookie", "must be true in production");
        }
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;

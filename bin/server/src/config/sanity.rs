//! Values that are well formed and would yet leave the system open, or keep it from working: each is refused with what to do.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use module::Reader;
use secrecy::{ExposeSecret, SecretString};

use super::settings::{Profile, Settings};

/// Of a URL that is shown and sent. What it is is not told: it would be the password.
pub(super) const NO_PASSWORD: &str = "must have no name or password in it";

/// Of 32 random bytes fewer than this are different once in 10²² keys.
const DIFFERENT_BYTES: usize = 8;
/// Stripe's secrets have 24 characters and more after their prefix.
const SECRET_CHARACTERS: usize = 16;

/// Reports every such value at once.
pub(super) fn check(r: &mut Reader, s: &Settings) {
    let production = s.profile == Profile::Production;
    check_durations(r);
    check_counts(r, s);
    check_browsers_and_proxies(r, s, production);
    check_seal_keys(r, s);
    if r.text("data_dir").trim().is_empty() {
        r.fault("data_dir", "must name a directory, such as .build14");
    } else if s.data_dir.exists() && !s.data_dir.is_dir() {
        r.fault("data_dir", format!("{} is a file: it must name a directory, such as .build14", s.data_dir.display()));
    }
    if production {
        check_urls(r);
        check_stripe(r, s);
        let (app, system) = (r.text("database.url"), r.text("database.system_url"));
        if !app.is_empty() && app == system {
            r.fault(
                "database.system_url",
                "is the same as database.url, but the platform's role must not serve tenants: one URL of build14_app, one of \
                     build14_system",
            );
        }
    }
}

fn check_durations(r: &mut Reader) {
    for (key, least, most) in [
        ("database.wait", "1ms", "1h"),
        // PostgreSQL counts milliseconds, and takes none as 'for ever'.
        ("database.statement_timeout", "1ms", "1h"),
        ("database.lock_timeout", "1ms", "1h"),
        ("stripe.timeout", "1ms", "5m"),
        ("server.shutdown_timeout", "1s", "1h"),
        ("server.drain_period", "0s", "1h"),
    ] {
        if !r.has_fault(key) {
            r.duration_within(key, least, most);
        }
    }
}

fn check_counts(r: &mut Reader, s: &Settings) {
    let limits = [
        ("rate_limits.per_address", s.rate_limits.per_address),
        ("rate_limits.per_user", s.rate_limits.per_user),
        ("rate_limits.per_organization", s.rate_limits.per_organization),
        ("rate_limits.sign_in_per_address", s.rate_limits.sign_in_per_address),
    ];
    for (key, _) in limits.into_iter().filter(|(_, limit)| *limit == 0) {
        if r.text(key).parse() == Ok(0) {
            r.fault(key, "must be at least 1; to switch every limit of requests off, set rate_limits.enabled to false");
        }
    }
    let most = [("server.workers", s.server.workers, 1024), ("database.pool_size", s.database.pool_size, 1000)];
    for (key, _, most) in most.into_iter().filter(|(_, value, most)| value > most) {
        r.fault(key, format!("must be at most {most}"));
    }
    let bytes = s.server.max_body_bytes;
    if r.text("server.max_body_bytes").parse::<usize>().is_ok() && !(1024..=64 << 20).contains(&bytes) {
        r.fault("server.max_body_bytes", "must be from 1024 to 67108864 (64 MiB): a body is held in memory");
    }
}

fn check_browsers_and_proxies(r: &mut Reader, s: &Settings, production: bool) {
    for origin in &s.server.allowed_origins {
        if origin.contains('@') {
            r.fault("server.allowed_origins", NO_PASSWORD);
            continue;
        }
        let url = reqwest::Url::parse(origin).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let fault = match (origin.as_str(), url) {
            ("*" | "null", _) => "would let every page act in the name of whoever is signed in; name each origin",
            (_, Some(url)) if url.origin().ascii_serialization() != *origin => {
                "is no origin as a browser sends it: scheme, host and port alone, such as https://app.example.com"
            }
            (_, Some(url)) if production && url.scheme() == "http" => {
                "must begin with https:// in production: anybody on the way could act through it"
            }
            (_, Some(_)) => continue,
            (_, None) => "is no origin, such as https://app.example.com",
        };
        r.fault("server.allowed_origins", format!("{origin:?} {fault}"));
    }
    for network in r.list("server.trusted_proxies") {
        let Some((address, length)) = network.split_once('/') else { continue };
        let (Ok(address), Ok(length)) = (address.parse::<std::net::IpAddr>(), length.parse::<u32>()) else { continue };
        let least = if address.is_ipv4() { 8 } else { 16 };
        let mapped = matches!(address, std::net::IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) && length < 96 + 8;
        if length < least || mapped {
            r.fault(
                "server.trusted_proxies",
                format!(
                    "{network:?} trusts strangers to say where a request comes from; name the proxies' own addresses or networks"
                ),
            );
        }
    }
}

fn check_seal_keys(r: &mut Reader, s: &Settings) {
    let weak = |key: &SecretString| {
        let bytes = STANDARD.decode(key.expose_secret().trim()).unwrap_or_default();
        bytes.len() == 32 && bytes.iter().collect::<BTreeSet<_>>().len() < DIFFERENT_BYTES
    };
    let fault = "is not random: anybody could guess it and open every bid. Make one with `openssl rand -base64 32`";
    if s.tenders.seal_key.iter().any(weak) {
        r.fault("tenders.seal_key", fault);
    }
    if s.tenders.previous_seal_keys.iter().any(weak) {
        r.fault("tenders.previous_seal_keys", fault);
    }
    if s.audit.signing_key.iter().any(weak) {
        r.fault("audit.signing_key", "is not random: anybody could sign another past. Make one with `openssl rand -base64 32`");
    }
    let same = |a: &SecretString, b: &SecretString| a.expose_secret().trim() == b.expose_secret().trim();
    if let (Some(sealing), Some(signing)) = (&s.tenders.seal_key, &s.audit.signing_key)
        && same(sealing, signing)
    {
        r.fault("audit.signing_key", "is the same as tenders.seal_key: give each purpose a key of its own");
    }
}

/// What production tells others to come back to, and where it sends its key to.
fn check_urls(r: &mut Reader) {
    for key in ["server.public_url", "stripe.api_base"] {
        let Ok(url) = reqwest::Url::parse(&r.text(key)) else { continue };
        if url.scheme() == "http" {
            r.fault(key, "must begin with https:// in production: what is sent there is not for everybody on the way");
        }
        if url.query().is_some() || url.fragment().is_some() {
            r.fault(key, "must be a plain URL: no query, no fragment");
        }
    }
}

fn check_stripe(r: &mut Reader, s: &Settings) {
    let key = r.text("stripe.secret_key");
    let rest = |prefixes: [&str; 2]| prefixes.iter().find_map(|prefix| key.strip_prefix(prefix));
    let (live, test) = (rest(["sk_live_", "rk_live_"]), rest(["sk_test_", "rk_test_"]));
    let fault = match live.or(test) {
        _ if key.is_empty() => None,
        None => Some("should begin with sk_live_ or rk_live_"),
        Some(rest) if rest.len() < SECRET_CHARACTERS => Some("is too short for a key of Stripe: copy it whole"),
        Some(_) if test.is_some() && !s.stripe.allow_test_key => {
            Some("is a test key, which moves no money: give the live one, or, for a rehearsal, set stripe.allow_test_key to true")
        }
        Some(_) => None,
    };
    if let Some(fault) = fault.filter(|_| !r.has_fault("stripe.secret_key")) {
        r.fault("stripe.secret_key", fault);
    }
    let sound = |secret: &SecretString| {
        let rest = secret.expose_secret().strip_prefix("whsec_");
        rest.is_some_and(|rest| rest.len() >= SECRET_CHARACTERS)
    };
    if !s.stripe.webhook_secrets.iter().all(sound) {
        r.fault(
                "stripe.webhook_secret",
                "is no signing secret of Stripe (whsec_…): whoever guesses it can tell us that money came. Copy it from the endpoint's page",
            );
    }
}

#[cfg(test)]
#[path = "sanity_tests.rs"]
mod tests;

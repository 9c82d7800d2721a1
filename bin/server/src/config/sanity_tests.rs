//! One line per fault: what is set, and what is said about it.

use crate::config::{Profile, load_from};

/// A production that is accepted.
const SOUND: [(&str, &str); 14] = [
    ("BUILD14__PROFILE", "production"),
    ("BUILD14__SERVER__PUBLIC_URL", "https://api.example.com"),
    ("BUILD14__SERVER__ALLOWED_ORIGINS", "https://app.example.com, https://other.example.com:8443"),
    ("BUILD14__DATABASE__URL", "postgres://build14_app@127.0.0.1/build14"),
    ("BUILD14__DATABASE__SYSTEM_URL", "postgres://build14_system@127.0.0.1/build14"),
    ("BUILD14__STRIPE__API_BASE", "https://api.stripe.com"),
    ("BUILD14__STRIPE__SECRET_KEY", "sk_live_0123456789abcdefghijklmn"),
    ("BUILD14__STRIPE__WEBHOOK_SECRET", "whsec_0123456789abcdefghijklmn"),
    ("BUILD14__TENDERS__SEAL_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="),
    ("BUILD14__AUDIT__SIGNING_KEY", "MTEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="),
    ("BUILD14__MAIL__TRANSPORT", "smtp"),
    ("BUILD14__MAIL__FROM", "no-reply@example.com"),
    ("BUILD14__MAIL__SMTP__HOST", "smtp.example.com"),
    ("BUILD14__MAIL__RESEND__API_KEY", "re_0123456789"),
];

const ZEROS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const FIFTY_FIVES: &str = "VVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVU=";

/// Variable without its prefix, value, key at fault, part of what is said.
const REFUSED_IN_PRODUCTION: &[(&str, &str, &str, &str)] = &[
    ("API_KEYS__LEAK_REPORTER_URL", "http://127.0.0.1:1/keys", "api_keys.leak_reporter_url", "must begin with https://"),
    ("TENDERS__SEAL_KEY", ZEROS, "tenders.seal_key", "openssl rand"),
    ("TENDERS__SEAL_KEY", FIFTY_FIVES, "tenders.seal_key", "openssl rand"),
    ("AUDIT__SIGNING_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "audit.signing_key", "key of its own"),
    ("AUDIT__SIGNING_KEY", ZEROS, "audit.signing_key", "openssl rand"),
    ("TENDERS__PREVIOUS_SEAL_KEYS", ZEROS, "tenders.previous_seal_keys", "openssl rand"),
    ("TENDERS__MINIMUM_SUBMISSION_PERIOD", "0s", "tenders.minimum_submission_period", "from 1h to"),
    ("TENDERS__MINIMUM_SUBMISSION_PERIOD", "59m", "tenders.minimum_submission_period", "from 1h to"),
    ("TENDERS__STANDSTILL", "100years", "tenders.standstill", "must be from"),
    ("STRIPE__WEBHOOK_SECRET", "x", "stripe.webhook_secret", "no signing secret"),
    ("STRIPE__WEBHOOK_SECRET", "whsec_0123456789abcdefghijklmn,x", "stripe.webhook_secret", "no signing secret"),
    ("STRIPE__SECRET_KEY", "sk_test_0123456789abcdefghijklmn", "stripe.secret_key", "stripe.allow_test_key"),
    ("STRIPE__SECRET_KEY", "rk_test_0123456789abcdefghijklmn", "stripe.secret_key", "stripe.allow_test_key"),
    ("STRIPE__SECRET_KEY", "sk_live_x", "stripe.secret_key", "too short"),
    ("STRIPE__SECRET_KEY", "secret", "stripe.secret_key", "should begin with sk_live_"),
    ("STRIPE__API_BASE", "http://api.stripe.com", "stripe.api_base", "https://"),
    ("STRIPE__TIMEOUT", "0s", "stripe.timeout", "must be from"),
    ("SERVER__PUBLIC_URL", "http://api.example.com", "server.public_url", "https://"),
    ("SERVER__PUBLIC_URL", "https://me:secret@api.example.com", "server.public_url", "no name or password"),
    ("SERVER__PUBLIC_URL", "https://api.example.com/?a=b", "server.public_url", "plain URL"),
    ("SERVER__ALLOWED_ORIGINS", "http://app.example.com", "server.allowed_origins", "https://"),
    ("SERVER__DRAIN_PERIOD", "2h", "server.drain_period", "must be from"),
    ("DATABASE__SYSTEM_URL", "postgres://build14_app@127.0.0.1/build14", "database.system_url", "the same as"),
    ("SESSIONS__SECURE_COOKIE", "false", "sessions.secure_cookie", "must be true"),
    ("MAIL__TRANSPORT", "outbox", "mail.transport", "mail.allow_outbox"),
    ("MAIL__FROM", "no-reply@build14.localhost", "mail.from", "must be an address of a domain"),
    ("MAIL__SMTP__SECURITY", "none", "mail.smtp.security", "must be tls or starttls"),
    ("MAIL__SMTP__USER", "somebody", "mail.smtp.password", "is given together with mail.smtp.user"),
    ("MAIL__SMTP__HOST", "", "mail.smtp.host", "must be the name of an SMTP server"),
    ("LEAVING__GRACE", "0s", "leaving.grace", "must be from 1d"),
];

/// The same, in every profile.
const REFUSED: &[(&str, &str, &str, &str)] = &[
    ("ESCROW__LOOK_AGAIN_EVERY", "100years", "escrow.look_again_every", "must be from 1m to"),
    ("ESCROW__LOOK_AGAIN_EVERY", "1s", "escrow.look_again_every", "must be from 1m to"),
    ("ESCROW__LOOK_AGAIN_AFTER", "1m, 100years", "escrow.look_again_after", "a day at most"),
    ("ESCROW__LOOK_WHEN_READ_AFTER", "0s", "escrow.look_when_read_after", "must be from 1s to"),
    ("ESCROW__TERMS__EUR__RESERVE_MINOR", "4000000000", "escrow.terms.eur.reserve_minor", "must be at most 1000000.00 EUR"),
    ("TENDERS__SEAL_KEY", ZEROS, "tenders.seal_key", "openssl rand"),
    ("SERVER__ALLOWED_ORIGINS", "*", "server.allowed_origins", "name each origin"),
    ("SERVER__ALLOWED_ORIGINS", "null", "server.allowed_origins", "name each origin"),
    ("SERVER__ALLOWED_ORIGINS", "https://app.example.com, *", "server.allowed_origins", "name each origin"),
    ("SERVER__ALLOWED_ORIGINS", "app.example.com", "server.allowed_origins", "is no origin"),
    ("SERVER__ALLOWED_ORIGINS", "https://app.example.com/", "server.allowed_origins", "is no origin as a browser sends it"),
    ("SERVER__ALLOWED_ORIGINS", "file:///home", "server.allowed_origins", "is no origin"),
    ("SERVER__TRUSTED_PROXIES", "0.0.0.0/0", "server.trusted_proxies", "trusts strangers"),
    ("SERVER__TRUSTED_PROXIES", "128.0.0.0/1", "server.trusted_proxies", "trusts strangers"),
    ("SERVER__TRUSTED_PROXIES", "10.0.0.1, ::/0", "server.trusted_proxies", "trusts strangers"),
    ("SERVER__TRUSTED_PROXIES", "::ffff:0:0/96", "server.trusted_proxies", "trusts strangers"),
    ("SERVER__SHUTDOWN_TIMEOUT", "500ms", "server.shutdown_timeout", "from 1s to"),
    ("SERVER__MAX_BODY_BYTES", "0", "server.max_body_bytes", "from 1024"),
    ("SERVER__MAX_BODY_BYTES", "100000000000", "server.max_body_bytes", "held in memory"),
    ("SERVER__WORKERS", "100000", "server.workers", "at most"),
    ("SESSIONS__LIFETIME", "270years", "sessions.lifetime", "must be from"),
    ("SESSIONS__LIFETIME", "0s", "sessions.lifetime", "must be from"),
    ("SESSIONS__PER_PERSON", "0", "sessions.per_person", "must be 1 to 1000"),
    ("SESSIONS__PER_PERSON", "1001", "sessions.per_person", "must be 1 to 1000"),
    ("API_KEYS__PER_ORGANIZATION", "0", "api_keys.per_organization", "must be 1 to 1000"),
    ("API_KEYS__LEAK_REPORTER_URL", "http://api.github.com/keys", "api_keys.leak_reporter_url", "must begin with https://"),
    ("LEAVING__GRACE", "100d", "leaving.grace", "must be from"),
    ("LEAVING__EXPORT_KEPT", "0s", "leaving.export_kept", "must be from"),
    ("LEAVING__EXPORT_MOST_BYTES", "0", "leaving.export_most_bytes", "must be from 1048576"),
    ("TENDERS__MINIMUM_SUBMISSION_PERIOD", "0s", "tenders.minimum_submission_period", "must be from"),
    ("DATABASE__STATEMENT_TIMEOUT", "0s", "database.statement_timeout", "must be from"),
    ("DATABASE__STATEMENT_TIMEOUT", "900us", "database.statement_timeout", "must be from"),
    ("DATABASE__STATEMENT_TIMEOUT", "100days", "database.statement_timeout", "must be from"),
    ("DATABASE__LOCK_TIMEOUT", "0s", "database.lock_timeout", "must be from"),
    ("DATABASE__WAIT", "0s", "database.wait", "must be from"),
    ("DATABASE__POOL_SIZE", "5000", "database.pool_size", "at most"),
    ("DATA_DIR", " ", "data_dir", "must name a directory"),
    ("MAIL__TRANSPORT", "pigeon", "mail.transport", "outbox, smtp or resend"),
    ("MAIL__SMTP__SECURITY", "some", "mail.smtp.security", "tls, starttls or none"),
    ("MAIL__FROM", "14Build <no-reply@example.com>", "mail.from", "should be an email address"),
    ("MAIL__REPLY_TO", "nobody", "mail.reply_to", "should be an email address"),
    ("MAIL__TIMEOUT", "0s", "mail.timeout", "must be from"),
    ("MAIL__RESEND__WEBHOOK_SECRET", "whsec_x", "mail.resend.webhook_secret", "no signing secret"),
    ("RATE_LIMITS__PER_ADDRESS", "0", "rate_limits.per_address", "at least 1"),
    ("RATE_LIMITS__PER_USER", "0", "rate_limits.per_user", "at least 1"),
    ("RATE_LIMITS__PER_ORGANIZATION", "0", "rate_limits.per_organization", "at least 1"),
    ("RATE_LIMITS__SIGN_IN_PER_ADDRESS", "0", "rate_limits.sign_in_per_address", "at least 1"),
];

fn with(base: &[(&str, &str)], variable: &str, value: &str) -> Result<Profile, String> {
    let mut environment: Vec<(String, String)> =
        base.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    environment.retain(|(name, _)| name != variable);
    environment.push((variable.to_owned(), value.to_owned()));
    load_from(&environment).map(|settings| settings.profile).map_err(|faults| faults.to_string())
}

fn check(base: &[(&str, &str)], table: &[(&str, &str, &str, &str)]) {
    for (variable, value, key, said) in table {
        let Err(fault) = with(base, &format!("BUILD14__{variable}"), value) else { panic!("{variable}={value} is accepted") };
        let line = fault.lines().find(|line| line.trim_start().starts_with(&format!("{key}: ")));
        assert!(line.is_some_and(|line| line.contains(said)), "{variable}={value}: no {said:?} in\n{fault}");
        assert_eq!(fault.matches("(environment variable").count(), 1, "{variable}={value} is the only fault:\n{fault}");
    }
}

#[test]
fn production_refuses_every_value_that_leaves_it_open() {
    assert_eq!(with(&SOUND, "BUILD14__RATE_LIMITS__ENABLED", "false"), Ok(Profile::Production));
    check(&SOUND, REFUSED_IN_PRODUCTION);
    check(&SOUND, REFUSED);
}

#[test]
fn development_refuses_what_makes_sense_nowhere() {
    assert_eq!(with(&[], "BUILD14__TENDERS__MINIMUM_SUBMISSION_PERIOD", "1s"), Ok(Profile::Development));
    assert_eq!(with(&[], "BUILD14__SERVER__ALLOWED_ORIGINS", "http://localhost:3000"), Ok(Profile::Development));
    assert_eq!(with(&[], "BUILD14__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1, 2001:db8::/32"), Ok(Profile::Development));
    check(&[], REFUSED);
}

#[test]
fn a_rehearsal_says_that_it_is_one() {
    let mut rehearsal = SOUND.to_vec();
    rehearsal.retain(|(name, _)| *name != "BUILD14__STRIPE__SECRET_KEY");
    rehearsal.push(("BUILD14__STRIPE__SECRET_KEY", "sk_test_0123456789abcdefghijklmn"));
    assert_eq!(with(&rehearsal, "BUILD14__STRIPE__ALLOW_TEST_KEY", "true"), Ok(Profile::Production));
}

#[test]
fn mail_leaves_by_what_is_set_up_for_it_or_on_purpose_not_at_all() {
    let mut without = SOUND.to_vec();
    without.retain(|(name, _)| !name.contains("MAIL__"));
    assert_eq!(with(&without, "BUILD14__MAIL__ALLOW_OUTBOX", "true"), Ok(Profile::Production));
    assert_eq!(with(&SOUND, "BUILD14__MAIL__TRANSPORT", "resend"), Ok(Profile::Production));
    let mut resend = SOUND.to_vec();
    resend.retain(|(name, _)| *name != "BUILD14__MAIL__TRANSPORT");
    resend.push(("BUILD14__MAIL__TRANSPORT", "resend"));
    for (variable, value, said) in [
        ("BUILD14__MAIL__RESEND__API_KEY", "", "mail.resend.api_key: must be given"),
        ("BUILD14__MAIL__RESEND__API_BASE", "http://api.resend.com", "mail.resend.api_base: should be a URL"),
    ] {
        let fault = with(&resend, variable, value).expect_err("refused");
        assert!(fault.contains(said), "{fault}");
    }
    assert_eq!(with(&resend, "BUILD14__MAIL__RESEND__API_BASE", "http://127.0.0.1:4010"), Ok(Profile::Production));
    for (host, right) in [("localhost", true), ("127.0.0.1", true), ("::1", true), ("10.0.0.1", false)] {
        let mut plain = SOUND.to_vec();
        plain.retain(|(name, _)| *name != "BUILD14__MAIL__SMTP__HOST");
        plain.push(("BUILD14__MAIL__SMTP__HOST", host));
        assert_eq!(with(&plain, "BUILD14__MAIL__SMTP__SECURITY", "none").is_ok(), right, "{host}");
        plain.push(("BUILD14__MAIL__SMTP__ALLOW_PLAIN", "true"));
        assert_eq!(with(&plain, "BUILD14__MAIL__SMTP__SECURITY", "none"), Ok(Profile::Production), "{host}");
    }
}

#[test]
fn all_faults_come_at_once_and_no_secret_with_them() {
    let mut wrong = SOUND.to_vec();
    wrong.retain(|(name, _)| !name.ends_with("SEAL_KEY") && !name.ends_with("WEBHOOK_SECRET"));
    wrong.extend([("BUILD14__TENDERS__SEAL_KEY", ZEROS), ("BUILD14__STRIPE__WEBHOOK_SECRET", "whsec_guess")]);
    let fault = with(&wrong, "BUILD14__SESSIONS__LIFETIME", "270years").expect_err("refused");
    assert_eq!(fault.matches("(environment variable").count(), 3, "{fault}");
    assert!(!fault.contains(ZEROS) && !fault.contains("whsec_guess"), "{fault}");
}

//! Settings, and what must hold among them.

use super::livemode;

#[test]
fn a_key_says_whether_it_moves_real_money() {
    let stripe = "https://api.stripe.com";
    for (key, live) in [("sk_live_1", true), ("rk_live_1", true), ("sk_test_1", false), ("rk_test_1", false)] {
        assert_eq!(livemode(stripe, key), Ok(live), "{key}");
        assert_eq!(livemode("http://127.0.0.1:12111", key), Ok(live), "{key}");
    }
    for key in ["", "sk_1", "pk_live_1", " sk_live_1", "live"] {
        assert!(livemode(stripe, key).is_err(), "{key}");
        assert_eq!(livemode("http://127.0.0.1:12111", key), Ok(false), "{key}");
    }
}

fn with(environment: &[(&str, &str)]) -> Result<super::Settings, String> {
    let environment: Vec<_> = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    crate::config::load_from(&environment).map_err(|faults| faults.to_string())
}

#[test]
fn nobody_is_waited_for_for_ever_nor_let_in_without_end() {
    let faults = with(&[
        ("BUILD14__SERVER__HEAD_TIMEOUT", "0s"),
        ("BUILD14__SERVER__BODY_IDLE_TIMEOUT", "2h"),
        ("BUILD14__SERVER__BODY_TIMEOUT", "30s"),
        ("BUILD14__SERVER__WRITE_TIMEOUT", "300ms"),
        ("BUILD14__SERVER__KEEP_ALIVE", "1d"),
        ("BUILD14__SERVER__MAX_CONNECTIONS", "0"),
        ("BUILD14__SERVER__CONNECTIONS_PER_ADDRESS", "0"),
        ("BUILD14__SERVER__CLIENT_IP_HEADER", "x-real-ip"),
    ]);
    let faults = faults.expect_err("all of it is refused");
    for key in [
        "head_timeout",
        "body_idle_timeout",
        "body_timeout",
        "write_timeout",
        "keep_alive",
        "max_connections",
        "connections_per_address",
        "client_ip_header",
    ] {
        assert!(faults.contains(&format!("server.{key}: ")), "{key} is missing in {faults}");
    }
}

#[test]
fn what_cannot_be_read_is_told_once() {
    for (name, value, key, said) in [
        ("JOBS__CONCURRENCY", "many", "jobs.concurrency", "should be a whole number"),
        ("DATABASE__POOL_SIZE", "-1", "database.pool_size", "should be a whole number"),
        ("SERVER__HEAD_TIMEOUT", "soon", "server.head_timeout", "should be a duration"),
        ("SERVER__BODY_TIMEOUT", "soon", "server.body_timeout", "should be a duration"),
        ("SERVER__MAX_CONNECTIONS", "all", "server.max_connections", "should be a whole number"),
        ("RATE_LIMITS__PER_ADDRESS", "few", "rate_limits.per_address", "should be a whole number"),
        ("ESCROW__LOOK_AGAIN_EVERY", "often", "escrow.look_again_every", "should be a duration"),
        ("ESCROW__LOOK_AGAIN_AFTER", "often", "escrow.look_again_after", "should be durations"),
        ("SESSIONS__PER_PERSON", "some", "sessions.per_person", "should be a whole number"),
    ] {
        let faults = with(&[(&format!("BUILD14__{name}"), value)]).expect_err("refused");
        assert!(faults.contains(&format!("  {key}: {value:?} {said}")), "{faults}");
        assert_eq!(faults.matches("(environment variable").count(), 1, "{faults}");
    }
}

#[test]
fn a_profile_that_is_none_hides_no_other_fault() {
    let faults = with(&[("BUILD14__PROFILE", "dev"), ("BUILD14__JOBS__CONCURRENCY", "many"), ("BUILD14_DATA_DIR", "x")]);
    let faults = faults.expect_err("refused");
    for said in [
        "  BUILD14__PROFILE: \"dev\" is no profile: it is development (the default) or production",
        "  jobs.concurrency: \"many\" should be",
        "  BUILD14_DATA_DIR: there is no such variable",
    ] {
        assert!(faults.contains(said), "{said} is missing in {faults}");
    }
    assert!(!faults.contains("(environment variable BUILD14__PROFILE)"), "the variable is not told twice: {faults}");
}

#[test]
fn production_tells_all_that_it_lacks_in_one_round() {
    let faults = with(&[("BUILD14__PROFILE", "production")]).expect_err("refused");
    for key in super::NOTHING_EMBEDDED {
        assert!(faults.contains(&format!("  {key}: must be given in production")), "{key} is missing in {faults}");
    }
    assert!(faults.contains("  server.public_url: must be given in production"), "{faults}");
    assert!(faults.contains("  mail.transport: must be smtp or resend in production"), "{faults}");
    assert_eq!(faults.matches("(environment variable").count(), 9, "{faults}");
}

#[test]
fn keys_of_stripe_that_the_sandbox_would_not_use_are_refused() {
    let live = ("BUILD14__STRIPE__SECRET_KEY", "sk_live_0123456789abcdefghijklmn");
    let signing = ("BUILD14__STRIPE__WEBHOOK_SECRET", "whsec_0123456789abcdefghijklmn");
    for (given, key) in [(live, "stripe.secret_key"), (signing, "stripe.webhook_secret")] {
        let faults = with(&[given]).expect_err("refused");
        assert!(faults.contains(&format!("  {key}: would not be used: without stripe.api_base")), "{faults}");
        assert!(!faults.contains(given.1), "no secret is printed: {faults}");
    }
    assert!(with(&[live, signing, ("BUILD14__STRIPE__API_BASE", "https://api.stripe.com")]).is_ok());
}

#[test]
fn the_header_of_the_clients_address_is_one() {
    let read =
        |given: &str| with(&[("BUILD14__SERVER__CLIENT_IP_HEADER", given)]).map(|settings| settings.server.client_ip_header);
    assert_eq!(read("Forwarded"), Ok(web::ClientIpHeader::Forwarded));
    assert_eq!(read("X-Forwarded-For"), Ok(web::ClientIpHeader::XForwardedFor));
    assert_eq!(with(&[]).map(|settings| settings.server.client_ip_header), Ok(web::ClientIpHeader::XForwardedFor));
    assert!(read("x-forwarded-for,forwarded").is_err());
}

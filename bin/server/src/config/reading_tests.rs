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
fn the_header_of_the_clients_address_is_one() {
    let read =
        |given: &str| with(&[("BUILD14__SERVER__CLIENT_IP_HEADER", given)]).map(|settings| settings.server.client_ip_header);
    assert_eq!(read("Forwarded"), Ok(web::ClientIpHeader::Forwarded));
    assert_eq!(read("X-Forwarded-For"), Ok(web::ClientIpHeader::XForwardedFor));
    assert_eq!(with(&[]).map(|settings| settings.server.client_ip_header), Ok(web::ClientIpHeader::XForwardedFor));
    assert!(read("x-forwarded-for,forwarded").is_err());
}

//! Rate limits: by address without a session, by person and organisation with one; stricter for signing in.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use insta::assert_json_snapshot;
use kernel::{OrgId, UserId};
use uuid::Uuid;
use web::{Quota, RateLimits, Settings, SpentLimit};

use crate::fixture::{Client, settings, signed};

fn limited(change: impl FnOnce(&mut RateLimits)) -> Client {
    let wide = Quota { requests: 1000, seconds: 3600 };
    let mut limits = RateLimits { enabled: true, address: wide, user: wide, organization: wide, auth: wide };
    change(&mut limits);
    let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    Client::with(Settings { rate_limits: limits, trusted_proxies, ..settings() }, |deps| deps)
}

fn from(address: &str) -> TestRequest {
    let peer = "10.0.0.1:1".parse().unwrap();
    TestRequest::get()
        .uri("/api/rates")
        .peer_addr(peer)
        .insert_header(("X-Forwarded-For", address))
        .insert_header(("X-Request-Id", "req-1"))
}

#[actix_web::test]
async fn an_address_is_limited_before_authentication() {
    let client = limited(|limits| limits.address = Quota { requests: 2, seconds: 3600 });
    let first = client.send(from("1.1.1.1")).await;
    assert_eq!(first.header("ratelimit-policy"), Some("\"address\";q=2;w=3600"));
    assert_eq!(first.header("ratelimit"), Some("\"address\";r=1;t=1800"));
    assert_eq!(client.send(from("1.1.1.1")).await.status, 200);
    let refused = client.send(from("1.1.1.1")).await;
    assert_eq!(refused.header("ratelimit-policy"), Some("\"address\";q=2;w=3600"));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1700..=1800).contains(&wait), "{wait}");
    assert_eq!(refused.header("ratelimit"), Some(format!("\"address\";r=0;t={wait}").as_str()));
    assert_json_snapshot!(refused.json(), @r#"
    {
      "code": "RATE_LIMITED",
      "detail": "too many requests: the limit \"address\" allows 2 in 3600 seconds; try again after Retry-After seconds",
      "instance": "/api/rates",
      "limit": "address",
      "requestId": "req-1",
      "status": 429,
      "title": "Rate limited",
      "type": "https://14build.dev/problems/rate-limited"
    }
    "#);
    assert!(client.send(from("1.1.1.1").insert_header(("Authorization", "Bearer good"))).await.status == 429);
    assert!(client.seen.resolved.lock().unwrap().is_empty(), "no look-up for who is limited");
    assert_eq!(client.send(from("2.2.2.2")).await.status, 200, "others are not");
    assert_eq!(client.send(from("1.1.1.1").uri("/health/live")).await.status, 200);
}

#[actix_web::test]
async fn who_only_asks_whether_they_may_ask_is_counted_by_address_too() {
    let client = limited(|limits| limits.address = Quota { requests: 2, seconds: 3600 });
    let asking = |path| {
        let origin = ("Origin", "https://app.14build.dev");
        let request = from("1.1.1.1").method(Method::OPTIONS).uri(path).insert_header(origin);
        request.insert_header(("Access-Control-Request-Method", "POST"))
    };
    assert_eq!(client.send(asking("/health/live")).await.status, 204, "what watches the server has no limit");
    assert_eq!(client.send(asking("/api/things")).await.header("ratelimit"), Some("\"address\";r=1;t=1800"));
    assert_eq!(client.send(asking("/api/things")).await.status, 204);
    assert_eq!(client.send(asking("/api/things")).await.code(), (429, "RATE_LIMITED".into()));
    assert_eq!(client.send(from("1.1.1.1")).await.status, 429, "it is the same quota");
}

#[actix_web::test]
async fn requests_of_a_session_do_not_count_for_their_address() {
    let client = limited(|limits| limits.address = Quota { requests: 2, seconds: 3600 });
    for _ in 0..5 {
        assert_eq!(client.send(signed(from("1.1.1.1").uri("/api/things"))).await.status, 200);
    }
    assert_eq!(client.send(from("1.1.1.1")).await.header("ratelimit"), Some("\"address\";r=1;t=1800"), "the first without one");
    let guessed = || from("1.1.1.1").uri("/api/things").insert_header(("Authorization", "Bearer guessed"));
    assert_eq!(client.send(guessed()).await.status, 401);
    assert_eq!(client.send(guessed()).await.status, 429);
    let looked_up = client.seen.resolved.lock().unwrap().len();
    assert_eq!(client.send(guessed()).await.status, 429);
    assert_eq!(client.seen.resolved.lock().unwrap().len(), looked_up, "no look-up for who is limited");
}

#[actix_web::test]
async fn a_key_counts_for_itself_and_what_is_no_key_for_its_address() {
    let few = Quota { requests: 2, seconds: 3600 };
    let client = limited(|limits| (limits.user, limits.address) = (few, few));
    let by = |key: &str| from("1.1.1.1").insert_header(("Authorization", format!("Bearer {key}")));
    let first = client.send(by("b14_a")).await;
    assert_eq!(first.header("ratelimit-policy"), Some("\"key\";q=2;w=3600, \"organization\";q=1000;w=3600"));
    assert_eq!(client.send(by("b14_a")).await.status, 200);
    let refused = client.send(by("b14_a")).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["limit"]), (429, &serde_json::json!("key")));
    assert_eq!(client.send(by("b14_b")).await.status, 200, "another one of the same creator");
    assert_eq!(client.send(by("good")).await.status, 200, "and the creator");
    for wrong in ["b14_c", "b14_d"] {
        assert_eq!(client.send(by(wrong)).await.status, 200, "what everybody is answered");
    }
    assert_eq!(client.send(by("b14_e")).await.status, 429);
}

#[actix_web::test]
async fn ipv6_is_limited_by_its_network() {
    let client = limited(|limits| limits.address = Quota { requests: 1, seconds: 3600 });
    assert_eq!(client.send(from("2001:db8:0:1::1")).await.status, 200);
    assert_eq!(client.send(from("2001:db8:0:1:ffff::2")).await.status, 429);
    assert_eq!(client.send(from("2001:db8:0:2::1")).await.status, 200);
}

#[actix_web::test]
async fn a_person_and_an_organisation_are_limited() {
    for (change, name) in [
        ((|l: &mut RateLimits| l.user.requests = 1) as fn(&mut RateLimits), "user"),
        (|l: &mut RateLimits| l.organization.requests = 1, "organization"),
    ] {
        let client = limited(change);
        let read = || signed(TestRequest::get().uri("/api/things"));
        let first = client.send(read()).await;
        assert_eq!(first.status, 200);
        assert!(first.header("ratelimit").unwrap().starts_with("\"user\";r="), "{name}");
        assert!(first.header("ratelimit").unwrap().contains(", \"organization\";r="), "{name}");
        let refused = client.send(read()).await;
        assert_eq!(refused.code(), (429, "RATE_LIMITED".into()));
        assert_eq!(refused.json()["limit"], name);
    }
}

#[actix_web::test]
async fn signing_in_has_a_limit_of_its_own() {
    let client = limited(|limits| limits.auth = Quota { requests: 1, seconds: 3600 });
    let login = |address: &str| from(address).method(actix_web::http::Method::POST).uri("/api/auth/login");
    let first = client.send(login("1.1.1.1")).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("ratelimit"), Some("\"address\";r=999;t=4, \"auth\";r=0;t=3600"), "both that were counted");
    let refused = client.send(login("1.1.1.1")).await;
    assert_eq!(refused.json()["limit"], "auth");
    assert_eq!(refused.header("ratelimit-policy"), Some("\"auth\";q=1;w=3600"));
    assert_eq!(client.send(login("2.2.2.2")).await.status, 200);
    assert_eq!(client.send(from("1.1.1.1")).await.status, 200);
}

/// What was noted, each beside its request.
async fn noted(client: &Client) -> Vec<(SpentLimit, String)> {
    // It is noted in this thread, by tasks that are ready: a turn runs some sixty of them.
    for _ in 0..10 {
        actix_web::rt::task::yield_now().await;
    }
    std::mem::take(&mut *client.seen.spent.lock().unwrap())
}

#[actix_web::test]
async fn a_spent_limit_is_noted_once_for_a_key_and_window() {
    let client = limited(|limits| limits.address = Quota { requests: 1, seconds: 3600 });
    for _ in 0..5 {
        client.send(from("1.1.1.1")).await;
        client.send(from("2001:db8::1")).await;
        client.send(from("2001:db8::2")).await;
    }
    let expected = ["req-1 2001:db8::2", "req-1 1.1.1.1"].map(|by| (SpentLimit::Address, by.to_owned()));
    assert_eq!(noted(&client).await, expected, "a network is one key");

    let client = limited(|limits| limits.auth = Quota { requests: 1, seconds: 3600 });
    for _ in 0..5 {
        client.send(from("1.1.1.1").method(actix_web::http::Method::POST).uri("/api/auth/login")).await;
    }
    assert_eq!(noted(&client).await, [(SpentLimit::SignIns, "req-1 1.1.1.1".to_owned())]);

    let person = SpentLimit::Person(UserId(Uuid::from_u128(2)), OrgId(Uuid::from_u128(3)));
    let organization = SpentLimit::Organization(OrgId(Uuid::from_u128(3)));
    for (change, limit) in [
        ((|l: &mut RateLimits| l.user.requests = 1) as fn(&mut RateLimits), person),
        (|l: &mut RateLimits| l.organization.requests = 1, organization),
    ] {
        let client = limited(change);
        for _ in 0..5 {
            client.send(signed(from("1.1.1.1").uri("/api/things"))).await;
        }
        assert_eq!(noted(&client).await, [(limit, "req-1 1.1.1.1".to_owned())]);
    }

    // The next window is another one.
    let client = limited(|limits| limits.user = Quota { requests: 1, seconds: 1 });
    let read = async || client.send(signed(from("1.1.1.1").uri("/api/things"))).await.status == 429;
    let mut times = 0;
    while times < 2 {
        if read().await {
            times += noted(&client).await.len();
        }
    }
}

#[actix_web::test]
async fn however_many_addresses_spend_their_limit_few_are_noted() {
    let client = limited(|limits| limits.address = Quota { requests: 1, seconds: 3600 });
    for n in 0..100 {
        for _ in 0..2 {
            client.send(from(&format!("1.1.1.{n}"))).await;
        }
    }
    assert_eq!(noted(&client).await.len(), 60, "of one minute");
}

#[actix_web::test]
async fn idle_keys_are_forgotten() {
    // A quota that is whole again after a nanosecond, beside one that takes an hour.
    let client = limited(|limits| {
        limits.address = Quota { requests: u32::MAX, seconds: 1 };
        limits.user = Quota { requests: 1, seconds: 3600 };
        limits.organization = limits.user;
    });
    client.send(from("1.1.1.1")).await;
    client.send(signed(from("1.1.1.1"))).await;
    assert_eq!(client.deps.limits().keys(), 3, "address, user, organization");
    client.deps.limits().forget_idle();
    assert_eq!(client.deps.limits().keys(), 2);
}

#[actix_web::test]
async fn a_spent_limit_of_a_domain_is_told_in_every_header() {
    let client = limited(|limits| limits.address = Quota { requests: 1000, seconds: 3600 });
    let refused = client.send(from("1.1.1.1").uri("/api/failures/attempts")).await;
    assert_eq!(refused.code(), (429, "RATE_LIMITED".into()));
    assert_eq!(refused.header("retry-after"), Some("59"), "whole seconds, not sooner");
    assert_eq!(refused.header("ratelimit-policy"), Some("\"attempts\";q=10;w=60"), "the limit that was hit, not another one");
    assert_eq!(refused.header("ratelimit"), Some("\"attempts\";r=0;t=59"));
    assert_eq!(refused.json()["limit"], "attempts");
}

#[actix_web::test]
async fn a_header_of_the_clients_own_making_changes_nothing() {
    let client = limited(|limits| limits.auth = Quota { requests: 1, seconds: 3600 });
    let login = |name: &'static str, value: &'static str| {
        from("1.1.1.1").method(actix_web::http::Method::POST).uri("/api/auth/login").insert_header((name, value))
    };
    assert_eq!(client.send(login("Forwarded", "for=6.6.6.1")).await.status, 200);
    for (name, value) in [
        ("Forwarded", "for=6.6.6.2"),
        ("Forwarded", "for=\"[2001:db8::7]\""),
        ("X-Real-Ip", "6.6.6.3"),
        ("X-Client-Ip", "6.6.6.4"),
        ("True-Client-Ip", "6.6.6.5"),
        ("X-Forwarded-For", "6.6.6.6, 1.1.1.1"),
        ("X-Forwarded-For", "6.6.6.7, 1.1.1.1, 10.0.0.9"),
        ("X-Forwarded-Host", "elsewhere"),
    ] {
        assert_eq!(client.send(login(name, value)).await.status, 429, "{name}: {value}");
    }
}

#[actix_web::test]
async fn no_spelling_of_a_path_escapes_the_limits() {
    let mut client = limited(|limits| limits.address = Quota { requests: 1, seconds: 3600 });
    for spelling in [
        "/api/rates",
        "/%61pi/rates",
        "/api/r%61tes",
        "/%61%70%69/%72ates",
        "/api/rates?limit=5",
        "/api/rates/",
        "//api/rates",
        "/api//rates",
        "/./api/rates",
        "/x/../api/rates",
        "/API/rates",
        "/health/../api/rates",
        "/health/live/../../api/rates",
        "/nothing",
        "/docs",
    ] {
        client.send(from("1.1.1.1").uri(spelling)).await;
        let refused = client.send(from("1.1.1.1").uri("/api/rates")).await;
        assert_eq!(refused.code(), (429, "RATE_LIMITED".into()), "{spelling} was not counted");
        client = limited(|limits| limits.address = Quota { requests: 1, seconds: 3600 });
    }
    for probe in ["/health/live", "/health/ready", "/%68ealth/live"] {
        for _ in 0..3 {
            assert_eq!(client.send(from("1.1.1.1").uri(probe)).await.status, 200, "{probe} is asked by machines");
        }
    }
}

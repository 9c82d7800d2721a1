//! Guesses: how many there are at a time and in a row, and whom they keep out.

use std::net::SocketAddr;

use actix_web::test::TestRequest;
use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::json;
use testkit::Database;

use crate::authenticator::{finish, pending, set_up};
use crate::proofs::{last, token_of};
use crate::scenery::{Answer, PASSWORD, Replica};

const HOME: &str = "198.51.100.7:1000";

fn from(address: &str, method: TestRequest) -> TestRequest {
    let address: SocketAddr = address.parse().unwrap();
    method.peer_addr(address)
}

/// Tries a password from an address, perhaps with the cookie of a device.
async fn try_it(replica: &Replica, address: &str, email: &str, password: &str, device: Option<&str>) -> Answer {
    let request = from(address, TestRequest::post()).uri("/api/auth/login");
    let request = request.set_json(json!({ "email": email, "password": password }));
    let request = match device {
        Some(device) => request.insert_header(("Cookie", format!("__Host-device={device}"))),
        None => request,
    };
    replica.send(request).await
}

/// Registers `name@example.com` at home; answers with the cookie of the device.
async fn at_home(replica: &Replica, name: &str) -> String {
    let body = json!({ "email": format!("{name}@example.com"), "password": PASSWORD, "name": name, "organizationName": "Works" });
    let answer = replica.send(from(HOME, TestRequest::post()).uri("/api/auth/register").set_json(body)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    device_of(&answer)
}

fn device_of(answer: &Answer) -> String {
    let cookies: Vec<_> = answer.header("set-cookie").lines().collect();
    let device = cookies.iter().find_map(|cookie| cookie.strip_prefix("__Host-device=")).unwrap();
    let (token, attributes) = device.split_once("; ").unwrap();
    assert!(attributes.starts_with("HttpOnly; SameSite=Lax; Secure; Path=/; Expires="), "{attributes}");
    token.to_owned()
}

async fn scene(wrong_per_email: u32, wrong_per_network: u32) -> (Database, Replica) {
    let db = Database::fresh().await;
    let replica = Replica::of(&db, auth::Settings { wrong_per_email, wrong_per_network, ..auth::Settings::default() }).await;
    (db, replica)
}

/// How often each status was answered: 401, 429, any other.
fn counted(answers: &[Answer]) -> (usize, usize, usize) {
    let of = |status: u16| answers.iter().filter(|answer| answer.status.as_u16() == status).count();
    (of(401), of(429), answers.len() - of(401) - of(429))
}

#[actix_web::test]
async fn a_burst_passes_no_limit() {
    let (_db, replica) = scene(3, 5).await;
    at_home(&replica, "ada").await;
    let guesses = (0..20).map(|_| try_it(&replica, "203.0.113.1:9", "ada@example.com", "not the password", None));
    assert_eq!(counted(&join_all(guesses).await), (3, 17, 0), "of one address of mail");
    let others: Vec<_> = (0..20).map(|n| format!("{n}@example.com")).collect();
    let guesses = others.iter().map(|email| try_it(&replica, "203.0.113.2:9", email, "not the password", None));
    let answers = join_all(guesses).await;
    assert_eq!(counted(&answers), (5, 15, 0), "from one network");
    for limited in answers.iter().filter(|answer| answer.status == 429) {
        assert_eq!((limited.header("retry-after"), limited.body["limit"].as_str()), ("60", Some("attempts")));
    }
}

#[actix_web::test]
async fn right_passwords_of_a_whole_office_are_no_wrong_ones() {
    let (_db, replica) = scene(3, 2).await;
    for name in ["ada", "bob", "eve", "joe"] {
        at_home(&replica, name).await;
    }
    let all = ["ada", "bob", "eve", "joe"].map(|name| format!("{name}@example.com"));
    let sign_ins = all.iter().map(|email| try_it(&replica, "203.0.113.1:9", email, PASSWORD, None));
    assert_eq!(counted(&join_all(sign_ins).await), (0, 0, 4), "more at a time than may be wrong");
}

#[actix_web::test]
async fn every_pause_is_longer_than_the_one_before() {
    let (_db, replica) = scene(5, 60).await;
    at_home(&replica, "ada").await;
    for email in ["ada@example.com", "nobody@example.com"] {
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let refused = loop {
                let answer = try_it(&replica, "203.0.113.1:9", email, "not the password", None).await;
                if answer.status == 429 {
                    break answer;
                }
            };
            let seconds: i64 = refused.header("retry-after").parse().unwrap();
            pauses.push(seconds);
            replica.clock.advance(TimeDelta::seconds(seconds));
        }
        assert_eq!(pauses, [60, 120, 240, 480, 900, 900], "{email}");
    }
}

#[actix_web::test]
async fn whoever_guesses_elsewhere_keeps_nobody_out_at_home() {
    let (_db, replica) = scene(2, 60).await;
    let (ada, eve) = (at_home(&replica, "ada").await, at_home(&replica, "eve").await);
    let attack = async || {
        for n in 0..20 {
            try_it(&replica, &format!("203.0.113.{n}:9"), "ada@example.com", "not the password", None).await;
        }
    };
    attack().await;
    let elsewhere = "192.0.2.1:9";
    let sign_in = async |address: &str, device: Option<&str>| {
        try_it(&replica, address, "ada@example.com", PASSWORD, device).await.status.as_u16()
    };
    assert_eq!(sign_in(elsewhere, None).await, 429, "a network that nobody knows waits");
    for stranger in [eve.as_str(), &"A".repeat(43), "x", ""] {
        assert_eq!(sign_in(elsewhere, Some(stranger)).await, 429, "a device of somebody else's, or of nobody's, is a stranger");
    }
    assert_eq!(sign_in(HOME, None).await, 200, "from where she signed in before");
    assert_eq!(sign_in(elsewhere, Some(&ada)).await, 200, "on her device, wherever that is");
    assert_eq!(sign_in(elsewhere, None).await, 200, "from where she signed in a moment ago");
    attack().await;
    assert_eq!(sign_in("192.0.2.2:9", None).await, 429, "and none of these gave strangers anything back");
}

#[actix_web::test]
async fn a_known_device_has_a_budget_of_its_own() {
    let (_db, replica) = scene(2, 60).await;
    let ada = at_home(&replica, "ada").await;
    let (elsewhere, email) = ("192.0.2.1:9", "ada@example.com");
    let mut tried = Vec::new();
    for _ in 0..3 {
        tried.push(try_it(&replica, elsewhere, email, "not the password", Some(&ada)).await.status.as_u16());
    }
    assert_eq!(tried, [401, 401, 429]);
    assert_eq!(try_it(&replica, elsewhere, email, PASSWORD, Some(&ada)).await.refusal(), (429, "RATE_LIMITED"));
    assert_eq!(try_it(&replica, elsewhere, email, PASSWORD, None).await.status, 200, "nobody else's is spent");
    replica.clock.advance(TimeDelta::minutes(1));
    let again = try_it(&replica, elsewhere, email, PASSWORD, Some(&ada)).await;
    assert_eq!((again.status.as_u16(), device_of(&again)), (200, ada), "it stays the same device");
}

#[actix_web::test]
async fn a_device_is_known_by_a_hash_for_as_long_as_it_is_kept() {
    let (db, replica) = scene(1, 60).await;
    let ada = at_home(&replica, "ada").await;
    let kept = db.query("select row_to_json(k)::text from known_devices k").await;
    assert_eq!(kept.len(), 1);
    assert!(!kept[0].contains(&ada) && !kept[0].contains("198.51.100"), "{}", kept[0]);
    // The strangers' budget is spent; only who is known still signs in.
    let spend = async || {
        for n in 0..6 {
            try_it(&replica, &format!("203.0.113.{n}:9"), "ada@example.com", "not the password", None).await;
        }
    };
    let knows = async || try_it(&replica, "192.0.2.1:9", "ada@example.com", PASSWORD, Some(&ada)).await.status == 200;
    replica.clock.advance(TimeDelta::days(179));
    spend().await;
    assert!(knows().await, "and from then on for as long again");
    replica.clock.advance(TimeDelta::days(179));
    spend().await;
    assert!(knows().await);
    replica.clock.advance(TimeDelta::days(181));
    spend().await;
    assert!(!knows().await);
    replica.auth.purge(kernel::Clock::now(&*replica.clock)).await.unwrap();
    assert_eq!(db.query("select count(*) from known_devices").await, ["0"]);
}

#[actix_web::test]
async fn who_keeps_no_cookies_pushes_out_no_device_that_does() {
    let (db, replica) = scene(10, 60).await;
    let browser = at_home(&replica, "ada").await;
    assert_eq!(try_it(&replica, HOME, "ada@example.com", PASSWORD, Some(&browser)).await.status, 200);
    for _ in 0..25 {
        replica.clock.advance(TimeDelta::minutes(1));
        assert_eq!(try_it(&replica, HOME, "ada@example.com", PASSWORD, None).await.status, 200);
    }
    assert_eq!(db.query("select returned, count(*) from known_devices group by 1 order by 1").await.len(), 2);
    assert_eq!(db.query("select count(*) from known_devices where not returned").await, ["20"]);
    let again = try_it(&replica, HOME, "ada@example.com", PASSWORD, Some(&browser)).await;
    assert_eq!(device_of(&again), browser);
}

#[actix_web::test]
async fn a_reset_by_mail_gives_no_new_tries_of_the_second_factor() {
    let (db, replica) = scene(2, 100).await;
    let ada = replica.register("ada").await;
    let (shows, _) = set_up(&replica, &ada).await;
    let token = pending(&replica, "ada").await;
    let mut tried = Vec::new();
    for _ in 0..3 {
        tried.push(finish(&replica, &token, &shows.wrong(&replica)).await.status.as_u16());
    }
    assert_eq!(tried, [401, 401, 429]);
    // Whoever reads the mail has one factor, and not the other one.
    assert_eq!(replica.post("/api/auth/password-reset", None, json!({ "email": "ada@example.com" })).await.status, 202);
    let token = token_of(&last(&replica, "ada@example.com"));
    let reset = json!({ "token": token, "password": PASSWORD });
    let reset = from(HOME, TestRequest::post()).uri("/api/auth/password-reset/confirm").set_json(reset);
    let done = replica.send(reset).await;
    assert_eq!((done.status.as_u16(), done.header("set-cookie")), (204, ""));
    assert_eq!(db.query("select count(*) from known_devices").await, ["0"]);
    let entered = try_it(&replica, HOME, "ada@example.com", PASSWORD, None).await;
    assert_eq!(entered.status, 202, "{}", entered.body);
    let body = json!({ "mfaToken": entered.body["mfaToken"], "code": shows.wrong(&replica) });
    let refused = replica.send(from(HOME, TestRequest::post()).uri("/api/auth/mfa").set_json(body)).await;
    assert_eq!(refused.refusal(), (429, "RATE_LIMITED"));
}

#[actix_web::test]
async fn a_second_factor_that_is_right_gives_strangers_no_tries_back() {
    let (_db, replica) = scene(2, 100).await;
    let ada = replica.register("ada").await;
    let (shows, _) = set_up(&replica, &ada).await;
    let mut shown = Vec::new();
    for code in [shows.wrong(&replica), shows.code(&replica, 0), shows.wrong(&replica), shows.wrong(&replica)] {
        let token = pending(&replica, "ada").await;
        shown.push(finish(&replica, &token, &code).await.status.as_u16());
    }
    assert_eq!(shown, [401, 200, 401, 429], "nor are they the person's own");
}

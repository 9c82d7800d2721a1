//! What people are told by mail of: a sign-in from where there was none before, and what becomes of the API keys that act with their rights.

use std::net::SocketAddr;
use std::slice::from_ref;

use actix_web::test::TestRequest;
use chrono::TimeDelta;
use mail_api::{Content, KeyChange, Language};
use serde_json::{Value, json};
use testkit::Scanner;

use crate::scenery::{Account, Answer, PASSWORD, Replica, scene, with};

const HOME: &str = "203.0.113.7";

/// Signs in from an address, perhaps with the cookie of a device, by a program that says what it is.
async fn sign_in(replica: &Replica, from: &str, device: Option<&str>) -> Answer {
    let peer: SocketAddr = format!("{from}:4711").parse().unwrap();
    let request = TestRequest::post().uri("/api/auth/login").peer_addr(peer);
    let request = request.insert_header(("User-Agent", "Mozilla/5.0 (Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"));
    let request = request.insert_header(("Accept-Language", "de"));
    let request = match device {
        Some(device) => request.insert_header(("Cookie", format!("__Host-device={device}"))),
        None => request,
    };
    replica.send(request.set_json(json!({ "email": "ada@example.com", "password": PASSWORD }))).await
}

/// On which device, from where and in which language the mails to somebody tell of sign-ins.
fn sign_ins(replica: &Replica) -> Vec<(String, Option<String>, Language)> {
    let mails = replica.mails.to("ada@example.com").into_iter();
    let told = mails.filter_map(|mail| match mail.content {
        Content::NewDevice { device, from, .. } => Some((device, from, mail.language)),
        _ => None,
    });
    told.collect()
}

#[actix_web::test]
async fn a_sign_in_from_where_there_was_none_before_is_told_once() {
    let (_db, replica) = scene().await;
    let peer: SocketAddr = format!("{HOME}:4711").parse().unwrap();
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "name": "Ada", "organizationName": "Works" });
    let registered = replica.send(TestRequest::post().uri("/api/auth/register").peer_addr(peer).set_json(body)).await;
    assert_eq!(registered.status, 201, "{}", registered.body);
    let device = registered.header("set-cookie").lines().find_map(|cookie| cookie.strip_prefix("__Host-device=")).unwrap();
    let device = device.split(';').next().unwrap().to_owned();

    // Another program at home, and the same one on its way, are no strangers.
    assert_eq!(sign_in(&replica, HOME, None).await.status, 200);
    assert_eq!(sign_in(&replica, "198.51.100.1", Some(&device)).await.status, 200);
    assert!(sign_ins(&replica).is_empty());

    let elsewhere = "192.0.2.9";
    let told = ("Firefox on Linux".to_owned(), Some(elsewhere.to_owned()), Language::German);
    for _ in 0..2 {
        assert_eq!(sign_in(&replica, elsewhere, None).await.status, 200);
        assert_eq!(sign_ins(&replica), from_ref(&told), "and is known the next time");
    }
    // Whoever tries in vain tells nobody anything.
    let body = json!({ "email": "ada@example.com", "password": "not the password" });
    let peer: SocketAddr = "192.0.2.77:4711".parse().unwrap();
    let refused = replica.send(TestRequest::post().uri("/api/auth/login").peer_addr(peer).set_json(body)).await;
    assert_eq!((refused.status.as_u16(), sign_ins(&replica).len()), (401, 1));
}

/// What somebody is told of API keys, and in which language.
fn changes(replica: &Replica, name: &str) -> Vec<(String, KeyChange, Language)> {
    let mails = replica.mails.to(&format!("{name}@example.com")).into_iter();
    let told = mails.filter_map(|mail| match mail.content {
        Content::ApiKeyChanged { api_key, change, .. } => Some((api_key, change, mail.language)),
        _ => None,
    });
    told.collect()
}

fn text(answer: &Answer, pointer: &str) -> String {
    answer.body.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
}

#[actix_web::test]
async fn whoever_made_a_key_is_told_what_becomes_of_it() {
    let (_db, replica) = scene().await;
    let scanner = Scanner::start().await;
    *replica.reporter.0.lock().unwrap() = Some(scanner.point());
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    assert_eq!(replica.join(&ada, &bob, "admin").await.status, 200);
    replica.clock.advance(TimeDelta::seconds(1));
    let there = replica.post("/api/auth/switch-organization", Some(&bob.token), json!({ "organizationId": ada.org })).await;
    let bob = Account::of(&there);

    let new = json!({ "name": "Books", "scopes": ["members.read"] });
    let request = with(TestRequest::post().uri("/api/api-keys"), Some(&ada.token)).insert_header(("Accept-Language", "de"));
    let made = replica.send(request.set_json(&new)).await;
    let path = format!("/api/api-keys/{}", text(&made, "/apiKey/id"));
    assert_eq!(changes(&replica, "ada"), [("Books".to_owned(), KeyChange::Made, Language::German)]);

    // By whomever: it acts with the rights of who made it.
    assert_eq!(replica.patch(&path, &bob.token, json!({ "name": "Ledger" })).await.status, 200);
    assert_eq!(replica.patch(&path, &bob.token, json!({ "name": "Ledger" })).await.status, 200, "as it is");
    let rotated = replica.post(&format!("{path}/rotate"), Some(&bob.token), json!({ "overlapHours": 1 })).await;
    assert_eq!(rotated.status, 201, "{}", rotated.body);
    assert_eq!(replica.delete(&path, &bob.token).await.status, 204);
    assert_eq!(replica.delete(&path, &bob.token).await.status, 204, "as it is");
    let told: Vec<_> = changes(&replica, "ada").into_iter().skip(1).collect();
    let english = |name: &str, change| (name.to_owned(), change, Language::English);
    let expected =
        [english("Books", KeyChange::Changed), english("Ledger", KeyChange::Replaced), english("Ledger", KeyChange::Revoked)];
    assert_eq!(told, expected);
    assert_eq!(changes(&replica, "bob"), [english("Ledger", KeyChange::Made)]);

    let report = json!([{ "token": text(&rotated, "/secret"), "type": "build14_api_key" }]).to_string();
    for _ in 0..2 {
        let request = TestRequest::post().uri("/api/webhooks/leaked-keys").set_payload(report.clone());
        let request = request.insert_header(("Github-Public-Key-Identifier", scanner.identifier));
        let request = request.insert_header(("Github-Public-Key-Signature", scanner.sign(report.as_bytes())));
        assert_eq!(replica.send(request).await.status, 200);
    }
    let told: Vec<_> = changes(&replica, "bob").into_iter().skip(1).collect();
    assert_eq!(told, [english("Ledger", KeyChange::Leaked)], "once");
}

//! Who asks for mail to somebody else's address takes neither the link nor the mail from them that they wait for; and a device is known by whichever sign-in.

use std::net::SocketAddr;

use actix_web::test::TestRequest;
use serde_json::json;

use crate::proofs::{last, token_of};
use crate::scenery::{Answer, PASSWORD, Replica, scene};

const MAGIC: &str = "/api/auth/magic-link";

/// Sends it from an address.
async fn from(replica: &Replica, address: &str, path: &str, body: serde_json::Value) -> Answer {
    let peer: SocketAddr = format!("{address}:4711").parse().unwrap();
    replica.send(TestRequest::post().uri(path).peer_addr(peer).set_json(body)).await
}

async fn ask(replica: &Replica, address: &str, email: &str) -> u16 {
    from(replica, address, MAGIC, json!({ "email": email })).await.status.as_u16()
}

async fn follow(replica: &Replica, token: &str) -> Answer {
    replica.post("/api/auth/magic-link/confirm", None, json!({ "token": token })).await
}

#[actix_web::test]
async fn a_stranger_takes_neither_a_link_nor_mail_from_somebody() {
    let (_db, replica) = scene().await;
    let home = "203.0.113.9";
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "name": "Ada", "organizationName": "Works" });
    assert_eq!(from(&replica, home, "/api/auth/register", body).await.status, 201);
    assert_eq!(ask(&replica, "203.0.113.7", "ada@example.com").await, 202);
    let link = token_of(&last(&replica, "ada@example.com"));

    for _ in 0..6 {
        assert_eq!(ask(&replica, "198.51.100.1", "ada@example.com").await, 202);
    }
    let theirs = token_of(&last(&replica, "ada@example.com"));
    let refused = from(&replica, "198.51.100.1", MAGIC, json!({ "email": "ada@example.com" })).await;
    assert_eq!(refused.refusal(), (429, "RATE_LIMITED"));
    assert_eq!(ask(&replica, "203.0.113.7", "ada@example.com").await, 202, "another network has mails of its own");

    // Many networks together write no more than a mailbox can bear.
    let mut sent = 8;
    for network in 2..9 {
        for _ in 0..6 {
            if ask(&replica, &format!("198.51.100.{network}"), "ada@example.com").await == 202 {
                sent += 1;
            }
        }
    }
    assert_eq!(sent, 30);
    assert_eq!(ask(&replica, "203.0.113.7", "ada@example.com").await, 429);
    assert_eq!(ask(&replica, home, "ada@example.com").await, 202, "where somebody signed in before they are no stranger");

    assert_eq!(follow(&replica, &link).await.status, 200, "nobody replaced the link");
    assert_eq!(follow(&replica, &theirs).await.refusal(), (409, "LINK_SPENT"), "which ended all the others");
}

#[actix_web::test]
async fn spellings_of_one_mailbox_have_its_mails_together() {
    let (_db, replica) = scene().await;
    for spelling in 0..6 {
        assert_eq!(ask(&replica, "198.51.100.1", &format!("ada+{spelling}@example.com")).await, 202);
    }
    assert_eq!(ask(&replica, "198.51.100.1", "ada+6@example.com").await, 429);
    assert_eq!(ask(&replica, "198.51.100.1", "ada@example.com").await, 429);
    assert_eq!(ask(&replica, "198.51.100.1", "bob+6@example.com").await, 202);
}

#[actix_web::test]
async fn whoever_came_by_mail_is_no_stranger_the_next_time() {
    let (db, replica) = scene().await;
    let cookie_of = |answer: &Answer| {
        let device = answer.header("set-cookie").lines().find(|cookie| cookie.starts_with("__Host-device=")).map(str::to_owned);
        device.and_then(|cookie| cookie.split(';').next().map(str::to_owned)).unwrap()
    };
    assert_eq!(ask(&replica, "203.0.113.7", "ada@example.com").await, 202);
    let first = follow(&replica, &token_of(&last(&replica, "ada@example.com"))).await;
    let device = cookie_of(&first);
    assert_eq!(db.query("select returned::text from known_devices").await, ["false"]);

    // The same device again, by mail: known, not another one.
    assert_eq!(ask(&replica, "203.0.113.7", "ada@example.com").await, 202);
    let body = json!({ "token": token_of(&last(&replica, "ada@example.com")) });
    let again = TestRequest::post().uri("/api/auth/magic-link/confirm").insert_header(("Cookie", device)).set_json(body);
    assert_eq!(replica.send(again).await.status, 200);
    assert_eq!(db.query("select returned::text from known_devices").await, ["true"]);
}

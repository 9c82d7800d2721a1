//! How long sessions live, what is shown of them, and who ends them.

use actix_web::test::TestRequest;
use auth_api::Sessions as _;
use chrono::TimeDelta;
use serde_json::{Value, json};
use testkit::until;

use crate::replicas::{pair, warmed};
use crate::scenery::{Account, Answer, PASSWORD, Replica, scene, with};

async fn switch(replica: &Replica, who: &Account, org: &str) -> Answer {
    replica.post("/api/auth/switch-organization", Some(&who.token), json!({ "organizationId": org })).await
}

async fn rules(replica: &Replica, by: &Account, idle: Value, lifetime: Value) -> Answer {
    let change = json!({ "sessionIdleMinutes": idle, "sessionLifetimeMinutes": lifetime });
    replica.patch("/api/organization", &by.token, change).await
}

async fn proven_at(replica: &Replica, token: &str) -> kernel::Timestamp {
    replica.auth.resolve(token).await.unwrap().authenticated_at
}

#[actix_web::test]
async fn a_session_shows_on_what_and_by_which_means_it_was_begun() {
    let (db, replica) = scene().await;
    replica.register("ada").await;
    let login = TestRequest::post().uri("/api/auth/login").set_json(json!({ "email": "ada@example.com", "password": PASSWORD }));
    let agent = "Mozilla/5.0 (Windows NT 10.0; rv:133.0) Gecko/20100101 Firefox/133.0";
    let ada = Account::of(&replica.send(login.insert_header(("User-Agent", agent))).await);
    let of_this = async || {
        let listed = replica.get("/api/user/sessions", &ada.token).await.body["data"].clone();
        listed.as_array().unwrap().iter().find(|one| one["current"] == true).unwrap().clone()
    };
    let before = of_this().await;
    assert_eq!((&before["device"], &before["method"]), (&json!("Firefox on Windows"), &json!("password")));
    assert_eq!((&before["authenticatedAt"], &before["lastSeenAt"]), (&before["createdAt"], &before["createdAt"]));
    replica.clock.advance(TimeDelta::minutes(2));
    assert!(replica.is_live(&ada.token).await);
    replica.auth.write_seen().await.unwrap();
    assert_ne!(of_this().await["lastSeenAt"], before["lastSeenAt"]);
    assert_eq!(replica.delete("/api/user", &ada.token).await.status, 204);
    assert_eq!(db.query("select count(*) from sessions where device is not null or address is not null").await, ["0"]);
}

#[actix_web::test]
async fn an_organisation_bounds_its_sessions_those_that_there_are_too() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    for (idle, lifetime, pointer) in
        [(json!(4), json!(null), "/sessionIdleMinutes"), (json!(null), json!(576_001), "/sessionLifetimeMinutes")]
    {
        let refused = rules(&replica, &ada, idle, lifetime).await;
        assert_eq!((refused.status.as_u16(), refused.body["errors"][0]["pointer"].as_str()), (422, Some(pointer)));
    }
    let ruled = rules(&replica, &ada, json!(10), json!(60)).await;
    assert_eq!((ruled.status.as_u16(), &ruled.body["sessionIdleMinutes"]), (200, &json!(10)), "{}", ruled.body);
    for _ in 0..6 {
        assert!(replica.is_live(&ada.token).await, "it is used");
        replica.auth.write_seen().await.unwrap();
        replica.clock.advance(TimeDelta::minutes(9));
    }
    replica.clock.advance(TimeDelta::minutes(6));
    assert!(!replica.is_live(&ada.token).await, "an hour is over");
    let again = Account::of(&replica.login("ada").await);
    replica.clock.advance(TimeDelta::minutes(10));
    assert!(!replica.is_live(&again.token).await, "unused for ten minutes");
    assert!(replica.is_live(&bob.token).await, "another organisation's");
    let third = Account::of(&replica.login("ada").await);
    replica.auth.end_over().await.unwrap();
    assert_eq!(rules(&replica, &third, json!(null), json!(null)).await.status, 200);
    assert!(!replica.is_live(&again.token).await && !replica.is_live(&ada.token).await, "what is over does not come back");
    assert!(replica.is_live(&third.token).await);
}

#[actix_web::test]
async fn rules_hold_at_once_on_every_replica() {
    let (db, a, b) = pair().await;
    let ada = a.register("ada").await;
    warmed(&db, &b, &ada.token).await;
    b.clock.advance(TimeDelta::minutes(30));
    assert!(b.is_live(&ada.token).await);
    assert_eq!(rules(&a, &ada, json!(null), json!(15)).await.status, 200);
    until("the other has heard", async || (!b.is_live(&ada.token).await).then_some(())).await;
}

#[actix_web::test]
async fn a_stricter_organisation_is_entered_with_a_fresh_proof() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "member").await;
    assert_eq!(rules(&replica, &ada, json!(null), json!(15)).await.status, 200);
    replica.clock.advance(TimeDelta::minutes(15));
    assert_eq!(switch(&replica, &bob, &ada.org).await.refusal(), (409, "AUTHENTICATE_AGAIN"));
    let wrong = replica.post("/api/auth/reauthenticate", Some(&bob.token), json!({ "password": "wrong password" })).await;
    assert_eq!((wrong.status.as_u16(), wrong.body["errors"][0]["code"].as_str()), (422, Some("WRONG_PASSWORD")));
    let before = proven_at(&replica, &bob.token).await;
    let fresh = replica.post("/api/auth/reauthenticate", Some(&bob.token), json!({ "password": PASSWORD })).await;
    let fresh = Account::of(&fresh);
    assert_ne!(fresh.token, bob.token);
    assert!(!replica.is_live(&bob.token).await, "the old token is dead");
    assert!(proven_at(&replica, &fresh.token).await > before);
    let there = Account::of(&switch(&replica, &fresh, &ada.org).await);
    assert!(replica.is_live(&there.token).await && replica.is_live(&fresh.token).await);
    replica.clock.advance(TimeDelta::minutes(15));
    assert!(!replica.is_live(&there.token).await && replica.is_live(&fresh.token).await, "as old as the sign-in");
}

#[actix_web::test]
async fn an_administrator_ends_a_members_sessions_in_the_organisation_alone() {
    let (_db, replica) = scene().await;
    let (ada, bob, eve) = (replica.register("ada").await, replica.register("bob").await, replica.register("eve").await);
    replica.join(&ada, &bob, "member").await;
    replica.join(&ada, &eve, "admin").await;
    let (there, admin) =
        (Account::of(&switch(&replica, &bob, &ada.org).await), Account::of(&switch(&replica, &eve, &ada.org).await));
    let end = async |by: &Account, of: &Account| replica.delete(&format!("/api/users/{}/sessions", of.user), &by.token).await;
    assert_eq!(end(&there, &eve).await.refusal(), (403, "PERMISSION_DENIED"));
    assert_eq!(end(&admin, &ada).await.refusal(), (403, "PERMISSION_DENIED"), "an owner's are an owner's");
    assert!(replica.is_live(&there.token).await && replica.is_live(&ada.token).await);
    assert_eq!(end(&admin, &bob).await.status, 204);
    assert!(!replica.is_live(&there.token).await && replica.is_live(&bob.token).await);
    let trail = replica.get("/api/audit?action=members.end_sessions", &ada.token).await;
    assert_eq!((&trail.body["data"][0]["actorId"], &trail.body["data"][0]["entityId"]), (&json!(eve.user), &json!(bob.user)));
    assert_eq!(switch(&replica, &bob, &ada.org).await.refusal(), (409, "AUTHENTICATE_AGAIN"), "from wherever they come");
    replica.clock.advance(TimeDelta::minutes(1));
    let again = Account::of(&replica.login("bob").await);
    assert_eq!(switch(&replica, &again, &ada.org).await.status, 200, "still a member");
}

#[actix_web::test]
async fn signing_out_everywhere_ends_all() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    let other = Account::of(&replica.login("ada").await);
    let out = replica.send(with(TestRequest::post().uri("/api/auth/logout-everywhere"), Some(&ada.token))).await;
    assert_eq!((out.status.as_u16(), out.removed_cookies().len()), (204, 2));
    assert!(!replica.is_live(&ada.token).await && !replica.is_live(&other.token).await && replica.is_live(&bob.token).await);
}

#[actix_web::test]
async fn however_often_one_switches_other_devices_stay_signed_in() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let phone = Account::of(&replica.login("ada").await);
    for _ in 0..60 {
        assert_eq!(switch(&replica, &ada, &ada.org).await.status, 200);
        replica.clock.advance(TimeDelta::seconds(61));
        assert!(replica.is_live(&ada.token).await);
        replica.auth.write_seen().await.unwrap();
    }
    assert!(replica.is_live(&phone.token).await && replica.is_live(&ada.token).await, "what is used stays");
    assert_eq!(db.query("select count(*) from sessions where ended_at is null").await, ["21"], "twenty of one sign-in");
}

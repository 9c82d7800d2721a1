//! A fresh proof where it counts, and organisations that ask for a second factor.

use chrono::TimeDelta;
use mail_api::{Content, FactorChange};
use serde_json::{Value, json};
use testkit::until;

use crate::authenticator::{again, begin, by_password, finish, pending, set_up};
use crate::replicas::{pair, warmed};
use crate::scenery::{Account, Answer, Replica, scene};

const STEP_UP: (u16, &str) = (403, "STEP_UP_REQUIRED");
const MFA: (u16, &str) = (403, "MFA_REQUIRED");

async fn make_key(replica: &Replica, by: &Account) -> Answer {
    replica.post("/api/api-keys", Some(&by.token), json!({ "name": "Books", "scopes": ["members.read"] })).await
}

async fn policy(replica: &Replica, by: &Account, policy: Value) -> Answer {
    replica.patch("/api/organization", &by.token, json!({ "mfaPolicy": policy })).await
}

#[actix_web::test]
async fn a_proof_counts_for_five_minutes() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    replica.clock.advance(TimeDelta::seconds(300));
    assert_eq!(make_key(&replica, &ada).await.status, 201, "signing in is one");
    replica.clock.advance(TimeDelta::seconds(1));
    let refused = make_key(&replica, &ada).await;
    assert_eq!(refused.refusal(), STEP_UP);
    assert_eq!((&refused.body["stepUp"], &refused.body["maxAgeSeconds"]), (&json!("password"), &json!(300)));
    assert_eq!(replica.get("/api/api-keys", &ada.token).await.status, 200, "to look asks for nothing");
    let fresh = Account::of(&again(&replica, &ada, by_password()).await);
    assert_eq!(make_key(&replica, &fresh).await.status, 201);
    assert!(!replica.is_live(&ada.token).await);
}

#[actix_web::test]
async fn what_asks_for_a_fresh_proof_is_said_beside_its_route() {
    let mut routes = web::Routes::new();
    users::routes(&mut routes);
    tenants::routes(&mut routes);
    let asking: Vec<_> = routes
        .catalogue()
        .into_iter()
        .filter(|route| routes.steps_up(&route.method, &route.path))
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    for expected in [
        "POST /api/api-keys",
        "PATCH /api/api-keys/{id}",
        "POST /api/api-keys/{id}/rotate",
        "DELETE /api/user",
        "POST /api/user/email",
        "POST /api/user/factors/recovery-codes",
        "DELETE /api/user/factors/totp",
        "POST /api/user/factors/totp",
        "POST /api/user/factors/totp/confirm",
    ] {
        assert!(asking.iter().any(|route| route == expected), "{expected}: {asking:?}");
    }
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    replica.clock.advance(TimeDelta::seconds(301));
    for route in asking {
        let (method, path) = route.split_once(' ').unwrap();
        let id = "00000000-0000-7000-8000-000000000000";
        let path: Vec<_> = path.split('/').map(|part| if part.starts_with('{') { id } else { part }).collect();
        let path = path.join("/");
        let request = actix_web::test::TestRequest::default().method(method.parse().unwrap()).uri(&path);
        let request = crate::scenery::with(request, Some(&ada.token)).set_json(json!({}));
        assert_eq!(replica.send(request).await.refusal(), STEP_UP, "{route}");
    }
}

#[actix_web::test]
async fn whoever_has_a_second_factor_proves_by_that() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let (shows, recovery) = set_up(&replica, &ada).await;
    replica.clock.advance(TimeDelta::minutes(6));
    let refused = make_key(&replica, &ada).await;
    assert_eq!((refused.refusal(), &refused.body["stepUp"]), (STEP_UP, &json!("second_factor")));
    let fault = |answer: &Answer| {
        (answer.status.as_u16(), answer.body["errors"][0]["pointer"].clone(), answer.body["errors"][0]["code"].clone())
    };
    let by_the_password = again(&replica, &ada, by_password()).await;
    assert_eq!(fault(&by_the_password), (422, json!("/code"), json!("REQUIRED")));
    let both = again(&replica, &ada, json!({ "password": "x", "code": "000000" })).await;
    assert_eq!(fault(&both), (422, json!("/password"), json!("REQUIRED")));
    let wrong = again(&replica, &ada, json!({ "code": shows.wrong(&replica) })).await;
    assert_eq!(fault(&wrong), (422, json!("/code"), json!("WRONG_SECOND_FACTOR")));
    let shown = shows.code(&replica, 0);
    let fresh = Account::of(&again(&replica, &ada, json!({ "code": shown })).await);
    assert_eq!(make_key(&replica, &fresh).await.status, 201);
    assert!(!replica.is_live(&ada.token).await, "another token took its place");
    let replayed = again(&replica, &fresh, json!({ "code": shown })).await;
    assert_eq!(fault(&replayed), (422, json!("/code"), json!("WRONG_SECOND_FACTOR")), "a code counts once");
    assert_eq!(again(&replica, &fresh, json!({ "code": recovery[0] })).await.status, 200);
    assert_eq!(db.query("select count(*) from recovery_codes where used_at is not null").await, ["1"]);
    let told = replica.mails.to("ada@example.com").pop().unwrap().content;
    assert!(matches!(
        told,
        Content::SecondFactorChanged { change: FactorChange::RecoveryCodeUsed, recovery_codes_left: Some(9), .. }
    ));
}

#[actix_web::test]
async fn an_organisation_asks_those_who_do_what_is_weighty_for_a_second_factor() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "admin").await;
    let switched = replica.post("/api/auth/switch-organization", Some(&bob.token), json!({ "organizationId": ada.org })).await;
    let there = Account::of(&switched);
    let denied = policy(&replica, &there, json!("off")).await;
    assert_eq!(
        (denied.refusal(), &denied.body["missingPermission"]),
        ((403, "PERMISSION_DENIED"), &json!("organization.set_threshold"))
    );
    let wrong = policy(&replica, &ada, json!("sometimes")).await;
    assert_eq!(wrong.status, 422);
    let set = policy(&replica, &ada, json!("privileged")).await;
    assert_eq!((set.status.as_u16(), &set.body["mfaPolicy"]), (200, &json!("privileged")), "{}", set.body);

    let invite = json!({ "email": "eve@example.com" });
    for who in [&ada, &there] {
        let refused = replica.post("/api/users", Some(&who.token), invite.clone()).await;
        assert_eq!((refused.refusal(), &refused.body["missingPermission"]), (MFA, &json!("members.manage")));
        assert_eq!(replica.get("/api/users", &who.token).await.status, 200, "to look asks for nothing");
        let session = replica.get("/api/auth/session", &who.token).await;
        let may = session.body["permissions"].as_array().unwrap();
        assert!(may.contains(&json!("members.read")) && !may.contains(&json!("members.manage")));
    }
    assert_eq!(policy(&replica, &ada, json!("off")).await.refusal(), MFA, "nobody lifts it without one");
    assert_eq!(replica.get("/api/user/factors", &there.token).await.body["mfaPolicy"], "privileged");
    assert_eq!(
        replica.post("/api/users", Some(&bob.token), invite.clone()).await.status,
        201,
        "in an organisation that asks nobody"
    );

    set_up(&replica, &ada).await;
    assert_eq!(replica.post("/api/users", Some(&ada.token), invite).await.status, 201, "at once, in the session that there is");
    let kept = replica.delete("/api/user/factors/totp", &ada.token).await;
    assert_eq!(kept.refusal(), (409, "SECOND_FACTOR_REQUIRED"));
    assert_eq!(policy(&replica, &ada, json!("off")).await.status, 200);
    assert_eq!(replica.delete("/api/user/factors/totp", &ada.token).await.status, 204);
    let trail = replica.get("/api/audit?action=organization.update", &ada.token).await;
    let changes: Vec<_> =
        trail.body["data"].as_array().unwrap().iter().map(|entry| &entry["after"]["session_rules"]["mfa_policy"]).collect();
    assert_eq!(changes, [&json!("off"), &json!("privileged")]);
}

#[actix_web::test]
async fn an_organisation_asks_everyone_and_their_keys() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let key = make_key(&replica, &ada).await.body["secret"].as_str().unwrap().to_owned();
    assert_eq!(replica.get("/api/users", &key).await.status, 200);
    assert_eq!(policy(&replica, &ada, json!("everyone")).await.status, 200);
    for token in [&ada.token, &key] {
        assert_eq!(replica.get("/api/users", token).await.refusal(), MFA);
    }
    assert_eq!(replica.get("/api/user", &ada.token).await.status, 200, "oneself is one's own");
    let (_, recovery) = set_up(&replica, &ada).await;
    for token in [&ada.token, &key] {
        assert_eq!(replica.get("/api/users", token).await.status, 200, "no key is above who made it");
    }
    let by_recovery = finish(&replica, &pending(&replica, "ada").await, &recovery[0]).await;
    assert_eq!(replica.get("/api/users", &Account::of(&by_recovery).token).await.status, 200);
}

#[actix_web::test]
async fn who_decides_it_has_just_proven_who_they_are() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    replica.clock.advance(TimeDelta::seconds(301));
    assert_eq!(policy(&replica, &ada, json!("everyone")).await.refusal(), STEP_UP);
    assert_eq!(policy(&replica, &ada, json!(null)).await.status, 200, "as it is");
    let fresh = Account::of(&again(&replica, &ada, by_password()).await);
    assert_eq!(policy(&replica, &fresh, json!("everyone")).await.status, 200);
}

#[actix_web::test]
async fn the_platform_asks_where_an_organisation_does_not_say() {
    let db = testkit::Database::fresh().await;
    let settings = auth::Settings { mfa_policy: auth_api::MfaPolicy::Privileged, ..auth::Settings::default() };
    let replica = Replica::of(&db, settings).await;
    let ada = replica.register("ada").await;
    replica.verify(&ada).await;
    assert_eq!(make_key(&replica, &ada).await.refusal(), MFA);
    assert_eq!(replica.get("/api/organization", &ada.token).await.body["mfaPolicy"], Value::Null);
    begin(&replica, &ada).await;
    assert_eq!(make_key(&replica, &ada).await.refusal(), MFA, "to begin is not enough");
    set_up(&replica, &ada).await;
    assert_eq!(make_key(&replica, &ada).await.status, 201);
}

#[actix_web::test]
async fn another_replica_hears_what_the_organisation_asks_for() {
    let (db, a, b) = pair().await;
    let ada = a.register("ada").await;
    warmed(&db, &b, &ada.token).await;
    assert_eq!(policy(&a, &ada, json!("everyone")).await.status, 200);
    until("the other has heard", async || (b.get("/api/users", &ada.token).await.refusal() == MFA).then_some(())).await;
    set_up(&a, &ada).await;
    until("and that there is one", async || (b.get("/api/users", &ada.token).await.status == 200).then_some(())).await;
}

//! Tokens for other services: what they tell, how long they live, by which keys they are believed, and that they open nothing here.

use actix_web::test::TestRequest;
use auth::TokenRotation;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{SubsecRound, TimeDelta};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Value, json};
use testkit::Database;

use crate::scenery::{AUDIENCE, Account, ISSUER, Replica, scene};

/// A token as a service reads it.
struct Told {
    head: Value,
    claims: Value,
    said: String,
    signature: Vec<u8>,
}

impl Told {
    fn of(token: &str) -> Self {
        let (said, signature) = token.rsplit_once('.').unwrap();
        let part = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
        let parts: Vec<Value> = said.split('.').map(|text| serde_json::from_slice(&part(text)).unwrap()).collect();
        let [head, claims] = <[Value; 2]>::try_from(parts).unwrap();
        Self { head, claims, said: said.to_owned(), signature: part(signature) }
    }

    /// Whether it is believed by a set of keys, by the one that it names.
    fn is_believed_by(&self, keys: &Value) -> bool {
        let of_it = |key: &&Value| key["kid"] == self.head["kid"] && key["alg"] == self.head["alg"];
        keys["keys"].as_array().unwrap().iter().find(of_it).is_some_and(|key| {
            let key = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
            UnparsedPublicKey::new(&ED25519, key).verify(self.said.as_bytes(), &self.signature).is_ok()
        })
    }
}

async fn token(replica: &Replica, credential: &str) -> String {
    let answer = replica.post("/api/auth/token", Some(credential), json!({ "audience": AUDIENCE })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["token"].as_str().unwrap().to_owned()
}

async fn keys(replica: &Replica) -> Value {
    replica.send(TestRequest::get().uri("/.well-known/jwks.json")).await.body
}

/// Somebody who has proven their address.
async fn proven(replica: &Replica, name: &str) -> Account {
    let account = replica.register(name).await;
    replica.verify(&account).await;
    account
}

#[actix_web::test]
async fn a_token_tells_one_service_who_somebody_is_and_is_believed_by_the_public_keys() {
    let (_db, replica) = scene().await;
    let ada = proven(&replica, "ada").await;
    let made = replica.post("/api/auth/token", Some(&ada.token), json!({ "audience": AUDIENCE })).await;
    assert_eq!((made.status.as_u16(), made.header("cache-control")), (200, "no-store"));
    let told = Told::of(made.body["token"].as_str().unwrap());
    let now = replica.clock_now().timestamp();
    let session = replica.get("/api/user/sessions", &ada.token).await.body["data"][0]["authenticatedAt"].clone();
    let authenticated_at: kernel::Timestamp = serde_json::from_value(session).unwrap();
    let mut claims = told.claims.clone();
    assert!(claims["jti"].take().as_str().is_some_and(|id| id.len() == 36));
    let held = replica.get("/api/auth/session", &ada.token).await.body["permissions"].clone();
    let held: Vec<String> = serde_json::from_value(held).unwrap();
    assert!(held.len() > 10 && claims["scope"].take() == json!(held.join(" ")), "what she may now");
    assert_eq!(
        claims,
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": ada.user, "sub_kind": "person", "org": ada.org, "roles": ["owner"], "jti": null, "scope": null,
            "auth_time": authenticated_at.timestamp(), "iat": now, "nbf": now, "exp": now + 300,
        })
    );
    let expires_at: kernel::Timestamp = serde_json::from_value(made.body["expiresAt"].clone()).unwrap();
    assert_eq!(expires_at.timestamp(), now + 300);

    let shown = replica.send(TestRequest::get().uri("/.well-known/jwks.json")).await;
    assert_eq!((shown.status.as_u16(), shown.header("cache-control")), (200, "public, max-age=300"));
    let key = &shown.body["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"), &json!("sig"))
    );
    assert_eq!((&told.head["typ"], &told.head["kid"]), (&json!("JWT"), &key["kid"]));
    assert!(told.is_believed_by(&shown.body));
    let again = TestRequest::get().uri("/.well-known/jwks.json").insert_header(("If-None-Match", shown.header("etag")));
    let again = replica.send(again).await;
    assert_eq!((again.status.as_u16(), again.header("cache-control")), (304, "public, max-age=300"));

    let other = Told::of(&token(&replica, &ada.token).await);
    assert_ne!(other.claims["jti"], told.claims["jti"]);
}

#[actix_web::test]
async fn a_token_opens_nothing_here() {
    let (_db, replica) = scene().await;
    let ada = proven(&replica, "ada").await;
    let token = token(&replica, &ada.token).await;
    for path in ["/api/user", "/api/users", "/api/auth/session", "/api/audit"] {
        assert_eq!(replica.get(path, &token).await.refusal(), (401, "NOT_AUTHENTICATED"), "{path}");
    }
    let again = replica.post("/api/auth/token", Some(&token), json!({ "audience": AUDIENCE })).await;
    assert_eq!(again.refusal(), (401, "NOT_AUTHENTICATED"));
    let cookie = TestRequest::get().uri("/api/user").insert_header(("Cookie", format!("__Host-session={token}")));
    assert_eq!(replica.send(cookie).await.refusal(), (401, "NOT_AUTHENTICATED"));
}

#[actix_web::test]
async fn no_token_is_made_for_a_service_that_is_not_allowed_or_for_who_may_be_anybody() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let refused = replica.post("/api/auth/token", Some(&ada.token), json!({ "audience": AUDIENCE })).await;
    assert_eq!(refused.refusal(), (403, "EMAIL_NOT_VERIFIED"));
    replica.verify(&ada).await;
    for audience in ["https://reports.example.com/", "https://other.example", "HTTPS://REPORTS.EXAMPLE.COM"] {
        let refused = replica.post("/api/auth/token", Some(&ada.token), json!({ "audience": audience })).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["errors"][0]["code"]),
            (422, &json!("AUDIENCE_NOT_ALLOWED")),
            "{audience}"
        );
    }
    let stranger = replica.post("/api/auth/token", None, json!({ "audience": AUDIENCE })).await;
    assert_eq!(stranger.refusal(), (401, "NOT_AUTHENTICATED"));
    assert_eq!(replica.post("/api/auth/logout", Some(&ada.token), json!(null)).await.status, 204);
    let ended = replica.post("/api/auth/token", Some(&ada.token), json!({ "audience": AUDIENCE })).await;
    assert_eq!(ended.refusal(), (401, "NOT_AUTHENTICATED"));
}

#[actix_web::test]
async fn a_keys_token_tells_its_scopes_and_never_the_role_of_who_made_it() {
    let (_db, replica) = scene().await;
    let ada = proven(&replica, "ada").await;
    let body = json!({ "name": "Books", "scopes": ["members.read", "audit.read", "projects.read"] });
    let made = replica.post("/api/api-keys", Some(&ada.token), body).await;
    let (secret, id) = (made.body["secret"].as_str().unwrap().to_owned(), made.body["apiKey"]["id"].clone());
    let told = Told::of(&token(&replica, &secret).await);
    assert!(told.is_believed_by(&keys(&replica).await));
    let claims = &told.claims;
    assert_eq!((&claims["sub"], &claims["sub_kind"], &claims["roles"]), (&id, &json!("api_key"), &json!([])));
    assert_eq!((&claims["scope"], &claims["org"]), (&json!("audit.read members.read projects.read"), &json!(ada.org)));
    assert_eq!((&claims["auth_time"], claims.to_string().contains("owner")), (&Value::Null, false));

    // Who is given less takes it from what the key tells.
    let bob = proven(&replica, "bob").await;
    replica.join(&ada, &bob, "owner").await;
    let there = replica.post("/api/auth/switch-organization", Some(&bob.token), json!({ "organizationId": ada.org })).await;
    let bob = Account::of(&there);
    let demoted = replica.put(&format!("/api/users/{}", ada.user), &bob.token, json!({ "role": "member" })).await;
    assert_eq!(demoted.status, 200, "{}", demoted.body);
    assert_eq!(Told::of(&token(&replica, &secret).await).claims["scope"], "members.read");
}

#[actix_web::test]
async fn a_token_ends_no_later_than_what_it_was_made_on_the_strength_of() {
    let (_db, replica) = scene().await;
    let ada = proven(&replica, "ada").await;
    let ends = replica.clock_now() + TimeDelta::hours(1);
    let body = json!({ "name": "Books", "scopes": ["members.read"], "expiresAt": ends });
    let made = replica.post("/api/api-keys", Some(&ada.token), body).await;
    let secret = made.body["secret"].as_str().unwrap().to_owned();
    replica.clock.advance(TimeDelta::minutes(58));
    let told = Told::of(&token(&replica, &secret).await);
    assert_eq!(told.claims["exp"], ends.timestamp());
    assert_eq!(told.claims["exp"].as_i64().unwrap() - told.claims["iat"].as_i64().unwrap(), 120);
    replica.clock.advance(TimeDelta::minutes(2));
    let over = replica.post("/api/auth/token", Some(&secret), json!({ "audience": AUDIENCE })).await;
    assert_eq!(over.refusal(), (401, "NOT_AUTHENTICATED"));
}

/// As an operator has it made.
async fn rotate(db: &Database, replica: &Replica, secret: &str) -> TokenRotation {
    let (secret, operator) = (secret.to_owned().into(), "Ada Lovelace".parse().unwrap());
    auth::rotate_token_keys(&db.system_uow(), &secret, replica.clock_now(), &operator).await.unwrap()
}

/// As a replica that has just started sees it: it keeps no answer.
async fn afresh(db: &Database, now: kernel::Timestamp) -> Replica {
    let replica = Replica::of(db, auth::Settings::default()).await;
    replica.clock.advance(now - replica.clock_now());
    replica
}

#[actix_web::test]
async fn a_key_is_shown_before_it_signs_and_believed_after_another_does() {
    let (db, replica) = scene().await;
    let ada = proven(&replica, "ada").await;
    let first = Told::of(&token(&replica, &ada.token).await);
    let before = keys(&replica).await;
    replica.tokens.rotate_if_due().await.unwrap();
    assert_eq!(db.query("select count(*) from token_keys").await, ["1"], "it is not due");

    let secret = "what the replicas share";
    let TokenRotation::Shown { kid, signs_from } = rotate(&db, &replica, secret).await else { panic!("none was on its way") };
    assert_eq!(signs_from, replica.clock_now().trunc_subsecs(6) + TimeDelta::minutes(20));
    assert_eq!(rotate(&db, &replica, secret).await, TokenRotation::OnItsWay);
    let second = afresh(&db, replica.clock_now()).await;
    let shown = keys(&second).await;
    assert_eq!(shown["keys"].as_array().unwrap().len(), 2);
    second.clock.advance(TimeDelta::minutes(19));
    let old = Told::of(&token(&second, &ada.token).await);
    assert_eq!((&old.head["kid"], old.is_believed_by(&before)), (&first.head["kid"], true), "by whoever has the older list");
    second.clock.advance(TimeDelta::minutes(1));
    let new = Told::of(&token(&second, &ada.token).await);
    assert_eq!(new.head["kid"], kid.to_string());
    assert!(new.is_believed_by(&shown) && !new.is_believed_by(&before));
    let later = afresh(&db, second.clock_now() + TimeDelta::minutes(59)).await;
    assert!(old.is_believed_by(&keys(&later).await), "what it signed is over long since");
    let last = afresh(&db, later.clock_now() + TimeDelta::minutes(1)).await;
    assert!(!old.is_believed_by(&keys(&last).await));

    // By itself, when it has signed for long enough.
    let month = afresh(&db, second.clock_now() + TimeDelta::days(30) - TimeDelta::minutes(20)).await;
    month.tokens.rotate_if_due().await.unwrap();
    month.tokens.rotate_if_due().await.unwrap();
    assert_eq!(db.query("select count(*) from token_keys").await, ["3"], "by one of all that look");
    let makers = db.query("select coalesce(published_by, 'nobody') from token_keys order by signs_from").await;
    assert_eq!(makers, ["nobody", "Ada Lovelace", "nobody"]);
}

#[actix_web::test]
async fn a_replica_without_the_newest_secret_signs_with_the_key_before() {
    let (db, replica) = scene().await;
    let ada = proven(&replica, "ada").await;
    // The secret is being replaced: one server has the new one already, and made a key of it.
    rotate(&db, &replica, "what they shared before").await;
    replica.clock.advance(TimeDelta::minutes(21));
    let first = Told::of(&token(&replica, &ada.token).await);
    assert!(first.is_believed_by(&keys(&replica).await), "by a secret of before, which is known");
    rotate(&db, &replica, "what this replica has not got").await;
    replica.clock.advance(TimeDelta::minutes(21));
    let told = Told::of(&token(&replica, &ada.token).await);
    assert_eq!(told.head["kid"], first.head["kid"]);
    replica.clock.advance(TimeDelta::hours(1));
    let refused = replica.post("/api/auth/token", Some(&ada.token), json!({ "audience": AUDIENCE })).await;
    assert_eq!(refused.refusal(), (503, "UNAVAILABLE"), "nothing is signed that nobody would believe");
}

#[actix_web::test]
async fn the_database_keeps_the_times_of_keys() {
    let (db, replica) = scene().await;
    let ada = proven(&replica, "ada").await;
    token(&replica, &ada.token).await;
    rotate(&db, &replica, "what the replicas share").await;
    for refused in [
        "update token_keys set public_key = sha256('x')",
        "update token_keys set verifies_until = now() where verifies_until is not null",
        "update token_keys set verifies_until = null",
        "insert into token_keys values (gen_random_uuid(), sha256('y'), now(), now(), now() + interval '1 hour', false, null)",
        "insert into token_keys values (gen_random_uuid(), sha256('y'), now(), now() + interval '1 day', null, false, null)",
        "insert into token_keys values (gen_random_uuid(), sha256('y'), now(), now(), now() + interval '1 hour', true, null)",
    ] {
        let tried = format!(
            "do $$ begin {refused}; raise 'it is taken'; exception when integrity_constraint_violation or check_violation or unique_violation then null; end $$"
        );
        db.run_sql(&tried).await;
    }
}

#[actix_web::test]
async fn a_tokens_roles_are_the_built_in_one_and_then_the_custom_ones() {
    let (db, replica) = scene().await;
    let ada = proven(&replica, "ada").await;
    let roles = format!(
        "insert into custom_roles (org_id, id, slug, name, description) values
             ('{0}', gen_random_uuid(), 'reader', 'Reader', ''), ('{0}', gen_random_uuid(), 'auditor', 'Auditor', '')",
        ada.org
    );
    db.run_sql(&roles).await;
    let given = format!(
        "insert into member_custom_roles (org_id, user_id, role_id) select org_id, '{}', id from custom_roles where org_id = '{}'",
        ada.user, ada.org
    );
    db.run_sql(&given).await;
    let told = Told::of(&token(&replica, &ada.token).await);
    assert_eq!(told.claims["roles"], json!(["owner", "auditor", "reader"]));
}

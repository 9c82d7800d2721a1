//! Register, login, logout, session, switch.

use actix_web::test::TestRequest;
use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::json;
use testkit::Database;

use crate::scenery::{Account, PASSWORD, Replica, scene};

#[actix_web::test]
async fn registering_signs_in() {
    let (db, replica) = scene().await;
    let body = json!({ "email": " Ada@Example.com", "password": PASSWORD, "name": "Ada", "organizationName": "Müller Bau" });
    let answer = replica.post("/api/auth/register", None, body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.body["user"]["email"], "Ada@Example.com");
    assert_eq!(answer.body["user"]["emailVerified"], false);
    assert_eq!(answer.body["user"]["image"], json!(null));
    assert_eq!(answer.body["organization"]["slug"], "mueller-bau");
    assert_eq!(answer.body["organization"]["kind"], "both");
    assert_eq!(answer.body["role"], "owner");
    assert_eq!(answer.header("cache-control"), "no-store");
    let ada = Account::of(&answer);
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.starts_with(&format!("__Host-session={}; HttpOnly; SameSite=Lax; Secure; Path=/; Expires=", ada.token)),
        "{cookie}"
    );

    let session = replica.get("/api/auth/session", &ada.token).await;
    assert_eq!(session.status, 200);
    assert_eq!((&session.body["user"], &session.body["organization"]), (&answer.body["user"], &answer.body["organization"]));
    let permissions = session.body["permissions"].as_array().unwrap();
    assert!(permissions.contains(&json!("organization.set_threshold")) && permissions.is_sorted_by_key(|p| p.as_str()));

    let by_cookie = replica
        .send(TestRequest::get().uri("/api/auth/session").insert_header(("Cookie", format!("__Host-session={}", ada.token))))
        .await;
    assert_eq!(by_cookie.body, session.body);
    let stored = db.query(&format!("select count(*) from sessions where token_hash::text like '%{}%'", ada.token)).await;
    assert_eq!(stored, ["0"], "only the hash is stored");
    let trail = replica.get("/api/audit", &ada.token).await;
    let actions: Vec<_> = trail.body["data"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["auth.register", "organizations.create"]);
    let requests: Vec<_> = trail.body["data"].as_array().unwrap().iter().map(|e| e["requestId"].as_str().unwrap()).collect();
    assert_eq!(requests, [answer.header("x-request-id"); 2]);
    assert_eq!(replica.get("/api/audit/verify", &ada.token).await.body["valid"], true);
}

#[actix_web::test]
async fn an_email_belongs_to_one_account() {
    let (db, replica) = scene().await;
    replica.register("ada").await;
    let body = |email: &str| json!({ "email": email, "password": PASSWORD, "name": "x", "organizationName": "x" });
    assert_eq!(replica.post("/api/auth/register", None, body("ADA@example.COM ")).await.refusal(), (409, "EMAIL_TAKEN"));
    let answers = join_all((0..6).map(|_| replica.post("/api/auth/register", None, body("bob@example.com")))).await;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    let taken = answers.iter().filter(|answer| answer.refusal() == (409, "EMAIL_TAKEN")).count();
    assert_eq!((created, taken), (1, 5));
    assert_eq!(db.query("select count(*) from organizations").await, ["2"], "who lost the race left nothing");
}

#[actix_web::test]
async fn all_faults_of_a_registration_are_told() {
    let (_db, replica) = scene().await;
    let body = json!({ "email": "nobody", "password": "password", "name": " ", "organizationName": "\t" });
    let answer = replica.post("/api/auth/register", None, body).await;
    assert_eq!(answer.refusal(), (422, "INVALID"));
    let faults: Vec<_> = answer.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["pointer"].as_str().unwrap(), e["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        faults,
        [("/email", "INVALID_FORMAT"), ("/name", "REQUIRED"), ("/organizationName", "REQUIRED"), ("/password", "TOO_COMMON")]
    );
}

#[actix_web::test]
async fn a_wrong_password_and_an_unknown_email_look_the_same() {
    let (_db, replica) = scene().await;
    replica.register("ada").await;
    let attempt = async |email: &str, password: &str| {
        let mut answer = replica.post("/api/auth/login", None, json!({ "email": email, "password": password })).await;
        answer.body["requestId"] = json!(null);
        (answer.status.as_u16(), answer.body)
    };
    let (status, wrong) = attempt("ada@example.com", "wrong password").await;
    assert_eq!((status, wrong["code"].as_str()), (401, Some("WRONG_CREDENTIALS")));
    for (email, password) in [("nobody@example.com", PASSWORD), ("nobody", "nobody has this password"), ("", "")] {
        assert_eq!(attempt(email, password).await, (401, wrong.clone()), "{email}");
    }
}

#[actix_web::test]
async fn a_token_that_somebody_planted_stays_what_it_was_when_another_signs_in_with_it() {
    let (_db, replica) = scene().await;
    let (ada, eve) = (replica.register("ada").await, replica.register("eve").await);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    // Eve's own session in Ada's browser, and one that never was.
    for planted in [eve.token.clone(), "0".repeat(eve.token.len())] {
        let request = TestRequest::post().uri("/api/auth/login").insert_header(("Cookie", format!("__Host-session={planted}")));
        let signed_in = replica.send(request.insert_header(("Sec-Fetch-Site", "same-origin")).set_json(&body)).await;
        let account = Account::of(&signed_in);
        assert_eq!((signed_in.status.as_u16(), account.user.as_str()), (200, ada.user.as_str()));
        assert!(account.token != planted && signed_in.header("set-cookie").contains(&account.token));
        assert!(!signed_in.header("set-cookie").contains(&planted));
        let whose = replica.get("/api/auth/session", &planted).await;
        assert_ne!(whose.body["user"]["id"], ada.user.as_str(), "{}", whose.body);
    }
    assert!(replica.is_live(&eve.token).await, "it goes on to be hers");
}

#[actix_web::test]
async fn signing_out_kills_the_token() {
    let (_db, replica) = scene().await;
    let first = replica.register("ada").await;
    let second = Account::of(&replica.login("ada").await);
    let answer = replica.post("/api/auth/logout", Some(&first.token), json!(null)).await;
    assert_eq!(answer.status, 204);
    let removed: Vec<_> = answer.header("set-cookie").lines().collect();
    for name in ["__Host-session", "session"] {
        let removal = format!("{name}=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0");
        assert!(removed.iter().any(|cookie| cookie.starts_with(&removal)), "{name}: {removed:?}");
    }
    assert!(removed.iter().all(|cookie| !cookie.contains("Domain")), "{removed:?}");
    assert_eq!(answer.header("clear-site-data"), r#""storage""#);
    assert_eq!(replica.get("/api/auth/session", &first.token).await.refusal(), (401, "NOT_AUTHENTICATED"));
    assert_eq!(replica.get("/api/auth/session", &second.token).await.status, 200, "the other session lives");
}

#[actix_web::test]
async fn sessions_end_by_themselves() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    replica.clock.advance(TimeDelta::days(30) - TimeDelta::seconds(1));
    assert!(replica.is_live(&ada.token).await);
    replica.clock.advance(TimeDelta::seconds(1));
    assert!(!replica.is_live(&ada.token).await);
}

#[actix_web::test]
async fn switching_moves_to_another_organisation_and_login_remembers_it() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    let made = replica.post("/api/organizations", Some(&ada.token), json!({ "name": "Second", "kind": "contractor" })).await;
    assert_eq!((made.status.as_u16(), made.body["kind"].as_str()), (201, Some("contractor")));
    let second = made.body["id"].as_str().unwrap();
    let all = replica.get("/api/organizations", &ada.token).await;
    let listed: Vec<_> =
        all.body["data"].as_array().unwrap().iter().map(|o| (o["id"].as_str().unwrap(), o["role"].as_str().unwrap())).collect();
    assert_eq!(listed, [(second, "owner"), (ada.org.as_str(), "owner")], "the newest first");

    let switch =
        async |org: &str| replica.post("/api/auth/switch-organization", Some(&ada.token), json!({ "organizationId": org })).await;
    assert_eq!(switch(&bob.org).await.refusal(), (404, "NOT_FOUND"));
    let there = switch(second).await;
    assert_eq!((there.status.as_u16(), there.body["organization"]["id"].as_str()), (200, Some(second)));
    let other_tab = Account::of(&there);
    for (tab, org) in [(&ada, ada.org.as_str()), (&other_tab, second)] {
        let session = replica.get("/api/auth/session", &tab.token).await;
        assert_eq!(session.body["organization"]["id"].as_str(), Some(org), "each goes on in its own organisation");
    }
    assert!(there.header("set-cookie").contains(&other_tab.token), "what goes by the cookie has moved");
    assert_eq!(replica.login("ada").await.body["organization"]["id"].as_str(), Some(second));
}

#[actix_web::test]
async fn a_switch_whose_answer_was_lost_can_be_repeated_with_its_key() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    let made = replica.post("/api/organizations", Some(&ada.token), json!({ "name": "Second", "kind": "contractor" })).await;
    let second = made.body["id"].as_str().unwrap().to_owned();
    let switch = async |token: &str, key: &str, org: &str| {
        let request = TestRequest::post().uri("/api/auth/switch-organization").set_json(json!({ "organizationId": org }));
        let request = request.insert_header(("Authorization", format!("Bearer {token}"))).insert_header(("Idempotency-Key", key));
        replica.send(request).await
    };
    let first = switch(&ada.token, "k1", &second).await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (200, ""));
    let token = first.body["accessToken"].as_str().unwrap().to_owned();
    let again = switch(&ada.token, "k1", &second).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (200, "true"));
    assert_eq!(again.body, first.body, "the same live token");
    assert!(replica.is_live(&token).await && replica.is_live(&ada.token).await);
    assert_eq!(db.query(&format!("select count(*) from sessions where user_id = '{}'", ada.user)).await, ["2"], "one switch");
    let other = switch(&ada.token, "k2", &second).await;
    assert_eq!((other.status.as_u16(), other.header("idempotency-replayed")), (200, ""), "another key, another session");
    assert_ne!(other.body["accessToken"], first.body["accessToken"]);
    assert_eq!(switch(&bob.token, "k1", &second).await.refusal(), (404, "NOT_FOUND"));
    assert_eq!(switch(&"x".repeat(43), "k1", &second).await.refusal(), (401, "NOT_AUTHENTICATED"));
    replica.post("/api/auth/logout", Some(&token), json!(null)).await;
    assert!(
        !replica.is_live(&token).await && !replica.is_live(&ada.token).await,
        "signed out is signed out, in every organisation"
    );
    assert_eq!(switch(&ada.token, "k1", &second).await.refusal(), (401, "NOT_AUTHENTICATED"));
}

#[actix_web::test]
async fn a_flood_of_sign_ins_is_turned_away_not_queued() {
    let db = Database::fresh().await;
    let replica =
        Replica::of(&db, auth::Settings { hash_threads: 1, hash_queue: 0, wrong_per_email: 100, ..auth::Settings::default() })
            .await;
    replica.register("ada").await;
    let answers = join_all((0..12).map(|_| replica.login("ada"))).await;
    let (mut right, mut busy) = (0, 0);
    for answer in &answers {
        match answer.status.as_u16() {
            200 => right += 1,
            503 => {
                assert!(!answer.header("retry-after").is_empty());
                busy += 1;
            }
            other => panic!("{other}: {}", answer.body),
        }
    }
    assert!(right >= 1 && busy >= 1, "{right} right, {busy} busy");
    assert_eq!(replica.login("ada").await.status, 200);
}

#[actix_web::test]
async fn guesses_at_one_email_are_few_whether_anybody_has_it() {
    let db = Database::fresh().await;
    let replica = Replica::of(&db, auth::Settings { wrong_per_email: 3, ..auth::Settings::default() }).await;
    replica.register("ada").await;
    replica.register("bob").await;
    let guess = async |email: &str| {
        let mut answer = replica.post("/api/auth/login", None, json!({ "email": email, "password": "wrong password" })).await;
        answer.body["requestId"] = json!(null);
        (answer.status.as_u16(), answer.body)
    };
    assert_eq!(replica.login("ada").await.status, 200);
    let mut refusals = Vec::new();
    for (first, again) in [("ada@example.com", " ADA@example.com"), ("nobody@example.com", "Nobody@Example.com ")] {
        for email in [first, again, first] {
            assert_eq!(guess(email).await.0, 401, "the right password before started anew");
        }
        let (status, body) = guess(again).await;
        assert_eq!((status, body["code"].as_str(), body["limit"].as_str()), (429, Some("RATE_LIMITED"), Some("attempts")));
        refusals.push(body);
    }
    assert_eq!(refusals[0], refusals[1]);
    replica.clock.advance(TimeDelta::seconds(1));
    let waits = replica.login("ada").await;
    assert_eq!(waits.refusal(), (429, "RATE_LIMITED"), "the right one has to wait as well");
    assert_eq!(waits.header("retry-after"), "59", "until the pause is over");
    assert_eq!(
        (waits.header("ratelimit-policy"), waits.header("ratelimit")),
        ("\"attempts\";q=3;w=3600", "\"attempts\";r=0;t=59")
    );
    assert_eq!(replica.login("bob").await.status, 200);
    replica.clock.advance(TimeDelta::minutes(1));
    assert_eq!(replica.login("ada").await.status, 200);
}

#[actix_web::test]
async fn a_password_that_was_hashed_weaker_is_hashed_anew() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    // PASSWORD with 8 KiB and one pass.
    let weak = "$argon2id$v=19$m=8,t=1,p=1$uyhKTmB+Lr5mJgdkhIGMCA$CV2ojpbfsxncjYtcyvBIDKluyytRN47dMAwjaCXIwwE";
    db.run_sql(&format!("update credentials set password_hash = '{weak}'")).await;
    let stored = format!("select password_hash from credentials where user_id = '{}'", ada.user);
    let wrong = json!({ "email": "ada@example.com", "password": "wrong password" });
    assert_eq!(replica.post("/api/auth/login", None, wrong).await.status, 401);
    assert_eq!(db.query(&stored).await, [weak]);
    assert_eq!(replica.login("ada").await.status, 200);
    let stronger = db.query(&stored).await.remove(0);
    assert!(stronger.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stronger}");
    assert_eq!(replica.login("ada").await.status, 200);
    assert_eq!(db.query(&stored).await, [stronger]);
}

#[actix_web::test]
async fn nonsense_tokens_are_nobody() {
    let (_db, replica) = scene().await;
    for token in ["x", &"A".repeat(43), &"é".repeat(43)] {
        assert!(!replica.is_live(token).await);
    }
}

#[actix_web::test]
async fn old_sessions_are_purged() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let now = kernel::Clock::now(&*replica.clock);
    assert_eq!(replica.auth.purge(now).await.unwrap(), 0);
    assert!(replica.is_live(&ada.token).await);
    assert_eq!(replica.auth.purge(now + TimeDelta::days(31)).await.unwrap(), 1);
    assert_eq!(db.query("select count(*) from sessions").await, ["0"]);
}

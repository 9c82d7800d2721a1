//! Support: an organisation consents, an operator looks, and nothing else happens.

use actix_web::test::TestRequest;
use auth::{StartedSupport, SupportError};
use chrono::{SubsecRound, TimeDelta};
use kernel::{Decision, Operator};
use mail_api::{Content, Language};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::replicas::pair;
use crate::scenery::{Account, Answer, Replica, scene};

const ACCESS: &str = "/api/organization/support-access";
const REFUSED: (u16, &str) = (403, "NOT_FOR_SUPPORT");
const NOBODY: (u16, &str) = (401, "NOT_AUTHENTICATED");

fn olga() -> Operator {
    "Olga Operator".parse().unwrap()
}

fn ticket() -> Decision {
    Decision { operator: olga(), reason: Some("Ticket 4711".parse().unwrap()) }
}

async fn consent(replica: &Replica, by: &Account, hours: u32) -> Answer {
    replica.post(ACCESS, Some(&by.token), json!({ "reason": " A list is empty ", "hours": hours })).await
}

async fn start(replica: &Replica, at: &Account) -> Result<StartedSupport, SupportError> {
    replica.desk.start(at.org.parse().unwrap(), &ticket(), 60, Language::English).await
}

/// The token of a session, in an organisation that has consented.
async fn looking(replica: &Replica, at: &Account) -> (String, StartedSupport) {
    let started = start(replica, at).await.unwrap();
    (started.token.expose_secret().to_owned(), started)
}

/// What the trail says of one thing, newest first: verbs, and what was recorded last.
async fn trail(replica: &Replica, of: &Account, about: &str) -> (Vec<String>, Value) {
    let entries = replica.get(&format!("/api/audit?{about}"), &of.token).await.body["data"].take();
    let actions = entries.as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap().to_owned());
    (actions.collect(), entries[0].clone())
}

#[actix_web::test]
async fn an_operator_reads_what_the_organisation_consented_to_and_both_trails_say_what() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    assert!(matches!(start(&replica, &ada).await, Err(SupportError::NoConsent(_))));
    let granted = consent(&replica, &ada, 2).await;
    assert_eq!((granted.status.as_u16(), granted.header("location")), (201, ACCESS), "{}", granted.body);
    assert_eq!((&granted.body["reason"], &granted.body["live"]), (&json!("A list is empty"), &json!(true)));

    let (token, started) = looking(&replica, &ada).await;
    assert_eq!(started.organization, "ada works");
    for path in ["/api/organization", "/api/users", "/api/users"] {
        assert_eq!(replica.get(path, &token).await.status, 200, "{path}");
    }
    let head = TestRequest::default().method(actix_web::http::Method::HEAD).uri("/api/users");
    let head = head.insert_header(("Authorization", format!("Bearer {token}")));
    assert_eq!(replica.send(head).await.status, 200);
    let invitation = json!({ "email": "eve@example.com" });
    assert_eq!(replica.post("/api/users", Some(&token), invitation).await.refusal(), REFUSED);
    for path in ["/api/audit", "/api/user", "/api/api-keys", ACCESS] {
        assert_eq!(replica.get(path, &token).await.refusal(), REFUSED, "{path}");
    }
    assert_eq!(replica.get("/api/nowhere", &token).await.refusal(), (404, "NOT_FOUND"));
    assert_eq!(db.query("select count(*) from member_invitations").await, ["0"]);

    let seen = replica.get(ACCESS, &ada.token).await;
    let session = &seen.body["data"][0]["sessions"][0];
    assert_eq!((&session["operator"], &session["reason"]), (&json!("Olga Operator"), &json!("Ticket 4711")));
    assert_eq!((&session["reads"], &session["refusals"], &session["live"]), (&json!(4), &json!(5), &json!(true)));
    let ended = replica.desk.end(started.id, &olga()).await.unwrap();
    assert_eq!(ended.to_string(), ada.org);
    assert!(matches!(replica.desk.end(started.id, &olga()).await, Err(SupportError::NoSession(_))));
    assert_eq!(replica.get("/api/users", &token).await.refusal(), NOBODY);

    let (actions, last) = trail(&replica, &ada, &format!("entityId={}", started.id)).await;
    let actions: Vec<_> = actions.iter().map(|action| action.strip_prefix("support_access.").unwrap()).collect();
    assert_eq!(actions, ["end", "refuse", "refuse", "refuse", "refuse", "refuse", "read", "read", "start"]);
    let expected = json!({
        "operator": "Olga Operator", "endedFor": "operator", "endedBy": "Olga Operator",
        "reads": { "GET /api/organization": 1, "GET /api/users": 3 },
        "refusals": {
            "POST /api/users": 1, "GET /api/audit": 1, "GET /api/user": 1, "GET /api/api-keys": 1, "GET /api/organization/support-access": 1
        }
    });
    assert_eq!((&last["after"], &last["actorId"]), (&expected, &Value::Null));
    let seen = replica.get(ACCESS, &ada.token).await;
    let session = &seen.body["data"][0]["sessions"][0];
    assert_eq!((&session["endedFor"], &session["live"]), (&json!("operator"), &json!(false)));
    let told = ["support_access_granted", "support_session_started", "support_session_ended"];
    for list in ["security_events where organization", "organization_events where org_id"] {
        let sql = format!("select kind from {list} = '{}' and kind like 'support%' order by at, id", ada.org);
        assert_eq!(db.query(&sql).await, told, "{list}");
    }
    // What opens an organisation stands nowhere.
    for table in ["audit_entries", "support_sessions", "support_requests", "security_events", "organization_events"] {
        let sql = format!("select count(*) from {table} t where t::text like '%b14_support%'");
        assert_eq!(db.query(&sql).await, ["0"], "{table}");
    }
}

#[actix_web::test]
async fn the_owners_are_told_who_looks_and_why_and_nobody_else_is() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "admin").await;
    assert_eq!(consent(&replica, &ada, 1).await.status, 201);
    let (_, started) = looking(&replica, &ada).await;
    let told = replica.mails.to("ada@example.com").pop().unwrap().content;
    let Content::SupportStarted { organization, operator, reason, until, .. } = &told else { panic!("{told:?}") };
    assert_eq!([organization, operator, reason].map(String::as_str), ["ada works", "Olga Operator", "Ticket 4711"]);
    assert_eq!(*until, started.expires_at);
    assert!(!replica.mails.to("bob@example.com").iter().any(|mail| matches!(mail.content, Content::SupportStarted { .. })));
}

#[actix_web::test]
async fn what_is_taken_back_is_dead_on_every_replica_with_the_answer() {
    let (_db, a, b) = pair().await;
    let ada = a.register("ada").await;
    assert_eq!(consent(&a, &ada, 1).await.status, 201);
    let (token, started) = looking(&a, &ada).await;
    for replica in [&a, &b] {
        assert_eq!(replica.get("/api/organization", &token).await.status, 200);
    }
    assert_eq!(a.delete(ACCESS, &ada.token).await.status, 204);
    for replica in [&b, &a] {
        assert_eq!(replica.get("/api/organization", &token).await.refusal(), NOBODY);
    }
    assert_eq!(a.delete(ACCESS, &ada.token).await.status, 204, "where nobody consents, nothing happens");
    assert!(matches!(start(&a, &ada).await, Err(SupportError::NoConsent(_))));
    let (actions, last) = trail(&a, &ada, &format!("entityId={}", started.id)).await;
    assert_eq!(actions, ["support_access.end", "support_access.read", "support_access.start"]);
    assert_eq!((&last["after"]["endedFor"], &last["actorId"]), (&json!("revoked"), &json!(ada.user)));
    assert_eq!(last["after"]["reads"], json!({ "GET /api/organization": 2 }));
    let (actions, _) = trail(&a, &ada, "entityType=support_consent").await;
    assert_eq!(actions, ["support_access.revoke", "support_access.grant"]);
}

#[actix_web::test]
async fn a_session_ends_within_an_hour_and_with_the_consent() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let granted = consent(&replica, &ada, 2).await;
    let (first, started) = looking(&replica, &ada).await;
    assert_eq!(started.expires_at, replica.clock_now().trunc_subsecs(6) + TimeDelta::hours(1));
    replica.clock.advance(TimeDelta::minutes(59));
    assert_eq!(replica.get("/api/organization", &first).await.status, 200);
    replica.clock.advance(TimeDelta::minutes(1));
    assert_eq!(replica.get("/api/organization", &first).await.refusal(), NOBODY);
    replica.clock.advance(TimeDelta::minutes(30));
    let (second, started) = looking(&replica, &ada).await;
    assert_eq!(json!(started.expires_at), granted.body["expiresAt"], "no longer than the consent");
    replica.clock.advance(TimeDelta::minutes(30));
    assert_eq!(replica.get("/api/organization", &second).await.refusal(), NOBODY);
    assert!(matches!(start(&replica, &ada).await, Err(SupportError::NoConsent(_))));

    // Another consent stands in for one that nobody has ended yet, and ends it; the sweep ends what nobody asked for.
    assert_eq!(consent(&replica, &ada, 1).await.refusal(), (403, "STEP_UP_REQUIRED"));
    let ada = Account::of(&replica.login("ada").await);
    assert_eq!(consent(&replica, &ada, 1).await.status, 201);
    assert_eq!(
        trail(&replica, &ada, "entityType=support_consent").await.0,
        ["support_access.grant", "support_access.lapse", "support_access.grant"]
    );
    replica.clock.advance(TimeDelta::hours(1));
    replica.auth.end_support_over().await.unwrap();
    assert_eq!(trail(&replica, &ada, "entityType=support_consent").await.0[0], "support_access.lapse");
    for table in ["support_consents", "support_sessions"] {
        assert_eq!(db.query(&format!("select ended_for from {table}")).await, ["over", "over"], "{table}");
    }
}

#[actix_web::test]
async fn only_who_manages_support_consents_once_at_a_time_and_for_three_days_at_most() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "member").await;
    let there = replica.post("/api/auth/switch-organization", Some(&bob.token), json!({ "organizationId": ada.org })).await;
    let bob = Account::of(&there);
    for refused in
        [consent(&replica, &bob, 1).await, replica.get(ACCESS, &bob.token).await, replica.delete(ACCESS, &bob.token).await]
    {
        assert_eq!(refused.refusal(), (403, "PERMISSION_DENIED"));
    }
    let key = json!({ "name": "K", "scopes": ["support_access.read"] });
    let key = replica.post("/api/api-keys", Some(&ada.token), key).await.body["secret"].as_str().unwrap().to_owned();
    assert_eq!(replica.get(ACCESS, &key).await.status, 200);
    assert_eq!(replica.delete(ACCESS, &key).await.refusal(), (403, "PERSON_REQUIRED"));
    for hours in [0, 73] {
        let refused = consent(&replica, &ada, hours).await;
        assert_eq!((refused.refusal(), &refused.body["errors"][0]["pointer"]), ((422, "INVALID"), &json!("/hours")));
    }
    assert_eq!(consent(&replica, &ada, 72).await.status, 201);
    assert_eq!(consent(&replica, &ada, 1).await.refusal(), (409, "STATE_CONFLICT"));
    let org = ada.org.parse().unwrap();
    let silent = Decision { operator: olga(), reason: None };
    assert!(matches!(replica.desk.start(org, &silent, 60, Language::English).await, Err(SupportError::Reason)));
    for minutes in [0, 61] {
        assert!(matches!(replica.desk.start(org, &ticket(), minutes, Language::English).await, Err(SupportError::Minutes)));
    }
    for _ in 0..20 {
        start(&replica, &ada).await.unwrap();
    }
    assert!(matches!(start(&replica, &ada).await, Err(SupportError::TooMany(_))));
    let register = replica.desk.list(false).await.unwrap();
    assert_eq!((register.consents.len(), register.sessions.len()), (1, 20));
}

#[actix_web::test]
async fn support_sees_one_organisation_and_its_token_is_no_cookie() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    assert_eq!(consent(&replica, &ada, 1).await.status, 201);
    let (token, _) = looking(&replica, &ada).await;
    assert!(matches!(start(&replica, &bob).await, Err(SupportError::NoConsent(_))));
    assert_eq!(replica.get(&format!("/api/users/{}", bob.user), &token).await.refusal(), (404, "NOT_FOUND"));
    assert_eq!(replica.get("/api/organization", &token).await.body["id"], json!(ada.org));
    assert_eq!(replica.get("/api/organizations", &token).await.refusal(), REFUSED, "whose other ones would they be");
    let cookies = format!("__Host-session={token}; session={token}");
    let by_cookie = TestRequest::get().uri("/api/organization").insert_header(("Cookie", cookies));
    assert_eq!(replica.send(by_cookie).await.refusal(), NOBODY);
    let mut wrong = token.into_bytes();
    wrong[20] = if wrong[20] == b'x' { b'y' } else { b'x' };
    assert_eq!(replica.get("/api/organization", std::str::from_utf8(&wrong).unwrap()).await.refusal(), NOBODY);
}

#[actix_web::test]
async fn nobody_looks_at_an_organisation_that_is_suspended_or_leaves() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    assert_eq!(consent(&replica, &ada, 1).await.status, 201);
    let (token, _) = looking(&replica, &ada).await;
    let org = ada.org.parse().unwrap();
    replica.suspensions.suspend(org, &ticket(), Language::English).await.unwrap();
    assert_eq!(replica.get("/api/organization", &token).await.refusal(), (403, "ORGANIZATION_SUSPENDED"));
    assert!(matches!(start(&replica, &ada).await, Err(SupportError::Suspended(_))));
    replica.suspensions.resume(org, &ticket(), Language::English).await.unwrap();
    assert_eq!(replica.get("/api/organization", &token).await.status, 200);

    assert_eq!(replica.delete("/api/organization", &ada.token).await.status, 204);
    assert_eq!(replica.get("/api/organization", &token).await.refusal(), NOBODY);
    assert!(matches!(start(&replica, &ada).await, Err(SupportError::Leaving(_))));
    for table in ["support_consents", "support_sessions"] {
        assert_eq!(db.query(&format!("select ended_for from {table}")).await, ["leaving"], "{table}");
    }
}

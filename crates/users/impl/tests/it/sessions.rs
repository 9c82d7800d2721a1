//! One's own password, sessions and security events.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use auth_api::{Sessions as _, Teams};
use chrono::TimeDelta;
use futures::future::join_all;
use kernel::{Fault, OrgId, ProjectId, ProjectRole, UserId};
use serde_json::{Value, json};
use testkit::Database;
use uow::{ReadTx, Tx};

use crate::scenery::{Account, PASSWORD, Replica, scene};

const NEW: &str = "another good password";

fn change(current: &str, new: &str) -> Value {
    json!({ "currentPassword": current, "newPassword": new })
}

async fn kinds(replica: &Replica, who: &Account) -> Vec<String> {
    let events = replica.get("/api/user/security-events", &who.token).await;
    events.body["data"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn a_changed_password_is_the_only_one_and_ends_all_other_sessions() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let other = Account::of(&replica.login("ada").await);
    let changed = replica.put("/api/user/password", &ada.token, change(PASSWORD, NEW)).await;
    assert_eq!(changed.status, 204, "{}", changed.body);
    assert!(replica.is_live(&ada.token).await && !replica.is_live(&other.token).await);
    assert_eq!(replica.login("ada").await.refusal(), (401, "WRONG_CREDENTIALS"));
    let login = json!({ "email": "ada@example.com", "password": NEW });
    assert_eq!(replica.post("/api/auth/login", None, login).await.status, 200);
    let trail = replica.get("/api/audit?action=auth.change_password", &ada.token).await;
    assert_eq!(
        (&trail.body["data"][0]["actorId"], &trail.body["data"][0]["after"]),
        (&json!(ada.user), &json!({ "endedSessions": 1 }))
    );
    assert_eq!(kinds(&replica, &ada).await, ["sign_in_failed", "password_changed"]);
}

#[actix_web::test]
async fn the_present_password_is_asked_and_few_are_tried() {
    let db = Database::fresh().await;
    let replica = Replica::of(&db, auth::Settings { wrong_per_email: 3, ..auth::Settings::default() }).await;
    let ada = replica.register("ada").await;
    let try_it = async |current: &str, new: &str| {
        let answer = replica.put("/api/user/password", &ada.token, change(current, new)).await;
        let text = |pointer: &str| answer.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        (answer.status.as_u16(), text("/errors/0/pointer"), text("/errors/0/code"))
    };
    let refused = |pointer: &str, code: &str| (422, pointer.to_owned(), code.to_owned());
    assert_eq!(try_it(PASSWORD, "password123").await, refused("/newPassword", "TOO_COMMON"));
    assert_eq!(try_it(PASSWORD, PASSWORD).await, refused("/newPassword", "SAME_AS_BEFORE"));
    for _ in 0..3 {
        assert_eq!(try_it("wrong password", NEW).await, refused("/currentPassword", "WRONG_PASSWORD"));
    }
    for _ in 0..2 {
        assert_eq!(replica.put("/api/user/password", &ada.token, change(PASSWORD, NEW)).await.refusal(), (429, "RATE_LIMITED"));
    }
    assert_eq!(replica.login("ada").await.status, 200, "sign-ins are counted apart");
    replica.clock.advance(TimeDelta::minutes(1));
    assert_eq!(try_it(PASSWORD, NEW).await.0, 204);
    let failed = "password_change_failed";
    assert_eq!(kinds(&replica, &ada).await, ["password_changed", "password_change_limited", failed, failed, failed]);
}

#[actix_web::test]
async fn a_person_has_so_many_sessions_and_of_more_the_oldest_end() {
    let db = Database::fresh().await;
    let replica = Replica::of(&db, auth::Settings { sessions_per_person: 3, ..auth::Settings::default() }).await;
    let (first, bob) = (replica.register("ada").await, replica.register("bob").await);
    let mut all = vec![first];
    for _ in 0..4 {
        replica.clock.advance(TimeDelta::seconds(1));
        all.push(Account::of(&replica.login("ada").await));
    }
    let mut live = Vec::new();
    for one in &all {
        live.push(replica.is_live(&one.token).await);
    }
    assert_eq!(live, [false, false, true, true, true]);
    assert!(replica.is_live(&bob.token).await, "another's do not count");
    join_all((0..6).map(|_| replica.login("ada"))).await;
    let counted = format!("select count(*) from sessions where ended_at is null and user_id = '{}'", all[0].user);
    assert_eq!(db.query(&counted).await, ["3"], "however many at once");
}

#[actix_web::test]
async fn sessions_are_listed_and_ended() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.clock.advance(TimeDelta::seconds(1));
    let second = Account::of(&replica.login("ada").await);
    replica.clock.advance(TimeDelta::seconds(1));
    let third = Account::of(&replica.login("ada").await);
    let listed = replica.get("/api/user/sessions", &ada.token).await;
    let listed = listed.body["data"].as_array().unwrap();
    let current: Vec<_> = listed.iter().map(|one| one["current"].as_bool().unwrap()).collect();
    assert_eq!(current, [false, false, true], "newest first");
    let path = format!("/api/user/sessions/{}", listed[1]["id"].as_str().unwrap());
    assert_eq!(replica.delete(&path, &bob.token).await.refusal(), (404, "NOT_FOUND"));
    let ended = replica.delete(&path, &ada.token).await;
    assert_eq!(ended.status, 204);
    assert_eq!((ended.header("set-cookie"), ended.header("clear-site-data")), ("", ""), "this browser stays signed in");
    assert_eq!(replica.delete(&path, &ada.token).await.refusal(), (404, "NOT_FOUND"));
    assert!(!replica.is_live(&second.token).await && replica.is_live(&third.token).await);
    assert_eq!(replica.delete("/api/user/sessions", &ada.token).await.status, 204);
    assert!(replica.is_live(&ada.token).await && !replica.is_live(&third.token).await && replica.is_live(&bob.token).await);
}

#[actix_web::test]
async fn whoever_ends_their_own_session_is_signed_out() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let listed = replica.get("/api/user/sessions", &ada.token).await;
    let own = listed.body["data"][0]["id"].as_str().unwrap();
    let ended = replica.delete(&format!("/api/user/sessions/{own}"), &ada.token).await;
    let again = replica.login("ada").await;
    let out = replica.post("/api/auth/logout", Some(&Account::of(&again).token), json!(null)).await;
    assert_eq!((ended.status.as_u16(), ended.header("clear-site-data")), (204, out.header("clear-site-data")));
    assert_eq!(ended.removed_cookies(), out.removed_cookies(), "as when signing out");
    assert_eq!(ended.removed_cookies().len(), 2);
    assert!(!replica.is_live(&ada.token).await);
}

#[actix_web::test]
async fn failed_sign_ins_are_security_events_without_what_was_tried() {
    let db = Database::fresh().await;
    let replica = Replica::of(&db, auth::Settings { wrong_per_email: 2, ..auth::Settings::default() }).await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    for email in ["ada@example.com", "nobody@example.com"] {
        for _ in 0..5 {
            replica.post("/api/auth/login", None, json!({ "email": email, "password": "a wrong secret" })).await;
        }
    }
    assert_eq!(kinds(&replica, &ada).await, ["sign_in_limited", "sign_in_failed", "sign_in_failed"], "a spent limit once");
    assert_eq!(kinds(&replica, &bob).await, [] as [&str; 0]);
    let rows = db.query("select count(*) from security_events where user_id is null").await;
    assert_eq!(rows, ["3"], "of an unknown email the same");
    let told = db.query("select string_agg(to_jsonb(e)::text, '') from security_events e").await.remove(0);
    for secret in ["nobody", "example", "secret"] {
        assert!(!told.contains(secret), "{told}");
    }
    let now = kernel::Clock::now(&*replica.clock);
    replica.auth.purge(now).await.unwrap();
    assert_eq!(db.query("select count(*) from security_events").await, ["6"]);
    replica.clock.advance(TimeDelta::days(91));
    replica.auth.purge(now).await.unwrap();
    assert_eq!(db.query("select count(*) from security_events").await, ["0"]);
}

#[actix_web::test]
async fn no_flood_of_events_hides_one() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let change = replica.put("/api/user/password", &ada.token, change(PASSWORD, NEW)).await;
    assert_eq!(change.status, 204, "{}", change.body);
    // More than any page has, and several of one instant.
    db.run_sql(&format!(
        "insert into security_events (id, at, kind, user_id, request_id)
         select gen_random_uuid(), now() + n / 3 * interval '1 second', 'sign_in_failed', '{}', 'r' from generate_series(3, 107) n",
        ada.user
    ))
    .await;
    let (mut cursor, mut kinds, mut pages) = (String::new(), Vec::new(), Vec::new());
    loop {
        let page = replica.get(&format!("/api/user/security-events?limit=50{cursor}"), &ada.token).await;
        let events = page.body["data"].as_array().unwrap();
        pages.push(events.len());
        kinds.extend(events.iter().map(|event| event["kind"].as_str().unwrap().to_owned()));
        match page.body["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(pages, [50, 50, 6]);
    assert_eq!(kinds.iter().position(|kind| kind == "password_changed"), Some(105));
    assert_eq!(replica.get("/api/user/security-events?limit=101", &ada.token).await.refusal(), (422, "INVALID"));
}

/// Counts how often roles in teams are read.
#[derive(Default)]
struct Counting(AtomicUsize);

#[async_trait]
impl Teams for Counting {
    async fn roles(&self, _: &ReadTx<'_>, _: OrgId, _: UserId) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Vec::new())
    }

    async fn roles_among(
        &self,
        _: &ReadTx<'_>,
        _: OrgId,
        _: UserId,
        _: &[ProjectId],
    ) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Vec::new())
    }

    async fn leave_in(&self, _: &mut Tx, _: OrgId, _: UserId) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
        Ok(Vec::new())
    }
}

#[actix_web::test]
async fn the_roles_in_teams_of_owners_and_admins_are_never_read() {
    let (db, teams) = (Database::fresh().await, Arc::new(Counting::default()));
    let replica = Replica::with_teams(&db, auth::Settings::default(), teams.clone()).await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.auth.resolve(&ada.token).await.unwrap();
    replica.login("ada").await;
    replica.join(&ada, &bob, "admin").await;
    let there = json!({ "organizationId": ada.org });
    let admin = Account::of(&replica.post("/api/auth/switch-organization", Some(&bob.token), there).await);
    replica.auth.resolve(&admin.token).await.unwrap();
    assert_eq!(teams.0.load(Ordering::SeqCst), 0);
    replica.put(&format!("/api/users/{}", bob.user), &ada.token, json!({ "role": "member" })).await;
    replica.auth.resolve(&admin.token).await.unwrap();
    assert_eq!(teams.0.load(Ordering::SeqCst), 1, "a member's are");
}

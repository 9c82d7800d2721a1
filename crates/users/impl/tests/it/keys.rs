//! API keys over HTTP: what they may, until when, from where, and what of them is told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::test::TestRequest;
use async_trait::async_trait;
use auth_api::Sessions as _;
use chrono::TimeDelta;
use kernel::{Ctx, Fault};
use serde_json::{Value, json};
use testkit::{Database, until};
use tokio::sync::Notify;
use uow::{ReadBackend, SystemUow, TxBackend};

use crate::replicas::pair;
use crate::scenery::{Account, Answer, NoTeams, Replica, scene, with};

const MATRIX: &str = include_str!("../../../../../config/authz/matrix.txt");

/// A key as its maker gets it: itself, and its id.
struct Key {
    secret: String,
    id: String,
}

impl Key {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 201, "{}", answer.body);
        let text = |pointer: &str| answer.body.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
        Self { secret: text("/secret"), id: text("/apiKey/id") }
    }

    fn path(&self) -> String {
        format!("/api/api-keys/{}", self.id)
    }
}

async fn key(replica: &Replica, by: &Account, scopes: &[&str]) -> Key {
    Key::of(&replica.post("/api/api-keys", Some(&by.token), json!({ "name": "Books", "scopes": scopes })).await)
}

/// A member of the organisation of `by`, signed in there.
async fn colleague(replica: &Replica, by: &Account, name: &str, role: &str) -> Account {
    let who = replica.register(name).await;
    replica.join(by, &who, role).await;
    let there = json!({ "organizationId": by.org });
    Account::of(&replica.post("/api/auth/switch-organization", Some(&who.token), there).await)
}

async fn from(replica: &Replica, token: &str, address: &str) -> Answer {
    let peer: SocketAddr = format!("{address}:4711").parse().unwrap();
    replica.send(with(TestRequest::get().uri("/api/users").peer_addr(peer), Some(token))).await
}

#[actix_web::test]
async fn a_key_opens_what_its_scopes_allow_and_nothing_else() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let made = replica.post("/api/api-keys", Some(&ada.token), json!({ "name": " Books ", "scopes": ["members.read"] })).await;
    let key = Key::of(&made);
    assert!(key.secret.starts_with("b14_live_") && made.header("location") == key.path());
    assert_eq!((&made.body["apiKey"]["name"], &made.body["apiKey"]["prefix"]), (&json!("Books"), &json!(&key.secret[..12])));
    assert_eq!(replica.get("/api/users", &key.secret).await.status, 200);
    let refused = replica.get("/api/audit", &key.secret).await;
    assert_eq!((refused.refusal(), &refused.body["missingPermission"]), ((403, "PERMISSION_DENIED"), &json!("audit.read")));

    let shown = replica.get(&key.path(), &ada.token).await;
    assert_eq!((shown.status.as_u16(), &shown.body["revokedAt"]), (200, &Value::Null));
    let listed = replica.get("/api/api-keys", &ada.token).await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 1);
    for told in [&shown.body, &listed.body] {
        assert!(!told.to_string().contains(&key.secret), "{told}");
    }

    let mut wrong = key.secret.clone().into_bytes();
    wrong[20] = if wrong[20] == b'x' { b'y' } else { b'x' };
    assert_eq!(replica.get("/api/users", std::str::from_utf8(&wrong).unwrap()).await.refusal(), (401, "NOT_AUTHENTICATED"));
    let cookie = TestRequest::get().uri("/api/users").insert_header(("Cookie", format!("__Host-session={}", key.secret)));
    assert_eq!(replica.send(cookie).await.status, 401, "no browser brings a key along");
}

#[actix_web::test]
async fn a_key_is_no_person() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    let key = key(&replica, &ada, &["organization.read", "organization.update", "members.read", "api_keys.read"]).await;
    let (own, other) = (format!("/api/users/{}", ada.user), format!("/api/users/{}", bob.user));
    for path in ["/api/user", "/api/user/sessions", "/api/auth/session", "/api/invitations", "/api/organizations"] {
        assert_eq!(replica.get(path, &key.secret).await.refusal(), (403, "PERSON_REQUIRED"), "{path}");
    }
    for (path, body) in [
        ("/api/auth/logout", json!(null)),
        ("/api/auth/switch-organization", json!({ "organizationId": ada.org })),
        ("/api/users", json!({ "email": "new@example.com" })),
        ("/api/organizations", json!({ "name": "Another" })),
        ("/api/api-keys", json!({ "name": "Another", "scopes": ["members.read"] })),
    ] {
        assert_eq!(replica.post(path, Some(&key.secret), body).await.refusal(), (403, "PERSON_REQUIRED"), "{path}");
    }
    assert_eq!(replica.put(&own, &key.secret, json!({ "role": "owner" })).await.refusal(), (403, "PERSON_REQUIRED"));
    for path in [&own, &other, &"/api/user".to_owned(), &key.path()] {
        assert_eq!(replica.delete(path, &key.secret).await.refusal(), (403, "PERSON_REQUIRED"), "{path}");
    }
    let refused = replica.post("/api/users", Some(&key.secret), json!({ "email": "new@example.com" })).await;
    assert_eq!(refused.body["missingPermission"], "members.manage", "and stands in the trail as a denial");

    // What is no route of its own is refused by the permission, which no key has.
    let threshold = json!({ "approvalThreshold": { "amount": "1.00", "currency": "EUR" } });
    let refused = replica.patch("/api/organization", &key.secret, threshold).await;
    assert_eq!(refused.body["missingPermission"], "organization.set_threshold");
    assert_eq!(replica.patch("/api/organization", &key.secret, json!({ "name": "Renamed" })).await.status, 200);
    assert_eq!(replica.get("/api/api-keys", &key.secret).await.status, 200);
}

#[actix_web::test]
async fn what_no_key_can_be_is_told_with_its_place() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let ends = replica.clock_now() + TimeDelta::days(401);
    let body = json!({ "name": "Books", "scopes": ["members.read", "members.raed", "contracts.sign_owner"], "expiresAt": ends });
    let refused = replica.post("/api/api-keys", Some(&ada.token), body).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let faults = refused.body["errors"].as_array().unwrap().iter();
    let faults: Vec<_> = faults.map(|fault| format!("{} {}", text(&fault["pointer"]), text(&fault["code"]))).collect();
    assert_eq!(faults, ["/scopes/1 NOT_ONE_OF", "/scopes/2 PERSON_REQUIRED", "/expiresAt OUT_OF_RANGE"]);

    db.run_sql(&format!(
        "insert into api_keys (org_id, id, name, shown, hash, scopes, created_by, expires_at)
         select '{}', gen_random_uuid(), 'n', 'b14_live_xxx', sha256(n::text::bytea), '{{members.read}}', '{}', now() + interval '1 day'
         from generate_series(1, 100) n",
        ada.org, ada.user
    ))
    .await;
    let body = json!({ "name": "Books", "scopes": ["members.read"] });
    assert_eq!(replica.post("/api/api-keys", Some(&ada.token), body.clone()).await.refusal(), (409, "TOO_MANY_KEYS"));
    db.run_sql(
        "update api_keys set revoked_at = now(), revoked_for = 'person' where id = (select min(id::text)::uuid from api_keys)",
    )
    .await;
    assert_eq!(replica.post("/api/api-keys", Some(&ada.token), body).await.status, 201, "those that ended do not count");
}

#[actix_web::test]
async fn nobody_gives_a_key_what_they_have_not_got() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let bob = colleague(&replica, &ada, "bob", "admin").await;
    let held = auth_api::matrix::held(MATRIX).unwrap();
    let rows = held.iter().filter(|held| (held.role, held.permission) != ("admin", "audit.read"));
    let rows: Vec<_> = rows.map(|held| format!("p, {}, {}, {}", held.role, held.domain, held.permission)).collect();
    replica.policy.replace(&rows.join("\n")).await.unwrap();

    let body = json!({ "name": "Books", "scopes": ["members.read", "audit.read"] });
    let refused = replica.post("/api/api-keys", Some(&bob.token), body.clone()).await;
    assert_eq!((refused.refusal(), &refused.body["missingPermission"]), ((403, "PERMISSION_DENIED"), &json!("audit.read")));
    let adas = Key::of(&replica.post("/api/api-keys", Some(&ada.token), body).await);
    let rotation = json!({ "overlapHours": 1 });
    let refused = replica.post(&format!("{}/rotate", adas.path()), Some(&bob.token), rotation).await;
    assert_eq!(refused.body["missingPermission"], "audit.read", "who replaces a key holds what it may");
    assert_eq!(replica.get("/api/audit", &adas.secret).await.status, 200);
}

#[actix_web::test]
async fn a_lowered_role_and_a_revoked_key_are_felt_at_once_on_both() {
    let (_db, a, b) = pair().await;
    let ada = a.register("ada").await;
    let bob = colleague(&a, &ada, "bob", "admin").await;
    let bobs = key(&a, &bob, &["audit.read", "members.read"]).await;
    for replica in [&a, &b] {
        for _ in 0..3 {
            assert_eq!(replica.get("/api/audit", &bobs.secret).await.status, 200);
        }
    }
    a.put(&format!("/api/users/{}", bob.user), &ada.token, json!({ "role": "member" })).await;
    assert_eq!(a.get("/api/audit", &bobs.secret).await.refusal(), (403, "PERMISSION_DENIED"), "at once on the replica itself");
    until("the other feels it", async || (b.get("/api/audit", &bobs.secret).await.status == 403).then_some(())).await;
    assert_eq!(b.get("/api/users", &bobs.secret).await.status, 200, "what a member may");

    assert_eq!(b.delete(&bobs.path(), &ada.token).await.status, 204);
    assert_eq!(b.get("/api/users", &bobs.secret).await.status, 401);
    until("the other has heard", async || (a.get("/api/users", &bobs.secret).await.status == 401).then_some(())).await;
    assert_eq!(a.delete(&bobs.path(), &ada.token).await.status, 204, "it stays revoked");
    let shown = a.get(&bobs.path(), &ada.token).await;
    assert_eq!(shown.body["revokedFor"], "person");
    let change = json!({ "name": "Again" });
    assert_eq!(a.patch(&bobs.path(), &ada.token, change).await.refusal(), (409, "STATE_CONFLICT"));
}

#[actix_web::test]
async fn keys_of_leavers_end_or_are_kept_as_the_organisation_decides() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let settings = "/api/organization/api-key-settings";
    assert_eq!(replica.get(settings, &ada.token).await.body, json!({ "apiKeysOfLeavers": "revoke" }));
    let bob = colleague(&replica, &ada, "bob", "admin").await;
    let bobs = key(&replica, &bob, &["audit.read"]).await;
    assert_eq!(replica.delete(&format!("/api/users/{}", bob.user), &ada.token).await.status, 204);
    assert_eq!(replica.get("/api/audit", &bobs.secret).await.status, 401);
    assert_eq!(replica.get(&bobs.path(), &ada.token).await.body["revokedFor"], "leaver");

    let decided = replica.put(settings, &ada.token, json!({ "apiKeysOfLeavers": "keep" })).await;
    assert_eq!(decided.body, json!({ "apiKeysOfLeavers": "keep" }));
    let carol = colleague(&replica, &ada, "carol", "owner").await;
    let carols = key(&replica, &carol, &["audit.read", "organization.update"]).await;
    assert_eq!(replica.delete("/api/user", &carol.token).await.status, 204, "the whole account");
    assert_eq!(replica.get("/api/audit", &carols.secret).await.status, 200, "kept");
    assert_eq!(replica.patch("/api/organization", &carols.secret, json!({ "name": "By a leaver's" })).await.status, 200);

    let dave = colleague(&replica, &ada, "dave", "admin").await;
    let daves = key(&replica, &dave, &["audit.read"]).await;
    let member = format!("/api/users/{}", dave.user);
    assert_eq!(replica.put(&member, &ada.token, json!({ "role": "member" })).await.status, 200);
    assert_eq!(replica.get("/api/audit", &daves.secret).await.status, 403);
    assert_eq!(replica.delete(&member, &dave.token).await.status, 204);
    assert_eq!(replica.get("/api/audit", &daves.secret).await.status, 401, "nobody may more for having left");

    replica.put(settings, &ada.token, json!({ "apiKeysOfLeavers": "revoke" })).await;
    assert_eq!(replica.get("/api/audit", &carols.secret).await.status, 401, "of those who have left, too");
    let trail = replica.get("/api/audit?limit=100&entityType=api_key", &ada.token).await;
    let entries = trail.body["data"].as_array().unwrap();
    let revoked: Vec<_> = entries.iter().filter(|entry| entry["action"] == "api_keys.revoke").collect();
    let by: Vec<_> = revoked.iter().map(|entry| (&entry["after"]["revokedFor"], entry["entityId"].as_str().unwrap())).collect();
    let leaver = json!("leaver");
    assert_eq!(by, [&carols, &daves, &bobs].map(|key| (&leaver, key.id.as_str())));
}

#[actix_web::test]
async fn no_key_is_made_in_a_session_that_ends_meanwhile() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    // Whoever ends the session has done so and not committed yet.
    let (ended, release) = (Notify::new(), Notify::new());
    let ending = db.system_uow();
    let ending = ending.write(async |tx| {
        use db::prelude::*;
        diesel::sql_query("update sessions set ended_at = clock_timestamp()").execute(tx.pg()).await.fault()?;
        ended.notify_one();
        release.notified().await;
        Ok::<_, kernel::Fault>(())
    });
    let making = async {
        ended.notified().await;
        let body = json!({ "name": "On its way", "scopes": ["audit.read"] });
        replica.post("/api/api-keys", Some(&ada.token), body).await
    };
    let releasing = async {
        let sql = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        until("it waits", async || (db.query(sql).await == ["1"]).then_some(())).await;
        release.notify_one();
    };
    let (ending, made, ()) = futures::join!(ending, making, releasing);
    ending.unwrap();
    assert_eq!(made.refusal(), (401, "NOT_AUTHENTICATED"));
    assert_eq!(db.query("select count(*) from api_keys").await, ["0"]);
}

#[actix_web::test]
async fn how_long_sessions_live_is_a_persons_to_decide() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let key = key(&replica, &ada, &["organization.update"]).await;
    let change = json!({ "sessionLifetimeMinutes": 15 });
    assert_eq!(replica.patch("/api/organization", &key.secret, change.clone()).await.refusal(), (403, "PERSON_REQUIRED"));
    assert_eq!(replica.patch("/api/organization", &key.secret, json!({ "name": "By a program" })).await.status, 200);
    assert_eq!(replica.patch("/api/organization", &ada.token, change).await.status, 200);
}

#[actix_web::test]
async fn a_key_is_used_from_where_it_may_be() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let body = json!({ "name": "Books", "scopes": ["members.read"], "allowedNetworks": ["203.0.113.77/24", "2001:db8::/32"] });
    let key = Key::of(&replica.post("/api/api-keys", Some(&ada.token), body).await);
    assert_eq!(replica.get(&key.path(), &ada.token).await.body["allowedNetworks"], json!(["203.0.113.0/24", "2001:db8::/32"]));
    for (address, status) in [("203.0.113.9", 200), ("198.51.100.1", 403), ("[2001:db8:7::1]", 200), ("[2001:db9::1]", 403)] {
        assert_eq!(from(&replica, &key.secret, address).await.status, status, "{address}");
    }
    assert_eq!(from(&replica, &key.secret, "198.51.100.1").await.refusal(), (403, "ADDRESS_NOT_ALLOWED"));
    assert_eq!(replica.get("/api/users", &key.secret).await.status, 403, "from an address that nobody knows");
    let wrong = replica.patch(&key.path(), &ada.token, json!({ "allowedNetworks": ["203.0.113.0/33"] })).await;
    assert_eq!((wrong.refusal(), &wrong.body["errors"][0]["pointer"]), ((422, "INVALID"), &json!("/allowedNetworks/0")));
    assert_eq!(replica.patch(&key.path(), &ada.token, json!({ "allowedNetworks": [] })).await.status, 200);
    assert_eq!(from(&replica, &key.secret, "198.51.100.1").await.status, 200, "at once");
}

#[actix_web::test]
async fn a_key_ends_by_itself_and_a_replaced_one_after_the_overlap() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let works = async |key: &Key| replica.get("/api/users", &key.secret).await.status == 200;
    let rotate = async |key: &Key, hours: u32| {
        replica.post(&format!("{}/rotate", key.path()), Some(&ada.token), json!({ "overlapHours": hours })).await
    };
    let first = key(&replica, &ada, &["members.read"]).await;
    let second = Key::of(&rotate(&first, 48).await);
    assert!(works(&first).await && works(&second).await);
    let shown = replica.get(&first.path(), &ada.token).await;
    assert_eq!(shown.body["replacedBy"], json!(second.id));
    assert_eq!(rotate(&first, 1).await.body["currentState"], "replaced");
    assert_eq!(rotate(&second, 169).await.refusal(), (422, "INVALID"));
    replica.clock.advance(TimeDelta::hours(49));
    assert!(!works(&first).await && works(&second).await);
    assert_eq!(rotate(&second, 0).await.refusal(), (403, "STEP_UP_REQUIRED"), "two days after signing in");
    let again = Account::of(&replica.login("ada").await);
    let path = format!("{}/rotate", second.path());
    let third = Key::of(&replica.post(&path, Some(&again.token), json!({ "overlapHours": 0 })).await);
    assert!(!works(&second).await, "at once");
    assert!(works(&third).await);
    replica.clock.advance(TimeDelta::days(365));
    assert!(!works(&third).await, "a year is over");
}

#[actix_web::test]
async fn what_a_key_does_is_in_the_trail_with_it() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let key = key(&replica, &ada, &["organization.read", "organization.update"]).await;
    assert_eq!(replica.patch("/api/organization", &key.secret, json!({ "name": "By the key" })).await.status, 200);
    assert_eq!(replica.patch("/api/organization", &ada.token, json!({ "name": "By herself" })).await.status, 200);
    let rotated = replica.post(&format!("{}/rotate", key.path()), Some(&ada.token), json!({ "overlapHours": 1 })).await;
    let second = Key::of(&rotated);
    replica.delete(&second.path(), &ada.token).await;
    let trail = replica.get("/api/audit?limit=100", &ada.token).await;
    let told: Vec<_> = trail.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["action"].as_str().unwrap(), &entry["actorId"], &entry["apiKeyId"]))
        .filter(|(action, ..)| action.starts_with("api_keys.") || *action == "organization.update")
        .collect();
    let (by, id, none) = (json!(ada.user), json!(key.id), Value::Null);
    let expected = [
        ("api_keys.revoke", &by, &none),
        ("api_keys.rotate", &by, &none),
        ("api_keys.create", &by, &none),
        ("organization.update", &by, &none),
        ("organization.update", &by, &id),
        ("api_keys.create", &by, &none),
    ];
    assert_eq!(told, expected);
    assert!(!trail.body.to_string().contains(&key.secret[12..]), "the trail tells no key");
    assert_eq!(replica.get("/api/audit/verify", &ada.token).await.body["valid"], true);
}

#[actix_web::test]
async fn the_last_use_is_noted() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let key = key(&replica, &ada, &["members.read"]).await;
    assert_eq!(replica.get(&key.path(), &ada.token).await.body["lastUsedAt"], Value::Null);
    let used = async || {
        replica.get("/api/users", &key.secret).await;
        until("it is noted", async || replica.get(&key.path(), &ada.token).await.body["lastUsedAt"].as_str().map(str::to_owned))
            .await
    };
    let first = used().await;
    replica.clock.advance(TimeDelta::seconds(59));
    assert_eq!(used().await, first, "once a minute");
    replica.clock.advance(TimeDelta::seconds(1));
    replica.get("/api/users", &key.secret).await;
    until("it is noted again", async || {
        (replica.get(&key.path(), &ada.token).await.body["lastUsedAt"] != json!(first)).then_some(())
    })
    .await;
}

/// How often a door was opened, to read and to write.
#[derive(Default)]
struct Opened {
    reads: AtomicUsize,
    writes: AtomicUsize,
}

impl Opened {
    fn so_far(&self) -> (usize, usize) {
        (self.reads.load(Ordering::SeqCst), self.writes.load(Ordering::SeqCst))
    }
}

/// The platform's door, which counts how often it is opened.
struct Counted(Arc<dyn uow::Database>, Arc<Opened>);

#[async_trait]
impl uow::Database for Counted {
    async fn begin(&self, ctx: Option<&Ctx>) -> Result<Box<dyn TxBackend>, Fault> {
        self.1.writes.fetch_add(1, Ordering::SeqCst);
        self.0.begin(ctx).await
    }

    async fn read(&self, ctx: Option<&Ctx>) -> Result<Box<dyn ReadBackend>, Fault> {
        self.1.reads.fetch_add(1, Ordering::SeqCst);
        self.0.read(ctx).await
    }
}

#[actix_web::test]
async fn a_warm_request_costs_no_query_whatever_the_credential() {
    let db = Database::fresh().await;
    let opened = Arc::new(Opened::default());
    let platform = db::Postgres::new(db::PoolSettings::system(db.system_url().await)).unwrap();
    let door = SystemUow::new(Arc::new(Counted(platform, Arc::clone(&opened))));
    let settings = auth::Settings { cache_life: Duration::from_secs(3600), ..auth::Settings::default() };
    let replica = Replica::with_door(&db, settings, Arc::new(NoTeams), door).await;
    replica.auth.listen(db.app_url().await);
    let ada = replica.register("ada").await;
    let (key, revoked) = (key(&replica, &ada, &["members.read"]).await, key(&replica, &ada, &["members.read"]).await);
    assert_eq!(replica.delete(&revoked.path(), &ada.token).await.status, 204);
    let bob = colleague(&replica, &ada, "bob", "member").await;
    let role = "insert into custom_roles (org_id, id, slug, name, description) values";
    db.run_sql(&format!("{role} ('{}', gen_random_uuid(), 'auditor', 'Auditor', '')", ada.org)).await;
    let held =
        "insert into custom_role_permissions (org_id, role_id, permission) select org_id, id, 'audit.read' from custom_roles";
    db.run_sql(held).await;
    let given = "insert into member_custom_roles (org_id, user_id, role_id) select org_id, ";
    db.run_sql(&format!("{given} '{}', id from custom_roles", bob.user)).await;
    let is_known = async || {
        let audits = |session: Arc<auth_api::Session>| session.added.iter().any(|name| name == "audit.read");
        let session = replica.auth.resolve(&ada.token).await.is_ok() && replica.auth.resolve(&bob.token).await.is_ok_and(audits);
        let (works, dead) =
            (replica.auth.resolve_key(&key.secret, None).await, replica.auth.resolve_key(&revoked.secret, None).await);
        session && works.is_ok() && dead.is_err()
    };
    until("all is kept, and the use of the key is noted", async || {
        let before = opened.so_far();
        assert!(is_known().await);
        let noted = replica.get(&key.path(), &ada.token).await.body["lastUsedAt"].is_string();
        (noted && opened.so_far() == before).then_some(())
    })
    .await;

    let (reads, writes) = opened.so_far();
    let mut wrong = key.secret.clone().into_bytes();
    wrong[30] = if wrong[30] == b'x' { b'y' } else { b'x' };
    let wrong = String::from_utf8(wrong).unwrap();
    for _ in 0..100 {
        assert!(is_known().await);
        assert_eq!(replica.get("/api/users", &key.secret).await.status, 200);
        for random in ["b14_live_", "b14_live_random", wrong.as_str(), &"b14_live_0".repeat(6)[..58]] {
            assert!(replica.auth.resolve_key(random, None).await.is_err());
        }
    }
    let now = opened.so_far();
    assert_eq!(now.0, reads, "neither a key, nor a session, nor what is neither");
    // Which sessions were used is written down once in a while, for all of them.
    assert!(now.1 < writes + 10, "{} transactions beside two hundred requests", now.1 - writes);
}

//! Two replicas with a cache each, over one database.

use std::time::Duration;

use serde_json::json;
use testkit::{Database, Proxy, ProxyFault, until};

use auth_api::Sessions as _;

use crate::scenery::{Account, PASSWORD, Replica};

pub async fn pair() -> (Database, Replica, Replica) {
    let db = Database::fresh().await;
    let settings = auth::Settings { cache_life: Duration::from_secs(3600), ..auth::Settings::default() };
    let (a, b) = (Replica::of(&db, settings.clone()).await, Replica::of(&db, settings).await);
    for replica in [&a, &b] {
        replica.auth.listen(db.app_url().await);
    }
    let count = "select count(*) from pg_stat_activity where datname = current_database() and query ilike 'listen%'";
    until("both listen", async || (db.query(count).await == ["2"]).then_some(())).await;
    (db, a, b)
}

/// Fills the cache of a replica: from then on it answers although the row is gone behind its back.
pub async fn warmed(db: &Database, replica: &Replica, token: &str) {
    until("the cache holds the session", async || {
        assert!(replica.is_live(token).await);
        db.run_sql("alter table sessions rename to hidden").await;
        let cached = replica.is_live(token).await;
        db.run_sql("alter table hidden rename to sessions").await;
        cached.then_some(())
    })
    .await;
}

#[actix_web::test]
async fn what_ends_on_one_is_dead_on_the_other() {
    let (db, a, b) = pair().await;
    let ada = a.register("ada").await;
    warmed(&db, &a, &ada.token).await;
    warmed(&db, &b, &ada.token).await;
    a.post("/api/auth/logout", Some(&ada.token), json!(null)).await;
    assert!(!a.is_live(&ada.token).await, "at once on the replica itself");
    until("the other has heard", async || (!b.is_live(&ada.token).await).then_some(())).await;
}

#[actix_web::test]
async fn a_changed_role_and_a_removed_member_are_felt_on_the_other() {
    let (db, a, b) = pair().await;
    let (ada, bob) = (a.register("ada").await, a.register("bob").await);
    a.join(&ada, &bob, "member").await;
    let there = b.post("/api/auth/switch-organization", Some(&bob.token), json!({ "organizationId": ada.org })).await;
    let bob = Account::of(&there);
    warmed(&db, &b, &bob.token).await;
    assert_eq!(b.get("/api/auth/session", &bob.token).await.body["role"], "member");
    assert_eq!(b.get("/api/audit", &bob.token).await.status, 403);
    a.put(&format!("/api/users/{}", bob.user), &ada.token, json!({ "role": "admin" })).await;
    until("the role is felt", async || (b.get("/api/audit", &bob.token).await.status == 200).then_some(())).await;
    warmed(&db, &b, &bob.token).await;
    a.delete(&format!("/api/users/{}", bob.user), &ada.token).await;
    until("the session is dead", async || (!b.is_live(&bob.token).await).then_some(())).await;
}

#[actix_web::test]
async fn a_replica_whose_notifications_are_swallowed_keeps_no_session() {
    let db = Database::fresh().await;
    let url = db.app_url().await;
    let pooler = Proxy::before(&url, ProxyFault::WithNotifications).await;
    pooler.swallow_notifications(false);
    let hearing = db::Hearing { again: Duration::from_millis(100), ..db::Hearing::default() };
    let settings = auth::Settings { cache_life: Duration::from_secs(3600), hearing, ..auth::Settings::default() };
    let replica = Replica::of(&db, settings).await;
    let listening = replica.auth.listen(pooler.url(&url));
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    warmed(&db, &replica, &ada.token).await;

    // Its connection stays; what others end is not told any more.
    pooler.swallow_notifications(true);
    db.run_sql(&format!("update sessions set ended_at = now() where user_id = '{}'", ada.user)).await;
    until("it has noticed", async || (!replica.is_live(&ada.token).await).then_some(())).await;
    for _ in 0..3 {
        assert!(replica.is_live(&bob.token).await);
        db.run_sql("alter table sessions rename to hidden").await;
        assert!(!replica.is_live(&bob.token).await, "every request asks the database");
        db.run_sql("alter table hidden rename to sessions").await;
    }
    pooler.swallow_notifications(false);
    warmed(&db, &replica, &bob.token).await;
    listening.abort();
}

#[actix_web::test]
async fn a_replica_whose_listening_connection_is_lost_forgets_what_it_knew() {
    let (db, a, b) = pair().await;
    let ada = a.register("ada").await;
    warmed(&db, &b, &ada.token).await;
    // Its listening connection is lost, and with it perhaps a notification.
    db.run_sql("update sessions set ended_at = now()").await;
    assert!(b.is_live(&ada.token).await, "from the cache: nobody told");
    db.run_sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen%'",
    )
    .await;
    until("the cache is flushed", async || (!b.is_live(&ada.token).await).then_some(())).await;
}

#[actix_web::test]
async fn a_changed_password_ends_the_other_sessions_on_both() {
    let (db, a, b) = pair().await;
    let ada = a.register("ada").await;
    let other = Account::of(&b.login("ada").await);
    for replica in [&a, &b] {
        warmed(&db, replica, &ada.token).await;
        warmed(&db, replica, &other.token).await;
    }
    let body = json!({ "currentPassword": PASSWORD, "newPassword": "another good password" });
    assert_eq!(a.put("/api/user/password", &ada.token, body).await.status, 204);
    assert!(!a.is_live(&other.token).await, "at once on the replica itself");
    until("the other has heard", async || (!b.is_live(&other.token).await).then_some(())).await;
    assert!(a.is_live(&ada.token).await && b.is_live(&ada.token).await, "the one that changed it goes on");
}

#[actix_web::test]
async fn a_project_role_given_and_taken_is_felt_on_the_other_by_whom_it_concerns() {
    let (db, a, b) = pair().await;
    let (ada, bob) = (a.register("ada").await, a.register("bob").await);
    a.join(&ada, &bob, "member").await;
    let bob = Account::of(&b.post("/api/auth/switch-organization", Some(&bob.token), json!({ "organizationId": ada.org })).await);
    warmed(&db, &b, &bob.token).await;
    let user: kernel::UserId = bob.user.parse().unwrap();
    db.run_sql("update sessions set ended_at = now()").await;
    assert!(b.is_live(&bob.token).await, "from the cache");
    db.system_uow().write(async |tx| a.auth.forget_user_in(tx, user).await).await.unwrap();
    until("the other has looked again", async || (!b.is_live(&bob.token).await).then_some(())).await;
}

#[actix_web::test]
async fn servers_forget_nothing_that_nobody_vouches_for() {
    let (db, a, b) = pair().await;
    let (ada, bob) = (a.register("ada").await, a.register("bob").await);
    for token in [&ada.token, &bob.token] {
        warmed(&db, &b, token).await;
    }
    // Of what is kept the database would now say that it ended.
    db.run_sql("update sessions set ended_at = now()").await;
    let hash = "select encode(token_hash, 'hex') from sessions";
    for known in db.query(hash).await.into_iter().chain([ada.user.clone(), "gibberish".to_owned(), String::new()]) {
        for forged in [known.clone(), format!("{known} "), format!("{known} {}", "0".repeat(64))] {
            db.run_sql(&format!("set role build14_app; select pg_notify('sessions', '{forged}')")).await;
        }
    }
    // Notifications are heard in their order: once this one is, those before were.
    let user: kernel::UserId = bob.user.parse().unwrap();
    db.system_uow().write(async |tx| a.auth.forget_user_in(tx, user).await).await.unwrap();
    until("the other has looked again", async || (!b.is_live(&bob.token).await).then_some(())).await;
    assert!(b.is_live(&ada.token).await, "from the cache");
}

//! A person leaves with the account, and the link of the mail takes that back.

use std::time::Duration;

use actix_web::test::TestRequest;
use chrono::TimeDelta;
use serde_json::json;
use testkit::Database;

use crate::scenery::{Account, Replica};

async fn lasting() -> (Database, Replica) {
    let db = Database::fresh().await;
    let replica = Replica::with_grace(&db, Duration::from_secs(14 * 24 * 3600)).await;
    (db, replica)
}

/// What the link of the newest mail to somebody holds.
fn mailed(replica: &Replica, email: &str) -> String {
    let mail = replica.mails.to(email).pop().unwrap();
    assert_eq!(mail.content.template().name(), "account-leaving");
    let (path, token) = mail.content.link().unwrap().as_str().split_once("?token=").unwrap();
    assert_eq!(path, "/auth/restore");
    token.to_owned()
}

#[actix_web::test]
async fn an_account_that_leaves_lets_nobody_in_and_its_link_keeps_it() {
    let (db, replica) = lasting().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "admin").await;
    let other = Account::of(&replica.login("bob").await);
    assert_eq!(replica.delete("/api/user", &bob.token).await.status, 204);
    assert!(!replica.is_live(&bob.token).await && !replica.is_live(&other.token).await);
    assert_eq!(replica.login("bob").await.refusal(), (403, "ACCOUNT_LEAVING"), "who knows the password is told");
    let wrong = json!({ "email": "bob@example.com", "password": "not the password" });
    assert_eq!(replica.post("/api/auth/login", None, wrong).await.refusal(), (401, "WRONG_CREDENTIALS"), "and nobody else");
    let memberships = format!("select count(*) from memberships where user_id = '{}' and org_id", bob.user);
    assert_eq!(db.query(&format!("{memberships} = '{}'", ada.org)).await, ["0"], "nobody counts on who leaves");
    assert_eq!(db.query(&format!("{memberships} = '{}'", bob.org)).await, ["1"], "his own leaves along");
    assert_eq!(db.query("select count(*) from departures where state = 'waiting'").await, ["2"]);
    let founded = db.query("select count(*) from organizations").await;
    assert_eq!(founded, ["2"], "who is refused founds nothing");

    let token = mailed(&replica, "bob@example.com");
    let page = replica.send(TestRequest::get().uri(&format!("/auth/restore?token={token}"))).await;
    assert_eq!(page.status, 200);
    assert!(page.body.as_str().unwrap().contains("bob@example.com"), "{}", page.body);
    assert_eq!(replica.login("bob").await.refusal(), (403, "ACCOUNT_LEAVING"), "to look at the page does nothing");
    let never = "0".repeat(64);
    assert_eq!(replica.post("/api/user/restore", None, json!({ "token": never })).await.refusal(), (409, "LINK_SPENT"));
    assert_eq!(replica.post("/api/user/restore", None, json!({ "token": token })).await.status, 204);
    assert_eq!(replica.post("/api/user/restore", None, json!({ "token": token })).await.refusal(), (409, "LINK_SPENT"), "once");
    let back = Account::of(&replica.login("bob").await);
    assert_eq!(back.org, bob.org, "his own organisation is kept along");
    assert!(!replica.is_live(&bob.token).await, "what ended stays ended");
    assert_eq!(replica.mails.to("bob@example.com").pop().unwrap().content.template().name(), "account-kept");

    replica.clock.advance(TimeDelta::days(15));
    assert_eq!(replica.work(&db).await, [] as [String; 0]);
    assert_eq!(db.query("select distinct state from departures").await, ["kept"]);
    // And once more: a departure that was taken back is in nobody's way.
    let back = Account::of(&replica.login("bob").await);
    assert_eq!(replica.delete("/api/user", &back.token).await.status, 204);
    let again = mailed(&replica, "bob@example.com");
    assert_ne!(again, token);
    let form = TestRequest::post().uri("/auth/restore").set_form([("token", again.as_str())]);
    assert_eq!(replica.send(form).await.status, 200, "by the page's button");
    assert_eq!(replica.login("bob").await.status, 200);
}

#[actix_web::test]
async fn a_magic_link_is_no_way_in_to_an_account_that_leaves() {
    let (db, replica) = lasting().await;
    let ada = replica.register("ada").await;
    replica.verify(&ada).await;
    assert_eq!(replica.delete("/api/user", &ada.token).await.status, 204);
    let asked = replica.post("/api/auth/magic-link", None, json!({ "email": "ada@example.com" })).await;
    assert_eq!(asked.status, 202);
    let mail = replica.mails.to("ada@example.com").pop().unwrap();
    let (_, token) = mail.content.link().unwrap().as_str().split_once("token=").unwrap();
    let entered = replica.post("/api/auth/magic-link/confirm", None, json!({ "token": token })).await;
    assert_eq!(entered.refusal(), (403, "ACCOUNT_LEAVING"), "{}", entered.body);
    assert_eq!(db.query("select count(*) from sessions where ended_at is null").await, ["0"]);
}

#[actix_web::test]
async fn after_its_time_an_account_is_nobody_wherever_that_was_interrupted() {
    let (db, replica) = lasting().await;
    let mut registry = jobs::Registry::new();
    module::Wired::register(replica.service.clone(), &mut registry);
    for step in 1..=2 {
        let ada = replica.register(&format!("ada{step}")).await;
        assert_eq!(replica.delete("/api/user", &ada.token).await.status, 204);
        let email = format!("ada{step}@example.com");
        let token = mailed(&replica, &email);
        assert_eq!(replica.work(&db).await, [] as [String; 0], "not before its time");
        replica.clock.advance(TimeDelta::days(15));
        db.run_sql(&format!(
            "create function killed() returns trigger language plpgsql as $$ begin raise exception 'killed'; end $$;
             create trigger z_killed before update on departures for each row
                 when (new.user_id is not null and new.steps = {step}) execute function killed()"
        ))
        .await;
        assert!(jobs::run_sweep(&registry, "users.departures").await.is_err(), "at step {step}");
        assert_eq!(db.query(&format!("select email from users where id = '{}'", ada.user)).await, std::slice::from_ref(&email));
        db.run_sql("drop trigger z_killed on departures; drop function killed()").await;
        let late = replica.post("/api/user/restore", None, json!({ "token": token })).await;
        assert_eq!(late.refusal(), (409, "LINK_SPENT"), "its time is over");
        assert_eq!(jobs::run_sweep(&registry, "users.departures").await, Ok(true));
        assert_eq!(jobs::run_sweep(&registry, "users.departures").await, Ok(true), "and once more");
        let left = db.query(&format!("select name || email from users where id = '{}'", ada.user)).await;
        assert_eq!(left, [format!("Removed accountremoved-{}@removed.invalid", ada.user.replace('-', ""))]);
        for table in ["credentials", "memberships"] {
            assert_eq!(db.query(&format!("select count(*) from {table} where user_id = '{}'", ada.user)).await, ["0"], "{table}");
        }
        let name = db.query(&format!("select name from organizations where org_id = '{}'", ada.org)).await;
        assert_eq!(name, ["Former organisation"], "what was hers alone is gone with her");
        assert_ne!(replica.register(&format!("ada{step}")).await.user, ada.user, "the address is free");
    }
    assert!(audit::verify_all(&db.system_uow()).await.unwrap().iter().all(|chain| chain.verification.valid));
}

#[actix_web::test]
async fn who_owns_what_others_belong_to_does_not_leave() {
    let (db, replica) = lasting().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    assert_eq!(replica.join(&ada, &bob, "admin").await.status, 200);
    assert_eq!(replica.delete("/api/user", &ada.token).await.refusal(), (409, "LAST_OWNER"));
    assert!(replica.is_live(&ada.token).await, "nothing was done by halves");
    assert_eq!(db.query("select count(*) from departures").await, ["0"]);
    assert!(replica.mails.to("ada@example.com").iter().all(|mail| mail.content.template().name() != "account-leaving"));
}

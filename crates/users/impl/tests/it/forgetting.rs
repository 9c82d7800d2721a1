//! What keeps an account and its organisations from being forgotten, and what is forgotten with them.

use std::time::Duration;

use chrono::TimeDelta;
use kernel::Decision;
use mail_api::Language;
use serde_json::{Value, json};
use testkit::Database;

use crate::scenery::{Account, Replica};

async fn lasting() -> (Database, Replica) {
    let db = Database::fresh().await;
    let replica = Replica::with_grace(&db, Duration::from_secs(14 * 24 * 3600)).await;
    (db, replica)
}

fn decision() -> Decision {
    Decision { operator: "Olga Operator".parse().unwrap(), reason: Some("fraud".parse().unwrap()) }
}

async fn suspend(replica: &Replica, org: &str) {
    replica.suspensions.suspend(org.parse().unwrap(), &decision(), Language::English).await.unwrap();
}

async fn resume(replica: &Replica, org: &str) {
    replica.suspensions.resume(org.parse().unwrap(), &decision(), Language::English).await.unwrap();
}

async fn sweep(replica: &Replica) {
    let mut registry = jobs::Registry::new();
    module::Wired::register(replica.service.clone(), &mut registry);
    assert_eq!(jobs::run_sweep(&registry, "users.departures").await, Ok(true));
}

/// The states of the departures, those of organisations first.
async fn states(db: &Database) -> Vec<String> {
    db.query("select state from departures order by organization is null, asked_at, id").await
}

const OPEN: &str = "select kind || ' ' || object_id from alarms where settled_at is null";

#[actix_web::test]
async fn a_suspended_organisation_is_not_erased_with_the_account_of_its_last_owner() {
    let (db, replica) = lasting().await;
    let ada = replica.register("ada").await;
    suspend(&replica, &ada.org).await;
    let elsewhere = Account::of(&replica.login("ada").await);
    let refused = replica.delete("/api/user", &elsewhere.token).await;
    assert_eq!(refused.refusal(), (409, "ORGANIZATION_IN_USE"));
    let bond = format!("bound by the platform's suspension of the organisation {}:", ada.org);
    assert!(refused.body["detail"].as_str().unwrap().contains(&bond), "{}", refused.body);
    assert!(replica.is_live(&elsewhere.token).await, "nothing was done by halves");
    assert_eq!(states(&db).await, [] as [&str; 0]);
    resume(&replica, &ada.org).await;
    assert_eq!(replica.delete("/api/user", &elsewhere.token).await.status, 204);
}

#[actix_web::test]
async fn what_is_suspended_while_it_leaves_waits_and_the_account_with_it() {
    let (db, replica) = lasting().await;
    let ada = replica.register("ada").await;
    assert_eq!(replica.delete("/api/user", &ada.token).await.status, 204);
    assert_eq!(replica.work(&db).await, [] as [String; 0]);
    suspend(&replica, &ada.org).await;
    replica.clock.advance(TimeDelta::days(15));
    for _ in 0..2 {
        sweep(&replica).await;
    }
    assert_eq!(states(&db).await, ["waiting", "waiting"], "the organisation, and the account without which it is nobody's");
    assert_eq!(db.query(OPEN).await, [format!("departure_bound {}", ada.org)]);
    assert_eq!(db.query(&format!("select name from users where id = '{}'", ada.user)).await, ["ada"]);
    resume(&replica, &ada.org).await;
    sweep(&replica).await;
    assert_eq!(states(&db).await, ["left", "left"]);
    assert_eq!(db.query(OPEN).await, [] as [&str; 0]);
    assert_eq!(db.query(&format!("select name from users where id = '{}'", ada.user)).await, ["Removed account"]);
}

#[actix_web::test]
async fn what_is_suspended_just_after_it_was_asked_what_binds_it_does_not_go_either() {
    let (db, replica) = lasting().await;
    let ada = replica.register("ada").await;
    let suspended_meanwhile = || *replica.bonds.suspended_by.lock().unwrap() = Some(replica.suspensions.clone());
    for path in ["/api/organization", "/api/user"] {
        suspended_meanwhile();
        assert_eq!(replica.delete(path, &ada.token).await.refusal(), (409, "ORGANIZATION_IN_USE"), "{path}");
        resume(&replica, &ada.org).await;
    }
    assert_eq!(states(&db).await, [] as [&str; 0]);

    assert_eq!(replica.delete("/api/organization", &ada.token).await.status, 204);
    replica.clock.advance(TimeDelta::days(15));
    suspended_meanwhile();
    sweep(&replica).await;
    assert_eq!(states(&db).await, ["waiting"]);
    assert_eq!(db.query(OPEN).await, [format!("departure_bound {}", ada.org)]);
}

#[actix_web::test]
async fn what_somebody_asked_for_first_is_void_once_they_left_with_the_account() {
    let (db, replica) = lasting().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "admin").await;
    let asked = uuid::Uuid::now_v7();
    db.run_sql(&format!(
        "insert into approvals (org_id, id, action, subject, detail, amount_minor, currency, first_user)
         values ('{}', '{asked}', 'tenders.award', '{asked}', 'bid 1', 100, 'EUR', '{}')",
        ada.org, bob.user
    ))
    .await;
    assert_eq!(replica.delete("/api/user", &bob.token).await.status, 204);
    let open = "select count(*) from approvals where voided_at is null";
    assert_eq!(db.query(open).await, ["0"]);
    let mail = replica.mails.to("bob@example.com").pop().unwrap();
    let (_, token) = mail.content.link().unwrap().as_str().split_once("?token=").unwrap();
    assert_eq!(replica.post("/api/user/restore", None, json!({ "token": token })).await.status, 204);
    let back = Account::of(&replica.login("bob").await);
    assert_eq!(replica.join(&ada, &back, "admin").await.status, 200);
    assert_eq!(db.query(open).await, ["0"], "it does not count again");
    let trail = replica.get("/api/audit?action=approvals.void", &ada.token).await;
    assert_eq!(trail.body["data"][0]["entityId"], json!(asked), "{}", trail.body);
}

#[actix_web::test]
async fn an_account_is_kept_with_an_organisation_that_was_bound_in_the_very_moment_in_which_both_were_to_leave() {
    let (db, replica) = lasting().await;
    let ada = replica.register("ada").await;
    let second = replica.post("/api/organizations", Some(&ada.token), json!({ "name": "Second" })).await;
    assert_eq!(second.status, 201, "{}", second.body);
    assert_eq!(replica.delete("/api/user", &ada.token).await.status, 204);
    *replica.bonds.words.lock().unwrap() = vec!["the tender \"Late\" (8, standstill)".to_owned()];
    assert_eq!(replica.work(&db).await, [] as [String; 0]);
    assert_eq!(states(&db).await, ["kept", "kept", "kept"], "both organisations, and who owns them");
    assert_eq!(replica.mails.to("ada@example.com").pop().unwrap().content.template().name(), "account-kept");
    let back = Account::of(&replica.login("ada").await);
    let trail = replica.get("/api/audit?action=organization.restore", &back.token).await;
    assert_eq!(trail.body["data"][0]["actorId"], Value::Null, "the platform: {}", trail.body);
}

#[actix_web::test]
async fn an_account_stays_with_an_organisation_that_stays_and_leaves_what_it_came_to_belong_to() {
    let (db, replica) = lasting().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    assert_eq!(replica.delete("/api/user", &ada.token).await.status, 204);
    db.run_sql(&format!(
        "insert into memberships (org_id, user_id, role) values ('{}', '{}', 'member');
         update departures set state = 'kept' where organization = '{}'",
        bob.org, ada.user, ada.org
    ))
    .await;
    replica.clock.advance(TimeDelta::days(15));
    sweep(&replica).await;
    assert_eq!(states(&db).await, ["kept", "kept"], "it would be nobody's");

    let back = Account::of(&replica.login("ada").await);
    assert_eq!(replica.delete("/api/user", &back.token).await.status, 204);
    let again = format!("insert into memberships (org_id, user_id, role) values ('{}', '{}', 'member')", bob.org, ada.user);
    db.run_sql(&again).await;
    replica.clock.advance(TimeDelta::days(15));
    sweep(&replica).await;
    assert_eq!(db.query(&format!("select count(*) from memberships where user_id = '{}'", ada.user)).await, ["0"]);
    assert_eq!(db.query(&format!("select name from users where id = '{}'", ada.user)).await, ["Removed account"]);
}

#[actix_web::test]
async fn invitations_by_a_proven_address_go_with_the_account_and_answered_ones_after_ninety_days() {
    let (db, replica) = lasting().await;
    let (ada, bob, eve) = (replica.register("ada").await, replica.register("bob").await, replica.register("eve").await);
    for name in ["ada", "eve", "carol"] {
        assert_eq!(replica.invite(&bob, name).await.status, 201);
    }
    replica.verify(&ada).await;
    for who in [&ada, &eve] {
        assert_eq!(replica.delete("/api/user", &who.token).await.status, 204);
    }
    replica.clock.advance(TimeDelta::days(15));
    sweep(&replica).await;
    let left = "select email from member_invitations order by email";
    assert_eq!(db.query(left).await, ["carol@example.com", "eve@example.com"], "whose it is nobody has proven is anybody's");

    let purge = async |days: i32| {
        db.run_sql(&format!(
            "alter table member_invitations disable trigger user;
             update member_invitations set status = 'withdrawn', decided_at = clock_timestamp() - interval '{days} days' where name = 'carol';
             alter table member_invitations enable trigger user"
        ))
        .await;
        let mut registry = jobs::Registry::new();
        module::Wired::register(replica.service.clone(), &mut registry);
        assert_eq!(jobs::run_sweep(&registry, "users.invitations").await, Ok(true));
        db.query(left).await
    };
    assert_eq!(purge(89).await, ["carol@example.com", "eve@example.com"]);
    assert_eq!(purge(90).await, ["eve@example.com"], "what waits stays");
}

#[actix_web::test]
async fn the_trail_names_what_changed_of_a_profile_and_not_what_it_was_or_is() {
    let (_db, replica) = lasting().await;
    let ada = replica.register("ada").await;
    let picture = "https://pictures.example/ada.png";
    for patch in [json!({ "name": "Ada Lovelace", "locale": "de" }), json!({ "image": picture })] {
        assert_eq!(replica.patch("/api/user", &ada.token, patch).await.status, 200);
    }
    let trail = replica.get("/api/audit?action=users.update_profile", &ada.token).await;
    let told: Vec<_> = trail.body["data"].as_array().unwrap().iter().map(|entry| (&entry["before"], &entry["after"])).collect();
    let (image, name) = (json!({ "changed": ["image"] }), json!({ "changed": ["name", "locale"] }));
    assert_eq!(told, [(&Value::Null, &image), (&Value::Null, &name)]);
}

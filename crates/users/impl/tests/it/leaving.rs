//! An organisation leaves the platform: who has it leave, what ends, what takes it back, what is forgotten.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use testkit::{Database, until};

use crate::mailed_page::{MailedPage, says};
use crate::replicas::{pair, warmed};
use crate::scenery::{Account, Answer, PASSWORD, Replica, scene};

const GRACE: Duration = Duration::from_secs(14 * 24 * 3600);

/// A server on which what leaves can be taken back.
async fn lasting() -> (Database, Replica) {
    let db = Database::fresh().await;
    let replica = Replica::with_grace(&db, GRACE).await;
    (db, replica)
}

/// A session of somebody in another one of their organisations.
async fn there(replica: &Replica, who: &Account, org: &str) -> Account {
    Account::of(&replica.post("/api/auth/switch-organization", Some(&who.token), json!({ "organizationId": org })).await)
}

/// Has the organisation of a session leave.
async fn leave(replica: &Replica, who: &Account) {
    let answer = replica.delete("/api/organization", &who.token).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
}

async fn restore(replica: &Replica, who: &Account, org: &str) -> Answer {
    replica.post(&format!("/api/organizations/{org}/restore"), Some(&who.token), json!({})).await
}

async fn actions(db: &Database, org: &str) -> Vec<String> {
    let sql = format!(
        "select e.action from audit_entries e join audit_links l on l.org_id = e.org_id and l.entry_id = e.id
         where e.org_id = '{org}' and e.action like 'organization.%' order by l.sequence"
    );
    db.query(&sql).await
}

#[actix_web::test]
async fn nobody_acts_in_an_organisation_that_leaves() {
    let (db, replica) = lasting().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "admin").await;
    let (bob_there, carol) = (there(&replica, &bob, &ada.org).await, replica.register("carol").await);
    replica.verify(&carol).await;
    assert_eq!(replica.invite(&ada, "carol").await.status, 201);
    let link = replica.post("/api/organization/invitation-links", Some(&ada.token), json!({})).await.body["token"].clone();
    let key = replica.post("/api/api-keys", Some(&ada.token), json!({ "name": "Books", "scopes": ["audit.read"] })).await;
    let key = key.body["secret"].as_str().unwrap_or_else(|| panic!("{}", key.body)).to_owned();
    assert_eq!(replica.get("/api/audit", &key).await.status, 200);

    let answer = replica.delete("/api/organization", &ada.token).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    assert!(answer.header("set-cookie").starts_with("__Host-session=;"));
    assert!(!replica.is_live(&ada.token).await && !replica.is_live(&bob_there.token).await);
    assert_eq!(replica.get("/api/audit", &key).await.status, 401);
    assert!(replica.is_live(&bob.token).await, "in his own organisation he goes on");
    let back = replica.post("/api/auth/switch-organization", Some(&bob.token), json!({ "organizationId": ada.org })).await;
    assert_eq!(back.status, 404, "{}", back.body);
    assert_eq!(replica.get("/api/invitations", &carol.token).await.body["data"], json!([]));
    let joined = replica.post("/api/invitation-links/accept", Some(&carol.token), json!({ "token": link })).await;
    assert_eq!(joined.refusal(), (409, "LINK_SPENT"), "{}", joined.body);

    // She signs in elsewhere, and is told until when.
    let elsewhere = Account::of(&replica.login("ada").await);
    assert_ne!(elsewhere.org, ada.org);
    let leaving = replica.get("/api/organizations/leaving", &elsewhere.token).await.body["data"].clone();
    assert_eq!((&leaving[0]["organization"]["id"], &leaving[0]["askedBy"]), (&json!(ada.org), &json!(ada.user)));
    let at = |member: &str| leaving[0][member].as_str().unwrap().parse::<kernel::Timestamp>().unwrap();
    assert_eq!(at("leavesAt") - at("askedAt"), TimeDelta::days(14));
    assert_eq!(leaving.as_array().map(Vec::len), Some(1));
    let templates: Vec<_> = replica.mails.to("ada@example.com").iter().map(|mail| mail.content.template().name()).collect();
    assert_eq!(templates.last(), Some(&"organization-leaving"), "{templates:?}");
    assert_eq!(actions(&db, &ada.org).await, ["organization.delete"]);
    assert_eq!(db.query(&format!("select count(*) from memberships where org_id = '{}'", ada.org)).await, ["2"], "not yet");
}

#[actix_web::test]
async fn an_owner_keeps_it_from_wherever_they_are_signed_in() {
    let (db, replica) = lasting().await;
    let (ada, bob, eve) = (replica.register("ada").await, replica.register("bob").await, replica.register("eve").await);
    replica.join(&ada, &bob, "admin").await;
    leave(&replica, &ada).await;
    assert_eq!(restore(&replica, &eve, &ada.org).await.status, 404, "a stranger");
    assert_eq!(restore(&replica, &bob, &ada.org).await.refusal(), (403, "PERMISSION_DENIED"), "an admin");
    assert_eq!(restore(&replica, &bob, &bob.org).await.status, 404, "it does not leave");
    assert_eq!(replica.get("/api/organizations/leaving", &bob.token).await.body["data"], json!([]));

    let elsewhere = Account::of(&replica.login("ada").await);
    let kept = restore(&replica, &elsewhere, &ada.org).await;
    assert_eq!((kept.status.as_u16(), &kept.body["id"]), (200, &json!(ada.org)), "{}", kept.body);
    assert_eq!(restore(&replica, &elsewhere, &ada.org).await.status, 404, "once");
    assert!(!replica.is_live(&ada.token).await, "what ended stays ended");
    let back = there(&replica, &elsewhere, &ada.org).await;
    assert_eq!(replica.get("/api/audit", &back.token).await.status, 200, "as an owner");
    there(&replica, &bob, &ada.org).await;
    let told = replica.mails.to("ada@example.com").pop().unwrap();
    assert_eq!(told.content.template().name(), "organization-kept");

    // Its time comes, and nothing happens.
    replica.clock.advance(TimeDelta::days(15));
    assert_eq!(replica.work(&db).await, [] as [String; 0]);
    assert_eq!(db.query("select state from departures").await, ["kept"]);
    assert_eq!(actions(&db, &ada.org).await, ["organization.delete", "organization.restore"]);
}

#[actix_web::test]
async fn the_page_of_the_mail_keeps_it_for_an_owner_alone() {
    let (db, replica) = lasting().await;
    let (ada, bob, eve) = (replica.register("ada").await, replica.register("bob").await, replica.register("eve").await);
    replica.join(&ada, &bob, "admin").await;
    leave(&replica, &ada).await;
    let told = replica.mails.to("ada@example.com").pop().unwrap().content;
    assert_eq!(told.link().unwrap().as_str(), format!("/keep-organization?id={}", ada.org));
    let page = MailedPage { replica: &replica, path: "/keep-organization", id: &ada.org };
    says(&page.open(None).await, 401, "Sign in first");
    says(&page.press(None, "same-origin").await, 401, "Sign in first");
    // An administrator of it, and a stranger.
    for who in [&bob, &eve] {
        says(&page.open(Some(who)).await, 410, "No organisation of yours");
        says(&page.press(Some(who), "same-origin").await, 410, "No organisation of yours");
    }
    let ada = Account::of(&replica.login("ada").await);
    says(&page.open(Some(&ada)).await, 200, "asked that ada works leave the platform");
    assert_eq!(page.press(Some(&ada), "cross-site").await.refusal(), (403, "ORIGIN_NOT_ALLOWED"));
    assert_eq!(db.query("select state from departures").await, ["waiting"], "to open it does nothing");
    says(&page.press(Some(&ada), "same-origin").await, 200, "The organisation stays");
    assert_eq!(db.query("select state from departures").await, ["kept"]);
    says(&page.open(Some(&ada)).await, 410, "No organisation of yours");
}

#[actix_web::test]
async fn what_binds_an_organisation_keeps_it_and_is_named() {
    let (db, replica) = lasting().await;
    let ada = replica.register("ada").await;
    *replica.bonds.words.lock().unwrap() = vec!["the contract 7 (active)".to_owned()];
    let refused = replica.delete("/api/organization", &ada.token).await;
    assert_eq!(refused.refusal(), (409, "ORGANIZATION_IN_USE"));
    assert!(refused.body["detail"].as_str().unwrap().contains("bound by the contract 7 (active):"), "{}", refused.body);
    assert!(replica.is_live(&ada.token).await, "nothing was done by halves");
    assert_eq!(db.query("select count(*) from departures").await, ["0"]);
}

#[actix_web::test]
async fn an_owner_who_has_just_proven_who_they_are_has_it_leave_and_nobody_else() {
    let (_db, replica) = lasting().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "admin").await;
    let admin = there(&replica, &bob, &ada.org).await;
    let refused = replica.delete("/api/organization", &admin.token).await;
    assert_eq!(
        (refused.refusal(), &refused.body["missingPermission"]),
        ((403, "PERMISSION_DENIED"), &json!("organization.delete"))
    );
    let scopes = json!({ "name": "All", "scopes": ["organization.delete"] });
    assert_eq!(replica.post("/api/api-keys", Some(&ada.token), scopes).await.status, 422, "no key is given that");
    let key = replica.post("/api/api-keys", Some(&ada.token), json!({ "name": "Books", "scopes": ["audit.read"] })).await;
    let refused = replica.delete("/api/organization", key.body["secret"].as_str().unwrap()).await;
    assert_eq!(refused.refusal(), (403, "PERSON_REQUIRED"));

    replica.clock.advance(TimeDelta::minutes(6));
    for path in ["/api/organization", "/api/user"] {
        let refused = replica.delete(path, &ada.token).await;
        assert_eq!(refused.refusal(), (403, "STEP_UP_REQUIRED"), "{path}");
    }
    let again = replica.post("/api/auth/reauthenticate", Some(&ada.token), json!({ "password": PASSWORD })).await;
    leave(&replica, &Account::of(&again)).await;
}

#[actix_web::test]
async fn it_is_forgotten_step_by_step_wherever_that_is_interrupted() {
    let (db, replica) = lasting().await;
    replica.register("bob").await;
    for step in 1..=5 {
        let bob = Account::of(&replica.login("bob").await);
        let ada = replica.register(&format!("ada{step}")).await;
        replica.join(&ada, &bob, "member").await;
        assert_eq!(replica.invite(&ada, &format!("invited{step}")).await.status, 201);
        assert_eq!(replica.post("/api/organization/invitation-links", Some(&ada.token), json!({})).await.status, 201);
        leave(&replica, &ada).await;
        assert_eq!(replica.work(&db).await, [] as [String; 0], "not before its time");
        replica.clock.advance(TimeDelta::days(15));

        // Killed before the commit of this step.
        db.run_sql(&format!(
            "create function killed() returns trigger language plpgsql as $$ begin raise exception 'killed'; end $$;
             create trigger z_killed before update on departures for each row when (new.steps = {step}) execute function killed()"
        ))
        .await;
        let mut registry = jobs::Registry::new();
        module::Wired::register(replica.service.clone(), &mut registry);
        let failed = jobs::run_sweep(&registry, "users.departures").await;
        assert!(failed.is_err(), "at step {step}");
        let state = format!("select state || ' ' || steps from departures where organization = '{}'", ada.org);
        let expected = if step == 1 { "waiting 0".to_owned() } else { format!("leaving {}", step - 1) };
        assert_eq!(db.query(&state).await, [expected]);
        db.run_sql("drop trigger z_killed on departures; drop function killed()").await;
        let elsewhere = Account::of(&replica.login(&format!("ada{step}")).await);
        assert_eq!(restore(&replica, &elsewhere, &ada.org).await.status, 404, "its time is over");

        assert_eq!(jobs::run_sweep(&registry, "users.departures").await, Ok(true));
        assert_eq!(jobs::run_sweep(&registry, "users.departures").await, Ok(true), "and once more");
        assert_eq!(db.query(&state).await, ["left 5"]);
        let rows = "select count(*) from (select org_id from memberships union all select org_id from member_invitations
            union all select org_id from invitation_links) x where org_id";
        assert_eq!(db.query(&format!("{rows} = '{}'", ada.org)).await, ["0"]);
        let left = db.query(&format!("select name || ' ' || slug from organizations where org_id = '{}'", ada.org)).await;
        assert_eq!(left, [format!("Former organisation former-{}", ada.org.replace('-', ""))]);
        let told = ["organization.delete", "organization.leave", "organization.left"];
        assert_eq!(actions(&db, &ada.org).await, told, "each once");
        assert!(replica.erased.0.lock().unwrap().iter().any(|org| org.to_string() == ada.org));
    }
    assert!(replica.is_live(&Account::of(&replica.login("bob").await).token).await, "people stay");
    assert!(audit::verify_all(&db.system_uow()).await.unwrap().iter().all(|chain| chain.verification.valid));
}

#[actix_web::test]
async fn whoever_has_contracts_with_it_goes_on_to_see_its_name() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    replica.bonds.remembered.lock().unwrap().push(ada.org.parse().unwrap());
    leave(&replica, &ada).await;
    let left =
        format!("select name || ' ' || slug || ' ' || cardinality(categories) from organizations where org_id = '{}'", ada.org);
    assert_eq!(db.query(&left).await, ["ada works ada-works 0"]);
    let entry =
        format!("select after ->> 'keepsName' from audit_entries where org_id = '{}' and action = 'organization.left'", ada.org);
    assert_eq!(db.query(&entry).await, ["true"]);
    assert_eq!(
        db.query("select state || ' ' || steps from departures").await,
        ["left 5"],
        "at once, where nothing can be taken back"
    );
}

#[actix_web::test]
async fn bound_again_it_waits_until_somebody_has_seen_to_that() {
    let (db, replica) = lasting().await;
    let ada = replica.register("ada").await;
    leave(&replica, &ada).await;
    // What was under way then is over.
    assert_eq!(replica.work(&db).await, [] as [String; 0]);
    *replica.bonds.words.lock().unwrap() = vec!["the contract 7 (practically_complete)".to_owned()];
    replica.clock.advance(TimeDelta::days(15));
    let mut registry = jobs::Registry::new();
    module::Wired::register(replica.service.clone(), &mut registry);
    for _ in 0..2 {
        assert_eq!(jobs::run_sweep(&registry, "users.departures").await, Ok(true));
    }
    let open = "select kind || ' ' || object_id from alarms where settled_at is null";
    assert_eq!(db.query(open).await, [format!("departure_bound {}", ada.org)]);
    assert_eq!(db.query("select state from departures").await, ["waiting"]);
    replica.bonds.words.lock().unwrap().clear();
    assert_eq!(jobs::run_sweep(&registry, "users.departures").await, Ok(true));
    assert_eq!(db.query("select state from departures").await, ["left"]);
    assert_eq!(db.query(open).await, [] as [&str; 0], "over by itself");
}

#[actix_web::test]
async fn bound_in_the_very_moment_in_which_it_was_to_leave_it_stays() {
    let (db, replica) = lasting().await;
    let ada = replica.register("ada").await;
    leave(&replica, &ada).await;
    *replica.bonds.words.lock().unwrap() = vec!["the tender \"Late\" (8, standstill)".to_owned()];
    assert_eq!(replica.work(&db).await, [] as [String; 0]);
    assert_eq!(db.query("select state from departures").await, ["kept"]);
    let back = Account::of(&replica.login("ada").await);
    assert_eq!(back.org, ada.org);
    let trail = replica.get("/api/audit?action=organization.restore", &back.token).await;
    assert_eq!(trail.body["data"][0]["actorId"], Value::Null, "the platform: {}", trail.body);
}

#[actix_web::test]
async fn that_an_organisation_leaves_is_felt_on_the_other_server() {
    let (db, a, b) = pair().await;
    let (ada, bob) = (a.register("ada").await, a.register("bob").await);
    a.join(&ada, &bob, "admin").await;
    let bob_there = there(&b, &bob, &ada.org).await;
    for token in [&ada.token, &bob_there.token, &bob.token] {
        warmed(&db, &b, token).await;
    }
    leave(&a, &ada).await;
    assert!(!a.is_live(&ada.token).await, "at once on the server itself");
    for token in [&ada.token, &bob_there.token] {
        until("the other has heard", async || (!b.is_live(token).await).then_some(())).await;
    }
    assert!(b.is_live(&bob.token).await);
}

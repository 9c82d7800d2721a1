//! Oneself: profile, removal; and the organisation's settings over HTTP.

use std::sync::Arc;

use actix_web::test::TestRequest;
use async_trait::async_trait;
use auth_api::{Sessions as _, Teams};
use kernel::{Fault, OrgId, ProjectId, ProjectRole, RequestId, UserId};
use mail_api::{Language, Languages as _};
use serde_json::{Value, json};
use testkit::{Database, until};
use tokio::sync::Notify;
use uow::{ReadTx, Tx};
use users_api::Leaving as _;

use crate::scenery::{Account, PASSWORD, Replica, scene, with};

#[actix_web::test]
async fn a_profile_is_patched() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let before = replica.get("/api/user", &ada.token).await;
    let changed = replica.patch("/api/user", &ada.token, json!({ "image": "https://example.com/a.png" })).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!((changed.body["name"].as_str(), changed.body["image"].as_str()), (Some("ada"), Some("https://example.com/a.png")));
    let stale = with(TestRequest::patch().uri("/api/user"), Some(&ada.token)).insert_header(("If-Match", before.header("etag")));
    assert_eq!(replica.send(stale.set_json(json!({ "name": "x" }))).await.status, 412);
    let cleared = replica.patch("/api/user", &ada.token, json!({ "image": null, "name": " Ada L. " })).await;
    assert_eq!((cleared.body["name"].as_str(), &cleared.body["image"]), (Some("Ada L."), &json!(null)));
    for bad in [json!({ "name": null }), json!({ "name": "" }), json!({ "email": "x@y.zz" }), json!({ "image": "javascript:x" })]
    {
        assert_eq!(replica.patch("/api/user", &ada.token, bad.clone()).await.status, 422, "{bad}");
    }
}

#[actix_web::test]
async fn a_person_chooses_the_language_of_their_mails() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let before = replica.get("/api/user", &ada.token).await;
    assert_eq!(before.body["locale"], json!(null));
    let chosen = replica.patch("/api/user", &ada.token, json!({ "locale": "de" })).await;
    assert_eq!((chosen.status.as_u16(), &chosen.body["locale"]), (200, &json!("de")), "{}", chosen.body);
    assert_ne!(chosen.header("etag"), before.header("etag"));
    assert_eq!(replica.patch("/api/user", &ada.token, json!({ "locale": "fr" })).await.status, 422);
    assert_eq!(replica.patch("/api/user", &ada.token, json!({ "name": "Ada L." })).await.body["locale"], "de", "it stays");
    let language = async || {
        let system = db.system_uow();
        let chosen = system.write(async |tx| users::ChosenLanguages.chosen_in(tx, "ADA@example.com").await).await;
        chosen.unwrap()
    };
    assert_eq!(language().await, None, "whoever has not proven the address may be anybody");
    replica.verify(&ada).await;
    assert_eq!(language().await, Some(Language::German));
    assert_eq!(replica.patch("/api/user", &ada.token, json!({ "locale": null })).await.body["locale"], json!(null));
    assert_eq!(language().await, None);
}

#[actix_web::test]
async fn a_profile_that_is_so_already_is_not_changed() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let before = replica.get("/api/user", &ada.token).await;
    for patch in [json!({}), json!({ "name": " ada " }), json!({ "image": null })] {
        let same = replica.patch("/api/user", &ada.token, patch).await;
        assert_eq!((same.status.as_u16(), &same.body, same.header("etag")), (200, &before.body, before.header("etag")));
    }
    assert_eq!(replica.get("/api/user", &ada.token).await.body, before.body);
    let trail = replica.get("/api/audit?action=users.update_profile", &ada.token).await;
    assert_eq!(trail.body["data"], json!([]), "nothing happened");
}

#[actix_web::test]
async fn a_removed_account_is_gone_and_its_email_free() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "member").await;
    let elsewhere = Account::of(&replica.login("bob").await);
    let wrong = json!({ "email": "bob@example.com", "password": "not the password" });
    assert_eq!(replica.post("/api/auth/login", None, wrong).await.refusal(), (401, "WRONG_CREDENTIALS"));
    let noted = format!("select count(*) from security_events where user_id = '{}'", bob.user);
    assert_eq!(db.query(&noted).await, ["3"], "the failed sign-in, and that the address was proven");
    let answer = replica.delete("/api/user", &bob.token).await;
    assert_eq!(answer.status, 204);
    assert_eq!(db.query(&noted).await, ["0"], "nor the addresses that it was used from");
    assert!(answer.header("set-cookie").starts_with("__Host-session=;"));
    assert_eq!(answer.header("clear-site-data"), r#""storage""#);
    assert!(!replica.is_live(&bob.token).await && !replica.is_live(&elsewhere.token).await);
    assert_eq!(replica.login("bob").await.refusal(), (401, "WRONG_CREDENTIALS"));
    let left = db.query(&format!("select name || email from users where id = '{}'", bob.user)).await;
    assert_eq!(left, [format!("Removed accountremoved-{}@removed.invalid", bob.user.replace('-', ""))]);
    assert_eq!(db.query(&format!("select count(*) from credentials where user_id = '{}'", bob.user)).await, ["0"]);
    assert_eq!(replica.get("/api/users", &ada.token).await.body["data"].as_array().unwrap().len(), 1);
    let trail = replica.get("/api/audit?action=users.remove_account", &ada.token).await;
    assert_eq!(trail.body["data"][0]["entityId"], json!(bob.user));
    assert_ne!(replica.register("bob").await.user, bob.user);
    assert!(audit::verify_all(&db.system_uow()).await.unwrap().iter().all(|chain| chain.verification.valid));
}

#[actix_web::test]
async fn the_sole_owner_of_others_cannot_remove_the_account() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    assert_eq!(replica.join(&ada, &bob, "admin").await.status, 200);
    assert_eq!(replica.delete("/api/user", &ada.token).await.refusal(), (409, "LAST_OWNER"));
    assert!(replica.is_live(&ada.token).await, "nothing was done by halves");
}

#[actix_web::test]
async fn the_last_member_of_a_bound_organisation_cannot_remove_the_account() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "owner").await;
    *replica.bonds.words.lock().unwrap() = vec!["contract 7".to_owned(), "tender 8".to_owned()];
    let refused = replica.delete("/api/user", &bob.token).await;
    assert_eq!(refused.refusal(), (409, "ORGANIZATION_IN_USE"));
    assert!(refused.body["detail"].as_str().unwrap().contains("bound by contract 7, tender 8:"), "{}", refused.body);
    assert!(replica.is_live(&bob.token).await, "nothing was done by halves");
    assert_eq!(db.query("select count(*) from memberships").await, ["3"]);
    let asked = replica.bonds.asked.lock().unwrap().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(asked, [bob.org.as_str()], "not of the one that ada stays in");
    replica.bonds.words.lock().unwrap().clear();
    assert_eq!(replica.delete("/api/user", &bob.token).await.status, 204);
    assert_eq!(db.query("select count(*) from memberships").await, ["1"]);
}

/// Everybody runs one project.
struct OneTeam(ProjectId);

#[async_trait]
impl Teams for OneTeam {
    async fn roles(&self, _: &ReadTx<'_>, _: OrgId, _: UserId) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
        Ok(Vec::new())
    }

    async fn roles_among(
        &self,
        _: &ReadTx<'_>,
        _: OrgId,
        _: UserId,
        _: &[ProjectId],
    ) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
        Ok(Vec::new())
    }

    async fn leave_in(&self, _: &mut Tx, _: OrgId, _: UserId) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
        Ok(vec![(self.0, ProjectRole::ProjectOwner)])
    }
}

#[actix_web::test]
async fn the_trail_tells_which_roles_in_teams_were_lost() {
    let (db, project) = (Database::fresh().await, ProjectId::new());
    let replica = Replica::with_teams(&db, auth::Settings::default(), Arc::new(OneTeam(project))).await;
    let (ada, bob, carol) = (replica.register("ada").await, replica.register("bob").await, replica.register("carol").await);
    for who in [&bob, &carol] {
        assert_eq!(replica.join(&ada, who, "member").await.status, 200);
    }
    assert_eq!(replica.delete(&format!("/api/users/{}", bob.user), &ada.token).await.status, 204);
    assert_eq!(replica.delete("/api/user", &carol.token).await.status, 204);
    let trail = replica.get(&format!("/api/audit?entityId={project}"), &ada.token).await;
    let lost = |entry: &Value| (entry["action"].clone(), entry["actorId"].clone(), entry["before"].clone());
    let entries: Vec<_> = trail.body["data"].as_array().unwrap().iter().map(lost).collect();
    let expected = |by: &Account, who: &Account| {
        (json!("users.leave_team"), json!(by.user), json!({ "user": who.user, "role": "project_owner" }))
    };
    assert_eq!(entries, [expected(&carol, &carol), expected(&ada, &bob)]);
}

#[actix_web::test]
async fn a_removed_account_is_nobodys_member_even_if_it_accepts_meanwhile() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.verify(&bob).await;
    let invitation = replica.invite(&ada, "bob").await.body["id"].as_str().unwrap().parse().unwrap();
    // Pauses the accepting where the person is found but not yet a member.
    db.run_sql(
        "create function pause() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock_shared(1); return new; end $$;
         create trigger a_pause before insert on memberships for each row execute function pause()",
    )
    .await;
    let (held, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let pause = actix_web::rt::spawn({
        // Connections of its own, so that the others wait for locks alone.
        let pool = db::PoolSettings { size: 1, ..db::PoolSettings::system(db.system_url().await) };
        let system = uow::SystemUow::new(db::Postgres::new(pool).unwrap());
        let (held, release) = (Arc::clone(&held), Arc::clone(&release));
        async move {
            let paused = system.write(async |tx| {
                use db::prelude::*;
                diesel::sql_query("select pg_advisory_xact_lock(1)").execute(tx.pg()).await.fault()?;
                held.notify_one();
                release.notified().await;
                Ok::<_, Fault>(())
            });
            paused.await
        }
    });
    held.notified().await;
    let ctx = async |who: &Account| replica.auth.resolve(&who.token).await.unwrap().ctx(RequestId::generate());
    let waiting = async |n: &str| {
        let sql = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        until("they wait", async || (db.query(sql).await == [n]).then_some(())).await;
    };
    let joining = actix_web::rt::spawn({
        let (users, ctx) = (Arc::clone(&replica.users), ctx(&bob).await);
        async move { users.accept_invitation(&ctx, invitation).await }
    });
    waiting("1").await;
    let removing = actix_web::rt::spawn({
        let (users, ctx) = (Arc::clone(&replica.service), ctx(&bob).await);
        async move { users.remove_account(&ctx, Language::English).await }
    });
    waiting("2").await;
    release.notify_one();
    pause.await.unwrap().unwrap();
    // Joined, and taken out again at once: who asks for the membership may find it gone already.
    if let Ok(joined) = joining.await.unwrap() {
        assert_eq!(joined.user.id.to_string(), bob.user);
    }
    removing.await.unwrap().unwrap();
    assert_eq!(db.query("select user_id::text || ' ' || role from memberships").await, [format!("{} owner", ada.user)]);

    // The other way round: the email is free again, so somebody new joins by it.
    let again = replica.register("bob").await;
    assert_eq!(replica.join(&ada, &again, "member").await.status, 200);
    assert_ne!(again.user, bob.user);
}

#[actix_web::test]
async fn the_mark_of_a_removed_account_is_nobodys_email() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    assert_eq!(replica.delete("/api/user", &bob.token).await.status, 204);
    let mark = db.query(&format!("select email from users where id = '{}'", bob.user)).await.remove(0);
    let account = json!({ "email": mark, "password": PASSWORD, "name": "x", "organizationName": "x" });
    assert_eq!(replica.post("/api/auth/register", None, account).await.refusal(), (422, "INVALID"));
    let member = json!({ "email": mark, "name": "x" });
    assert_eq!(replica.post("/api/users", Some(&ada.token), member).await.refusal(), (422, "INVALID"));
}

#[actix_web::test]
async fn the_organisation_is_patched() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let before = replica.get("/api/organization", &ada.token).await;
    assert_eq!((&before.body["approvalThreshold"], before.body["timezone"].as_str()), (&json!(null), Some("UTC")));
    let patch = json!({ "approvalThreshold": { "amount": "1000", "currency": "EUR" }, "timezone": "Europe/Berlin", "categories": ["roofing"] });
    let changed = replica.patch("/api/organization", &ada.token, patch).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.body["approvalThreshold"], json!({ "amount": "1000.00", "currency": "EUR" }));
    assert_eq!(changed.header("etag"), replica.get("/api/organization", &ada.token).await.header("etag"));
    let again = replica.patch("/api/organization", &ada.token, json!({ "approvalThreshold": { "amount": "5.5" } })).await;
    assert_eq!(again.body["approvalThreshold"], json!({ "amount": "5.50", "currency": "EUR" }));
    let off = replica.patch("/api/organization", &ada.token, json!({ "approvalThreshold": null })).await;
    assert_eq!(off.body["approvalThreshold"], json!(null));
    for bad in [
        json!({ "timezone": "Mars" }),
        json!({ "slug": "x" }),
        json!({ "approvalThreshold": { "amount": "1.005", "currency": "EUR" } }),
        json!({ "kind": "x" }),
    ] {
        assert_eq!(replica.patch("/api/organization", &ada.token, bad.clone()).await.status, 422, "{bad}");
    }
    let stale =
        with(TestRequest::patch().uri("/api/organization"), Some(&ada.token)).insert_header(("If-Match", before.header("etag")));
    assert_eq!(replica.send(stale.set_json(json!({ "name": "x" }))).await.status, 412);
}

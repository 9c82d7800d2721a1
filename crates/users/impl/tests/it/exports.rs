//! What somebody takes along: made by a job, given to whoever asked for it alone, without secrets.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::dev::Service as _;
use actix_web::test::{self, TestRequest};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use testkit::{Database, unzipped};

use crate::scenery::{Account, PASSWORD, Replica, scene, with};

/// Asks for the archive of an organisation; its id.
pub async fn asked(replica: &Replica, who: &Account) -> String {
    let answer = replica.post("/api/organization/export", Some(&who.token), json!({})).await;
    assert_eq!((answer.status.as_u16(), &answer.body["status"]), (202, &json!("making")), "{}", answer.body);
    assert_eq!(answer.body["organizationId"], json!(who.org));
    answer.body["id"].as_str().unwrap().to_owned()
}

/// Fetches an archive: the status and the bytes.
pub async fn fetched(replica: &Replica, id: &str, token: Option<&str>) -> (u16, Vec<u8>) {
    let app = test::init_service(web::app(&replica.deps)).await;
    let request = with(TestRequest::get().uri(&format!("/exports/{id}")), token);
    let answer = app.call(request.to_request()).await.unwrap();
    (answer.status().as_u16(), test::read_body(answer).await.to_vec())
}

async fn files(replica: &Replica, id: &str, who: &Account) -> BTreeMap<String, String> {
    let (status, bytes) = fetched(replica, id, Some(&who.token)).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
    unzipped(&bytes)
}

fn rows(file: &str) -> Vec<Value> {
    serde_json::from_str(file).unwrap()
}

#[actix_web::test]
async fn what_an_organisation_has_is_given_to_whoever_asked_for_it_and_to_nobody_else() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    assert_eq!(replica.join(&ada, &bob, "owner").await.status, 200);
    let to = json!({ "organizationId": ada.org });
    let other = Account::of(&replica.post("/api/auth/switch-organization", Some(&bob.token), to).await);
    let scopes = json!({ "name": "Books", "scopes": ["audit.read"] });
    let key = replica.post("/api/api-keys", Some(&ada.token), scopes).await.body["secret"].as_str().unwrap().to_owned();

    let id = asked(&replica, &ada).await;
    assert_eq!(fetched(&replica, &id, Some(&ada.token)).await.0, 404, "it is not there yet");
    assert_eq!(asked(&replica, &ada).await, id, "one at a time");
    assert_eq!(replica.work(&db).await, [] as [String; 0]);
    let mail = replica.mails.to("ada@example.com").pop().unwrap();
    assert_eq!(mail.content.template().name(), "export-ready");
    assert_eq!(mail.content.link().unwrap().as_str(), format!("/exports/{id}"));
    let again = replica.post("/api/organization/export", Some(&ada.token), json!({})).await;
    assert_eq!((&again.body["id"], &again.body["status"]), (&json!(id), &json!("ready")), "within the hour");

    for (who, status) in [(None, 401), (Some(key.as_str()), 401), (Some("nonsense"), 401), (Some(other.token.as_str()), 404)] {
        let (answered, page) = fetched(&replica, &id, who).await;
        assert_eq!(answered, status, "{who:?}");
        assert!(!page.starts_with(b"PK"));
    }
    assert_eq!(replica.get("/api/user/exports", &other.token).await.body["data"], json!([]));
    let (_, bytes) = fetched(&replica, &id, Some(&ada.token)).await;
    let listed = replica.get("/api/user/exports", &ada.token).await.body["data"][0].clone();
    let digest = hex::encode(Sha256::digest(&bytes));
    assert_eq!((&listed["size"], &listed["sha256"]), (&json!(bytes.len()), &json!(digest)));

    let files = unzipped(&bytes);
    let names: Vec<_> = files.keys().map(String::as_str).collect();
    let lists = ["members", "nothing", "things", "trail"];
    let mut expected: Vec<_> = lists.iter().flat_map(|list| [format!("{list}.csv"), format!("{list}.json")]).collect();
    expected.insert(0, "about.json".to_owned());
    assert_eq!(names, expected);
    let things: Vec<_> = rows(&files["things.json"]).iter().map(|thing| thing["of"].clone()).collect();
    assert_eq!(things, vec![json!(ada.org); 3], "of this organisation alone, page by page");
    let members: Vec<_> = rows(&files["members.json"]).iter().map(|member| member["email"].clone()).collect();
    assert_eq!(members, [json!("bob@example.com"), json!("ada@example.com")]);
    let trail = rows(&files["trail.json"]);
    assert!(trail.iter().any(|entry| entry["action"] == "organization.export" && entry["entity"] == json!(id)), "{trail:?}");
    assert_eq!(trail.last().unwrap()["sequence"], 1, "to its beginning");
    assert_eq!(files["trail.csv"].lines().count(), trail.len() + 1);
    let all: String = files.into_values().collect();
    for secret in [ada.token.as_str(), &key, PASSWORD, "argon2", "token_hash"] {
        assert!(!all.contains(secret), "{secret}");
    }
    assert!(!all.contains(&bob.org), "nothing of what its members do elsewhere");
}

#[actix_web::test]
async fn only_an_owner_takes_an_organisation_along_as_long_as_they_are_one() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    assert_eq!(replica.join(&ada, &bob, "admin").await.status, 200);
    let to = json!({ "organizationId": ada.org });
    let admin = Account::of(&replica.post("/api/auth/switch-organization", Some(&bob.token), to).await);
    let refused = replica.post("/api/organization/export", Some(&admin.token), json!({})).await;
    assert_eq!(
        (refused.refusal(), &refused.body["missingPermission"]),
        ((403, "PERMISSION_DENIED"), &json!("organization.export"))
    );

    let bobs = format!("/api/users/{}", bob.user);
    let role = async |role: &str| {
        assert_eq!(replica.put(&bobs, &ada.token, json!({ "role": role })).await.status, 200);
    };
    role("owner").await;
    let id = asked(&replica, &admin).await;
    role("admin").await;
    assert_eq!(replica.work(&db).await, [] as [String; 0]);
    assert_eq!(db.query("select count(*) from exports").await, ["0"], "it is not made for who is none any more");
    role("owner").await;
    let second = asked(&replica, &admin).await;
    assert_ne!(second, id);
    assert_eq!(replica.work(&db).await, [] as [String; 0]);
    assert_eq!(fetched(&replica, &second, Some(&admin.token)).await.0, 200);
    role("admin").await;
    assert_eq!(fetched(&replica, &second, Some(&admin.token)).await.0, 404, "nor given");
}

#[actix_web::test]
async fn an_archive_can_be_fetched_while_its_organisation_leaves_and_goes_with_it() {
    let db = Database::fresh().await;
    let leaving = users::Settings { grace: Duration::from_secs(3 * 24 * 3600), ..users::Settings::default() };
    let replica = Replica::with_leaving(&db, leaving).await;
    let ada = replica.register("ada").await;
    let id = asked(&replica, &ada).await;
    assert_eq!(replica.work(&db).await, [] as [String; 0]);
    assert_eq!(replica.delete("/api/organization", &ada.token).await.status, 204);
    assert_eq!(fetched(&replica, &id, Some(&ada.token)).await.0, 401);
    let elsewhere = Account::of(&replica.login("ada").await);
    assert_eq!(files(&replica, &id, &elsewhere).await.len(), 9);
    replica.clock.advance(TimeDelta::days(4));
    let mut registry = jobs::Registry::new();
    module::Wired::register(replica.service.clone(), &mut registry);
    assert_eq!(jobs::run_sweep(&registry, "users.departures").await, Ok(true));
    assert_eq!(fetched(&replica, &id, Some(&elsewhere.token)).await.0, 404);
    assert_eq!(db.query("select (select count(*) from exports) + (select count(*) from export_parts)").await, ["0"]);
}

#[actix_web::test]
async fn a_job_that_was_killed_makes_it_whole_and_mails_once() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let id = asked(&replica, &ada).await;
    db.run_sql(
        "create function killed() returns trigger language plpgsql as $$ begin raise exception 'killed'; end $$;
         create trigger z_killed before update on exports for each row execute function killed()",
    )
    .await;
    let failed = replica.work(&db).await;
    assert!(failed.iter().any(|failed| failed.starts_with("users.make_export: ")), "{failed:?}");
    assert_eq!(db.query("select count(*) from export_parts").await, ["0"], "nothing by halves");
    db.run_sql("drop trigger z_killed on exports; drop function killed()").await;
    assert_eq!(replica.work(&db).await, [] as [String; 0]);
    assert_eq!(files(&replica, &id, &ada).await.len(), 9);
    // Once more, as by another worker.
    let payload = json!({ "org": null, "request": null, "data": { "export": id } });
    db.run_sql(&format!("select app.add_job('users.make_export', '{payload}', null, null, 3)")).await;
    assert_eq!(replica.work(&db).await, [] as [String; 0]);
    let mails = replica.mails.to("ada@example.com");
    let told = mails.iter().filter(|mail| mail.content.template().name() == "export-ready").count();
    assert_eq!(told, 1);
}

#[actix_web::test]
async fn what_is_larger_than_an_archive_may_be_is_told() {
    let db = Database::fresh().await;
    let leaving = users::Settings { export_most_bytes: 600, ..users::Settings::default() };
    let replica = Replica::with_leaving(&db, leaving).await;
    let ada = replica.register("ada").await;
    let id = asked(&replica, &ada).await;
    assert_eq!(replica.work(&db).await, [] as [String; 0]);
    let listed = replica.get("/api/user/exports", &ada.token).await.body["data"][0].clone();
    assert_eq!((&listed["id"], &listed["status"], &listed["size"]), (&json!(id), &json!("too_large"), &json!(null)));
    assert_eq!(fetched(&replica, &id, Some(&ada.token)).await.0, 404);
}

#[actix_web::test]
async fn a_person_takes_along_what_is_kept_of_them_for_some_days() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.verify(&ada).await;
    let answer = replica.post("/api/user/export", Some(&ada.token), json!({})).await;
    assert_eq!((answer.status.as_u16(), &answer.body["organizationId"]), (202, &json!(null)), "{}", answer.body);
    let id = answer.body["id"].as_str().unwrap().to_owned();
    assert_eq!(replica.work(&db).await, [] as [String; 0]);
    assert_eq!(fetched(&replica, &id, Some(&bob.token)).await.0, 404);
    let files = files(&replica, &id, &ada).await;
    let about: Value = serde_json::from_str(&files["about.json"]).unwrap();
    assert_eq!(about["of"]["person"]["email"], "ada@example.com");
    assert_eq!(rows(&files["memberships.json"])[0]["organization"], json!(ada.org));
    assert_eq!(rows(&files["sessions.json"]).len(), 1);
    assert!(rows(&files["security_events.json"]).iter().any(|event| event["kind"] == "address_verified"));
    let all: String = files.into_values().collect();
    for secret in [ada.token.as_str(), PASSWORD, "argon2", "bob"] {
        assert!(!all.contains(secret), "{secret}");
    }

    replica.clock.advance(TimeDelta::days(8));
    assert_eq!(fetched(&replica, &id, Some(&ada.token)).await.0, 404, "its time is over");
    assert_eq!(replica.get("/api/user/exports", &ada.token).await.body["data"], json!([]));
    let mut registry = jobs::Registry::new();
    module::Wired::register(replica.service.clone(), &mut registry);
    assert_eq!(jobs::run_sweep(&registry, "users.exports").await, Ok(true));
    assert_eq!(db.query("select count(*) from export_parts").await, ["0"]);
}

#[actix_web::test]
async fn an_organisations_archive_is_fetched_with_a_fresh_proof_and_not_while_it_is_suspended() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    assert_eq!(replica.join(&ada, &bob, "owner").await.status, 200);
    let id = asked(&replica, &ada).await;
    let own = replica.post("/api/user/export", Some(&ada.token), json!({})).await.body["id"].as_str().unwrap().to_owned();
    assert_eq!(replica.work(&db).await, [] as [String; 0]);
    replica.clock.advance(TimeDelta::minutes(6));
    let (status, page) = fetched(&replica, &id, Some(&ada.token)).await;
    assert_eq!((status, String::from_utf8_lossy(&page).contains("Show once more who you are")), (403, true));
    assert_eq!(fetched(&replica, &own, Some(&ada.token)).await.0, 200, "what is one's own asks for none");
    let again = replica.post("/api/auth/reauthenticate", Some(&ada.token), json!({ "password": PASSWORD })).await;
    let ada = Account::of(&again);
    assert_eq!(fetched(&replica, &id, Some(&ada.token)).await.0, 200);

    let decision = kernel::Decision { operator: "Olga Operator".parse().unwrap(), reason: Some("fraud".parse().unwrap()) };
    let org = ada.org.parse().unwrap();
    replica.suspensions.suspend(org, &decision, mail_api::Language::English).await.unwrap();
    let elsewhere = Account::of(&replica.login("ada").await);
    let (status, page) = fetched(&replica, &id, Some(&elsewhere.token)).await;
    assert_eq!((status, String::from_utf8_lossy(&page).contains("The organisation is suspended")), (403, true));
    replica.suspensions.resume(org, &decision, mail_api::Language::English).await.unwrap();
    assert_eq!(fetched(&replica, &id, Some(&elsewhere.token)).await.0, 200);
}

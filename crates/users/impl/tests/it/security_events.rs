//! What an organisation is told of the security of its members' accounts, and what it is not.

use std::net::SocketAddr;

use actix_web::test::TestRequest;
use chrono::TimeDelta;
use kernel::{Ctx, Denied, OrgId, OrgRole, ProjectRoles, RequestId, UserId};
use serde_json::{Value, json};

use crate::scenery::{Account, Answer, Replica, scene};

const EVENTS: &str = "/api/security-events";

/// Kind and person of each, newest first, as somebody of the organisation reads them.
async fn told(replica: &Replica, by: &str, query: &str) -> Vec<String> {
    let answer = replica.get(&format!("{EVENTS}{query}"), by).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let text = |value: &Value| value.as_str().unwrap_or("nobody").to_owned();
    let events = answer.body["data"].as_array().unwrap().iter();
    events.map(|event| format!("{} {}", text(&event["kind"]), text(&event["userId"]))).collect()
}

/// Signs in with a wrong password, from this address.
async fn fail(replica: &Replica, name: &str, from: &str) {
    let peer: SocketAddr = format!("{from}:4711").parse().unwrap();
    let body = json!({ "email": format!("{name}@example.com"), "password": "not the password" });
    let answer = replica.send(TestRequest::post().uri("/api/auth/login").peer_addr(peer).set_json(body)).await;
    assert_eq!(answer.refusal(), (401, "WRONG_CREDENTIALS"));
}

/// Bob, who has an organisation of his own, in that of Ada.
async fn bob_at_adas(replica: &Replica, ada: &Account, bob: &Account) -> Account {
    replica.join(ada, bob, "member").await;
    replica.clock.advance(TimeDelta::seconds(1));
    let there = json!({ "organizationId": ada.org });
    Account::of(&replica.post("/api/auth/switch-organization", Some(&bob.token), there).await)
}

#[actix_web::test]
async fn of_a_sign_in_that_fails_one_organisation_is_told_into_which_it_would_have_led() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    fail(&replica, "bob", "203.0.113.7").await;
    let there = bob_at_adas(&replica, &ada, &bob).await;
    fail(&replica, "bob", "203.0.113.8").await;
    fail(&replica, "nobody", "203.0.113.9").await;

    let of = |kind: &str, who: &Account| format!("{kind} {}", who.user);
    assert_eq!(told(&replica, &ada.token, "").await, [of("sign_in_failed", &bob), of("entered", &bob), of("signed_in", &ada)]);
    assert_eq!(told(&replica, &bob.token, "").await, [of("sign_in_failed", &bob), of("signed_in", &bob)]);
    let seen = replica.get(EVENTS, &ada.token).await.body["data"][0].clone();
    assert_eq!((&seen["address"], &seen["apiKeyId"], &seen["permission"]), (&json!("203.0.113.8"), &Value::Null, &Value::Null));
    let refused = replica.get(EVENTS, &there.token).await;
    assert_eq!((refused.refusal(), &refused.body["missingPermission"]), ((403, "PERMISSION_DENIED"), &json!("security.read")));

    // What nobody is told of is written all the same: the answer takes as long.
    let of_nobody = "select kind from organization_events where org_id = '00000000-0000-0000-0000-000000000000'";
    assert_eq!(db.query(of_nobody).await, ["sign_in_failed"]);
}

#[actix_web::test]
async fn events_are_chosen_by_kind_person_and_time_and_read_by_pages() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    bob_at_adas(&replica, &ada, &bob).await;
    fail(&replica, "bob", "203.0.113.7").await;
    let of = |kind: &str, who: &Account| format!("{kind} {}", who.user);
    assert_eq!(told(&replica, &ada.token, "?kind=sign_in_failed").await, [of("sign_in_failed", &bob)]);
    assert_eq!(told(&replica, &ada.token, &format!("?userId={}", ada.user)).await, [of("signed_in", &ada)]);
    let page = replica.get(&format!("{EVENTS}?limit=1"), &ada.token).await.body;
    let newest = page["data"][0]["at"].as_str().unwrap().to_owned();
    assert_eq!(told(&replica, &ada.token, &format!("?since={newest}")).await, [of("sign_in_failed", &bob)]);
    let before = told(&replica, &ada.token, &format!("?before={newest}")).await;
    assert_eq!(before, [of("entered", &bob), of("signed_in", &ada)]);
    let next = format!("?limit=1&cursor={}", page["nextCursor"].as_str().unwrap());
    assert_eq!(told(&replica, &ada.token, &next).await, [of("entered", &bob)]);
    let wrong = replica.get(&format!("{EVENTS}?kind=sign_in"), &ada.token).await;
    assert_eq!(wrong.status, 422);

    // A program that keeps them elsewhere needs no person.
    let body = json!({ "name": "Archive", "scopes": ["security.read"] });
    let key = replica.post("/api/api-keys", Some(&ada.token), body).await.body["secret"].as_str().unwrap().to_owned();
    assert_eq!(told(&replica, &key, "").await.len(), 3);
}

#[actix_web::test]
async fn what_is_refused_and_spent_in_an_organisation_is_told_to_it() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    let (user, org): (UserId, OrgId) = (ada.user.parse().unwrap(), ada.org.parse().unwrap());
    let ctx = Ctx::user(org, user, OrgRole::Member, ProjectRoles::default(), RequestId::generate());
    replica.auth.note_denied(&ctx, &Denied { permission: auth_api::perm::KEYS_READ, project: None }).await;
    replica.auth.note_spent(auth::SpentLimit::Person(user, org), &ctx.request, None).await;
    replica.auth.note_spent(auth::SpentLimit::Organization(org), &ctx.request, None).await;
    replica.auth.note_spent(auth::SpentLimit::Address, &ctx.request, None).await;
    let of_ada = |kind: &str| format!("{kind} {}", ada.user);
    let expected =
        ["organization_limited nobody".to_owned(), of_ada("requests_limited"), of_ada("access_denied"), of_ada("signed_in")];
    assert_eq!(told(&replica, &ada.token, "").await, expected);
    let denied = replica.get(&format!("{EVENTS}?kind=access_denied"), &ada.token).await.body["data"][0].clone();
    assert_eq!((&denied["permission"], &denied["requestId"]), (&json!("api_keys.read"), &json!(ctx.request.as_str())));
    assert_eq!(told(&replica, &bob.token, "").await, [format!("signed_in {}", bob.user)], "no other organisation");

    // What a password guards is told where its person works.
    let body = json!({ "currentPassword": "not the password", "newPassword": "incorrect zebra capacitor paperclip" });
    assert_eq!(replica.put("/api/user/password", &ada.token, body).await.status, 422);
    assert_eq!(told(&replica, &ada.token, "?limit=1").await, [of_ada("password_change_failed")]);
}

#[actix_web::test]
async fn events_outlive_the_account_without_its_addresses_and_end_with_their_time() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    bob_at_adas(&replica, &ada, &bob).await;
    fail(&replica, "bob", "203.0.113.7").await;
    assert_eq!(replica.delete("/api/user", &bob.token).await.status, 204);
    let seen = replica.get(&format!("{EVENTS}?userId={}&limit=1", bob.user), &ada.token).await.body["data"][0].clone();
    assert_eq!((&seen["kind"], &seen["address"]), (&json!("sign_in_failed"), &Value::Null));

    replica.clock.advance(TimeDelta::days(89));
    replica.auth.purge(replica.clock_now()).await.unwrap();
    assert_ne!(db.query("select count(*) from organization_events").await, ["0"]);
    replica.clock.advance(TimeDelta::days(2));
    replica.auth.purge(replica.clock_now()).await.unwrap();
    assert_eq!(db.query("select count(*) from organization_events").await, ["0"]);
}

const ALONG: &str = "/api/security-events/export";

/// The lines of a file that somebody takes along.
fn lines(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body.as_str().unwrap_or_default().lines().collect()
}

#[actix_web::test]
async fn events_are_taken_along_as_one_file_and_that_stands_in_the_trail() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    let there = bob_at_adas(&replica, &ada, &bob).await;
    // More than there are on a page.
    let many = "insert into organization_events (org_id, id, kind, permission, request_id)
        select '{org}', gen_random_uuid(), 'access_denied', 'audit.read', '=1+1' from generate_series(1, 230)";
    db.run_sql(&many.replace("{org}", &ada.org)).await;

    let all = replica.post(ALONG, Some(&ada.token), json!({ "format": "csv" })).await;
    assert_eq!(all.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(all.header("content-disposition"), "attachment; filename=\"security-events.csv\"");
    let told = lines(&all);
    assert_eq!((told.len(), told[0]), (233, "id,at,kind,userId,apiKeyId,permission,address,requestId"));
    assert!(told[1].ends_with(",access_denied,,,audit.read,,'=1+1"), "no formula: {}", told[1]);
    assert!(told[232].contains(&format!(",signed_in,{},", ada.user)), "the oldest one comes last: {}", told[232]);

    let some = replica.post(ALONG, Some(&ada.token), json!({ "format": "ndjson", "kind": "access_denied" })).await;
    assert_eq!(some.header("content-type"), "application/x-ndjson");
    let told: Vec<Value> = lines(&some).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(told.len() == 230 && told.iter().all(|event| event["kind"] == "access_denied"), "{}", told.len());
    let none = json!({ "format": "ndjson", "before": "2000-01-01T00:00:00Z" });
    assert_eq!(lines(&replica.post(ALONG, Some(&ada.token), none).await), [""; 0]);

    // A program, a member who may not, and another organisation.
    let body = json!({ "name": "Archive", "scopes": ["security.read"] });
    let key = replica.post("/api/api-keys", Some(&ada.token), body).await.body["secret"].as_str().unwrap().to_owned();
    assert_eq!(lines(&replica.post(ALONG, Some(&key), json!({ "format": "csv" })).await).len(), 233);
    let refused = replica.post(ALONG, Some(&there.token), json!({ "format": "csv" })).await;
    assert_eq!((refused.refusal(), &refused.body["missingPermission"]), ((403, "PERMISSION_DENIED"), &json!("security.read")));
    let own = replica.post(ALONG, Some(&bob.token), json!({ "format": "csv" })).await;
    assert_eq!(lines(&own).len(), 2, "the names, and that he registered: {}", own.body);

    let trail = format!(
        "select concat_ws(' ', after ->> 'format', after ->> 'kind', case when api_key_id is null then 'person' else 'key' end)
         from audit_entries where action = 'security.export' and org_id = '{}' order by 1",
        ada.org
    );
    assert_eq!(db.query(&trail).await, ["csv key", "csv person", "ndjson access_denied person", "ndjson person"]);
}

//! What people try at the single sign-on of an organisation: to come in past it, to be as fresh as if they had shown something, and to sign others in.

use actix_web::test::TestRequest;
use auth_api::Asserted;
use chrono::TimeDelta;
use futures::future::join;
use serde_json::{Value, json};
use testkit::Database;

use crate::authenticator::{again, by_password, set_up};
use crate::domains::{proven, readdress};
use crate::elsewhere::refused;
use crate::exports::{asked, fetched};
use crate::factors::cookie;
use crate::issuers::{ISSUER, REQUIRED, begin, connected, connection, set, sign_on, somebody, turn};
use crate::scenery::{Account, Replica, scene};

#[actix_web::test]
async fn another_address_is_no_way_round_what_is_enforced() {
    let (db, replica) = scene().await;
    let (ada, bob, guest) = (proven(&replica, "ada").await, proven(&replica, "bob").await, proven(&replica, "guest").await);
    readdress(&db, &guest, "guest@other.example", true).await;
    connected(&replica, &ada, "example.com", connection(false, &[])).await;
    for who in [&bob, &guest] {
        assert_eq!(replica.join(&ada, who, "member").await.status, 200);
    }
    set_up(&replica, &ada).await;
    assert_eq!(set(&replica, &ada, connection(false, &[&ada.user])).await.status, 200);
    assert_eq!(turn(&replica, &ada, "enforced").await.status, 200);
    let there = json!({ "organizationId": ada.org });
    let switch = async |who: &Account| replica.post("/api/auth/switch-organization", Some(&who.token), there.clone()).await;
    let noted = async || db.query("select user_id::text from sign_on_leavers").await;
    // Whom the issuer signs in no more has their mail elsewhere.
    readdress(&db, &bob, "bob@private.example", true).await;
    assert_eq!(switch(&bob).await.refusal(), REQUIRED);
    assert_eq!(noted().await, [bob.user.as_str()]);
    refused(&begin(&replica, &ada.org).await.back(&replica).await, 403, "no member");
    // Who never had an address there may have whichever they like.
    readdress(&db, &guest, "guest@another.example", true).await;
    assert_eq!(switch(&guest).await.status, 200);
    // Whoever decides on members lets them in as whom they are now.
    assert_eq!(replica.delete(&format!("/api/users/{}", bob.user), &ada.token).await.status, 204);
    assert_eq!(noted().await, [] as [&str; 0]);
    assert_eq!(replica.join(&ada, &bob, "member").await.status, 200);
    assert_eq!(switch(&bob).await.status, 200);
}

#[actix_web::test]
async fn nobody_but_owners_ends_what_is_enforced_by_giving_its_domain_up() {
    let (db, replica) = scene().await;
    let (ada, bob) = (proven(&replica, "ada").await, proven(&replica, "bob").await);
    connected(&replica, &ada, "example.com", connection(false, &[])).await;
    assert_eq!(replica.join(&ada, &bob, "admin").await.status, 200);
    set_up(&replica, &ada).await;
    assert_eq!(set(&replica, &ada, connection(false, &[&ada.user])).await.status, 200);
    assert_eq!(turn(&replica, &ada, "enforced").await.status, 200);
    let (admin, session) = sign_on(&replica, &ada.org).await;
    assert_eq!(session["role"], json!("admin"));
    let id = replica.get("/api/organization/domains", &admin).await.body["data"][0]["id"].as_str().unwrap().to_owned();
    let domain = format!("/api/organization/domains/{id}");
    assert_eq!(replica.delete(&domain, &admin).await.refusal(), (409, "DOMAIN_ENFORCED"));
    // What the record says is the platform's to note.
    db.run_sql("begin; delete from organization_domains; rollback").await;
    assert_eq!(turn(&replica, &ada, "optional").await.status, 200);
    assert_eq!(replica.delete(&domain, &admin).await.status, 204);
}

#[actix_web::test]
async fn who_is_signed_in_at_the_issuer_already_proves_nothing_by_that() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (proven(&replica, "ada").await, proven(&replica, "bob").await);
    connected(&replica, &ada, "example.com", connection(false, &[])).await;
    replica.join(&ada, &bob, "admin").await;
    let key = json!({ "name": "Books", "scopes": ["organization.read"] });
    let now = replica.clock_now();
    let signed_in = async |shown_at: Option<kernel::Timestamp>| {
        replica.issuers.say(Asserted { shown_at, ..somebody("1", "bob@example.com") });
        sign_on(&replica, &ada.org).await.0
    };
    for shown_at in [None, Some(now - TimeDelta::seconds(301)), Some(now - TimeDelta::days(1))] {
        let session = signed_in(shown_at).await;
        assert_eq!(replica.get("/api/organization", &session).await.status, 200);
        let asked = replica.post("/api/api-keys", Some(&session), key.clone()).await;
        assert_eq!(
            (asked.refusal(), &asked.body["stepUp"]),
            ((403, "STEP_UP_REQUIRED"), &json!("single_sign_on")),
            "{shown_at:?}"
        );
    }
    let start = format!("/auth/single-sign-on/{}/start", ada.org);
    for (query, anew) in [("", "anew=false"), ("?anew=true", "anew=true")] {
        let sent = replica.send(TestRequest::get().uri(&format!("{start}{query}"))).await;
        assert!(sent.status == 303 && sent.header("location").contains(anew), "{}", sent.header("location"));
    }
    let begun = replica.post(&format!("/api{start}"), None, json!({ "anew": true })).await;
    assert!(begun.body["authorizationUrl"].as_str().unwrap().contains("anew=true"), "{}", begun.body);
    // Shown a moment ago, or later than it is here.
    for shown_at in [now - TimeDelta::seconds(200), now + TimeDelta::days(1)] {
        let session = signed_in(Some(shown_at)).await;
        assert_eq!(replica.post("/api/api-keys", Some(&session), key.clone()).await.status, 201, "{shown_at}");
    }
}

#[actix_web::test]
async fn no_other_page_and_no_mail_has_a_browser_signed_in_by_itself() {
    let (db, replica) = scene().await;
    let ada = proven(&replica, "ada").await;
    connected(&replica, &ada, "example.com", connection(true, &[])).await;
    let begun = db.query("select count(*) from sign_ons_begun").await;
    let start = format!("/auth/single-sign-on/{}/start?returnTo=%2Fprojects", ada.org);
    let from = async |site: &str| replica.send(TestRequest::get().uri(&start).insert_header(("Sec-Fetch-Site", site))).await;
    for site in ["cross-site", "same-site", "none"] {
        let shown = from(site).await;
        assert!(shown.status == 200 && shown.header("set-cookie").is_empty(), "{site}: {}", shown.body);
        let html = shown.body.as_str().unwrap();
        assert!(html.contains("Do you want to sign in") && html.contains(&format!("href=\"{start}\"")), "{site}: {html}");
    }
    assert_eq!(db.query("select count(*) from sign_ons_begun").await, begun, "nothing began");
    let sent = from("same-origin").await;
    assert!(sent.status == 303 && sent.header("location").starts_with(ISSUER), "{}", sent.body);
}

#[actix_web::test]
async fn whoever_runs_an_issuer_spends_none_of_the_persons_own_tries() {
    let db = Database::fresh().await;
    let replica = Replica::of(&db, auth::Settings { wrong_per_email: 2, ..auth::Settings::default() }).await;
    let (ada, bob) = (proven(&replica, "ada").await, proven(&replica, "bob").await);
    let mut trusting = connection(false, &[]);
    trusting["trustsSecondFactor"] = json!(true);
    connected(&replica, &ada, "example.com", trusting).await;
    assert_eq!(replica.join(&ada, &bob, "member").await.status, 200);
    let spend = async |wrong: Value| {
        let (bound, _) = sign_on(&replica, &ada.org).await;
        let mut tried = Vec::new();
        for _ in 0..3 {
            let answer = replica.post("/api/auth/reauthenticate", Some(&bound), wrong.clone()).await;
            tried.push(answer.status.as_u16());
        }
        assert_eq!(tried, [422, 422, 429]);
    };
    spend(json!({ "password": "wrong horse battery staple" })).await;
    let bob = Account::of(&again(&replica, &bob, by_password()).await);

    let (shows, _) = set_up(&replica, &bob).await;
    replica.issuers.say(Asserted { factor: true, ..somebody("1", "bob@example.com") });
    spend(json!({ "code": shows.wrong(&replica) })).await;
    // A sign-in by that issuer that waits is counted with its sessions.
    assert_eq!(set(&replica, &ada, connection(false, &[])).await.status, 200);
    let waits = begin(&replica, &ada.org).await.back(&replica).await;
    let html = waits.body.as_str().unwrap();
    let token = html.split_once("name=\"token\" value=\"").unwrap().1.split('"').next().unwrap();
    let mfa = format!("__Host-mfa={}", cookie(&waits, "__Host-mfa").unwrap());
    let body = json!({ "mfaToken": token, "code": shows.wrong(&replica) });
    let request = TestRequest::post().uri("/api/auth/mfa").insert_header(("Cookie", mfa)).set_json(body);
    assert_eq!(replica.send(request).await.refusal(), (429, "RATE_LIMITED"));
    assert_eq!(again(&replica, &bob, json!({ "code": shows.code(&replica, 0) })).await.status, 200);
}

#[actix_web::test]
async fn whom_only_the_issuer_lets_in_takes_no_archive_out_in_a_session_elsewhere() {
    let (db, replica) = scene().await;
    let (ada, bob) = (proven(&replica, "ada").await, proven(&replica, "bob").await);
    connected(&replica, &ada, "example.com", connection(false, &[])).await;
    assert_eq!(replica.join(&ada, &bob, "owner").await.status, 200);
    set_up(&replica, &ada).await;
    assert_eq!(set(&replica, &ada, connection(false, &[&ada.user])).await.status, 200);
    let to = json!({ "organizationId": ada.org });
    let there = Account::of(&replica.post("/api/auth/switch-organization", Some(&bob.token), to).await);
    let id = asked(&replica, &there).await;
    let own = asked(&replica, &ada).await;
    assert_eq!(replica.work(&db).await, [] as [String; 0]);
    assert_eq!(fetched(&replica, &id, Some(&bob.token)).await.0, 200);
    assert_eq!(turn(&replica, &ada, "enforced").await.status, 200);
    assert_eq!(fetched(&replica, &id, Some(&bob.token)).await.0, 404);
    assert_eq!(fetched(&replica, &own, Some(&ada.token)).await.0, 200, "who breaks glass does");
    assert_eq!(turn(&replica, &ada, "optional").await.status, 200);
    assert_eq!(fetched(&replica, &id, Some(&bob.token)).await.0, 200);
}

#[actix_web::test]
async fn who_comes_twice_at_a_time_is_one_person_and_comes_in_twice() {
    let (db, replica) = scene().await;
    let ada = proven(&replica, "ada").await;
    connected(&replica, &ada, "example.com", connection(true, &[])).await;
    for n in 0..4 {
        replica.issuers.say(somebody(&format!("tab{n}"), &format!("tab{n}@example.com")));
        let (one, other) = (begin(&replica, &ada.org).await, begin(&replica, &ada.org).await);
        let (one, other) = join(one.back(&replica), other.back(&replica)).await;
        assert_eq!((one.status.as_u16(), other.status.as_u16()), (303, 303), "{} {}", one.body, other.body);
    }
    assert_eq!(db.query("select count(*) from users where email like 'tab%'").await, ["4"]);
}

#[actix_web::test]
async fn whoever_runs_an_issuer_is_not_rid_of_the_owners_who_come_in_without_it() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (proven(&replica, "ada").await, proven(&replica, "bob").await);
    connected(&replica, &ada, "example.com", connection(false, &[])).await;
    assert_eq!(replica.join(&ada, &bob, "owner").await.status, 200);
    let (bound, session) = sign_on(&replica, &ada.org).await;
    assert_eq!(session["role"], json!("owner"));
    let member = |who: &Account| format!("/api/users/{}", who.user);
    for refusal in [
        replica.put(&member(&ada), &bound, json!({ "role": "member" })).await,
        replica.delete(&member(&ada), &bound).await,
        replica.delete(&member(&bob), &bound).await,
    ] {
        assert_eq!(
            (refusal.refusal(), &refusal.body["missingPermission"]),
            ((403, "PERMISSION_DENIED"), &json!("members.manage_owners"))
        );
    }
    let to = json!({ "organizationId": ada.org });
    let own = Account::of(&replica.post("/api/auth/switch-organization", Some(&bob.token), to).await);
    assert_eq!(replica.delete(&member(&bob), &own.token).await.status, 204);
}

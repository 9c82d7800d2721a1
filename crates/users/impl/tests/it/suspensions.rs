//! A suspended organisation: nobody acts in it, until the platform resumes it.

use kernel::Decision;
use mail_api::{Content, Language};
use serde_json::json;
use users::SuspensionError;

use crate::scenery::{Account, Replica, scene};

fn decision() -> Decision {
    Decision { operator: "Olga Operator".parse().unwrap(), reason: Some("unpaid".parse().unwrap()) }
}

async fn suspend(replica: &Replica, who: &Account) {
    replica.suspensions.suspend(who.org.parse().unwrap(), &decision(), Language::English).await.unwrap();
}

async fn resume(replica: &Replica, who: &Account) {
    replica.suspensions.resume(who.org.parse().unwrap(), &decision(), Language::English).await.unwrap();
}

const REFUSED: (u16, &str) = (403, "ORGANIZATION_SUSPENDED");

#[actix_web::test]
async fn nobody_acts_in_a_suspended_organisation_by_session_or_key_until_it_is_resumed() {
    let (db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "member").await;
    let key = json!({ "name": "K", "scopes": ["organization.read"] });
    let key = replica.post("/api/api-keys", Some(&ada.token), key).await.body["secret"].as_str().unwrap().to_owned();
    assert_eq!(replica.get("/api/organization", &key).await.status, 200);

    suspend(&replica, &ada).await;
    for token in [&ada.token, &key] {
        for path in ["/api/organization", "/api/user", "/api/auth/session"] {
            assert_eq!(replica.get(path, token).await.refusal(), REFUSED, "{path}");
        }
        assert_eq!(replica.post("/api/users", Some(token), json!({ "email": "x@example.com" })).await.refusal(), REFUSED);
    }
    let switch = json!({ "organizationId": ada.org });
    assert_eq!(replica.post("/api/auth/switch-organization", Some(&bob.token), switch.clone()).await.refusal(), REFUSED);
    let listed = replica.get("/api/organizations", &bob.token).await;
    let since: Vec<_> = listed.body["data"].as_array().unwrap().iter().map(|one| one["suspendedAt"].is_string()).collect();
    assert_eq!(since, [true, false], "{}", listed.body);
    let again = replica.suspensions.suspend(ada.org.parse().unwrap(), &decision(), Language::English).await;
    assert!(matches!(again, Err(SuspensionError::Suspended(_))), "{again:?}");

    resume(&replica, &ada).await;
    for token in [&ada.token, &key] {
        assert_eq!(replica.get("/api/organization", token).await.status, 200);
    }
    assert_eq!(replica.post("/api/auth/switch-organization", Some(&bob.token), switch).await.status, 200);
    let again = replica.suspensions.resume(ada.org.parse().unwrap(), &decision(), Language::English).await;
    assert!(matches!(again, Err(SuspensionError::NotSuspended(_))), "{again:?}");
    let unknown = replica.suspensions.suspend(kernel::OrgId::new(), &decision(), Language::English).await;
    assert!(matches!(unknown, Err(SuspensionError::NotFound(_))), "{unknown:?}");

    for (action, said) in [("organizations.suspend", "unpaid"), ("organizations.resume", "unpaid")] {
        let trail = replica.get(&format!("/api/audit?action={action}"), &ada.token).await;
        let entry = &trail.body["data"][0];
        assert_eq!(entry["after"], json!({ "operator": "Olga Operator", "reason": said }));
        assert_eq!((&entry["actorId"], trail.body["data"].as_array().map(Vec::len)), (&json!(null), Some(1)));
    }
    assert_eq!(db.query("select count(*) from organizations where suspended_for is not null").await, ["0"]);
}

#[actix_web::test]
async fn its_owners_are_told_and_nobody_else() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "admin").await;
    suspend(&replica, &ada).await;
    resume(&replica, &ada).await;
    let told: Vec<_> = replica.mails.to("ada@example.com").into_iter().rev().take(2).map(|mail| mail.content).collect();
    let [Content::OrganizationResumed { .. }, Content::OrganizationSuspended { organization, reason, .. }] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!((organization.as_str(), reason.as_str()), ("ada works", "unpaid"));
    let suspended = |mail: &mail_api::Mail| matches!(mail.content, Content::OrganizationSuspended { .. });
    assert!(!replica.mails.to("bob@example.com").iter().any(suspended));
}

#[actix_web::test]
async fn who_signs_in_starts_in_another_organisation_and_has_one_of_their_own_if_there_is_none() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "member").await;
    let there = replica.post("/api/auth/switch-organization", Some(&bob.token), json!({ "organizationId": ada.org })).await;
    assert_eq!(there.status, 200);
    suspend(&replica, &ada).await;
    assert_eq!(Account::of(&replica.login("bob").await).org, bob.org, "not where he was last");
    let fresh = Account::of(&replica.login("ada").await);
    assert!(fresh.org != ada.org, "nobody is locked out of an account");
    assert_eq!(Account::of(&replica.login("ada").await).org, fresh.org, "nor given another each time");
    assert_eq!(replica.get("/api/organization", &ada.token).await.refusal(), REFUSED);
}

#[actix_web::test]
async fn nobody_joins_a_suspended_organisation() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    for who in [&ada, &bob] {
        replica.verify(who).await;
    }
    let invited = replica.invite(&ada, "bob").await.body["id"].as_str().unwrap().to_owned();
    let link = replica.post("/api/organization/invitation-links", Some(&ada.token), json!({})).await;
    let token = json!({ "token": link.body["token"] });
    suspend(&replica, &ada).await;
    let accept = format!("/api/invitations/{invited}/accept");
    assert_eq!(replica.post(&accept, Some(&bob.token), json!(null)).await.refusal(), (404, "NOT_FOUND"));
    for path in ["/api/invitation-links/accept", "/api/invitation-links/look"] {
        assert_eq!(replica.post(path, Some(&bob.token), token.clone()).await.refusal(), (409, "LINK_SPENT"), "{path}");
    }
    resume(&replica, &ada).await;
    assert_eq!(replica.post("/api/invitation-links/accept", Some(&bob.token), token).await.status, 200);
}

#[actix_web::test]
async fn a_key_that_outlived_its_makers_membership_is_refused_as_well() {
    let (_db, replica) = scene().await;
    let (ada, bob) = (replica.register("ada").await, replica.register("bob").await);
    replica.join(&ada, &bob, "admin").await;
    let there = replica.post("/api/auth/switch-organization", Some(&bob.token), json!({ "organizationId": ada.org })).await;
    let there = Account::of(&there);
    let keep = json!({ "apiKeysOfLeavers": "keep" });
    assert_eq!(replica.put("/api/organization/api-key-settings", &ada.token, keep).await.status, 200);
    let key = json!({ "name": "K", "scopes": ["organization.read"] });
    let key = replica.post("/api/api-keys", Some(&there.token), key).await.body["secret"].as_str().unwrap().to_owned();
    assert_eq!(replica.delete(&format!("/api/users/{}", bob.user), &ada.token).await.status, 204);
    assert_eq!(replica.get("/api/organization", &key).await.status, 200);
    suspend(&replica, &ada).await;
    assert_eq!(replica.get("/api/organization", &key).await.refusal(), REFUSED);
}

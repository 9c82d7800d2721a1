//! An organisation passes from one owner to another: offered by the one, taken by the other, and by nobody else.

use mail_api::Template;
use serde_json::json;

use crate::scenery::{Account, Answer, Replica, scene};

const OFFERS: &str = "/api/organization/ownership-offers";

/// A member of the organisation of `by`, signed in there.
async fn colleague(replica: &Replica, by: &Account, name: &str, role: &str) -> Account {
    let who = replica.register(name).await;
    replica.join(by, &who, role).await;
    let there = json!({ "organizationId": by.org });
    Account::of(&replica.post("/api/auth/switch-organization", Some(&who.token), there).await)
}

async fn offer(replica: &Replica, by: &Account, to: &str) -> Answer {
    replica.post(OFFERS, Some(&by.token), json!({ "userId": to })).await
}

async fn answer(replica: &Replica, who: &Account, offer: &str, verb: &str) -> Answer {
    replica.post(&format!("{OFFERS}/{offer}/{verb}"), Some(&who.token), json!({})).await
}

fn id(made: &Answer) -> String {
    assert_eq!(made.status, 201, "{}", made.body);
    made.body["id"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn whoever_accepts_is_the_owner_and_the_other_an_administrator() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let bob = colleague(&replica, &ada, "bob", "member").await;
    let made = id(&offer(&replica, &ada, &bob.user).await);
    assert_eq!(offer(&replica, &ada, &bob.user).await.refusal(), (409, "OWNERSHIP_OFFERED"));
    let listed = replica.get(OFFERS, &bob.token).await.body;
    assert_eq!((&listed["data"][0]["id"], &listed["data"][0]["offeredTo"]), (&json!(made), &json!(bob.user)));
    let taken = answer(&replica, &bob, &made, "accept").await;
    assert_eq!((taken.status.as_u16(), &taken.body["role"]), (200, &json!("owner")), "{}", taken.body);
    let roles = format!(
        "select role || ' ' || granter_role || ' ' || granted_by from memberships where org_id = '{}' order by 1",
        ada.org
    );
    assert_eq!(db.query(&roles).await, [format!("admin owner {}", ada.user), format!("owner owner {}", ada.user)]);
    assert_eq!(replica.get("/api/auth/session", &ada.token).await.body["role"], "admin");
    assert_eq!(replica.get("/api/auth/session", &bob.token).await.body["role"], "owner");
    assert_eq!(answer(&replica, &bob, &made, "accept").await.refusal(), (404, "NOT_FOUND"), "once");
    assert_eq!(offer(&replica, &ada, &bob.user).await.body["missingPermission"], "members.manage_owners");
    let trail = replica.get("/api/audit?action=members.transfer_ownership", &bob.token).await;
    let entry = &trail.body["data"][0];
    assert_eq!(
        (&entry["actorId"], &entry["before"]["owner"], &entry["after"]["owner"]),
        (&json!(bob.user), &json!(ada.user), &json!(bob.user))
    );
    for address in ["ada@example.com", "bob@example.com"] {
        assert_eq!(
            replica.mails.to(address).pop().map(|mail| mail.content.template()),
            Some(Template::OwnershipMoved),
            "{address}"
        );
    }
    let offered = replica.mails.to("bob@example.com").iter().any(|mail| mail.content.template() == Template::OwnershipOffered);
    assert!(offered);
    assert_eq!(offer(&replica, &bob, &ada.user).await.status, 201, "and back");
}

#[actix_web::test]
async fn to_offer_and_to_accept_takes_a_fresh_proof_of_who_one_is() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let bob = colleague(&replica, &ada, "bob", "member").await;
    let made = id(&offer(&replica, &ada, &bob.user).await);
    replica.clock.advance(chrono::TimeDelta::minutes(6));
    assert_eq!(offer(&replica, &ada, &bob.user).await.refusal(), (403, "STEP_UP_REQUIRED"));
    assert_eq!(answer(&replica, &bob, &made, "accept").await.refusal(), (403, "STEP_UP_REQUIRED"));
    assert_eq!(answer(&replica, &bob, &made, "decline").await.status, 204, "to say no takes none");
}

#[actix_web::test]
async fn nobody_is_offered_an_organisation_who_is_no_member_is_an_owner_or_unproven() {
    let (db, replica) = scene().await;
    let (ada, eve) = (replica.register("ada").await, replica.register("eve").await);
    let bob = colleague(&replica, &ada, "bob", "member").await;
    assert_eq!(offer(&replica, &ada, &eve.user).await.refusal(), (404, "NOT_FOUND"), "an outsider");
    assert_eq!(offer(&replica, &ada, &ada.user).await.refusal(), (409, "ALREADY_OWNER"));
    assert_eq!(offer(&replica, &bob, &bob.user).await.refusal(), (403, "PERMISSION_DENIED"));
    db.run_sql(&format!("update users set email_verified = false where id = '{}'", bob.user)).await;
    let refused = offer(&replica, &ada, &bob.user).await;
    assert_eq!((refused.refusal(), &refused.body["errors"][0]["pointer"]), ((422, "INVALID"), &json!("/userId")));
    db.run_sql(&format!("update users set email_verified = true where id = '{}'", bob.user)).await;
    let made = id(&offer(&replica, &ada, &bob.user).await);
    db.run_sql(&format!("update users set email_verified = false where id = '{}'", bob.user)).await;
    assert_eq!(answer(&replica, &bob, &made, "accept").await.refusal(), (403, "EMAIL_NOT_VERIFIED"));
}

#[actix_web::test]
async fn an_offer_is_accepted_by_whom_it_was_made_to_and_as_long_as_it_is_its_makers() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let (bob, carol) = (colleague(&replica, &ada, "bob", "admin").await, colleague(&replica, &ada, "carol", "member").await);
    let eve = replica.register("eve").await;
    let made = id(&offer(&replica, &ada, &bob.user).await);
    for other in [&carol, &eve, &ada] {
        for verb in ["accept", "decline"] {
            assert_eq!(answer(&replica, other, &made, verb).await.refusal(), (404, "NOT_FOUND"));
        }
    }
    assert_eq!(replica.delete(&format!("{OFFERS}/{made}"), &carol.token).await.status, 403);
    assert_eq!(replica.delete(&format!("{OFFERS}/{made}"), &eve.token).await.refusal(), (404, "NOT_FOUND"));
    assert_eq!(replica.delete(&format!("{OFFERS}/{made}"), &ada.token).await.status, 204);
    assert_eq!(answer(&replica, &bob, &made, "accept").await.refusal(), (404, "NOT_FOUND"), "taken back");

    let made = id(&offer(&replica, &ada, &bob.user).await);
    assert_eq!(answer(&replica, &bob, &made, "decline").await.status, 204);
    assert_eq!(answer(&replica, &bob, &made, "accept").await.refusal(), (404, "NOT_FOUND"), "declined");

    let made = id(&offer(&replica, &ada, &bob.user).await);
    db.run_sql(
        "alter table ownership_offers disable trigger user;
         update ownership_offers set created_at = created_at - interval '14 days', expires_at = expires_at - interval '14 days';
         alter table ownership_offers enable trigger user",
    )
    .await;
    assert_eq!(replica.get(OFFERS, &ada.token).await.body["data"], json!([]));
    assert_eq!(answer(&replica, &bob, &made, "accept").await.refusal(), (404, "NOT_FOUND"), "too old");

    // Made by somebody who is no owner any more when it is accepted.
    let made = id(&offer(&replica, &ada, &bob.user).await);
    assert_eq!(replica.put(&format!("/api/users/{}", carol.user), &ada.token, json!({ "role": "owner" })).await.status, 200);
    assert_eq!(replica.put(&format!("/api/users/{}", ada.user), &carol.token, json!({ "role": "admin" })).await.status, 200);
    assert_eq!(answer(&replica, &bob, &made, "accept").await.refusal(), (404, "NOT_FOUND"));
    let owners = format!("select user_id from memberships where org_id = '{}' and role = 'owner'", ada.org);
    assert_eq!(db.query(&owners).await, [carol.user]);
}

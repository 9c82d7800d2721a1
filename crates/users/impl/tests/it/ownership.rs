//! An organisation passes from one owner to another: offered by the one, taken by the other, and by nobody else.

use std::slice::from_ref;

use mail_api::Template;
use serde_json::json;

use crate::mailed_page::{MailedPage, says};
use crate::scenery::{Account, Answer, PASSWORD, Replica, scene};

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
async fn the_page_of_the_mail_makes_an_owner_of_whom_it_was_offered_to_with_a_fresh_proof() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let (bob, eve) = (colleague(&replica, &ada, "bob", "member").await, colleague(&replica, &ada, "eve", "admin").await);
    let made = id(&offer(&replica, &ada, &bob.user).await);
    let mut mails = replica.mails.to("bob@example.com").into_iter();
    let told = mails.rfind(|mail| mail.content.template() == Template::OwnershipOffered).unwrap().content;
    assert_eq!(told.link().unwrap().as_str(), format!("/ownership-offer?id={made}"));
    let page = MailedPage { replica: &replica, path: "/ownership-offer", id: &made };
    says(&page.open(None).await, 401, "Sign in first");
    says(&page.press(None, "same-origin").await, 401, "Sign in first");
    for who in [&eve, &ada] {
        says(&page.open(Some(who)).await, 410, "no such offer for you");
        says(&page.press(Some(who), "same-origin").await, 410, "no such offer for you");
    }
    says(&page.open(Some(&bob)).await, 200, "ada offers you to become an owner of ada works,");
    assert_eq!(page.press(Some(&bob), "cross-site").await.refusal(), (403, "ORIGIN_NOT_ALLOWED"));
    replica.clock.advance(chrono::TimeDelta::minutes(6));
    says(&page.open(Some(&bob)).await, 403, "Show once more who you are");
    says(&page.press(Some(&bob), "same-origin").await, 403, "Show once more who you are");
    let owners = format!("select user_id from memberships where org_id = '{}' and role = 'owner'", ada.org);
    assert_eq!(db.query(&owners).await, from_ref(&ada.user));
    let again = replica.post("/api/auth/reauthenticate", Some(&bob.token), json!({ "password": PASSWORD })).await;
    let bob = Account::of(&again);
    says(&page.press(Some(&bob), "same-origin").await, 200, "You are an owner");
    assert_eq!(db.query(&owners).await, from_ref(&bob.user));
    says(&page.press(Some(&bob), "same-origin").await, 410, "no such offer for you");
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

#[actix_web::test]
async fn an_offer_ends_when_whom_it_was_made_to_is_removed_leaves_or_is_demoted() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let path = |who: &Account| format!("/api/users/{}", who.user);
    let waiting = async || db.query("select count(*) from ownership_offers where status = 'pending'").await.remove(0);

    // Removed, and invited again.
    let bob = colleague(&replica, &ada, "bob", "admin").await;
    let made = id(&offer(&replica, &ada, &bob.user).await);
    assert_eq!(replica.delete(&path(&bob), &ada.token).await.status, 204);
    assert_eq!(waiting().await, "0");
    let home = Account::of(&replica.login("bob").await);
    assert_eq!(replica.join(&ada, &home, "member").await.status, 200);
    let there = json!({ "organizationId": ada.org });
    let bob = Account::of(&replica.post("/api/auth/switch-organization", Some(&home.token), there).await);
    assert_eq!(answer(&replica, &bob, &made, "accept").await.refusal(), (404, "NOT_FOUND"));

    // Demoted. Promoted, it goes on.
    let made = id(&offer(&replica, &ada, &bob.user).await);
    assert_eq!(replica.put(&path(&bob), &ada.token, json!({ "role": "admin" })).await.status, 200);
    assert_eq!(waiting().await, "1");
    assert_eq!(replica.put(&path(&bob), &ada.token, json!({ "role": "member" })).await.status, 200);
    assert_eq!(answer(&replica, &bob, &made, "accept").await.refusal(), (404, "NOT_FOUND"));

    // Leaving, by the door and with the account.
    let carol = colleague(&replica, &ada, "carol", "member").await;
    id(&offer(&replica, &ada, &carol.user).await);
    assert_eq!(replica.delete(&path(&carol), &carol.token).await.status, 204);
    assert_eq!(waiting().await, "0");
    id(&offer(&replica, &ada, &bob.user).await);
    assert_eq!(replica.delete("/api/user", &bob.token).await.status, 204);
    assert_eq!(waiting().await, "0");
    let trail = replica.get("/api/audit?action=members.withdraw_ownership_offer", &ada.token).await;
    let members: Vec<_> = trail.body["data"].as_array().unwrap().iter().map(|entry| entry["after"]["member"].clone()).collect();
    assert_eq!(members, [&bob.user, &carol.user, &bob.user, &bob.user].map(|user| json!(user)), "{}", trail.body);
}

#[actix_web::test]
async fn an_offer_ends_when_its_maker_is_an_owner_no_more_even_if_they_become_one_again() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let (bob, carol) = (colleague(&replica, &ada, "bob", "admin").await, colleague(&replica, &ada, "carol", "owner").await);
    let adas = format!("/api/users/{}", ada.user);
    let made = id(&offer(&replica, &ada, &bob.user).await);
    for role in ["admin", "owner"] {
        assert_eq!(replica.put(&adas, &carol.token, json!({ "role": role })).await.status, 200);
    }
    assert_eq!(answer(&replica, &bob, &made, "accept").await.refusal(), (404, "NOT_FOUND"), "demoted, and made one again");
    let made = id(&offer(&replica, &ada, &bob.user).await);
    assert_eq!(replica.delete(&adas, &ada.token).await.status, 204);
    assert_eq!(answer(&replica, &bob, &made, "accept").await.refusal(), (404, "NOT_FOUND"), "she left");
    let made = id(&offer(&replica, &carol, &bob.user).await);
    assert_eq!(replica.put(&format!("/api/users/{}", bob.user), &carol.token, json!({ "role": "owner" })).await.status, 200);
    assert_eq!(
        answer(&replica, &bob, &made, "accept").await.refusal(),
        (404, "NOT_FOUND"),
        "he is one otherwise, and she stays one"
    );
    let states = "select status || ' ' || count(*) from ownership_offers group by status";
    assert_eq!(db.query(states).await, ["withdrawn 3"]);
}

#[actix_web::test]
async fn nobody_accepts_what_was_offered_before_they_were_a_member() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let bob = colleague(&replica, &ada, "bob", "member").await;
    let made = id(&offer(&replica, &ada, &bob.user).await);
    let began = |when: &str| {
        format!(
            "alter table memberships disable trigger user;
             update memberships set created_at = (select created_at from ownership_offers) {when} where user_id = '{}';
             alter table memberships enable trigger user",
            bob.user
        )
    };
    db.run_sql(&began("+ interval '1 microsecond'")).await;
    assert_eq!(answer(&replica, &bob, &made, "accept").await.refusal(), (404, "NOT_FOUND"));
    db.run_sql(&began("")).await;
    assert_eq!(answer(&replica, &bob, &made, "accept").await.status, 200);
}

//! An identity that was unlinked leads nowhere, and one that nobody linked leads past no second factor.

use serde_json::{Value, json};
use testkit::Database;

use crate::authenticator::{finish, pending, set_up};
use crate::elsewhere::{Away, begin, begin_linking, entered, kinds, refused, somebody};
use crate::scenery::{Account, Answer, Replica, scene};

const SPENT: (u16, &str) = (409, "MFA_TOKEN_SPENT");
const LEFT: &str = "select count(*) || ' ' || count(unlinked_at) from identities";

/// The token of the session that an answer's cookie holds.
fn token_of(answer: &Answer) -> String {
    let session = answer.header("set-cookie").lines().find(|cookie| cookie.starts_with("__Host-session=")).unwrap();
    session.split(['=', ';']).nth(1).unwrap().to_owned()
}

/// Somebody links what the provider says of them, in their session.
async fn link(replica: &Replica, who: &Account) -> Answer {
    let begun = begin_linking(replica, who).await;
    assert_eq!(begun.status, 200, "{}", begun.body);
    Away::of(begun.body["authorizationUrl"].as_str().unwrap(), &begun).back(replica).await
}

async fn identities(replica: &Replica, who: &Account) -> Vec<Value> {
    replica.get("/api/user/identities", &who.token).await.body["data"].as_array().unwrap().clone()
}

async fn unlink(replica: &Replica, who: &Account) -> Answer {
    let id = identities(replica, who).await[0]["id"].as_str().unwrap().to_owned();
    replica.delete(&format!("/api/user/identities/{id}"), &who.token).await
}

/// The page asks for the second factor, and nobody is signed in.
fn asked_for_factor(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.as_str().unwrap().contains("Your second factor"), "{}", answer.body);
    let cookies = answer.header("set-cookie");
    assert!(cookies.contains("__Host-mfa=") && !cookies.contains("__Host-session="), "{cookies}");
}

/// Ada, whose identity was linked by its address.
async fn adopted() -> (Database, Replica, Account) {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    replica.verify(&ada).await;
    entered(&replica, &begin(&replica).await.back(&replica).await).await;
    (db, replica, ada)
}

#[actix_web::test]
async fn an_unlinked_identity_is_not_linked_again_by_its_address() {
    let (db, replica, ada) = adopted().await;
    assert_eq!(unlink(&replica, &ada).await.status, 204);
    assert_eq!((identities(&replica, &ada).await, db.query(LEFT).await), (vec![], vec!["1 1".to_owned()]));
    refused(&begin(&replica).await.back(&replica).await, 409, "was unlinked");
    assert_eq!(kinds(&replica, &ada.token).await[0], "identity_refused");
    // Nor with another address, which nobody has: what leads nowhere makes no account either.
    replica.providers.tell(somebody("1", "lovelace@example.org"));
    refused(&begin(&replica).await.back(&replica).await, 409, "was unlinked");
    assert_eq!(db.query("select count(*) from users").await, ["1"]);
    // Whoever is signed in links it; then it signs in.
    assert_eq!(link(&replica, &ada).await.status, 303);
    assert_eq!(db.query(LEFT).await, ["1 0"]);
    assert_eq!(entered(&replica, &begin(&replica).await.back(&replica).await).await["user"]["id"], json!(ada.user));
    // Also with another account: they have it at the provider.
    assert_eq!(unlink(&replica, &ada).await.status, 204);
    let bob = replica.register("bob").await;
    replica.verify(&bob).await;
    assert_eq!(link(&replica, &bob).await.status, 303);
    assert_eq!(entered(&replica, &begin(&replica).await.back(&replica).await).await["user"]["id"], json!(bob.user));
    assert_eq!(db.query(LEFT).await, ["1 0"]);
}

#[actix_web::test]
async fn what_was_unlinked_neither_counts_nor_comes_back_by_itself() {
    let (db, replica, ada) = adopted().await;
    assert_eq!(unlink(&replica, &ada).await.status, 204);
    let system = db.system_uow();
    let revived = system.write(async |tx| {
        use db::prelude::*;
        diesel::sql_query("update identities set unlinked_at = null").execute(tx.pg()).await.fault()
    });
    assert!(revived.await.is_err(), "not even by hand");
    // It is no way in: the last one stays.
    replica.providers.tell(somebody("2", "ada@example.com"));
    assert_eq!(link(&replica, &ada).await.status, 303);
    db.run_sql(&format!("delete from credentials where user_id = '{}'", ada.user)).await;
    assert_eq!(unlink(&replica, &ada).await.refusal(), (409, "LAST_WAY_IN"));
    // And nothing of it is left of who removes the account.
    assert_eq!(db.query(LEFT).await, ["2 1"]);
    assert_eq!(replica.delete("/api/user", &ada.token).await.status, 204);
    assert_eq!(db.query(LEFT).await, ["0 0"]);
}

#[actix_web::test]
async fn unlinking_ends_what_was_begun_by_it_on_other_devices() {
    let (_db, replica, ada) = adopted().await;
    let elsewhere = token_of(&begin(&replica).await.back(&replica).await);
    assert!(replica.is_live(&elsewhere).await);
    assert_eq!(unlink(&replica, &ada).await.status, 204);
    assert!(replica.is_live(&ada.token).await && !replica.is_live(&elsewhere).await);
    let trail = replica.get("/api/audit?action=auth.unlink_identity", &ada.token).await;
    // That of its first sign-in, and this.
    assert_eq!(trail.body["data"][0]["before"], json!({ "provider": "google", "endedSessions": 2 }));
    // And sign-ins that wait for a second factor.
    assert_eq!(link(&replica, &ada).await.status, 303);
    let (shows, _) = set_up(&replica, &ada).await;
    asked_for_factor(&begin(&replica).await.back(&replica).await);
    let waiting = pending(&replica, "ada").await;
    assert_eq!(unlink(&replica, &ada).await.status, 204);
    assert_eq!(finish(&replica, &waiting, &shows.code(&replica, 0)).await.refusal(), SPENT);
}

#[actix_web::test]
async fn no_identity_is_linked_before_the_second_factor_was_shown() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let (shows, _) = set_up(&replica, &ada).await;
    refused(&begin(&replica).await.back(&replica).await, 409, "has a second factor");
    assert_eq!(db.query("select (select count(*) from identities) + (select count(*) from pending_sign_ins)").await, ["0"]);
    assert_eq!(kinds(&replica, &ada.token).await[0], "identity_refused");
    // Linked by whoever is signed in, it leads to the question for the factor.
    let signed_in = finish(&replica, &pending(&replica, "ada").await, &shows.code(&replica, 0)).await;
    assert_eq!(link(&replica, &Account::of(&signed_in)).await.status, 303);
    asked_for_factor(&begin(&replica).await.back(&replica).await);
}

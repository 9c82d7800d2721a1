//! Who has no password is locked as everybody is: what begins a session waits for what ends all of them, and sees what that left.

use db::prelude::*;
use serde_json::json;
use testkit::{Database, until};
use tokio::sync::Notify;

use crate::authenticator::set_up;
use crate::elsewhere::begin;
use crate::proofs::{last, token_of};
use crate::scenery::{Account, Answer, Replica, scene};

/// Somebody who signs in without a password.
async fn without_password(db: &Database, replica: &Replica) -> Account {
    let ada = replica.register("ada").await;
    replica.verify(&ada).await;
    db.run_sql(&format!("delete from credentials where user_id = '{}'", ada.user)).await;
    ada
}

/// Sends a request while somebody else has the person locked, who then does `meanwhile`. Panics if the request does not wait for it.
async fn overtaken(db: &Database, who: &Account, meanwhile: &str, request: impl Future<Output = Answer>) -> Answer {
    let (system, held) = (db.system_uow(), Notify::new());
    let holding = system.write(async |tx| {
        let lock = format!("select from users where id = '{}' for no key update", who.user);
        diesel::sql_query(lock).execute(tx.pg()).await.fault()?;
        held.notify_one();
        let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        until("it waits", async || (db.query(waiting).await == ["1"]).then_some(())).await;
        diesel::sql_query(meanwhile.to_owned()).execute(tx.pg()).await.fault()?;
        Ok::<_, kernel::Fault>(())
    });
    let requesting = async {
        held.notified().await;
        request.await
    };
    let (done, answer) = futures::join!(holding, requesting);
    done.unwrap();
    answer
}

#[actix_web::test]
async fn a_switch_outlives_no_end_of_all_sessions() {
    let (db, replica) = scene().await;
    let ada = without_password(&db, &replica).await;
    let end_all = format!("update sessions set ended_at = now() where user_id = '{}'", ada.user);
    let switch = replica.post("/api/auth/switch-organization", Some(&ada.token), json!({ "organizationId": ada.org }));
    let answer = overtaken(&db, &ada, &end_all, switch).await;
    assert_eq!(answer.refusal(), (401, "NOT_AUTHENTICATED"));
    assert_eq!(db.query("select count(*) from sessions where ended_at is null").await, ["0"]);
}

#[actix_web::test]
async fn a_sign_in_elsewhere_does_not_pass_by_the_first_second_factor() {
    let (db, replica) = scene().await;
    let ada = without_password(&db, &replica).await;
    assert_eq!(begin(&replica).await.back(&replica).await.status, 303, "linked");
    let first = format!(
        "insert into totp_factors (user_id, secret, confirmed_at) values ('{}', decode(repeat('00', 60), 'hex'), now())",
        ada.user
    );
    let away = begin(&replica).await;
    let answer = overtaken(&db, &ada, &first, away.back(&replica)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.as_str().unwrap().contains("Your second factor"), "{}", answer.body);
    assert!(!answer.header("set-cookie").contains("__Host-session="), "{}", answer.header("set-cookie"));
}

#[actix_web::test]
async fn a_second_factor_finishes_no_sign_in_that_was_ended() {
    let (db, replica) = scene().await;
    let ada = without_password(&db, &replica).await;
    let (shows, _) = set_up(&replica, &ada).await;
    assert_eq!(replica.post("/api/auth/magic-link", None, json!({ "email": "ada@example.com" })).await.status, 202);
    let link = token_of(&last(&replica, "ada@example.com"));
    let waiting = replica.post("/api/auth/magic-link/confirm", None, json!({ "token": link })).await;
    assert_eq!(waiting.status, 202, "{}", waiting.body);
    let body = json!({ "mfaToken": waiting.body["mfaToken"], "code": shows.code(&replica, 0) });
    let end_all = format!("update pending_sign_ins set ended_at = now() where user_id = '{}'", ada.user);
    let answer = overtaken(&db, &ada, &end_all, replica.post("/api/auth/mfa", None, body)).await;
    assert_eq!(answer.refusal(), (409, "MFA_TOKEN_SPENT"));
}

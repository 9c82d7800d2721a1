//! Passkeys: added, used to sign in, and removed, with an authenticator in software; and what is no passkey of anybody's.

use actix_web::test::TestRequest;
use kernel::Decision;
use mail_api::Language;
use serde_json::{Value, json};
use testkit::{Authenticator, Database};

use crate::proofs::last;
use crate::scenery::{Account, Answer, PAGE, Replica, scene, with};

/// What an authenticator is asked, for a new passkey of somebody.
async fn asked(replica: &Replica, who: &Account) -> Value {
    let answer = replica.post("/api/user/passkeys/options", Some(&who.token), json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

/// Adds what was made.
async fn add(replica: &Replica, who: &Account, asked: &Value, credential: &Value, name: &str) -> Answer {
    let body = json!({ "requestId": asked["requestId"], "name": name, "credential": credential });
    replica.post("/api/user/passkeys", Some(&who.token), body).await
}

/// Gives somebody, whose address is proven, a passkey.
pub async fn passkey(replica: &Replica, who: &Account, authenticator: &mut Authenticator) -> String {
    replica.verify(who).await;
    let asked = asked(replica, who).await;
    let made = authenticator.make(&asked["publicKey"]).unwrap();
    let added = add(replica, who, &asked, &made, "Phone").await;
    assert_eq!(added.status, 201, "{}", added.body);
    added.body["passkey"]["id"].as_str().unwrap().to_owned()
}

/// What an authenticator is asked by whoever wants to sign in.
async fn asked_to_sign_in(replica: &Replica) -> Value {
    let answer = replica.post("/api/auth/passkey/options", None, json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

async fn show(replica: &Replica, asked: &Value, credential: &Value) -> Answer {
    replica.post("/api/auth/passkey", None, json!({ "requestId": asked["requestId"], "credential": credential })).await
}

async fn sign_in(replica: &Replica, authenticator: &mut Authenticator) -> Answer {
    let asked = asked_to_sign_in(replica).await;
    show(replica, &asked, &authenticator.show(&asked["publicKey"])).await
}

async fn events(db: &Database, kind: &str) -> String {
    db.query(&format!("select count(*) from security_events where kind = '{kind}'")).await.remove(0)
}

/// A person with a passkey.
async fn ada() -> (Database, Replica, Account, Authenticator, String) {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let mut authenticator = Authenticator::on(PAGE);
    let id = passkey(&replica, &ada, &mut authenticator).await;
    (db, replica, ada, authenticator, id)
}

#[actix_web::test]
async fn a_passkey_signs_in_without_a_name_and_without_a_password() {
    let (db, replica, ada, mut authenticator, id) = ada().await;
    let told = last(&replica, "ada@example.com");
    assert_eq!(told.content.template().name(), "passkey-added");
    assert_eq!(events(&db, "passkey_added").await, "1");
    let trail = "select concat_ws('|', actor_id, entity_id, after - 'endedSessions') from audit_entries where action = 'auth.add_passkey'";
    assert_eq!(db.query(trail).await, [format!("{}|{id}|{{}}", ada.user)], "not what it is called");

    let asked = asked_to_sign_in(&replica).await;
    assert_eq!(
        (&asked["publicKey"]["allowCredentials"], &asked["publicKey"]["userVerification"]),
        (&json!([]), &json!("required"))
    );
    let answer = show(&replica, &asked, &authenticator.show(&asked["publicKey"])).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!((Account::of(&answer).user, Account::of(&answer).org), (ada.user.clone(), ada.org.clone()));
    assert!(answer.header("set-cookie").starts_with("__Host-session="), "{:?}", answer.headers);
    let own = replica.get("/api/user/sessions", &Account::of(&answer).token).await;
    assert_eq!(own.body["data"][0]["method"], "passkey", "{}", own.body);

    let own = replica.get("/api/user/passkeys", &ada.token).await;
    let passkey = &own.body["data"][0];
    assert_eq!(
        (&passkey["name"], &passkey["backupEligible"], &passkey["backedUp"]),
        (&json!("Phone"), &json!(false), &json!(false))
    );
    assert!(passkey["lastUsedAt"].is_string(), "{passkey}");
}

#[actix_web::test]
async fn an_answer_counts_once_and_a_wrong_one_uses_it_up() {
    let (db, replica, _ada, mut authenticator, _) = ada().await;
    let asked = asked_to_sign_in(&replica).await;
    let shown = authenticator.show(&asked["publicKey"]);
    assert_eq!(show(&replica, &asked, &shown).await.status, 200);
    assert_eq!(show(&replica, &asked, &shown).await.refusal(), (401, "WRONG_PASSKEY"), "replayed");

    let asked = asked_to_sign_in(&replica).await;
    let shown = authenticator.show(&asked["publicKey"]);
    let mut forged = shown.clone();
    forged["response"]["signature"] = json!("MEUCIQDa");
    assert_eq!(show(&replica, &asked, &forged).await.refusal(), (401, "WRONG_PASSKEY"));
    assert_eq!(show(&replica, &asked, &shown).await.refusal(), (401, "WRONG_PASSKEY"), "the challenge is gone");

    // Another program's challenge, answered to this one's request.
    let (mine, theirs) = (asked_to_sign_in(&replica).await, asked_to_sign_in(&replica).await);
    let shown = authenticator.show(&theirs["publicKey"]);
    assert_eq!(show(&replica, &mine, &shown).await.refusal(), (401, "WRONG_PASSKEY"));
    assert_eq!(db.query("select count(*) from passkey_challenges").await, ["1"], "theirs goes on to wait");
    replica.clock.advance(chrono::TimeDelta::minutes(6));
    assert_eq!(show(&replica, &theirs, &shown).await.refusal(), (401, "WRONG_PASSKEY"), "too late");
    replica.auth.purge(replica.clock_now()).await.unwrap();
    assert_eq!(db.query("select count(*) from passkey_challenges").await, ["0"]);
    assert_eq!(events(&db, "sign_in_failed").await, "5");
}

#[actix_web::test]
async fn only_on_a_page_of_ours_for_us_and_with_its_person_seen_to() {
    let (_db, replica, ada, mut authenticator, _) = ada().await;
    let wrong: [fn(&mut Authenticator); 4] = [
        |one| one.origin = "https://evil.example".to_owned(),
        |one| one.rp_id = Some("evil.example".to_owned()),
        |one| one.verifies = false,
        |one| one.framed = true,
    ];
    let right: fn(&mut Authenticator) = |one| {
        one.origin = PAGE.to_owned();
        one.rp_id = None;
        one.verifies = true;
        one.framed = false;
    };
    for (at, wrong) in wrong.into_iter().enumerate() {
        wrong(&mut authenticator);
        assert_eq!(sign_in(&replica, &mut authenticator).await.refusal(), (401, "WRONG_PASSKEY"), "{at}");
        let mut other = Authenticator::on(PAGE);
        wrong(&mut other);
        let asked = asked(&replica, &ada).await;
        let made = other.make(&asked["publicKey"]).unwrap();
        let refused = add(&replica, &ada, &asked, &made, "Other").await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["errors"][0]["code"]),
            (422, &json!("INVALID_PASSKEY")),
            "{at}: {}",
            refused.body
        );
        right(&mut authenticator);
        assert_eq!(sign_in(&replica, &mut authenticator).await.status, 200);
    }
}

#[actix_web::test]
async fn a_new_passkey_is_of_the_person_and_the_session_that_asked() {
    let (_db, replica, ada, mut authenticator, _) = ada().await;
    let bob = replica.register("bob").await;
    replica.verify(&bob).await;
    let asked_by_ada = asked(&replica, &ada).await;
    assert_eq!(asked_by_ada["publicKey"]["excludeCredentials"].as_array().map(Vec::len), Some(1));
    assert!(authenticator.make(&asked_by_ada["publicKey"]).is_none(), "this authenticator has one");
    let made = Authenticator::on(PAGE).make(&asked_by_ada["publicKey"]).unwrap();
    assert_eq!(add(&replica, &bob, &asked_by_ada, &made, "Stolen").await.refusal(), (409, "CHALLENGE_SPENT"));
    let elsewhere = Account::of(&sign_in(&replica, &mut authenticator).await);
    let asked_again = asked(&replica, &ada).await;
    let made = Authenticator::on(PAGE).make(&asked_again["publicKey"]).unwrap();
    assert_eq!(add(&replica, &elsewhere, &asked_again, &made, "Elsewhere").await.refusal(), (409, "CHALLENGE_SPENT"));
    assert_eq!(add(&replica, &ada, &asked_again, &made, "Here").await.refusal(), (409, "CHALLENGE_SPENT"), "whoever answered");
    // Of two that a session asked for the later one counts.
    let (first, second) = (asked(&replica, &ada).await, asked(&replica, &ada).await);
    let made = Authenticator::on(PAGE).make(&first["publicKey"]).unwrap();
    assert_eq!(add(&replica, &ada, &first, &made, "First").await.refusal(), (409, "CHALLENGE_SPENT"));
    let made = Authenticator::on(PAGE).make(&second["publicKey"]).unwrap();
    assert_eq!(add(&replica, &ada, &second, &made, " ").await.status, 422, "a bad name uses nothing up");
    assert_eq!(add(&replica, &ada, &second, &made, "Second").await.status, 201);
    // The same key once more, whoever says that it is theirs.
    let asked_by_bob = asked(&replica, &bob).await;
    let mut again = Authenticator::on(PAGE);
    let made = again.make(&asked_by_bob["publicKey"]).unwrap();
    assert_eq!(add(&replica, &bob, &asked_by_bob, &made, "Once").await.status, 201);
    let asked_by_bob = asked(&replica, &bob).await;
    let same = again.make_again(&asked_by_bob["publicKey"]);
    let refused = add(&replica, &bob, &asked_by_bob, &same, "Twice").await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["errors"][0]["code"]),
        (422, &json!("INVALID_PASSKEY")),
        "{}",
        refused.body
    );
    let asked_by_ada = asked(&replica, &ada).await;
    let same = again.make_again(&asked_by_ada["publicKey"]);
    assert_eq!(add(&replica, &ada, &asked_by_ada, &same, "Bob's").await.refusal(), (409, "PASSKEY_KNOWN"));
}

#[actix_web::test]
async fn a_passkey_is_its_persons_whatever_else_is_said_of_it() {
    let (_db, replica, _ada, mut adas, _) = ada().await;
    let bob = replica.register("bob").await;
    let mut bobs = Authenticator::on(PAGE);
    passkey(&replica, &bob, &mut bobs).await;
    let asked = asked_to_sign_in(&replica).await;
    let (mut shown, of_ada) = (bobs.show(&asked["publicKey"]), adas.show(&asked["publicKey"]));
    shown["response"]["userHandle"] = of_ada["response"]["userHandle"].clone();
    assert_eq!(show(&replica, &asked, &shown).await.refusal(), (401, "WRONG_PASSKEY"));
    let asked = asked_to_sign_in(&replica).await;
    let mut shown = bobs.show(&asked["publicKey"]);
    shown["response"]["userHandle"] = json!(null);
    assert_eq!(show(&replica, &asked, &shown).await.refusal(), (401, "WRONG_PASSKEY"), "nobody is named");
    let asked = asked_to_sign_in(&replica).await;
    let mut shown = bobs.show(&asked["publicKey"]);
    shown["id"] = adas.show(&asked["publicKey"])["id"].clone();
    shown["response"]["userHandle"] = of_ada["response"]["userHandle"].clone();
    assert_eq!(show(&replica, &asked, &shown).await.refusal(), (401, "WRONG_PASSKEY"), "another key's signature");
    // What nobody has is answered as what is wrong.
    let asked = asked_to_sign_in(&replica).await;
    let mut unknown = bobs.show(&asked["publicKey"]);
    unknown["id"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let (unknown, known) = (show(&replica, &asked, &unknown).await, show(&replica, &asked, &shown).await);
    assert_eq!((unknown.status, &unknown.body["detail"]), (known.status, &known.body["detail"]));
}

#[actix_web::test]
async fn a_counter_that_falls_shows_a_copy_which_is_refused_and_told() {
    let (db, replica, ada, mut authenticator, _) = ada().await;
    authenticator.counts = true;
    authenticator.set_counter(10);
    assert_eq!(sign_in(&replica, &mut authenticator).await.status, 200);
    assert_eq!(db.query("select counter from passkeys").await, ["11"]);
    for _ in 0..2 {
        authenticator.set_counter(4);
        assert_eq!(sign_in(&replica, &mut authenticator).await.refusal(), (401, "WRONG_PASSKEY"));
    }
    assert_eq!(db.query("select counter from passkeys").await, ["11"]);
    assert_eq!(events(&db, "passkey_copied").await, "2");
    let told = replica.mails.to("ada@example.com");
    let copied = told.iter().filter(|mail| mail.content.template().name() == "passkey-copied").count();
    assert_eq!(copied, 1, "once a day");
    let events = replica.get("/api/user/security-events", &ada.token).await;
    assert_eq!(events.body["data"][0]["kind"], "passkey_copied");
    authenticator.set_counter(11);
    assert_eq!(sign_in(&replica, &mut authenticator).await.status, 200, "the original goes on");
}

#[actix_web::test]
async fn what_is_removed_signs_nobody_in_from_the_next_sign_in_on() {
    let (db, replica, ada, mut authenticator, id) = ada().await;
    let bob = replica.register("bob").await;
    let path = format!("/api/user/passkeys/{id}");
    assert_eq!(replica.delete(&path, &bob.token).await.refusal(), (404, "NOT_FOUND"));
    assert_eq!(replica.patch(&path, &bob.token, json!({ "name": "Mine" })).await.refusal(), (404, "NOT_FOUND"));
    assert_eq!(replica.patch(&path, &ada.token, json!({ "name": "Old phone" })).await.body["name"], "Old phone");
    let told = "select after::text from audit_entries where action = 'auth.rename_passkey'";
    assert_eq!(db.query(told).await, [r#"{"changed": ["name"]}"#]);
    let asked = asked_to_sign_in(&replica).await;
    let shown = authenticator.show(&asked["publicKey"]);
    let elsewhere = Account::of(&sign_in(&replica, &mut authenticator).await);
    assert_eq!(replica.delete(&path, &ada.token).await.status, 204);
    assert_eq!(show(&replica, &asked, &shown).await.refusal(), (401, "WRONG_PASSKEY"));
    assert_eq!(last(&replica, "ada@example.com").content.template().name(), "passkey-removed");
    assert_eq!(events(&db, "passkey_removed").await, "1");
    assert_eq!(replica.get("/api/user/passkeys", &ada.token).await.body["data"], json!([]));
    assert_eq!(replica.delete(&path, &ada.token).await.refusal(), (404, "NOT_FOUND"));
    assert!(replica.is_live(&ada.token).await && !replica.is_live(&elsewhere.token).await, "other sessions end");
    assert_eq!(replica.login("ada").await.status, 200, "there is no second factor any more");
    assert_eq!(db.query("select count(*) from recovery_codes").await, ["0"]);
}

#[actix_web::test]
async fn the_last_way_in_stays() {
    let (db, replica, ada, mut authenticator, id) = ada().await;
    db.run_sql("delete from credentials").await;
    let path = format!("/api/user/passkeys/{id}");
    assert_eq!(replica.delete(&path, &ada.token).await.refusal(), (409, "LAST_WAY_IN"));
    assert_eq!(sign_in(&replica, &mut authenticator).await.status, 200);
    let mut other = Authenticator::on(PAGE);
    passkey(&replica, &ada, &mut other).await;
    assert_eq!(replica.delete(&path, &ada.token).await.status, 204);
    assert_eq!(sign_in(&replica, &mut other).await.status, 200);
}

#[actix_web::test]
async fn a_person_has_twenty_at_most() {
    let (db, replica, ada, _, _) = ada().await;
    for _ in 1..20 {
        passkey(&replica, &ada, &mut Authenticator::on(PAGE)).await;
    }
    let refused = replica.post("/api/user/passkeys/options", Some(&ada.token), json!({})).await;
    assert_eq!(refused.refusal(), (409, "TOO_MANY_PASSKEYS"));
    let places = "select concat_ws('|', count(*), min(place), max(place)) from passkeys";
    assert_eq!(db.query(places).await, ["20|1|20"]);
    let one = replica.get("/api/user/passkeys", &ada.token).await.body["data"][7]["id"].as_str().unwrap().to_owned();
    assert_eq!(replica.delete(&format!("/api/user/passkeys/{one}"), &ada.token).await.status, 204);
    passkey(&replica, &ada, &mut Authenticator::on(PAGE)).await;
    assert_eq!(db.query(places).await, ["20|1|20"], "in the place that became free");
}

#[actix_web::test]
async fn passkeys_are_for_who_has_just_proven_who_they_are_and_whose_the_address_is() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let unproven = replica.post("/api/user/passkeys/options", Some(&ada.token), json!({})).await;
    assert_eq!(unproven.refusal(), (403, "EMAIL_NOT_VERIFIED"));
    let mut authenticator = Authenticator::on(PAGE);
    let id = passkey(&replica, &ada, &mut authenticator).await;
    replica.clock.advance(chrono::TimeDelta::minutes(6));
    for answer in [
        replica.post("/api/user/passkeys/options", Some(&ada.token), json!({})).await,
        replica.delete(&format!("/api/user/passkeys/{id}"), &ada.token).await,
    ] {
        assert_eq!(answer.refusal(), (403, "STEP_UP_REQUIRED"));
    }
    assert_eq!(replica.get("/api/user/passkeys", &ada.token).await.status, 200, "to look is no change");
    let fresh = Account::of(&sign_in(&replica, &mut authenticator).await);
    assert_eq!(replica.delete(&format!("/api/user/passkeys/{id}"), &fresh.token).await.status, 204);
}

#[actix_web::test]
async fn whoever_registered_with_anothers_address_keeps_no_passkey_there() {
    let (db, replica, ada, mut authenticator, _) = ada().await;
    // As if it had been added before the address was proven.
    db.run_sql("update users set email_verified = false").await;
    assert_eq!(replica.post("/api/auth/magic-link", None, json!({ "email": "ada@example.com" })).await.status, 202);
    let token = crate::proofs::token_of(&last(&replica, "ada@example.com"));
    assert_eq!(replica.post("/api/auth/magic-link/confirm", None, json!({ "token": token })).await.status, 200);
    assert_eq!(sign_in(&replica, &mut authenticator).await.refusal(), (401, "WRONG_PASSKEY"));
    assert!(!replica.is_live(&ada.token).await);
    assert_eq!(db.query("select count(*) from passkeys").await, ["0"]);
}

#[actix_web::test]
async fn an_account_that_is_removed_leaves_no_passkey() {
    let (db, replica, ada, mut authenticator, _) = ada().await;
    asked(&replica, &ada).await;
    assert_eq!(replica.delete("/api/user", &ada.token).await.status, 204);
    assert_eq!(sign_in(&replica, &mut authenticator).await.refusal(), (401, "WRONG_PASSKEY"));
    assert_eq!(db.query("select count(*) from passkeys").await, ["0"]);
    assert_eq!(db.query("select count(*) from passkey_challenges where user_id is not null").await, ["0"]);
}

#[actix_web::test]
async fn the_database_tells_no_challenge_and_takes_none_of_its_own() {
    let (db, replica, _ada, mut authenticator, _) = ada().await;
    let asked = asked_to_sign_in(&replica).await;
    let overheard = authenticator.show(&asked["publicKey"]);
    let kept = db
        .query("select concat_ws('|', encode(state, 'escape'), encode(request_hash, 'hex')) from passkey_challenges")
        .await
        .join("\n");
    let (challenge, request) = (asked["publicKey"]["challenge"].as_str().unwrap(), asked["requestId"].as_str().unwrap());
    assert!(!kept.contains(challenge) && !kept.contains(request) && !kept.contains("challenge"), "{kept}");
    // Its sealed state, put back under another request.
    replica.clock.advance(chrono::TimeDelta::seconds(1));
    let other = asked_to_sign_in(&replica).await;
    db.run_sql("update passkey_challenges set state = (select state from passkey_challenges order by made_at limit 1)").await;
    let outcome = show(&replica, &other, &overheard).await;
    assert_eq!(outcome.refusal(), (401, "WRONG_PASSKEY"));
}

/// The first step of a sign-in of somebody who has a passkey.
async fn pending(replica: &Replica) -> String {
    let first = replica.login("ada").await;
    assert_eq!((first.status.as_u16(), &first.body["factors"]), (202, &json!(["passkey", "recovery_code"])), "{}", first.body);
    first.body["mfaToken"].as_str().unwrap().to_owned()
}

/// What the authenticator is asked as second factor of a sign-in that waits.
async fn asked_for(replica: &Replica, token: &str) -> Value {
    let asked = replica.post("/api/auth/mfa/passkey/options", None, json!({ "mfaToken": token })).await;
    assert_eq!(asked.status, 200, "{}", asked.body);
    asked.body
}

async fn finish(replica: &Replica, token: &str, asked: &Value, credential: &Value) -> Answer {
    let passkey = json!({ "requestId": asked["requestId"], "credential": credential });
    replica.post("/api/auth/mfa", None, json!({ "mfaToken": token, "passkey": passkey })).await
}

#[actix_web::test]
async fn whoever_has_a_passkey_shows_it_after_the_password() {
    let (_db, replica, ada, mut authenticator, _) = ada().await;
    let token = pending(&replica).await;
    let asked = asked_for(&replica, &token).await;
    assert_eq!(asked["publicKey"]["allowCredentials"].as_array().map(Vec::len), Some(1));
    let mut shown = authenticator.show(&asked["publicKey"]);
    // A key that was told whose it is need not say it again.
    shown["response"]["userHandle"] = json!(null);
    let done = finish(&replica, &token, &asked, &shown).await;
    assert_eq!((done.status.as_u16(), Account::of(&done).user), (200, ada.user.clone()), "{}", done.body);
    assert_eq!(finish(&replica, &token, &asked, &shown).await.refusal(), (409, "MFA_TOKEN_SPENT"));
    let own = replica.get("/api/user/factors", &ada.token).await;
    assert_eq!(
        (&own.body["passkeys"], &own.body["totpSince"], &own.body["recoveryCodesLeft"]),
        (&json!(1), &json!(null), &json!(10))
    );
    for body in [
        json!({ "mfaToken": token }),
        json!({ "mfaToken": token, "code": "1", "passkey": { "requestId": "0".repeat(64), "credential": shown } }),
    ] {
        assert_eq!(replica.post("/api/auth/mfa", None, body).await.status, 422, "one of both");
    }
}

#[actix_web::test]
async fn what_was_asked_for_one_sign_in_counts_for_no_other() {
    let (db, replica, ada, mut authenticator, _) = ada().await;
    let bob = replica.register("bob").await;
    let mut bobs = Authenticator::on(PAGE);
    passkey(&replica, &bob, &mut bobs).await;
    let wrong = (401, "WRONG_SECOND_FACTOR");
    let (a, b) = (pending(&replica).await, pending(&replica).await);
    let asked = asked_for(&replica, &a).await;
    let shown = authenticator.show(&asked["publicKey"]);
    assert_eq!(finish(&replica, &b, &asked, &shown).await.refusal(), wrong, "of another sign-in");
    assert_eq!(finish(&replica, &a, &asked, &shown).await.refusal(), wrong, "the challenge is gone");
    let asked = asked_to_sign_in(&replica).await;
    let shown = authenticator.show(&asked["publicKey"]);
    assert_eq!(finish(&replica, &a, &asked, &shown).await.refusal(), wrong, "asked for something else");
    assert_eq!(show(&replica, &asked, &shown).await.status, 200, "for which it goes on to count");
    let asked = asked_for(&replica, &a).await;
    let strange = bobs.show(&json!({ "challenge": asked["publicKey"]["challenge"] }));
    assert_eq!(finish(&replica, &a, &asked, &strange).await.refusal(), wrong, "another's passkey");
    let asked = asked_for(&replica, &a).await;
    authenticator.verifies = false;
    let unseen = authenticator.show(&asked["publicKey"]);
    assert_eq!(finish(&replica, &a, &asked, &unseen).await.refusal(), wrong, "its person not seen to");
    authenticator.verifies = true;
    let asked = asked_for(&replica, &b).await;
    let shown = authenticator.show(&asked["publicKey"]);
    assert_eq!(finish(&replica, &b, &asked, &shown).await.status, 200);
    assert_eq!(events(&db, "second_factor_failed").await, "5");
    let nobody = replica.post("/api/auth/mfa/passkey/options", None, json!({ "mfaToken": "0".repeat(64) })).await;
    assert_eq!(nobody.refusal(), (409, "MFA_TOKEN_SPENT"));
    // A copy is told of here, too.
    authenticator.counts = true;
    let token = pending(&replica).await;
    for (counter, status) in [(7, 200), (3, 401)] {
        authenticator.set_counter(counter);
        let token = if status == 200 { token.clone() } else { pending(&replica).await };
        let asked = asked_for(&replica, &token).await;
        let shown = authenticator.show(&asked["publicKey"]);
        assert_eq!(finish(&replica, &token, &asked, &shown).await.status.as_u16(), status);
    }
    assert_eq!(events(&db, "passkey_copied").await, "1");
    assert_eq!(last(&replica, "ada@example.com").content.template().name(), "passkey-copied");
    assert!(replica.is_live(&ada.token).await);
}

#[actix_web::test]
async fn a_passkey_proves_again_who_somebody_is() {
    let (_db, replica, ada, mut authenticator, id) = ada().await;
    replica.clock.advance(chrono::TimeDelta::minutes(6));
    let path = format!("/api/user/passkeys/{id}");
    assert_eq!(replica.delete(&path, &ada.token).await.refusal(), (403, "STEP_UP_REQUIRED"));
    let ask = async || replica.post("/api/auth/reauthenticate/passkey/options", Some(&ada.token), json!({})).await.body;
    let prove = async |asked: &Value, shown: &Value| {
        let passkey = json!({ "requestId": asked["requestId"], "credential": shown });
        replica.post("/api/auth/reauthenticate", Some(&ada.token), json!({ "passkey": passkey })).await
    };
    let asked = ask().await;
    let mut shown = authenticator.show(&asked["publicKey"]);
    let right = shown.clone();
    shown["response"]["signature"] = json!("MEUCIQDa");
    let refused = prove(&asked, &shown).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["errors"][0]["code"]),
        (422, &json!("WRONG_SECOND_FACTOR")),
        "{}",
        refused.body
    );
    assert_eq!(prove(&asked, &right).await.status, 422, "the challenge is gone");
    let asked = ask().await;
    let fresh = prove(&asked, &authenticator.show(&asked["publicKey"])).await;
    assert_eq!(fresh.status, 200, "{}", fresh.body);
    assert!(!replica.is_live(&ada.token).await, "another token");
    assert_eq!(replica.delete(&path, &Account::of(&fresh).token).await.status, 204);
    let none = replica.post("/api/auth/reauthenticate/passkey/options", Some(&Account::of(&fresh).token), json!({})).await;
    assert_eq!(none.refusal(), (409, "NO_PASSKEY"));
}

#[actix_web::test]
async fn the_first_passkey_brings_recovery_codes_and_ends_what_began_without_it() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    replica.verify(&ada).await;
    let elsewhere = Account::of(&replica.login("ada").await);
    let first = asked(&replica, &ada).await;
    let made = Authenticator::on(PAGE).make(&first["publicKey"]).unwrap();
    let added = add(&replica, &ada, &first, &made, "Phone").await;
    let codes = added.body["recoveryCodes"].as_array().unwrap();
    assert_eq!((added.status.as_u16(), codes.len(), added.header("cache-control")), (201, 10, "no-store"));
    assert!(replica.is_live(&ada.token).await && !replica.is_live(&elsewhere.token).await);
    let second = asked(&replica, &ada).await;
    let made = Authenticator::on(PAGE).make(&second["publicKey"]).unwrap();
    let added = add(&replica, &ada, &second, &made, "Computer").await;
    assert_eq!((added.status.as_u16(), &added.body["recoveryCodes"]), (201, &json!([])));
    let token = pending(&replica).await;
    let code = json!({ "mfaToken": token, "code": codes[0] });
    assert_eq!(replica.post("/api/auth/mfa", None, code).await.status, 200, "for whom the devices are lost");
}

#[actix_web::test]
async fn the_last_second_factor_stays_where_an_organisation_asks_for_one() {
    let (db, replica, ada, _, id) = ada().await;
    let everyone = replica.patch("/api/organization", &ada.token, json!({ "mfaPolicy": "everyone" })).await;
    assert_eq!(everyone.status, 200, "{}", everyone.body);
    let path = format!("/api/user/passkeys/{id}");
    assert_eq!(replica.delete(&path, &ada.token).await.refusal(), (409, "SECOND_FACTOR_REQUIRED"));
    let (_, codes) = crate::authenticator::set_up(&replica, &ada).await;
    assert_eq!(codes.len(), 10);
    assert_eq!(replica.delete(&path, &ada.token).await.status, 204, "there is another one");
    assert_eq!(replica.delete("/api/user/factors/totp", &ada.token).await.refusal(), (409, "SECOND_FACTOR_REQUIRED"));
    passkey(&replica, &ada, &mut Authenticator::on(PAGE)).await;
    assert_eq!(replica.delete("/api/user/factors/totp", &ada.token).await.status, 204);
    assert_eq!(db.query("select count(*) from recovery_codes where used_at is null").await, ["10"], "for what is left");
}

#[actix_web::test]
async fn an_operator_who_resets_lost_factors_takes_the_passkeys_too() {
    let (db, replica, _ada, mut authenticator, _) = ada().await;
    let by = Decision { operator: "Grace Hopper".parse().unwrap(), reason: Some("called back".parse().unwrap()) };
    replica.resets.reset("ada@example.com", &by, Language::English).await.unwrap();
    assert_eq!(sign_in(&replica, &mut authenticator).await.refusal(), (401, "WRONG_PASSKEY"));
    assert_eq!(db.query("select count(*) from passkeys").await, ["0"]);
    assert_eq!(replica.login("ada").await.status, 200);
}

#[actix_web::test]
async fn the_pages_are_in_the_readers_language_and_run_one_file_of_ours() {
    let (_db, replica) = scene().await;
    for (path, english, german) in [
        ("/auth/passkey", "Sign in with a passkey", "Mit einem Passkey anmelden"),
        ("/auth/passkeys/new", "Add a passkey", "Einen Passkey hinzufügen"),
    ] {
        for (language, words) in [("en", english), ("de", german)] {
            let page = replica.send(TestRequest::get().uri(path).insert_header(("Accept-Language", language))).await;
            let html = page.body.as_str().unwrap();
            assert!(html.contains(&format!("lang=\"{language}\"")) && html.contains(words), "{html}");
            assert!(html.contains("role=\"status\"") && html.contains("<noscript>"), "{html}");
            let policy = page.header("content-security-policy");
            assert!(policy.contains("script-src 'self'") && policy.contains("connect-src 'self'"), "{policy}");
            assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
            let script = html.split("<script src=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
            let file = replica.send(with(TestRequest::get().uri(script), None)).await;
            assert_eq!((file.status.as_u16(), file.header("content-type")), (200, "text/javascript; charset=utf-8"));
        }
    }
}

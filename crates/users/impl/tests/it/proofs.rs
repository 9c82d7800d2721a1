//! What goes by mail: proving an address, a new password, signing in without one, another address.

use actix_web::test::TestRequest;
use chrono::TimeDelta;
use mail_api::{Content, Mail, Template};
use serde_json::{Value, json};
use testkit::until;

use crate::replicas::{pair, warmed};
use crate::scenery::{Account, Answer, PASSWORD, Replica, scene, with};

/// The last mail to an address.
pub fn last(replica: &Replica, address: &str) -> Mail {
    replica.mails.to(address).pop().unwrap_or_else(|| panic!("no mail to {address}"))
}

/// What the link of a mail holds.
pub fn token_of(mail: &Mail) -> String {
    let link = mail.content.link().unwrap_or_else(|| panic!("{:?} has no link", mail.content));
    link.as_str().split_once("token=").map(|(_, token)| token.to_owned()).unwrap()
}

fn code_of(mail: &Mail) -> String {
    match &mail.content {
        Content::VerifyAddress { code, .. }
        | Content::MagicLink { code, .. }
        | Content::ResetPassword { code: Some(code), .. } => code.clone(),
        other => panic!("{other:?} has no code"),
    }
}

fn text(answer: &Answer, pointer: &str) -> String {
    answer.body.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {}", answer.body)).to_owned()
}

/// Another code than this one.
fn wrong(code: &str) -> &'static str {
    if code == "00000000" { "00000001" } else { "00000000" }
}

async fn asked(replica: &Replica, path: &str, email: &str) -> String {
    let answer = replica.post(path, None, json!({ "email": email })).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    text(&answer, "/requestId")
}

async fn is_verified(replica: &Replica, who: &Account) -> bool {
    replica.get("/api/user", &who.token).await.body["emailVerified"] == true
}

const SPENT: (u16, &str) = (409, "LINK_SPENT");
const WRONG: (u16, &str) = (409, "WRONG_CODE");
const NEW_PASSWORD: &str = "incorrect zebra capacitor";

#[actix_web::test]
async fn registration_mails_what_proves_the_address_by_link_or_by_code() {
    let (db, replica) = scene().await;
    let body = json!({ "email": "Ada@example.com", "password": PASSWORD, "name": "Ada", "organizationName": "Works" });
    let registered = replica.post("/api/auth/register", None, body).await;
    let ada = Account::of(&registered);
    assert!(!is_verified(&replica, &ada).await);
    let mail = last(&replica, "Ada@example.com");
    assert_eq!((mail.content.template(), mail.to.name.as_deref()), (Template::VerifyAddress, Some("Ada")));
    assert!(mail.content.link().unwrap().as_str().starts_with("/auth/verify?token="), "below the server's own address");
    let (request, code) = (text(&registered, "/verification/requestId"), code_of(&mail));
    let confirm = async |body: Value| replica.post("/api/auth/verification/confirm", None, body).await;
    let proven = confirm(json!({ "requestId": request, "code": code })).await;
    assert_eq!(proven.status, 204, "{}", proven.body);
    assert!(is_verified(&replica, &ada).await);
    assert_eq!(confirm(json!({ "token": token_of(&mail) })).await.refusal(), SPENT, "the code used it up");
    assert_eq!(confirm(json!({ "requestId": request, "code": code })).await.refusal(), WRONG);
    let again = replica.post("/api/auth/verification", Some(&ada.token), json!({})).await;
    assert_eq!(again.refusal(), (409, "VERIFIED_ALREADY"));

    let bob = replica.register("bob").await;
    let first = token_of(&last(&replica, "bob@example.com"));
    for _ in 0..3 {
        assert_eq!(replica.post("/api/auth/verification", Some(&bob.token), json!({})).await.status, 202);
    }
    assert_eq!(confirm(json!({ "token": first })).await.refusal(), SPENT, "newer ones took its place");
    let links: Vec<_> = replica.mails.to("bob@example.com").iter().map(token_of).collect();
    let counts = replica.post("/api/auth/verification/confirm", Some(&bob.token), json!({ "token": links[1] })).await;
    assert_eq!(counts.status, 204, "the last three count");
    assert_eq!(confirm(json!({ "token": links[3] })).await.refusal(), SPENT, "until one of them is used");
    assert!(is_verified(&replica, &bob).await);
    // In the trail, and among what happened to the account.
    let trail = "select count(*) from audit_entries where action = 'auth.verify_address'";
    assert_eq!(db.query(trail).await, ["2"]);
    let events = replica.get("/api/user/security-events", &bob.token).await;
    let kinds: Vec<_> = events.body["data"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["address_verified", "verification_asked", "verification_asked", "verification_asked"]);
    // Neither token, code nor the program's secret is in the database.
    let kept = db.query("select p::text from mailed_proofs p").await.join("\n");
    assert!(!kept.contains(&token_of(&mail)) && !kept.contains(&request) && !kept.contains(&code), "{kept}");
}

#[actix_web::test]
async fn a_link_counts_once_for_its_purpose_and_for_ten_minutes() {
    let (_db, replica) = scene().await;
    replica.register("ada").await;
    asked(&replica, "/api/auth/password-reset", "ada@example.com").await;
    let token = token_of(&last(&replica, "ada@example.com"));
    for other in ["/api/auth/verification/confirm", "/api/auth/magic-link/confirm", "/api/user/email/confirm"] {
        assert_eq!(replica.post(other, None, json!({ "token": token })).await.refusal(), SPENT, "{other}");
    }
    let reset = async |token: &str| {
        replica.post("/api/auth/password-reset/confirm", None, json!({ "token": token, "password": NEW_PASSWORD })).await
    };
    assert_eq!(reset(&"0".repeat(64)).await.refusal(), SPENT);
    replica.clock.advance(TimeDelta::seconds(599));
    assert_eq!(reset(&token).await.status, 204);
    assert_eq!(reset(&token).await.refusal(), SPENT, "used");
    asked(&replica, "/api/auth/password-reset", "ada@example.com").await;
    let late = token_of(&last(&replica, "ada@example.com"));
    replica.clock.advance(TimeDelta::seconds(600));
    assert_eq!(reset(&late).await.refusal(), SPENT, "too old");
    for nonsense in
        [json!({}), json!({ "token": token, "code": "12345678" }), json!({ "requestId": token }), json!({ "token": "x" })]
    {
        let answer = replica.post("/api/auth/magic-link/confirm", None, nonsense.clone()).await;
        assert_eq!(answer.refusal(), (422, "INVALID"), "{nonsense}");
    }
}

#[actix_web::test]
async fn of_two_who_use_a_link_at_a_time_one_does() {
    let (_db, replica) = scene().await;
    asked(&replica, "/api/auth/magic-link", "ada@example.com").await;
    let body = json!({ "token": token_of(&last(&replica, "ada@example.com")) });
    let follow = || replica.post("/api/auth/magic-link/confirm", None, body.clone());
    let (a, b) = futures::join!(follow(), follow());
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", a.body, b.body);
}

#[actix_web::test]
async fn a_code_is_tried_five_times_by_the_program_that_asked() {
    let (_db, replica) = scene().await;
    replica.register("ada").await;
    let path = "/api/auth/magic-link";
    let request = asked(&replica, path, "ada@example.com").await;
    let code = code_of(&last(&replica, "ada@example.com"));
    let stranger = asked(&replica, path, "eve@example.com").await;
    let follow = async |request: &str, code: &str| {
        replica.post("/api/auth/magic-link/confirm", None, json!({ "requestId": request, "code": code })).await
    };
    assert_eq!(follow(&stranger, &code).await.refusal(), WRONG, "another program's request");
    for _ in 0..4 {
        assert_eq!(follow(&request, wrong(&code)).await.refusal(), WRONG);
    }
    assert_eq!(follow(&request, &code).await.status, 200, "the fifth try");

    let request = asked(&replica, path, "ada@example.com").await;
    let mail = last(&replica, "ada@example.com");
    for _ in 0..5 {
        assert_eq!(follow(&request, wrong(&code_of(&mail))).await.refusal(), WRONG);
    }
    assert_eq!(follow(&request, &code_of(&mail)).await.refusal(), WRONG, "guessed too often");
    // Whoever guesses takes the link from nobody.
    assert_eq!(replica.post("/api/auth/magic-link/confirm", None, json!({ "token": token_of(&mail) })).await.status, 200);
}

#[actix_web::test]
async fn known_and_unknown_addresses_are_answered_alike() {
    let (_db, replica) = scene().await;
    replica.register("ada").await;
    for path in ["/api/auth/password-reset", "/api/auth/magic-link"] {
        let mut seen: Vec<Vec<(u16, Vec<String>, String)>> = Vec::new();
        for email in ["ada@example.com", "nobody@example.com"] {
            let mut answers = Vec::new();
            for _ in 0..7 {
                let answer = replica.post(path, None, json!({ "email": email })).await;
                let members = answer.body.as_object().unwrap().keys().cloned().collect();
                answers.push((answer.status.as_u16(), members, text_or_none(&answer)));
            }
            let request = asked_late(&replica, path, email).await;
            let body = json!({ "requestId": request, "code": "00000000", "password": NEW_PASSWORD });
            let body = if path.ends_with("reset") { body } else { json!({ "requestId": request, "code": "00000000" }) };
            let tried = replica.post(&format!("{path}/confirm"), None, body).await;
            answers.push((tried.status.as_u16(), Vec::new(), text_or_none(&tried)));
            seen.push(answers);
        }
        assert_eq!(seen[0], seen[1], "{path}");
        assert_eq!(seen[0].iter().map(|(status, ..)| *status).collect::<Vec<_>>(), [202, 202, 202, 202, 202, 202, 429, 409]);
    }
    // The mail tells whoever reads it.
    let to = |address: &str| replica.mails.to(address).iter().map(|mail| mail.content.template()).collect::<Vec<_>>();
    assert!(
        to("nobody@example.com").contains(&Template::NoAccount) && !to("nobody@example.com").contains(&Template::ResetPassword)
    );
    assert!(to("ada@example.com").contains(&Template::ResetPassword) && !to("ada@example.com").contains(&Template::NoAccount));
}

fn text_or_none(answer: &Answer) -> String {
    answer.body["code"].as_str().unwrap_or("none").to_owned()
}

/// Once mail goes there again.
async fn asked_late(replica: &Replica, path: &str, email: &str) -> String {
    replica.clock.advance(TimeDelta::seconds(3600));
    asked(replica, path, email).await
}

#[actix_web::test]
async fn mail_goes_to_the_address_that_the_account_has_whatever_spelling_is_typed() {
    let (_db, replica) = scene().await;
    let body = json!({ "email": "Ada@example.com", "password": PASSWORD, "name": "Ada", "organizationName": "Works" });
    replica.post("/api/auth/register", None, body).await;
    let request = TestRequest::post()
        .uri("/api/auth/password-reset")
        .insert_header(("Host", "evil.example"))
        .insert_header(("X-Forwarded-Host", "evil.example"))
        .set_json(json!({ "email": "ａda@EXAMPLE.com" }));
    assert_eq!(replica.send(request).await.status, 202);
    let mail = last(&replica, "Ada@example.com");
    let link = mail.content.link().unwrap().as_str();
    assert!(link.starts_with("/auth/reset?token=") && !link.contains("evil"), "{link}");
}

#[actix_web::test]
async fn a_reset_ends_every_session_everywhere_and_signs_nobody_in() {
    let (db, a, b) = pair().await;
    let ada = a.register("ada").await;
    let second = Account::of(&a.login("ada").await);
    assert_ne!(db.query("select count(*) from known_devices").await, ["0"]);
    warmed(&db, &b, &ada.token).await;
    asked(&a, "/api/auth/password-reset", "ada@example.com").await;
    let token = token_of(&last(&a, "ada@example.com"));
    let reset = async |password: &str| {
        a.post("/api/auth/password-reset/confirm", None, json!({ "token": token, "password": password })).await
    };
    let weak = reset("password123").await;
    assert_eq!((weak.refusal(), &weak.body["errors"][0]["code"]), ((422, "INVALID"), &json!("TOO_COMMON")));
    assert!(a.is_live(&ada.token).await, "what is refused uses nothing up");
    let done = reset(NEW_PASSWORD).await;
    assert_eq!((done.status.as_u16(), &done.body), (204, &Value::Null));
    let cookies = done.header("set-cookie");
    assert!(
        cookies.starts_with("__Host-device=") && cookies.lines().count() == 1,
        "no session: a second factor is asked for at the sign-in"
    );
    for token in [&ada.token, &second.token] {
        assert!(!a.is_live(token).await);
        until("the other replica has heard", async || (!b.is_live(token).await).then_some(())).await;
    }
    assert_eq!(
        db.query("select count(*) from known_devices").await,
        ["1"],
        "who knew the old password has no budget of their own, whoever reads the mail has one"
    );
    assert_eq!(a.login("ada").await.refusal(), (401, "WRONG_CREDENTIALS"), "the old password");
    let body = json!({ "email": "ada@example.com", "password": NEW_PASSWORD });
    let signed_in = a.post("/api/auth/login", None, body).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.body);
    assert_eq!(signed_in.body["user"]["emailVerified"], true, "whoever reads the mail has the address");
    assert_eq!(last(&a, "ada@example.com").content.template(), Template::PasswordChanged);
}

#[actix_web::test]
async fn a_magic_link_signs_up_who_has_no_account_without_a_name() {
    let (db, replica) = scene().await;
    asked(&replica, "/api/auth/magic-link", "grace.hopper@example.com").await;
    assert_eq!(db.query("select count(*) from users").await, ["0"], "nothing is made for whoever only asked");
    let follow = async || {
        let body = json!({ "token": token_of(&last(&replica, "grace.hopper@example.com")) });
        replica.post("/api/auth/magic-link/confirm", None, body).await
    };
    let first = follow().await;
    assert_eq!(first.status, 200, "{}", first.body);
    assert!(first.header("set-cookie").starts_with("__Host-session="));
    assert_eq!(
        (&first.body["user"]["name"], &first.body["user"]["emailVerified"], &first.body["role"]),
        (&json!("grace.hopper"), &json!(true), &json!("owner"))
    );
    let grace = Account::of(&first);
    asked(&replica, "/api/auth/magic-link", "Grace.Hopper@example.com").await;
    let second = follow().await;
    assert_eq!(second.body["user"]["id"], first.body["user"]["id"]);
    assert!(replica.is_live(&grace.token).await, "the address was proven: other sessions go on");
    // Nobody else gives the account a password by registering with its address.
    let body = json!({ "email": "grace.hopper@example.com", "password": PASSWORD, "name": "Eve", "organizationName": "Works" });
    assert_eq!(replica.post("/api/auth/register", None, body).await.refusal(), (409, "EMAIL_TAKEN"));
}

#[actix_web::test]
async fn who_registered_with_anothers_address_has_no_way_in_once_it_is_proven() {
    for by in ["/api/auth/magic-link", "/api/auth/password-reset", "/api/auth/verification"] {
        let (db, replica) = scene().await;
        // Registered by somebody who cannot read its mail, with a key besides.
        let eve = replica.register("victim").await;
        let key =
            replica.post("/api/api-keys", Some(&eve.token), json!({ "name": "Back door", "scopes": ["members.read"] })).await;
        let key = text(&key, "/secret");
        assert_eq!(replica.get("/api/users", &key).await.status, 200);
        let moving = json!({ "email": "eve@example.com", "password": PASSWORD });
        assert_eq!(replica.post("/api/user/email", Some(&eve.token), moving).await.status, 202);
        let moving = token_of(&last(&replica, "eve@example.com"));

        // The mail of the registration asks them to confirm the address.
        let mail = if by.ends_with("verification") {
            replica.mails.to("victim@example.com").swap_remove(0)
        } else {
            asked(&replica, by, "victim@example.com").await;
            last(&replica, "victim@example.com")
        };
        let token = token_of(&mail);
        let body =
            if by.ends_with("reset") { json!({ "token": token, "password": NEW_PASSWORD }) } else { json!({ "token": token }) };
        let proven = replica.post(&format!("{by}/confirm"), None, body).await;
        assert!(proven.status.is_success(), "{}", proven.body);

        assert!(!replica.is_live(&eve.token).await, "{by}: the session");
        assert_eq!(replica.login("victim").await.refusal(), (401, "WRONG_CREDENTIALS"), "{by}: the password");
        assert_eq!(replica.get("/api/users", &key).await.status, 401, "{by}: the key");
        let moved = replica.post("/api/user/email/confirm", None, json!({ "token": moving })).await;
        assert_eq!(moved.refusal(), SPENT, "{by}: the address that was asked for before");
        let noted = "select count(*) from security_events where kind = 'unproven_access_ended'";
        assert_eq!(db.query(noted).await, ["1"]);
    }
}

#[actix_web::test]
async fn another_address_takes_the_password_and_tells_both() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let other = Account::of(&replica.login("ada").await);
    let ask = async |email: &str, password: &str| {
        replica.post("/api/user/email", Some(&ada.token), json!({ "email": email, "password": password })).await
    };
    let refused = ask("lovelace@example.com", "not the password").await;
    assert_eq!((refused.refusal(), &refused.body["errors"][0]["pointer"]), ((422, "INVALID"), &json!("/password")));
    let same = ask("ADA@example.com", PASSWORD).await;
    assert_eq!((same.refusal(), &same.body["errors"][0]["code"]), ((422, "INVALID"), &json!("SAME_AS_BEFORE")));
    assert_eq!(ask("lovelace@example.com", PASSWORD).await.status, 202);
    let Content::AddressChangeAsked { new_address, .. } = last(&replica, "ada@example.com").content else {
        panic!("the present address is told");
    };
    assert_eq!(new_address, "l…@example.com");
    assert_eq!(replica.get("/api/user", &ada.token).await.body["email"], "ada@example.com", "nothing changed yet");
    let token = token_of(&last(&replica, "lovelace@example.com"));
    let confirm = async |token: &str| replica.post("/api/user/email/confirm", None, json!({ "token": token })).await;
    assert_eq!(confirm(&token).await.status, 204);
    let user = replica.get("/api/user", &ada.token).await;
    assert_eq!((&user.body["email"], &user.body["emailVerified"]), (&json!("lovelace@example.com"), &json!(true)));
    assert!(!replica.is_live(&other.token).await, "other sessions end, the one that asked goes on");
    assert_eq!(last(&replica, "ada@example.com").content.template(), Template::AddressLeft);
    assert_eq!(last(&replica, "lovelace@example.com").content.template(), Template::AddressTaken);
    assert_eq!(confirm(&token).await.refusal(), SPENT);

    // An address that somebody has: the same answer, and whoever reads its mail is told.
    replica.register("bob").await;
    assert_eq!(ask("bob@example.com", PASSWORD).await.status, 202);
    let mails = replica.mails.to("bob@example.com");
    let asked = mails.iter().rfind(|mail| mail.content.link().is_some_and(|link| link.as_str().starts_with("/auth/email")));
    assert_eq!(confirm(&token_of(asked.unwrap())).await.refusal(), (409, "EMAIL_TAKEN"));
}

#[actix_web::test]
async fn no_address_is_changed_by_a_session_that_has_ended() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let body = json!({ "email": "lovelace@example.com", "password": PASSWORD });
    assert_eq!(replica.post("/api/user/email", Some(&ada.token), body).await.status, 202);
    let token = token_of(&last(&replica, "lovelace@example.com"));
    assert_eq!(replica.post("/api/auth/logout", Some(&ada.token), json!(null)).await.status, 204);
    let confirmed = replica.post("/api/user/email/confirm", None, json!({ "token": token })).await;
    assert_eq!(confirmed.refusal(), SPENT);
    let again = Account::of(&replica.login("ada").await);
    assert_eq!(replica.get("/api/user", &again.token).await.body["email"], "ada@example.com");
}

#[actix_web::test]
async fn a_changed_password_ends_what_was_asked_for_before_and_is_told() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    asked(&replica, "/api/auth/password-reset", "ada@example.com").await;
    let token = token_of(&last(&replica, "ada@example.com"));
    let change = json!({ "currentPassword": PASSWORD, "newPassword": NEW_PASSWORD });
    assert_eq!(replica.put("/api/user/password", &ada.token, change).await.status, 204);
    assert_eq!(last(&replica, "ada@example.com").content.template(), Template::PasswordChanged);
    let reset = json!({ "token": token, "password": "a third good password" });
    assert_eq!(replica.post("/api/auth/password-reset/confirm", None, reset).await.refusal(), SPENT);
}

#[actix_web::test]
async fn mail_speaks_the_language_that_was_asked_for() {
    let (_db, replica) = scene().await;
    let body = json!({ "email": "ada@example.com", "language": "de" });
    assert_eq!(replica.post("/api/auth/magic-link", None, body).await.status, 202);
    assert_eq!(last(&replica, "ada@example.com").language.name(), "de");
    let request = TestRequest::post().uri("/api/auth/magic-link").insert_header(("Accept-Language", "de-AT, en;q=0.5"));
    assert_eq!(replica.send(request.set_json(json!({ "email": "bob@example.com" }))).await.status, 202);
    assert_eq!(last(&replica, "bob@example.com").language.name(), "de");
    assert_eq!(asked(&replica, "/api/auth/magic-link", "cleo@example.com").await.len(), 64);
    assert_eq!(last(&replica, "cleo@example.com").language.name(), "en");
}

#[actix_web::test]
async fn what_is_over_is_removed_and_nothing_is_left_of_who_leaves() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    asked(&replica, "/api/auth/magic-link", "bob@example.com").await;
    let gone = replica.send(with(TestRequest::delete().uri("/api/user"), Some(&ada.token))).await;
    assert_eq!(gone.status, 204, "{}", gone.body);
    assert_eq!(db.query("select email from mailed_proofs").await, ["bob@example.com"]);
    replica.clock.advance(TimeDelta::seconds(2 * 24 * 3600));
    let long_ago = kernel::Clock::now(&*replica.clock) - TimeDelta::days(30);
    replica.auth.purge(long_ago).await.unwrap();
    assert_eq!(db.query("select (select count(*) from mailed_proofs) + (select count(*) from mail_counts)").await, ["0"]);
}

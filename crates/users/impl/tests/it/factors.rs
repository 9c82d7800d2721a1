//! Second factors: no session before them, whatever was shown first, and each of them counts once.

use actix_web::test::TestRequest;
use chrono::TimeDelta;
use futures::future::join_all;
use kernel::Decision;
use mail_api::{Content, FactorChange, Language};
use serde_json::{Value, json};
use testkit::{Database, until};

use crate::authenticator::{Authenticator, begin, confirm, finish, pending, set_up};
use crate::proofs::{last, token_of};
use crate::replicas::{pair, warmed};
use crate::scenery::{Account, Answer, PASSWORD, Replica, scene};

const WRONG: (u16, &str) = (401, "WRONG_SECOND_FACTOR");
const SPENT: (u16, &str) = (409, "MFA_TOKEN_SPENT");
const LIVE: &str = "select count(*) from sessions where ended_at is null";

async fn kinds(replica: &Replica, who: &Account) -> Vec<String> {
    let events = replica.get("/api/user/security-events", &who.token).await;
    events.body["data"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

/// What the mails to an address say of second factors, with how many recovery codes are left.
fn told(replica: &Replica, address: &str) -> Vec<(FactorChange, Option<u32>)> {
    let changes = replica.mails.to(address).into_iter().filter_map(|mail| match mail.content {
        Content::SecondFactorChanged { change, recovery_codes_left, .. } => Some((change, recovery_codes_left)),
        _ => None,
    });
    changes.collect()
}

/// The value of a cookie that an answer sets.
pub fn cookie<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let set = answer.header("set-cookie").lines().filter(|line| !line.contains("Max-Age=0"));
    set.filter_map(|line| line.split_once(';').map_or(line, |(pair, _)| pair).split_once('='))
        .find(|(set, _)| *set == name)
        .map(|(_, value)| value)
}

#[actix_web::test]
async fn whoever_has_a_second_factor_has_no_session_before_it() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let (shows, _) = set_up(&replica, &ada).await;
    let first = replica.login("ada").await;
    assert_eq!(first.status, 202, "{}", first.body);
    let members: Vec<_> = first.body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["expiresAt", "factors", "mfaRequired", "mfaToken"]);
    assert_eq!((&first.body["mfaRequired"], &first.body["factors"]), (&json!(true), &json!(["totp", "recovery_code"])));
    assert_eq!(first.header("set-cookie"), "", "neither a session nor a known device");
    let token = first.body["mfaToken"].as_str().unwrap();
    assert_eq!(token.len(), 64);
    assert_eq!(db.query(LIVE).await, ["1"], "that in which the authenticator was set up");
    assert_eq!(replica.get("/api/user", token).await.refusal(), (401, "NOT_AUTHENTICATED"));
    assert_eq!(finish(&replica, token, &shows.wrong(&replica)).await.refusal(), WRONG);
    assert_eq!(finish(&replica, &"0".repeat(64), &shows.code(&replica, 0)).await.refusal(), SPENT);
    let done = finish(&replica, token, &shows.code(&replica, 0)).await;
    let again = Account::of(&done);
    assert_eq!(again.user, ada.user);
    assert!(replica.is_live(&again.token).await);
    assert!(cookie(&done, "__Host-session").is_some() && cookie(&done, "__Host-device").is_some());
    assert_eq!(done.header("cache-control"), "no-store");
    assert_eq!(finish(&replica, token, &shows.code(&replica, 1)).await.refusal(), SPENT, "once");
    let trail = replica.get("/api/audit?action=auth.login", &again.token).await;
    assert_eq!(trail.body["data"].as_array().unwrap().len(), 1, "a sign-in is one when it is finished");
}

#[actix_web::test]
async fn a_code_counts_once_and_none_of_before() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let (shows, _) = set_up(&replica, &ada).await;
    let (a, b) = (pending(&replica, "ada").await, pending(&replica, "ada").await);
    let shown = shows.code(&replica, 0);
    assert_eq!(finish(&replica, &a, &shown).await.status, 200);
    assert_eq!(finish(&replica, &b, &shown).await.refusal(), WRONG, "again, within its half minute");
    assert_eq!(
        finish(&replica, &b, &shows.code(&replica, -1)).await.refusal(),
        WRONG,
        "that of the half minute before, used at set-up"
    );
    assert_eq!(finish(&replica, &b, &shows.code(&replica, 1)).await.status, 200, "a clock that is ahead");
    let c = pending(&replica, "ada").await;
    assert_eq!(finish(&replica, &c, &shows.code(&replica, 2)).await.refusal(), WRONG, "too far ahead");
    replica.clock.advance(TimeDelta::seconds(60));
    assert_eq!(finish(&replica, &c, &format!(" {} ", shows.code(&replica, 0))).await.status, 200);
}

#[actix_web::test]
async fn of_many_who_show_one_code_at_a_time_one_gets_in() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let (shows, recovery) = set_up(&replica, &ada).await;
    for shown in [shows.code(&replica, 0), recovery[0].clone()] {
        let tokens = [pending(&replica, "ada").await, pending(&replica, "ada").await, pending(&replica, "ada").await];
        let before: u32 = db.query(LIVE).await[0].parse().unwrap();
        // Each of three sign-ins, and one of them three times.
        let tried = tokens.iter().chain([&tokens[0], &tokens[0]]).map(|token| finish(&replica, token, &shown));
        let mut answers: Vec<_> = join_all(tried).await.iter().map(|answer| answer.status.as_u16()).collect();
        answers.sort_unstable();
        assert_eq!(answers[0], 200, "{answers:?}");
        assert!(answers[1..].iter().all(|status| [401, 409].contains(status)), "{answers:?}");
        assert_eq!(db.query(LIVE).await, [(before + 1).to_string()]);
    }
}

#[actix_web::test]
async fn a_recovery_code_counts_once_and_is_told() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let (_, recovery) = set_up(&replica, &ada).await;
    assert_eq!(recovery.len(), 10);
    assert!(recovery.iter().all(|code| code.len() == 29), "{recovery:?}");
    let sloppy = recovery[0].to_lowercase().replace('-', " ");
    let (a, b) = (pending(&replica, "ada").await, pending(&replica, "ada").await);
    let again = Account::of(&finish(&replica, &a, &sloppy).await);
    assert_eq!(finish(&replica, &b, &recovery[0]).await.refusal(), WRONG);
    assert_eq!(
        told(&replica, "ada@example.com"),
        [(FactorChange::TotpAdded, Some(10)), (FactorChange::RecoveryCodeUsed, Some(9))]
    );
    let own = replica.get("/api/user/factors", &again.token).await;
    assert_eq!((&own.body["recoveryCodesLeft"], &own.body["mfaPolicy"]), (&json!(9), &json!("off")));
    assert!(own.body["totpSince"].is_string());

    let renewed = replica.post("/api/user/factors/recovery-codes", Some(&again.token), json!({})).await;
    let fresh = renewed.body["recoveryCodes"].as_array().unwrap();
    assert_eq!((renewed.status.as_u16(), fresh.len()), (200, 10));
    assert_eq!(finish(&replica, &b, &recovery[1]).await.refusal(), WRONG, "one of before");
    assert_eq!(finish(&replica, &b, fresh[0].as_str().unwrap()).await.status, 200);
    let kept = db.query("select encode(code_hash, 'hex') || coalesce(used_at::text, '') from recovery_codes").await;
    assert_eq!(kept.iter().filter(|row| row.len() > 64).count(), 1);
    assert!(!kept.iter().any(|row| recovery.iter().any(|code| row.contains(&code.to_lowercase().replace('-', "")))));
    let sealed = db.query("select length(secret)::text from totp_factors").await;
    assert_eq!(sealed, ["60"], "a nonce, twenty bytes, a tag");
    assert_eq!(
        kinds(&replica, &again).await[..4],
        ["recovery_code_used", "second_factor_failed", "recovery_codes_renewed", "second_factor_failed"]
    );
}

#[actix_web::test]
async fn few_second_factors_are_tried_and_each_pause_is_longer() {
    let db = Database::fresh().await;
    let replica = Replica::of(&db, auth::Settings { wrong_per_email: 3, ..auth::Settings::default() }).await;
    let ada = replica.register("ada").await;
    let (shows, _) = set_up(&replica, &ada).await;
    let mut pauses = Vec::new();
    for _ in 0..3 {
        let token = pending(&replica, "ada").await;
        let refused = loop {
            let answer = finish(&replica, &token, &shows.wrong(&replica)).await;
            if answer.status == 429 {
                break answer;
            }
            assert_eq!(answer.refusal(), WRONG);
        };
        assert_eq!(refused.refusal(), (429, "RATE_LIMITED"));
        let right = finish(&replica, &token, &shows.code(&replica, 0)).await;
        assert_eq!(right.refusal(), (429, "RATE_LIMITED"), "and no code is looked at");
        let seconds: i64 = refused.header("retry-after").parse().unwrap();
        pauses.push(seconds);
        replica.clock.advance(TimeDelta::seconds(seconds));
    }
    assert_eq!(pauses, [60, 120, 240]);
    let token = pending(&replica, "ada").await;
    let again = Account::of(&finish(&replica, &token, &shows.code(&replica, 0)).await);
    let failed = db
        .query(
            "select kind || '|' || count(*) from security_events where kind like 'second_factor_%' group by kind order by kind",
        )
        .await;
    assert_eq!(failed, ["second_factor_added|1", "second_factor_failed|5", "second_factor_limited|3"]);
    assert!(replica.is_live(&again.token).await);
}

#[actix_web::test]
async fn whoever_knows_the_password_keeps_its_person_out_on_no_device_of_theirs() {
    let db = Database::fresh().await;
    let replica = Replica::of(&db, auth::Settings { wrong_per_email: 2, ..auth::Settings::default() }).await;
    let ada = replica.register("ada").await;
    let (shows, _) = set_up(&replica, &ada).await;
    let at_home = finish(&replica, &pending(&replica, "ada").await, &shows.code(&replica, 0)).await;
    let device = format!("__Host-device={}", cookie(&at_home, "__Host-device").unwrap());
    let token = pending(&replica, "ada").await;
    let mut tried = Vec::new();
    for _ in 0..3 {
        tried.push(finish(&replica, &token, &shows.wrong(&replica)).await.status.as_u16());
    }
    assert_eq!(tried, [401, 401, 429]);
    let body = json!({ "mfaToken": pending(&replica, "ada").await, "code": shows.code(&replica, 1) });
    let request = TestRequest::post().uri("/api/auth/mfa").insert_header(("Cookie", device)).set_json(body);
    assert_eq!(replica.send(request).await.status, 200);
}

#[actix_web::test]
async fn a_sign_in_that_waits_counts_for_five_minutes_and_five_tries() {
    let db = Database::fresh().await;
    let replica = Replica::of(&db, auth::Settings { wrong_per_email: 100, ..auth::Settings::default() }).await;
    let ada = replica.register("ada").await;
    let (shows, _) = set_up(&replica, &ada).await;
    let (tried, late) = (pending(&replica, "ada").await, pending(&replica, "ada").await);
    for _ in 0..5 {
        assert_eq!(finish(&replica, &tried, &shows.wrong(&replica)).await.refusal(), WRONG);
    }
    assert_eq!(finish(&replica, &tried, &shows.code(&replica, 0)).await.refusal(), SPENT);
    replica.clock.advance(TimeDelta::seconds(299));
    assert_eq!(finish(&replica, &late, &shows.wrong(&replica)).await.refusal(), WRONG);
    replica.clock.advance(TimeDelta::seconds(1));
    assert_eq!(finish(&replica, &late, &shows.code(&replica, 0)).await.refusal(), SPENT);
    for ends in ["/api/auth/logout-everywhere", "/api/auth/password-reset"] {
        replica.clock.advance(TimeDelta::hours(1));
        let token = pending(&replica, "ada").await;
        if ends.ends_with("reset") {
            replica.post(ends, None, json!({ "email": "ada@example.com" })).await;
            let proof = json!({ "token": token_of(&last(&replica, "ada@example.com")), "password": PASSWORD });
            assert_eq!(replica.post("/api/auth/password-reset/confirm", None, proof).await.status, 204);
        } else {
            assert_eq!(replica.post(ends, Some(&ada.token), json!({})).await.status, 204);
        }
        assert_eq!(finish(&replica, &token, &shows.code(&replica, 0)).await.refusal(), SPENT, "{ends}");
    }
    replica.auth.purge(replica.clock_now() - TimeDelta::days(30)).await.unwrap();
    assert_eq!(db.query("select count(*) from pending_sign_ins").await, ["4"]);
    replica.clock.advance(TimeDelta::days(2));
    replica.auth.purge(replica.clock_now() - TimeDelta::days(30)).await.unwrap();
    assert_eq!(db.query("select count(*) from pending_sign_ins").await, ["0"]);
}

#[actix_web::test]
async fn neither_a_reset_nor_a_mailed_link_is_a_way_round() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let (shows, _) = set_up(&replica, &ada).await;
    let mailed = async |path: &str| {
        assert_eq!(replica.post(path, None, json!({ "email": "ada@example.com" })).await.status, 202);
        token_of(&last(&replica, "ada@example.com"))
    };
    let link = mailed("/api/auth/magic-link").await;
    let followed = replica.post("/api/auth/magic-link/confirm", None, json!({ "token": link })).await;
    assert_eq!((followed.status.as_u16(), followed.header("set-cookie")), (202, ""), "{}", followed.body);
    assert_eq!(db.query(LIVE).await, ["1"]);
    let by_mail = finish(&replica, followed.body["mfaToken"].as_str().unwrap(), &shows.code(&replica, 0)).await;
    assert_eq!(by_mail.status, 200);
    assert_eq!(
        (
            cookie(&by_mail, "__Host-device").is_some(),
            db.query("select method from sessions order by created_at desc limit 1").await
        ),
        (true, vec!["magic_link".to_owned()])
    );

    let link = mailed("/api/auth/password-reset").await;
    let another = "incorrect zebra capacitor";
    assert_eq!(
        replica.post("/api/auth/password-reset/confirm", None, json!({ "token": link, "password": another })).await.status,
        204
    );
    assert_eq!(db.query(LIVE).await, ["0"]);
    let login = replica.post("/api/auth/login", None, json!({ "email": "ada@example.com", "password": another })).await;
    assert_eq!(login.status, 202);
    replica.clock.advance(TimeDelta::seconds(30));
    assert_eq!(finish(&replica, login.body["mfaToken"].as_str().unwrap(), &shows.code(&replica, 0)).await.status, 200);
}

/// What the form of the page holds.
pub fn fields<'a>(token: &'a str, code: &'a str) -> [(&'static str, &'a str); 2] {
    [("token", token), ("code", code)]
}

/// Presses the button of a page, in the browser with this half of a sign-in that waits.
pub fn press(page: &str, fields: &[(&str, &str)], cookie: Option<&str>) -> TestRequest {
    let request = TestRequest::post().uri(page).insert_header(("Host", "build14.example")).set_form(fields);
    match cookie {
        Some(cookie) => request.insert_header(("Cookie", format!("__Host-mfa={cookie}"))),
        None => request,
    }
}

#[actix_web::test]
async fn the_page_of_a_mailed_link_asks_for_the_second_factor_in_the_same_browser() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let (shows, _) = set_up(&replica, &ada).await;
    replica.post("/api/auth/magic-link", None, json!({ "email": "ada@example.com" })).await;
    let link = token_of(&last(&replica, "ada@example.com"));
    let asks = replica.send(press("/auth/magic", &[("token", &link)], None)).await;
    let html = asks.body.as_str().unwrap();
    assert_eq!(asks.status, 200, "{html}");
    assert!(
        html.contains("Your second factor") && html.contains("action=\"/auth/mfa\"") && html.contains("one-time-code"),
        "{html}"
    );
    assert!(!html.contains("<script") && cookie(&asks, "__Host-session").is_none());
    let kept = cookie(&asks, "__Host-mfa").unwrap().to_owned();
    let (_, rest) = html.split_once("name=\"token\" value=\"").unwrap();
    let shown = rest[..32].to_owned();
    assert!(shown.bytes().all(|byte| byte.is_ascii_hexdigit()) && kept.len() == 32 && !html.contains(&kept));
    assert_eq!(db.query(LIVE).await, ["1"]);

    let right = shows.code(&replica, 0);
    for other in [None, Some("0".repeat(32))] {
        let refused = replica.send(press("/auth/mfa", &fields(&shown, &right), other.as_deref())).await;
        assert_eq!(refused.status, 410, "another browser: {}", refused.body);
    }
    let wrong = replica.send(press("/auth/mfa", &fields(&shown, &shows.wrong(&replica)), Some(&kept))).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.as_str().unwrap().contains("role=\"alert\"") && wrong.body.as_str().unwrap().contains(&shown));
    let done = replica.send(press("/auth/mfa", &fields(&shown, &right), Some(&kept))).await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(done.body.as_str().unwrap().contains("You are signed in"));
    assert!(replica.is_live(cookie(&done, "__Host-session").unwrap()).await);
    assert!(matches!(done.removed_cookies()[..], [one] if one.starts_with("__Host-mfa=;")), "{:?}", done.removed_cookies());
    assert_eq!(replica.send(press("/auth/mfa", &fields(&shown, &right), Some(&kept))).await.status, 410);
    assert_eq!(replica.send(TestRequest::get().uri("/auth/mfa")).await.status, 410);
}

#[actix_web::test]
async fn a_page_of_this_origin_finishes_in_its_own_browser_alone() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let (shows, _) = set_up(&replica, &ada).await;
    let login = TestRequest::post().uri("/api/auth/login").insert_header(("Sec-Fetch-Site", "same-origin"));
    let first = replica.send(login.set_json(json!({ "email": "ada@example.com", "password": PASSWORD }))).await;
    let (shown, kept) = (first.body["mfaToken"].as_str().unwrap().to_owned(), cookie(&first, "__Host-mfa").unwrap().to_owned());
    assert_eq!((first.status.as_u16(), shown.len(), kept.len()), (202, 32, 32));
    let code = shows.code(&replica, 0);
    assert_eq!(finish(&replica, &shown, &code).await.refusal(), SPENT, "another browser");
    let body = json!({ "mfaToken": shown, "code": code });
    let request = TestRequest::post().uri("/api/auth/mfa").insert_header(("Cookie", format!("__Host-mfa={kept}")));
    assert_eq!(replica.send(request.set_json(body)).await.status, 200);
}

#[actix_web::test]
async fn an_authenticator_counts_once_a_code_of_it_was_shown() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let refused = replica.post("/api/user/factors/totp", Some(&ada.token), json!({})).await;
    assert_eq!(refused.refusal(), (403, "EMAIL_NOT_VERIFIED"), "whose address it is nobody knows");
    replica.verify(&ada).await;
    assert_eq!(confirm(&replica, &ada, "000000").await.refusal(), (404, "NOT_FOUND"));
    let begun = replica.post("/api/user/factors/totp", Some(&ada.token), json!({})).await;
    let secret = begun.body["secret"].as_str().unwrap();
    let uri = format!("otpauth://totp/14Build:ada@example.com?secret={secret}&issuer=14Build&algorithm=SHA1&digits=6&period=30");
    assert_eq!((secret.len(), begun.body["uri"].as_str().unwrap()), (32, uri.as_str()));
    assert!(begun.body["qr"].as_str().unwrap().starts_with("<svg ") && begun.header("cache-control") == "no-store");
    assert_eq!(replica.login("ada").await.status, 200, "none counts yet");
    let shows = Authenticator::of(secret);
    let wrong = confirm(&replica, &ada, &shows.wrong(&replica)).await;
    assert_eq!(
        (wrong.status.as_u16(), &wrong.body["errors"][0]["pointer"], &wrong.body["errors"][0]["code"]),
        (422, &json!("/code"), &json!("WRONG_SECOND_FACTOR"))
    );

    let other = Account::of(&replica.login("ada").await);
    let shown = shows.code(&replica, 0);
    assert_eq!(confirm(&replica, &ada, &shown).await.status, 200);
    assert!(replica.is_live(&ada.token).await && !replica.is_live(&other.token).await, "other sessions end");
    assert_eq!(confirm(&replica, &ada, &shown).await.refusal(), (404, "NOT_FOUND"), "once");
    assert_eq!(
        finish(&replica, &pending(&replica, "ada").await, &shown).await.refusal(),
        WRONG,
        "what confirmed it signs nobody in"
    );
    let trail = replica.get("/api/audit?action=auth.add_second_factor", &ada.token).await;
    assert_eq!(trail.body["data"][0]["after"], json!({ "kind": "totp", "replaces": false, "endedSessions": 2 }));
    assert_eq!(kinds(&replica, &ada).await[..2], ["second_factor_failed", "second_factor_added"]);

    // Another one takes its place, once it is confirmed.
    replica.clock.advance(TimeDelta::seconds(30));
    let next = begin(&replica, &ada).await;
    assert_eq!(finish(&replica, &pending(&replica, "ada").await, &next.code(&replica, 0)).await.refusal(), WRONG);
    assert_eq!(finish(&replica, &pending(&replica, "ada").await, &shows.code(&replica, 0)).await.status, 200);
    assert_eq!(confirm(&replica, &ada, &next.code(&replica, 0)).await.status, 200);
    replica.clock.advance(TimeDelta::seconds(30));
    assert_eq!(finish(&replica, &pending(&replica, "ada").await, &shows.code(&replica, 0)).await.refusal(), WRONG);
    assert_eq!(finish(&replica, &pending(&replica, "ada").await, &next.code(&replica, 0)).await.status, 200);
    assert_eq!(db.query("select count(*) from totp_factors where next_secret is null").await, ["1"]);
}

#[actix_web::test]
async fn without_the_authenticator_the_recovery_codes_count_no_more() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let (_, recovery) = set_up(&replica, &ada).await;
    let other = Account::of(&finish(&replica, &pending(&replica, "ada").await, &recovery[0]).await);
    let token = pending(&replica, "ada").await;
    assert_eq!(replica.delete("/api/user/factors/totp", &ada.token).await.status, 204);
    assert!(replica.is_live(&ada.token).await && !replica.is_live(&other.token).await);
    assert_eq!(finish(&replica, &token, &recovery[1]).await.refusal(), SPENT);
    assert_eq!(replica.login("ada").await.status, 200);
    assert_eq!(
        db.query("select (select count(*) from recovery_codes) || '|' || (select count(*) from totp_factors)").await,
        ["0|0"]
    );
    assert_eq!(replica.delete("/api/user/factors/totp", &ada.token).await.refusal(), (404, "NOT_FOUND"));
    let renew = replica.post("/api/user/factors/recovery-codes", Some(&ada.token), json!({})).await;
    assert_eq!(renew.refusal(), (404, "NOT_FOUND"));
    assert_eq!(told(&replica, "ada@example.com").last(), Some(&(FactorChange::TotpRemoved, Some(0))));
}

#[actix_web::test]
async fn another_replica_asks_for_the_second_factor_and_ends_what_was_before_it() {
    let (db, a, b) = pair().await;
    let ada = a.register("ada").await;
    let other = Account::of(&a.login("ada").await);
    warmed(&db, &b, &other.token).await;
    set_up(&a, &ada).await;
    until("the other has heard", async || (!b.is_live(&other.token).await).then_some(())).await;
    assert_eq!(b.login("ada").await.status, 202);
}

#[actix_web::test]
async fn a_lost_factor_is_removed_by_an_operator_who_made_sure_of_the_person() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let by = |reason: Option<&str>| Decision {
        operator: "Grace Hopper".parse().unwrap(),
        reason: reason.map(|reason| reason.parse().unwrap()),
    };
    let reset = async |email: &str, reason: Option<&str>| {
        let done = replica.resets.reset(email, &by(reason), Language::English).await;
        done.map_err(|why| why.to_string())
    };
    let why = Some("called back on the number of the contract");
    assert!(reset("ada@example.com", why).await.unwrap_err().contains("has no second factor"));
    assert!(reset("nobody@example.com", why).await.unwrap_err().contains("no account has this address"));
    set_up(&replica, &ada).await;
    assert!(reset("ada@example.com", None).await.unwrap_err().contains("how you made sure"));
    let token = pending(&replica, "ada").await;
    reset("Ada@example.com", why).await.unwrap();
    assert!(!replica.is_live(&ada.token).await, "every session ends");
    assert_eq!(finish(&replica, &token, "000000").await.refusal(), SPENT);
    let again = Account::of(&replica.login("ada").await);
    assert_eq!(
        db.query("select (select count(*) from recovery_codes) || '|' || (select count(*) from totp_factors)").await,
        ["0|0"]
    );
    assert_eq!(told(&replica, "ada@example.com").last(), Some(&(FactorChange::Reset, None)));
    assert_eq!(kinds(&replica, &again).await[0], "second_factors_reset");
    let trail = replica.get("/api/audit?action=auth.reset_second_factors", &again.token).await;
    let entry = &trail.body["data"][0];
    assert_eq!((&entry["actorId"], &entry["before"]), (&Value::Null, &json!({ "factors": ["totp", "recovery_code"] })));
    assert_eq!(
        entry["after"],
        json!({ "operator": "Grace Hopper", "reason": "called back on the number of the contract", "endedSessions": 1 })
    );
}

#[actix_web::test]
async fn authenticators_outlive_the_secret_that_sealed_them() {
    let db = Database::fresh().await;
    let [old, new] = ["the one before", "the one of now"].map(|text| secrecy::SecretString::from(text.to_owned()));
    let before = Replica::of(&db, auth::Settings { switch_secret: old.clone(), ..auth::Settings::default() }).await;
    let ada = before.register("ada").await;
    let (shows, _) = set_up(&before, &ada).await;
    let system = db.system_uow();
    let sealed = async || db.query("select encode(secret, 'hex') from totp_factors").await;
    let first = sealed().await;
    let lost = auth::reseal_authenticators(&system, &new, &[]).await.unwrap();
    assert_eq!((lost, sealed().await), (auth::Resealed { resealed: 0, unreadable: 1 }, first.clone()));
    // A use of it seals it anew, and so does the command.
    let both = auth::Settings { switch_secret: new.clone(), previous_secrets: vec![old.clone()], ..auth::Settings::default() };
    let between = Replica::of(&db, both).await;
    between.clock.advance(TimeDelta::seconds(30));
    assert_eq!(finish(&between, &pending(&between, "ada").await, &shows.code(&between, 0)).await.status, 200);
    let used = sealed().await;
    assert_ne!(used, first);
    assert_eq!(
        auth::reseal_authenticators(&system, &new, std::slice::from_ref(&old)).await.unwrap(),
        auth::Resealed { resealed: 0, unreadable: 0 }
    );
    assert_eq!(
        auth::reseal_authenticators(&system, &old, std::slice::from_ref(&new)).await.unwrap(),
        auth::Resealed { resealed: 1, unreadable: 0 }
    );
    assert_eq!(auth::reseal_authenticators(&system, &new, &[old]).await.unwrap(), auth::Resealed { resealed: 1, unreadable: 0 });
    let after = Replica::of(&db, auth::Settings { switch_secret: new, ..auth::Settings::default() }).await;
    after.clock.advance(TimeDelta::seconds(90));
    assert_eq!(finish(&after, &pending(&after, "ada").await, &shows.code(&after, 0)).await.status, 200);
}

#[actix_web::test]
async fn a_removed_account_leaves_no_second_factor() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    set_up(&replica, &ada).await;
    pending(&replica, "ada").await;
    assert_eq!(replica.delete("/api/user", &ada.token).await.status, 204);
    let left = "select (select count(*) from totp_factors) + (select count(*) from recovery_codes) + (select count(*) from pending_sign_ins)";
    assert_eq!(db.query(left).await, ["0"]);
}

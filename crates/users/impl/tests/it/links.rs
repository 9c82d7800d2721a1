//! The pages to which the links of mails lead: machines that open them use nothing up, and no other page sends their forms.

use actix_web::test::TestRequest;
use serde_json::json;

use crate::proofs::{last, token_of};
use crate::scenery::{Answer, PASSWORD, Replica, scene};

async fn mailed(replica: &Replica, path: &str, email: &str) -> String {
    assert_eq!(replica.post(path, None, json!({ "email": email })).await.status, 202);
    token_of(&last(replica, email))
}

async fn open(replica: &Replica, page: &str, token: &str) -> Answer {
    replica.send(TestRequest::get().uri(&format!("{page}?token={token}"))).await
}

async fn press(replica: &Replica, page: &str, fields: &[(&str, &str)], headers: &[(&'static str, &'static str)]) -> Answer {
    let request = TestRequest::post().uri(page).insert_header(("Host", "build14.example")).set_form(fields);
    replica.send(headers.iter().fold(request, |request, header| request.insert_header(*header))).await
}

fn html(answer: &Answer) -> &str {
    assert!(answer.header("content-type").starts_with("text/html"), "{:?}", answer.headers);
    answer.body.as_str().unwrap()
}

#[actix_web::test]
async fn to_open_a_link_uses_nothing_up_and_its_button_does() {
    let (db, replica) = scene().await;
    let token = mailed(&replica, "/api/auth/magic-link", "ada@example.com").await;
    for _ in 0..3 {
        let page = open(&replica, "/auth/magic", &token).await;
        assert_eq!(page.status, 200);
        assert!(html(&page).contains("ada@example.com") && html(&page).contains(&token), "{}", html(&page));
        assert!(!html(&page).contains("<script") && html(&page).contains("method=\"post\" action=\"/auth/magic\""));
    }
    let looked = TestRequest::default().method(actix_web::http::Method::HEAD).uri(&format!("/auth/magic?token={token}"));
    assert_eq!(replica.send(looked).await.status, 200);
    assert_eq!(db.query("select count(*) from users").await, ["0"]);
    let page = open(&replica, "/auth/magic", &token).await;
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("cache-control"), "no-store");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");

    let done =
        press(&replica, "/auth/magic", &[("token", &token)], &[("Sec-Fetch-Site", "same-origin"), ("Origin", "null")]).await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(done.header("set-cookie").lines().last().is_some_and(|cookie| cookie.starts_with("__Host-device=")));
    assert!(done.header("set-cookie").starts_with("__Host-session=") && html(&done).contains("You are signed in"));
    assert!(!html(&done).contains(&token));
    let spent = open(&replica, "/auth/magic", &token).await;
    assert_eq!(spent.status, 410);
    assert!(html(&spent).contains("counts no more"));
    assert_eq!(press(&replica, "/auth/magic", &[("token", &token)], &[]).await.status, 410);
    assert_eq!(open(&replica, "/auth/magic", "nonsense").await.status, 410);
}

#[actix_web::test]
async fn no_other_page_sends_the_form() {
    let (_db, replica) = scene().await;
    let token = mailed(&replica, "/api/auth/magic-link", "ada@example.com").await;
    for foreign in [
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")][..],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
    ] {
        let refused = press(&replica, "/auth/magic", &[("token", &token)], foreign).await;
        assert_eq!(refused.refusal(), (403, "ORIGIN_NOT_ALLOWED"), "{foreign:?}");
        assert_eq!(refused.header("set-cookie"), "");
    }
    assert_eq!(press(&replica, "/auth/magic", &[("token", &token)], &[("Origin", "https://build14.example")]).await.status, 200);
}

#[actix_web::test]
async fn a_new_password_is_chosen_on_the_page() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let token = mailed(&replica, "/api/auth/password-reset", "ada@example.com").await;
    let page = open(&replica, "/auth/reset", &token).await;
    assert!(html(&page).contains("type=\"password\"") && html(&page).contains("autocomplete=\"new-password\""));
    let weak = press(&replica, "/auth/reset", &[("token", &token), ("password", "password123")], &[]).await;
    assert_eq!(weak.status, 422);
    assert!(html(&weak).contains("role=\"alert\"") && !html(&weak).contains("password123"), "{}", html(&weak));
    let long = "zebra moon 7 ".repeat(10);
    for (password, told) in [
        ("kurz", "mindestens 8 Zeichen haben"),
        (&long, "höchstens 128 Zeichen haben"),
        ("password123", "als eines der ersten probiert"),
        ("ada@example.com", "nicht die Adresse sein"),
        ("14build14build", "kaum mehr als Ihr Name"),
        ("abcdefghijklmnop", "kaum mehr als wiederholte Zeichen"),
    ] {
        let german = [("Accept-Language", "de")];
        let weak = press(&replica, "/auth/reset", &[("token", &token), ("password", password)], &german).await;
        assert!(html(&weak).contains(told), "{password}: {}", html(&weak));
    }
    let set = press(&replica, "/auth/reset", &[("token", &token), ("password", "incorrect zebra capacitor")], &[]).await;
    assert_eq!(set.status, 200, "{}", set.body);
    let cookies = set.header("set-cookie");
    assert!(cookies.starts_with("__Host-device=") && cookies.lines().count() == 1, "nobody is signed in by it");
    assert!(!replica.is_live(&ada.token).await);
    let body = json!({ "email": "ada@example.com", "password": "incorrect zebra capacitor" });
    assert_eq!(replica.post("/api/auth/login", None, body).await.status, 200);
}

#[actix_web::test]
async fn an_address_is_confirmed_and_changed_on_pages_in_the_readers_language() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    let token = token_of(&last(&replica, "ada@example.com"));
    let german = TestRequest::get().uri(&format!("/auth/verify?token={token}")).insert_header(("Accept-Language", "de"));
    let page = replica.send(german).await;
    assert!(html(&page).contains("lang=\"de\"") && html(&page).contains("Adresse bestätigen"), "{}", html(&page));
    let signed_in = TestRequest::post()
        .uri("/auth/verify")
        .insert_header(("Host", "build14.example"))
        .insert_header(("Origin", "null"))
        .insert_header(("Sec-Fetch-Site", "same-origin"))
        .insert_header(("Cookie", format!("__Host-session={}", ada.token)));
    let done = replica.send(signed_in.set_form([("token", &token)])).await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(html(&done).contains("You may close this page."), "{}", html(&done));
    assert_eq!(replica.login("ada").await.status, 200, "whoever is signed in keeps the password");
    assert_eq!(replica.get("/api/user", &ada.token).await.body["emailVerified"], true);
    let body = json!({ "email": "lovelace@example.com", "password": PASSWORD });
    assert_eq!(replica.post("/api/user/email", Some(&ada.token), body).await.status, 202);
    let token = token_of(&last(&replica, "lovelace@example.com"));
    assert!(html(&open(&replica, "/auth/email", &token).await).contains("lovelace@example.com"));
    assert_eq!(press(&replica, "/auth/email", &[("token", &token)], &[]).await.status, 200);
    assert_eq!(replica.get("/api/user", &ada.token).await.body["email"], "lovelace@example.com");
}

#[actix_web::test]
async fn an_address_that_is_confirmed_by_nobody_signed_in_ends_what_was_set_up_before() {
    let (db, replica) = scene().await;
    let (eve, bob) = (replica.register("victim").await, replica.register("bob").await);
    let token = token_of(&last(&replica, "victim@example.com"));
    assert!(html(&open(&replica, "/auth/verify", &token).await).contains("it ends the password"));
    // Somebody else's session is none of the account's person.
    let other = TestRequest::post()
        .uri("/auth/verify")
        .insert_header(("Host", "build14.example"))
        .insert_header(("Cookie", format!("__Host-session={}", bob.token)));
    let done = replica.send(other.set_form([("token", &token)])).await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(html(&done).contains("have ended") && done.header("set-cookie").is_empty(), "{}", html(&done));
    assert!(!replica.is_live(&eve.token).await && replica.is_live(&bob.token).await);
    assert_eq!(replica.login("victim").await.refusal(), (401, "WRONG_CREDENTIALS"));
    let verified = "select email_verified::text from users where email = 'victim@example.com'";
    assert_eq!(db.query(verified).await, ["true"]);
    let noted = "select count(*) from security_events where kind in ('unproven_access_ended', 'address_verified')";
    assert_eq!(db.query(noted).await, ["2"]);
}

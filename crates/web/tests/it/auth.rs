//! Who asks: bearer token or cookie, and from where a cookie may write.

use actix_web::test::TestRequest;
use insta::assert_json_snapshot;

use crate::fixture::{Client, ID, body, settings};
use crate::things::of_parties;

fn cookie(request: TestRequest) -> TestRequest {
    request.insert_header(("Cookie", "theme=dark; __Host-session=good")).insert_header(("Host", "api.14build.dev"))
}

fn create() -> TestRequest {
    body(TestRequest::post().uri("/api/things"), r#"{"name": "Bridge"}"#)
}

#[actix_web::test]
async fn a_key_is_a_bearer_token_alone_and_calls_nothing_about_oneself() {
    let client = Client::new();
    let by_key = |request: TestRequest| request.insert_header(("Authorization", "Bearer b14_a"));
    assert_eq!(client.send(by_key(create())).await.status, 201);
    let refused = client.send(by_key(TestRequest::get().uri("/api/things"))).await;
    assert_eq!(refused.code(), (403, "PERSON_REQUIRED".into()));
    assert!(client.seen.resolved.lock().unwrap().is_empty(), "no session is looked for");
    let by_cookie = TestRequest::get().uri("/api/things").insert_header(("Cookie", "__Host-session=b14_a"));
    assert_eq!(client.send(by_cookie).await.code(), (401, "NOT_AUTHENTICATED".into()));
}

#[actix_web::test]
async fn support_reads_nothing_that_is_not_noted_and_does_nothing() {
    let client = Client::new();
    let by = |token: &'static str, request: TestRequest| request.insert_header(("Authorization", format!("Bearer {token}")));
    let refused = |code: &str| (403, code.to_owned());
    for request in [create(), TestRequest::get().uri("/api/things"), TestRequest::delete().uri("/api/nowhere")] {
        assert_eq!(client.send(by("b14_support_olga", request)).await.code(), refused("NOT_FOR_SUPPORT"));
    }
    let noted = client.seen.support.lock().unwrap().clone();
    assert_eq!(noted, ["POST /api/things true", "GET /api/things true", "DELETE none true"]);
    assert_eq!((*client.seen.runs.lock().unwrap(), client.seen.resolved.lock().unwrap().len()), (0, 0));
    let unheard = by("b14_support_unheard", TestRequest::get().uri("/api/things"));
    assert_eq!(client.send(unheard).await.status, 503, "what cannot be noted is not answered");
    assert_eq!(client.send(by("b14_support_olga", TestRequest::get().uri("/api/nowhere"))).await.status, 404);
    assert!(client.seen.denials.lock().unwrap().is_empty(), "no permission was asked for");
}

#[actix_web::test]
async fn support_reads_of_what_is_for_parties_what_says_so_alone() {
    let client = Client::over(of_parties(), settings(), |deps| deps);
    let by = |request: TestRequest| request.insert_header(("Authorization", "Bearer b14_support_olga"));
    let one = format!("/api/things/{ID}");
    assert_eq!(client.send(by(TestRequest::get().uri("/api/things"))).await.status, 200);
    for request in [TestRequest::get().uri(&one), TestRequest::delete().uri(&one)] {
        assert_eq!(client.send(by(request)).await.code(), (403, "NOT_FOR_SUPPORT".into()), "it says nothing, or writes");
    }
    let noted = client.seen.support.lock().unwrap().clone();
    assert_eq!(noted, ["GET /api/things false", "GET /api/things/{id} true", "DELETE /api/things/{id} true"]);
}

#[actix_web::test]
async fn without_a_session_it_is_401() {
    let client = Client::new();
    let got = client.send(TestRequest::get().uri("/api/things").insert_header(("X-Request-Id", "req-1"))).await;
    assert_eq!(got.header("www-authenticate"), Some("Bearer"));
    assert_json_snapshot!(got.json(), @r#"
    {
      "code": "NOT_AUTHENTICATED",
      "detail": "sign in first: send `Authorization: Bearer <accessToken>` or the session cookie",
      "instance": "/api/things",
      "requestId": "req-1",
      "status": 401,
      "title": "Not authenticated",
      "type": "https://14build.dev/problems/not-authenticated"
    }
    "#);
    for value in ["Bearer bad", "Bearer ", "Basic Zm9vOmJhcg==", "Bearer"] {
        let got = client.send(TestRequest::get().uri("/api/things").insert_header(("Authorization", value))).await;
        assert_eq!(got.code(), (401, "NOT_AUTHENTICATED".into()), "{value}");
        // RFC 6750 §3.1: an error is told only to whoever sent a token.
        let refused = "Bearer error=\"invalid_token\", error_description=\"the access token is unknown, or has ended\"";
        let expected = if value == "Bearer bad" { refused } else { "Bearer" };
        assert_eq!(got.header("www-authenticate"), Some(expected), "{value}");
    }
    let got = client.send(TestRequest::get().uri("/api/things").insert_header(("Cookie", "__Host-session=bad"))).await;
    assert_eq!(
        (got.status.as_u16(), got.header("www-authenticate")),
        (401, Some("Bearer")),
        "a cookie is no token of that scheme"
    );
    let got = client.send(TestRequest::get().uri("/api/things").insert_header(("Cookie", "__Host-session="))).await;
    assert_eq!(got.status, 401);
}

#[actix_web::test]
async fn a_wrong_body_does_not_hide_that_nobody_signed_in() {
    let got = Client::new().send(body(TestRequest::post().uri("/api/things"), "{")).await;
    assert_eq!(got.status, 401);
}

#[actix_web::test]
async fn a_session_that_cannot_be_looked_up_is_503_and_not_401() {
    let got = Client::new().send(TestRequest::get().uri("/api/things").insert_header(("Authorization", "Bearer down"))).await;
    assert_eq!(got.code(), (503, "UNAVAILABLE".into()));
}

#[actix_web::test]
async fn the_session_is_resolved_once() {
    let client = Client::new();
    assert_eq!(client.post("/api/things", r#"{"name": "Bridge"}"#).await.status, 201);
    assert_eq!(client.seen.resolved.lock().unwrap().len(), 1);
}

#[actix_web::test]
async fn a_cookie_reads_from_anywhere() {
    let client = Client::new();
    let path = format!("/api/things/{ID}");
    let got = client.send(cookie(TestRequest::get().uri(&path)).insert_header(("Origin", "https://evil.example"))).await;
    assert_eq!(got.status, 200);
    assert_eq!(got.header("access-control-allow-origin"), None);
}

#[actix_web::test]
async fn a_cookie_writes_only_from_an_allowed_origin() {
    let client = Client::new();
    for (header, value, status) in [
        ("Origin", "https://app.14build.dev", 201),
        ("Origin", "https://api.14build.dev", 201),
        ("Referer", "https://app.14build.dev/projects?x=1", 201),
        ("Sec-Fetch-Site", "same-origin", 201),
        ("X-Nothing", "a program, not a page", 201),
        ("Origin", "https://evil.example", 403),
        ("Origin", "https://app.14build.dev.evil.example", 403),
        ("Origin", "null", 403),
        ("Referer", "https://evil.example/https://app.14build.dev", 403),
        ("Referer", "nonsense", 403),
        ("Sec-Fetch-Site", "cross-site", 403),
    ] {
        let got = client.send(cookie(create()).insert_header((header, value))).await;
        assert_eq!(got.status, status, "{header}: {value}");
        if status == 403 {
            assert_eq!(got.code().1, "ORIGIN_NOT_ALLOWED");
        }
    }
    // A page of ours sends no `Referer`, so that its origin is nobody's: browsers say besides where it is from.
    for (site, status) in [("same-origin", 201), ("same-site", 403), ("cross-site", 403), ("none", 403)] {
        let ours = cookie(create()).insert_header(("Origin", "null")).insert_header(("Sec-Fetch-Site", site));
        assert_eq!(client.send(ours).await.status, status, "{site}");
    }
    let bearer = create().insert_header(("Authorization", "Bearer good")).insert_header(("Origin", "https://evil.example"));
    assert_eq!(client.send(bearer).await.status, 201, "a bearer token is not sent by browsers on their own");
}

#[actix_web::test]
async fn a_stale_cookie_does_not_hinder_signing_in() {
    let got =
        Client::new().send(TestRequest::post().uri("/api/auth/login").insert_header(("Cookie", "__Host-session=old"))).await;
    assert_eq!(got.status, 200);
}

#[actix_web::test]
async fn only_the_cookie_that_no_other_host_can_plant_signs_in() {
    let client = Client::new();
    let plain = Client::with(web::Settings { secure_cookie: false, ..settings() }, |deps| deps);
    for (cookies, secure, development) in [
        ("__Host-session=good", 200, 401),
        ("session=good", 401, 200),
        ("session=bad; __Host-session=good", 200, 401),
        ("__Host-session=bad; session=good", 401, 200),
        ("__Host-session=good; __Host-session=good", 200, 401),
        ("__Host-session=good; __Host-session=bad", 401, 401),
        ("session=good; session=bad", 401, 401),
        ("session=; session=good", 401, 200),
        ("Session=good; __host-session=good", 401, 401),
    ] {
        let ask = || TestRequest::get().uri("/api/things").insert_header(("Cookie", cookies));
        assert_eq!(client.send(ask()).await.status, secure, "{cookies}");
        assert_eq!(plain.send(ask()).await.status, development, "{cookies} in development");
    }
    let split = TestRequest::get().uri("/api/things").append_header(("Cookie", "__Host-session=good"));
    assert_eq!(client.send(split.append_header(("Cookie", "__Host-session=bad"))).await.status, 401, "in two headers as in one");
}

#[actix_web::test]
async fn a_header_that_is_given_twice_is_no_guess_of_ours() {
    let client = Client::new();
    for (name, values) in [
        ("Authorization", ["Bearer bad", "Bearer good"]),
        ("Host", ["api.14build.dev", "evil.example"]),
        ("Origin", ["https://evil.example", "https://app.14build.dev"]),
        ("Content-Type", ["text/plain", "application/json"]),
        ("Idempotency-Key", ["a", "b"]),
        ("If-Match", ["\"a\"", "\"b\""]),
    ] {
        let request = create().append_header((name, values[0])).append_header((name, values[1]));
        let got = client.send(request).await;
        assert_eq!(got.code(), (400, "DUPLICATE_HEADER".into()), "{name}");
        assert!(got.json()["detail"].as_str().unwrap().contains(&name.to_lowercase()));
    }
}

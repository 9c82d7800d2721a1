//! What no route answers, and ids in paths.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use actix_web::{HttpResponse, delete, get, patch, post};
use insta::assert_json_snapshot;
use web::{Guard, Id, Problem, Reply};

use crate::fixture::{Client, ID, routes, settings, signed};

#[actix_web::test]
async fn an_unknown_path_is_404() {
    let client = Client::new();
    assert_json_snapshot!(client.get("/api/nothing").await.json(), @r#"
    {
      "code": "NOT_FOUND",
      "detail": "there is no such path: GET /api/openapi.json lists them all",
      "instance": "/api/nothing",
      "requestId": "req-1",
      "status": 404,
      "title": "Not found",
      "type": "https://14build.dev/problems/not-found"
    }
    "#);
    for path in ["/nothing", "/api/things/", "/api//things", &format!("/api/things/{ID}/nothing")] {
        assert_eq!(client.get(path).await.code(), (404, "NOT_FOUND".into()), "{path}");
    }
}

#[actix_web::test]
async fn a_known_path_with_another_method_is_405() {
    let client = Client::new();
    let got = client.send(signed(TestRequest::delete().uri("/api/things"))).await;
    assert_eq!(got.code(), (405, "METHOD_NOT_ALLOWED".into()));
    assert_eq!(got.header("allow"), Some("GET, HEAD, OPTIONS, POST"));
    let got = client.send(signed(TestRequest::post().uri(&format!("/api/things/{ID}")))).await;
    assert_eq!(got.header("allow"), Some("DELETE, GET, HEAD, OPTIONS, PATCH, PUT"));
}

#[actix_web::test]
async fn options_tells_what_a_path_takes() {
    let document = Client::with(settings(), |deps| deps.openapi(routes().openapi(utoipa::openapi::Info::new("t", "1"))));
    let ask = |method, path: &str| TestRequest::default().method(method).uri(path);
    for (path, allow) in [
        ("/api/things", "GET, HEAD, OPTIONS, POST"),
        ("/api/auth/login", "OPTIONS, POST"),
        ("/health/live", "GET, HEAD, OPTIONS"),
        ("/health/ready", "GET, HEAD, OPTIONS"),
        ("/api/openapi.json", "GET, HEAD, OPTIONS"),
        ("/docs", "GET, HEAD, OPTIONS"),
        ("/docs/", "GET, HEAD, OPTIONS"),
    ] {
        let got = document.send(ask(Method::OPTIONS, path)).await;
        assert_eq!((got.status.as_u16(), got.header("allow"), got.bytes.len()), (204, Some(allow), 0), "{path}");
        let got = document.send(ask(Method::DELETE, path)).await;
        assert_eq!((got.code(), got.header("allow")), ((405, "METHOD_NOT_ALLOWED".into()), Some(allow)), "{path}");
    }
    assert_eq!(document.send(ask(Method::OPTIONS, "/api/nothing")).await.status, 404);
}

#[utoipa::path(responses((status = 200, description = "What can be chosen")))]
#[post("/api/choices/options")]
async fn options() -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&"options").response())
}

#[utoipa::path(responses((status = 200, description = "Its name")))]
#[get("/api/choices/{id}")]
async fn chosen(Id(id): Id<String>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&id).response())
}

#[utoipa::path(responses((status = 200, description = "Its name")))]
#[patch("/api/choices/{id}")]
async fn changed(Id(id): Id<String>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&id).response())
}

#[utoipa::path(responses((status = 200, description = "Its name")))]
#[delete("/api/choices/{id}")]
async fn unchosen(Id(id): Id<String>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&id).response())
}

#[actix_web::test]
async fn a_path_that_a_route_names_is_no_other_routes_parameter() {
    let mut routes = routes();
    routes.tag("Choices", "What is chosen.").add(Guard::Public, || chosen).add(Guard::Public, || changed);
    routes.add(Guard::Public, || unchosen).add(Guard::Public, || options);
    let client = Client::over(routes, settings(), |deps| deps);
    let ask = |method: &Method, path: &str| TestRequest::default().method(method.clone()).uri(path);
    let (named, of_parameter) = ("OPTIONS, POST", "DELETE, GET, HEAD, OPTIONS, PATCH");
    for (path, allow) in
        [("/api/choices/options", named), ("/api/choices/%6fptions", named), ("/api/choices/other", of_parameter)]
    {
        let got = client.send(ask(&Method::OPTIONS, path)).await;
        assert_eq!((got.status.as_u16(), got.header("allow")), (204, Some(allow)), "{path}");
        for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let got = client.send(ask(&method, path)).await;
            if allow.split(", ").any(|allowed| allowed == method.as_str()) {
                assert_eq!(got.status, 200, "{method} {path}");
            } else {
                assert_eq!((got.status.as_u16(), got.header("allow")), (405, Some(allow)), "{method} {path}");
            }
        }
    }
    assert_eq!(client.send(ask(&Method::POST, "/api/choices/options")).await.json(), "options");
    assert_eq!(client.send(ask(&Method::DELETE, "/api/choices/other")).await.json(), "other");
}

#[actix_web::test]
async fn a_malformed_id_names_nothing() {
    let client = Client::new();
    let other = client.get("/api/things/0199d0c4-f3a2-7c5e-8a6f-000000000000").await.json();
    let malformed = client.get("/api/things/x").await.json();
    for member in ["type", "title", "status", "detail", "code"] {
        assert_eq!(other[member], malformed[member]);
    }
    assert_eq!(malformed["status"], 404);
}

#[test]
fn the_catalogue_lists_every_route_with_its_guard() {
    let lines: Vec<_> = routes().catalogue().iter().map(|r| format!("{} {} {}", r.method, r.path, r.guard)).collect();
    assert_json_snapshot!(lines, @r#"
    [
      "POST /api/auth/login public",
      "POST /api/auth/logout public",
      "POST /api/everything public",
      "GET /api/failures/{how} public",
      "GET /api/long public",
      "POST /api/notes public",
      "GET /api/periods public",
      "GET /api/rates public",
      "POST /api/raw public",
      "GET /api/things signed-in",
      "POST /api/things permission things.create",
      "DELETE /api/things/{id} signed-in",
      "GET /api/things/{id} signed-in",
      "PATCH /api/things/{id} signed-in",
      "PUT /api/things/{id} party: owner or bidder",
      "POST /api/things/{id}/award permission things.award"
    ]
    "#);
}

#[actix_web::test]
async fn every_spelling_of_a_route_has_its_rules() {
    let client = Client::new();
    // Its own limit of bodies, and not the usual one.
    let long = |path: &str| TestRequest::post().uri(path).set_payload(vec![b'x'; 2 << 20]);
    for path in ["/api/raw", "/%61pi/raw", "/api/%72%61w"] {
        assert_eq!(client.send(long(path)).await.status, 200, "{path}");
    }
    // No body where none is documented.
    let award = |path: String| signed(crate::fixture::body(TestRequest::post().uri(&path), r#"{"more": 1}"#));
    for path in [format!("/api/things/{ID}/award"), format!("/api/things/{ID}/%61ward")] {
        assert_eq!(client.send(award(path.clone())).await.status, 422, "{path}");
    }
    // 405 where the route exists, 404 where it does not.
    for (path, status) in
        [("/%61pi/things", 405), ("/api/things", 405), ("/api/things/", 404), ("//api/things", 404), ("/api/./things", 404)]
    {
        let got = client.send(signed(TestRequest::delete().uri(path))).await;
        assert_eq!(got.status, status, "{path}");
    }
    // The session, and what a cookie may do.
    assert_eq!(client.send(TestRequest::get().uri("/%61pi/things")).await.status, 401);
    let foreign = crate::fixture::body(TestRequest::post().uri("/%61pi/things"), r#"{"name": "Bridge"}"#)
        .insert_header(("Cookie", "__Host-session=good"))
        .insert_header(("Origin", "https://evil.example"));
    assert_eq!(client.send(foreign).await.code(), (403, "ORIGIN_NOT_ALLOWED".into()));
}

#[actix_web::test]
async fn head_is_get_without_the_body() {
    let client = Client::new();
    let document = Client::with(settings(), |deps| deps.openapi(routes().openapi(utoipa::openapi::Info::new("t", "1"))));
    let one = format!("/api/things/{ID}");
    for path in
        ["/api/things", &one, "/api/long", "/health/live", "/health/ready", "/api/failures/frozen", "/nothing", "/api/things/x"]
    {
        let (get, head) =
            (client.get(path).await, client.send(signed(TestRequest::default().method(Method::HEAD).uri(path))).await);
        assert_eq!(get.status, head.status, "{path}");
        for name in ["content-type", "etag", "retry-after", "cache-control", "allow", "vary"] {
            assert_eq!(get.header(name), head.header(name), "{name} of {path}");
        }
        assert!(head.bytes.is_empty() && !get.bytes.is_empty(), "{path}");
    }
    for path in ["/api/openapi.json", "/docs/"] {
        assert_eq!(document.send(TestRequest::default().method(Method::HEAD).uri(path)).await.status, 200, "{path}");
    }
    let gzip = |method| TestRequest::default().method(method).uri("/api/long").insert_header(("Accept-Encoding", "gzip"));
    assert_eq!(client.send(gzip(Method::HEAD)).await.header("content-encoding"), Some("gzip"), "as GET would be");
    let anonymous = TestRequest::default().method(Method::HEAD).uri("/api/things");
    assert_eq!(client.send(anonymous).await.status, 401, "the same rights");
    let nowhere = TestRequest::default().method(Method::HEAD).uri("/api/auth/login");
    let got = client.send(nowhere).await;
    assert_eq!(
        (got.status.as_u16(), got.header("allow")),
        (405, Some("OPTIONS, POST")),
        "where there is no GET there is no HEAD"
    );
}

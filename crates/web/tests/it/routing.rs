//! What no route answers, and ids in paths.

use actix_web::test::TestRequest;
use insta::assert_json_snapshot;

use crate::fixture::{Client, ID, routes, signed};

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
    for path in ["/", "/api/things/", "/api//things", &format!("/api/things/{ID}/nothing")] {
        assert_eq!(client.get(path).await.code(), (404, "NOT_FOUND".into()), "{path}");
    }
}

#[actix_web::test]
async fn a_known_path_with_another_method_is_405() {
    let client = Client::new();
    let got = client.send(signed(TestRequest::delete().uri("/api/things"))).await;
    assert_eq!(got.code(), (405, "METHOD_NOT_ALLOWED".into()));
    assert_eq!(got.header("allow"), Some("GET, POST"));
    let got = client.send(signed(TestRequest::post().uri(&format!("/api/things/{ID}")))).await;
    assert_eq!(got.header("allow"), Some("DELETE, GET, PATCH, PUT"));
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

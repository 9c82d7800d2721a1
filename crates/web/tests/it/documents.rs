//! The OpenAPI document, its page, and health.

use std::sync::Arc;

use actix_web::get;
use actix_web::test::TestRequest;
use async_trait::async_trait;
use insta::assert_json_snapshot;
use serde_json::Value;
use utoipa::openapi::Info;

use crate::fixture::{Client, routes, settings};

fn document() -> Value {
    serde_json::to_value(routes().openapi(Info::new("14Build", "1"))).unwrap()
}

#[test]
fn the_document_is_complete() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let create = &document["paths"]["/api/things"]["post"];
    assert_json_snapshot!("create", create);
    assert_json_snapshot!("read_parameters", document["paths"]["/api/things/{id}"]["get"]["parameters"]);
    assert_json_snapshot!("list_parameters", document["paths"]["/api/things"]["get"]["parameters"]);
    assert_json_snapshot!("patch_body", document["paths"]["/api/things/{id}"]["patch"]["requestBody"]);
    assert_json_snapshot!("schemas", document["components"]["schemas"]);
    assert_json_snapshot!("conflict", document["components"]["responses"]["Conflict"]);
    assert_json_snapshot!("security", document["components"]["securitySchemes"]);
    assert_json_snapshot!("tags", document["tags"]);
    assert_eq!(routes().conflicts(), Vec::<String>::new());
    let list = document["paths"]["/api/things"]["get"].pointer("/responses/200/content/application~1json/schema/$ref");
    assert_eq!(list, Some(&Value::from("#/components/schemas/ThingOutList")));
    let mut health = routes().openapi(Info::new("14Build", "1"));
    web::describe_health(&mut health);
    let health = serde_json::to_value(health).unwrap();
    let checks = &health["components"]["schemas"]["Readiness"]["properties"]["checks"];
    assert_eq!(checks["additionalProperties"]["type"], "string", "{checks}");
}

#[test]
fn no_reference_dangles() {
    assert_eq!(routes().dangling(), Vec::<String>::new());
    let mut careless = web::Routes::new();
    careless.add(web::Guard::Public, || careless_list);
    assert_eq!(careless.dangling(), ["#/components/schemas/Colour"]);
}

#[derive(serde::Deserialize, utoipa::ToSchema)]
#[allow(dead_code)]
enum Colour {
    Red,
}

#[derive(serde::Deserialize, utoipa::IntoParams)]
#[allow(dead_code)]
struct CarelessQuery {
    colour: Option<Colour>,
}

/// Its enum is not inline.
#[utoipa::path(params(CarelessQuery), responses((status = 200, description = "Nothing")))]
#[get("/api/careless")]
async fn careless_list(_: web::Query<CarelessQuery>) -> actix_web::HttpResponse {
    actix_web::HttpResponse::Ok().finish()
}

#[actix_web::test]
async fn document_and_page_are_served() {
    let client = Client::with(settings(), |deps| deps.openapi(routes().openapi(Info::new("14Build", "1"))));
    let got = client.send(TestRequest::get().uri("/api/openapi.json")).await;
    assert_eq!((got.status.as_u16(), got.header("content-type")), (200, Some("application/json")));
    assert_eq!(got.json(), document());
    assert_eq!(client.send(TestRequest::get().uri("/docs")).await.header("location"), Some("/docs/"));
    let page = client.send(TestRequest::get().uri("/docs/")).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").unwrap().contains("script-src 'self';"));
    let html = String::from_utf8(page.bytes).unwrap();
    assert!(html.contains("swagger-ui"), "{html}");
    assert!(!html.contains("https://"), "the page must work offline: {html}");
    assert!(html.contains("/api/openapi.json"), "{html}");
    let script = client.send(TestRequest::get().uri("/docs/reference.js")).await;
    let script = String::from_utf8(script.bytes).unwrap();
    for part in
        ["SwaggerUIBundle({", "deepLinking: true", "persistAuthorization: true", "tagsSorter: 'alpha'", "validatorUrl: null"]
    {
        assert!(script.contains(part), "{part}: {script}");
    }
    assert_eq!(client.send(TestRequest::get().uri("/docs/swagger-ui-bundle.js")).await.status, 200);
}

#[actix_web::test]
async fn document_and_page_may_be_kept() {
    let client = Client::with(settings(), |deps| deps.openapi(routes().openapi(Info::new("14Build", "1"))));
    for path in ["/api/openapi.json", "/docs/", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"] {
        let get = || TestRequest::get().uri(path).insert_header(("Accept-Encoding", "gzip"));
        let got = client.send(get()).await;
        let tag = got.header("etag").unwrap_or_else(|| panic!("{path}: {}", got.status)).to_owned();
        assert!(tag.starts_with("W/\""), "{tag}");
        assert_eq!(got.header("cache-control"), Some("public, no-cache"), "{path}");
        assert_eq!(got.header("content-encoding"), (path != "/docs/").then_some("gzip"), "{path}");
        for known in [tag.clone(), format!("\"old\", {}", tag.trim_start_matches("W/"))] {
            let again = client.send(get().insert_header(("If-None-Match", known))).await;
            assert_eq!((again.status.as_u16(), again.bytes.len(), again.header("etag")), (304, 0, Some(tag.as_str())), "{path}");
        }
        assert_eq!(client.send(get().insert_header(("If-None-Match", "\"old\""))).await.status, 200, "{path}");
    }
    assert_eq!(client.send(TestRequest::get().uri("/docs/nothing.js")).await.code(), (404, "NOT_FOUND".into()));
}

struct Checks(bool);

#[async_trait]
impl web::Readiness for Checks {
    async fn check(&self) -> Vec<(&'static str, Result<(), String>)> {
        let migrations = if self.0 { Ok(()) } else { Err("the schema is behind: run `build14 migrate`".into()) };
        vec![("database", Ok(())), ("migrations", migrations)]
    }
}

#[actix_web::test]
async fn health_tells_what_is_missing() {
    let ready = async |ready| {
        let client = Client::with(settings(), |deps| deps.readiness(Arc::new(Checks(ready))));
        client.send(TestRequest::get().uri("/health/ready").insert_header(("X-Request-Id", "req-1"))).await
    };
    assert_json_snapshot!(ready(true).await.json(), @r#"
    {
      "checks": {
        "database": "ok",
        "migrations": "ok"
      },
      "status": "ready"
    }
    "#);
    let got = ready(false).await;
    assert_eq!(got.header("retry-after"), Some("1"));
    assert_json_snapshot!(got.json(), @r#"
    {
      "checks": {
        "database": "ok",
        "migrations": "the schema is behind: run `build14 migrate`"
      },
      "code": "NOT_READY",
      "detail": "not ready: migrations",
      "instance": "/health/ready",
      "requestId": "req-1",
      "status": 503,
      "title": "Not ready",
      "type": "https://14build.dev/problems/not-ready"
    }
    "#);
    assert_eq!(Client::new().send(TestRequest::get().uri("/health/live")).await.status, 200);
}

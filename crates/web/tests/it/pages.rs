//! What people see, and what programs get in its place.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::json;
use utoipa::openapi::Info;
use web::{Development, Login, Place};

use crate::fixture::{Client, Got, routes, settings};

/// What Firefox and Chromium say when they go to an address.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn documented() -> Client {
    Client::with(settings(), |deps| deps.openapi(routes().openapi(Info::new("14Build", "1"))))
}

fn in_development() -> Client {
    let login = Login {
        email: "ada@demo.example",
        password: "<secret> & more",
        name: "Ada \"the owner\"",
        organization: "<script>alert(1)</script>",
    };
    let place = Place { name: "Metrics", url: "http://127.0.0.1:9464/metrics?a=\"b\"".to_owned(), text: "Figures." };
    let development = Development { base_url: "http://127.0.0.1:8080".to_owned(), places: vec![place], logins: vec![login] };
    Client::with(settings(), |deps| deps.openapi(routes().openapi(Info::new("14Build", "1"))).development(development))
}

async fn browse(client: &Client, path: &str) -> Got {
    client.send(TestRequest::get().uri(path).insert_header(("Accept", BROWSER))).await
}

fn text(got: &Got) -> String {
    String::from_utf8(got.bytes.clone()).unwrap()
}

#[actix_web::test]
async fn a_person_is_greeted_and_a_program_gets_links() {
    let client = documented();
    let page = browse(&client, "/").await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let html = text(&page);
    for part in [
        "<html lang=\"en\">",
        "<title>14Build",
        "<main",
        "href=\"/docs/\"",
        "href=\"/api/openapi.json\"",
        "href=\"/health/ready\"",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("{{") && !html.contains("sign in"), "{html}");
    for accept in [None, Some("*/*"), Some("application/json"), Some("application/json, text/html")] {
        let request = TestRequest::get().uri("/");
        let request = if let Some(accept) = accept { request.insert_header(("Accept", accept)) } else { request };
        let got = client.send(request).await;
        assert_eq!((got.status.as_u16(), got.header("content-type")), (200, Some("application/json")), "{accept:?}");
        assert_eq!(got.header("vary"), Some("Accept"), "a cache keeps both apart");
        let links = json!({
            "name": "14Build", "version": env!("CARGO_PKG_VERSION"), "live": "/health/live", "ready": "/health/ready",
            "documentation": "/docs/", "openapi": "/api/openapi.json"
        });
        assert_eq!(got.json(), links);
    }
    let got = client.send(TestRequest::default().method(Method::POST).uri("/")).await;
    assert_eq!((got.code(), got.header("allow")), ((405, "METHOD_NOT_ALLOWED".into()), Some("GET, HEAD, OPTIONS")));
}

#[actix_web::test]
async fn a_server_without_documents_links_to_none() {
    let client = Client::new();
    let html = text(&browse(&client, "/").await);
    assert!(!html.contains("/docs") && !html.contains("openapi") && html.contains("/health/ready"), "{html}");
    let links = client.send(TestRequest::get().uri("/")).await.json();
    assert_eq!((&links["documentation"], &links["openapi"]), (&json!(null), &json!(null)));
    for path in ["/docs/", "/docs/reference.js", "/docs/swagger-ui.css"] {
        assert_eq!(browse(&client, path).await.status, 404, "{path}");
    }
}

#[actix_web::test]
async fn a_developers_server_tells_who_can_sign_in_and_any_text_stays_text() {
    let html = text(&browse(&in_development(), "/").await);
    for part in [
        "<code>ada@demo.example</code>",
        "<code>&lt;secret&gt; &amp; more</code>",
        "Ada &quot;the owner&quot;",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "href=\"http://127.0.0.1:9464/metrics?a=&quot;b&quot;\"",
        "curl -sS http://127.0.0.1:8080/api/auth/login",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("<script"), "{html}");
    let links = in_development().send(TestRequest::get().uri("/")).await;
    assert!(!text(&links).contains("demo.example"), "programs are told nothing of them");
}

#[actix_web::test]
async fn whoever_comes_back_from_the_payment_provider_is_told_what_comes_next() {
    for client in [documented(), Client::new()] {
        let html = text(&browse(&client, "/?onboarding=done").await);
        assert!(html.contains("Your details are with the payment provider."), "{html}");
        let html = text(&browse(&client, "/?onboarding=again").await);
        assert!(html.contains("That link was used already, or is too old."), "{html}");
        let html = text(&browse(&client, "/?onboarding=other").await);
        assert!(html.contains("<h1>") && !html.contains("notice\""), "{html}");
    }
}

#[actix_web::test]
async fn where_nothing_is_a_person_sees_a_page_and_a_program_a_problem() {
    let client = Client::new();
    let request =
        TestRequest::get().uri("/nothing/here").insert_header(("Accept", BROWSER)).insert_header(("X-Request-Id", "req-1"));
    let page = client.send(request).await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (404, Some("text/html; charset=utf-8")));
    assert_eq!((page.header("vary"), page.header("cache-control")), (Some("Accept"), Some("no-store")));
    let html = text(&page);
    assert!(html.contains("<title>Not found · 14Build</title>") && html.contains("<code>req-1</code>"), "{html}");
    assert!(html.contains("href=\"/\"") && !html.contains("{{") && !html.contains("nothing/here"), "{html}");

    for path in ["/nothing", "/docs/nothing"] {
        for accept in ["*/*", "application/json", "application/problem+json", "application/json, text/html;q=0.9"] {
            let got = client.send(TestRequest::get().uri(path).insert_header(("Accept", accept))).await;
            assert_eq!(got.header("content-type"), Some("application/problem+json"), "{path} {accept}");
            assert_eq!(got.code(), (404, "NOT_FOUND".into()), "{path} {accept}");
        }
        assert_eq!(client.send(TestRequest::get().uri(path)).await.code(), (404, "NOT_FOUND".into()));
        assert_eq!(browse(&client, path).await.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
    }
    // What is programs' stays theirs, whoever asks; and a page is no answer to what changes something.
    for path in ["/api/nothing", "/%61pi/nothing", "/api", "/health/nothing"] {
        assert_eq!(browse(&client, path).await.code(), (404, "NOT_FOUND".into()), "{path}");
    }
    let posted = client.send(TestRequest::post().uri("/nothing").insert_header(("Accept", BROWSER))).await;
    assert_eq!(posted.code(), (404, "NOT_FOUND".into()));
}

/// The addresses that a page links to or loads.
fn addresses(html: &str) -> Vec<String> {
    let parts = ["href=\"", "src=\""].iter().flat_map(|attribute| html.split(attribute).skip(1));
    parts.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

#[actix_web::test]
async fn pages_load_only_our_own_files_and_run_nothing_that_stands_in_them() {
    let client = documented();
    for (path, status, scripts) in [("/", 200, 0), ("/nothing", 404, 0), ("/docs/", 200, 2)] {
        let page = browse(&client, path).await;
        assert_eq!(page.status.as_u16(), status, "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=63072000; includeSubDomains"),
        ] {
            assert_eq!(page.header(name), Some(value), "{name} of {path}");
        }
        let policy = page.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"]
        {
            assert!(policy.contains(part), "{part}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{path}: {policy}");
        assert_eq!(policy.contains("script-src 'self'"), scripts > 0, "{path}: {policy}");

        let html = text(&page);
        assert_eq!(html.matches("<script").count(), scripts, "{html}");
        assert_eq!(html.matches("<script src=\"/docs/").count(), scripts, "{html}");
        for inline in ["<style", " style=", " onclick=", " onload=", "javascript:"] {
            assert!(!html.contains(inline), "{inline} in {path}: the policy refuses it");
        }
        for address in addresses(&html).into_iter().filter(|address| !address.starts_with('#')) {
            assert!(address.starts_with('/'), "{address} of {path} is not ours");
            let got = client.send(TestRequest::get().uri(&address)).await;
            assert_eq!(got.status, 200, "{address} of {path}");
            if address.contains("?v=") {
                assert_eq!(got.header("cache-control"), Some("public, max-age=31536000, immutable"), "{address}");
                assert!(!got.bytes.is_empty(), "{address}");
            }
        }
    }
    let html = text(&browse(&client, "/docs/").await);
    assert!(
        html.contains("<title>14Build API reference</title>") && html.contains("data-document=\"/api/openapi.json\""),
        "{html}"
    );
}

#[actix_web::test]
async fn an_address_that_names_other_contents_is_asked_for_again() {
    let client = documented();
    for path in
        ["/pages.css?v=old", "/docs/reference.js?v=", "/docs/swagger-ui.css", "/favicon.svg", "/favicon.ico", "/robots.txt", "/"]
    {
        let got = client.send(TestRequest::get().uri(path)).await;
        assert_eq!((got.status.as_u16(), got.header("cache-control")), (200, Some("public, no-cache")), "{path}");
        let tag = got.header("etag").unwrap().to_owned();
        let again = client.send(TestRequest::get().uri(path).insert_header(("If-None-Match", tag.as_str()))).await;
        assert_eq!((again.status.as_u16(), again.bytes.len(), again.header("etag")), (304, 0, Some(tag.as_str())), "{path}");
    }
    let page = browse(&client, "/").await.header("etag").map(str::to_owned);
    assert_ne!(page.as_deref(), client.send(TestRequest::get().uri("/")).await.header("etag"), "a page is not the links");
}

#[actix_web::test]
async fn browsers_and_crawlers_find_what_they_ask_for_by_themselves() {
    let client = Client::new();
    for (path, media_type, begins) in [
        ("/favicon.svg", "image/svg+xml", &b"<svg"[..]),
        ("/favicon.ico", "image/x-icon", &[0, 0, 1, 0][..]),
        ("/robots.txt", "text/plain; charset=utf-8", &b"User-agent: *\nDisallow: /api/\n"[..]),
        ("/pages.css", "text/css; charset=utf-8", &b"/*"[..]),
    ] {
        let got = client.send(TestRequest::get().uri(path)).await;
        assert_eq!((got.status.as_u16(), got.header("content-type")), (200, Some(media_type)), "{path}");
        assert!(got.bytes.starts_with(begins), "{path}");
        let head = client.send(TestRequest::default().method(Method::HEAD).uri(path)).await;
        assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0), "{path}");
        let posted = client.send(TestRequest::post().uri(path)).await;
        assert_eq!((posted.status.as_u16(), posted.header("allow")), (405, Some("GET, HEAD, OPTIONS")), "{path}");
    }
}

#[test]
fn the_document_tells_of_health_what_it_answers() {
    let mut document = routes().openapi(Info::new("14Build", "1"));
    let before = serde_json::to_value(&document).unwrap();
    web::describe_health(&mut document);
    let document = serde_json::to_value(&document).unwrap();
    for (path, id) in [("/health/live", "healthLiveRead"), ("/health/ready", "healthReadyRead")] {
        let operation = &document["paths"][path]["get"];
        assert_eq!((&operation["operationId"], &operation["tags"]), (&json!(id), &json!(["Health"])));
        assert_eq!((&operation["x-guard"], &operation["security"]), (&json!("public"), &json!([])));
        let told: Vec<_> = operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(told, ["200", "503"], "{path}: nobody is counted or refused there");
        let headers = &operation["responses"]["200"]["headers"];
        assert!(headers["X-Request-Id"].is_object() && headers["RateLimit"].is_null(), "{headers}");
    }
    let example =
        &document["paths"]["/health/ready"]["get"]["responses"]["503"]["content"]["application/problem+json"]["examples"];
    assert_eq!(example["NOT_READY"]["value"]["status"], 503, "{example}");
    assert_eq!(document["components"]["schemas"]["Liveness"]["example"], json!({"status": "live"}));
    assert_eq!(document["tags"].as_array().unwrap().len(), before["tags"].as_array().unwrap().len() + 1);
    assert_eq!(document["paths"]["/api/things"], before["paths"]["/api/things"]);
}

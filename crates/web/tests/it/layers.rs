//! What every answer carries: request id, security headers, CORS, compression.

use std::io::Read;
use std::sync::Mutex;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use actix_web::{get, post};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use crate::fixture::{Client, settings};

#[actix_web::test]
async fn every_answer_carries_a_request_id() {
    let client = Client::new();
    for (path, status) in
        [("/api/long", 200), ("/api/things", 401), ("/nothing", 404), ("/api/failures/panic", 500), ("/health/live", 200)]
    {
        let kept = client.send(TestRequest::get().uri(path).insert_header(("X-Request-Id", "a-b_c.1"))).await;
        assert_eq!((kept.status.as_u16(), kept.header("x-request-id")), (status, Some("a-b_c.1")), "{path}");
        let made = client.send(TestRequest::get().uri(path).insert_header(("X-Request-Id", "no spaces"))).await;
        assert_eq!(made.header("x-request-id").unwrap().len(), 32, "{path}");
        if status >= 400 {
            assert_eq!(made.json()["requestId"].as_str(), made.header("x-request-id"));
        }
    }
}

#[actix_web::test]
async fn browsers_are_told_to_be_careful() {
    let got = Client::new().send(TestRequest::get().uri("/api/long")).await;
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
        ("cache-control", "no-store"),
        ("strict-transport-security", "max-age=63072000; includeSubDomains"),
    ] {
        assert_eq!(got.header(name), Some(value), "{name}");
    }
    let development = web::Settings { hsts: false, ..settings() };
    let got = Client::with(development, |deps| deps).send(TestRequest::get().uri("/api/long")).await;
    assert_eq!(got.header("strict-transport-security"), None);
}

#[actix_web::test]
async fn only_configured_origins_may_read() {
    let client = Client::new();
    let from = |origin| TestRequest::get().uri("/api/long").insert_header(("Origin", origin));
    let got = client.send(from("https://app.14build.dev")).await;
    assert_eq!(got.header("access-control-allow-origin"), Some("https://app.14build.dev"));
    assert_eq!(got.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(got.header("vary"), Some("Origin"));
    assert_eq!(client.send(from("https://evil.example")).await.header("access-control-allow-origin"), None);

    let preflight = |origin| {
        let request = TestRequest::default().method(Method::OPTIONS).uri("/api/things").insert_header(("Origin", origin));
        request.insert_header(("Access-Control-Request-Method", "POST"))
    };
    let got = client.send(preflight("https://app.14build.dev")).await;
    assert_eq!(got.status, 204);
    assert_eq!(got.header("access-control-allow-methods"), Some("GET, POST, PUT, PATCH, DELETE"));
    assert!(got.header("access-control-allow-headers").unwrap().contains("idempotency-key"));
    assert_eq!(client.send(preflight("https://evil.example")).await.header("access-control-allow-methods"), None);
}

#[actix_web::test]
async fn long_answers_are_compressed_and_short_ones_are_not() {
    let client = Client::new();
    let gzip = |path| TestRequest::get().uri(path).insert_header(("Accept-Encoding", "br, gzip;q=0.8"));
    let got = client.send(gzip("/api/long")).await;
    assert_eq!((got.header("content-encoding"), got.header("vary")), (Some("gzip"), Some("Accept-Encoding")));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&got.bytes[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text.len(), 5002);
    assert_eq!(client.send(gzip("/api/rates")).await.header("content-encoding"), None);
    let refused = TestRequest::get().uri("/api/long").insert_header(("Accept-Encoding", "gzip;q=0, identity"));
    assert_eq!(client.send(refused).await.header("content-encoding"), None);
    assert_eq!(client.send(TestRequest::get().uri("/api/long")).await.bytes.len(), 5002);
}

#[actix_web::test]
async fn an_error_without_a_body_gets_one() {
    let got = Client::new().send(TestRequest::post().uri("/health/live").insert_header(("X-Request-Id", "req-1"))).await;
    assert_eq!(got.code(), (405, "METHOD_NOT_ALLOWED".into()));
    assert_eq!(got.json()["requestId"], "req-1");
}

/// Notes the labels under which instruments are registered.
#[derive(Default)]
struct Labels(Mutex<Vec<String>>);

impl Labels {
    fn note(&self, key: &Key) {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        self.0.lock().unwrap().push(format!("{} {}", key.name(), labels.join(" ")));
    }
}

impl Recorder for Labels {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.note(key);
        Counter::noop()
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.note(key);
        Histogram::noop()
    }
}

#[actix_web::test]
async fn metrics_are_labelled_by_route_pattern() {
    let labels = Labels::default();
    let _guard = metrics::set_default_local_recorder(&labels);
    let client = Client::new();
    for path in ["/api/failures/frozen", "/api/failures/busy", "/api/failures/frozen", "/api/failures/panic", "/made/up"] {
        client.send(TestRequest::get().uri(path)).await;
    }
    let expected = [
        "http_requests_total method=GET route=/api/failures/{how} status=409",
        "http_request_duration_seconds method=GET route=/api/failures/{how}",
        "http_requests_total method=GET route=/api/failures/{how} status=503",
        "http_request_duration_seconds method=GET route=/api/failures/{how}",
        "http_requests_total method=GET route=/api/failures/{how} status=500",
        "http_request_duration_seconds method=GET route=/api/failures/{how}",
        "http_requests_total method=GET route=none status=404",
        "http_request_duration_seconds method=GET route=none",
    ];
    assert_eq!(*labels.0.lock().unwrap(), expected);
}

#[utoipa::path(responses((status = 200, description = "Read")))]
#[get("/api/secrets/{id}")]
async fn read_secret() -> actix_web::HttpResponse {
    actix_web::HttpResponse::Ok().finish()
}

#[utoipa::path(responses((status = 201, description = "Made")))]
#[post("/api/secrets/{id}/parts")]
async fn make_part() -> actix_web::HttpResponse {
    actix_web::HttpResponse::Created().finish()
}

#[actix_web::test]
async fn sealed_routes_are_one_in_metrics() {
    let labels = Labels::default();
    let _guard = metrics::set_default_local_recorder(&labels);
    let mut routes = web::Routes::new();
    routes.tag("Secrets", "Sealed.").sealed().add(web::Guard::Public, || read_secret).add(web::Guard::Public, || make_part);
    routes.tag("Open", "Not sealed.");
    assert!(routes.is_sealed("/api/secrets/{id}/parts") && !routes.is_sealed("/api/other"));
    let client = Client::over(routes, crate::fixture::settings(), |deps| deps);
    let made = client.send(TestRequest::post().uri("/api/secrets/1/parts")).await;
    let read = client.send(TestRequest::get().uri("/api/secrets/1")).await;
    let wrong = client.send(TestRequest::delete().uri("/api/secrets/1")).await;
    assert_eq!([made.status, read.status, wrong.status].map(|status| status.as_u16()), [201, 200, 405]);
    let (count, time) =
        ("http_requests_total method=any route=sealed status=", "http_request_duration_seconds method=any route=sealed");
    let expected = [format!("{count}2xx"), time.into(), format!("{count}2xx"), time.into(), format!("{count}4xx"), time.into()];
    assert_eq!(*labels.0.lock().unwrap(), expected, "nothing tells one made from one read");
}

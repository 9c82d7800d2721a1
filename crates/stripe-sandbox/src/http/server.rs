//! The socket: an HTTP server on a thread of its own, whatever runtime the host has.

use crate::control::onboarding::Visit;
use crate::control::verbs::{self, Control};
use crate::http::api::{self, Answer, Outcome, Pending};
use crate::http::delivery;
use crate::http::shared::Shared;
use crate::protocol::{ApiError, Request};
use crate::world::ids;
use actix_web::body::{BodyStream, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, HeaderMap};
use actix_web::{App, HttpRequest, HttpResponse, HttpResponseBuilder, HttpServer, web};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// The largest request body.
const MAX_BODY: usize = 1 << 20;

/// Serves until `stop` fires or is dropped. Runs on the current thread; `ready` hears when the server accepts.
pub(crate) fn run(
    listener: TcpListener,
    shared: &Arc<Shared>,
    ready: oneshot::Sender<Result<(), String>>,
    stop: oneshot::Receiver<()>,
) {
    actix_web::rt::System::new().block_on(async {
        let data = web::Data::from(shared.clone());
        let server = HttpServer::new(move || {
            App::new().app_data(data.clone()).app_data(web::PayloadConfig::new(MAX_BODY)).default_service(web::to(serve))
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(1)
        .listen(listener);
        let server = match server {
            Ok(server) => server.run(),
            Err(error) => {
                let _ = ready.send(Err(error.to_string()));
                return;
            }
        };
        let handle = server.handle();
        let _ = ready.send(Ok(()));
        tokio::select! {
            result = server => if let Err(error) = result {
                tracing::error!(%error, "the Stripe sandbox's server ended");
            },
            () = delivery::run(shared.clone()) => {}
            _ = stop => {}
        }
        handle.stop(false).await;
    });
    let mut state = shared.lock();
    shared.commit(&mut state);
    if let Err(error) = state.store.fold() {
        tracing::error!(%error, "the Stripe sandbox cannot write its snapshot");
    }
}

async fn serve(shared: web::Data<Shared>, http: HttpRequest, body: web::Bytes) -> HttpResponse {
    let header = |name: &str| text(http.headers(), name);
    let request = Request {
        method: http.method().as_str().to_owned(),
        path: http.path().to_owned(),
        query: http.query_string().to_owned(),
        body: body.to_vec(),
        authorization: header("authorization"),
        account: header("stripe-account"),
        idempotency_key: header("idempotency-key"),
        version: header("stripe-version"),
    };
    if request.method == "OPTIONS" {
        return cors(HttpResponse::build(StatusCode::NO_CONTENT)).finish();
    }
    if request.path == "/_sandbox" || request.path.starts_with("/_sandbox/") || request.path == "/" {
        let browser = header(ACCEPT.as_str()).is_some_and(|accept| accept.contains("text/html"));
        return control(&shared, &request, browser).await;
    }
    let (outcome, kept) = {
        let mut state = shared.lock();
        let outcome = api::serve(&mut state, request);
        (outcome, shared.commit(&mut state))
    };
    shared.wake.notify_one();
    match outcome {
        Outcome::Answer(answer) => respond(answer, kept),
        Outcome::Hang { delay_ms } => {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            disconnect()
        }
        Outcome::Later { delay_ms, pending } => {
            let mut guard = Abandon { shared: &shared, pending: Some(pending) };
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            let Some(pending) = guard.pending.take() else { return disconnect() };
            let (answer, kept) = {
                let mut state = shared.lock();
                let answer = api::resume(&mut state, *pending);
                (answer, shared.commit(&mut state))
            };
            shared.wake.notify_one();
            respond(answer, kept)
        }
    }
}

/// Frees the idempotency key of a delayed request whose caller hangs up.
struct Abandon<'a> {
    shared: &'a Shared,
    pending: Option<Box<Pending>>,
}

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        if let Some(pending) = &self.pending {
            api::abandon(&mut self.shared.lock(), pending);
        }
    }
}

async fn control(shared: &Shared, request: &Request, browser: bool) -> HttpResponse {
    let (result, kept) = {
        let mut state = shared.lock();
        let result = verbs::serve(&mut state, request);
        (result, shared.commit(&mut state))
    };
    shared.wake.notify_one();
    if !kept {
        return json_response(500, &unwritten());
    }
    match result {
        Ok(Control::Json(value)) => json_response(200, &value),
        Ok(Control::Flush(parcels)) => {
            let released = parcels.len();
            for parcel in parcels {
                delivery::post_and_record(shared, parcel).await;
            }
            shared.wake.notify_one();
            json_response(200, &json!({ "released": released }))
        }
        Ok(Control::Visit(visit)) => onboarding(visit, browser),
        Ok(Control::Html(html)) => page(html),
        Ok(Control::Authenticated { return_url: Some(url), .. }) if browser => see_other(&url),
        Ok(Control::Authenticated { intent, .. }) => json_response(200, &intent),
        Err(error) => json_response(error.status, &error.body(&ids::new("req"))),
    }
}

fn see_other(url: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header(("Location", url)).finish()
}

fn page(html: String) -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(html)
}

fn onboarding(visit: Visit, browser: bool) -> HttpResponse {
    match visit {
        Visit::Page(html) => page(html),
        Visit::Done { return_url, .. } if browser => see_other(&return_url),
        Visit::Done { return_url, account } => {
            json_response(200, &json!({ "account": account["id"], "completed": true, "returnUrl": return_url }))
        }
        Visit::Stale { refresh_url, .. } if browser => see_other(&refresh_url),
        Visit::Stale { refresh_url, why } => json_response(
            410,
            &json!({ "error": { "type": "invalid_request_error", "message": why }, "refreshUrl": refresh_url }),
        ),
        Visit::Unknown => json_response(
            404,
            &json!({ "error": { "type": "invalid_request_error", "message": "there is no such account link" } }),
        ),
    }
}

fn respond(answer: Answer, kept: bool) -> HttpResponse {
    if !kept {
        return json_response(500, &unwritten());
    }
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = cors(HttpResponse::build(status));
    response.insert_header(("Request-Id", answer.request_id)).insert_header(("Cache-Control", "no-cache, no-store"));
    if let Ok(version) = actix_web::http::header::HeaderValue::from_str(&answer.version) {
        response.insert_header(("Stripe-Version", version));
    }
    if let Some(key) = answer.idempotency_key {
        response.insert_header(("Idempotency-Key", key));
    }
    if let Some(original) = answer.original_request {
        response.insert_header(("Idempotent-Replayed", "true")).insert_header(("Original-Request", original));
    }
    response.content_type("application/json").body(pretty(&answer.body))
}

fn cors(mut response: HttpResponseBuilder) -> HttpResponseBuilder {
    response
        .insert_header(("Access-Control-Allow-Origin", "*"))
        .insert_header(("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS"))
        .insert_header((
            "Access-Control-Allow-Headers",
            "Authorization, Content-Type, Idempotency-Key, Stripe-Version, Stripe-Account",
        ))
        .insert_header(("Access-Control-Expose-Headers", "Request-Id, Idempotent-Replayed"));
    response
}

fn json_response(status: u16, value: &Value) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    cors(HttpResponse::build(status)).content_type("application/json").body(pretty(value))
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn unwritten() -> Value {
    Value::Object(ApiError::server("The sandbox could not write its journal; see its log.").error)
}

/// Closes the connection without an answer: a body that fails before its first byte makes the server drop the connection
/// before the head is sent.
fn disconnect() -> HttpResponse {
    let broken = futures::stream::once(async { Err::<web::Bytes, _>(std::io::Error::other("told to hang up")) });
    HttpResponse::Ok()
        .message_body(BodyStream::new(broken).boxed())
        .unwrap_or_else(|_: actix_web::Error| HttpResponse::InternalServerError().finish())
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

//! `/health/live` and `/health/ready`.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, get};
use async_trait::async_trait;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::{Info, OpenApi, RefOr};

use super::Drain;
use crate::routes::only_get;
use crate::{Guard, Problem, Routes};

/// Tells whether the process can do its work.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// Every dependency by name: fine, or why not, in words that may be shown to anybody.
    async fn check(&self) -> Vec<(&'static str, Result<(), String>)>;
}

/// Ready as soon as it runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct AlwaysReady;

#[async_trait]
impl Readiness for AlwaysReady {
    async fn check(&self) -> Vec<(&'static str, Result<(), String>)> {
        Vec::new()
    }
}

/// Whether the process runs.
pub(crate) const LIVE: &str = "/health/live";
/// Whether it can do its work.
pub(crate) const READY: &str = "/health/ready";

/// Whether a route is asked by machines that watch the server: they are not counted.
pub(super) fn is_probe(route: &str) -> bool {
    route == LIVE || route == READY
}

pub(super) fn configure(config: &mut ServiceConfig, readiness: &Arc<dyn Readiness>, drain: &Drain) {
    config.app_data(Data::from(Arc::clone(readiness))).app_data(Data::new(drain.clone()));
    config.service(live).service(web::resource(LIVE).default_service(web::to(only_get)));
    config.service(ready).service(web::resource(READY).default_service(web::to(only_get)));
}

/// Adds both to a document. They are no routes of a domain: nobody is refused there, and nobody is counted.
pub fn describe_health(document: &mut OpenApi) {
    let mut routes = Routes::new();
    routes
        .tag("Health", "Whether this server runs, and whether it can do its work: for what watches it.")
        .resource("healthLive")
        .add(Guard::Public, || live)
        .resource("healthReady")
        .add(Guard::Public, || ready);
    let mut own = routes.openapi(Info::new("", ""));
    for operation in own.paths.paths.values_mut().filter_map(|path| path.get.as_mut()) {
        operation.responses.responses.retain(|status, _| matches!(status.as_str(), "200" | "503"));
        for response in operation.responses.responses.values_mut() {
            if let RefOr::T(response) = response {
                response.headers.retain(|name, _| !name.starts_with("RateLimit"));
            }
        }
    }
    document.merge(own);
}

/// How a process that runs is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum Live {
    Live,
}

/// How a process that can do its work is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum Ready {
    Ready,
}

/// The process runs.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"status": "live"}))]
struct Liveness {
    /// Always `live`: what does not run does not answer.
    status: Live,
}

/// The process can do its work.
#[derive(Serialize, ToSchema)]
#[schema(as = Readiness, example = json!({
    "status": "ready", "checks": {"database": "ok", "schema": "ok", "isolation": "ok", "worker": "ok"}
}))]
struct ReadinessOut {
    /// Always `ready`: a server that is not answers 503.
    status: Ready,
    /// What was looked at, by name: `ok`.
    #[schema(value_type = BTreeMap<String, String>)]
    checks: BTreeMap<&'static str, &'static str>,
}

/// Read whether the process runs.
///
/// Restart it if it does not answer. It looks at nothing else: a database that is down is no reason to restart the server.
#[utoipa::path(responses((status = 200, description = "It runs", body = Liveness)))]
#[get("/health/live")]
async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Liveness { status: Live::Live })
}

/// Read whether this server can do its work.
///
/// Send it no requests while it cannot, and as soon as it is about to stop. It looks at its database, its schema, the isolation of tenants and, if
/// it has one, its worker, at most once a second or so however often it is asked.
#[utoipa::path(responses(
    (status = 200, description = "It can", body = ReadinessOut),
    (status = 503, description = "`NOT_READY`: what is missing is said by name in `checks`, or this server is about to stop: ask another one")
))]
#[get("/health/ready")]
async fn ready(readiness: Data<dyn Readiness>, drain: Data<Drain>) -> Result<HttpResponse, Problem> {
    if drain.has_begun() {
        let detail = "not ready: this server is about to stop; ask another one";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "NOT_READY", detail).with("checks", json!({})).retry_after(1));
    }
    let checks = readiness.check().await;
    let missing: Vec<_> = checks.iter().filter(|(_, result)| result.is_err()).map(|(name, _)| *name).collect();
    if missing.is_empty() {
        let checks = checks.iter().map(|(name, _)| (*name, "ok")).collect();
        return Ok(HttpResponse::Ok().json(ReadinessOut { status: Ready::Ready, checks }));
    }
    let states: serde_json::Map<_, _> = checks
        .iter()
        .map(|(name, result)| ((*name).to_owned(), json!(result.as_ref().err().map_or("ok", String::as_str))))
        .collect();
    let detail = format!("not ready: {}", missing.join(", "));
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "NOT_READY", detail).with("checks", states).retry_after(1))
}

//! `/health/live` and `/health/ready`.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{self, Data, ServiceConfig};
use async_trait::async_trait;
use serde_json::json;

use super::Drain;
use crate::Problem;
use crate::routes::only_get;

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

const LIVE: &str = "/health/live";
const READY: &str = "/health/ready";

/// Whether a route is asked by machines that watch the server: they are not counted.
pub(super) fn is_probe(route: &str) -> bool {
    route == LIVE || route == READY
}

pub(super) fn configure(config: &mut ServiceConfig, readiness: &Arc<dyn Readiness>, drain: &Drain) {
    config.app_data(Data::from(Arc::clone(readiness))).app_data(Data::new(drain.clone()));
    config.service(web::resource(LIVE).route(web::get().to(live)).default_service(web::to(only_get)));
    config.service(web::resource(READY).route(web::get().to(ready)).default_service(web::to(only_get)));
}

async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

async fn ready(readiness: Data<dyn Readiness>, drain: Data<Drain>) -> Result<HttpResponse, Problem> {
    if drain.has_begun() {
        let detail = "not ready: this server is about to stop; ask another one";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "NOT_READY", detail).with("checks", json!({})).retry_after(1));
    }
    let checks = readiness.check().await;
    let missing: Vec<_> = checks.iter().filter(|(_, result)| result.is_err()).map(|(name, _)| *name).collect();
    let states: serde_json::Map<_, _> = checks
        .iter()
        .map(|(name, result)| ((*name).to_owned(), json!(result.as_ref().err().map_or("ok", String::as_str))))
        .collect();
    if missing.is_empty() {
        return Ok(HttpResponse::Ok().json(json!({ "status": "ready", "checks": states })));
    }
    let detail = format!("not ready: {}", missing.join(", "));
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "NOT_READY", detail).with("checks", states).retry_after(1))
}

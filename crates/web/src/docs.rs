//! The OpenAPI document.

use std::sync::Arc;

use actix_web::web::ServiceConfig;
use utoipa::openapi::OpenApi;

use crate::pages::{Kept, serve};

/// Where the document is.
pub(crate) const OPENAPI_PATH: &str = "/api/openapi.json";

/// The document with its members sorted: utoipa keeps extensions in a hash map, whose order changes with every start.
#[must_use]
pub fn stable(openapi: &OpenApi) -> serde_json::Value {
    sorted(serde_json::to_value(openapi).unwrap_or_default())
}

fn sorted(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(members) => {
            let mut members: Vec<_> = members.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            serde_json::Value::Object(members.into_iter().collect())
        }
        serde_json::Value::Array(items) => serde_json::Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// Serves `GET /api/openapi.json`.
pub(crate) fn configure(config: &mut ServiceConfig, openapi: &OpenApi) {
    let bytes = serde_json::to_vec(&stable(openapi)).unwrap_or_default();
    serve(config, OPENAPI_PATH, Arc::new(Kept::new("application/json", bytes)));
}

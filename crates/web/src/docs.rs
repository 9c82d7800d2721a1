//! The OpenAPI document and the page that shows it, both offline.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, Data, ServiceConfig};
use bytes::Bytes;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Where the document is.
pub(crate) const OPENAPI_PATH: &str = "/api/openapi.json";

/// What the page needs: its own scripts and styles, and inline styles that Swagger UI sets.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                   connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

struct Document(Bytes);

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

/// Serves `GET /api/openapi.json` and `/docs`.
pub(crate) fn configure(config: &mut ServiceConfig, openapi: &Arc<OpenApi>) {
    let document = Document(serde_json::to_vec(&stable(openapi)).unwrap_or_default().into());
    config.app_data(Data::new(document));
    config.service(web::resource(OPENAPI_PATH).route(web::get().to(document_of)));
    config.service(web::resource("/docs").route(web::get().to(to_page)));
    let page = SwaggerUi::new("/{_:.*}").config(Config::from(OPENAPI_PATH));
    config.service(web::scope("/docs").wrap(DefaultHeaders::new().add((header::CONTENT_SECURITY_POLICY, CSP))).service(page));
}

async fn document_of(document: Data<Document>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document.0.clone())
}

async fn to_page() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

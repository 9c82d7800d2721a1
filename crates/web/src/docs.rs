//! The OpenAPI document and the page that shows it, both offline.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::{DefaultHeaders, Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse};
use bytes::Bytes;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::reply::{is_fresh, tag_of};
use crate::routes::only_get;

/// Where the document is.
pub(crate) const OPENAPI_PATH: &str = "/api/openapi.json";

/// What the page needs: its own scripts and styles, and inline styles that Swagger UI sets.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                   connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Kept by whoever has it, and asked for again: the same until the server is another one.
const ASK_AGAIN: &str = "public, no-cache";

/// The document with its entity tag.
struct Document(Bytes, String);

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
    let bytes: Bytes = serde_json::to_vec(&stable(openapi)).unwrap_or_default().into();
    let tag = tag_of(&bytes);
    config.app_data(Data::new(Document(bytes, tag)));
    config.service(web::resource(OPENAPI_PATH).route(web::get().to(document_of)).default_service(web::to(only_get)));
    config.service(web::resource("/docs").route(web::get().to(to_page)).default_service(web::to(only_get)));
    let page = SwaggerUi::new("/{_:.*}").config(Config::from(OPENAPI_PATH));
    config.service(
        web::scope("/docs")
            .service(page)
            .default_service(web::to(only_get))
            .wrap(DefaultHeaders::new().add((header::CONTENT_SECURITY_POLICY, CSP)))
            .wrap(from_fn(tagged)),
    );
}

async fn document_of(request: HttpRequest, document: Data<Document>) -> HttpResponse {
    let Document(bytes, tag) = &**document;
    if is_fresh(request.headers(), tag) {
        return not_modified(tag);
    }
    let mut response = HttpResponse::Ok().content_type("application/json").body(bytes.clone());
    may_be_kept(response.headers_mut(), tag);
    response
}

thread_local! {
    /// The entity tags of the page's files, which never change while the server runs.
    static TAGS: RefCell<HashMap<String, String>> = RefCell::default();
}

/// Gives the page's files entity tags.
async fn tagged(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    if response.status() != StatusCode::OK {
        return Ok(response);
    }
    let (request, response) = response.into_parts();
    let (response, body) = response.into_parts();
    let bytes = match body.try_into_bytes() {
        Ok(bytes) => bytes,
        Err(body) => return Ok(ServiceResponse::new(request, response.set_body(body))),
    };
    let tag = TAGS.with_borrow_mut(|tags| tags.entry(request.path().to_owned()).or_insert_with(|| tag_of(&bytes)).clone());
    if is_fresh(request.headers(), &tag) {
        return Ok(ServiceResponse::new(request, not_modified(&tag)));
    }
    let mut response = response.set_body(BoxBody::new(bytes));
    may_be_kept(response.headers_mut(), &tag);
    Ok(ServiceResponse::new(request, response))
}

fn not_modified(tag: &str) -> HttpResponse {
    let mut response = HttpResponse::NotModified().finish();
    may_be_kept(response.headers_mut(), tag);
    response
}

/// Weak: the text is the same, compressed or not, and its bytes are not.
fn may_be_kept(headers: &mut HeaderMap, tag: &str) {
    if let Ok(tag) = HeaderValue::from_str(&format!("W/{tag}")) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(ASK_AGAIN));
}

async fn to_page() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

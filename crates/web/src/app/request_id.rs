//! The request's id: kept if a sane one came in, else made; echoed on every answer.

use actix_web::http::header::{HeaderMap, HeaderName};
use kernel::RequestId;

/// The header, in and out.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request with these headers.
pub fn of(headers: &HeaderMap) -> RequestId {
    headers.get(X_REQUEST_ID).and_then(|value| RequestId::accept(value.to_str().ok()?)).unwrap_or_else(RequestId::generate)
}

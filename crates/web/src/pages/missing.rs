//! The page where nothing is.

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};

use super::accept::prefers_html;
use super::html::{escape, fill, head};
use crate::extract::Caller;

/// What a browser may load for a page without scripts.
pub const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The page that says so to a person. None to programs, nor below `/api` and `/health`, which are theirs: they have a problem.
pub fn page(request: &HttpRequest) -> Option<HttpResponse> {
    let of_programs = matches!(request.match_info().as_str().split('/').nth(1), Some("api" | "health"));
    if of_programs || request.method() != Method::GET || !prefers_html(request.headers()) {
        return None;
    }
    let id = request.extensions().get::<Caller>().map(|caller| escape(caller.request.as_str())).unwrap_or_default();
    let head = head("Not found · 14Build", "<meta name=\"robots\" content=\"noindex\">");
    let page = fill(include_str!("assets/missing.html"), &[("head", head.as_str()), ("request", id.as_str())]);
    let response = HttpResponse::NotFound()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)))
        .insert_header((header::VARY, HeaderValue::from_static("Accept")))
        .body(page);
    Some(response)
}

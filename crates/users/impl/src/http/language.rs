//! In which language somebody is written to, and shown pages.

use actix_web::HttpRequest;
use actix_web::http::header;
use mail_api::Language;

/// The one that the program asks for.
pub(super) fn language_of(request: &HttpRequest) -> Language {
    Language::accepted(request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()))
}

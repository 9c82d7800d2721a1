//! gzip for clients that take it. Small answers go out as they are: compressing costs more than it saves.

use std::io::Write;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Beyond this, compressing would hold up the other requests of the worker for milliseconds.
const MOST_INLINE: usize = 256 << 10;

/// Whether the client takes gzip.
pub fn accepted(headers: &HeaderMap) -> bool {
    let codings =
        headers.get_all(header::ACCEPT_ENCODING).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut gzip = codings.filter(|coding| coding.split(';').next().is_some_and(|name| matches!(name.trim(), "gzip" | "*")));
    gzip.any(|coding| !coding.split(';').skip(1).any(|weight| matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")))
}

/// Compresses the answer if it is worth it.
pub async fn apply(response: HttpResponse<BoxBody>, from: usize) -> HttpResponse<BoxBody> {
    let BodySize::Sized(size) = response.body().size() else { return response };
    let wanted = from > 0 && size >= from as u64 && response.status() != StatusCode::PARTIAL_CONTENT;
    if !wanted || response.headers().contains_key(header::CONTENT_ENCODING) || !is_text(response.headers()) {
        return response;
    }
    let (mut response, body) = response.into_parts();
    let plain = match body.try_into_bytes() {
        Ok(plain) => plain,
        Err(body) => return response.set_body(body),
    };
    let packed = if plain.len() > MOST_INLINE {
        let plain = plain.clone();
        actix_web::web::block(move || gzip(&plain)).await.ok().flatten()
    } else {
        gzip(&plain)
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    let Some(packed) = packed else { return response.set_body(BoxBody::new(plain)) };
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response.set_body(BoxBody::new(packed))
}

fn is_text(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.starts_with("text/")
        || media_type.contains("json")
        || media_type.contains("javascript")
        || media_type.contains("svg")
}

fn gzip(plain: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::new(4));
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}

//! `Reply`: builds answers that can be sent, or stored under an idempotency key and sent again.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Answer;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::Problem;
use crate::extract::EntityTags;
use crate::problem::scim::SCIM_JSON;

/// Tells that an answer was given before under the same `Idempotency-Key`.
pub const IDEMPOTENCY_REPLAYED: &str = "Idempotency-Replayed";

/// Most bodies fit: they are written without being copied from one buffer to a larger one.
const USUAL_BODY: usize = 4096;

/// An answer in the making. Ends as a [`kernel::Answer`] (for [`crate::Idempotent::run`]) or as an [`HttpResponse`].
#[derive(Debug, Clone)]
pub struct Reply(Answer);

impl Reply {
    /// A JSON answer of `status`.
    pub fn json(status: StatusCode, dto: &impl Serialize) -> Self {
        let mut body = Vec::with_capacity(USUAL_BODY);
        let (status, body) = match serde_json::to_writer(&mut body, dto) {
            Ok(()) => (status, body),
            Err(error) => {
                tracing::error!(%error, "a DTO does not serialise");
                let problem = serde_json::to_vec(&Problem::internal().body()).unwrap_or_default();
                (StatusCode::INTERNAL_SERVER_ERROR, problem)
            }
        };
        Self(Answer { status: status.as_u16(), headers: Vec::new(), body })
    }

    /// 200 with a body.
    pub fn ok(dto: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, dto)
    }

    /// 201 with `Location` and the new resource.
    pub fn created(location: impl Into<String>, dto: &impl Serialize) -> Self {
        Self::json(StatusCode::CREATED, dto).header("Location", location)
    }

    /// 204.
    #[must_use]
    pub fn no_content() -> Self {
        Self(Answer { status: 204, headers: Vec::new(), body: Vec::new() })
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With the `ETag` of its body, the same that a GET of this representation carries.
    #[must_use]
    pub fn etag(self) -> Self {
        let tag = tag_of(&self.0.body);
        self.header("ETag", tag)
    }

    /// In the media type of SCIM (RFC 7644).
    #[must_use]
    pub fn scim(self) -> Self {
        self.header("Content-Type", SCIM_JSON)
    }

    /// The answer, to be stored.
    #[must_use]
    pub fn answer(self) -> Answer {
        self.0
    }

    /// The answer, to be sent.
    #[must_use]
    pub fn response(self) -> HttpResponse {
        response(self.0, false)
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        reply.0
    }
}

impl From<Reply> for HttpResponse {
    fn from(reply: Reply) -> Self {
        reply.response()
    }
}

/// A stored answer, given again.
pub(crate) fn replayed(answer: &Answer) -> HttpResponse {
    response(answer.clone(), true)
}

pub(crate) fn response(answer: Answer, replayed: bool) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    let is_typed = answer.headers.iter().any(|(name, _)| name == "Content-Type");
    for (name, value) in answer.headers {
        response.append_header((name, value));
    }
    if replayed {
        response.insert_header((IDEMPOTENCY_REPLAYED, "true"));
    }
    if answer.body.is_empty() {
        return response.finish();
    }
    if !is_typed {
        response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")));
    }
    response.body(answer.body)
}

/// The strong entity tag of a representation.
pub fn etag(dto: &impl Serialize) -> String {
    tag_of(&serde_json::to_vec(dto).unwrap_or_default())
}

/// The strong entity tag of these bytes.
pub(crate) fn tag_of(bytes: &[u8]) -> String {
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(bytes)[..16]))
}

/// A single resource: 200 with `ETag`, or 304 if the client has it already (`If-None-Match`).
pub fn single(request: &HttpRequest, dto: &impl Serialize) -> HttpResponse {
    conditional(request, Reply::ok(dto).etag())
}

/// An answer to GET that carries its `ETag`, or 304 if the client has it already. Whoever reads needs no condition that we cannot read: what is no
/// entity tag matches nothing.
pub fn conditional(request: &HttpRequest, reply: Reply) -> HttpResponse {
    let tag = reply.0.headers.iter().find(|(name, _)| name == "ETag").map_or("", |(_, tag)| tag.as_str());
    if !is_fresh(request.headers(), tag) {
        return reply.response();
    }
    HttpResponse::NotModified().insert_header((header::ETAG, tag)).finish()
}

/// Whether the client has what this tag names.
pub(crate) fn is_fresh(headers: &HeaderMap, tag: &str) -> bool {
    EntityTags::of(headers, &header::IF_NONE_MATCH).ok().flatten().is_some_and(|tags| tags.weakly(tag))
}

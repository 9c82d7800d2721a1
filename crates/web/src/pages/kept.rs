//! `Kept`: an answer that stays the same until the server is another one, and that clients may keep.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;

use crate::reply::{is_fresh, tag_of};

/// Kept by whoever has it, and asked for again: the same until the server is another one.
const ASK_AGAIN: &str = "public, no-cache";

/// Under an address that names what is in it: it never is anything else.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Something that is served as it is.
pub struct Kept {
    media_type: &'static str,
    bytes: Bytes,
    tag: String,
    policy: Option<&'static str>,
}

impl Kept {
    /// Of this media type.
    pub fn new(media_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { media_type, tag: tag_of(&bytes), bytes, policy: None }
    }

    /// A page, with the policy that says what a browser may load for it.
    pub fn page(html: String, policy: &'static str) -> Self {
        Self { policy: Some(policy), ..Self::new("text/html; charset=utf-8", html) }
    }

    /// What it is called in an address that names what is in it: `/pages.css?v=…`.
    pub fn version(&self) -> &str {
        self.tag.trim_matches('"')
    }

    /// The answer to GET: 304 for whoever has it already.
    pub fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let named = request.query_string().strip_prefix("v=") == Some(self.version());
        let fresh = is_fresh(request.headers(), &self.tag);
        let mut response = if fresh { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        // Weak: the text is the same, compressed or not, and its bytes are not.
        response.insert_header((header::ETAG, format!("W/{}", self.tag)));
        response.insert_header((header::CACHE_CONTROL, HeaderValue::from_static(if named { FOR_EVER } else { ASK_AGAIN })));
        if let Some(policy) = self.policy {
            response.insert_header((header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)));
        }
        if fresh {
            return response.finish();
        }
        response.content_type(self.media_type).body(self.bytes.clone())
    }
}

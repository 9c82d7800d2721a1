//! `IfMatch`: 'do it only if nobody changed it since I read it'.

use std::future::{Ready, ready};

use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, dev};

use crate::Problem;

/// The `If-Match` header. Without it every state matches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IfMatch(Option<Vec<String>>);

impl IfMatch {
    /// Whether the caller sent it: if not, the current representation need not be made.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Whether a representation with this tag is one that the caller accepts. Strong comparison: a weak tag never matches.
    #[must_use]
    pub fn accepts(&self, etag: &str) -> bool {
        self.0.as_ref().is_none_or(|tags| tags.iter().any(|tag| tag == "*" || (tag == etag && !tag.starts_with("W/"))))
    }

    /// Passes if a representation with this tag is one that the caller accepts.
    ///
    /// # Errors
    /// 412.
    pub fn check(&self, etag: &str) -> Result<(), Problem> {
        if self.accepts(etag) {
            return Ok(());
        }
        let detail = "the resource changed since you read it: read it again and repeat the change";
        Err(Problem::new(StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED", detail))
    }
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let mut values = request.headers().get_all(header::IF_MATCH).peekable();
        if values.peek().is_none() {
            return ready(Ok(Self(None)));
        }
        let tags =
            values.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(',')).map(|tag| tag.trim().to_owned());
        ready(Ok(Self(Some(tags.filter(|tag| !tag.is_empty()).collect()))))
    }
}

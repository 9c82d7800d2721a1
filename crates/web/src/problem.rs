//! `Problem`: the one shape of every error answer (RFC 9457, `application/problem+json`).

mod body;
mod faults;
mod from_domain;
pub(crate) mod scim;

use std::borrow::Cow;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use kernel::{Denied, FieldFault, MOST_FAULTS, Permission};
use serde_json::{Map, Value};

pub use body::{FaultBody, ProblemBody};
pub use faults::{FaultReason, Faults};

/// The media type of every error answer.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// An error answer. Made from any domain error with `?`; the root middleware adds `instance` and `requestId`.
#[derive(Debug, Clone)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: Cow<'static, str>,
    errors: Vec<FieldFault>,
    current_state: Option<String>,
    denied: Option<Denied>,
    extra: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    instance: Option<String>,
    request_id: Option<String>,
}

impl Problem {
    /// An answer of `status` with a stable SCREAMING_SNAKE `code` and a `detail` that tells the caller what would be right.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            status,
            code: code.into(),
            detail: detail.into(),
            errors: Vec::new(),
            current_state: None,
            denied: None,
            extra: Map::new(),
            headers: Vec::new(),
            instance: None,
            request_id: None,
        }))
    }

    /// 400: the request cannot be understood.
    pub fn malformed(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401: who are you?
    #[must_use]
    pub(crate) fn unauthenticated() -> Self {
        let detail = "sign in first: send `Authorization: Bearer <accessToken>` or the session cookie";
        Self::new(StatusCode::UNAUTHORIZED, "NOT_AUTHENTICATED", detail).challenge()
    }

    /// 404: absent, or another tenant's: the same words for both.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", "there is nothing here that you may see")
    }

    /// 409: the state does not allow it.
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 422: well-formed, but these fields are wrong.
    #[must_use]
    pub fn invalid(mut errors: Vec<FieldFault>) -> Self {
        errors.truncate(MOST_FAULTS);
        let detail = match errors.as_slice() {
            [one] => Cow::Owned(format!("{}: {}", if one.pointer.is_empty() { "the body" } else { &one.pointer }, one.detail)),
            many => Cow::Owned(format!("{} faults, see `errors`", many.len())),
        };
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "INVALID", detail);
        problem.0.errors = errors;
        problem
    }

    /// 422 with a single fault.
    pub fn invalid_at(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldFault::new(pointer, code, detail)])
    }

    /// 503: something we need does not answer.
    #[must_use]
    pub fn unavailable() -> Self {
        let detail = "a service that this needs does not answer right now: try again after Retry-After seconds";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", detail).retry_after(1)
    }

    /// 500: ours to mend; nothing about it is shown.
    #[must_use]
    pub fn internal() -> Self {
        let detail = "something went wrong on our side; it is logged under this requestId";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", detail)
    }

    /// With a further member of the body.
    #[must_use]
    pub fn with(mut self, member: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.extra.insert(member.into(), value.into());
        self
    }

    /// With the state that is in the way.
    #[must_use]
    pub fn current_state(mut self, state: impl Into<String>) -> Self {
        self.0.current_state = Some(state.into());
        self
    }

    /// With `Retry-After`, in seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// With a response header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Which permission was missing, if this is a refusal.
    #[must_use]
    pub fn denied(&self) -> Option<&Denied> {
        self.0.denied.as_ref()
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The faults of single fields.
    #[must_use]
    pub fn errors(&self) -> &[FieldFault] {
        &self.0.errors
    }

    /// What is wrong, in words.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// With what signing in looks like. RFC 6750 §3.1: whoever sent no token is told of no error.
    pub(crate) fn challenge(self) -> Self {
        self.header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// With the same for whoever sent a token that is worth nothing (any more), if this says so.
    pub(crate) fn token_refused(mut self) -> Self {
        if self.0.status != StatusCode::UNAUTHORIZED {
            return self;
        }
        self.0.headers.retain(|(name, _)| *name != header::WWW_AUTHENTICATE);
        let challenge = "Bearer error=\"invalid_token\", error_description=\"the access token is unknown, or has ended\"";
        self.header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }

    /// 403: the permission is missing.
    pub(crate) fn denied_by(denied: Denied) -> Self {
        let mut problem = Self::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", denied.to_string());
        problem.set_denied(denied);
        problem
    }

    /// 403: what is asked for wants a natural person, and an API key asks.
    pub(crate) fn person_required(permission: Option<Permission>) -> Self {
        let detail = "this wants a natural person, and an API key is none: sign in to do it";
        let mut problem = Self::new(StatusCode::FORBIDDEN, "PERSON_REQUIRED", detail);
        if let Some(permission) = permission {
            problem.set_denied(Denied { permission, project: None });
        }
        problem
    }

    /// 403: a support session asks for what is none of those things that it reads.
    pub(crate) fn not_for_support() -> Self {
        let detail = "a support session reads what is listed for it, and does nothing: this is for the organisation's own people";
        Self::new(StatusCode::FORBIDDEN, "NOT_FOR_SUPPORT", detail)
    }

    /// 403: what is asked for wants a fresh proof of who the caller is. `by` tells what is asked for it.
    pub(crate) fn step_up_required(by: Option<&'static str>) -> Self {
        let detail = "this wants a proof of who you are that is not older than five minutes: POST /api/auth/reauthenticate, then repeat it with the new \
                      token";
        let problem =
            Self::new(StatusCode::FORBIDDEN, "STEP_UP_REQUIRED", detail).with("maxAgeSeconds", auth_api::Session::FRESH_FOR);
        match by {
            Some(by) => problem.with("stepUp", by),
            None => problem,
        }
    }

    /// The same refusal, told as what it is: not the permission is missing, but a second factor.
    pub(crate) fn mfa_required(denied: Denied) -> Self {
        let detail = "your organisation asks for a second factor for this: set one up (POST /api/user/factors/totp)";
        let mut problem = Self::new(StatusCode::FORBIDDEN, "MFA_REQUIRED", detail);
        problem.set_denied(denied);
        problem
    }

    pub(crate) fn set_denied(&mut self, denied: Denied) {
        self.0.denied = Some(denied);
    }

    pub(crate) fn set_errors(&mut self, mut errors: Vec<FieldFault>) {
        errors.truncate(MOST_FAULTS);
        self.0.errors = errors;
    }

    pub(crate) fn complete(&mut self, instance: &str, request_id: &str) {
        self.0.instance = Some(instance.to_owned());
        self.0.request_id = Some(request_id.to_owned());
    }

    /// Where nobody knows what was asked for.
    pub(crate) fn name_request(&mut self, request_id: &str) {
        self.0.request_id = Some(request_id.to_owned());
    }

    /// The body as it goes over the wire.
    #[must_use]
    pub fn body(&self) -> ProblemBody {
        let p = &*self.0;
        ProblemBody {
            kind: type_uri(&p.code),
            title: title(&p.code),
            status: p.status.as_u16(),
            detail: p.detail.to_string(),
            instance: p.instance.clone(),
            code: p.code.to_string(),
            request_id: p.request_id.clone(),
            errors: p.errors.iter().map(FaultBody::from).collect(),
            current_state: p.current_state.clone(),
            missing_permission: p.denied.as_ref().map(|d| d.permission.name().to_owned()),
            extra: p.extra.clone(),
        }
    }
}

/// `TENDER_CLOSED` → `https://14build.dev/problems/tender-closed`.
fn type_uri(code: &str) -> String {
    format!("https://14build.dev/problems/{}", code.to_ascii_lowercase().replace('_', "-"))
}

/// `TENDER_CLOSED` → `Tender closed`.
fn title(code: &str) -> String {
    let mut words = code.to_ascii_lowercase().replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.0.status.as_u16(), self.0.code, self.0.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.0.status);
        for header in &self.0.headers {
            response.append_header(header.clone());
        }
        // A map of strings and numbers always serialises.
        let body = serde_json::to_vec(&self.body()).unwrap_or_default();
        response.insert_header((header::CONTENT_TYPE, PROBLEM_JSON)).body(body)
    }
}

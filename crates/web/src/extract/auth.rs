//! `Authed`: who asks. The root middleware resolves the session once; the extractors only read what it found.

use std::future::{Ready, ready};
use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev};
use auth_api::{Bearer, KEY_PREFIX, LiveKey, SUPPORT_PREFIX, SecretString, Session, Sessions, SupportSession};
use kernel::{ApiKeyId, Ctx, Missing, OrgId, RequestId, SupportSessionId, UserId};

use crate::{Problem, Settings};

/// The name of the session cookie where it is Secure: a browser takes it from this very host over TLS alone, so that no other host of the
/// domain and nobody on the way can plant one (RFC 6265bis §4.1.3.2).
pub const SESSION_COOKIE: &str = "__Host-session";
/// Its name where it is not: in development.
pub const PLAIN_SESSION_COOKIE: &str = "session";

/// The name of the session cookie.
#[must_use]
pub fn session_cookie(secure: bool) -> &'static str {
    if secure { SESSION_COOKIE } else { PLAIN_SESSION_COOKIE }
}

/// By what a request is known.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    /// A person's session.
    Session(Arc<Session>),
    /// An organisation's API key.
    Key(Arc<LiveKey>),
    /// An operator of the platform who looks at an organisation.
    Support(Arc<SupportSession>),
}

impl Credential {
    /// The person; of a key, who made it. Support is none.
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::Session(session) => Some(session.user),
            Self::Key(key) => Some(key.creator),
            Self::Support(_) => None,
        }
    }

    pub fn org(&self) -> OrgId {
        match self {
            Self::Session(session) => session.org,
            Self::Key(key) => key.org,
            Self::Support(support) => support.org,
        }
    }

    pub fn key(&self) -> Option<ApiKeyId> {
        match self {
            Self::Session(_) | Self::Support(_) => None,
            Self::Key(key) => Some(key.by.id),
        }
    }

    pub fn support(&self) -> Option<SupportSessionId> {
        match self {
            Self::Session(_) | Self::Key(_) => None,
            Self::Support(support) => Some(support.id),
        }
    }

    fn ctx(&self, request: RequestId) -> Ctx {
        match self {
            Self::Session(session) => session.ctx(request),
            Self::Key(key) => key.ctx(request),
            Self::Support(support) => support.ctx(request),
        }
    }
}

/// What the root middleware knows about a request, kept in its extensions.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub request: RequestId,
    pub address: Option<IpAddr>,
    /// `None` if the request carries no credentials.
    pub credential: Option<Result<Credential, Problem>>,
    /// The token that it carries, whatever it is worth.
    pub token: Option<SecretString>,
    /// Whether the person of the session proved who they are too long ago for what asks for a fresh proof.
    pub stale: bool,
}

impl Caller {
    /// By what the caller is known, or why they are not.
    fn known(&self) -> Result<&Credential, Problem> {
        match &self.credential {
            Some(credential) => credential.as_ref().map_err(Clone::clone),
            None => Err(Problem::unauthenticated()),
        }
    }

    /// The session, or why there is none. A key has none, nor has support: what ends or changes sessions is for persons.
    fn session(&self) -> Result<&Arc<Session>, Problem> {
        match self.known()? {
            Credential::Session(session) => Ok(session),
            Credential::Key(_) => Err(Problem::person_required(None)),
            Credential::Support(_) => Err(Problem::not_for_support()),
        }
    }

    /// What the caller is known by, if they are.
    pub fn live(&self) -> Option<&Credential> {
        self.credential.as_ref()?.as_ref().ok()
    }

    pub fn ctx(&self) -> Option<Ctx> {
        self.live().map(|known| self.ctx_of(known))
    }

    fn ctx_of(&self, known: &Credential) -> Ctx {
        let ctx = known.ctx(self.request.clone());
        Ctx { missing: Missing { fresh_proof: self.stale, ..ctx.missing }, ..ctx }
    }

    /// By what the session's person proves again who they are.
    pub fn step_up_by(&self) -> Option<&'static str> {
        match self.live()? {
            // The issuer is asked anew: whether the person has a password, or what they show there, is not known here.
            Credential::Session(session) if session.bound => Some("single_sign_on"),
            Credential::Session(session) => Some(if session.factor.has { "second_factor" } else { "password" }),
            Credential::Key(_) | Credential::Support(_) => None,
        }
    }
}

/// The context of a signed-in request, by a session or an API key. 401 without a live one; 403 for a cookie-authenticated write from a foreign
/// origin.
#[derive(Debug, Clone)]
pub struct Authed(pub Ctx);

/// Who asks as with [`Authed`], and for how long what they are known by goes on: for what is made on its strength. 401 as [`Authed`].
#[derive(Debug, Clone)]
pub struct AuthedUntil(pub Bearer);

/// The session itself, for the few routes that end or change it.
#[derive(Debug, Clone)]
pub struct CurrentSession(pub Arc<Session>);

/// The session with the token that was presented for it: for the one verb whose answer holds a secret, and that yet can be repeated. 401 as [`Authed`].
#[derive(Debug, Clone)]
pub struct Presented {
    /// The session.
    pub session: Arc<Session>,
    /// The token.
    pub token: Option<SecretString>,
}

/// The request's id, the client's address and what it calls itself, for routes without a session and those that begin one.
#[derive(Debug, Clone)]
pub struct RequestInfo {
    /// The request's id.
    pub request: RequestId,
    /// The client's address, as far as it can be known.
    pub address: Option<IpAddr>,
    /// The beginning of its `User-Agent`, which may say anything.
    pub agent: Option<String>,
}

/// So much of a `User-Agent` is looked at.
const MOST_OF_AGENT: usize = 512;

fn agent(headers: &HeaderMap) -> Option<String> {
    // Visible ASCII, so that it can be cut anywhere.
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(text[..text.len().min(MOST_OF_AGENT)].to_owned())
}

impl FromRequest for Authed {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(with_caller(request, |caller| caller.known().map(|known| Self(caller.ctx_of(known)))))
    }
}

impl FromRequest for AuthedUntil {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(with_caller(request, |caller| {
            let known = caller.known()?;
            let (until, authenticated_at) = match known {
                Credential::Session(session) => (session.expires_at, Some(session.authenticated_at)),
                Credential::Key(key) => (key.until, None),
                // Nothing is made on its strength.
                Credential::Support(_) => return Err(Problem::not_for_support()),
            };
            Ok(Self(Bearer { ctx: caller.ctx_of(known), until, authenticated_at }))
        }))
    }
}

impl FromRequest for CurrentSession {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(with_caller(request, |caller| caller.session().map(|session| Self(Arc::clone(session)))))
    }
}

impl FromRequest for Presented {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(with_caller(request, |caller| {
            caller.session().map(|session| Self { session: Arc::clone(session), token: caller.token.clone() })
        }))
    }
}

impl FromRequest for RequestInfo {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(with_caller(request, |caller| {
            Ok(Self { request: caller.request.clone(), address: caller.address, agent: agent(request.headers()) })
        }))
    }
}

pub(crate) fn with_caller<T>(request: &HttpRequest, f: impl FnOnce(&Caller) -> Result<T, Problem>) -> Result<T, Problem> {
    match request.extensions().get::<Caller>() {
        Some(caller) => f(caller),
        None => {
            tracing::error!("the root middleware is missing: build the App with web::app");
            Err(Problem::internal())
        }
    }
}

/// Finds by what a request is known, and the token by which it asked. An API key, or the token of support, is sent as a bearer token alone: no browser brings
/// one along.
pub(crate) async fn resolve(
    sessions: &dyn Sessions,
    method: &Method,
    headers: &HeaderMap,
    address: Option<IpAddr>,
    settings: &Settings,
) -> (Result<Credential, Problem>, Option<SecretString>) {
    let (token, by_cookie) = match presented(headers, settings) {
        Ok(presented) => presented,
        Err(problem) => return (Err(problem), None),
    };
    let kept = Some(SecretString::from(token.to_owned()));
    if by_cookie && !method.is_safe() && !same_site(headers, settings) {
        let detail = "a write with the session cookie must come from an allowed origin: send `Authorization: Bearer` instead";
        return (Err(Problem::new(StatusCode::FORBIDDEN, "ORIGIN_NOT_ALLOWED", detail)), None);
    }
    let refused = |error: auth_api::Error| {
        let problem = Problem::from(error);
        if by_cookie { problem } else { problem.token_refused() }
    };
    let found = if !by_cookie && token.starts_with(SUPPORT_PREFIX) {
        sessions.resolve_support(token).await.map(Credential::Support)
    } else if !by_cookie && token.starts_with(KEY_PREFIX) {
        sessions.resolve_key(token, address).await.map(Credential::Key)
    } else {
        sessions.resolve(token).await.map(Credential::Session)
    };
    (found.map_err(refused), kept)
}

/// The token, and whether it came as a cookie.
fn presented<'a>(headers: &'a HeaderMap, settings: &Settings) -> Result<(&'a str, bool), Problem> {
    let bearer = match headers.get(header::AUTHORIZATION) {
        Some(value) => Some(value.to_str().ok().and_then(bearer_token).ok_or_else(Problem::unauthenticated)?),
        None => None,
    };
    match bearer {
        Some(token) => Ok((token, false)),
        None => Ok((cookie(headers, session_cookie(settings.secure_cookie)).ok_or_else(Problem::unauthenticated)?, true)),
    }
}

fn bearer_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The session cookie. Two of its name that differ name nobody: one of them was planted, and which one cannot be seen.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers.get_all(header::COOKIE).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let values = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(given, _)| *given == name).map(|(_, value)| value);
    let mut values = values.filter(|value| !value.is_empty());
    let first = values.next()?;
    values.all(|other| other == first).then_some(first)
}

/// Whether this may use the cookie to write: it comes from a page of ours or of an allowed origin, or from no page at all. Browsers name
/// the origin of every write, so one that names none is a program, which no foreign page can steer. A page that sends no `Referer`, as ours, names
/// its origin `null`, and is known by what browsers say of where a request comes from (Fetch Metadata).
fn same_site(headers: &HeaderMap, settings: &Settings) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let referer = || text(header::REFERER).map(|referer| origin_of(referer).unwrap_or("null"));
    let Some(origin) = text(header::ORIGIN).or_else(referer) else {
        return headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none");
    };
    if origin == "null" {
        return headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    }
    is_own_origin(origin, settings.public_origin.as_deref(), headers)
        || settings.allowed_origins.iter().any(|allowed| allowed == origin)
}

/// Whether an origin is ours: the one under which clients reach us. Where nobody said which that is, the one that the request was sent to.
pub(super) fn is_own_origin(origin: &str, public: Option<&str>, headers: &HeaderMap) -> bool {
    let host = || headers.get(header::HOST).and_then(|value| value.to_str().ok());
    match public {
        Some(public) => origin == public,
        None => origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host()),
    }
}

/// `https://example.com/page` → `https://example.com`.
fn origin_of(url: &str) -> Option<&str> {
    let start = url.find("://")? + 3;
    let length = url[start..].find('/').unwrap_or(url.len() - start);
    Some(&url[..start + length])
}

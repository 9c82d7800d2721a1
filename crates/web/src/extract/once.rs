//! `Idempotent`: runs a verb at most once per `Idempotency-Key` and answers a repetition with the first answer.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, dev};
use futures::future::LocalBoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{Answer, Ctx, DomainError, FaultKind, IdempotencyKey, Once};
use sha2::Sha256;

use super::NoBody;
use super::body::ReadBody;
use crate::{Problem, Routes, reply};

/// The name of the header.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The client's `Idempotency-Key`, if it sent one. Every POST handler takes it and hands its verb to [`Idempotent::run`]. If the route
/// documents no body, one that is sent all the same is read as by [`NoBody`].
#[derive(Debug, Clone)]
pub struct Idempotent {
    key: Option<String>,
    request: HttpRequest,
}

impl Idempotent {
    /// Runs `verb` and renders what it returns. With a key, the answer is stored in the transaction of the effect, and a repetition gets
    /// that answer; `render` must therefore depend on the result alone.
    ///
    /// # Errors
    /// The verb's own; 409 while the first request with this key still runs; 422 if the key was used for another request.
    pub async fn run<T, E, R>(
        self,
        ctx: Ctx,
        verb: impl AsyncFnOnce(Ctx) -> Result<T, E>,
        render: impl Fn(&T) -> R + Send + Sync + 'static,
    ) -> Result<HttpResponse, Problem>
    where
        T: 'static,
        E: DomainError,
        R: Into<Answer>,
    {
        let render = move |value: &T| render(value).into();
        let Some(key) = self.key else {
            return Ok(reply::response(render(&verb(ctx).await?), false));
        };
        let Some(secret) = self.request.app_data::<FingerprintKey>() else {
            tracing::error!("the fingerprint key is missing: build the App with web::app");
            return Err(Problem::internal());
        };
        let fingerprint = secret.fingerprint(&self.request);
        let render = Arc::new(render);
        let once = Arc::new(Once::new(IdempotencyKey { key, fingerprint }, {
            let render = Arc::clone(&render);
            move |value: &T| render(value)
        }));
        match verb(ctx.with_once(Arc::clone(&once))).await {
            // The stored answer if there is one: what a repetition gets is what the first got.
            Ok(value) => Ok(reply::response(once.answer().unwrap_or_else(|| render(&value)), false)),
            Err(error) => match error.fault().map(kernel::Fault::kind) {
                Some(FaultKind::Replayed(answer)) => Ok(reply::replayed(answer)),
                _ => Err(error.into()),
            },
        }
    }
}

/// The secret under which requests are fingerprinted: whoever reads the database, where the fingerprints are, cannot guess a body (the
/// rates of a sealed bid) by trying. It is to be the same in every process of a deployment, and not in the database.
#[derive(Clone)]
pub struct FingerprintKey(Hmac<Sha256>);

impl FingerprintKey {
    /// A key for this purpose alone, derived from a secret that may serve others too.
    #[must_use]
    pub fn derived(secret: &[u8]) -> Self {
        let purpose = keyed(secret).chain_update(b"14build/idempotency-fingerprint").finalize();
        Self(keyed(&purpose.into_bytes()))
    }

    /// A key that dies with this process.
    #[must_use]
    pub fn random() -> Self {
        Self(keyed(&rand::random::<[u8; 32]>()))
    }

    /// HMAC-SHA-256 over method, path with query, and body; lengths first, so that no part can pass for another.
    fn fingerprint(&self, request: &HttpRequest) -> [u8; 32] {
        let path = request.uri().path_and_query().map_or(request.path(), |path| path.as_str());
        let extensions = request.extensions();
        let body = extensions.get::<ReadBody>().map_or(&[][..], |body| &body.0);
        let mut mac = self.0.clone();
        for part in [request.method().as_str().as_bytes(), path.as_bytes(), body] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    match Hmac::new_from_slice(secret) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of any length (RFC 2104)"),
    }
}

impl FromRequest for Idempotent {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let key = key_of(request);
        // Nobody else will read a body that the route does not document.
        let no_body = (!takes_body(request)).then(|| NoBody::from_request(request, payload));
        let request = request.clone();
        Box::pin(async move {
            let key = key?;
            if let Some(no_body) = no_body {
                no_body.await?;
            }
            Ok(Self { key, request })
        })
    }
}

fn key_of(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let Some(value) = request.headers().get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) => Ok(Some(key.to_owned())),
        _ => {
            let detail = "Idempotency-Key must be 1 to 255 visible ASCII characters without spaces, such as a UUID";
            Err(Problem::new(StatusCode::BAD_REQUEST, "IDEMPOTENCY_KEY_INVALID", detail))
        }
    }
}

fn takes_body(request: &HttpRequest) -> bool {
    let routes = request.app_data::<Arc<Routes>>().zip(request.match_pattern());
    routes.is_none_or(|(routes, path)| routes.takes_body(request.method(), &path))
}

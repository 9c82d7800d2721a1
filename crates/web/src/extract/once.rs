//! `Idempotent`: runs a verb at most once per `Idempotency-Key` and answers a repetition with the first answer.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, dev};
use kernel::{Answer, Ctx, DomainError, FaultKind, IdempotencyKey, Once};
use sha2::{Digest, Sha256};

use super::body::ReadBody;
use crate::{Problem, reply};

/// The name of the header.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The client's `Idempotency-Key`, if it sent one. Every POST handler takes it and hands its verb to [`Idempotent::run`].
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
        let fingerprint = fingerprint(&self.request);
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

/// SHA-256 over method, path with query, and body; lengths first, so that no part can pass for another.
fn fingerprint(request: &HttpRequest) -> [u8; 32] {
    let path = request.uri().path_and_query().map_or(request.path(), |path| path.as_str());
    let extensions = request.extensions();
    let body = extensions.get::<ReadBody>().map_or(&[][..], |body| &body.0);
    let mut hash = Sha256::new();
    for part in [request.method().as_str().as_bytes(), path.as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

impl FromRequest for Idempotent {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let key = match request.headers().get(IDEMPOTENCY_KEY) {
            None => None,
            Some(value) => match value.to_str() {
                Ok(key) if (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) => Some(key.to_owned()),
                _ => {
                    let detail = "Idempotency-Key must be 1 to 255 visible ASCII characters without spaces, such as a UUID";
                    return ready(Err(Problem::new(StatusCode::BAD_REQUEST, "IDEMPOTENCY_KEY_INVALID", detail)));
                }
            },
        };
        ready(Ok(Self { key, request: request.clone() }))
    }
}

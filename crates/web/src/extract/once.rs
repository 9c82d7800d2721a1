//! `Idempotent`: runs a verb at most once per `Idempotency-Key` and answers a repetition with the first answer.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev};
use auth_api::Authorizer;
use futures::future::LocalBoxFuture;
use kernel::{Answer, Ctx, DomainError, FaultKind, IdempotencyKey, Once, Scope};

use super::NoBody;
use super::answers::{IdempotencySecret, Kept};
use crate::{Guard, Problem, Routes, reply};

/// The name of the header.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The client's `Idempotency-Key`, if it sent one. Every POST handler takes it and hands its verb to [`Idempotent::run`]. If the route
/// documents no body, one that is sent all the same is read as by [`NoBody`].
#[derive(Debug, Clone)]
pub struct Idempotent {
    key: Option<String>,
    request: HttpRequest,
}

impl Idempotent {
    /// The key, for the one verb whose answer is not stored but derived again.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Runs `verb` and renders what it returns. With a key, the answer is stored, sealed, in the transaction of the effect, and a repetition
    /// gets that answer if its caller is still allowed what the first was; `render` must therefore depend on the result alone.
    ///
    /// # Errors
    /// The verb's own; 403 for a repetition by somebody who may no longer do it; 409 while the first request with this key still runs;
    /// 422 if the key was used for another request.
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
        let Some(secret) = self.request.app_data::<IdempotencySecret>() else {
            tracing::error!("the secret of idempotency keys is missing: build the App with web::app");
            return Err(Problem::internal());
        };
        let key = IdempotencyKey { key, fingerprint: secret.fingerprint(&self.request) };
        let render = Arc::new(render);
        let once = Arc::new(Once::with_granted(key.clone(), {
            let (render, secret, key) = (Arc::clone(&render), secret.clone(), key.clone());
            move |value: &T, granted| secret.seal(&key, render(value), granted)
        }));
        match verb(ctx.clone().with_once(Arc::clone(&once))).await {
            // The stored answer if there is one: what a repetition gets is what the first got.
            Ok(value) => match once.answer() {
                Some(sealed) => Ok(reply::response(secret.open(&key, sealed).ok_or_else(unreadable)?.answer, false)),
                None => Ok(reply::response(render(&value), false)),
            },
            Err(error) => match error.fault().map(kernel::Fault::kind) {
                Some(FaultKind::Replayed(sealed)) => {
                    let kept = secret.open(&key, sealed.clone()).ok_or_else(unreadable)?;
                    still_allowed(&self.request, &ctx, &kept)?;
                    Ok(reply::replayed(&kept.answer))
                }
                _ => Err(error.into()),
            },
        }
    }
}

/// Passes if the caller still holds every permission by which the first request was allowed, and the one that the route asks for.
fn still_allowed(request: &HttpRequest, ctx: &Ctx, kept: &Kept) -> Result<(), Problem> {
    let Some(Authority(authorizer)) = request.app_data::<Authority>() else {
        tracing::error!("nobody can tell whether a repetition is still allowed: give AppDeps its authorizer");
        return Err(Problem::internal());
    };
    let guard = request.app_data::<Arc<Routes>>().zip(request.match_pattern());
    if let Some(Guard::Permission(permission)) = guard.and_then(|(routes, path)| routes.guard_of(request.method(), &path)) {
        authorizer.check(ctx, *permission, Scope::AnyProject).map_err(Problem::denied_by)?;
    }
    if kept.granted.is_empty() {
        return Ok(());
    }
    let known = authorizer.permissions(&Ctx::system(ctx.org, ctx.request.clone()));
    for (name, scope) in &kept.granted {
        // A permission that is no more was renamed by an upgrade: who holds it now, nobody can say.
        let permission = known.iter().find(|known| known.name() == name).ok_or_else(unreadable)?;
        authorizer.check(ctx, *permission, (*scope).into()).map_err(Problem::denied_by)?;
    }
    Ok(())
}

fn unreadable() -> Problem {
    let detail =
        "the answer to this Idempotency-Key cannot be given again: look whether its effect is there, then use a fresh key";
    Problem::conflict("IDEMPOTENCY_ANSWER_LOST", detail)
}

/// Who tells whether a repetition is still allowed.
#[derive(Clone)]
pub(crate) struct Authority(pub Arc<dyn Authorizer>);

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
    let key = value.to_str().ok().and_then(unquoted);
    match key.filter(|key| (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())) {
        Some(key) => Ok(Some(key.into_owned())),
        None => {
            let detail = "Idempotency-Key must be 1 to 255 visible ASCII characters without spaces, such as a UUID, bare or in double quotes";
            Err(Problem::new(StatusCode::BAD_REQUEST, "IDEMPOTENCY_KEY_INVALID", detail))
        }
    }
}

/// The key as it is meant: `"abc"`, a string of structured fields (RFC 9651 §3.3.3) as the draft of the header has it, is `abc`.
fn unquoted(text: &str) -> Option<Cow<'_, str>> {
    let Some(rest) = text.strip_prefix('"') else { return Some(Cow::Borrowed(text)) };
    let mut key = String::with_capacity(rest.len());
    let mut rest = rest.chars();
    loop {
        match rest.next()? {
            // Nothing may follow: parameters that we do not know could say anything.
            '"' => return rest.next().is_none().then_some(Cow::Owned(key)),
            '\\' => key.push(rest.next().filter(|c| matches!(c, '"' | '\\'))?),
            c => key.push(c),
        }
    }
}

fn takes_body(request: &HttpRequest) -> bool {
    let routes = request.app_data::<Arc<Routes>>().zip(request.match_pattern());
    routes.is_none_or(|(routes, path)| routes.takes_body(request.method(), &path))
}

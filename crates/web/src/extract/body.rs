//! `Body<T>`: a JSON body, read whole, checked whole. Also `Patch<T>` and `RawBody`.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::error::PayloadError;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::future::LocalBoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::crowd::Waiting;
use crate::{Problem, Routes, json};

/// The JSON body as a `T`. In handlers use it under the name [`crate::Json`]: utoipa then documents the request body by itself.
///
/// 413 over the limit, 415 for another media type, 400 if it is not JSON, 422 with every fault if it is not a `T`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body<T>(pub T);

/// A merge patch (RFC 7396) of the representation `T` that PUT takes: `application/merge-patch+json` or `application/json`.
#[derive(Debug, Clone)]
pub struct Patch<T> {
    bytes: Bytes,
    target: PhantomData<T>,
}

impl<T: DeserializeOwned + ToSchema + 'static> Patch<T> {
    /// The patch applied to `current`, which serialises as the representation that PUT takes.
    ///
    /// # Errors
    /// 400 and 422 as for [`Body`].
    pub fn apply(&self, current: &impl Serialize) -> Result<T, Problem> {
        json::merge_patch(current, &self.bytes)
    }
}

/// The body's bytes, of any media type, within the limit. For webhooks, whose signature is over the bytes.
#[derive(Debug, Clone)]
pub struct RawBody(pub Bytes);

/// What bodies may cost unless their route says otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    /// How long one may be.
    pub bytes: usize,
    /// How long its next piece is waited for.
    pub idle: Duration,
    /// How long the whole is waited for.
    pub total: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { bytes: 1 << 20, idle: Duration::from_secs(15), total: Duration::from_secs(120) }
    }
}

/// The body that an extractor has read, for [`crate::Idempotent`]'s fingerprint.
#[derive(Debug, Clone)]
pub(crate) struct ReadBody(pub Bytes);

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            check_media_type(&request, &["application/json"])?;
            json::parse(&read(&request, payload).await?).map(Self)
        })
    }
}

impl<T: 'static> FromRequest for Patch<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            check_media_type(&request, &["application/merge-patch+json", "application/json"])?;
            Ok(Self { bytes: read(&request, payload).await?, target: PhantomData })
        })
    }
}

impl FromRequest for RawBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { read(&request, payload).await.map(Self) })
    }
}

pub(super) fn check_media_type(request: &HttpRequest, allowed: &[&str]) -> Result<(), Problem> {
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = given.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let utf8 =
        parts.filter_map(|part| part.split_once('=')).filter(|(name, _)| name.eq_ignore_ascii_case("charset")).all(|(_, set)| {
            let set = set.trim_matches('"');
            set.eq_ignore_ascii_case("utf-8") || set.eq_ignore_ascii_case("utf8")
        });
    if utf8 && allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(media_type)) {
        return Ok(());
    }
    let detail = format!("the body must be sent as `Content-Type: {}`, in UTF-8", allowed.join("` or `"));
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", detail))
}

/// Reads the body within its limit and keeps it for the fingerprint of the idempotency key.
pub(super) async fn read(request: &HttpRequest, mut payload: dev::Payload) -> Result<Bytes, Problem> {
    if let Some(encoding) = request.headers().get(header::CONTENT_ENCODING)
        && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        let detail = "send the body as it is, without Content-Encoding";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_CONTENT_ENCODING", detail));
    }
    let limits = request.app_data::<BodyLimits>().copied().unwrap_or_default();
    let mut limit = limits.bytes;
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.unwrap_or(usize::MAX) > limit {
        // Only big and chunked bodies pay for the look-up of their route's own limit.
        limit = own_limit(request).unwrap_or(limit);
    }
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let waiting = Waiting::begin(request);
    let bytes = collect(&mut payload, limit, &limits).await?;
    drop(waiting);
    request.extensions_mut().insert(ReadBody(bytes.clone()));
    Ok(bytes)
}

/// Most bodies come in one piece, which is taken as it is.
async fn collect(payload: &mut dev::Payload, limit: usize, limits: &BodyLimits) -> Result<Bytes, Problem> {
    let mut whole = Bytes::new();
    let mut pieces = BytesMut::new();
    let end = Instant::now() + limits.total;
    while let Some(chunk) = next(payload, end.min(Instant::now() + limits.idle)).await? {
        let chunk = chunk.map_err(|error| {
            tracing::debug!(%error, "the body broke off");
            Problem::malformed("BODY_INCOMPLETE", "the body broke off before its end")
        })?;
        if whole.len() + pieces.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        if whole.is_empty() && pieces.is_empty() {
            whole = chunk;
            continue;
        }
        pieces.extend_from_slice(&std::mem::take(&mut whole));
        pieces.extend_from_slice(&chunk);
    }
    Ok(if pieces.is_empty() { whole } else { pieces.freeze() })
}

/// The next piece of the body; 408 if it does not come in time.
async fn next(payload: &mut dev::Payload, until: Instant) -> Result<Option<Result<Bytes, PayloadError>>, Problem> {
    let wait = until.saturating_duration_since(Instant::now());
    actix_web::rt::time::timeout(wait, payload.next()).await.map_err(|_| {
        let detail = "the body did not come in time: send the request again, and the body without pauses";
        Problem::new(StatusCode::REQUEST_TIMEOUT, "BODY_TIMEOUT", detail)
    })
}

fn own_limit(request: &HttpRequest) -> Option<usize> {
    request.app_data::<Arc<Routes>>()?.body_limit_of(request.method(), &request.match_pattern()?)
}

fn too_large(limit: usize) -> Problem {
    let detail = format!("the body may have at most {limit} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", detail).with("limit", limit)
}

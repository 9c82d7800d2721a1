//! `NoBody` and `OptionalBody<T>`: bodies that may be left away, and what is sent all the same is checked.

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev};
use bytes::Bytes;
use futures::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::body::{ReadBody, check_media_type, read};
use crate::{Problem, json};

/// A verb without a body: nothing, or `{}`. Whoever sends a field believes that it counts, so it is refused as everywhere.
///
/// [`crate::Idempotent`] sees to it by itself on routes that document no body; elsewhere a handler lists this extractor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoBody;

/// A JSON body that may be left away: nothing means `{}`. Document it with `request_body = T`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionalBody<T>(pub T);

impl FromRequest for NoBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            if let Some(bytes) = given(&request, payload).await? {
                json::parse_nothing(&bytes)?;
            }
            // `{}` and nothing are the same request.
            request.extensions_mut().remove::<ReadBody>();
            Ok(Self)
        })
    }
}

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for OptionalBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = given(&request, payload).await?;
            json::parse(bytes.as_deref().unwrap_or(b"{}")).map(Self)
        })
    }
}

/// The JSON text that was sent, if something was.
async fn given(request: &HttpRequest, payload: dev::Payload) -> Result<Option<Bytes>, Problem> {
    let bytes = read(request, payload).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    check_media_type(request, &["application/json"])?;
    Ok(Some(bytes))
}

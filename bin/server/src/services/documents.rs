//! The OpenAPI document made from all routes.

use utoipa::openapi::{Info, License, OpenApi};

use crate::modules::routes;

const DESCRIPTION: &str = "Tenders, contracts and protected payments for construction companies.\n\n\
    Sign in with `POST /api/auth/register` or `/api/auth/login` and send the `accessToken` as a bearer token; browsers use the `session` \
    cookie. Every error is a problem (RFC 9457) with a stable `code`. A POST that lists an \
    `Idempotency-Key` can be repeated safely under it. Lists are walked by `nextCursor`.";

/// The document of the routes, and of health.
#[must_use]
pub fn document(routes: &web::Routes) -> OpenApi {
    let mut info = Info::new("14Build", env!("CARGO_PKG_VERSION"));
    info.description = Some(DESCRIPTION.to_owned());
    info.license = Some(License::new("MIT OR Apache-2.0"));
    let mut document = routes.openapi(info);
    web::describe_health(&mut document);
    document
}

/// The document as pretty JSON.
///
/// # Errors
/// If it cannot be written.
pub fn openapi_json() -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&web::docs::stable(&document(&routes())))?)
}

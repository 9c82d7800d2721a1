//! The OpenAPI document made from all routes.

use utoipa::openapi::info::{ContactBuilder, LicenseBuilder};
use utoipa::openapi::server::ServerBuilder;
use utoipa::openapi::{Info, OpenApi};

use crate::modules::routes;

const DESCRIPTION: &str = "Tenders, contracts and protected payments for construction companies.\n\n\
    Sign in with `POST /api/auth/register` or `/api/auth/login` and send the `accessToken` as a bearer token; browsers use the `session` \
    cookie. Every error is a problem (RFC 9457) with a stable `code`. A POST that lists an \
    `Idempotency-Key` can be repeated safely under it. Lists are walked by `nextCursor`.";

/// As an SPDX expression.
const LICENCE: &str = "MIT OR Apache-2.0";

/// The document of the routes, and of health.
#[must_use]
pub fn document(routes: &web::Routes) -> OpenApi {
    let mut info = Info::new("14Build", env!("CARGO_PKG_VERSION"));
    info.description = Some(DESCRIPTION.to_owned());
    info.license = Some(LicenseBuilder::new().name(LICENCE).identifier(Some(LICENCE)).build());
    info.contact = Some(ContactBuilder::new().name(Some("14Build")).url(Some("https://14build.dev")).build());
    let mut openapi = routes.openapi(info);
    web::describe_health(&mut openapi);
    // The same document is served wherever the server is: what it says of itself is relative to that.
    let here = ServerBuilder::new().url("/").description(Some("The server that this document comes from.")).build();
    openapi.servers = Some(vec![here]);
    openapi
}

/// The document as pretty JSON.
///
/// # Errors
/// If it cannot be written.
pub fn openapi_json() -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&web::docs::stable(&document(&routes())))?)
}

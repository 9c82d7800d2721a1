//! All routes, and the OpenAPI document made from them.

use utoipa::openapi::{Info, License, OpenApi};

const DESCRIPTION: &str = "Tenders, contracts and protected payments for construction companies.\n\n\
    Sign in with `POST /api/auth/register` or `/api/auth/login` and send the `accessToken` as a bearer token; browsers use the `session` \
    cookie. Every error is a problem (RFC 9457) with a stable `code`. Every POST takes an `Idempotency-Key`. Lists are walked by `nextCursor`.";

/// Every route of every domain.
#[must_use]
pub fn routes() -> web::Routes {
    let mut routes = web::Routes::new();
    users::routes(&mut routes);
    tenants::routes(&mut routes);
    projects::routes(&mut routes);
    tenders::routes(&mut routes);
    escrow::routes(&mut routes);
    audit::routes(&mut routes);
    routes
}

/// The document of the routes.
#[must_use]
pub fn document(routes: &web::Routes) -> OpenApi {
    let mut info = Info::new("14Build", env!("CARGO_PKG_VERSION"));
    info.description = Some(DESCRIPTION.to_owned());
    info.license = Some(License::new("MIT OR Apache-2.0"));
    routes.openapi(info)
}

/// The document as pretty JSON.
///
/// # Errors
/// If it cannot be written.
pub fn openapi_json() -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&web::docs::stable(&document(&routes())))?)
}

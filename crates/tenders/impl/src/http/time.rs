//! The clock that decides deadlines.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use serde::Serialize;
use tenders_api::Tenders;
use utoipa::ToSchema;
use web::{Authed, Problem, Reply};

/// What time it is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ServerTime {
    /// By the database's clock.
    server_time: DateTime<Utc>,
}

/// Read the server's time.
///
/// The clock that decides deadlines: compare yours with it before the last minute of a tender.
#[utoipa::path(responses((status = 200, description = "The server's time", body = ServerTime)))]
#[get("/api/time")]
pub(super) async fn now(Authed(ctx): Authed, service: Data<dyn Tenders>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&ServerTime { server_time: service.server_time(&ctx).await? }).response())
}

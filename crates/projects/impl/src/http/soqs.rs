//! `/api/soq`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put};
use kernel::ProjectId;
use projects_api::{NewSoq, Soq, SoqChange, SoqFilter, SoqId, Soqs};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;
use web::{Authed, Id, Idempotent, IfMatch, Json, List, Listing, Paging, Problem, Reply};

use self::dto::{SoqChangeIn, SoqIn, SoqOut, SoqSummaryOut, Status};

mod dto;

fn tag(soq: &Soq) -> String {
    web::etag(&SoqOut::from(soq))
}

fn created(soq: &Soq) -> Reply {
    Reply::created(format!("/api/soq/{}", soq.id), &SoqOut::from(soq)).etag()
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ListQuery {
    /// Only schedules of this project.
    project_id: Option<Uuid>,
    /// Only schedules of this status.
    #[param(inline)]
    status: Option<Status>,
}

/// List schedules of quantities.
///
/// Every version is an item, without its lines.
#[utoipa::path(params(ListQuery, Paging), responses((status = 200, description = "Newest first", body = List<SoqSummaryOut>)))]
#[get("/api/soq")]
pub(crate) async fn list(
    Authed(ctx): Authed,
    listing: Listing<ListQuery>,
    service: Data<dyn Soqs>,
) -> Result<HttpResponse, Problem> {
    let ListQuery { project_id, status } = &listing.filter;
    let filter = SoqFilter { project: project_id.map(ProjectId), status: status.map(|status| status.0) };
    let page = service.list(&ctx, filter, listing.page()).await?;
    Ok(listing.reply(page, SoqSummaryOut::from))
}

/// Create a schedule of quantities.
///
/// Version 1, a draft. `unitCode` takes a code of UNECE Recommendation 20 or 21, which is what it says, or a usual spelling (`m2`, `qm`,
/// `sqm`, `psch`, …) that is not some other code in small letters; `unitText` takes any, and finds the code of every usual spelling (`stk`,
/// `nr`, `rm`, …). A unit that is not known is kept as `unitText`. Lump sums and provisional sums have the quantity 1, which may be left out.
#[utoipa::path(responses(
    (status = 201, description = "The new schedule", body = SoqOut<'_>),
    (status = 404, description = "There is no such project")
))]
#[post("/api/soq")]
pub(crate) async fn create(
    Authed(ctx): Authed,
    once: Idempotent,
    service: Data<dyn Soqs>,
    body: Json<SoqIn>,
) -> Result<HttpResponse, Problem> {
    let new = NewSoq::from(body.0);
    once.run(ctx, async |ctx| service.create(&ctx, new).await, created).await
}

/// Read a schedule of quantities.
///
/// One version with all its lines and the owner's estimates: never shown to bidders.
#[utoipa::path(responses((status = 200, description = "The schedule with its lines in order", body = SoqOut<'_>)))]
#[get("/api/soq/{id}")]
pub(crate) async fn read(
    Authed(ctx): Authed,
    Id(id): Id<SoqId>,
    request: HttpRequest,
    service: Data<dyn Soqs>,
) -> Result<HttpResponse, Problem> {
    Ok(web::single(&request, &SoqOut::from(&service.get(&ctx, id).await?)))
}

/// Replace a draft's title and lines.
///
/// A line with the `id` that it has keeps its identity; a line without one is new; a line left out is gone.
#[utoipa::path(responses(
    (status = 200, description = "The changed schedule", body = SoqOut<'_>),
    (status = 409, description = "`SOQ_FROZEN`: make a new version of it"),
    (status = 422, description = "Every fault: such as `IMMUTABLE` at /projectId, as a schedule stays in its project")
))]
#[put("/api/soq/{id}")]
pub(crate) async fn replace(
    Authed(ctx): Authed,
    Id(id): Id<SoqId>,
    if_match: IfMatch,
    service: Data<dyn Soqs>,
    body: Json<SoqChangeIn>,
) -> Result<HttpResponse, Problem> {
    let unchanged = if_match.unchanged(tag);
    let soq = service.update(&ctx, id, SoqChange::from(body.0), unchanged.as_deref()).await?;
    Ok(Reply::ok(&SoqOut::from(&soq)).etag().response())
}

/// Delete a draft.
///
/// A frozen version never goes.
#[utoipa::path(responses(
    (status = 204, description = "It is gone"),
    (status = 409, description = "`SOQ_FROZEN`: it stays; `SOQ_IN_USE`: a tender uses it")
))]
#[delete("/api/soq/{id}")]
pub(crate) async fn remove(
    Authed(ctx): Authed,
    Id(id): Id<SoqId>,
    if_match: IfMatch,
    service: Data<dyn Soqs>,
) -> Result<HttpResponse, Problem> {
    let unchanged = if_match.unchanged(tag);
    service.delete(&ctx, id, unchanged.as_deref()).await?;
    Ok(Reply::no_content().response())
}

/// Freeze a draft.
///
/// It needs at least one line that can be priced. From then on it never changes: the next change is a new version. Units that are not
/// known do not hinder the freezing, but a tender with them cannot be published.
#[utoipa::path(responses(
    (status = 200, description = "The frozen schedule", body = SoqOut<'_>),
    (status = 409, description = "`SOQ_FROZEN`: it is already; `STATE_CONFLICT`: nothing in it can be priced")
))]
#[post("/api/soq/{id}/freeze")]
pub(crate) async fn freeze(
    Authed(ctx): Authed,
    Id(id): Id<SoqId>,
    once: Idempotent,
    service: Data<dyn Soqs>,
) -> Result<HttpResponse, Problem> {
    once.run(ctx, async |ctx| service.freeze(&ctx, id).await, |soq: &Soq| Reply::ok(&SoqOut::from(soq)).etag()).await
}

/// Make the next version of a frozen schedule.
///
/// A draft with the same lines, each with its `id`: a line is the same line in all versions.
#[utoipa::path(responses(
    (status = 201, description = "The new version", body = SoqOut<'_>),
    (status = 409, description = "`STATE_CONFLICT`: it is a draft; `SOQ_SUPERSEDED`: there is a newer version")
))]
#[post("/api/soq/{id}/versions")]
pub(crate) async fn new_version(
    Authed(ctx): Authed,
    Id(id): Id<SoqId>,
    once: Idempotent,
    service: Data<dyn Soqs>,
) -> Result<HttpResponse, Problem> {
    once.run(ctx, async |ctx| service.new_version(&ctx, id).await, created).await
}

//! `/api/projects`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use chrono::{DateTime, NaiveDate, Utc};
use kernel::ProjectId;
use projects_api::{Error, Project, ProjectChange, ProjectDetails, ProjectStatus, Projects};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{
    AmountIn, Authed, CurrencyCode, Faults, Id, Idempotent, IfMatch, Json, List, Listing, OneOf, Paging, Patch, Problem, Reply,
};

use crate::model::project as rules;

type Status = OneOf<ProjectStatus>;

/// A project to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewProject, example = json!({
    "name": "Villa am See", "description": "A house with a boathouse", "address": "Seestraße 1, 82319 Starnberg", "currency": "EUR",
    "budget": "1250000.00", "startsOn": "2099-05-01", "endsOn": "2100-10-31"
}))]
pub(crate) struct ProjectIn {
    /// What it is called.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What is built; may be left out.
    #[schema(max_length = 4000)]
    description: Option<String>,
    /// Where it is built; may be left out.
    #[schema(max_length = 500)]
    address: Option<String>,
    /// The currency of everything in the project. BGN, which ended, and MAD, which does not settle, are refused (422 `CURRENCY_ENDED`).
    currency: CurrencyCode,
    /// In units of the currency, with at most its minor digits.
    budget: Option<AmountIn>,
    /// The day on which it begins; may be left out.
    starts_on: Option<NaiveDate>,
    /// Not before `startsOn`.
    ends_on: Option<NaiveDate>,
}

/// A project's details as PUT takes them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ProjectChange, example = json!({
    "name": "Villa am See", "description": "A house with a boathouse", "address": "Seestraße 1, 82319 Starnberg", "currency": "EUR",
    "budget": "1300000.00", "startsOn": "2099-05-01", "endsOn": "2100-12-15", "status": "active"
}))]
pub(crate) struct ProjectChangeIn {
    /// What it is called.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What is built; left out or null: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4000)]
    description: Option<String>,
    /// Where it is built; left out or null: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    address: Option<String>,
    /// Cannot change once the project has a schedule of quantities (409 `CURRENCY_FIXED`).
    currency: CurrencyCode,
    /// In units of the currency, with at most its minor digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<AmountIn>,
    /// The day on which it begins; left out or null: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_on: Option<NaiveDate>,
    /// Not before `startsOn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_on: Option<NaiveDate>,
    /// A step to another status; without it the status stays. Never back to `planning` once a tender was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

impl From<&Project> for ProjectChangeIn {
    fn from(project: &Project) -> Self {
        Self {
            name: project.name.clone(),
            description: project.description.clone(),
            address: project.address.clone(),
            currency: CurrencyCode(project.currency),
            budget: project.budget.map(|budget| AmountIn(budget.to_decimal())),
            starts_on: project.starts_on,
            ends_on: project.ends_on,
            status: Some(project.status.into()),
        }
    }
}

impl ProjectIn {
    fn into_details(self) -> Result<ProjectDetails, Problem> {
        let mut faults = Faults::new();
        let budget = self.budget.and_then(|budget| faults.check("/budget", budget.to_money(self.currency.0)));
        let details = ProjectDetails {
            name: self.name,
            description: self.description,
            address: self.address,
            currency: self.currency.0,
            budget,
            starts_on: self.starts_on,
            ends_on: self.ends_on,
        };
        if !faults.is_empty()
            && let Err(Error::Invalid(more)) = rules::checked(details.clone())
        {
            // Details with a fault here never reach the verb: what its rules would find is asked for now, so that all is told at once.
            for fault in more {
                faults.push(fault.pointer, fault.code, fault.detail);
            }
        }
        faults.into_result(Some(details))
    }
}

impl ProjectChangeIn {
    fn into_change(self) -> Result<ProjectChange, Problem> {
        let status = self.status.map(|status| status.0);
        let details = ProjectIn {
            name: self.name,
            description: self.description,
            address: self.address,
            currency: self.currency,
            budget: self.budget,
            starts_on: self.starts_on,
            ends_on: self.ends_on,
        };
        Ok(ProjectChange { details: details.into_details()?, status })
    }
}

/// A project.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Project, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b11", "name": "Villa am See", "description": "A house with a boathouse",
    "address": "Seestraße 1, 82319 Starnberg",
    "status": "planning", "ownerId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b12", "currency": "EUR", "budget": "1250000.00",
    "startsOn": "2099-05-01", "endsOn": "2100-10-31", "tenderedAt": null,
    "createdAt": "2026-11-21T08:00:00Z", "updatedAt": "2026-11-21T08:00:00Z"
}))]
pub(crate) struct ProjectOut {
    /// The project's id.
    id: Uuid,
    /// What it is called.
    name: String,
    /// What is built; null if nothing was written.
    description: Option<String>,
    /// Where it is built; null if it was not told.
    address: Option<String>,
    /// Where it stands.
    status: Status,
    /// Who created it.
    owner_id: Uuid,
    /// The currency of everything in it.
    currency: CurrencyCode,
    /// In units of the currency, with exactly its minor digits; null if none was set.
    #[schema(pattern = r"^[0-9]+(\.[0-9]{2})?$")]
    budget: Option<String>,
    /// The day on which it begins; null if none was set.
    #[serde(serialize_with = "web::iso_date")]
    starts_on: Option<NaiveDate>,
    /// The day on which it ends; null if none was set.
    #[serde(serialize_with = "web::iso_date")]
    ends_on: Option<NaiveDate>,
    /// When a tender of it was first published; null before.
    tendered_at: Option<DateTime<Utc>>,
    /// When it was made.
    #[serde(serialize_with = "web::rfc3339")]
    created_at: DateTime<Utc>,
    /// When it last changed.
    #[serde(serialize_with = "web::rfc3339")]
    updated_at: DateTime<Utc>,
}

impl From<Project> for ProjectOut {
    fn from(project: Project) -> Self {
        Self {
            id: project.id.0,
            name: project.name,
            description: project.description,
            address: project.address,
            status: project.status.into(),
            owner_id: project.owner.0,
            currency: CurrencyCode(project.currency),
            budget: project.budget.map(|budget| budget.to_decimal().to_string()),
            starts_on: project.starts_on,
            ends_on: project.ends_on,
            tendered_at: project.tendered_at,
            created_at: project.created_at,
            updated_at: project.updated_at,
        }
    }
}

fn tag(project: &Project) -> String {
    web::etag(&ProjectOut::from(project.clone()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Only projects of this status.
    #[param(inline)]
    status: Option<Status>,
}

/// List projects.
///
/// Owners and administrators see all projects of the organisation, others those whose team they are in.
#[utoipa::path(params(ListQuery, Paging), responses((status = 200, description = "Newest first", body = List<ProjectOut>)))]
#[get("/api/projects")]
pub(crate) async fn list(
    Authed(ctx): Authed,
    listing: Listing<ListQuery>,
    service: Data<dyn Projects>,
) -> Result<HttpResponse, Problem> {
    let status = listing.filter.status.map(|status| status.0);
    let page = service.list(&ctx, status, listing.page()).await?;
    Ok(listing.reply(page, ProjectOut::from))
}

/// Create a project.
///
/// The caller becomes `project_owner` in its team.
#[utoipa::path(responses(
    (status = 201, description = "The new project", body = ProjectOut),
    (status = 422, description = "Every fault: such as `CURRENCY_ENDED` at /currency, `CURRENCY_MISMATCH` at /budget, `BEFORE_START` at /endsOn")
))]
#[post("/api/projects")]
pub(crate) async fn create(
    Authed(ctx): Authed,
    once: Idempotent,
    service: Data<dyn Projects>,
    body: Json<ProjectIn>,
) -> Result<HttpResponse, Problem> {
    let new = body.0.into_details()?;
    let render =
        |project: &Project| Reply::created(format!("/api/projects/{}", project.id), &ProjectOut::from(project.clone())).etag();
    once.run(ctx, async |ctx| service.create(&ctx, new).await, render).await
}

/// Read a project.
///
/// For who is in its team or may read every project of the organisation.
#[utoipa::path(responses((status = 200, description = "The project", body = ProjectOut)))]
#[get("/api/projects/{id}")]
pub(crate) async fn read(
    Authed(ctx): Authed,
    Id(id): Id<ProjectId>,
    request: HttpRequest,
    service: Data<dyn Projects>,
) -> Result<HttpResponse, Problem> {
    Ok(web::single(&request, &ProjectOut::from(service.get(&ctx, id).await?)))
}

/// Replace a project's details.
///
/// What may be left out and is left out is taken away, save the status.
#[utoipa::path(responses(
    (status = 200, description = "The changed project", body = ProjectOut),
    (status = 409, description = "`CURRENCY_FIXED`: there is a schedule of quantities; `STATE_CONFLICT`: the status cannot take that step")
))]
#[put("/api/projects/{id}")]
pub(crate) async fn replace(
    Authed(ctx): Authed,
    Id(id): Id<ProjectId>,
    if_match: IfMatch,
    service: Data<dyn Projects>,
    body: Json<ProjectChangeIn>,
) -> Result<HttpResponse, Problem> {
    let wanted = body.0.into_change()?;
    let unchanged = if_match.unchanged(tag);
    let project = service.update(&ctx, id, wanted, unchanged.as_deref()).await?;
    Ok(Reply::ok(&ProjectOut::from(project)).etag().response())
}

/// Change some of a project's details.
///
/// What is left out stays, null takes it away.
#[utoipa::path(request_body(content = ProjectChangeIn, example = json!({"budget": "1350000.00", "endsOn": null})), responses(
    (status = 200, description = "The changed project", body = ProjectOut),
    (status = 409, description = "`CURRENCY_FIXED`: there is a schedule of quantities; `STATE_CONFLICT`: the status cannot take that step")
))]
#[patch("/api/projects/{id}")]
pub(crate) async fn change(
    Authed(ctx): Authed,
    Id(id): Id<ProjectId>,
    if_match: IfMatch,
    service: Data<dyn Projects>,
    patch: Patch<ProjectChangeIn>,
) -> Result<HttpResponse, Problem> {
    let changed = web::unless_overtaken(async || {
        let current = service.changeable(&ctx, id).await?;
        if_match.check(&tag(&current))?;
        let change = patch.apply(&ProjectChangeIn::from(&current))?.into_change()?;
        let unchanged = |now: &Project| *now == current;
        Ok(service.update(&ctx, id, change, Some(&unchanged)).await)
    });
    Ok(Reply::ok(&ProjectOut::from(changed.await?)).etag().response())
}

/// Delete a project.
///
/// With its team, units, schedules of quantities and tenders in draft, as long as no tender of it was published.
#[utoipa::path(responses(
    (status = 204, description = "It is gone"),
    (status = 409, description = "`PROJECT_TENDERED`: a tender of it was published; `PROJECT_IN_USE`: something else that stays belongs to it")
))]
#[delete("/api/projects/{id}")]
pub(crate) async fn remove(
    Authed(ctx): Authed,
    Id(id): Id<ProjectId>,
    if_match: IfMatch,
    service: Data<dyn Projects>,
) -> Result<HttpResponse, Problem> {
    let unchanged = if_match.unchanged(tag);
    service.delete(&ctx, id, unchanged.as_deref()).await?;
    Ok(Reply::no_content().response())
}

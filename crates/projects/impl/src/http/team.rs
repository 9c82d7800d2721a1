//! `/api/projects/{id}/members`.

use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, post, put};
use chrono::{DateTime, Utc};
use kernel::{ProjectId, ProjectRole, UserId};
use projects_api::{NewTeamMember, Projects, TeamMember};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authed, Id, Idempotent, IfMatch, Json, List, Listing, OneOf, Paging, Problem, Reply};

type Role = OneOf<ProjectRole>;

/// A person to join the team.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewTeamMember, example = json!({"userId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b14", "role": "in_house_user"}))]
pub(crate) struct MemberIn {
    /// A member of the organisation.
    user_id: Uuid,
    /// What they may do in the project.
    role: Role,
}

/// Another role.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = TeamMemberChange, example = json!({"role": "project_owner"}))]
pub(crate) struct RoleIn {
    /// May be left out; the person of the path.
    user_id: Option<Uuid>,
    /// What they may do in the project from now on.
    role: Role,
}

/// A person in a project's team.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TeamMember, example = json!({
    "projectId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b11", "userId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b14", "role": "in_house_user",
    "createdAt": "2026-11-21T08:30:00Z", "updatedAt": "2026-11-21T08:30:00Z"
}))]
pub(crate) struct MemberOut {
    /// The project.
    project_id: Uuid,
    /// The person.
    user_id: Uuid,
    /// What they may do in the project.
    role: Role,
    /// When they joined the team.
    created_at: DateTime<Utc>,
    /// When their role last changed.
    updated_at: DateTime<Utc>,
}

impl From<&TeamMember> for MemberOut {
    fn from(member: &TeamMember) -> Self {
        Self {
            project_id: member.project.0,
            user_id: member.user.0,
            role: member.role.into(),
            created_at: member.created_at,
            updated_at: member.updated_at,
        }
    }
}

fn tag(member: &TeamMember) -> String {
    web::etag(&MemberOut::from(member))
}

/// List a project's team.
///
/// Who is in it, with the role there. Owners and admins of the organisation reach every project without being in its team.
#[utoipa::path(params(Paging), responses((status = 200, description = "Newest first", body = List<MemberOut>)))]
#[get("/api/projects/{id}/members")]
pub(crate) async fn list(
    Authed(ctx): Authed,
    Id(project): Id<ProjectId>,
    listing: Listing,
    service: Data<dyn Projects>,
) -> Result<HttpResponse, Problem> {
    let page = service.members(&ctx, project, listing.page()).await?;
    Ok(listing.reply(page, |member| MemberOut::from(&member)))
}

/// Take a member of the organisation into the team.
///
/// Only who is a member already: others are invited first (`POST /api/users`).
#[utoipa::path(responses(
    (status = 201, description = "The new member of the team", body = MemberOut),
    (status = 409, description = "`ALREADY_IN_TEAM`: this person is in the project's team already"),
    (status = 422, description = "`NOT_A_MEMBER` of the organisation at /userId, or another fault")
))]
#[post("/api/projects/{id}/members")]
pub(crate) async fn add(
    Authed(ctx): Authed,
    Id(project): Id<ProjectId>,
    once: Idempotent,
    service: Data<dyn Projects>,
    body: Json<MemberIn>,
) -> Result<HttpResponse, Problem> {
    let new = NewTeamMember { user: UserId(body.0.user_id), role: body.0.role.0 };
    let render = |member: &TeamMember| {
        Reply::created(format!("/api/projects/{}/members/{}", member.project, member.user), &MemberOut::from(member)).etag()
    };
    once.run(ctx, async |ctx| service.add_member(&ctx, project, new).await, render).await
}

/// Give a member of the team another role.
///
/// What they had approved as the first of two is void.
#[utoipa::path(responses(
    (status = 200, description = "The changed member", body = MemberOut),
    (status = 409, description = "`LAST_PROJECT_OWNER`: nobody would run the project")
))]
#[put("/api/projects/{id}/members/{userId}")]
pub(crate) async fn set_role(
    Authed(ctx): Authed,
    Id((project, user)): Id<(ProjectId, UserId)>,
    if_match: IfMatch,
    service: Data<dyn Projects>,
    body: Json<RoleIn>,
) -> Result<HttpResponse, Problem> {
    if body.0.user_id.is_some_and(|named| named != user.0) {
        return Err(Problem::invalid_at("/userId", "MISMATCH", "must be the person of the path, or left out"));
    }
    let change = NewTeamMember { user, role: body.0.role.0 };
    let unchanged = if_match.unchanged(tag);
    let member = service.set_member_role(&ctx, project, change, unchanged.as_deref()).await?;
    Ok(Reply::ok(&MemberOut::from(&member)).etag().response())
}

/// Take a person out of the team.
///
/// They stay a member of the organisation. What they had approved as the first of two is void.
#[utoipa::path(responses(
    (status = 204, description = "The person is out of the team"),
    (status = 409, description = "`LAST_PROJECT_OWNER`: nobody would run the project")
))]
#[delete("/api/projects/{id}/members/{userId}")]
pub(crate) async fn remove(
    Authed(ctx): Authed,
    Id((project, user)): Id<(ProjectId, UserId)>,
    if_match: IfMatch,
    service: Data<dyn Projects>,
) -> Result<HttpResponse, Problem> {
    let unchanged = if_match.unchanged(tag);
    service.remove_member(&ctx, project, user, unchanged.as_deref()).await?;
    Ok(Reply::no_content().response())
}

//! `/api/roles` and the roles of a member: named sets of permissions beside the built-in ones.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use auth_api::Authorizer;
use chrono::{DateTime, Utc};
use kernel::{Ctx, OrgRole, ProjectRoles, UserId};
use serde::{Deserialize, Serialize};
use tenants_api::{CustomRole, CustomRoleDetails, CustomRoleId, NewCustomRole, perm};
use users_api::{HeldRole, MemberRoles, Roles};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authed, Id, Idempotent, IfMatch, Json, Patch, Problem, Reply, Routes};

use super::dto::Role;

/// Adds the endpoints of roles.
pub(super) fn routes(r: &mut Routes) {
    r.tag("Roles", "What the organisation's members may do: the built-in roles, and those that it makes for itself.");
    r.resource("roles");
    r.add(perm::ROLES_READ, || list);
    r.add(perm::ROLES_MANAGE, || create);
    r.add(perm::ROLES_READ, || read).tagged();
    r.add(perm::ROLES_MANAGE, || change).tagged();
    r.add(perm::ROLES_MANAGE, || remove);
    r.resource("memberRoles");
    r.add(perm::MEMBERS_READ, || of_member).tagged();
    r.add(perm::MEMBERS_MANAGE, || give).tagged();
}

/// The name of a permission, such as `projects.read`.
#[derive(ToSchema)]
#[schema(max_length = 60)]
#[allow(dead_code)]
pub(super) struct PermissionName(String);

/// A role to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewRole, example = json!({
    "slug": "site_manager", "name": "Site manager", "description": "Looks at works and asks for changes",
    "permissions": ["projects.read", "milestones.read", "milestones.request_changes"]
}))]
struct NewIn {
    /// By what programs tell it; it never changes.
    #[schema(pattern = "^[a-z][a-z0-9_]{1,39}$")]
    slug: String,
    /// What it is called.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it is for; may be left out.
    #[schema(max_length = 500)]
    description: Option<String>,
    /// What it allows. The caller must hold each by a built-in role; some stay with the built-in roles (`GET /api/authz/permissions` tells which).
    #[schema(min_items = 1, max_items = 100, value_type = Vec<PermissionName>)]
    permissions: Vec<String>,
}

/// What of a role can be changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RoleChange, example = json!({
    "name": "Site manager", "description": "Looks at works and approves them", "permissions": ["projects.read", "milestones.read", "milestones.approve"]
}))]
struct ChangeIn {
    /// What it is called.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it is for.
    #[schema(max_length = 500)]
    description: String,
    /// What it allows. The caller must hold what is added by a built-in role.
    #[schema(min_items = 1, max_items = 100, value_type = Vec<PermissionName>)]
    permissions: Vec<String>,
}

/// A role in the organisation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Role, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9ba0", "slug": "site_manager", "name": "Site manager",
    "description": "Looks at works and asks for changes", "builtIn": false,
    "permissions": ["milestones.read", "milestones.request_changes", "projects.read"],
    "createdAt": "2026-11-21T08:00:00Z", "updatedAt": "2026-11-21T08:00:00Z"
}))]
struct RoleOut {
    /// The role's id; null of a built-in one.
    id: Option<Uuid>,
    /// By what programs tell it; it never changes.
    slug: String,
    /// What it is called.
    name: String,
    /// What it is for.
    description: String,
    /// Whether it is one of those that every organisation has and nobody changes.
    built_in: bool,
    /// What it allows in the whole organisation, sorted.
    permissions: Vec<String>,
    /// When it was made; null of a built-in one.
    created_at: Option<DateTime<Utc>>,
    /// When it last changed; null of a built-in one.
    updated_at: Option<DateTime<Utc>>,
}

impl From<&CustomRole> for RoleOut {
    fn from(role: &CustomRole) -> Self {
        Self {
            id: Some(role.id.0),
            slug: role.slug.clone(),
            name: role.name.clone(),
            description: role.description.clone(),
            built_in: false,
            permissions: role.permissions.clone(),
            created_at: Some(role.created_at),
            updated_at: Some(role.updated_at),
        }
    }
}

impl RoleOut {
    fn built_in(ctx: &Ctx, authorizer: &dyn Authorizer, role: OrgRole) -> Self {
        let (name, description) = match role {
            OrgRole::Owner => ("Owner", "Holds everything, among it the threshold and other owners."),
            OrgRole::Admin => ("Administrator", "Runs the organisation day by day."),
            OrgRole::Member => ("Member", "Belongs to it; custom roles and projects' teams add to that."),
        };
        let asked = Ctx::user(ctx.org, UserId(Uuid::nil()), role, ProjectRoles::default(), ctx.request.clone());
        Self {
            id: None,
            slug: role.name().to_owned(),
            name: name.to_owned(),
            description: description.to_owned(),
            built_in: true,
            permissions: authorizer.permissions(&asked).iter().map(|permission| permission.name().to_owned()).collect(),
            created_at: None,
            updated_at: None,
        }
    }
}

/// The roles that there are in the organisation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Roles, example = json!({"data": [{
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9ba0", "slug": "site_manager", "name": "Site manager",
    "description": "Looks at works and asks for changes", "builtIn": false,
    "permissions": ["milestones.read", "milestones.request_changes", "projects.read"],
    "createdAt": "2026-11-21T08:00:00Z", "updatedAt": "2026-11-21T08:00:00Z"
}]}))]
struct RolesOut {
    /// The built-in ones, and then those of the organisation by slug: all of them.
    data: Vec<RoleOut>,
}

/// Which custom roles a member has from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = GivenRoles, example = json!({"roles": ["01935c3a-7c1e-7d55-9c3f-2f6f3f0a9ba0"]}))]
struct GiveIn {
    /// All of them: those that are left out are taken.
    #[schema(max_items = 20)]
    roles: Vec<Uuid>,
}

/// A custom role that a member has.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MemberRole, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9ba0", "slug": "site_manager", "name": "Site manager",
    "givenBy": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b12", "givenAt": "2026-11-21T08:10:00Z"
}))]
struct HeldOut {
    /// The role's id.
    id: Uuid,
    /// By what programs tell it.
    slug: String,
    /// What it is called.
    name: String,
    /// Who gave it, or last gave it anew as an owner; null if that is not known.
    given_by: Option<Uuid>,
    /// When.
    given_at: DateTime<Utc>,
}

impl From<&HeldRole> for HeldOut {
    fn from(held: &HeldRole) -> Self {
        Self {
            id: held.given.role.0,
            slug: held.slug.clone(),
            name: held.name.clone(),
            given_by: held.given.by.map(|by| by.0),
            given_at: held.given.at,
        }
    }
}

/// What a member is in the organisation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MemberRoles, example = json!({
    "userId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b14", "role": "member", "customRoles": [{
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9ba0", "slug": "site_manager", "name": "Site manager",
        "givenBy": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b12", "givenAt": "2026-11-21T08:10:00Z"
    }]
}))]
struct MemberRolesOut {
    /// The person.
    user_id: Uuid,
    /// The built-in role.
    role: Role,
    /// The custom roles beside it, by slug.
    custom_roles: Vec<HeldOut>,
}

impl From<&MemberRoles> for MemberRolesOut {
    fn from(roles: &MemberRoles) -> Self {
        let custom_roles = roles.custom.iter().map(HeldOut::from).collect();
        Self { user_id: roles.user.0, role: roles.built_in.into(), custom_roles }
    }
}

/// List the roles.
///
/// The built-in ones, which nobody changes, and then the organisation's own. All of them: an organisation has at most 50.
#[utoipa::path(responses((status = 200, description = "The roles", body = RolesOut)))]
#[get("/api/roles")]
async fn list(Authed(ctx): Authed, roles: Data<dyn Roles>, authorizer: Data<dyn Authorizer>) -> Result<HttpResponse, Problem> {
    let custom = roles.list(&ctx).await?;
    let built_in = OrgRole::ALL.iter().map(|role| RoleOut::built_in(&ctx, authorizer.get_ref(), *role));
    let data = built_in.chain(custom.iter().map(RoleOut::from)).collect();
    Ok(Reply::ok(&RolesOut { data }).response())
}

/// Create a role.
///
/// Nobody has it yet: `PUT /api/users/{id}/roles` gives it. What the caller does not hold by a built-in role they put into no role (403 with the
/// missing permission).
#[utoipa::path(responses(
    (status = 201, description = "The new role", body = RoleOut),
    (status = 409, description = "ROLE_SLUG_TAKEN: another role has this slug · TOO_MANY_ROLES: the organisation has as many as it may have"),
    (status = 422, description = "Every fault: such as NOT_ONE_OF, PERSON_REQUIRED or BUILT_IN_ONLY at /permissions/0"),
))]
#[post("/api/roles")]
async fn create(
    Authed(ctx): Authed,
    once: Idempotent,
    roles: Data<dyn Roles>,
    body: Json<NewIn>,
) -> Result<HttpResponse, Problem> {
    let NewIn { slug, name, description, permissions } = body.0;
    let details = CustomRoleDetails { name, description: description.unwrap_or_default(), permissions };
    once.run(
        ctx,
        async |ctx| roles.create(&ctx, NewCustomRole { slug, details }).await,
        |made: &CustomRole| Reply::created(format!("/api/roles/{}", made.id), &RoleOut::from(made)),
    )
    .await
}

/// Read a role.
///
/// One of the organisation's own.
#[utoipa::path(responses((status = 200, description = "The role", body = RoleOut)))]
#[get("/api/roles/{id}")]
async fn read(
    Authed(ctx): Authed,
    Id(id): Id<CustomRoleId>,
    request: HttpRequest,
    roles: Data<dyn Roles>,
) -> Result<HttpResponse, Problem> {
    Ok(web::single(&request, &RoleOut::from(&roles.get(&ctx, id).await?)))
}

/// Change a role.
///
/// For everybody who has it, at once, on every replica. What is left out stays. What is added the caller holds by a built-in role. Who loses a permission
/// finds void what they asked for first by it. `POST /api/authz/preview` tells beforehand who gains and loses what.
#[utoipa::path(request_body = ChangeIn, responses(
    (status = 200, description = "The changed role", body = RoleOut),
    (status = 422, description = "Every fault: such as NOT_ONE_OF, PERSON_REQUIRED or BUILT_IN_ONLY at /permissions/0"),
))]
#[patch("/api/roles/{id}")]
async fn change(
    Authed(ctx): Authed,
    Id(id): Id<CustomRoleId>,
    if_match: IfMatch,
    roles: Data<dyn Roles>,
    patch: Patch<ChangeIn>,
) -> Result<HttpResponse, Problem> {
    let changed = web::unless_overtaken(async || {
        let current = roles.changeable(&ctx, id).await?;
        if_match.check(&tag(&current))?;
        let seen = current.updated_at;
        let CustomRole { name, description, permissions, .. } = current;
        let ChangeIn { name, description, permissions } = patch.apply(&ChangeIn { name, description, permissions })?;
        Ok(roles.change(&ctx, id, CustomRoleDetails { name, description, permissions }, Some(seen)).await)
    });
    Ok(Reply::ok(&RoleOut::from(&changed.await?)).etag().response())
}

/// Remove a role.
///
/// Only one that nobody has: it is taken from its members first, so that nobody loses anything unawares.
#[utoipa::path(responses(
    (status = 204, description = "Removed"),
    (status = 409, description = "ROLE_IN_USE: `members` of them have it"),
))]
#[delete("/api/roles/{id}")]
async fn remove(
    Authed(ctx): Authed,
    Id(id): Id<CustomRoleId>,
    if_match: IfMatch,
    roles: Data<dyn Roles>,
) -> Result<HttpResponse, Problem> {
    let removed = web::unless_overtaken(async || {
        let seen = if_match.seen(roles.changeable(&ctx, id), tag).await?.map(|seen| seen.updated_at);
        Ok(roles.remove(&ctx, id, seen).await)
    });
    removed.await?;
    Ok(Reply::no_content().response())
}

/// Read a member's roles.
///
/// The built-in one, and the custom ones beside it.
#[utoipa::path(responses((status = 200, description = "The roles", body = MemberRolesOut)))]
#[get("/api/users/{id}/roles")]
async fn of_member(
    Authed(ctx): Authed,
    Id(id): Id<UserId>,
    request: HttpRequest,
    roles: Data<dyn Roles>,
) -> Result<HttpResponse, Problem> {
    Ok(web::single(&request, &MemberRolesOut::from(&roles.of_member(&ctx, id).await?)))
}

/// Give a member custom roles.
///
/// These and no other. The caller holds whatever they allow by a built-in role; to give one to an owner takes an owner. Both have proven their address. A
/// role that an owner gives counts at once where two persons are needed, also one that the member had and an owner gives anew; one that somebody else gives, or
/// made one that approves, counts there after a while (409 APPROVER_NOT_YET).
#[utoipa::path(responses(
    (status = 200, description = "The member's roles", body = MemberRolesOut),
    (status = 403, description = "PERMISSION_DENIED: `missingPermission` names what is missing; EMAIL_NOT_VERIFIED: the caller has not proven their own address"),
    (status = 422, description = "Every fault: such as NOT_ONE_OF at /roles/0, EMAIL_NOT_VERIFIED at /roles: their address is not proven"),
))]
#[put("/api/users/{id}/roles")]
async fn give(
    Authed(ctx): Authed,
    Id(id): Id<UserId>,
    if_match: IfMatch,
    roles: Data<dyn Roles>,
    body: Json<GiveIn>,
) -> Result<HttpResponse, Problem> {
    let wanted: Vec<CustomRoleId> = body.0.roles.iter().copied().map(CustomRoleId).collect();
    let changed = web::unless_overtaken(async || {
        let seen = if_match.seen(roles.changeable_of_member(&ctx, id), member_tag).await?;
        Ok(roles.give(&ctx, id, wanted.clone(), seen).await)
    });
    Ok(Reply::ok(&MemberRolesOut::from(&changed.await?)).etag().response())
}

fn tag(role: &CustomRole) -> String {
    web::etag(&RoleOut::from(role))
}

fn member_tag(roles: &MemberRoles) -> String {
    web::etag(&MemberRolesOut::from(roles))
}

//! `/api/authz`: what there is to be allowed, why somebody may do something, and who would gain and lose what.

use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use kernel::{ProjectId, ProjectRole, UserId};
use serde::{Deserialize, Serialize};
use tenants_api::{CustomRoleId, perm};
use users_api::{CataloguedPermission, Explanation, MemberEffect, RoleEffect, RolePreview, Roles, Rule, RuleKind};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{Authed, Guard, Json, OneOf, Problem, Query, Reply, Routes};

use super::dto::Role;
use super::roles::PermissionName;

type TeamRole = OneOf<ProjectRole>;
type Kind = OneOf<RuleKind>;

/// Adds the endpoints about what is allowed.
pub(super) fn routes(r: &mut Routes) {
    r.resource("permissions").add(Guard::SignedIn, || catalogue).for_bound();
    r.resource("permissionExplanation").add(Guard::SignedIn, || explain).for_bound();
    r.resource("rolePreview").add(perm::ROLES_MANAGE, || preview).without_key();
}

/// A permission, and who holds it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Permission, example = json!({
    "name": "milestones.approve", "description": "Approve submitted work.", "personsOnly": false, "customRoles": true,
    "roles": ["owner", "admin"], "teamRoles": ["project_owner"]
}))]
struct PermissionOut {
    /// Its name, as roles and refusals say it.
    name: String,
    /// What it allows.
    description: String,
    /// Whether it is for natural persons alone, so that no API key is given it.
    persons_only: bool,
    /// Whether custom roles can hold it.
    custom_roles: bool,
    /// The built-in roles that hold it.
    roles: Vec<Role>,
    /// The roles in a project's team that hold it there.
    team_roles: Vec<TeamRole>,
}

impl From<CataloguedPermission> for PermissionOut {
    fn from(one: CataloguedPermission) -> Self {
        Self {
            name: one.name.to_owned(),
            description: one.description.to_owned(),
            persons_only: one.persons_only,
            custom_roles: one.custom_roles,
            roles: one.roles.into_iter().map(OneOf).collect(),
            team_roles: one.team_roles.into_iter().map(OneOf).collect(),
        }
    }
}

/// Everything that there is to be allowed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Permissions, example = json!({"data": [{
    "name": "milestones.approve", "description": "Approve submitted work.", "personsOnly": false, "customRoles": true,
    "roles": ["owner", "admin"], "teamRoles": ["project_owner"]
}]}))]
struct PermissionsOut {
    /// By name.
    data: Vec<PermissionOut>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ExplainQuery {
    /// Which permission, such as `tenders.award`.
    #[param(max_length = 60)]
    permission: String,
    /// `project:` and its id, or `organization`, which it is unless told otherwise.
    #[param(pattern = "^(organization|project:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$")]
    resource: Option<String>,
    /// Of which member; left out: of oneself. Of others it takes the permission to manage members.
    user_id: Option<Uuid>,
}

/// What lets somebody do something.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PermissionRule, example = json!({"kind": "built_in", "slug": "admin", "roleId": null}))]
struct RuleOut {
    /// What it is.
    kind: Kind,
    /// Which one.
    slug: String,
    /// The id of a custom role; null of the others.
    role_id: Option<Uuid>,
}

impl From<&Rule> for RuleOut {
    fn from(rule: &Rule) -> Self {
        let (slug, role_id) = match rule {
            Rule::BuiltIn(role) => (role.name(), None),
            Rule::Team(role) => (role.name(), None),
            Rule::Custom(id, slug) => (slug.as_str(), Some(id.0)),
        };
        Self { kind: rule.kind().into(), slug: slug.to_owned(), role_id }
    }
}

/// Why somebody may do something, or may not.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PermissionExplanation, example = json!({
    "userId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b14", "permission": "milestones.approve", "resource": "organization", "allowed": false,
    "allowedBy": [], "missing": [
        {"kind": "built_in", "slug": "owner", "roleId": null}, {"kind": "built_in", "slug": "admin", "roleId": null},
        {"kind": "custom", "slug": "approver", "roleId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9ba1"}
    ]
}))]
struct ExplanationOut {
    /// Who.
    user_id: Uuid,
    /// What was asked about.
    permission: String,
    /// In the whole organisation, or in which project.
    resource: String,
    /// Whether they may.
    allowed: bool,
    /// Those of their roles that let them.
    allowed_by: Vec<RuleOut>,
    /// Of whom may not: the roles of which any one would let them.
    missing: Vec<RuleOut>,
}

impl From<Explanation> for ExplanationOut {
    fn from(explanation: Explanation) -> Self {
        let allowed = !explanation.allowed_by.is_empty();
        let missing: &[Rule] = if allowed { &[] } else { &explanation.rules };
        Self {
            user_id: explanation.user.0,
            resource: explanation.project.map_or_else(|| "organization".to_owned(), |project| format!("project:{project}")),
            allowed,
            allowed_by: explanation.allowed_by.iter().map(RuleOut::from).collect(),
            missing: missing.iter().map(RuleOut::from).collect(),
            permission: explanation.permission,
        }
    }
}

/// What a role shall hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PreviewRole, example = json!({
    "roleId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9ba0", "permissions": ["projects.read", "milestones.read", "milestones.approve"]
}))]
struct PreviewIn {
    /// The role that is to be changed; left out or null: one that is to be made.
    role_id: Option<Uuid>,
    /// What it shall allow.
    #[schema(min_items = 1, max_items = 100, value_type = Vec<PermissionName>)]
    permissions: Vec<String>,
}

/// What would become of a member.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MemberEffect, example = json!({
    "userId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b14", "name": "Grace Hopper", "gains": ["milestones.approve"], "loses": []
}))]
struct MemberEffectOut {
    /// The person.
    user_id: Uuid,
    /// What they are called.
    name: String,
    /// What they could do in the whole organisation that they cannot.
    gains: Vec<String>,
    /// What they could do there no more.
    loses: Vec<String>,
}

impl From<MemberEffect> for MemberEffectOut {
    fn from(one: MemberEffect) -> Self {
        Self { user_id: one.user.0, name: one.name, gains: one.gains, loses: one.loses }
    }
}

/// What would become of everybody.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RoleEffect, example = json!({
    "added": ["milestones.approve"], "taken": [], "holders": 1, "affected": 1, "members": [{
        "userId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b14", "name": "Grace Hopper", "gains": ["milestones.approve"], "loses": []
    }]
}))]
struct EffectOut {
    /// What the role would hold that it does not.
    added: Vec<String>,
    /// What it would hold no more.
    taken: Vec<String>,
    /// How many members have it.
    #[schema(minimum = 0)]
    holders: usize,
    /// For how many of them something changes: what another role of theirs allows they neither gain nor lose.
    #[schema(minimum = 0)]
    affected: usize,
    /// They, at most 200 of them.
    members: Vec<MemberEffectOut>,
}

impl From<RoleEffect> for EffectOut {
    fn from(effect: RoleEffect) -> Self {
        let RoleEffect { added, taken, holders, affected, members } = effect;
        Self { added, taken, holders, affected, members: members.into_iter().map(MemberEffectOut::from).collect() }
    }
}

/// List the permissions.
///
/// Everything that there is to be allowed, in words, and which roles hold it.
#[utoipa::path(responses((status = 200, description = "The permissions", body = PermissionsOut)))]
#[get("/api/authz/permissions")]
async fn catalogue(Authed(ctx): Authed, roles: Data<dyn Roles>) -> Result<HttpResponse, Problem> {
    let data = roles.catalogue(&ctx).into_iter().map(PermissionOut::from).collect();
    Ok(Reply::ok(&PermissionsOut { data }).response())
}

/// Explain what somebody may do.
///
/// Names the role that lets them, or those of which one is missing. Of another member it takes the permission to manage members. Whatever a role allows, the
/// side of a contract, the seal and the rule of two persons decide besides.
#[utoipa::path(params(ExplainQuery), responses(
    (status = 200, description = "Why", body = ExplanationOut),
    (status = 404, description = "There is no such member, or no such project of the organisation"),
    (status = 422, description = "Every fault: such as NOT_ONE_OF at ?permission"),
))]
#[get("/api/authz/explain")]
async fn explain(
    Authed(ctx): Authed,
    roles: Data<dyn Roles>,
    Query(query): Query<ExplainQuery>,
) -> Result<HttpResponse, Problem> {
    let project = project_of(query.resource.as_deref())?;
    let explanation = roles.explain(&ctx, &query.permission, project, query.user_id.map(UserId)).await?;
    Ok(Reply::ok(&ExplanationOut::from(explanation)).response())
}

fn project_of(resource: Option<&str>) -> Result<Option<ProjectId>, Problem> {
    let Some(id) = resource.filter(|resource| *resource != "organization") else { return Ok(None) };
    let id = id.strip_prefix("project:").and_then(|id| id.parse().ok());
    let detail = "must be organization, or project: and its id";
    id.map(Some).ok_or_else(|| Problem::invalid_at("?resource", "INVALID_FORMAT", detail))
}

/// Preview a role.
///
/// Who would gain and lose what if it were saved so. Nothing is changed. What could not be saved is refused as when it is saved.
#[utoipa::path(responses(
    (status = 200, description = "What would become of everybody", body = EffectOut),
    (status = 404, description = "There is no such role"),
    (status = 422, description = "Every fault: such as NOT_ONE_OF, PERSON_REQUIRED or BUILT_IN_ONLY at /permissions/0"),
))]
#[post("/api/authz/preview")]
async fn preview(Authed(ctx): Authed, roles: Data<dyn Roles>, body: Json<PreviewIn>) -> Result<HttpResponse, Problem> {
    let PreviewIn { role_id, permissions } = body.0;
    let effect = roles.preview(&ctx, RolePreview { role: role_id.map(CustomRoleId), permissions }).await?;
    Ok(Reply::ok(&EffectOut::from(effect)).response())
}

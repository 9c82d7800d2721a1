//! `/scim/v2/Groups`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use directory_api::{DirectoryGroup, DirectoryGroupId, DirectoryGroups, Error, GroupRecord};
use web::{Authed, Id, IfMatch, Problem, Reply, ScimBody};

use super::documented::{GroupBody, GroupsBody, PartQuery, PatchBody, WantedQuery};
use super::query::{Asked, Wanted};
use super::shown::{Base, Shown};
use crate::scim::attributes::Kind;
use crate::scim::patch::Patch;
use crate::scim::{read as scim, write};

/// List groups.
///
/// Those of the organisation's directory, the oldest first; fewer than asked for where they have more than 20,000 members together. A filter compares `id`,
/// `externalId`, `displayName`, `members.value` and `meta.created`, `meta.lastModified`, as one of users does.
#[utoipa::path(
    params(
        ("filter" = Option<String>, Query, description = "Which groups are meant, such as `displayName eq \"Site managers\"`; at most 4096 bytes, 50 comparisons, 10 brackets deep"),
        PartQuery,
        WantedQuery,
    ),
    responses((status = 200, description = "Some of the groups, and how many there are", body = GroupsBody))
)]
#[get("/scim/v2/Groups")]
pub(super) async fn list(
    Authed(ctx): Authed,
    request: HttpRequest,
    base: Data<Base>,
    groups: Data<dyn DirectoryGroups>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::of(&request)?;
    let found = groups.groups(&ctx, &asked.query(Kind::Group)?).await?;
    let told = found.items.iter().map(|group| Shown::group(&base, group).wanted(&asked.wanted)).collect();
    Ok(Reply::ok(&asked.list(found.total, told)).scim().response())
}

/// Add a group.
///
/// It is a named set of users, those among them too that are not here yet, and gives nobody any right. Attributes that are not kept are left aside.
#[utoipa::path(
    request_body(content = GroupBody, description = "The group"),
    params(WantedQuery),
    responses(
        (status = 201, description = "The new group", body = GroupBody),
        (status = 409, description = "`uniqueness`: another group has this `displayName`")
    )
)]
#[post("/scim/v2/Groups")]
pub(super) async fn create(
    Authed(ctx): Authed,
    request: HttpRequest,
    base: Data<Base>,
    groups: Data<dyn DirectoryGroups>,
    body: ScimBody,
) -> Result<HttpResponse, Problem> {
    let wanted = Wanted::asked(&request)?;
    let group = groups.create_group(&ctx, scim::whole_group(&body.0)?).await?;
    Ok(Shown::group(&base, &group).created(&wanted))
}

/// Read a group.
///
/// With whom it names.
#[utoipa::path(
    params(WantedQuery),
    responses((status = 200, description = "The group", body = GroupBody))
)]
#[get("/scim/v2/Groups/{id}")]
pub(super) async fn read(
    Authed(ctx): Authed,
    Id(id): Id<DirectoryGroupId>,
    request: HttpRequest,
    base: Data<Base>,
    groups: Data<dyn DirectoryGroups>,
) -> Result<HttpResponse, Problem> {
    let wanted = Wanted::asked(&request)?;
    let group = groups.group(&ctx, id).await?;
    Ok(web::conditional(&request, Shown::group(&base, &group).reply(&wanted)))
}

/// Replace a group.
///
/// What is left out is gone.
#[utoipa::path(
    request_body(content = GroupBody, description = "The group"),
    params(WantedQuery),
    responses(
        (status = 200, description = "The group", body = GroupBody),
        (status = 409, description = "`uniqueness`: another group has this `displayName`")
    )
)]
#[put("/scim/v2/Groups/{id}")]
pub(super) async fn replace(
    Authed(ctx): Authed,
    Id(id): Id<DirectoryGroupId>,
    request: HttpRequest,
    if_match: IfMatch,
    base: Data<Base>,
    groups: Data<dyn DirectoryGroups>,
    body: ScimBody,
) -> Result<HttpResponse, Problem> {
    let wanted = Wanted::asked(&request)?;
    let new = scim::whole_group(&body.0)?;
    let unchanged = if_match.unchanged(|group: &DirectoryGroup| Shown::group(&base, group).tag());
    let replaced = |_: &GroupRecord| Ok::<_, Error>(new.clone());
    let group = groups.change_group(&ctx, id, &replaced, unchanged.as_deref()).await?;
    Ok(Shown::group(&base, &group).reply(&wanted).response())
}

/// Change a group.
///
/// By operations, of which all are done or none, as Entra and Okta send them. A member who is added again stays; to remove one who is none is refused
/// (`noTarget`).
#[utoipa::path(
    request_body(content = PatchBody, description = "What is done", example = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
            {"op": "Replace", "path": "displayName", "value": "Managers of sites"},
            {"op": "Add", "path": "members", "value": [{"value": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13"}]}
        ]
    })),
    params(WantedQuery),
    responses(
        (status = 200, description = "The group", body = GroupBody),
        (status = 409, description = "`uniqueness`: another group has this `displayName`")
    )
)]
#[patch("/scim/v2/Groups/{id}")]
pub(super) async fn change(
    Authed(ctx): Authed,
    Id(id): Id<DirectoryGroupId>,
    request: HttpRequest,
    if_match: IfMatch,
    base: Data<Base>,
    groups: Data<dyn DirectoryGroups>,
    body: ScimBody,
) -> Result<HttpResponse, Problem> {
    let wanted = Wanted::asked(&request)?;
    let patch = Patch::read(&body.0)?;
    let unchanged = if_match.unchanged(|group: &DirectoryGroup| Shown::group(&base, group).tag());
    let patched = |record: &GroupRecord| scim::group(&patch.apply(Kind::Group, write::group(record))?);
    let group = groups.change_group(&ctx, id, &patched, unchanged.as_deref()).await?;
    Ok(Shown::group(&base, &group).reply(&wanted).response())
}

/// Remove a group.
///
/// Its members stay.
#[utoipa::path(responses((status = 204, description = "Removed")))]
#[delete("/scim/v2/Groups/{id}")]
pub(super) async fn remove(
    Authed(ctx): Authed,
    Id(id): Id<DirectoryGroupId>,
    if_match: IfMatch,
    base: Data<Base>,
    groups: Data<dyn DirectoryGroups>,
) -> Result<HttpResponse, Problem> {
    let unchanged = if_match.unchanged(|group: &DirectoryGroup| Shown::group(&base, group).tag());
    groups.remove_group(&ctx, id, unchanged.as_deref()).await?;
    Ok(Reply::no_content().response())
}

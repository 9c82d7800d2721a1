//! `/scim/v2/Users`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use directory_api::{DirectoryUser, DirectoryUserId, DirectoryUsers, Error, UserRecord};
use web::{Authed, Id, IfMatch, Problem, Reply, ScimBody};

use super::documented::{PartQuery, PatchBody, UserBody, UsersBody, WantedQuery};
use super::query::{Asked, Wanted};
use super::shown::{Base, Shown};
use crate::scim::attributes::Kind;
use crate::scim::patch::Patch;
use crate::scim::{read as scim, write};

/// List users.
///
/// Those of the organisation's directory, the oldest first. A filter compares `id`, `userName`, `externalId`, `displayName`, `name.…`, `active`, `emails.…`
/// and `meta.created`, `meta.lastModified` by eq, ne, co, sw, ew, gt, ge, lt, le, pr, joined by and, or, not and brackets.
#[utoipa::path(
    params(
        ("filter" = Option<String>, Query, description = "Which users are meant, such as `userName eq \"ada@directory.example\"`; at most 4096 bytes, 50 comparisons, 10 brackets deep"),
        PartQuery,
        WantedQuery,
    ),
    responses((status = 200, description = "Some of the users, and how many there are", body = UsersBody))
)]
#[get("/scim/v2/Users")]
pub(super) async fn list(
    Authed(ctx): Authed,
    request: HttpRequest,
    base: Data<Base>,
    users: Data<dyn DirectoryUsers>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::of(&request)?;
    let found = users.list(&ctx, &asked.query(Kind::User)?).await?;
    let told = found.items.iter().map(|user| Shown::user(&base, user).wanted(&asked.wanted)).collect();
    Ok(Reply::ok(&asked.list(found.total, told)).scim().response())
}

/// Add a user.
///
/// Whoever is a member by the address is the one who is meant. Anybody else is invited and comes when they accept: the answer is the same whether they have an
/// account or not. Attributes that are not kept are left aside.
#[utoipa::path(
    request_body(content = UserBody, description = "The user"),
    params(WantedQuery),
    responses(
        (status = 201, description = "The new user", body = UserBody),
        (status = 403, description = "The permission is missing, or who made the key has not proven their address"),
        (status = 409, description = "`uniqueness`: another user has this `userName`, or is of this address")
    )
)]
#[post("/scim/v2/Users")]
pub(super) async fn create(
    Authed(ctx): Authed,
    request: HttpRequest,
    base: Data<Base>,
    users: Data<dyn DirectoryUsers>,
    body: ScimBody,
) -> Result<HttpResponse, Problem> {
    let wanted = Wanted::asked(&request)?;
    let user = users.create(&ctx, scim::whole_user(&body.0)?).await?;
    Ok(Shown::user(&base, &user).created(&wanted))
}

/// Read a user.
///
/// With the groups that they are in.
#[utoipa::path(
    params(WantedQuery),
    responses((status = 200, description = "The user", body = UserBody))
)]
#[get("/scim/v2/Users/{id}")]
pub(super) async fn read(
    Authed(ctx): Authed,
    Id(id): Id<DirectoryUserId>,
    request: HttpRequest,
    base: Data<Base>,
    users: Data<dyn DirectoryUsers>,
) -> Result<HttpResponse, Problem> {
    let wanted = Wanted::asked(&request)?;
    let user = users.get(&ctx, id).await?;
    Ok(web::conditional(&request, Shown::user(&base, &user).reply(&wanted)))
}

/// Replace a user.
///
/// What is left out is gone; `active` that is left out is true. Who is not active is a member no more: their sessions in the organisation end at once, their
/// keys as it decided. Who is active again is a member again, as `member`, or invited if they never came.
#[utoipa::path(
    request_body(content = UserBody, description = "The user"),
    params(WantedQuery),
    responses(
        (status = 200, description = "The user", body = UserBody),
        (status = 403, description = "The permission is missing, or that to touch an owner, or who made the key has not proven their address"),
        (status = 409, description = "`uniqueness`: another user has this `userName`, or is of this address. Or it is the last owner, who stays")
    )
)]
#[put("/scim/v2/Users/{id}")]
pub(super) async fn replace(
    Authed(ctx): Authed,
    Id(id): Id<DirectoryUserId>,
    request: HttpRequest,
    if_match: IfMatch,
    base: Data<Base>,
    users: Data<dyn DirectoryUsers>,
    body: ScimBody,
) -> Result<HttpResponse, Problem> {
    let wanted = Wanted::asked(&request)?;
    let new = scim::whole_user(&body.0)?;
    let unchanged = if_match.unchanged(|user: &DirectoryUser| Shown::user(&base, user).tag());
    let replaced = |_: &UserRecord| Ok::<_, Error>(new.clone());
    let user = users.change(&ctx, id, &replaced, unchanged.as_deref()).await?;
    Ok(Shown::user(&base, &user).reply(&wanted).response())
}

/// Change a user.
///
/// By operations, of which all are done or none, as Entra and Okta send them: `op` in any capitals, truths as texts, with a path or with names of attributes in
/// `value`. What finds nothing to be done to is refused (`noTarget`). What becomes of a membership is as of PUT.
#[utoipa::path(
    request_body(content = PatchBody, description = "What is done", example = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
            {"op": "Replace", "path": "displayName", "value": "Ada King"}, {"op": "Add", "path": "emails[type eq \"home\"].value", "value": "ada@home.example"}
        ]
    })),
    params(WantedQuery),
    responses(
        (status = 200, description = "The user", body = UserBody),
        (status = 403, description = "The permission is missing, or that to touch an owner, or who made the key has not proven their address"),
        (status = 409, description = "`uniqueness`: another user has this `userName`, or is of this address. Or it is the last owner, who stays")
    )
)]
#[patch("/scim/v2/Users/{id}")]
pub(super) async fn change(
    Authed(ctx): Authed,
    Id(id): Id<DirectoryUserId>,
    request: HttpRequest,
    if_match: IfMatch,
    base: Data<Base>,
    users: Data<dyn DirectoryUsers>,
    body: ScimBody,
) -> Result<HttpResponse, Problem> {
    let wanted = Wanted::asked(&request)?;
    let patch = Patch::read(&body.0)?;
    let unchanged = if_match.unchanged(|user: &DirectoryUser| Shown::user(&base, user).tag());
    let patched = |record: &UserRecord| scim::user(&patch.apply(Kind::User, write::user(record))?);
    let user = users.change(&ctx, id, &patched, unchanged.as_deref()).await?;
    Ok(Shown::user(&base, &user).reply(&wanted).response())
}

/// Remove a user.
///
/// They are a member no more, as when they are not active, and the record is forgotten.
#[utoipa::path(responses(
    (status = 204, description = "Removed"),
    (status = 403, description = "The permission is missing, or that to touch an owner"),
    (status = 409, description = "It is the last owner, who stays")
))]
#[delete("/scim/v2/Users/{id}")]
pub(super) async fn remove(
    Authed(ctx): Authed,
    Id(id): Id<DirectoryUserId>,
    if_match: IfMatch,
    base: Data<Base>,
    users: Data<dyn DirectoryUsers>,
) -> Result<HttpResponse, Problem> {
    let unchanged = if_match.unchanged(|user: &DirectoryUser| Shown::user(&base, user).tag());
    users.remove(&ctx, id, unchanged.as_deref()).await?;
    Ok(Reply::no_content().response())
}

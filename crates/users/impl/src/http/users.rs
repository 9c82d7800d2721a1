//! `/api/users`: the members of the session's organisation.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put};
use kernel::{OrgRole, UserId};
use serde::Deserialize;
use users_api::{MemberInvitation, MemberUser, NewInvitation, Users};
use utoipa::ToSchema;
use web::{Authed, Id, Idempotent, IfMatch, Json, List, Listing, Paging, Problem, Reply};

use super::answers::signed_out;
use super::cookies::CookieSettings;
use super::dto::{MemberOut, Role};
use super::invitations::InvitationOut;
use super::language::language_of;

/// A person to be invited.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewMemberInvitation, example = json!({"email": "grace@example.com", "name": "Grace Hopper", "role": "member"}))]
pub(super) struct NewIn {
    /// Whoever signs in with this address can accept the invitation.
    #[schema(min_length = 3, max_length = 254, examples("grace@example.com"))]
    email: String,
    /// What the organisation calls the person until they come; they keep their own name.
    #[schema(min_length = 1, max_length = 200, examples("Grace Hopper"))]
    name: Option<String>,
    /// Only `member`, which it is unless told otherwise: what manages is given to somebody who has come (`PUT /api/users/{id}`).
    role: Option<Role>,
}

/// A member's role from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = MemberChange, example = json!({"role": "admin"}))]
pub(super) struct RoleIn {
    /// The role in the organisation from now on.
    role: Role,
}

/// List the members.
///
/// Of the organisation, with their roles in it.
#[utoipa::path(params(Paging), responses((status = 200, description = "A page of members", body = List<MemberOut>)))]
#[get("/api/users")]
pub(super) async fn list(Authed(ctx): Authed, listing: Listing, users: Data<dyn Users>) -> Result<HttpResponse, Problem> {
    let page = users.members(&ctx, listing.page()).await?;
    Ok(listing.reply(page, MemberOut::from))
}

/// Invite a person by email.
///
/// Whoever signs in with this email and has proven it finds the invitation in `GET /api/invitations` and is a member once they accept it. They
/// are written to; until they accept nothing happens to anybody. The answer is the same whether the email is known or not.
#[utoipa::path(responses(
    (status = 201, description = "The invitation", body = InvitationOut),
    (status = 403, description = "PERMISSION_DENIED: `missingPermission` names what is missing; EMAIL_NOT_VERIFIED: the caller has not proven their own address"),
    (status = 409, description = "ALREADY_MEMBER: of this organisation; ALREADY_INVITED: this address is invited already"),
    (status = 422, description = "Every fault: such as ROLE_AFTER_JOINING at /role, as an invitation gives membership alone"),
))]
#[post("/api/users")]
pub(super) async fn invite(
    Authed(ctx): Authed,
    once: Idempotent,
    request: HttpRequest,
    users: Data<dyn Users>,
    body: Json<NewIn>,
) -> Result<HttpResponse, Problem> {
    let NewIn { email, name, role } = body.0;
    let role = role.map_or(OrgRole::Member, |role| role.0);
    let new = NewInvitation { email, name, role, language: language_of(&request) };
    once.run(
        ctx,
        async |ctx| users.invite(&ctx, new).await,
        |made: &MemberInvitation| {
            Reply::created(format!("/api/organization/invitations/{}", made.id), &InvitationOut::from(made.clone()))
        },
    )
    .await
}

/// Read a member.
///
/// Of the organisation; others are not found.
#[utoipa::path(responses((status = 200, description = "The member", body = MemberOut)))]
#[get("/api/users/{id}")]
pub(super) async fn read(
    Authed(ctx): Authed,
    Id(id): Id<UserId>,
    request: HttpRequest,
    users: Data<dyn Users>,
) -> Result<HttpResponse, Problem> {
    Ok(web::single(&request, &MemberOut::from(users.member(&ctx, id).await?)))
}

/// Give a member another role.
///
/// To make or demote an owner takes an owner. What manages is given to somebody whose address is proven. A role that an owner gives counts at once where two persons are needed, also one that the member had and an owner gives anew; one that
/// somebody else gives counts there after a while (409 APPROVER_NOT_YET).
#[utoipa::path(responses(
    (status = 200, description = "The member with the new role", body = MemberOut),
    (status = 409, description = "LAST_OWNER: an organisation needs an owner"),
    (status = 403, description = "PERMISSION_DENIED: `missingPermission` names what is missing; EMAIL_NOT_VERIFIED: the caller has not proven their own address"),
    (status = 422, description = "EMAIL_NOT_VERIFIED at /role: their address is not proven"),
))]
#[put("/api/users/{id}")]
pub(super) async fn set_role(
    Authed(ctx): Authed,
    Id(id): Id<UserId>,
    if_match: IfMatch,
    users: Data<dyn Users>,
    body: Json<RoleIn>,
) -> Result<HttpResponse, Problem> {
    let changed = web::unless_overtaken(async || {
        let seen = if_match.seen(users.changeable_member(&ctx, id), member_tag).await?.map(|seen| seen.role);
        Ok(users.set_role(&ctx, id, body.0.role.0, seen).await)
    });
    Ok(Reply::ok(&MemberOut::from(changed.await?)).etag().response())
}

/// Remove a member.
///
/// One may remove oneself, which signs out. Their sessions in the organisation end at once.
#[utoipa::path(responses(
    (status = 204, description = "No longer a member"),
    (status = 409, description = "LAST_OWNER: an organisation needs an owner"),
))]
#[delete("/api/users/{id}")]
pub(super) async fn remove(
    Authed(ctx): Authed,
    Id(id): Id<UserId>,
    if_match: IfMatch,
    users: Data<dyn Users>,
    settings: Data<CookieSettings>,
) -> Result<HttpResponse, Problem> {
    let removed = web::unless_overtaken(async || {
        let seen = if_match.seen(users.changeable_member(&ctx, id), member_tag).await?.map(|seen| seen.role);
        Ok(users.remove_member(&ctx, id, seen).await)
    });
    removed.await?;
    Ok(if ctx.person() == Some(id) { signed_out(&settings) } else { Reply::no_content().response() })
}

/// End a member's sessions.
///
/// Those in the organisation, at once, on every device: they sign in again. Their sessions in other organisations go on. To end an owner's takes an owner.
#[utoipa::path(responses((status = 204, description = "Ended")))]
#[delete("/api/users/{id}/sessions")]
pub(super) async fn end_sessions(
    Authed(ctx): Authed,
    Id(id): Id<UserId>,
    users: Data<dyn Users>,
    settings: Data<CookieSettings>,
) -> Result<HttpResponse, Problem> {
    users.end_sessions(&ctx, id).await?;
    Ok(if ctx.user_id() == Some(id) { signed_out(&settings) } else { Reply::no_content().response() })
}

fn member_tag(member: &MemberUser) -> String {
    web::etag(&MemberOut::from(member.clone()))
}

//! `/api/organization/invitations`: whom the organisation invited; `/api/invitations`: who invited oneself.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use chrono::{DateTime, Utc};
use serde::Serialize;
use users_api::{MemberInvitation, OwnInvitation, Users};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authed, Id, List, Listing, NoBody, Paging, Problem, Reply};

use super::dto::{MemberOut, OrganizationOut, Role};
use super::examples;
use super::language::language_of;

/// An invitation that waits for whoever has its email.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MemberInvitation, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b60", "email": "grace@example.com", "name": "Grace Hopper", "role": "member",
    "invitedBy": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b12", "createdAt": "2026-11-21T08:00:00Z"
}))]
pub(super) struct InvitationOut {
    /// The invitation's id.
    id: Uuid,
    /// Whoever signs in with this address can accept it.
    #[schema(examples("grace@example.com"))]
    email: String,
    /// What the organisation calls the person until they come.
    name: Option<String>,
    /// The role that accepting gives.
    role: Role,
    /// The member who invited.
    invited_by: Uuid,
    /// When it was made.
    created_at: DateTime<Utc>,
}

impl From<MemberInvitation> for InvitationOut {
    fn from(one: MemberInvitation) -> Self {
        let MemberInvitation { id, email, name, invited_by, created_at } = one;
        Self { id, email, name, role: kernel::OrgRole::Member.into(), invited_by: invited_by.0, created_at }
    }
}

/// An invitation as the invited person sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OwnInvitation, example = examples::own_invitation)]
pub(super) struct OwnOut {
    /// The invitation's id.
    id: Uuid,
    /// Who invites.
    organization: OrganizationOut,
    /// The role that accepting gives.
    role: Role,
    /// The name of who invited.
    #[schema(examples("Ada Lovelace"))]
    invited_by: String,
    /// When it was made.
    created_at: DateTime<Utc>,
}

impl From<OwnInvitation> for OwnOut {
    fn from(one: OwnInvitation) -> Self {
        let OwnInvitation { id, organization, invited_by, created_at } = one;
        Self { id, organization: organization.into(), role: kernel::OrgRole::Member.into(), invited_by, created_at }
    }
}

/// List the invitations that nobody has answered yet.
///
/// To become a member of the organisation.
#[utoipa::path(params(Paging), responses((status = 200, description = "A page of invitations", body = List<InvitationOut>)))]
#[get("/api/organization/invitations")]
pub(super) async fn invited(Authed(ctx): Authed, listing: Listing, users: Data<dyn Users>) -> Result<HttpResponse, Problem> {
    let page = users.invitations(&ctx, listing.page()).await?;
    Ok(listing.reply(page, InvitationOut::from))
}

/// Read an invitation that nobody has answered yet.
///
/// One that was accepted, declined or taken back is not found.
#[utoipa::path(responses((status = 200, description = "The invitation", body = InvitationOut)))]
#[get("/api/organization/invitations/{id}")]
pub(super) async fn invitation(Authed(ctx): Authed, Id(id): Id<Uuid>, users: Data<dyn Users>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&InvitationOut::from(users.invitation(&ctx, id).await?)).response())
}

/// Mail an invitation again.
///
/// To the same address, ten minutes after the last mail at the earliest, and five times in all.
#[utoipa::path(responses(
    (status = 200, description = "The invitation", body = InvitationOut),
    (status = 403, description = "PERMISSION_DENIED: `missingPermission` names what is missing; EMAIL_NOT_VERIFIED: the caller has not proven their own address"),
    (status = 409, description = "MAILED_OFTEN: it was mailed as often as one may be"),
))]
#[post("/api/organization/invitations/{id}/resend")]
pub(super) async fn resend(
    Authed(ctx): Authed,
    Id(id): Id<Uuid>,
    request: HttpRequest,
    _: NoBody,
    users: Data<dyn Users>,
) -> Result<HttpResponse, Problem> {
    let sent = users.resend_invitation(&ctx, id, language_of(&request)).await?;
    Ok(Reply::ok(&InvitationOut::from(sent)).response())
}

/// Take an invitation back.
///
/// Nobody can accept it any more.
#[utoipa::path(responses((status = 204, description = "Nobody can accept it any more")))]
#[delete("/api/organization/invitations/{id}")]
pub(super) async fn withdraw(Authed(ctx): Authed, Id(id): Id<Uuid>, users: Data<dyn Users>) -> Result<HttpResponse, Problem> {
    users.withdraw_invitation(&ctx, id).await?;
    Ok(Reply::no_content().response())
}

/// List the invitations that wait for the caller's email.
///
/// Of organisations, to become a member.
#[utoipa::path(params(Paging), responses(
    (status = 200, description = "A page of invitations", body = List<OwnOut>),
    (status = 403, description = "EMAIL_NOT_VERIFIED: the caller has not proven their address"),
))]
#[get("/api/invitations")]
pub(super) async fn own(Authed(ctx): Authed, listing: Listing, users: Data<dyn Users>) -> Result<HttpResponse, Problem> {
    let page = users.own_invitations(&ctx, listing.page()).await?;
    Ok(listing.reply(page, OwnOut::from))
}

/// Accept an invitation.
///
/// The caller becomes a member of the organisation that invited. Switch to it with `POST /api/auth/switch-organization`. Bears repetition: an invitation that the caller accepted is answered in the same way.
#[utoipa::path(responses(
    (status = 200, description = "The caller as a member", body = MemberOut),
    (status = 403, description = "EMAIL_NOT_VERIFIED: the caller has not proven their address"),
    (status = 409, description = "ALREADY_MEMBER: the caller is a member already · NOT_LET_IN: the organisation's directory has deactivated the caller"),
))]
#[post("/api/invitations/{id}/accept")]
pub(super) async fn accept(Authed(ctx): Authed, Id(id): Id<Uuid>, users: Data<dyn Users>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&MemberOut::from(users.accept_invitation(&ctx, id).await?)).response())
}

/// Decline an invitation.
///
/// It is over, and the organisation may send another.
#[utoipa::path(responses(
    (status = 204, description = "Declined"),
    (status = 403, description = "EMAIL_NOT_VERIFIED: the caller has not proven their address"),
))]
#[post("/api/invitations/{id}/decline")]
pub(super) async fn decline(Authed(ctx): Authed, Id(id): Id<Uuid>, users: Data<dyn Users>) -> Result<HttpResponse, Problem> {
    users.decline_invitation(&ctx, id).await?;
    Ok(Reply::no_content().response())
}

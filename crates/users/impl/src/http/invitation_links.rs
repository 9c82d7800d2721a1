//! `/api/organization/invitation-links`: links by which people join; `/api/invitation-links`: what one does with such a link.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use tenants_api::perm;
use users_api::{FreshInvitationLink, InvitationLink, InvitationLinks, NewInvitationLink};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AuthRateLimit, Authed, Guard, Id, Json, List, Listing, Paging, Problem, Reply, Routes};

use super::dto::{MemberOut, OrganizationOut, Role};
use super::examples;
use super::language::language_of;

/// Adds the endpoints of who manages links.
pub(super) fn manage(r: &mut Routes) {
    r.resource("organizationInvitationLinks");
    r.add(perm::MEMBERS_MANAGE, || list);
    r.add(perm::MEMBERS_MANAGE, || create).without_key();
    r.add(perm::MEMBERS_MANAGE, || read);
    r.add(perm::MEMBERS_MANAGE, || revoke).unconditional();
}

/// Adds the endpoints of who has one.
pub(super) fn join(r: &mut Routes) {
    r.resource("invitationLinks");
    r.add(Guard::SignedIn, || look).without_key();
    r.add(Guard::SignedIn, || accept).without_key();
}

/// A domain as it stands behind the @ of addresses.
#[derive(ToSchema)]
#[schema(max_length = 253)]
#[allow(dead_code)]
struct AddressDomain(String);

/// A link to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewInvitationLink, example = json!({"label": "Site managers", "domains": [], "maxUses": 20, "days": 14}))]
struct NewIn {
    /// For whom it is. It is shown to nobody outside.
    #[schema(min_length = 1, max_length = 100, examples("Site managers"))]
    label: Option<String>,
    /// Only whose proven address is of one of these domains joins by it; none, or left out: whoever has it. What stands below a domain is another.
    #[schema(max_items = 20, value_type = Option<Vec<AddressDomain>>)]
    domains: Option<Vec<String>>,
    /// How many may join by it; 1 unless told otherwise.
    #[schema(minimum = 1, maximum = 1000)]
    max_uses: Option<u32>,
    /// For how many days it counts; 7 unless told otherwise.
    #[schema(minimum = 1, maximum = 90)]
    days: Option<u32>,
}

/// A link. What it holds is told once, when it is made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitationLink, example = examples::invitation_link)]
struct LinkOut {
    /// The link's id.
    id: Uuid,
    /// For whom it is; null if nobody said.
    label: Option<String>,
    /// Of which domains the addresses of those are who join by it; none: whoever has it.
    domains: Vec<String>,
    /// The role that joining by it gives.
    role: Role,
    /// How many may join by it.
    max_uses: u32,
    /// How many have.
    uses: u32,
    /// Who made it.
    created_by: Uuid,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Until when it counts.
    expires_at: DateTime<Utc>,
    /// When it was taken back; null if it was not.
    revoked_at: Option<DateTime<Utc>>,
}

impl From<InvitationLink> for LinkOut {
    fn from(link: InvitationLink) -> Self {
        let InvitationLink { id, label, domains, most_uses, uses, created_by, created_at, expires_at, revoked_at } = link;
        let (role, max_uses, created_by) = (kernel::OrgRole::Member.into(), most_uses, created_by.0);
        Self { id, label, domains, role, max_uses, uses, created_by, created_at, expires_at, revoked_at }
    }
}

/// A link that was just made: the only answer that has what it holds.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FreshInvitationLink, example = examples::fresh_invitation_link)]
struct FreshOut {
    /// What the link holds. Nobody can tell it again.
    #[schema(pattern = "^[A-Za-z0-9_-]{64}$")]
    token: String,
    /// The page of this server on which whoever opens it joins, below its address.
    path: String,
    /// What is kept of it.
    link: LinkOut,
}

/// What a link holds.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = InvitationLinkToken, example = examples::link_token)]
struct TokenIn {
    /// As the link has it behind `token=`.
    #[schema(min_length = 1, max_length = 100)]
    token: String,
}

/// Where a link leads.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitationLinkLook, example = examples::link_look)]
struct LookOut {
    /// The organisation that one joins by it.
    organization: OrganizationOut,
}

/// List the invitation links.
///
/// By which people become members of the organisation; newest first, those that count no more too.
#[utoipa::path(params(Paging), responses((status = 200, description = "A page of links", body = List<LinkOut>)))]
#[get("/api/organization/invitation-links")]
async fn list(Authed(ctx): Authed, listing: Listing, links: Data<dyn InvitationLinks>) -> Result<HttpResponse, Problem> {
    let page = links.links(&ctx, listing.page()).await?;
    Ok(listing.reply(page, LinkOut::from))
}

/// Make an invitation link.
///
/// Whoever has it, is signed in and has proven an address of its domains, becomes a member by it, and no more than that. The answer tells what it holds, once: only a hash is kept, so
/// the answer cannot be repeated either.
#[utoipa::path(responses(
    (status = 201, description = "The link", body = FreshOut),
    (status = 403, description = "PERMISSION_DENIED: `missingPermission` names what is missing; EMAIL_NOT_VERIFIED: the caller has not proven their own address"),
    (status = 409, description = "TOO_MANY_LINKS: the organisation has as many as may count at a time"),
    (status = 422, description = "Every fault: such as INVALID_FORMAT or DUPLICATE at /domains/0, OUT_OF_RANGE at /maxUses"),
))]
#[post("/api/organization/invitation-links")]
async fn create(Authed(ctx): Authed, links: Data<dyn InvitationLinks>, body: Json<NewIn>) -> Result<HttpResponse, Problem> {
    let NewIn { label, domains, max_uses, days } = body.0;
    let new = NewInvitationLink {
        label,
        domains: domains.unwrap_or_default(),
        most_uses: max_uses.unwrap_or(1),
        days: days.unwrap_or(7),
    };
    let FreshInvitationLink { token, link } = links.make(&ctx, new).await?;
    let location = format!("/api/organization/invitation-links/{}", link.id);
    let token = token.expose_secret().to_owned();
    let out = FreshOut { path: format!("/join?token={token}"), token, link: link.into() };
    Ok(Reply::created(location, &out).response())
}

/// Read an invitation link.
///
/// All but what it holds.
#[utoipa::path(responses((status = 200, description = "The link", body = LinkOut)))]
#[get("/api/organization/invitation-links/{id}")]
async fn read(Authed(ctx): Authed, Id(id): Id<Uuid>, links: Data<dyn InvitationLinks>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&LinkOut::from(links.link(&ctx, id).await?)).response())
}

/// Take an invitation link back.
///
/// Nobody joins by it any more, at once. Who has stays.
#[utoipa::path(responses((status = 204, description = "Nobody joins by it any more")))]
#[delete("/api/organization/invitation-links/{id}")]
async fn revoke(Authed(ctx): Authed, Id(id): Id<Uuid>, links: Data<dyn InvitationLinks>) -> Result<HttpResponse, Problem> {
    links.revoke_link(&ctx, id).await?;
    Ok(Reply::no_content().response())
}

/// See where an invitation link leads.
///
/// Before one joins by it. It goes on to count.
#[utoipa::path(responses(
    (status = 200, description = "The organisation", body = LookOut),
    (status = 409, description = "LINK_SPENT: it was used up, taken back, is too old, or is none"),
))]
#[post("/api/invitation-links/look")]
async fn look(
    _: AuthRateLimit,
    _: Authed,
    links: Data<dyn InvitationLinks>,
    body: Json<TokenIn>,
) -> Result<HttpResponse, Problem> {
    let organization = links.leads_to(&body.0.token).await?.into();
    Ok(Reply::ok(&LookOut { organization }).response())
}

/// Join an organisation by an invitation link.
///
/// The caller becomes a member; who made the link is told. Switch to the organisation with `POST /api/auth/switch-organization`.
#[utoipa::path(responses(
    (status = 200, description = "The caller as a member", body = MemberOut),
    (status = 403, description = "EMAIL_NOT_VERIFIED: the caller has not proven their address; DOMAIN_NOT_ALLOWED: the link is for addresses of other domains"),
    (status = 409, description = "LINK_SPENT: it was used up, taken back, is too old, or is none · ALREADY_MEMBER: the caller is a member already"),
))]
#[post("/api/invitation-links/accept")]
async fn accept(
    _: AuthRateLimit,
    Authed(ctx): Authed,
    request: HttpRequest,
    links: Data<dyn InvitationLinks>,
    body: Json<TokenIn>,
) -> Result<HttpResponse, Problem> {
    let joined = links.join_by_link(&ctx, &body.0.token, language_of(&request)).await?;
    Ok(Reply::ok(&MemberOut::from(joined)).response())
}

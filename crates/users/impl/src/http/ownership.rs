//! `/api/organization/ownership-offers`: an organisation passes from one owner to another.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use chrono::{DateTime, Utc};
use kernel::UserId;
use serde::{Deserialize, Serialize};
use tenants_api::perm;
use users_api::{Ownership, OwnershipOffer};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authed, Guard, Id, Json, List, Listing, NoBody, Paging, Problem, Reply, Routes};

use super::dto::MemberOut;
use super::language::language_of;

/// Adds the endpoints.
pub(super) fn routes(r: &mut Routes) {
    r.resource("ownershipOffers");
    r.add(perm::MEMBERS_READ, || list);
    r.add(perm::OWNERS_MANAGE, || offer).without_key().stepping_up();
    r.add(perm::OWNERS_MANAGE, || withdraw).unconditional();
    r.add(Guard::SignedIn, || accept).without_key().stepping_up();
    r.add(Guard::SignedIn, || decline).without_key();
}

/// To whom the organisation is offered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewOwnershipOffer, example = json!({"userId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b14"}))]
struct OfferIn {
    /// A member of the organisation who has proven their address and is no owner.
    user_id: Uuid,
}

/// An offer that waits for its answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OwnershipOffer, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b64", "offeredBy": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b12",
    "offeredTo": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b14", "createdAt": "2026-11-21T08:00:00Z", "expiresAt": "2026-12-05T08:00:00Z"
}))]
struct OfferOut {
    /// The offer's id.
    id: Uuid,
    /// The owner who offers.
    offered_by: Uuid,
    /// The member who is asked.
    offered_to: Uuid,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Until when it can be accepted.
    expires_at: DateTime<Utc>,
}

impl From<OwnershipOffer> for OfferOut {
    fn from(made: OwnershipOffer) -> Self {
        let OwnershipOffer { id, offered_by, offered_to, created_at, expires_at } = made;
        Self { id, offered_by: offered_by.0, offered_to: offered_to.0, created_at, expires_at }
    }
}

/// List the offers of the organisation.
///
/// To become its owner; those that wait for an answer.
#[utoipa::path(params(Paging), responses((status = 200, description = "A page of offers", body = List<OfferOut>)))]
#[get("/api/organization/ownership-offers")]
async fn list(Authed(ctx): Authed, listing: Listing, ownership: Data<dyn Ownership>) -> Result<HttpResponse, Problem> {
    let page = ownership.ownership_offers(&ctx, listing.page()).await?;
    Ok(listing.reply(page, OfferOut::from))
}

/// Offer the organisation to a member.
///
/// Whoever accepts within 14 days is its owner, and the caller an administrator. They are written to.
#[utoipa::path(responses(
    (status = 201, description = "The offer", body = OfferOut),
    (status = 403, description = "PERMISSION_DENIED: `missingPermission` names what is missing; EMAIL_NOT_VERIFIED: the caller has not proven their own address"),
    (status = 404, description = "NOT_FOUND: they are no member of the organisation"),
    (status = 409, description = "ALREADY_OWNER: they are an owner already · OWNERSHIP_OFFERED: it is offered to somebody already"),
    (status = 422, description = "EMAIL_NOT_VERIFIED at /userId: their address is not proven"),
))]
#[post("/api/organization/ownership-offers")]
async fn offer(
    Authed(ctx): Authed,
    request: HttpRequest,
    ownership: Data<dyn Ownership>,
    body: Json<OfferIn>,
) -> Result<HttpResponse, Problem> {
    let made = ownership.offer_ownership(&ctx, UserId(body.0.user_id), language_of(&request)).await?;
    Ok(Reply::created("/api/organization/ownership-offers", &OfferOut::from(made)).response())
}

/// Take an offer of the organisation back.
///
/// Nobody can accept it any more.
#[utoipa::path(responses((status = 204, description = "Nobody can accept it any more")))]
#[delete("/api/organization/ownership-offers/{id}")]
async fn withdraw(Authed(ctx): Authed, Id(id): Id<Uuid>, ownership: Data<dyn Ownership>) -> Result<HttpResponse, Problem> {
    ownership.withdraw_ownership_offer(&ctx, id).await?;
    Ok(Reply::no_content().response())
}

/// Accept the organisation.
///
/// The caller, to whom it was offered, is its owner, and who offered it an administrator. Both are told.
#[utoipa::path(responses(
    (status = 200, description = "The caller as a member", body = MemberOut),
    (status = 403, description = "EMAIL_NOT_VERIFIED: the caller has not proven their address"),
))]
#[post("/api/organization/ownership-offers/{id}/accept")]
async fn accept(
    Authed(ctx): Authed,
    Id(id): Id<Uuid>,
    request: HttpRequest,
    _: NoBody,
    ownership: Data<dyn Ownership>,
) -> Result<HttpResponse, Problem> {
    let member = ownership.accept_ownership(&ctx, id, language_of(&request)).await?;
    Ok(Reply::ok(&MemberOut::from(member)).response())
}

/// Decline the organisation.
///
/// It stays with who offered it.
#[utoipa::path(responses((status = 204, description = "Declined")))]
#[post("/api/organization/ownership-offers/{id}/decline")]
async fn decline(
    Authed(ctx): Authed,
    Id(id): Id<Uuid>,
    _: NoBody,
    ownership: Data<dyn Ownership>,
) -> Result<HttpResponse, Problem> {
    ownership.decline_ownership(&ctx, id).await?;
    Ok(Reply::no_content().response())
}

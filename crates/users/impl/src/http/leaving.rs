//! Leaving the platform: `DELETE /api/organization`, `DELETE /api/user`, and what takes that back.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use chrono::{DateTime, Utc};
use kernel::OrgId;
use serde::{Deserialize, Serialize};
use users_api::{Leaving, LeavingOrganization, Users};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AuthRateLimit, Authed, Id, IfMatch, Json, List, NoBody, Problem, Reply, RequestInfo};

use super::answers::signed_out;
use super::cookies::CookieSettings;
use super::dto::OrganizationOut;
use super::examples;
use super::language::language_of;
use super::user::tag;

/// An organisation of the caller that leaves the platform.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LeavingOrganization, example = examples::leaving)]
pub(super) struct LeavingOut {
    /// The organisation.
    organization: OrganizationOut,
    /// Who asked for it.
    asked_by: Uuid,
    /// When.
    asked_at: DateTime<Utc>,
    /// Until when it can be taken back.
    leaves_at: DateTime<Utc>,
}

impl From<LeavingOrganization> for LeavingOut {
    fn from(one: LeavingOrganization) -> Self {
        let LeavingOrganization { organization, departure } = one;
        Self {
            organization: organization.into(),
            asked_by: departure.asked_by.0,
            asked_at: departure.asked_at,
            leaves_at: departure.leaves_at,
        }
    }
}

/// What keeps an account.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = AccountRestoration, example = examples::proof)]
pub(super) struct RestorationIn {
    /// What the link of the mail holds.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    token: String,
}

/// Have the organisation leave the platform.
///
/// Its sessions, API keys and invitations end at once, and nobody acts in it any more. Every owner is told by mail until when it can be taken back:
/// `POST /api/organizations/{id}/restore`. After that it is forgotten, but for what others must be able to prove; whoever has contracts with it goes on
/// to see its name.
#[utoipa::path(responses(
    (status = 204, description = "It leaves; this session has ended"),
    (status = 409, description = "ORGANIZATION_IN_USE: it is still bound by contracts or tenders, or money of it is held, or it is suspended; the detail names them"),
))]
#[delete("/api/organization")]
pub(super) async fn leave_organization(
    Authed(ctx): Authed,
    request: HttpRequest,
    leaving: Data<dyn Leaving>,
    settings: Data<CookieSettings>,
) -> Result<HttpResponse, Problem> {
    leaving.leave_organization(&ctx, language_of(&request)).await?;
    Ok(signed_out(&settings))
}

/// List the caller's organisations that leave the platform.
///
/// Those of which the caller is an owner and that can still be kept, the one that was asked for last first. A person has so few that one page holds them all.
#[utoipa::path(responses((status = 200, description = "All of them", body = List<LeavingOut>)))]
#[get("/api/organizations/leaving")]
pub(super) async fn leaving_organizations(Authed(ctx): Authed, leaving: Data<dyn Leaving>) -> Result<HttpResponse, Problem> {
    let data = leaving.leaving_organizations(&ctx).await?.into_iter().map(LeavingOut::from).collect();
    Ok(Reply::ok(&List { data, next_cursor: None }).response())
}

/// Keep an organisation that leaves the platform.
///
/// For its owners, from wherever they are signed in: switch to it afterwards. Sessions, API keys and invitations that ended stay ended.
#[utoipa::path(responses((status = 200, description = "The organisation, which stays", body = OrganizationOut)))]
#[post("/api/organizations/{id}/restore")]
pub(super) async fn restore_organization(
    Authed(ctx): Authed,
    Id(org): Id<OrgId>,
    leaving: Data<dyn Leaving>,
    _: NoBody,
) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&OrganizationOut::from(leaving.restore_organization(&ctx, org).await?)).response())
}

/// Remove the account.
///
/// Sessions end at once, and nobody signs in any more. Organisations that others belong to are left at once; those that are the caller's alone leave along. A
/// mail tells until when that can be taken back, with a link (`POST /api/user/restore`); after that, what remains is anonymous.
#[utoipa::path(responses(
    (status = 204, description = "It leaves; this session has ended"),
    (status = 409, description = "LAST_OWNER: an organisation with other members would be left without an owner; ORGANIZATION_IN_USE: one without other members is still bound by contracts or tenders, or money of it is held, or it is suspended; the detail names them"),
))]
#[delete("/api/user")]
pub(super) async fn remove(
    Authed(ctx): Authed,
    if_match: IfMatch,
    request: HttpRequest,
    users: Data<dyn Users>,
    leaving: Data<dyn Leaving>,
    settings: Data<CookieSettings>,
) -> Result<HttpResponse, Problem> {
    if_match.seen(users.profile(&ctx), |seen| tag(&seen.user)).await?;
    leaving.remove_account(&ctx, language_of(&request)).await?;
    Ok(signed_out(&settings))
}

/// Keep an account that is being removed.
///
/// With what the link of the mail holds, until the time that it names; organisations that were leaving along are kept along. Nobody is signed in by it.
#[utoipa::path(responses(
    (status = 204, description = "The account stays: sign in"),
    (status = 409, description = "LINK_SPENT: it was used already, or its time is over"),
))]
#[post("/api/user/restore")]
pub(super) async fn restore(
    _: AuthRateLimit,
    info: RequestInfo,
    leaving: Data<dyn Leaving>,
    body: Json<RestorationIn>,
) -> Result<HttpResponse, Problem> {
    leaving.restore_account(&body.0.token, &info.request).await?;
    Ok(Reply::no_content().response())
}

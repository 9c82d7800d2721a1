//! `/api/organization/support-access`: whom of the platform the organisation lets look at it.

use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, post};
use auth_api::{NewSupportConsent, SupportAccess, SupportConsent, SupportEnd, SupportVisit, perm};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authed, CurrentSession, Json, List, Listing, OneOf, Paging, Problem, Reply, Routes};

/// Adds the endpoints of support.
pub(super) fn routes(r: &mut Routes) {
    r.tag(
        "Support access",
        "Operators of the platform look at the organisation, if it consents: for a while, reading alone, told in its trail.",
    );
    r.resource("supportAccess");
    r.add(perm::SUPPORT_READ, || list);
    r.add(perm::SUPPORT_MANAGE, || grant).without_key().stepping_up();
    r.add(perm::SUPPORT_MANAGE, || revoke).unconditional();
}

type End = OneOf<SupportEnd>;

/// A consent to be given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewSupportAccess, example = json!({"reason": "A contract is missing in the list", "hours": 8}))]
struct NewIn {
    /// What the operators are to look at.
    #[schema(min_length = 1, max_length = 1000, examples("A contract is missing in the list"))]
    reason: String,
    /// For how many hours; left out or null: for 8.
    #[schema(minimum = 1, maximum = 72)]
    hours: Option<u32>,
}

/// An operator's look at the organisation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SupportSession, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9bb1", "operator": "Olga Operator", "reason": "Ticket 4711", "startedAt": "2026-11-21T09:00:00Z",
    "expiresAt": "2026-11-21T10:00:00Z", "endedAt": null, "endedFor": null, "live": true, "reads": 12, "refusals": 0
}))]
struct SessionOut {
    /// The session's id, which the trail names.
    id: Uuid,
    /// Who looks, by name.
    operator: String,
    /// Why.
    reason: String,
    /// When it began.
    started_at: DateTime<Utc>,
    /// When it ends by itself.
    expires_at: DateTime<Utc>,
    /// When it ended; null if nothing has ended it yet.
    ended_at: Option<DateTime<Utc>>,
    /// Why.
    ended_for: Option<End>,
    /// Whether it can read now.
    live: bool,
    /// How often it asked for something that it may read. Which routes, the trail says.
    #[schema(minimum = 0)]
    reads: u64,
    /// How often it was refused something.
    #[schema(minimum = 0)]
    refusals: u64,
}

impl From<SupportVisit> for SessionOut {
    fn from(visit: SupportVisit) -> Self {
        Self {
            id: visit.id.0,
            operator: visit.operator,
            reason: visit.reason,
            started_at: visit.started_at,
            expires_at: visit.expires_at,
            ended_at: visit.ended.map(|(at, _)| at),
            ended_for: visit.ended.map(|(_, why)| why.into()),
            live: visit.live,
            reads: visit.reads,
            refusals: visit.refusals,
        }
    }
}

/// A consent, with who looked by it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SupportAccess, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9bb0", "reason": "A contract is missing in the list", "grantedBy": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b12",
    "grantedAt": "2026-11-21T08:00:00Z", "expiresAt": "2026-11-21T16:00:00Z", "endedAt": null, "endedFor": null, "live": true, "sessions": [{
        "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9bb1", "operator": "Olga Operator", "reason": "Ticket 4711", "startedAt": "2026-11-21T09:00:00Z",
        "expiresAt": "2026-11-21T10:00:00Z", "endedAt": null, "endedFor": null, "live": true, "reads": 12, "refusals": 0
    }]
}))]
struct AccessOut {
    /// The consent's id, which the trail names.
    id: Uuid,
    /// What the operators are to look at.
    reason: String,
    /// Who gave it.
    granted_by: Uuid,
    /// When.
    granted_at: DateTime<Utc>,
    /// When it ends by itself.
    expires_at: DateTime<Utc>,
    /// When it ended; null if nothing has ended it yet.
    ended_at: Option<DateTime<Utc>>,
    /// Why.
    ended_for: Option<End>,
    /// Whether an operator can begin to look by it now.
    live: bool,
    /// Who looked by it, the first first.
    sessions: Vec<SessionOut>,
}

impl From<SupportConsent> for AccessOut {
    fn from(consent: SupportConsent) -> Self {
        Self {
            id: consent.id.0,
            reason: consent.reason,
            granted_by: consent.granted_by.0,
            granted_at: consent.granted_at,
            expires_at: consent.expires_at,
            ended_at: consent.ended.map(|(at, _)| at),
            ended_for: consent.ended.map(|(_, why)| why.into()),
            live: consent.live,
            sessions: consent.sessions.into_iter().map(SessionOut::from).collect(),
        }
    }
}

/// List the consents to support.
///
/// Those that there are and were, newest first, each with the operators who looked by it: who, why, from when to when, and how often they read.
#[utoipa::path(params(Paging), responses((status = 200, description = "A page of consents", body = List<AccessOut>)))]
#[get("/api/organization/support-access")]
async fn list(Authed(ctx): Authed, listing: Listing, support: Data<dyn SupportAccess>) -> Result<HttpResponse, Problem> {
    let page = support.consents(&ctx, listing.page()).await?;
    Ok(listing.reply(page, AccessOut::from))
}

/// Let support look at the organisation.
///
/// Operators of the platform can begin sessions that read for an hour each, until the consent ends or is taken back. They see what administrators see of the
/// organisation, its projects, tenders and contracts; no bids, no trail, no keys, nothing of the members' security and of where money is paid to. They change
/// nothing. The owners are told by mail of each that begins. There is one consent at a time.
#[utoipa::path(responses(
    (status = 201, description = "The consent", body = AccessOut),
    (status = 409, description = "STATE_CONFLICT: the organisation consents already"),
    (status = 422, description = "Every fault: such as OUT_OF_RANGE at /hours"),
))]
#[post("/api/organization/support-access")]
async fn grant(
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    support: Data<dyn SupportAccess>,
    body: Json<NewIn>,
) -> Result<HttpResponse, Problem> {
    let NewIn { reason, hours } = body.0;
    let new = NewSupportConsent { reason, hours: hours.unwrap_or(NewSupportConsent::USUAL_HOURS) };
    let consent = support.grant(&ctx, session.id, new).await?;
    Ok(Reply::created("/api/organization/support-access".to_owned(), &AccessOut::from(consent)).response())
}

/// Take the consent to support back.
///
/// Every session by it ends at once, on every server. Where nobody consents, nothing happens.
#[utoipa::path(responses((status = 204, description = "Taken back")))]
#[delete("/api/organization/support-access")]
async fn revoke(Authed(ctx): Authed, support: Data<dyn SupportAccess>) -> Result<HttpResponse, Problem> {
    support.revoke(&ctx).await?;
    Ok(Reply::no_content().response())
}

//! `/api/security-events`: what the organisation is told of the security of its members' accounts.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use auth_api::{EventFilter, OrganizationEvent, OrganizationEventKind, OrganizationEvents, perm};
use chrono::{DateTime, Utc};
use kernel::{ApiKeyId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{Authed, List, Listing, OneOf, Paging, Problem, Routes};

/// Adds the endpoint.
pub(super) fn routes(r: &mut Routes) {
    r.tag("Security events", "What happened to the security of the members' accounts, as far as it concerns the organisation.");
    r.resource("securityEvents");
    r.add(perm::SECURITY_READ, || list);
}

type Kind = OneOf<OrganizationEventKind>;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ListQuery {
    /// Only events of this kind.
    #[param(inline)]
    kind: Option<Kind>,
    /// Only events of this person's account.
    user_id: Option<Uuid>,
    /// Only events from this time on.
    since: Option<DateTime<Utc>>,
    /// Only events before this time.
    before: Option<DateTime<Utc>>,
}

/// What the organisation is told.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrganizationSecurityEvent, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9ba0", "at": "2026-11-21T08:00:00Z", "kind": "access_denied",
    "userId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b14", "apiKeyId": null, "permission": "tenders.award", "address": null,
    "requestId": "0199d0c4f3a27c5e8a6f0d1b2c3d4e5f"
}))]
struct EventOut {
    /// The event's id.
    id: Uuid,
    /// When it happened.
    at: DateTime<Utc>,
    /// What happened.
    kind: Kind,
    /// Whose account it concerns; null if it is an API key's, or the organisation's.
    user_id: Option<Uuid>,
    /// The API key, if one did it.
    api_key_id: Option<Uuid>,
    /// What was refused, of `access_denied`.
    #[schema(examples("tenders.award"))]
    permission: Option<String>,
    /// The client's address, if it is known. Of `access_denied` it is in the access log, under the request's id.
    #[schema(examples("203.0.113.7"))]
    address: Option<String>,
    /// The `X-Request-Id` of the request.
    request_id: String,
}

impl From<OrganizationEvent> for EventOut {
    fn from(event: OrganizationEvent) -> Self {
        Self {
            id: event.id,
            at: event.at,
            kind: event.kind.into(),
            user_id: event.user.map(|UserId(id)| id),
            api_key_id: event.api_key.map(|ApiKeyId(id)| id),
            permission: event.permission,
            address: event.address.map(|address| address.to_string()),
            request_id: event.request,
        }
    }
}

/// List what happened to the security of the members' accounts.
///
/// As far as it concerns the organisation, newest first: sign-ins into it, and those that failed and would have led into it; what was refused in it; limits
/// that were spent in it. To export them, go by pages, with an API key of the scope `security.read`. They are kept for three months unless the deployment
/// says otherwise.
#[utoipa::path(params(ListQuery, Paging), responses((status = 200, description = "A page of events", body = List<EventOut>)))]
#[get("/api/security-events")]
async fn list(
    Authed(ctx): Authed,
    events: Data<dyn OrganizationEvents>,
    listing: Listing<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let query = &listing.filter;
    let filter = EventFilter {
        kind: query.kind.map(|kind| kind.0),
        user: query.user_id.map(UserId),
        since: query.since,
        before: query.before,
    };
    let page = events.list(&ctx, filter, listing.page()).await?;
    Ok(listing.reply(page, EventOut::from))
}

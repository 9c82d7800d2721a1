//! `/api/security-events`: what the organisation is told of the security of its members' accounts, by pages and as one file.

use std::io;

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpResponse, get, post};
use auth_api::{EventFilter, EventFormat, OrganizationEvent, OrganizationEventKind, OrganizationEvents, perm};
use chrono::{DateTime, Utc};
use futures::stream;
use kernel::{ApiKeyId, PageRequest, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{Authed, Json, List, Listing, OneOf, Paging, Problem, Routes};

use crate::csv;

/// Adds the endpoints.
pub(super) fn routes(r: &mut Routes) {
    r.tag("Security events", "What happened to the security of the members' accounts, as far as it concerns the organisation.");
    r.resource("securityEvents");
    r.add(perm::SECURITY_READ, || list);
    r.add(perm::SECURITY_READ, || export).without_key();
}

type Kind = OneOf<OrganizationEventKind>;
type Format = OneOf<EventFormat>;

/// What a file tells of an event, in this order: the members of [`EventOut`].
const COLUMNS: [&str; 8] = ["id", "at", "kind", "userId", "apiKeyId", "permission", "address", "requestId"];

/// So many events of a file are in memory at a time.
const AT_A_TIME: u16 = 100;

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
/// that were spent in it. `POST /api/security-events/export` gives them as one file. They are kept for three months unless the deployment says otherwise.
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

/// Which events are taken along, and as what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SecurityEventExport, example = json!({"format": "csv", "kind": "sign_in_failed"}))]
struct ExportIn {
    /// As what.
    format: Format,
    /// Only events of this kind.
    kind: Option<Kind>,
    /// Only events of this person's account.
    user_id: Option<Uuid>,
    /// Only events from this time on.
    since: Option<DateTime<Utc>>,
    /// Only events before this time.
    before: Option<DateTime<Utc>>,
}

/// Security events, newest first: in CSV a line of names and a line for each, in NDJSON an object of JSON a line. A text that a spreadsheet would take for a
/// formula begins with an apostrophe in CSV.
#[derive(ToSchema)]
#[schema(as = SecurityEventFile)]
#[allow(dead_code)]
struct FileOut(String);

/// Take security events along.
///
/// All that fit and had happened when it was asked, newest first, as one file that is made as it is sent: if it breaks off, it is not whole. That they were
/// taken along, which and by whom, stands in the trail.
#[utoipa::path(responses((status = 200, description = "The events", content((FileOut = "text/csv"), (FileOut = "application/x-ndjson")))))]
#[post("/api/security-events/export")]
async fn export(
    Authed(ctx): Authed,
    events: Data<dyn OrganizationEvents>,
    body: Json<ExportIn>,
) -> Result<HttpResponse, Problem> {
    let ExportIn { format: OneOf(format), kind, user_id, since, before } = body.0;
    let filter = EventFilter { kind: kind.map(|kind| kind.0), user: user_id.map(UserId), since, before };
    let filter = events.take_along(&ctx, filter, format).await?;
    let (media_type, head) = match format {
        EventFormat::Csv => ("text/csv; charset=utf-8", csv::texts(COLUMNS)),
        EventFormat::Ndjson => ("application/x-ndjson", String::new()),
    };
    // One page is in memory at a time, and each is asked for by whoever still may read it.
    let first = Some((head, PageRequest::first(AT_A_TIME)));
    let pages = stream::try_unfold((events, ctx, first), move |(events, ctx, next)| async move {
        let Some((mut text, page)) = next else { return Ok(None) };
        let found = events.list(&ctx, filter, page).await.map_err(io::Error::other)?;
        for event in found.items {
            text += &line(format, event).map_err(io::Error::other)?;
        }
        let next = found.next.map(|after| (String::new(), PageRequest { after: Some(after), ..page }));
        // An empty piece would be the end.
        Ok::<_, io::Error>((!text.is_empty()).then(|| (Bytes::from(text), (events, ctx, next))))
    });
    let name = format!("attachment; filename=\"security-events.{}\"", format.name());
    let mut response = HttpResponse::Ok();
    response
        .content_type(media_type)
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
    Ok(response.streaming(pages))
}

/// A line of a file.
fn line(format: EventFormat, event: OrganizationEvent) -> Result<String, serde_json::Error> {
    let event = serde_json::to_value(EventOut::from(event))?;
    Ok(match format {
        EventFormat::Csv => csv::line(COLUMNS.map(|column| &event[column])),
        EventFormat::Ndjson => format!("{event}\n"),
    })
}

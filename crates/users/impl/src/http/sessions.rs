//! `/api/user/password`, `/api/user/sessions` and `/api/user/security-events`: one's own sign-in.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, put};
use auth_api::{LiveSession, SecurityEvent, SecurityEventKind, SignIn, SignInMethod};
use chrono::{DateTime, Utc};
use kernel::SessionId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AuthRateLimit, Authed, CurrentSession, Id, Json, List, Listing, OneOf, Paging, Problem, Reply, RequestInfo};

use super::answers::signed_out;
use super::cookies::CookieSettings;
use super::language::language_of;

/// The present password and a new one.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"currentPassword": "correct horse battery staple", "newPassword": "incorrect zebra capacitor paperclip"}))]
pub(super) struct PasswordChange {
    /// The present one.
    #[schema(min_length = 1, max_length = 1000, examples("correct horse battery staple"))]
    current_password: String,
    /// 8 to 128 characters, not one of those that are tried first, and another than now.
    #[schema(min_length = 8, max_length = 128, examples("incorrect zebra capacitor paperclip"))]
    new_password: String,
}

/// A live session of the caller.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LiveSession, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b70", "organizationId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13", "current": true,
    "device": "Firefox on Windows", "address": "203.0.113.7", "method": "password", "authenticatedAt": "2026-11-21T08:00:00Z",
    "createdAt": "2026-11-21T08:00:00Z", "lastSeenAt": "2026-11-21T09:30:00Z", "expiresAt": "2026-12-21T08:00:00Z"
}))]
pub(super) struct LiveOut {
    /// The session's id.
    id: Uuid,
    /// The organisation it is in.
    organization_id: Uuid,
    /// Whether it is the one of this request.
    current: bool,
    /// On what it was begun, as far as the program said; a guess.
    #[schema(examples("Firefox on Windows"))]
    device: Option<String>,
    /// The address from which it was begun, if that is known.
    #[schema(examples("203.0.113.7"))]
    address: Option<String>,
    /// By what the caller proved who they are.
    method: Method,
    /// When they did.
    authenticated_at: DateTime<Utc>,
    /// When it began.
    created_at: DateTime<Utc>,
    /// When it was last used, to a minute or two.
    last_seen_at: DateTime<Utc>,
    /// When it ends, if it is not ended before.
    expires_at: DateTime<Utc>,
}

type Kind = OneOf<SecurityEventKind>;
type Method = OneOf<SignInMethod>;

/// What happened to the caller's account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SecurityEvent, example = json!({
    "kind": "sign_in_failed", "at": "2026-11-21T08:00:00Z", "address": "203.0.113.7"
}))]
pub(super) struct EventOut {
    /// What happened.
    kind: Kind,
    /// When it happened.
    at: DateTime<Utc>,
    /// The client's address, if it is known.
    #[schema(examples("203.0.113.7"))]
    address: Option<String>,
}

impl From<SecurityEvent> for EventOut {
    fn from(event: SecurityEvent) -> Self {
        Self { kind: event.kind.into(), at: event.at, address: event.address.map(|address| address.to_string()) }
    }
}

/// Change the password.
///
/// The present one is asked; every other session of the caller ends, on this server and all others, and their address is told.
#[utoipa::path(responses(
    (status = 204, description = "Changed; this session goes on"),
    (status = 422, description = "WRONG_PASSWORD at /currentPassword, or what is wrong with the new one: such as TOO_COMMON, SAME_AS_EMAIL, TOO_PERSONAL, TOO_SIMPLE, BREACHED, SAME_AS_BEFORE"),
))]
#[put("/api/user/password")]
pub(super) async fn change_password(
    _: AuthRateLimit,
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    info: RequestInfo,
    request: HttpRequest,
    sign_in: Data<dyn SignIn>,
    body: Json<PasswordChange>,
) -> Result<HttpResponse, Problem> {
    let PasswordChange { current_password, new_password } = body.0;
    let (current, new) = (current_password.into(), new_password.into());
    sign_in.change_password(&ctx, session.id, current, new, info.address, language_of(&request)).await?;
    Ok(Reply::no_content().response())
}

/// List the caller's live sessions.
///
/// Newest first. A person has so few (a sign-in beyond it ends the oldest) that one page holds them all.
#[utoipa::path(responses((status = 200, description = "All of them", body = List<LiveOut>)))]
#[get("/api/user/sessions")]
pub(super) async fn list(
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    sign_in: Data<dyn SignIn>,
) -> Result<HttpResponse, Problem> {
    let out = |one: LiveSession| LiveOut {
        id: one.id.0,
        organization_id: one.org.0,
        current: one.id == session.id,
        device: one.device,
        address: one.address.map(|address| address.to_string()),
        method: one.method.into(),
        authenticated_at: one.authenticated_at,
        created_at: one.created_at,
        last_seen_at: one.last_seen_at,
        expires_at: one.expires_at,
    };
    let data = sign_in.sessions(&ctx).await?.into_iter().map(out).collect();
    Ok(Reply::ok(&List { data, next_cursor: None }).response())
}

/// End one of the caller's sessions.
///
/// Its token is dead at once. Ending this very one is signing out.
#[utoipa::path(responses((status = 204, description = "Ended; of this very session as when signing out")))]
#[delete("/api/user/sessions/{id}")]
pub(super) async fn end(
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    Id(id): Id<SessionId>,
    sign_in: Data<dyn SignIn>,
    settings: Data<CookieSettings>,
) -> Result<HttpResponse, Problem> {
    sign_in.end_session(&ctx, id).await?;
    Ok(if id == session.id { signed_out(&settings) } else { Reply::no_content().response() })
}

/// End every session of the caller but this one.
///
/// At once, on every device.
#[utoipa::path(responses((status = 204, description = "Ended")))]
#[delete("/api/user/sessions")]
pub(super) async fn end_others(
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    sign_in: Data<dyn SignIn>,
) -> Result<HttpResponse, Problem> {
    sign_in.end_other_sessions(&ctx, session.id).await?;
    Ok(Reply::no_content().response())
}

/// List what lately happened to the caller's account.
///
/// Such as failed sign-ins, newest first. They are kept for three months unless the
/// deployment says otherwise.
#[utoipa::path(params(Paging), responses((status = 200, description = "A page of events", body = List<EventOut>)))]
#[get("/api/user/security-events")]
pub(super) async fn events(Authed(ctx): Authed, listing: Listing, sign_in: Data<dyn SignIn>) -> Result<HttpResponse, Problem> {
    let page = sign_in.security_events(&ctx, listing.page()).await?;
    Ok(listing.reply(page, EventOut::from))
}

//! `/api/auth/providers`, `/api/auth/oauth/{provider}/start`, `/api/user/identities`: sign-in elsewhere, and what is linked.

use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use auth_api::{Begun, Client, Identity, IdentityId, IdentityProvider, SignInElsewhere};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AuthRateLimit, Authed, CurrentSession, Guard, Id, Json, List, Problem, Reply, RequestInfo, Routes};

use super::cookies::{Browser, CookieSettings};
use super::language::language_of;

/// Adds the routes of sign-in elsewhere.
pub(super) fn sign_in_routes(r: &mut Routes) {
    r.resource("identityProviders").add(Guard::Public, || providers);
    r.resource("signInElsewhere").add(Guard::Public, || start);
}

/// Adds the routes of what is linked with one's account.
pub(super) fn account_routes(r: &mut Routes) {
    r.resource("userIdentities");
    r.add(Guard::SignedIn, || list);
    r.add(Guard::SignedIn, || link).without_key().stepping_up();
    r.add(Guard::SignedIn, || unlink).unconditional().stepping_up();
}

/// An identity provider, by which one can sign in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IdentityProvider, example = json!({"key": "google", "name": "Google", "startPath": "/auth/oauth/google/start"}))]
pub(super) struct ProviderOut {
    /// What paths name it by.
    #[schema(examples("google"))]
    key: String,
    /// What people call it.
    #[schema(examples("Google"))]
    name: String,
    /// Where a link leads that begins a sign-in there, with `?returnTo=/path` if that is wanted.
    #[schema(examples("/auth/oauth/google/start"))]
    start_path: String,
}

impl From<IdentityProvider> for ProviderOut {
    fn from(provider: IdentityProvider) -> Self {
        let start_path = format!("/auth/oauth/{}/start", provider.key);
        Self { key: provider.key, name: provider.name, start_path }
    }
}

/// Where to go on afterwards.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SignInElsewhereStart, example = json!({"returnTo": "/projects"}))]
pub(super) struct StartIn {
    /// A path of this server, to which the browser goes on once its person is signed in; `/` without.
    #[schema(max_length = 500, pattern = "^/", examples("/projects"))]
    return_to: Option<String>,
}

/// Which identity is to be linked.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewUserIdentity, example = json!({"provider": "oidc", "returnTo": "/settings"}))]
pub(super) struct LinkIn {
    /// The key of the provider that is to sign the caller in.
    #[schema(max_length = 32, pattern = "^[a-z][a-z0-9]*$", examples("google"))]
    provider: String,
    /// A path of this server, to which the browser goes on once it is linked; `/` without.
    #[schema(max_length = 500, pattern = "^/", examples("/settings"))]
    return_to: Option<String>,
}

/// A way to a provider, for the browser that asked.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SignInElsewhere, example = json!({
    "authorizationUrl": "https://accounts.google.com/o/oauth2/v2/auth?response_type=code&client_id=1234",
    "expiresAt": "2026-11-21T08:10:00Z"
}))]
pub(super) struct StartedOut {
    /// Where the browser goes now. It comes back to this server by itself.
    authorization_url: String,
    /// Until when it may.
    expires_at: DateTime<Utc>,
}

/// An identity that is linked with the caller's account: it signs them in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UserIdentity, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b80", "provider": "google", "issuer": "https://accounts.google.com", "email": "ada@example.com",
    "linkedAt": "2026-11-21T08:00:00Z", "lastUsedAt": null
}))]
pub(super) struct IdentityOut {
    /// The identity's id.
    id: Uuid,
    /// The key of the provider by which it was linked.
    #[schema(examples("google"))]
    provider: String,
    /// Who says who it is.
    #[schema(examples("https://accounts.google.com"))]
    issuer: String,
    /// The address that the provider told when it was linked; null if it told none.
    #[schema(examples("ada@example.com"))]
    email: Option<String>,
    /// Since when.
    linked_at: DateTime<Utc>,
    /// When somebody last signed in by it; null if nobody did.
    last_used_at: Option<DateTime<Utc>>,
}

impl From<Identity> for IdentityOut {
    fn from(identity: Identity) -> Self {
        let Identity { id, provider, issuer, email, linked_at, last_used_at } = identity;
        Self { id: id.0, provider, issuer, email, linked_at, last_used_at }
    }
}

/// List the identity providers by which one can sign in here.
///
/// Empty where the deployment has none.
#[utoipa::path(responses((status = 200, description = "All of them", body = List<ProviderOut>)))]
#[get("/api/auth/providers")]
pub(super) async fn providers(elsewhere: Data<dyn SignInElsewhere>) -> Result<HttpResponse, Problem> {
    let data = elsewhere.providers().into_iter().map(ProviderOut::from).collect();
    Ok(Reply::ok(&List { data, next_cursor: None }).response())
}

/// Begin to sign in, or up, at an identity provider.
///
/// The browser goes to `authorizationUrl`, and comes back to this server, which signs it in and sends it on to `returnTo`. It counts for this browser,
/// by a cookie, for ten minutes and once. Where nobody has the identity, the account with the provider's address is linked with it, if the address is
/// proven here and verified there and the account has no second factor, and its person is told; with an address that nobody has, a new account is made.
/// An identity that was unlinked signs nobody in before it is linked again.
#[utoipa::path(
    params(("provider" = String, Path, description = "The key of the provider", example = "oidc")),
    responses(
        (status = 200, description = "The way there; the cookie `__Host-elsewhere` (in development `elsewhere`) binds it to the browser", body = StartedOut),
        (status = 404, description = "NOT_FOUND: there is no such provider here"),
        (status = 422, description = "INVALID_FORMAT at /returnTo: it leads to another server"),
        (status = 503, description = "PROVIDER_UNREACHABLE: the provider does not answer"),
    ),
)]
#[post("/api/auth/oauth/{provider}/start")]
pub(super) async fn start(
    _: AuthRateLimit,
    Id(provider): Id<String>,
    elsewhere: Data<dyn SignInElsewhere>,
    cookies: Data<CookieSettings>,
    browser: Browser,
    body: Json<StartIn>,
) -> Result<HttpResponse, Problem> {
    let begun = elsewhere.begin(&provider, body.0.return_to.as_deref(), browser.0.as_ref()).await?;
    Ok(started(begun, &cookies))
}

/// List the identities that are linked with the caller's account.
///
/// The oldest first. An account has so few that one page holds them all.
#[utoipa::path(responses((status = 200, description = "All of them", body = List<IdentityOut>)))]
#[get("/api/user/identities")]
pub(super) async fn list(Authed(ctx): Authed, elsewhere: Data<dyn SignInElsewhere>) -> Result<HttpResponse, Problem> {
    let data = elsewhere.identities(&ctx).await?.into_iter().map(IdentityOut::from).collect();
    Ok(Reply::ok(&List { data, next_cursor: None }).response())
}

/// Begin to link an identity with the caller's account.
///
/// As `POST /api/auth/oauth/{provider}/start`, for an account whose address is proven (403 EMAIL_NOT_VERIFIED), in a session that goes on until then. The
/// person is told by mail once it is linked.
#[utoipa::path(responses(
    (status = 200, description = "The way there; the cookie `__Host-elsewhere` (in development `elsewhere`) binds it to the browser", body = StartedOut),
    (status = 404, description = "NOT_FOUND: there is no such provider here"),
    (status = 422, description = "INVALID_FORMAT at /returnTo: it leads to another server"),
    (status = 503, description = "PROVIDER_UNREACHABLE: the provider does not answer"),
))]
#[post("/api/user/identities")]
pub(super) async fn link(
    _: AuthRateLimit,
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    elsewhere: Data<dyn SignInElsewhere>,
    cookies: Data<CookieSettings>,
    browser: Browser,
    body: Json<LinkIn>,
) -> Result<HttpResponse, Problem> {
    let LinkIn { provider, return_to } = body.0;
    let begun = elsewhere.begin_linking(&ctx, session.id, &provider, return_to.as_deref(), browser.0.as_ref()).await?;
    Ok(started(begun, &cookies))
}

/// Unlink an identity from the caller's account.
///
/// It signs nobody in any more, and only `POST /api/user/identities` links it again. The caller's other sessions end, and sign-ins that wait for a second
/// factor. The person is told by mail.
#[utoipa::path(responses(
    (status = 204, description = "Unlinked"),
    (status = 409, description = "LAST_WAY_IN: the caller has no password, no passkey and no other identity"),
))]
#[delete("/api/user/identities/{id}")]
pub(super) async fn unlink(
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    Id(id): Id<IdentityId>,
    info: RequestInfo,
    request: HttpRequest,
    elsewhere: Data<dyn SignInElsewhere>,
) -> Result<HttpResponse, Problem> {
    let language = language_of(&request);
    let client = Client { address: info.address, agent: info.agent, language: Some(language) };
    elsewhere.unlink(&ctx, session.id, id, &client, language).await?;
    Ok(Reply::no_content().response())
}

pub(super) fn started(begun: Begun, settings: &CookieSettings) -> HttpResponse {
    let cookie = browser_cookie(&begun, settings);
    let out = StartedOut { authorization_url: begun.url, expires_at: begun.expires_at };
    HttpResponse::Ok().cookie(cookie).insert_header((header::CACHE_CONTROL, "no-store")).json(out)
}

/// What binds a sign-in elsewhere to the browser that began it. It comes along when a provider sends the browser back, which is no request of its own
/// pages: `Lax`, not `Strict`.
pub(super) fn browser_cookie(begun: &Begun, settings: &CookieSettings) -> Cookie<'static> {
    let mut cookie = named(begun.browser.expose_secret().to_owned(), settings);
    cookie.set_expires(time::OffsetDateTime::from_unix_timestamp(begun.expires_at.timestamp()).ok());
    cookie
}

/// What ends it.
pub(super) fn no_browser_cookie(settings: &CookieSettings) -> Cookie<'static> {
    let mut cookie = named(String::new(), settings);
    cookie.make_removal();
    cookie
}

fn named(value: String, settings: &CookieSettings) -> Cookie<'static> {
    Cookie::build(settings.browser(), value).path("/").http_only(true).same_site(SameSite::Lax).secure(settings.secure).finish()
}

//! `/api/organization/single-sign-on` and `/api/auth/single-sign-on`: an organisation's own issuer, and signing in by it.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put};
use auth_api::{
    Client, Connection, NewConnection, SignOnMode, SignOnRoute, SingleSignOn, perm, sign_on_callback_path, sign_on_path,
};
use chrono::{DateTime, Utc};
use kernel::{OrgId, UserId};
use mail_api::Language;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AuthRateLimit, Authed, CurrentSession, Guard, Id, Json, NoBody, OneOf, Problem, Reply, RequestInfo, Routes};

use super::cookies::{Browser, CookieSettings};
use super::elsewhere::{StartedOut, started};
use super::language::language_of;

/// Adds the routes by which people sign in.
pub(super) fn sign_in_routes(r: &mut Routes) {
    r.resource("singleSignOn");
    r.add(Guard::Public, || look);
    r.add(Guard::Public, || start);
}

/// Adds the routes of who decides about it.
pub(super) fn organization_routes(r: &mut Routes) {
    r.tag("Single sign-on", "The organisation's own OpenID Connect issuer, by which its people sign in to it.");
    r.resource("singleSignOnConnection");
    r.add(perm::SIGN_ON_READ, || read);
    r.add(perm::SIGN_ON_MANAGE, || set).unconditional().stepping_up().by_own_session();
    r.add(perm::SIGN_ON_MANAGE, || remove).unconditional().stepping_up().by_own_session();
    r.add(perm::SIGN_ON_MANAGE, || try_out).without_key().stepping_up().by_own_session();
    r.resource("singleSignOnMode");
    r.add(perm::SIGN_ON_MANAGE, || turn).unconditional().stepping_up().by_own_session();
}

type Mode = OneOf<SignOnMode>;

/// Whose sign-in is looked for.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SingleSignOnLook, example = json!({"email": "edith@nordbau.example"}))]
struct LookIn {
    /// The address that somebody types who wants to sign in. Its domain decides.
    #[schema(min_length = 3, max_length = 254, examples("edith@nordbau.example"))]
    email: String,
}

/// Where people with an address of a domain sign in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SingleSignOnWay, example = json!({
    "organizationId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13", "enforced": true,
    "startPath": "/auth/single-sign-on/01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13/start"
}))]
struct WayOut {
    /// The organisation whose issuer signs them in.
    organization_id: Uuid,
    /// Whether there is no other way into that organisation.
    enforced: bool,
    /// Where a link leads that begins a sign-in there, with `?returnTo=/path` if that is wanted.
    #[schema(examples("/auth/single-sign-on/01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13/start"))]
    start_path: String,
}

impl From<SignOnRoute> for WayOut {
    fn from(way: SignOnRoute) -> Self {
        Self { organization_id: way.org.0, enforced: way.enforced, start_path: sign_on_path(way.org) }
    }
}

/// What was found.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SingleSignOnFound, example = json!({"singleSignOn": {
    "organizationId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13", "enforced": true,
    "startPath": "/auth/single-sign-on/01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13/start"
}}))]
struct FoundOut {
    /// The organisation that has proven the domain, and signs people in itself; null: none does.
    single_sign_on: Option<WayOut>,
}

/// How a sign-in is to begin.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SingleSignOnStart, example = json!({"returnTo": "/projects"}))]
struct StartIn {
    /// A path of this server, to which the browser goes on once its person is signed in; `/` without.
    #[schema(max_length = 500, pattern = "^/", examples("/projects"))]
    return_to: Option<String>,
    /// Whether the issuer is to have its person show anew who they are, even if they are signed in there: as 403 STEP_UP_REQUIRED wants it.
    #[serde(default)]
    anew: bool,
}

/// How the organisation's issuer is to be asked, and what its word is to be worth.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewSingleSignOnConnection, example = json!({
    "issuer": "https://login.nordbau.example/realms/nordbau", "clientId": "14build", "clientSecret": "8Qk2vY7m-3xR",
    "joinsOnSignIn": true, "trustsSecondFactor": false, "breakGlassOwners": []
}))]
struct ConnectionIn {
    /// The issuer, as it names itself: an `https` address at a public name.
    #[schema(min_length = 1, max_length = 500, examples("https://login.nordbau.example/realms/nordbau"))]
    issuer: String,
    /// What the issuer knows this server by.
    #[schema(min_length = 1, max_length = 500, examples("14build"))]
    client_id: String,
    /// By what this server proves that. It is never shown again; left out or null, the one that is there stays, as long as issuer and client do.
    #[schema(min_length = 1, max_length = 2000, examples("8Qk2vY7m-3xR"))]
    client_secret: Option<String>,
    /// Whether who has an address of a proven domain, and is no member, becomes one by signing in, in the role `member`. Who was invited does anyhow.
    joins_on_sign_in: bool,
    /// Whether a second factor that the issuer says it asked for (`mfa` in `amr`) counts in the organisation.
    trusts_second_factor: bool,
    /// The owners who come in without the issuer, where it is enforced: each with a second factor. Where it is enforced there is at least one.
    #[schema(max_items = 10)]
    break_glass_owners: Vec<Uuid>,
}

/// Whether people sign in by the issuer.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SingleSignOnChoice, example = json!({"mode": "optional"}))]
struct ModeIn {
    /// Whether they do.
    mode: Mode,
}

/// The organisation's connection with its issuer, without its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SingleSignOnConnection, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9bd0", "issuer": "https://login.nordbau.example/realms/nordbau", "clientId": "14build",
    "mode": "optional", "joinsOnSignIn": true, "trustsSecondFactor": false, "breakGlassOwners": [],
    "redirectPath": "/auth/single-sign-on/01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13/callback",
    "startPath": "/auth/single-sign-on/01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13/start",
    "testedAt": "2026-11-21T08:05:00Z", "createdAt": "2026-11-21T08:00:00Z", "updatedAt": "2026-11-21T08:10:00Z"
}))]
struct ConnectionOut {
    /// Its id: of another issuer, or another client, it is another one.
    id: Uuid,
    /// The issuer, as it names itself.
    issuer: String,
    /// What the issuer knows this server by.
    client_id: String,
    /// Whether people sign in by it.
    mode: Mode,
    /// Whether whom it signs in becomes a member by that.
    joins_on_sign_in: bool,
    /// Whether a second factor that it says it asked for counts.
    trusts_second_factor: bool,
    /// The owners who come in without it, where it is enforced.
    break_glass_owners: Vec<Uuid>,
    /// What is to be registered at the issuer as the redirect URI, behind the server's public address.
    redirect_path: String,
    /// Where a link leads that begins a sign-in.
    start_path: String,
    /// When a test of it passed last; null: none has.
    tested_at: Option<DateTime<Utc>>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

impl From<Connection> for ConnectionOut {
    fn from(connection: Connection) -> Self {
        let Connection { id, org, issuer, client_id, mode, joins, trusts_factor, break_glass, tested_at, created_at, updated_at } =
            connection;
        Self {
            id: id.0,
            issuer,
            client_id,
            mode: mode.into(),
            joins_on_sign_in: joins,
            trusts_second_factor: trusts_factor,
            break_glass_owners: break_glass.into_iter().map(|user| user.0).collect(),
            redirect_path: sign_on_callback_path(org),
            start_path: sign_on_path(org),
            tested_at,
            created_at,
            updated_at,
        }
    }
}

fn client_of(info: RequestInfo, language: Language) -> Client {
    Client { address: info.address, agent: info.agent, language: Some(language) }
}

/// Look where people with an address sign in.
///
/// By the domain of the address alone: the same for everybody there, whether anybody has the address or not.
#[utoipa::path(responses(
    (status = 200, description = "What was found", body = FoundOut),
    (status = 422, description = "What is wrong with the address, at /email"),
))]
#[post("/api/auth/single-sign-on/look")]
async fn look(_: AuthRateLimit, sign_on: Data<dyn SingleSignOn>, body: Json<LookIn>) -> Result<HttpResponse, Problem> {
    let single_sign_on = sign_on.route(&body.0.email).await?.map(WayOut::from);
    Ok(Reply::ok(&FoundOut { single_sign_on }).response())
}

/// Begin to sign in at the issuer of an organisation.
///
/// The browser goes to `authorizationUrl`, and comes back to this server, which signs it in and sends it on to `returnTo`. It counts for this browser, by a
/// cookie, for ten minutes and once. The session is for that organisation alone: what is the person's own is refused to it (403 SINGLE_SIGN_ON_SESSION).
/// Who is signed in at the issuer already shows nothing there: what wants a fresh proof wants a sign-in that began with `anew`, of which the issuer says when it
/// was shown who somebody is (`auth_time`).
#[utoipa::path(
    responses(
        (status = 200, description = "The way there; the cookie `__Host-elsewhere` (in development `elsewhere`) binds it to the browser", body = StartedOut),
        (status = 403, description = "ORGANIZATION_SUSPENDED: the platform has suspended the organisation"),
        (status = 404, description = "NOT_FOUND: there is no such organisation, or it signs nobody in itself"),
        (status = 409, description = "PROVIDER_REFUSED: what the issuer says of itself cannot be relied on"),
        (status = 422, description = "INVALID_FORMAT at /returnTo: it leads to another server"),
        (status = 503, description = "PROVIDER_UNREACHABLE: the issuer does not answer"),
    ),
)]
#[post("/api/auth/single-sign-on/{id}/start")]
async fn start(
    _: AuthRateLimit,
    Id(org): Id<OrgId>,
    sign_on: Data<dyn SingleSignOn>,
    cookies: Data<CookieSettings>,
    browser: Browser,
    body: Json<StartIn>,
) -> Result<HttpResponse, Problem> {
    let begun = sign_on.begin(org, body.0.return_to.as_deref(), body.0.anew, browser.0.as_ref()).await?;
    Ok(started(begun, &cookies))
}

/// Read the organisation's single sign-on.
///
/// The client's secret is never shown.
#[utoipa::path(responses(
    (status = 200, description = "The connection", body = ConnectionOut),
    (status = 404, description = "NOT_FOUND: the organisation has none"),
))]
#[get("/api/organization/single-sign-on")]
async fn read(Authed(ctx): Authed, sign_on: Data<dyn SingleSignOn>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&ConnectionOut::from(sign_on.connection(&ctx).await?)).response())
}

/// Set the organisation's single sign-on.
///
/// One connection at most. With another issuer or client it is another connection: off, to be tested, and sessions that the one before made end at once.
/// All owners are told by mail. For owners, in a session that no issuer of the organisation made (403 SINGLE_SIGN_ON_SESSION).
#[utoipa::path(responses(
    (status = 200, description = "The connection", body = ConnectionOut),
    (status = 422, description = "INVALID_FORMAT at /issuer, /clientId or /clientSecret; REQUIRED at /clientSecret of a new connection, at /breakGlassOwners where it is \
        enforced; NOT_AN_OWNER or NO_SECOND_FACTOR at one of /breakGlassOwners"),
))]
#[put("/api/organization/single-sign-on")]
async fn set(
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    (info, request): (RequestInfo, HttpRequest),
    sign_on: Data<dyn SingleSignOn>,
    body: Json<ConnectionIn>,
) -> Result<HttpResponse, Problem> {
    let ConnectionIn { issuer, client_id, client_secret, joins_on_sign_in, trusts_second_factor, break_glass_owners } = body.0;
    let new = NewConnection {
        issuer,
        client_id,
        client_secret: client_secret.map(Into::into),
        joins: joins_on_sign_in,
        trusts_factor: trusts_second_factor,
        break_glass: break_glass_owners.into_iter().map(UserId).collect(),
    };
    let language = language_of(&request);
    let connection = sign_on.set(&ctx, session.id, new, &client_of(info, language), language).await?;
    Ok(Reply::ok(&ConnectionOut::from(connection)).response())
}

/// Remove the organisation's single sign-on.
///
/// Sessions that it made end at once, and whom it knew is forgotten. All owners are told by mail.
#[utoipa::path(responses(
    (status = 204, description = "Removed"),
    (status = 404, description = "NOT_FOUND: the organisation has none"),
))]
#[delete("/api/organization/single-sign-on")]
async fn remove(
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    (info, request): (RequestInfo, HttpRequest),
    sign_on: Data<dyn SingleSignOn>,
) -> Result<HttpResponse, Problem> {
    let language = language_of(&request);
    sign_on.remove(&ctx, session.id, &client_of(info, language), language).await?;
    Ok(Reply::no_content().response())
}

/// Begin to test the organisation's single sign-on.
///
/// The browser goes to `authorizationUrl` and comes back to a page that says what the issuer told. Nobody is signed in. Before a test that told an address of
/// a proven domain, it cannot be turned on.
#[utoipa::path(responses(
    (status = 200, description = "The way there; the cookie `__Host-elsewhere` (in development `elsewhere`) binds it to the browser", body = StartedOut),
    (status = 404, description = "NOT_FOUND: the organisation has none"),
    (status = 409, description = "PROVIDER_REFUSED: what the issuer says of itself cannot be relied on"),
    (status = 503, description = "PROVIDER_UNREACHABLE: the issuer does not answer"),
))]
#[post("/api/organization/single-sign-on/test")]
async fn try_out(
    _: AuthRateLimit,
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    _: NoBody,
    sign_on: Data<dyn SingleSignOn>,
    cookies: Data<CookieSettings>,
    browser: Browser,
) -> Result<HttpResponse, Problem> {
    let begun = sign_on.test(&ctx, session.id, browser.0.as_ref()).await?;
    Ok(started(begun, &cookies))
}

/// Turn the organisation's single sign-on on or off, or enforce it.
///
/// `enforced`: members with an address of a proven domain come into the organisation by it alone, but for the owners who are named, with their second
/// factor. Their other sessions there are refused at once (403 SINGLE_SIGN_ON_REQUIRED). `off`: sessions that it made end at once. API keys go on. All
/// owners are told by mail.
#[utoipa::path(responses(
    (status = 200, description = "The connection", body = ConnectionOut),
    (status = 404, description = "NOT_FOUND: the organisation has none"),
    (status = 409, description = "SINGLE_SIGN_ON_UNTESTED: no test has passed · NO_PROVEN_DOMAIN: the organisation has proven no domain"),
    (status = 422, description = "REQUIRED at /breakGlassOwners: nobody would come in should the issuer not answer; NOT_AN_OWNER or NO_SECOND_FACTOR at one of them"),
))]
#[put("/api/organization/single-sign-on/mode")]
async fn turn(
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    (info, request): (RequestInfo, HttpRequest),
    sign_on: Data<dyn SingleSignOn>,
    body: Json<ModeIn>,
) -> Result<HttpResponse, Problem> {
    let language = language_of(&request);
    let connection = sign_on.set_mode(&ctx, session.id, body.0.mode.0, &client_of(info, language), language).await?;
    Ok(Reply::ok(&ConnectionOut::from(connection)).response())
}

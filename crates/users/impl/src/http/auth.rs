//! `/api/auth`: register, login, reauthenticate, logout, session, switch-organization.

use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, get, post};
use auth_api::{Again, Authorizer, Client, KnownDevice, NewAccount, Registered, SignIn, SignedIn, SwitchOnce, Switched};
use chrono::{DateTime, Utc};
use kernel::{OrgId, RequestId};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use users_api::Users;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AuthRateLimit, Authed, CurrentSession, Idempotent, Json, NoBody, Presented, Problem, Reply, RequestInfo};

use super::authenticators::{AnswerIn, shown};
use super::cookies::{CookieSettings, Device};
use super::dto::{AskedOut, OrganizationOut, Role, UserOut};
use super::examples;
use super::factors::{PendingOut, entered};
use super::language::language_of;

/// A person who registers, with an organisation of their own.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "email": "ada@example.com", "password": "correct horse battery staple", "name": "Ada Lovelace", "organizationName": "Nordbau GmbH"
}))]
pub(super) struct Registration {
    /// Compared without regard to case, width and composition.
    #[schema(min_length = 3, max_length = 254, examples("ada@example.com"))]
    email: String,
    /// 8 to 128 characters, not one of those that are tried first.
    #[schema(min_length = 8, max_length = 128, examples("correct horse battery staple"))]
    password: String,
    /// What the person is called.
    #[schema(min_length = 1, max_length = 200, examples("Ada Lovelace"))]
    name: String,
    /// The organisation to start with; the caller becomes its owner.
    #[schema(min_length = 1, max_length = 200, examples("Nordbau GmbH"))]
    organization_name: String,
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.com", "password": "correct horse battery staple"}))]
pub(super) struct Login {
    /// The address that the person registered with.
    #[schema(max_length = 254, examples("ada@example.com"))]
    email: String,
    /// Their password.
    #[schema(max_length = 1000, examples("correct horse battery staple"))]
    password: String,
}

/// Another proof of who somebody is: the password, or of whoever has a second factor that.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"password": "correct horse battery staple"}))]
pub(super) struct Reauthentication {
    /// The present one, of whoever has no second factor.
    #[schema(min_length = 1, max_length = 1000, examples("correct horse battery staple"))]
    password: Option<String>,
    /// What the authenticator shows, or a recovery code.
    #[schema(min_length = 1, max_length = 40, examples("287082"))]
    code: Option<String>,
    /// Or a passkey, in answer to `POST /api/auth/reauthenticate/passkey/options`.
    passkey: Option<AnswerIn>,
}

/// Nothing was told again, or too much.
fn missing() -> Problem {
    let detail = "either `password` or, of whoever has a second factor, `code` or `passkey`";
    Problem::invalid_at("/password", "REQUIRED", detail)
}

impl Reauthentication {
    fn read(self) -> Result<Again, Problem> {
        match (self.password, self.code, self.passkey) {
            (Some(password), None, None) => Ok(Again::Password(password.into())),
            (None, code, passkey) => shown(code, passkey).map(Again::Factor).ok_or_else(missing),
            _ => Err(missing()),
        }
    }
}

/// Which organisation to act in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"organizationId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13"}))]
pub(super) struct Switch {
    /// One of the caller's organisations.
    organization_id: Uuid,
}

/// A session with its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = examples::signed_in)]
pub(super) struct SignedInOut {
    /// For `Authorization: Bearer`. It is shown only here.
    access_token: String,
    /// When the session ends, if it is not ended before.
    expires_at: DateTime<Utc>,
    /// Who is signed in.
    user: UserOut,
    /// The organisation in which they act.
    organization: OrganizationOut,
    /// Their role in it.
    role: Role,
}

/// Somebody who has registered: a session with its secret, and what was mailed to prove the address.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Registered, example = examples::registered)]
pub(super) struct RegisteredOut {
    /// For `Authorization: Bearer`. It is shown only here.
    access_token: String,
    /// When the session ends, if it is not ended before.
    expires_at: DateTime<Utc>,
    /// Who is signed in.
    user: UserOut,
    /// The organisation in which they act.
    organization: OrganizationOut,
    /// Their role in it.
    role: Role,
    /// The mail that proves the address.
    verification: AskedOut,
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session, example = examples::session)]
pub(super) struct SessionOut {
    /// Who is signed in.
    user: UserOut,
    /// The organisation in which they act.
    organization: OrganizationOut,
    /// Their role in it.
    role: Role,
    /// What the role allows in the organisation as a whole; roles in projects' teams may allow more there.
    permissions: Vec<&'static str>,
}

/// Register a person.
///
/// With an organisation of their own; signs them in, and mails them a link and a code that prove the address. Whoever invited this email is
/// found in `GET /api/invitations` afterwards.
#[utoipa::path(responses(
    (status = 201, description = "Signed in; the cookie `__Host-session` (in development `session`) holds the token as well, `__Host-device` (`device`) tells that this device is the person's", body = RegisteredOut),
    (status = 409, description = "EMAIL_TAKEN: there is an account with this email, or with one that looks the same"),
    (status = 422, description = "Every fault: such as LOOKS_LIKE_ANOTHER at /email, TOO_SHORT, TOO_COMMON, SAME_AS_EMAIL, TOO_PERSONAL, TOO_SIMPLE or BREACHED at /password"),
))]
#[post("/api/auth/register")]
pub(super) async fn register(
    _: AuthRateLimit,
    info: RequestInfo,
    request: HttpRequest,
    sign_in: Data<dyn SignIn>,
    users: Data<dyn Users>,
    cookie: Data<CookieSettings>,
    body: Json<Registration>,
) -> Result<HttpResponse, Problem> {
    let Registration { email, password, name, organization_name } = body.0;
    let account = NewAccount { email, name, organization_name };
    let Registered { signed_in, verification } =
        sign_in.register(&info.request, account, password.into(), &client(&info), language_of(&request)).await?;
    let cookies = cookies_of(&signed_in, &cookie);
    let SignedInOut { access_token, expires_at, user, organization, role } = told(&**users, signed_in, info.request).await?;
    let verification = verification.into();
    let out = RegisteredOut { access_token, expires_at, user, organization, role, verification };
    let mut created = HttpResponse::Created();
    created.insert_header((header::LOCATION, "/api/user"));
    Ok(secret(created, cookies).json(out))
}

/// Sign in.
///
/// In the organisation used last. Wrong passwords are few (429 with `Retry-After`): for one address from one network, for one address from all
/// strangers, and from one network; each further pause is longer. Whoever sends the cookie of an earlier sign-in on the same device, or comes from
/// a network where the person signed in before, is no stranger. Whoever has a second factor is asked for it (202), and completes the sign-in with
/// `POST /api/auth/mfa`.
#[utoipa::path(responses(
    (status = 200, description = "Signed in; the cookie `__Host-session` (in development `session`) holds the token as well, `__Host-device` (`device`) tells that this device is the person's", body = SignedInOut),
    (status = 202, description = "A second factor is wanted: no session yet", body = PendingOut),
    (status = 401, description = "WRONG_CREDENTIALS: which of the two is wrong is not told"),
))]
#[post("/api/auth/login")]
pub(super) async fn login(
    _: AuthRateLimit,
    info: RequestInfo,
    request: HttpRequest,
    sign_in: Data<dyn SignIn>,
    users: Data<dyn Users>,
    cookie: Data<CookieSettings>,
    device: Device,
    body: Json<Login>,
) -> Result<HttpResponse, Problem> {
    let Login { email, password } = body.0;
    let proven = sign_in.login(&info.request, &email, password.into(), &client(&info), device.0.as_ref()).await?;
    entered(&**users, proven, (&request, info.request), &cookie).await
}

/// Sign out.
///
/// Ends the session, and those in other organisations that were switched to since the same sign-in; their tokens and the cookie are dead at once.
#[utoipa::path(responses((status = 204, description = "Signed out; `Clear-Site-Data` tells browsers to forget their storage")))]
#[post("/api/auth/logout")]
pub(super) async fn logout(
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    sign_in: Data<dyn SignIn>,
    settings: Data<CookieSettings>,
) -> Result<HttpResponse, Problem> {
    sign_in.logout(&ctx, session.id).await?;
    Ok(signed_out(&settings))
}

/// Sign out everywhere.
///
/// Ends every session of the caller, on every device and in every organisation, this one too.
#[utoipa::path(responses((status = 204, description = "Signed out; `Clear-Site-Data` tells browsers to forget their storage")))]
#[post("/api/auth/logout-everywhere")]
pub(super) async fn logout_everywhere(
    Authed(ctx): Authed,
    _: NoBody,
    sign_in: Data<dyn SignIn>,
    settings: Data<CookieSettings>,
) -> Result<HttpResponse, Problem> {
    sign_in.logout_everywhere(&ctx).await?;
    Ok(signed_out(&settings))
}

/// Read who is signed in.
///
/// With the organisation they act in, and what their role allows there.
#[utoipa::path(responses((status = 200, description = "The session", body = SessionOut)))]
#[get("/api/auth/session")]
pub(super) async fn read(
    Authed(ctx): Authed,
    users: Data<dyn Users>,
    authorizer: Data<dyn Authorizer>,
) -> Result<HttpResponse, Problem> {
    let profile = users.profile(&ctx).await?;
    let permissions = authorizer.permissions(&ctx).into_iter().map(kernel::Permission::name).collect();
    let out = SessionOut {
        user: profile.user.into(),
        organization: profile.organization.into(),
        role: profile.role.into(),
        permissions,
    };
    Ok(Reply::ok(&out).response())
}

/// Switch to another organisation.
///
/// Begins a session in another organisation of the caller, as old as their sign-in, with a token of its own; the cookie holds the new one. The old token
/// stays: what is open with it goes on in its organisation. With an `Idempotency-Key` a repetition is given the same token, as long as that is live. The
/// answer is not stored; the token is derived again.
#[utoipa::path(responses(
    (status = 200, description = "Signed in there", body = SignedInOut),
    (status = 404, description = "NOT_FOUND: the caller is not a member of such an organisation"),
    (status = 409, description = "AUTHENTICATE_AGAIN: the sign-in is older than that organisation allows"),
))]
#[post("/api/auth/switch-organization")]
pub(super) async fn switch(
    presented: Presented,
    info: RequestInfo,
    once: Idempotent,
    sign_in: Data<dyn SignIn>,
    users: Data<dyn Users>,
    cookie: Data<CookieSettings>,
    body: Json<Switch>,
) -> Result<HttpResponse, Problem> {
    let org = OrgId(body.0.organization_id);
    let Presented { session, token } = presented;
    let once = once.key().zip(token).map(|(key, token)| SwitchOnce { token, key: key.to_owned() });
    let ctx = session.ctx(info.request.clone());
    let Switched { signed_in, again } = sign_in.switch(&ctx, &session, org, &client(&info), once.as_ref()).await?;
    let mut response = HttpResponse::Ok();
    if again {
        response.insert_header((web::IDEMPOTENCY_REPLAYED, "true"));
    }
    answer(response, &**users, signed_in, info.request, &cookie).await
}

/// Prove again who one is.
///
/// With the password, or the second factor of whoever has one, for what asks for a fresh proof (403 STEP_UP_REQUIRED) and before a long absence ends the
/// session. This session's token is dead at once; the answer and the cookie have another one, in the same organisation.
#[utoipa::path(responses(
    (status = 200, description = "Signed in anew", body = SignedInOut),
    (status = 422, description = "WRONG_PASSWORD at /password, WRONG_SECOND_FACTOR at /code, for a passkey, too; REQUIRED at /code of whoever has a second factor and tells \
        the password"),
))]
#[post("/api/auth/reauthenticate")]
pub(super) async fn reauthenticate(
    _: AuthRateLimit,
    CurrentSession(session): CurrentSession,
    info: RequestInfo,
    sign_in: Data<dyn SignIn>,
    users: Data<dyn Users>,
    cookie: Data<CookieSettings>,
    body: Json<Reauthentication>,
) -> Result<HttpResponse, Problem> {
    let ctx = session.ctx(info.request.clone());
    let signed_in = sign_in.reauthenticate(&ctx, session.id, body.0.read()?, &client(&info)).await?;
    answer(HttpResponse::Ok(), &**users, signed_in, info.request, &cookie).await
}

/// What the request tells of the program that sent it.
fn client(info: &RequestInfo) -> Client {
    Client { address: info.address, agent: info.agent.clone() }
}

/// Answers a session, in the body and as a cookie.
pub(super) async fn answer(
    response: HttpResponseBuilder,
    users: &dyn Users,
    signed_in: SignedIn,
    request: RequestId,
    settings: &CookieSettings,
) -> Result<HttpResponse, Problem> {
    let cookies = cookies_of(&signed_in, settings);
    let out = told(users, signed_in, request).await?;
    Ok(secret(response, cookies).json(out))
}

async fn told(users: &dyn Users, signed_in: SignedIn, request: RequestId) -> Result<SignedInOut, Problem> {
    let SignedIn { token, session, .. } = signed_in;
    let profile = users.profile(&session.ctx(request)).await?;
    Ok(SignedInOut {
        access_token: token.expose_secret().to_owned(),
        expires_at: session.expires_at,
        user: profile.user.into(),
        organization: profile.organization.into(),
        role: profile.role.into(),
    })
}

fn secret(mut response: HttpResponseBuilder, cookies: Vec<Cookie<'static>>) -> HttpResponseBuilder {
    for cookie in cookies {
        response.cookie(cookie);
    }
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

/// The cookie of a session, and that of the device.
pub(super) fn cookies_of(signed_in: &SignedIn, settings: &CookieSettings) -> Vec<Cookie<'static>> {
    let device = signed_in.device.as_ref().map(|device| device_cookie(device, settings));
    std::iter::once(session_cookie(signed_in, settings)).chain(device).collect()
}

/// The cookie by which a device is known again.
pub(super) fn device_cookie(device: &KnownDevice, settings: &CookieSettings) -> Cookie<'static> {
    until(device.expires_at, settings.device(), device.token.expose_secret().to_owned(), settings)
}

/// The cookie of a session.
fn session_cookie(signed_in: &SignedIn, settings: &CookieSettings) -> Cookie<'static> {
    let name = web::session_cookie(settings.secure);
    until(signed_in.session.expires_at, name, signed_in.token.expose_secret().to_owned(), settings)
}

pub(super) fn until(end: DateTime<Utc>, name: &'static str, value: String, settings: &CookieSettings) -> Cookie<'static> {
    let mut cookie = named(name, value, settings);
    cookie.set_expires(time::OffsetDateTime::from_unix_timestamp(end.timestamp()).ok());
    cookie
}

pub(super) fn named(name: &'static str, value: String, settings: &CookieSettings) -> Cookie<'static> {
    // Without `Domain`, which the prefix `__Host-` demands: the cookie belongs to this host alone.
    Cookie::build(name, value).path("/").http_only(true).same_site(SameSite::Lax).secure(settings.secure).finish()
}

/// The answer after which a browser keeps nothing of the session: neither the cookie, under any name that it has had, nor what the pages of
/// this origin stored. That of the device stays: it opens nothing, and whoever attacks the account must not gain by its person signing out.
pub(super) fn signed_out(settings: &CookieSettings) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    for name in [web::SESSION_COOKIE, web::PLAIN_SESSION_COOKIE] {
        if settings.secure || name == web::PLAIN_SESSION_COOKIE {
            let mut cookie = named(name, String::new(), settings);
            cookie.make_removal();
            response.cookie(cookie);
        }
    }
    response.insert_header(("Clear-Site-Data", r#""storage""#)).finish()
}

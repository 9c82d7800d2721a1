//! `/api/auth`: register, login, reauthenticate, logout, session, switch-organization.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use auth_api::{Again, Authorizer, Client, NewAccount, Registered, SignIn, SwitchOnce, Switched};
use chrono::{DateTime, Utc};
use kernel::OrgId;
use mail_api::Language;
use serde::{Deserialize, Serialize};
use users_api::Users;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AuthRateLimit, Authed, CurrentSession, Idempotent, Json, NoBody, Presented, Problem, Reply, RequestInfo};

use super::answers::{SignedInOut, answer, cookies_of, secret, signed_out, told};
use super::authenticators::{AnswerIn, factor_of};
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
            (None, code, passkey) => factor_of(code, passkey).map(Again::Factor).ok_or_else(missing),
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
    let (account, language) = (NewAccount { email, name, organization_name }, language_of(&request));
    let Registered { signed_in, verification } =
        sign_in.register(&info.request, account, password.into(), &client(&info, Some(language)), language).await?;
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
    body: Json<Login>,
) -> Result<HttpResponse, Problem> {
    let Login { email, password } = body.0;
    let client = client(&info, Some(language_of(&request)));
    let proven = sign_in.login(&info.request, &email, password.into(), &client, Device::of(&request).0.as_ref()).await?;
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
    let Switched { signed_in, again } = sign_in.switch(&ctx, &session, org, &client(&info, None), once.as_ref()).await?;
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
    (info, request): (RequestInfo, HttpRequest),
    sign_in: Data<dyn SignIn>,
    users: Data<dyn Users>,
    cookie: Data<CookieSettings>,
    body: Json<Reauthentication>,
) -> Result<HttpResponse, Problem> {
    let (ctx, client) = (session.ctx(info.request.clone()), client(&info, Some(language_of(&request))));
    let signed_in = sign_in.reauthenticate(&ctx, session.id, body.0.read()?, &client).await?;
    answer(HttpResponse::Ok(), &**users, signed_in, info.request, &cookie).await
}

/// What the request tells of the program that sent it.
fn client(info: &RequestInfo, language: Option<Language>) -> Client {
    Client { address: info.address, agent: info.agent.clone(), language }
}

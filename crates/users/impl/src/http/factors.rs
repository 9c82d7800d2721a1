//! `/api/auth/mfa` and `/api/user/factors`: second factors, and sign-ins that wait for one.

use actix_web::cookie::Cookie;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use auth_api::{Entered, FactorKind, MfaPolicy, NewTotp, OwnFactors, PendingSignIn, SecondFactors, SecretString};
use chrono::{DateTime, Utc};
use kernel::RequestId;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use users_api::Users;
use utoipa::ToSchema;
use web::{AuthRateLimit, Authed, CurrentSession, Guard, Json, NoBody, OneOf, Problem, Reply, RequestInfo, Routes};

use super::answers::{SignedInOut, answer, named, until};
use super::asking::asking;
use super::authenticators::{AnswerIn, factor_of};
use super::cookies::{CookieSettings, Device};
use super::language::language_of;

/// Adds the endpoints of one's own second factors. Whatever changes them asks for a fresh proof of who the caller is.
pub(super) fn routes(r: &mut Routes) {
    r.resource("secondFactor");
    r.add(Guard::SignedIn, || read);
    r.add(Guard::SignedIn, || begin_totp).without_key().stepping_up();
    r.add(Guard::SignedIn, || confirm_totp).without_key().stepping_up();
    r.add(Guard::SignedIn, || remove_totp).unconditional().stepping_up();
    r.add(Guard::SignedIn, || renew_codes).without_key().stepping_up();
}

type Factor = OneOf<FactorKind>;
type Policy = OneOf<MfaPolicy>;

/// What a browser shows, and what it keeps as a cookie: half of the token each.
const HALF: usize = 32;

/// A sign-in that wants a second factor. There is no session yet.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PendingLogin, example = json!({
    "mfaRequired": true, "mfaToken": "5f1d0c3b7a9e48628d04c1b6f2e97a350b8d6e41f7c2a9530e6b18d4c7f2a19e", "factors": ["totp", "recovery_code"],
    "expiresAt": "2026-11-21T08:05:00Z"
}))]
pub(super) struct PendingOut {
    /// Always true: by this too it is told from a session.
    mfa_required: bool,
    /// To be sent with the second factor (`POST /api/auth/mfa`). For a page of this origin it is one half of a token of which the other is a cookie:
    /// in another browser it is worth nothing. A program is given the whole.
    #[schema(pattern = "^([0-9a-f]{32}){1,2}$")]
    mfa_token: String,
    /// What can be shown.
    factors: Vec<Factor>,
    /// Until when.
    expires_at: DateTime<Utc>,
}

/// A second factor for a sign-in that waits for it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SecondFactorShown, example = json!({
    "mfaToken": "5f1d0c3b7a9e48628d04c1b6f2e97a350b8d6e41f7c2a9530e6b18d4c7f2a19e", "code": "287082"
}))]
pub(super) struct ShownIn {
    /// What the first step of the sign-in answered.
    #[schema(pattern = "^([0-9a-f]{32}){1,2}$")]
    mfa_token: String,
    /// What the authenticator shows, or a recovery code.
    #[schema(min_length = 1, max_length = 40, examples("287082"))]
    code: Option<String>,
    /// Or a passkey, in answer to `POST /api/auth/mfa/passkey/options`.
    passkey: Option<AnswerIn>,
}

/// What an authenticator shows.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = AuthenticatorCode, example = json!({"code": "287082"}))]
struct CodeIn {
    /// Six digits.
    #[schema(min_length = 1, max_length = 40, examples("287082"))]
    code: String,
}

/// An authenticator to be set up: shown once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewAuthenticator, example = json!({
    "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
    "uri": "otpauth://totp/14Build:ada@example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=14Build&algorithm=SHA1&digits=6&period=30",
    "qr": "<svg viewBox=\"0 0 53 53\" xmlns=\"http://www.w3.org/2000/svg\">…</svg>", "expiresAt": "2026-11-21T08:10:00Z"
}))]
struct NewTotpOut {
    /// What is typed into an authenticator without a camera: base32.
    secret: String,
    /// All that an authenticator must know.
    uri: String,
    /// The same as a QR code: an SVG image.
    qr: String,
    /// Until when a code of it confirms it.
    expires_at: DateTime<Utc>,
}

impl From<NewTotp> for NewTotpOut {
    fn from(NewTotp { secret, uri, qr, expires_at }: NewTotp) -> Self {
        let [secret, uri, qr] = [secret, uri, qr].map(|text| text.expose_secret().to_owned());
        Self { secret, uri, qr, expires_at }
    }
}

/// Codes for whom every other second factor is lost: shown once, each counts once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecoveryCodes, example = json!({"recoveryCodes": ["7QM2X-9ZK4T-0B3RD-VVN6A-8HJ5C", "K1Z8P-W4E6S-TTY2G-90QDM-3XHBF"]}))]
struct CodesOut {
    /// To be kept where nobody else finds them.
    recovery_codes: Vec<String>,
}

impl CodesOut {
    fn reply(codes: &[SecretString]) -> HttpResponse {
        let recovery_codes = codes.iter().map(|code| code.expose_secret().to_owned()).collect();
        unkept(Reply::ok(&Self { recovery_codes }))
    }
}

/// The caller's second factors.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OwnSecondFactors, example = json!({"totpSince": "2026-11-21T08:00:00Z", "passkeys": 1, "recoveryCodesLeft": 9, "mfaPolicy": "privileged"}))]
struct OwnOut {
    /// Since when the caller has an authenticator; null without one.
    totp_since: Option<DateTime<Utc>>,
    /// How many passkeys the caller has; `GET /api/user/passkeys` lists them.
    passkeys: u32,
    /// How many recovery codes are left.
    recovery_codes_left: u32,
    /// For whom the session's organisation asks for a second factor.
    mfa_policy: Policy,
}

impl From<OwnFactors> for OwnOut {
    fn from(OwnFactors { totp_since, passkeys, recovery_codes_left, policy }: OwnFactors) -> Self {
        Self { totp_since, passkeys, recovery_codes_left, mfa_policy: policy.into() }
    }
}

/// An answer that nobody keeps.
fn unkept(reply: Reply) -> HttpResponse {
    reply.header("Cache-Control", "no-store").response()
}

/// Answers a session, or that a second factor is wanted.
pub(super) async fn entered(
    users: &dyn Users,
    entered: Entered,
    (request, id): (&HttpRequest, RequestId),
    settings: &CookieSettings,
) -> Result<HttpResponse, Problem> {
    let PendingSignIn { token, factors, expires_at } = match entered {
        Entered::SignedIn(signed_in) => return answer(HttpResponse::Ok(), users, signed_in, id, settings).await,
        Entered::Pending(pending) => pending,
    };
    let mut response = HttpResponse::Accepted();
    // A page of this origin keeps cookies. Whether another program does cannot be known.
    let is_own_page = request.headers().get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    let mfa_token = if is_own_page {
        let (shown, cookie) = split(&token, expires_at, settings);
        response.cookie(cookie);
        shown
    } else {
        token.expose_secret().to_owned()
    };
    let factors = factors.into_iter().map(Into::into).collect();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(response.json(PendingOut { mfa_required: true, mfa_token, factors, expires_at }))
}

/// What a page shows of a token, and the cookie with the rest of it.
pub(super) fn split(token: &SecretString, expires_at: DateTime<Utc>, settings: &CookieSettings) -> (String, Cookie<'static>) {
    let (shown, kept) = token.expose_secret().split_at_checked(HALF).unwrap_or_default();
    (shown.to_owned(), until(expires_at, settings.pending(), kept.to_owned(), settings))
}

/// The whole token: what a page shows with what its browser keeps.
pub(super) fn joined(shown: &str, request: &HttpRequest, settings: &CookieSettings) -> SecretString {
    let kept = (shown.len() == HALF).then(|| request.cookie(settings.pending())).flatten();
    kept.map_or_else(|| shown.to_owned(), |kept| format!("{shown}{}", kept.value())).into()
}

/// The cookie of a sign-in that waits no more.
pub(super) fn no_longer_pending(settings: &CookieSettings) -> Cookie<'static> {
    let mut cookie = named(settings.pending(), String::new(), settings);
    cookie.make_removal();
    cookie
}

/// Sign in by a second factor.
///
/// After the first step answered 202: within five minutes, and with few tries (429 with `Retry-After` for a person, and 5 for a sign-in). A code of an
/// authenticator counts once, and so does a recovery code.
#[utoipa::path(responses(
    (status = 200, description = "Signed in; the cookie `__Host-session` (in development `session`) holds the token as well", body = SignedInOut),
    (status = 401, description = "WRONG_SECOND_FACTOR: the code is wrong, or was used already; or the passkey is none of the person's"),
    (status = 409, description = "MFA_TOKEN_SPENT: the sign-in was ended, has taken too long or too many tries, or began in another browser"),
))]
#[post("/api/auth/mfa")]
pub(super) async fn finish(
    _: AuthRateLimit,
    info: RequestInfo,
    request: HttpRequest,
    factors: Data<dyn SecondFactors>,
    users: Data<dyn Users>,
    cookie: Data<CookieSettings>,
    body: Json<ShownIn>,
) -> Result<HttpResponse, Problem> {
    let ShownIn { mfa_token, code, passkey } = body.0;
    let shown = factor_of(code, passkey).ok_or_else(|| Problem::invalid_at("/code", "REQUIRED", "either `code` or `passkey`"))?;
    let token = joined(&mfa_token, &request, &cookie);
    let asking = asking(&info, language_of(&request));
    let signed_in = factors.finish(&token, shown, asking, Device::of(&request).0.as_ref()).await?;
    let mut response = HttpResponse::Ok();
    response.cookie(no_longer_pending(&cookie));
    answer(response, &**users, signed_in, info.request, &cookie).await
}

/// Read one's second factors.
///
/// Which there are, and for whom the organisation asks for one.
#[utoipa::path(responses((status = 200, description = "The second factors", body = OwnOut)))]
#[get("/api/user/factors")]
async fn read(Authed(ctx): Authed, factors: Data<dyn SecondFactors>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&OwnOut::from(factors.own_factors(&ctx).await?)).response())
}

/// Set up an authenticator.
///
/// Its secret is shown once. It counts from when a code of it is shown (`…/totp/confirm`), within ten minutes; one that there is goes on to count until
/// then. Whoever sets one up has proven their address (403 EMAIL_NOT_VERIFIED).
#[utoipa::path(responses((status = 200, description = "What the authenticator must know", body = NewTotpOut)))]
#[post("/api/user/factors/totp")]
async fn begin_totp(Authed(ctx): Authed, _: NoBody, factors: Data<dyn SecondFactors>) -> Result<HttpResponse, Problem> {
    Ok(unkept(Reply::ok(&NewTotpOut::from(factors.begin_totp(&ctx).await?))))
}

/// Confirm an authenticator.
///
/// By a code of it. Signing in asks for one from then on. Answers recovery codes, in the place of those there were; every other session of the caller ends,
/// and their address is told.
#[utoipa::path(responses(
    (status = 200, description = "The recovery codes: shown once", body = CodesOut),
    (status = 404, description = "NOT_FOUND: no authenticator is being set up, or not since ten minutes"),
    (status = 422, description = "WRONG_SECOND_FACTOR at /code"),
))]
#[post("/api/user/factors/totp/confirm")]
async fn confirm_totp(
    _: AuthRateLimit,
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    info: RequestInfo,
    request: HttpRequest,
    factors: Data<dyn SecondFactors>,
    body: Json<CodeIn>,
) -> Result<HttpResponse, Problem> {
    let asking = asking(&info, language_of(&request));
    let codes = factors.confirm_totp(&ctx, session.id, body.0.code.into(), asking).await?;
    Ok(CodesOut::reply(&codes))
}

/// Remove the authenticator.
///
/// Without another second factor the recovery codes go with it. Every other session of the caller ends, and their address is told.
#[utoipa::path(responses(
    (status = 204, description = "Removed"),
    (status = 404, description = "NOT_FOUND: there is none"),
    (status = 409, description = "SECOND_FACTOR_REQUIRED: an organisation of the caller asks them for one: set up another in its place"),
))]
#[delete("/api/user/factors/totp")]
async fn remove_totp(
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    info: RequestInfo,
    request: HttpRequest,
    factors: Data<dyn SecondFactors>,
) -> Result<HttpResponse, Problem> {
    factors.remove_totp(&ctx, session.id, asking(&info, language_of(&request))).await?;
    Ok(Reply::no_content().response())
}

/// Make fresh recovery codes.
///
/// In the place of those there were, of which none counts any more. The caller's address is told.
#[utoipa::path(responses(
    (status = 200, description = "The recovery codes: shown once", body = CodesOut),
    (status = 404, description = "NOT_FOUND: the caller has no second factor"),
))]
#[post("/api/user/factors/recovery-codes")]
async fn renew_codes(
    Authed(ctx): Authed,
    info: RequestInfo,
    request: HttpRequest,
    _: NoBody,
    factors: Data<dyn SecondFactors>,
) -> Result<HttpResponse, Problem> {
    let asking = asking(&info, language_of(&request));
    Ok(CodesOut::reply(&factors.renew_recovery_codes(&ctx, asking).await?))
}

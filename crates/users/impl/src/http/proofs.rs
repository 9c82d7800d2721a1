//! `/api/auth/verification`, `/api/auth/password-reset`, `/api/auth/magic-link`, `/api/user/email`: what goes by mail.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use auth_api::{Asked, Proofs, SecretString, Shown};
use mail_api::Language;
use serde::Deserialize;
use users_api::Users;
use utoipa::ToSchema;
use web::{AuthRateLimit, Authed, CurrentSession, Json, NoBody, OneOf, Problem, Reply, RequestInfo};

use super::answers::{SignedInOut, device_cookie};
use super::asking::{asking, signed_in};
use super::cookies::{CookieSettings, Device};
use super::dto::AskedOut;
use super::examples;
use super::factors::{PendingOut, entered};
use super::language::language_of;

/// The language of a mail, on the wire.
type MailLanguage = OneOf<Language>;

/// An address that mail is to go to.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = AddressToMail, example = json!({"email": "ada@example.com"}))]
pub(super) struct AddressIn {
    /// The address; whether an account has it is not told.
    #[schema(min_length = 3, max_length = 254, examples("ada@example.com"))]
    email: String,
    /// The language of the mail; without it, what `Accept-Language` asks for.
    language: Option<MailLanguage>,
}

/// Another address for the account.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = AddressChange, example = json!({"email": "ada.lovelace@example.com", "password": "correct horse battery staple"}))]
pub(super) struct ChangeIn {
    /// The address that the account is to have.
    #[schema(min_length = 3, max_length = 254, examples("ada.lovelace@example.com"))]
    email: String,
    /// The password: whoever only found the session open changes nothing.
    #[schema(min_length = 1, max_length = 1000, examples("correct horse battery staple"))]
    password: String,
}

/// What was mailed: the link's token, or the code together with what the request for the mail was answered.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = MailedProof, example = examples::proof)]
pub(super) struct ProofIn {
    /// What the link of the mail holds.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    token: Option<String>,
    /// The `requestId` that came when the mail was asked for; a code counts for nobody else.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    request_id: Option<String>,
    /// The digits of the mail.
    #[schema(pattern = "^[0-9]{8}$")]
    code: Option<String>,
}

/// What was mailed, with a new password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PasswordReset, example = examples::reset)]
pub(super) struct ResetIn {
    /// What the link of the mail holds.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    token: Option<String>,
    /// The `requestId` that came when the mail was asked for; a code counts for nobody else.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    request_id: Option<String>,
    /// The digits of the mail.
    #[schema(pattern = "^[0-9]{8}$")]
    code: Option<String>,
    /// 8 to 128 characters, not one of those that are tried first.
    #[schema(min_length = 8, max_length = 128, examples("correct horse battery staple"))]
    password: String,
}

fn proof(token: Option<String>, request_id: Option<String>, code: Option<String>) -> Result<Shown, Problem> {
    match (token, request_id, code) {
        (Some(token), None, None) => Ok(Shown::Token(token.into())),
        (None, Some(request_id), Some(code)) => Ok(Shown::Code { request_id: request_id.into(), code: code.into() }),
        _ => Err(Problem::invalid_at("/token", "REQUIRED", "either `token`, or `requestId` and `code` together")),
    }
}

impl ProofIn {
    fn read(self) -> Result<Shown, Problem> {
        proof(self.token, self.request_id, self.code)
    }
}

fn accepted(asked: Asked) -> HttpResponse {
    Reply::json(StatusCode::ACCEPTED, &AskedOut::from(asked)).response()
}

/// Ask for the mail that proves one's address once more.
///
/// The last three that were asked for from one network count, that of registration too, until one of them is used.
#[utoipa::path(responses(
    (status = 202, description = "The mail is on its way", body = AskedOut),
    (status = 409, description = "VERIFIED_ALREADY: the address is proven"),
))]
#[post("/api/auth/verification")]
pub(super) async fn ask_verification(
    _: AuthRateLimit,
    Authed(ctx): Authed,
    info: RequestInfo,
    request: HttpRequest,
    _: NoBody,
    proofs: Data<dyn Proofs>,
) -> Result<HttpResponse, Problem> {
    Ok(accepted(proofs.ask_verification(&ctx, asking(&info, language_of(&request))).await?))
}

/// Prove one's address.
///
/// With what the mail holds. `emailVerified` is true from then on. The link of the mail leads to a page that asks first and does the same. With `token`
/// and without a session of the account's person, what was set up before the address was proven ends: the password, sessions, API keys, identities and
/// second factors may be those of somebody who registered with another's address. In a session, or by `requestId` and `code`, they stay.
#[utoipa::path(responses(
    (status = 204, description = "The address is proven"),
    (status = 409, description = "LINK_SPENT: the link was used already, is too old, or was replaced by newer ones; WRONG_CODE: the code is \
        wrong, or counts no more after 5 tries or 10 minutes"),
))]
#[post("/api/auth/verification/confirm")]
pub(super) async fn verify(
    _: AuthRateLimit,
    info: RequestInfo,
    request: HttpRequest,
    session: Option<CurrentSession>,
    proofs: Data<dyn Proofs>,
    body: Json<ProofIn>,
) -> Result<HttpResponse, Problem> {
    proofs.verify(body.0.read()?, signed_in(session), asking(&info, language_of(&request))).await?;
    Ok(Reply::no_content().response())
}

/// Ask for a new password by mail.
///
/// The same is answered, as fast, whether an account has the address or not; the mail tells whoever reads it. The last
/// three that were asked for from one network count, until one of them is used.
#[utoipa::path(responses((status = 202, description = "The mail is on its way, if there is somebody for it", body = AskedOut)))]
#[post("/api/auth/password-reset")]
pub(super) async fn ask_reset(
    _: AuthRateLimit,
    info: RequestInfo,
    request: HttpRequest,
    proofs: Data<dyn Proofs>,
    body: Json<AddressIn>,
) -> Result<HttpResponse, Problem> {
    let language = body.0.language.map_or_else(|| language_of(&request), |language| language.0);
    Ok(accepted(proofs.ask_reset(&body.0.email, asking(&info, language)).await?))
}

/// Set a new password by what was mailed.
///
/// Every session of the account ends, on this server and all others; nobody is signed in by it. A password that is refused uses nothing up.
#[utoipa::path(responses(
    (status = 204, description = "The password is set: sign in with it; the cookie `__Host-device` (in development `device`) tells that this device is the person's, if no second factor is to be shown"),
    (status = 409, description = "LINK_SPENT: the link was used already, is too old, or was replaced by newer ones; WRONG_CODE: the code is \
        wrong, or counts no more after 5 tries or 10 minutes"),
    (status = 422, description = "What is wrong with the password: such as TOO_COMMON, SAME_AS_EMAIL"),
))]
#[post("/api/auth/password-reset/confirm")]
pub(super) async fn reset(
    _: AuthRateLimit,
    info: RequestInfo,
    request: HttpRequest,
    proofs: Data<dyn Proofs>,
    cookie: Data<CookieSettings>,
    body: Json<ResetIn>,
) -> Result<HttpResponse, Problem> {
    let ResetIn { token, request_id, code, password } = body.0;
    let password = SecretString::from(password);
    let device = proofs.reset(proof(token, request_id, code)?, password, asking(&info, language_of(&request))).await?;
    let mut response = Reply::no_content().response();
    if let Some(device) = &device {
        response.add_cookie(&device_cookie(device, &cookie)).map_err(|_| Problem::internal())?;
    }
    Ok(response)
}

/// Ask for a mail that signs in, or up.
///
/// The same is answered, as fast, whether an account has the address or not. The last three that were asked for from one network count, until one of
/// them is used.
#[utoipa::path(responses((status = 202, description = "The mail is on its way", body = AskedOut)))]
#[post("/api/auth/magic-link")]
pub(super) async fn ask_magic_link(
    _: AuthRateLimit,
    info: RequestInfo,
    request: HttpRequest,
    proofs: Data<dyn Proofs>,
    body: Json<AddressIn>,
) -> Result<HttpResponse, Problem> {
    let language = body.0.language.map_or_else(|| language_of(&request), |language| language.0);
    Ok(accepted(proofs.ask_magic_link(&body.0.email, asking(&info, language)).await?))
}

/// Sign in, or up, by what was mailed.
///
/// For an address that no account has, with a new account and an organisation of its own; `PATCH /api/user` gives the person a name. Whoever has a second
/// factor is asked for it (202), and completes the sign-in with `POST /api/auth/mfa`. Where the account's address was not proven before, its password and its sessions end: whoever set them up may be somebody else.
#[utoipa::path(responses(
    (status = 200, description = "Signed in; the cookie `__Host-session` (in development `session`) holds the token as well, `__Host-device` (`device`) tells that this device is the person's", body = SignedInOut),
    (status = 202, description = "A second factor is wanted: no session yet", body = PendingOut),
    (status = 409, description = "LINK_SPENT: the link was used already, is too old, or was replaced by newer ones; WRONG_CODE: the code is \
        wrong, or counts no more after 5 tries or 10 minutes; EMAIL_TAKEN: there is an account with an address that looks the same"),
))]
#[post("/api/auth/magic-link/confirm")]
pub(super) async fn follow_magic_link(
    _: AuthRateLimit,
    info: RequestInfo,
    request: HttpRequest,
    proofs: Data<dyn Proofs>,
    users: Data<dyn Users>,
    cookie: Data<CookieSettings>,
    body: Json<ProofIn>,
) -> Result<HttpResponse, Problem> {
    let asking = asking(&info, language_of(&request));
    let followed = proofs.follow_magic_link(body.0.read()?, asking, Device::of(&request).0.as_ref()).await?;
    entered(&**users, followed, (&request, info.request), &cookie).await
}

/// Ask for another address.
///
/// The password is asked. A mail to the new address proves it; the present one is told. Until then nothing changes. The answer is the same
/// whether another account has the new address or not.
#[utoipa::path(responses(
    (status = 202, description = "The mails are on their way", body = AskedOut),
    (status = 422, description = "WRONG_PASSWORD at /password, SAME_AS_BEFORE or what is wrong with the address at /email"),
))]
#[post("/api/user/email")]
pub(super) async fn ask_address_change(
    _: AuthRateLimit,
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    info: RequestInfo,
    request: HttpRequest,
    proofs: Data<dyn Proofs>,
    body: Json<ChangeIn>,
) -> Result<HttpResponse, Problem> {
    let ChangeIn { email, password } = body.0;
    let asking = asking(&info, language_of(&request));
    Ok(accepted(proofs.ask_address_change(&ctx, session.id, &email, password.into(), asking).await?))
}

/// Change the address by what was mailed.
///
/// To the new address. Sessions end but the one that asked; both addresses are told.
#[utoipa::path(responses(
    (status = 204, description = "The account has the new address, which is proven"),
    (status = 409, description = "LINK_SPENT: the link was used already, is too old, or was replaced by newer ones; WRONG_CODE: the code is \
        wrong, or counts no more after 5 tries or 10 minutes; EMAIL_TAKEN: another account has the address, or one that looks the same"),
))]
#[post("/api/user/email/confirm")]
pub(super) async fn change_address(
    _: AuthRateLimit,
    info: RequestInfo,
    request: HttpRequest,
    proofs: Data<dyn Proofs>,
    body: Json<ProofIn>,
) -> Result<HttpResponse, Problem> {
    proofs.change_address(body.0.read()?, asking(&info, language_of(&request))).await?;
    Ok(Reply::no_content().response())
}

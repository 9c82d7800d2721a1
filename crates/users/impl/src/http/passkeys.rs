//! `/api/user/passkeys` and `/api/auth/passkey`: keys of one's devices, and signing in with one.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use auth_api::{AddedPasskey, Challenge, MadeKey, Passkey, PasskeyId, Passkeys, SecretString};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use users_api::Users;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AuthRateLimit, Authed, CurrentSession, Guard, Id, Json, List, NoBody, Patch, Problem, Reply, RequestInfo, Routes};

use super::answers::{SignedInOut, answer};
use super::asking::asking;
use super::authenticators::{AnswerIn, Anything, MadeIn};
use super::cookies::{CookieSettings, Device};
use super::examples;
use super::factors::joined;
use super::language::language_of;

/// Adds the endpoints of one's own passkeys.
pub(super) fn routes(r: &mut Routes) {
    r.resource("passkeys");
    r.add(Guard::SignedIn, || ask_new).without_key().stepping_up();
    r.add(Guard::SignedIn, || add).without_key().stepping_up();
    r.add(Guard::SignedIn, || list);
    r.add(Guard::SignedIn, || rename).unconditional();
    r.add(Guard::SignedIn, || remove).unconditional().stepping_up();
}

/// What an authenticator is asked.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PasskeyChallenge, example = examples::passkey_challenge)]
pub(super) struct ChallengeOut {
    /// To be sent with the answer. A secret of the program that asked: without it the answer is worth nothing.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    request_id: String,
    /// Until when an answer counts. It counts once.
    expires_at: DateTime<Utc>,
    /// What `PublicKeyCredential.parseCreationOptionsFromJSON`, or `parseRequestOptionsFromJSON`, takes, for `navigator.credentials`.
    public_key: Anything,
}

impl From<Challenge> for ChallengeOut {
    fn from(challenge: Challenge) -> Self {
        let Challenge { request_id, expires_at, options } = challenge;
        Self { request_id: request_id.expose_secret().to_owned(), expires_at, public_key: Anything(options) }
    }
}

/// A passkey to be added.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewPasskey, example = examples::new_passkey)]
struct NewIn {
    /// The `requestId` of `POST /api/user/passkeys/options`.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    request_id: String,
    /// What you call it, such as the device that it is on.
    #[schema(min_length = 1, max_length = 100, examples("Ada's phone"))]
    name: String,
    /// What `navigator.credentials.create` answered.
    credential: MadeIn,
}

/// What of a passkey can be changed.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PasskeyChange, example = json!({"name": "Ada's old phone"}))]
struct ChangeIn {
    /// What you call it.
    #[schema(min_length = 1, max_length = 100, examples("Ada's old phone"))]
    name: String,
}

/// A sign-in that waits for a second factor.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = AskForPasskey, example = json!({"mfaToken": "5f1d0c3b7a9e48628d04c1b6f2e97a350b8d6e41f7c2a9530e6b18d4c7f2a19e"}))]
pub(super) struct PendingIn {
    /// What the first step of the sign-in answered.
    #[schema(pattern = "^([0-9a-f]{32}){1,2}$")]
    mfa_token: String,
}

/// A passkey of the caller.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Passkey, example = examples::passkey)]
struct PasskeyOut {
    /// The passkey's id.
    id: Uuid,
    /// What the caller calls it.
    name: String,
    /// When it was added.
    created_at: DateTime<Utc>,
    /// When it last proved who the caller is; null: never.
    last_used_at: Option<DateTime<Utc>>,
    /// Whether the key may be on several devices, as a password manager keeps it.
    backup_eligible: bool,
    /// Whether it is, as far as was seen when it was last used.
    backed_up: bool,
}

impl From<Passkey> for PasskeyOut {
    fn from(passkey: Passkey) -> Self {
        let Passkey { id, name, created_at, last_used_at, backup_eligible, backed_up } = passkey;
        Self { id: id.0, name, created_at, last_used_at, backup_eligible, backed_up }
    }
}

/// A passkey that was just added.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AddedPasskey, example = examples::added_passkey)]
struct AddedOut {
    /// It.
    passkey: PasskeyOut,
    /// Codes for whom every second factor is lost, shown once; none, unless the passkey is the caller's first second factor.
    recovery_codes: Vec<String>,
}

impl From<AddedPasskey> for AddedOut {
    fn from(AddedPasskey { passkey, recovery_codes }: AddedPasskey) -> Self {
        let recovery_codes = recovery_codes.iter().map(|code| code.expose_secret().to_owned()).collect();
        Self { passkey: passkey.into(), recovery_codes }
    }
}

/// Ask for a new passkey.
///
/// The authenticator of the caller's device makes it, for this server's name alone, and sees that it is the caller. The address must be proven, and the
/// proof of who the caller is at most five minutes old. Asked for anew, what was asked before in this session counts no more.
#[utoipa::path(responses(
    (status = 200, description = "What the authenticator is asked", body = ChallengeOut),
    (status = 403, description = "EMAIL_NOT_VERIFIED: the address is not proven yet"),
    (status = 409, description = "TOO_MANY_PASSKEYS: a person has at most 20; PASSKEYS_UNAVAILABLE: this server has no name that they could be bound to"),
))]
#[post("/api/user/passkeys/options")]
async fn ask_new(
    _: AuthRateLimit,
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    _: NoBody,
    passkeys: Data<dyn Passkeys>,
) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&ChallengeOut::from(passkeys.ask_new(&ctx, &session).await?)).response())
}

/// Add a passkey.
///
/// From now on it signs the caller in, by itself, and is a second factor: signing in otherwise asks for one. If it is the first, every other session of the
/// caller ends, and recovery codes are answered, in the place of those there were. The caller's address is told. The challenge counts no more, whatever
/// comes of it.
#[utoipa::path(responses(
    (status = 201, description = "The passkey, and perhaps recovery codes: shown once", body = AddedOut),
    (status = 409, description = "CHALLENGE_SPENT: it was answered already, is too old, or is another session's; PASSKEY_KNOWN: it is in use already; \
        TOO_MANY_PASSKEYS: a person has at most 20"),
    (status = 422, description = "INVALID_PASSKEY at /credential: made for another page, server or challenge, or without seeing to its person; what is \
        wrong with the name"),
))]
#[post("/api/user/passkeys")]
async fn add(
    _: AuthRateLimit,
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    info: RequestInfo,
    request: HttpRequest,
    passkeys: Data<dyn Passkeys>,
    body: Json<NewIn>,
) -> Result<HttpResponse, Problem> {
    let NewIn { request_id, name, credential } = body.0;
    let (request_id, made) = (SecretString::from(request_id), MadeKey::from(credential));
    let asking = asking(&info, language_of(&request));
    let added = passkeys.add(&ctx, &session, &request_id, made, &name, asking).await?;
    let location = format!("/api/user/passkeys/{}", added.passkey.id);
    Ok(Reply::created(location, &AddedOut::from(added)).header("Cache-Control", "no-store").response())
}

/// List the caller's passkeys.
///
/// Newest first. A person has so few that one page holds them all.
#[utoipa::path(responses((status = 200, description = "All of them", body = List<PasskeyOut>)))]
#[get("/api/user/passkeys")]
async fn list(Authed(ctx): Authed, passkeys: Data<dyn Passkeys>) -> Result<HttpResponse, Problem> {
    let data = passkeys.own(&ctx).await?.into_iter().map(PasskeyOut::from).collect();
    Ok(Reply::ok(&List { data, next_cursor: None }).response())
}

/// Rename a passkey.
///
/// Only its name is the caller's to choose.
#[utoipa::path(request_body = ChangeIn, responses((status = 200, description = "The passkey", body = PasskeyOut)))]
#[patch("/api/user/passkeys/{id}")]
async fn rename(
    Authed(ctx): Authed,
    Id(id): Id<PasskeyId>,
    passkeys: Data<dyn Passkeys>,
    patch: Patch<ChangeIn>,
) -> Result<HttpResponse, Problem> {
    let own = passkeys.own(&ctx).await?;
    let name = own.into_iter().find(|passkey| passkey.id == id).map(|passkey| passkey.name);
    let ChangeIn { name } = patch.apply(&ChangeIn { name: name.ok_or(auth_api::Error::NoSuchPasskey)? })?;
    Ok(Reply::ok(&PasskeyOut::from(passkeys.rename(&ctx, id, &name).await?)).response())
}

/// Remove a passkey.
///
/// It proves nothing any more, at once. Every other session of the caller ends, and with the last second factor the recovery codes. Their address is told.
#[utoipa::path(responses(
    (status = 204, description = "Removed"),
    (status = 409, description = "LAST_WAY_IN: without it the caller could not sign in any more; SECOND_FACTOR_REQUIRED: an organisation of the caller \
        asks them for one: add another in its place"),
))]
#[delete("/api/user/passkeys/{id}")]
async fn remove(
    Authed(ctx): Authed,
    CurrentSession(session): CurrentSession,
    Id(id): Id<PasskeyId>,
    info: RequestInfo,
    request: HttpRequest,
    passkeys: Data<dyn Passkeys>,
) -> Result<HttpResponse, Problem> {
    passkeys.remove(&ctx, &session, id, asking(&info, language_of(&request))).await?;
    Ok(Reply::no_content().response())
}

/// Ask for a passkey that signs in.
///
/// Nobody is named, and nothing is told of anybody: the person chooses among the passkeys that their devices have for this server.
#[utoipa::path(responses(
    (status = 200, description = "What the authenticator is asked", body = ChallengeOut),
    (status = 409, description = "PASSKEYS_UNAVAILABLE: this server has no name that they could be bound to"),
))]
#[post("/api/auth/passkey/options")]
pub(super) async fn ask_sign_in(_: AuthRateLimit, _: NoBody, passkeys: Data<dyn Passkeys>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&ChallengeOut::from(passkeys.ask_sign_in().await?)).response())
}

/// Sign in with a passkey.
///
/// It counts as both factors: the device is one, and that it saw to its person the other. In the organisation used last. The challenge counts no more,
/// whatever comes of it.
#[utoipa::path(responses(
    (status = 200, description = "Signed in; the cookie `__Host-session` (in development `session`) holds the token as well", body = SignedInOut),
    (status = 401, description = "WRONG_PASSKEY: unknown, removed, for another page or challenge, without seeing to its person, or a copy; which of them is \
        not told"),
))]
#[post("/api/auth/passkey")]
pub(super) async fn sign_in(
    _: AuthRateLimit,
    info: RequestInfo,
    request: HttpRequest,
    passkeys: Data<dyn Passkeys>,
    users: Data<dyn Users>,
    cookie: Data<CookieSettings>,
    body: Json<AnswerIn>,
) -> Result<HttpResponse, Problem> {
    let AnswerIn { request_id, credential } = body.0;
    let (asking, device) = (asking(&info, language_of(&request)), Device::of(&request).0);
    let signed_in = passkeys.sign_in(&request_id.into(), credential.into(), asking, device.as_ref()).await?;
    answer(HttpResponse::Ok(), &**users, signed_in, info.request, &cookie).await
}

/// Ask for a passkey as second factor.
///
/// For a sign-in that waits for one. The answer goes to `POST /api/auth/mfa` as `passkey`.
#[utoipa::path(responses(
    (status = 200, description = "What the authenticator is asked", body = ChallengeOut),
    (status = 409, description = "MFA_TOKEN_SPENT: the sign-in was ended, has taken too long or too many tries, or began in another browser; \
        NO_PASSKEY: its person has none"),
))]
#[post("/api/auth/mfa/passkey/options")]
pub(super) async fn ask_factor(
    _: AuthRateLimit,
    request: HttpRequest,
    passkeys: Data<dyn Passkeys>,
    cookie: Data<CookieSettings>,
    body: Json<PendingIn>,
) -> Result<HttpResponse, Problem> {
    let token = joined(&body.0.mfa_token, &request, &cookie);
    Ok(Reply::ok(&ChallengeOut::from(passkeys.ask_factor(&token).await?)).response())
}

/// Ask for a passkey as a fresh proof.
///
/// The answer goes to `POST /api/auth/reauthenticate` as `passkey`.
#[utoipa::path(responses(
    (status = 200, description = "What the authenticator is asked", body = ChallengeOut),
    (status = 409, description = "NO_PASSKEY: the caller has none"),
))]
#[post("/api/auth/reauthenticate/passkey/options")]
pub(super) async fn ask_again(
    _: AuthRateLimit,
    CurrentSession(session): CurrentSession,
    info: RequestInfo,
    _: NoBody,
    passkeys: Data<dyn Passkeys>,
) -> Result<HttpResponse, Problem> {
    let ctx = session.ctx(info.request);
    Ok(Reply::ok(&ChallengeOut::from(passkeys.ask_again(&ctx, &session).await?)).response())
}

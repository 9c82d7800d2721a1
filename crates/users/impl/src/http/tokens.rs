//! `/api/auth/token`, `/.well-known/jwks.json`: tokens for other services, and the keys by which these believe them.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use auth_api::{ServiceToken, TokenKey, Tokens};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AuthedUntil, Guard, Json, Problem, Reply, Routes};

/// Whoever has the list need not ask again for so long. A key is in it for longer before it signs.
const KEPT: &str = "public, max-age=300";

/// Adds the endpoints of tokens.
pub(super) fn routes(r: &mut Routes) {
    r.resource("auth");
    r.add(Guard::SignedIn, || issue).without_key().for_keys().for_bound();
    r.resource("tokenKeys");
    r.add(Guard::Public, || keys).tagged();
}

/// For which service a token is to be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewServiceToken, example = json!({"audience": "https://reports.example.com"}))]
struct NewIn {
    /// The service, as it calls itself: one of those that the deployment allows.
    #[schema(min_length = 1, max_length = 200, examples("https://reports.example.com"))]
    audience: String,
}

/// A token for another service.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServiceToken, example = json!({
    "token": "eyJhbGciOiJFZERTQSIsImtpZCI6IjAxOTM1YzNhLTdjMWUtN2Q1NS05YzNmLTJmNmYzZjBhOWI5OSIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI…",
    "expiresAt": "2026-11-21T08:05:00Z"
}))]
struct TokenOut {
    /// A JSON Web Token, signed with a key of `/.well-known/jwks.json`. Here it opens nothing.
    token: String,
    /// When it ends; ask for another one then.
    expires_at: DateTime<Utc>,
}

impl From<ServiceToken> for TokenOut {
    fn from(made: ServiceToken) -> Self {
        Self { token: made.token.expose_secret().to_owned(), expires_at: made.expires_at }
    }
}

/// A public key of Ed25519 (RFC 8037).
#[derive(Serialize, ToSchema)]
#[schema(as = TokenKey, example = json!({
    "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b99",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
}))]
struct KeyOut {
    /// Always `OKP`.
    kty: &'static str,
    /// Always `Ed25519`.
    crv: &'static str,
    /// Always `EdDSA`.
    alg: &'static str,
    /// Always `sig`: it signs.
    r#use: &'static str,
    /// Its id, which the head of a token names.
    kid: Uuid,
    /// The key, in base64url.
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    x: String,
}

impl From<TokenKey> for KeyOut {
    fn from(key: TokenKey) -> Self {
        let x = URL_SAFE_NO_PAD.encode(key.public);
        Self { kty: "OKP", crv: "Ed25519", alg: "EdDSA", r#use: "sig", kid: key.kid, x }
    }
}

/// A JSON Web Key Set (RFC 7517).
#[derive(Serialize, ToSchema)]
#[schema(as = TokenKeySet, example = json!({"keys": [{
    "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b99",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
}]}))]
struct KeysOut {
    /// Those that sign, have signed lately, or sign soon.
    keys: Vec<KeyOut>,
}

/// Make a token for another service.
///
/// It tells one service, which is named, who the caller is: `sub` with `sub_kind` (`person`, or `api_key`), `org` (the organisation), `scope` (what they
/// may in the organisation as a whole, in a list with blanks), of a person `roles` and `auth_time`; besides `iss`, `aud`, `jti`, `iat`, `nbf` and `exp`. It
/// lives for five minutes at most, and no longer than the session or the key. The service verifies it by `/.well-known/jwks.json`; here it opens nothing.
#[utoipa::path(responses(
    (status = 200, description = "The token", body = TokenOut),
    (status = 403, description = "EMAIL_NOT_VERIFIED: the address of the person, or of who made the key, is not proven"),
    (status = 422, description = "AUDIENCE_NOT_ALLOWED at /audience: no token is made for that service here"),
))]
#[post("/api/auth/token")]
async fn issue(AuthedUntil(bearer): AuthedUntil, tokens: Data<dyn Tokens>, body: Json<NewIn>) -> Result<HttpResponse, Problem> {
    let made = tokens.issue(&bearer, &body.0.audience).await?;
    Ok(Reply::ok(&TokenOut::from(made)).response())
}

/// List the keys by which tokens are believed.
///
/// For other services, which may keep it for five minutes and should ask anew when a token names a key that is not in it. A key stands here for twenty
/// minutes before it signs, and for an hour after another one signs in its place.
#[utoipa::path(responses((status = 200, description = "A JSON Web Key Set", body = KeysOut)))]
#[get("/.well-known/jwks.json")]
async fn keys(request: HttpRequest, tokens: Data<dyn Tokens>) -> Result<HttpResponse, Problem> {
    let keys = tokens.keys().await?.into_iter().map(KeyOut::from).collect();
    let mut response = web::single(&request, &KeysOut { keys });
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(KEPT));
    Ok(response)
}

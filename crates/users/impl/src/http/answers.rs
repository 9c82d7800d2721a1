//! What leads to a session answers: in the body and as cookies.

use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::http::header;
use actix_web::{HttpResponse, HttpResponseBuilder};
use auth_api::{KnownDevice, SignedIn};
use chrono::{DateTime, Utc};
use kernel::RequestId;
use secrecy::ExposeSecret;
use serde::Serialize;
use users_api::Users;
use utoipa::ToSchema;
use web::Problem;

use super::cookies::CookieSettings;
use super::dto::{OrganizationOut, Role, UserOut};
use super::examples;

/// A session with its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = examples::signed_in)]
pub(super) struct SignedInOut {
    /// For `Authorization: Bearer`. It is shown only here.
    pub(super) access_token: String,
    /// When the session ends, if it is not ended before.
    pub(super) expires_at: DateTime<Utc>,
    /// Who is signed in.
    pub(super) user: UserOut,
    /// The organisation in which they act.
    pub(super) organization: OrganizationOut,
    /// Their role in it.
    pub(super) role: Role,
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

/// What an answer tells of a session.
pub(super) async fn told(users: &dyn Users, signed_in: SignedIn, request: RequestId) -> Result<SignedInOut, Problem> {
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

/// An answer that sets cookies, and that nobody keeps.
pub(super) fn secret(mut response: HttpResponseBuilder, cookies: Vec<Cookie<'static>>) -> HttpResponseBuilder {
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

/// A cookie that a browser keeps until then.
pub(super) fn until(end: DateTime<Utc>, name: &'static str, value: String, settings: &CookieSettings) -> Cookie<'static> {
    let mut cookie = named(name, value, settings);
    cookie.set_expires(time::OffsetDateTime::from_unix_timestamp(end.timestamp()).ok());
    cookie
}

/// A cookie that it keeps until it is closed.
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

//! The cookies of sign-in: how they are sent, which is part of the app data that the routes expect, and the one of a known device.

use std::future::{Ready, ready};

use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, dev};
use auth_api::SecretString;
use web::Problem;

/// How cookies are sent.
#[derive(Debug, Clone)]
pub struct CookieSettings {
    /// Only over https: everywhere but in development.
    pub secure: bool,
}

impl CookieSettings {
    /// The name of the cookie by which a device is known again: as the session's, of this very host alone where it is Secure.
    pub(super) fn device(&self) -> &'static str {
        if self.secure { "__Host-device" } else { "device" }
    }

    /// The name of the cookie that binds a sign-in elsewhere to the browser in which it began. No other host of the domain can plant one.
    pub(super) fn browser(&self) -> &'static str {
        if self.secure { "__Host-elsewhere" } else { "elsewhere" }
    }

    /// The name of the cookie with that part of a sign-in that waits for a second factor which its page does not show.
    pub(super) fn pending(&self) -> &'static str {
        if self.secure { "__Host-mfa" } else { "mfa" }
    }
}

/// What a browser presents that began a sign-in elsewhere.
pub(super) struct Browser(pub(super) Option<SecretString>);

impl FromRequest for Browser {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let name = request.app_data::<Data<CookieSettings>>().map(|settings| settings.browser());
        let cookie = name.and_then(|name| request.cookie(name));
        ready(Ok(Self(cookie.map(|cookie| SecretString::from(cookie.value().to_owned())))))
    }
}

/// What a device presents on which somebody signed in before.
pub(super) struct Device(pub(super) Option<SecretString>);

impl Device {
    /// What the request's cookie tells.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let name = request.app_data::<Data<CookieSettings>>().map(|settings| settings.device());
        let cookie = name.and_then(|name| request.cookie(name));
        Self(cookie.map(|cookie| SecretString::from(cookie.value().to_owned())))
    }
}

impl FromRequest for Device {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

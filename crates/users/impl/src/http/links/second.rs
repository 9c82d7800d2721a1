//! `/auth/mfa`: where a page asks for the second factor of somebody who signs in by mail. What its form holds is one half of what finishes the sign-in; the
//! other is a cookie.

use actix_web::http::StatusCode;
use actix_web::web::{Data, ServiceConfig, get, post, resource};
use actix_web::{HttpRequest, HttpResponse};
use auth_api::{Error, FactorKind, FactorShown, PendingSignIn, Purpose, SecondFactors};
use web::{AuthRateLimit, Form, FormBody, FormPage, Problem, RequestInfo};

use super::words::{Words, says};
use crate::http::answers::cookies_of;
use crate::http::asking::asking;
use crate::http::cookies::{CookieSettings, Device};
use crate::http::factors::{joined, no_longer_pending, split};
use crate::http::language::language_of;

const PATH: &str = "/auth/mfa";

/// Adds the page. Opened by itself it asks for nothing: what it needs stands in a form that another page answers.
pub(super) fn page(config: &mut ServiceConfig) {
    config.service(resource(PATH).route(get().to(show)).route(post().to(act)));
}

async fn show(request: HttpRequest) -> HttpResponse {
    let words = Words::of(language_of(&request));
    says(words, StatusCode::GONE, words.pending_spent, words.pending_spent_lead)
}

/// Asks for the second factor of a sign-in that has just begun.
pub(super) fn asks(words: &Words, pending: &PendingSignIn, settings: &CookieSettings) -> Result<HttpResponse, Problem> {
    let (shown, cookie) = split(&pending.token, pending.expires_at, settings);
    let has_passkey = pending.factors.contains(&FactorKind::Passkey);
    let lead = if has_passkey { words.second_lead_passkey } else { words.second_lead };
    let mut response = form(words, StatusCode::OK, lead, &shown, None);
    response.add_cookie(&cookie).map_err(|_| Problem::internal())?;
    Ok(response)
}

async fn act(
    _: AuthRateLimit,
    request: HttpRequest,
    info: RequestInfo,
    factors: Data<dyn SecondFactors>,
    cookies: Data<CookieSettings>,
    device: Device,
    form_body: FormBody,
) -> Result<HttpResponse, Problem> {
    let language = language_of(&request);
    let words = Words::of(language);
    let token = form_body.get("token");
    let shown = FactorShown::Code(form_body.get("code").to_owned().into());
    match factors.finish(&joined(token, &request, &cookies), shown, asking(&info, language), device.0.as_ref()).await {
        Ok(signed_in) => {
            let (title, lead) = words.done(Purpose::MagicLink);
            let mut response = says(words, StatusCode::OK, title, lead);
            for cookie in cookies_of(&signed_in, &cookies).into_iter().chain([no_longer_pending(&cookies)]) {
                response.add_cookie(&cookie).map_err(|_| Problem::internal())?;
            }
            Ok(response)
        }
        Err(Error::WrongSecondFactor) => {
            Ok(form(words, StatusCode::UNPROCESSABLE_ENTITY, words.second_again, token, Some(words.second_wrong)))
        }
        Err(Error::PendingSpent) => Ok(says(words, StatusCode::GONE, words.pending_spent, words.pending_spent_lead)),
        Err(other) => Err(other.into()),
    }
}

fn form(words: &Words, status: StatusCode, lead: &str, token: &str, fault: Option<&str>) -> HttpResponse {
    let form =
        Form { action: PATH, token, email: None, password: None, code: Some(words.second_code), button: words.second_button };
    FormPage { status, language: words.language, title: words.second, lead, fault, form: Some(form) }.response()
}

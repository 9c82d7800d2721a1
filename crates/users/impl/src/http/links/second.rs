//! `/auth/mfa`: where a page asks for the second factor of somebody who signs in by mail or elsewhere: a code, and where there is one and a script runs, a
//! passkey. What its form holds is one half of what finishes the sign-in; the other is a cookie.

use actix_web::http::StatusCode;
use actix_web::web::{Data, ServiceConfig, get, post, resource};
use actix_web::{HttpRequest, HttpResponse};
use auth_api::{Error, FactorKind, FactorShown, PendingSignIn, Purpose, SecondFactors};
use mail_api::Language;
use web::{AuthRateLimit, Form, FormBody, FormPage, Problem, RequestInfo};

use super::words::{Words, says};
use crate::http::answers::cookies_of;
use crate::http::asking::asking;
use crate::http::cookies::{CookieSettings, Device};
use crate::http::factors::{joined, no_longer_pending, split};
use crate::http::language::language_of;
use crate::http::passkey_pages;

const PATH: &str = "/auth/mfa";

/// Where the form goes that stands beside a passkey, so that a wrong code leads back to both. Nothing else hangs on the query: whoever adds it themself is
/// shown one button more.
const PATH_BESIDE_PASSKEY: &str = "/auth/mfa?passkey";

/// Adds the page. Opened by itself it asks for nothing: what it needs stands in a form that another page answers.
pub(super) fn page(config: &mut ServiceConfig) {
    config.service(resource(PATH).route(get().to(show)).route(post().to(act)));
}

async fn show(request: HttpRequest) -> HttpResponse {
    let words = Words::of(language_of(&request));
    says(words, StatusCode::GONE, words.pending_spent, words.pending_spent_lead)
}

/// Asks for the second factor of a sign-in that has just begun.
pub(super) fn asks(language: Language, pending: &PendingSignIn, settings: &CookieSettings) -> Result<HttpResponse, Problem> {
    let words = Words::of(language);
    let (shown, cookie) = split(&pending.token, pending.expires_at, settings);
    let has_passkey = pending.factors.contains(&FactorKind::Passkey);
    let lead = if has_passkey { words.second_lead_passkey } else { words.second_lead };
    let mut response = form(language, (StatusCode::OK, lead), &shown, None, has_passkey);
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
            let has_passkey = request.query_string() == "passkey";
            let said = (StatusCode::UNPROCESSABLE_ENTITY, words.second_again);
            Ok(form(language, said, token, Some(words.second_wrong), has_passkey))
        }
        Err(Error::PendingSpent) => Ok(says(words, StatusCode::GONE, words.pending_spent, words.pending_spent_lead)),
        Err(other) => Err(other.into()),
    }
}

fn form(
    language: Language,
    (status, lead): (StatusCode, &str),
    token: &str,
    fault: Option<&str>,
    has_passkey: bool,
) -> HttpResponse {
    let words = Words::of(language);
    let action = if has_passkey { PATH_BESIDE_PASSKEY } else { PATH };
    let form = Form { action, token, email: None, password: None, code: Some(words.second_code), button: words.second_button };
    let page = FormPage { status, language: words.language, title: words.second, lead, fault, form: Some(form) };
    if has_passkey { passkey_pages::beside(&page, language) } else { page.response() }
}

//! `/auth/oauth/{provider}/start` and `…/callback`: where a link to an identity provider leads, and where the provider sends a browser back. The code and the
//! state stand in the query, which no log of this server shows and no page of it hands on.

mod words;

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::{Data, ServiceConfig, get, resource};
use actix_web::{HttpRequest, HttpResponse};
use auth_api::{Arrival, Arrived, Asking, Entered, Error, Granted, Returned, SecretString, SignInElsewhere};
use web::{AuthRateLimit, FormPage, Id, Problem, RequestInfo};

use super::answers::cookies_of;
use super::cookies::{Browser, CookieSettings, Device};
use super::elsewhere::{browser_cookie, no_browser_cookie};
use super::language::language_of;
use super::links::asks_second_factor;
use words::Words;

/// Adds the pages. They are for browsers, and no part of the API.
pub(super) fn pages(config: &mut ServiceConfig) {
    config.service(resource("/auth/oauth/{provider}/start").route(get().to(start)));
    config.service(resource("/auth/oauth/{provider}/callback").route(get().to(back)));
}

/// Sends the browser to the provider.
async fn start(
    _: AuthRateLimit,
    Id(provider): Id<String>,
    request: HttpRequest,
    elsewhere: Data<dyn SignInElsewhere>,
    cookies: Data<CookieSettings>,
    browser: Browser,
) -> Result<HttpResponse, Problem> {
    let return_to = web::parameter(&request, "returnTo");
    match elsewhere.begin(&provider, return_to.as_deref(), browser.0.as_ref()).await {
        Ok(begun) => {
            let cookie = browser_cookie(&begun, &cookies);
            Ok(sent_on(&begun.url, [cookie]))
        }
        Err(error) => refused(Words::of(language_of(&request)), error),
    }
}

/// Ends what began in this browser.
async fn back(
    _: AuthRateLimit,
    Id(provider): Id<String>,
    (request, info): (HttpRequest, RequestInfo),
    elsewhere: Data<dyn SignInElsewhere>,
    cookies: Data<CookieSettings>,
    (browser, device): (Browser, Device),
) -> Result<HttpResponse, Problem> {
    let language = language_of(&request);
    let asking = Asking { request: &info.request, from: info.address, agent: info.agent.as_deref(), language };
    match elsewhere.finish(&provider, returned(&request, browser), asking, device.0.as_ref()).await {
        Ok(Arrived { arrival, return_to }) => {
            let mut set = match arrival {
                Arrival::Linked => vec![],
                Arrival::Entered(entered) => match *entered {
                    Entered::SignedIn(signed_in) => cookies_of(&signed_in, &cookies),
                    // From its page people go on by themselves.
                    Entered::Pending(pending) => return asks_second_factor(&request, &pending, &cookies),
                },
            };
            set.push(no_browser_cookie(&cookies));
            Ok(sent_on(&return_to, set))
        }
        Err(error) => refused(Words::of(language), error),
    }
}

/// With what the browser comes. What stands twice in the query may be read as one or the other: it is as if it were not there.
pub(super) fn returned(request: &HttpRequest, browser: Browser) -> Returned {
    let one = |name: &str| -> Option<String> {
        let twice = request.query_string().split('&').filter(|pair| pair.split('=').next() == Some(name)).nth(1).is_some();
        web::parameter(request, name).filter(|_| !twice)
    };
    let granted = one("code").map(|code| Granted { code: SecretString::from(code), issuer: one("iss") });
    Returned {
        state: SecretString::from(one("state").unwrap_or_default()),
        browser: browser.0,
        // Who refuses grants nothing, whatever else it says.
        granted: granted.filter(|_| one("error").is_none()),
        declined: one("error").as_deref() == Some("access_denied"),
    }
}

pub(super) fn sent_on(to: &str, cookies: impl IntoIterator<Item = Cookie<'static>>) -> HttpResponse {
    let mut response = HttpResponse::SeeOther();
    for cookie in cookies {
        response.cookie(cookie);
    }
    response.insert_header((header::LOCATION, to)).insert_header((header::CACHE_CONTROL, "no-store")).finish()
}

/// What somebody is shown who did not get in.
fn refused(words: &Words, error: Error) -> Result<HttpResponse, Problem> {
    let (status, said) = match error {
        Error::NoSuchProvider => (StatusCode::NOT_FOUND, &words.unknown),
        Error::SignInSpent => (StatusCode::GONE, &words.spent),
        Error::SignInDeclined => (StatusCode::FORBIDDEN, &words.declined),
        Error::ProviderUnreachable => (StatusCode::SERVICE_UNAVAILABLE, &words.unreachable),
        Error::ProviderRefused => (StatusCode::CONFLICT, &words.refused),
        Error::AddressNotVouched => (StatusCode::CONFLICT, &words.not_vouched),
        Error::AccountUnproven => (StatusCode::CONFLICT, &words.unproven),
        Error::LinkWhileSignedIn => (StatusCode::CONFLICT, &words.second_factor),
        Error::IdentityUnlinked => (StatusCode::CONFLICT, &words.unlinked),
        Error::EmailTaken => (StatusCode::CONFLICT, &words.looks_taken),
        Error::IdentityTaken => (StatusCode::CONFLICT, &words.taken),
        Error::TooManyIdentities(_) => (StatusCode::CONFLICT, &words.many),
        Error::AccountLeaving => (StatusCode::FORBIDDEN, &words.leaving),
        Error::Invalid(_) => (StatusCode::BAD_REQUEST, &words.astray),
        other => return Err(other.into()),
    };
    let page = FormPage { status, language: words.language, title: said.title, lead: said.lead, fault: None, form: None };
    Ok(page.response())
}

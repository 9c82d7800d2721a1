//! `/auth/sign-in`, which leads people to the sign-in of their organisation, and `/auth/single-sign-on/{id}/start` and `…/callback`: where a link to an
//! organisation's issuer leads, and where that sends a browser back. The code and the state stand in the query, which no log of this server shows.

mod words;

use actix_web::http::StatusCode;
use actix_web::web::{Data, ServiceConfig, get, post, resource};
use actix_web::{HttpRequest, HttpResponse};
use auth_api::{Asking, Entered, Error, Landed, Landing, SignOnTest, SingleSignOn, sign_on_path};
use kernel::OrgId;
use web::{AuthRateLimit, Form, FormBody, FormPage, Id, LinkPage, Problem, RequestInfo};

use super::answers::cookies_of;
use super::callbacks::{returned, sent_on};
use super::cookies::{Browser, CookieSettings, Device};
use super::elsewhere::{browser_cookie, no_browser_cookie};
use super::language::language_of;
use super::links::asks_second_factor;
use words::{Said, Words};

/// Where people are led from.
const SIGN_IN: &str = "/auth/sign-in";

/// Adds the pages. They are for browsers, and no part of the API.
pub(super) fn pages(config: &mut ServiceConfig) {
    config.service(resource(SIGN_IN).route(get().to(ask)).route(post().to(lead)));
    config.service(resource("/auth/single-sign-on/{id}/start").route(get().to(start)));
    config.service(resource("/auth/single-sign-on/{id}/callback").route(get().to(back)));
}

/// Asks for the address.
async fn ask(request: HttpRequest) -> HttpResponse {
    form(Words::of(language_of(&request)), StatusCode::OK, None)
}

/// Leads to the sign-in of the organisation whose domain the address is of. Whether anybody has the address nobody asks.
async fn lead(
    _: AuthRateLimit,
    request: HttpRequest,
    sign_on: Data<dyn SingleSignOn>,
    body: FormBody,
) -> Result<HttpResponse, Problem> {
    let words = Words::of(language_of(&request));
    match sign_on.route(body.get("email")).await {
        Ok(Some(way)) => {
            let (language, href) = (words.language, sign_on_path(way.org));
            let Said { title, lead } = if way.enforced { &words.enforced } else { &words.found };
            Ok(LinkPage { language, title, lead, href: &href, link: words.go }.response())
        }
        Ok(None) => Ok(form(words, StatusCode::OK, Some(words.nobody))),
        Err(Error::Invalid(_)) => Ok(form(words, StatusCode::UNPROCESSABLE_ENTITY, Some(words.no_address))),
        Err(other) => Err(other.into()),
    }
}

fn form(words: &Words, status: StatusCode, fault: Option<&str>) -> HttpResponse {
    let form = Form { action: SIGN_IN, token: "", email: Some(words.email), password: None, code: None, button: words.button };
    let Said { title, lead } = &words.ask;
    FormPage { status, language: words.language, title, lead, fault, form: Some(form) }.response()
}

/// Sends the browser to the issuer, once its person wants that. Whoever runs an issuer decides as whom it signs in: led there by another page or by a mail,
/// nobody is signed in as whom its author likes, or sent on to where they like, without having said so.
async fn start(
    _: AuthRateLimit,
    org: Result<Id<OrgId>, Problem>,
    request: HttpRequest,
    sign_on: Data<dyn SingleSignOn>,
    cookies: Data<CookieSettings>,
    browser: Browser,
) -> Result<HttpResponse, Problem> {
    let Ok(Id(org)) = org else { return refused(Words::of(language_of(&request)), Error::NoSingleSignOn) };
    if was_led(&request) {
        return Ok(led(Words::of(language_of(&request)), &request, org));
    }
    let return_to = web::parameter(&request, "returnTo");
    let anew = web::parameter(&request, "anew").as_deref() == Some("true");
    match sign_on.begin(org, return_to.as_deref(), anew, browser.0.as_ref()).await {
        Ok(begun) => {
            let cookie = browser_cookie(&begun, &cookies);
            Ok(sent_on(&begun.url, [cookie]))
        }
        Err(error) => refused(Words::of(language_of(&request)), error),
    }
}

/// Whether it was no page of this server that led the browser here. What does not say so is an old browser, or none.
fn was_led(request: &HttpRequest) -> bool {
    request.headers().get("sec-fetch-site").is_some_and(|site| site != "same-origin")
}

/// The same way from a page of this server: one click.
fn led(words: &Words, request: &HttpRequest, org: OrgId) -> HttpResponse {
    let (path, query) = (sign_on_path(org), request.query_string());
    let href = if query.is_empty() { path } else { format!("{path}?{query}") };
    let Said { title, lead } = &words.led;
    LinkPage { language: words.language, title, lead, href: &href, link: words.go }.response()
}

/// Ends what began in this browser.
async fn back(
    _: AuthRateLimit,
    org: Result<Id<OrgId>, Problem>,
    (request, info): (HttpRequest, RequestInfo),
    sign_on: Data<dyn SingleSignOn>,
    cookies: Data<CookieSettings>,
    (browser, device): (Browser, Device),
) -> Result<HttpResponse, Problem> {
    let language = language_of(&request);
    let words = Words::of(language);
    let Ok(Id(org)) = org else { return refused(words, Error::NoSingleSignOn) };
    let asking = Asking { request: &info.request, from: info.address, agent: info.agent.as_deref(), language };
    match sign_on.finish(org, returned(&request, browser), asking, device.0.as_ref()).await {
        Ok(Landing { landed: Landed::Tested(test), .. }) => Ok(tested(words, &test)),
        Ok(Landing { landed: Landed::Entered(entered), return_to }) => match *entered {
            Entered::SignedIn(signed_in) => {
                let mut set = cookies_of(&signed_in, &cookies);
                set.push(no_browser_cookie(&cookies));
                Ok(sent_on(&return_to, set))
            }
            // From its page people go on by themselves.
            Entered::Pending(pending) => asks_second_factor(&request, &pending, &cookies),
        },
        Err(error) => refused(words, error),
    }
}

/// What a test shows.
fn tested(words: &Words, test: &SignOnTest) -> HttpResponse {
    let address = test.email.as_deref().unwrap_or(words.none);
    let said = if test.at_home { &words.passed } else { &words.failed };
    let (status, lead) = (StatusCode::OK, said.lead.replace("{}", address));
    FormPage { status, language: words.language, title: said.title, lead: &lead, fault: None, form: None }.response()
}

/// What somebody is shown who did not get in. Who may begin anew does so by their address, not at the issuer that somebody else may have led them to.
fn refused(words: &Words, error: Error) -> Result<HttpResponse, Problem> {
    let begins_anew = matches!(
        error,
        Error::NoSingleSignOn | Error::SignInSpent | Error::SignInDeclined | Error::ProviderUnreachable | Error::ProviderRefused
    );
    let (status, said) = match error {
        Error::NoSingleSignOn => (StatusCode::NOT_FOUND, &words.unknown),
        Error::SignInSpent => (StatusCode::GONE, &words.spent),
        Error::SignInDeclined => (StatusCode::FORBIDDEN, &words.declined),
        Error::ProviderUnreachable => (StatusCode::SERVICE_UNAVAILABLE, &words.unreachable),
        Error::ProviderRefused => (StatusCode::CONFLICT, &words.refused),
        Error::AddressNotAtHome => (StatusCode::CONFLICT, &words.not_at_home),
        Error::AccountUnproven => (StatusCode::CONFLICT, &words.unproven),
        Error::NotInvited => (StatusCode::FORBIDDEN, &words.not_invited),
        Error::NotLetIn => (StatusCode::CONFLICT, &words.not_let_in),
        Error::SubjectChanged => (StatusCode::CONFLICT, &words.subject_changed),
        Error::EmailTaken => (StatusCode::CONFLICT, &words.looks_taken),
        Error::OrganizationSuspended => (StatusCode::FORBIDDEN, &words.suspended),
        Error::AccountLeaving => (StatusCode::FORBIDDEN, &words.leaving),
        Error::Invalid(_) => (StatusCode::BAD_REQUEST, &words.astray),
        other => return Err(other.into()),
    };
    let (language, title, lead) = (words.language, said.title, said.lead);
    if begins_anew {
        return Ok(LinkPage { language, title, lead, href: SIGN_IN, link: words.anew }.response_with(status));
    }
    Ok(FormPage { status, language, title, lead, fault: None, form: None }.response())
}

//! `/auth/verify`, `/auth/reset`, `/auth/magic`, `/auth/email`, and `/auth/mfa` behind the third: where the links of mails lead. To open one does nothing, whoever opens it; its
//! button does. The token stands in the query, which no log of this server shows and no page of it hands on.

mod second;
mod words;

use actix_web::http::StatusCode;
use actix_web::web::{Data, ServiceConfig, get, post, resource};
use actix_web::{HttpRequest, HttpResponse};
use auth_api::{Asking, Entered, Error, PendingSignIn, Proofs, Purpose, SetUpBefore, Shown};
use web::{AuthRateLimit, CurrentSession, Form, FormBody, FormPage, Problem, RequestInfo};

use super::answers::{cookies_of, device_cookie};
use super::asking::signed_in;
use super::cookies::{CookieSettings, Device};
use super::language::language_of;
use words::{Words, says};

/// Adds the pages.
pub(super) fn pages(config: &mut ServiceConfig) {
    page(config, "/auth/verify", Purpose::VerifyAddress);
    page(config, "/auth/reset", Purpose::ResetPassword);
    page(config, "/auth/magic", Purpose::MagicLink);
    page(config, "/auth/email", Purpose::ChangeAddress);
    second::page(config);
}

/// Asks for the second factor of a sign-in that another page began.
pub(super) fn asks_second_factor(
    request: &HttpRequest,
    pending: &PendingSignIn,
    cookies: &CookieSettings,
) -> Result<HttpResponse, Problem> {
    second::asks(language_of(request), pending, cookies)
}

fn page(config: &mut ServiceConfig, path: &'static str, purpose: Purpose) {
    let show = move |request: HttpRequest, proofs: Data<dyn Proofs>| show(path, purpose, request, proofs);
    let act =
        move |limit: AuthRateLimit,
              request: HttpRequest,
              info: RequestInfo,
              session: Option<CurrentSession>,
              proofs: Data<dyn Proofs>,
              cookies: Data<CookieSettings>,
              device: Device,
              form: FormBody| act(path, purpose, (limit, request, info, session), proofs, cookies, device, form);
    config.service(resource(path).route(get().to(show)).route(post().to(act)));
}

/// Shows what the button will do, to whom.
async fn show(
    path: &'static str,
    purpose: Purpose,
    request: HttpRequest,
    proofs: Data<dyn Proofs>,
) -> Result<HttpResponse, Problem> {
    let words = Words::of(language_of(&request));
    let token = web::parameter(&request, "token").unwrap_or_default();
    Ok(match proofs.address_of(purpose, &token).await? {
        Some(address) => asks(words, path, purpose, &words.lead(purpose, &address), &token, None),
        None => says(words, StatusCode::GONE, words.spent, words.spent_lead),
    })
}

/// Does it.
async fn act(
    path: &'static str,
    purpose: Purpose,
    (_, request, info, session): (AuthRateLimit, HttpRequest, RequestInfo, Option<CurrentSession>),
    proofs: Data<dyn Proofs>,
    cookies: Data<CookieSettings>,
    device: Device,
    form: FormBody,
) -> Result<HttpResponse, Problem> {
    let language = language_of(&request);
    let words = Words::of(language);
    let token = form.get("token");
    let shown = Shown::Token(token.to_owned().into());
    let asking = Asking { request: &info.request, from: info.address, agent: info.agent.as_deref(), language };
    let mut before = SetUpBefore::Kept;
    let done = match purpose {
        Purpose::VerifyAddress => proofs.verify(shown, signed_in(session), asking).await.map(|became| {
            before = became;
            (None, None)
        }),
        Purpose::ChangeAddress => proofs.change_address(shown, asking).await.map(|()| (None, None)),
        Purpose::ResetPassword => {
            let password = form.get("password").to_owned();
            proofs.reset(shown, password.into(), asking).await.map(|device| (None, device))
        }
        Purpose::MagicLink => {
            proofs.follow_magic_link(shown, asking, device.0.as_ref()).await.map(|entered| (Some(entered), None))
        }
    };
    match done {
        Ok((Some(Entered::Pending(pending)), _)) => second::asks(language, &pending, &cookies),
        Ok((entered, known)) => {
            let (title, lead) = match before {
                SetUpBefore::Kept => words.done(purpose),
                SetUpBefore::Ended => (words.done(purpose).0, words.ended_lead),
            };
            let mut response = says(words, StatusCode::OK, title, lead);
            let set = match &entered {
                Some(Entered::SignedIn(opened)) => cookies_of(opened, &cookies),
                _ => known.iter().map(|device| device_cookie(device, &cookies)).collect(),
            };
            for cookie in &set {
                response.add_cookie(cookie).map_err(|_| Problem::internal())?;
            }
            Ok(response)
        }
        Err(Error::LinkSpent) => Ok(says(words, StatusCode::GONE, words.spent, words.spent_lead)),
        Err(Error::EmailTaken) => Ok(says(words, StatusCode::CONFLICT, words.taken, words.taken_lead)),
        Err(Error::Invalid(faults)) => {
            let fault = faults.first().map(|fault| words.fault(fault.code, &fault.detail));
            let lead = words.again;
            Ok(asks(words, path, purpose, lead, token, fault.as_deref()))
        }
        Err(other) => Err(other.into()),
    }
}

fn asks(words: &Words, path: &'static str, purpose: Purpose, lead: &str, token: &str, fault: Option<&str>) -> HttpResponse {
    let password = (purpose == Purpose::ResetPassword).then_some(words.password);
    let (title, button) = words.asks(purpose);
    FormPage {
        status: if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK },
        language: words.language,
        title,
        lead,
        fault,
        form: Some(Form { action: path, token, email: None, password, code: None, button }),
    }
    .response()
}

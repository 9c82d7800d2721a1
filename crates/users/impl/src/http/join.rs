//! `/join`: where a link leads by which people become members. To open it does nothing, whoever opens it; its button does, for who is signed in in this
//! browser. The token stands in the query, which no log of this server shows and no page of it hands on.

use actix_web::http::StatusCode;
use actix_web::web::{Data, ServiceConfig, get, post, resource};
use actix_web::{HttpRequest, HttpResponse};
use mail_api::Language;
use users_api::{Error, InvitationLinks};
use web::{AuthRateLimit, CurrentSession, Form, FormBody, FormPage, Problem, RequestInfo};

use super::language::language_of;

const PATH: &str = "/join";

/// Adds the page.
pub(super) fn page(config: &mut ServiceConfig) {
    config.service(resource(PATH).route(get().to(show)).route(post().to(act)));
}

/// Heading and text.
type Said = (&'static str, &'static str);

/// The texts of one language. `{}` stands for the organisation.
struct Words {
    language: &'static str,
    title: &'static str,
    lead: &'static str,
    button: &'static str,
    joined: Said,
    spent: Said,
    sign_in: Said,
    unproven: Said,
    other_domain: Said,
    member: Said,
}

static ENGLISH: Words = Words {
    language: "en",
    title: "Join the organisation?",
    lead: "You become a member of {}. You have to be signed in in this browser, with an address that you have proven.",
    button: "Join",
    joined: ("You are a member", "Go on in your application, and switch to the organisation there. You may close this page."),
    spent: ("This link counts no more", "It was used up, taken back, or is too old. Ask whoever gave it to you for another."),
    sign_in: ("Sign in first", "Sign in in this browser, and open the link again. It still counts."),
    unproven: (
        "Prove your address first",
        "Open the link of the mail that you got when you registered, or ask for another one. Then open this link again.",
    ),
    other_domain: (
        "This link is for other addresses",
        "Who joins by it has an address of another domain than yours. Sign in with that address, and open the link again.",
    ),
    member: ("You are a member already", "There is nothing to do."),
};

static GERMAN: Words = Words {
    language: "de",
    title: "Der Organisation beitreten?",
    lead: "Sie werden Mitglied von {}. Dazu müssen Sie in diesem Browser angemeldet sein, mit einer bestätigten Adresse.",
    button: "Beitreten",
    joined: (
        "Sie sind Mitglied",
        "Machen Sie in Ihrer Anwendung weiter und wechseln Sie dort in die Organisation. Sie können diese Seite schließen.",
    ),
    spent: (
        "Dieser Link gilt nicht mehr",
        "Er ist aufgebraucht, zurückgenommen oder zu alt. Bitten Sie, wer ihn Ihnen gab, um einen neuen.",
    ),
    sign_in: (
        "Melden Sie sich zuerst an",
        "Melden Sie sich in diesem Browser an und öffnen Sie den Link noch einmal. Er gilt weiterhin.",
    ),
    unproven: (
        "Bestätigen Sie zuerst Ihre Adresse",
        "Öffnen Sie den Link der Mail, die Sie bei der Registrierung bekamen, oder fordern Sie eine neue an. Öffnen Sie dann diesen Link noch einmal.",
    ),
    other_domain: (
        "Dieser Link ist für andere Adressen",
        "Wer mit ihm beitritt, hat eine Adresse einer anderen Domain als Sie. Melden Sie sich mit jener an und öffnen Sie den Link noch einmal.",
    ),
    member: ("Sie sind schon Mitglied", "Es ist nichts zu tun."),
};

fn words(request: &HttpRequest) -> &'static Words {
    match language_of(request) {
        Language::German => &GERMAN,
        Language::English => &ENGLISH,
    }
}

/// Shows which organisation the button joins.
async fn show(request: HttpRequest, links: Data<dyn InvitationLinks>) -> Result<HttpResponse, Problem> {
    let words = words(&request);
    let token = web::parameter(&request, "token").unwrap_or_default();
    match links.leads_to(&token).await {
        Ok(organization) => {
            let lead = words.lead.replace("{}", &organization.name);
            let form = Form::button_alone(PATH, &token, words.button);
            let (status, language) = (StatusCode::OK, words.language);
            Ok(FormPage { status, language, title: words.title, lead: &lead, fault: None, form: Some(form) }.response())
        }
        Err(Error::LinkSpent) => Ok(says(words, StatusCode::GONE, words.spent)),
        Err(other) => Err(other.into()),
    }
}

/// Joins.
async fn act(
    _: AuthRateLimit,
    request: HttpRequest,
    info: RequestInfo,
    session: Result<CurrentSession, Problem>,
    links: Data<dyn InvitationLinks>,
    form: FormBody,
) -> Result<HttpResponse, Problem> {
    let words = words(&request);
    let Ok(CurrentSession(session)) = session else {
        return Ok(says(words, StatusCode::UNAUTHORIZED, words.sign_in));
    };
    let joined = links.join_by_link(&session.ctx(info.request), form.get("token"), language_of(&request)).await;
    Ok(match joined {
        Ok(_) => says(words, StatusCode::OK, words.joined),
        Err(Error::LinkSpent) => says(words, StatusCode::GONE, words.spent),
        Err(Error::EmailNotVerified) => says(words, StatusCode::FORBIDDEN, words.unproven),
        Err(Error::DomainNotAllowed) => says(words, StatusCode::FORBIDDEN, words.other_domain),
        Err(Error::AlreadyMember) => says(words, StatusCode::CONFLICT, words.member),
        Err(other) => return Err(other.into()),
    })
}

fn says(words: &Words, status: StatusCode, (title, lead): Said) -> HttpResponse {
    FormPage { status, language: words.language, title, lead, fault: None, form: None }.response()
}

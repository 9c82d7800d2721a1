//! `/keep-organization`: where the mail leads that tells owners of an organisation which leaves. To open it does nothing, and tells nobody of it but its
//! owners; its button keeps it, for who is signed in in this browser.

use actix_web::http::StatusCode;
use actix_web::web::{Data, ServiceConfig, get, post, resource};
use actix_web::{HttpRequest, HttpResponse};
use kernel::OrgId;
use mail_api::Language;
use users_api::{Error, Leaving};
use uuid::Uuid;
use web::{AuthRateLimit, CurrentSession, Form, FormBody, FormPage, Problem, RequestInfo};

use super::language::language_of;

const PATH: &str = "/keep-organization";

/// Adds the page.
pub(super) fn page(config: &mut ServiceConfig) {
    config.service(resource(PATH).route(get().to(show)).route(post().to(act)));
}

/// Two texts, such as heading and text.
type Said = (&'static str, &'static str);

/// The texts of one language.
struct Words {
    language: &'static str,
    title: &'static str,
    /// What stands before the organisation, and behind it.
    lead: Said,
    button: &'static str,
    kept: Said,
    over: Said,
    sign_in: Said,
}

static ENGLISH: Words = Words {
    language: "en",
    title: "Keep the organisation?",
    lead: (
        "An owner has asked that ",
        " leave the platform. If you keep it, it stays; sessions, keys and invitations that have ended stay ended.",
    ),
    button: "Keep it",
    kept: ("The organisation stays", "Sign in anew, and switch to it in your application. You may close this page."),
    over: (
        "No organisation of yours leaves by this link",
        "It was kept already, is gone, or you are signed in in this browser as somebody who does not own it.",
    ),
    sign_in: (
        "Sign in first",
        "Sign in in this browser as an owner of the organisation, and open the link again. It still counts.",
    ),
};

static GERMAN: Words = Words {
    language: "de",
    title: "Die Organisation behalten?",
    lead: (
        "Ein Eigentümer hat darum gebeten, dass ",
        " die Plattform verlässt. Wenn Sie sie behalten, bleibt sie; beendete Sitzungen, Schlüssel und Einladungen bleiben beendet.",
    ),
    button: "Behalten",
    kept: (
        "Die Organisation bleibt",
        "Melden Sie sich neu an und wechseln Sie in Ihrer Anwendung zu ihr. Sie können diese Seite schließen.",
    ),
    over: (
        "Keine Ihrer Organisationen geht mit diesem Link",
        "Sie wurde schon behalten oder ist fort, oder Sie sind in diesem Browser als jemand angemeldet, dem sie nicht gehört.",
    ),
    sign_in: (
        "Melden Sie sich zuerst an",
        "Melden Sie sich in diesem Browser als Eigentümer der Organisation an und öffnen Sie den Link noch einmal. Er gilt weiterhin.",
    ),
};

fn words(request: &HttpRequest) -> &'static Words {
    match language_of(request) {
        Language::German => &GERMAN,
        Language::English => &ENGLISH,
    }
}

/// Shows which organisation the button keeps.
async fn show(
    request: HttpRequest,
    info: RequestInfo,
    session: Result<CurrentSession, Problem>,
    leaving: Data<dyn Leaving>,
) -> Result<HttpResponse, Problem> {
    let words = words(&request);
    let Ok(CurrentSession(session)) = session else {
        return Ok(says(words, StatusCode::UNAUTHORIZED, words.sign_in));
    };
    let id = web::parameter(&request, "id").unwrap_or_default();
    let own = leaving.leaving_organizations(&session.ctx(info.request)).await?;
    let found = own.into_iter().find(|leaving| leaving.organization.id.0.to_string() == id);
    let Some(leaving) = found else { return Ok(says(words, StatusCode::GONE, words.over)) };
    let lead = format!("{}{}{}", words.lead.0, leaving.organization.name, words.lead.1);
    let form = Form::button_alone(PATH, &id, words.button);
    let (status, language) = (StatusCode::OK, words.language);
    Ok(FormPage { status, language, title: words.title, lead: &lead, fault: None, form: Some(form) }.response())
}

/// Keeps it.
async fn act(
    _: AuthRateLimit,
    request: HttpRequest,
    info: RequestInfo,
    session: Result<CurrentSession, Problem>,
    leaving: Data<dyn Leaving>,
    form: FormBody,
) -> Result<HttpResponse, Problem> {
    let words = words(&request);
    let Ok(CurrentSession(session)) = session else {
        return Ok(says(words, StatusCode::UNAUTHORIZED, words.sign_in));
    };
    let kept = match form.get("token").parse::<Uuid>() {
        Ok(id) => leaving.restore_organization(&session.ctx(info.request), OrgId(id)).await,
        Err(_) => Err(Error::NotFound("organization")),
    };
    Ok(match kept {
        Ok(_) => says(words, StatusCode::OK, words.kept),
        Err(Error::NotFound(_) | Error::Denied(_)) => says(words, StatusCode::GONE, words.over),
        Err(other) => return Err(other.into()),
    })
}

fn says(words: &Words, status: StatusCode, (title, lead): Said) -> HttpResponse {
    FormPage { status, language: words.language, title, lead, fault: None, form: None }.response()
}

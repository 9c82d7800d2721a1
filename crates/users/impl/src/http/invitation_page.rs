//! `/invitation`: where the mail of an invitation leads. To open it does nothing, whoever opens it, and tells of the invitation whom it is for alone; its
//! button makes who is signed in in this browser a member.

use actix_web::http::StatusCode;
use actix_web::web::{Data, ServiceConfig, get, post, resource};
use actix_web::{HttpRequest, HttpResponse};
use kernel::{Ctx, PageRequest};
use mail_api::Language;
use users_api::{Error, OwnInvitation, Users};
use uuid::Uuid;
use web::{AuthRateLimit, CurrentSession, Form, FormBody, FormPage, Problem, RequestInfo};

use super::language::language_of;

const PATH: &str = "/invitation";

/// Among so many pages of invitations of one person one is looked for.
const MOST_PAGES: usize = 10;

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
    /// What stands behind who invites, and behind the organisation.
    lead: Said,
    button: &'static str,
    joined: Said,
    spent: Said,
    sign_in: Said,
    unproven: Said,
    member: Said,
    not_let_in: Said,
}

static ENGLISH: Words = Words {
    language: "en",
    title: "Accept the invitation?",
    lead: (" invites you to become a member of ", ". If you do not want to, close this page: nothing happens."),
    button: "Accept",
    joined: ("You are a member", "Go on in your application, and switch to the organisation there. You may close this page."),
    spent: (
        "There is no such invitation for you",
        "It was answered or taken back, or is for another address than the one with which you are signed in in this browser.",
    ),
    sign_in: (
        "Sign in first",
        "Sign in in this browser with the address to which the invitation was mailed, or register with it. Then open the link of the mail again.",
    ),
    unproven: (
        "Prove your address first",
        "Open the link of the mail that you got when you registered, or ask for another one. Then open the link of the invitation again.",
    ),
    member: ("You are a member already", "There is nothing to do."),
    not_let_in: ("The organisation does not let you in", "Its directory has deactivated you. Ask whoever invited you."),
};

static GERMAN: Words = Words {
    language: "de",
    title: "Die Einladung annehmen?",
    lead: (" lädt Sie ein, Mitglied von ", " zu werden. Möchten Sie das nicht, schließen Sie diese Seite: es geschieht nichts."),
    button: "Annehmen",
    joined: (
        "Sie sind Mitglied",
        "Machen Sie in Ihrer Anwendung weiter und wechseln Sie dort in die Organisation. Sie können diese Seite schließen.",
    ),
    spent: (
        "Für Sie gibt es diese Einladung nicht",
        "Sie wurde beantwortet oder zurückgenommen, oder sie ist für eine andere Adresse als die, mit der Sie in diesem Browser angemeldet sind.",
    ),
    sign_in: (
        "Melden Sie sich zuerst an",
        "Melden Sie sich in diesem Browser mit der Adresse an, an die die Einladung ging, oder registrieren Sie sich mit ihr. Öffnen Sie den Link der Mail dann noch einmal.",
    ),
    unproven: (
        "Bestätigen Sie zuerst Ihre Adresse",
        "Öffnen Sie den Link der Mail, die Sie bei der Registrierung bekamen, oder fordern Sie eine neue an. Öffnen Sie dann den Link der Einladung noch einmal.",
    ),
    member: ("Sie sind schon Mitglied", "Es ist nichts zu tun."),
    not_let_in: (
        "Die Organisation lässt Sie nicht herein",
        "Ihr Verzeichnis hat Sie deaktiviert. Fragen Sie, wer Sie eingeladen hat.",
    ),
};

fn words(request: &HttpRequest) -> &'static Words {
    match language_of(request) {
        Language::German => &GERMAN,
        Language::English => &ENGLISH,
    }
}

/// Shows who invites, to whom is invited.
async fn show(
    request: HttpRequest,
    info: RequestInfo,
    session: Result<CurrentSession, Problem>,
    users: Data<dyn Users>,
) -> Result<HttpResponse, Problem> {
    let words = words(&request);
    let Ok(CurrentSession(session)) = session else {
        return Ok(says(words, StatusCode::UNAUTHORIZED, words.sign_in));
    };
    let id = web::parameter(&request, "id").unwrap_or_default();
    match found(&**users, &session.ctx(info.request), &id).await {
        Ok(Some(OwnInvitation { organization, invited_by, .. })) => {
            // What people call themselves is put in last, and not looked at again.
            let lead = format!("{invited_by}{}{}{}", words.lead.0, organization.name, words.lead.1);
            let form = Form::button_alone(PATH, &id, words.button);
            let (status, language) = (StatusCode::OK, words.language);
            Ok(FormPage { status, language, title: words.title, lead: &lead, fault: None, form: Some(form) }.response())
        }
        Ok(None) => Ok(says(words, StatusCode::GONE, words.spent)),
        Err(Error::EmailNotVerified) => Ok(says(words, StatusCode::FORBIDDEN, words.unproven)),
        Err(other) => Err(other.into()),
    }
}

/// The invitation of this id, if it waits for the context's person.
async fn found(users: &dyn Users, ctx: &Ctx, id: &str) -> Result<Option<OwnInvitation>, Error> {
    let Ok(id) = id.parse::<Uuid>() else { return Ok(None) };
    let mut page = PageRequest::first(100);
    for _ in 0..MOST_PAGES {
        let own = users.own_invitations(ctx, page).await?;
        if let Some(invitation) = own.items.into_iter().find(|invitation| invitation.id == id) {
            return Ok(Some(invitation));
        }
        let Some(after) = own.next else { break };
        page.after = Some(after);
    }
    Ok(None)
}

/// Accepts.
async fn act(
    _: AuthRateLimit,
    request: HttpRequest,
    info: RequestInfo,
    session: Result<CurrentSession, Problem>,
    users: Data<dyn Users>,
    form: FormBody,
) -> Result<HttpResponse, Problem> {
    let words = words(&request);
    let Ok(CurrentSession(session)) = session else {
        return Ok(says(words, StatusCode::UNAUTHORIZED, words.sign_in));
    };
    let accepted = match form.get("token").parse::<Uuid>() {
        Ok(id) => users.accept_invitation(&session.ctx(info.request), id).await,
        Err(_) => Err(Error::NotFound("invitation")),
    };
    Ok(match accepted {
        Ok(_) => says(words, StatusCode::OK, words.joined),
        Err(Error::NotFound(_)) => says(words, StatusCode::GONE, words.spent),
        Err(Error::EmailNotVerified) => says(words, StatusCode::FORBIDDEN, words.unproven),
        Err(Error::AlreadyMember) => says(words, StatusCode::CONFLICT, words.member),
        Err(Error::NotLetIn) => says(words, StatusCode::CONFLICT, words.not_let_in),
        Err(other) => return Err(other.into()),
    })
}

fn says(words: &Words, status: StatusCode, (title, lead): Said) -> HttpResponse {
    FormPage { status, language: words.language, title, lead, fault: None, form: None }.response()
}

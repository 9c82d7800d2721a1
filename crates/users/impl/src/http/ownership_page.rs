//! `/ownership-offer`: where the mail of an offer leads to become the owner of an organisation. To open it does nothing; its button accepts, for whom it was
//! offered to, who is signed in in the organisation in this browser and has just proven who they are.

use actix_web::http::StatusCode;
use actix_web::web::{Data, ServiceConfig, get, post, resource};
use actix_web::{HttpRequest, HttpResponse};
use kernel::{Ctx, PageRequest};
use mail_api::Language;
use users_api::{Error, MemberUser, Ownership, OwnershipOffer, Users};
use uuid::Uuid;
use web::{AuthRateLimit, Authed, CurrentSession, Form, FormBody, FormPage, Problem};

use super::language::language_of;

const PATH: &str = "/ownership-offer";

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
    /// What stands behind who offers it, and behind the organisation.
    lead: Said,
    button: &'static str,
    accepted: Said,
    spent: Said,
    sign_in: Said,
    prove: Said,
    unproven: Said,
}

static ENGLISH: Words = Words {
    language: "en",
    title: "Become the owner?",
    lead: (
        " offers you to become an owner of ",
        ", and is an administrator then. If you do not want to, close this page: nothing happens.",
    ),
    button: "Become the owner",
    accepted: ("You are an owner", "Go on in your application. You may close this page."),
    spent: (
        "There is no such offer for you",
        "It was answered, taken back or is over; or you act in another organisation in this browser: switch in your application, and open the link again.",
    ),
    sign_in: ("Sign in first", "Sign in in this browser, in the organisation, and open the link again. It still counts."),
    prove: (
        "Show once more who you are",
        "Sign in to your application once more in this browser, then open the link again within five minutes.",
    ),
    unproven: (
        "Prove your address first",
        "Open the link of the mail that you got when you registered, or ask for another one. Then open this link again.",
    ),
};

static GERMAN: Words = Words {
    language: "de",
    title: "Eigentümer werden?",
    lead: (
        " bietet Ihnen an, Eigentümer zu werden von ",
        ", und gehört dann zur Verwaltung. Möchten Sie das nicht, schließen Sie diese Seite: es geschieht nichts.",
    ),
    button: "Eigentümer werden",
    accepted: ("Sie sind Eigentümer", "Machen Sie in Ihrer Anwendung weiter. Sie können diese Seite schließen."),
    spent: (
        "Für Sie gibt es dieses Angebot nicht",
        "Es wurde beantwortet, zurückgenommen oder ist abgelaufen; oder Sie handeln in diesem Browser in einer anderen Organisation: wechseln Sie in Ihrer Anwendung und öffnen Sie den Link noch einmal.",
    ),
    sign_in: (
        "Melden Sie sich zuerst an",
        "Melden Sie sich in diesem Browser in der Organisation an und öffnen Sie den Link noch einmal. Er gilt weiterhin.",
    ),
    prove: (
        "Zeigen Sie noch einmal, wer Sie sind",
        "Melden Sie sich in diesem Browser noch einmal in Ihrer Anwendung an und öffnen Sie den Link dann innerhalb von fünf Minuten.",
    ),
    unproven: (
        "Bestätigen Sie zuerst Ihre Adresse",
        "Öffnen Sie den Link der Mail, die Sie bei der Registrierung bekamen, oder fordern Sie eine neue an. Öffnen Sie dann diesen Link noch einmal.",
    ),
};

fn words(request: &HttpRequest) -> &'static Words {
    match language_of(request) {
        Language::German => &GERMAN,
        Language::English => &ENGLISH,
    }
}

/// Whoever is signed in as a person, if somebody is.
fn person(session: Result<CurrentSession, Problem>, authed: Result<Authed, Problem>) -> Option<Ctx> {
    match (session, authed) {
        (Ok(_), Ok(Authed(ctx))) => Some(ctx),
        _ => None,
    }
}

/// Shows who offers what.
async fn show(
    request: HttpRequest,
    session: Result<CurrentSession, Problem>,
    authed: Result<Authed, Problem>,
    ownership: Data<dyn Ownership>,
    users: Data<dyn Users>,
) -> Result<HttpResponse, Problem> {
    let words = words(&request);
    let Some(ctx) = person(session, authed) else { return Ok(says(words, StatusCode::UNAUTHORIZED, words.sign_in)) };
    let id = web::parameter(&request, "id").unwrap_or_default();
    let found = match found(&**ownership, &ctx, &id).await? {
        Some(offer) => offered(&**users, &ctx, &offer).await?,
        None => None,
    };
    let Some((owner, organization)) = found else { return Ok(says(words, StatusCode::GONE, words.spent)) };
    if ctx.missing.fresh_proof {
        return Ok(says(words, StatusCode::FORBIDDEN, words.prove));
    }
    let lead = format!("{owner}{}{organization}{}", words.lead.0, words.lead.1);
    let form = Form::button_alone(PATH, &id, words.button);
    let (status, language) = (StatusCode::OK, words.language);
    Ok(FormPage { status, language, title: words.title, lead: &lead, fault: None, form: Some(form) }.response())
}

/// The offer of this id, if it waits for the context's person. An organisation makes one at a time.
async fn found(ownership: &dyn Ownership, ctx: &Ctx, id: &str) -> Result<Option<OwnershipOffer>, Problem> {
    let waiting = match ownership.ownership_offers(ctx, PageRequest::first(100)).await {
        Ok(page) => page.items,
        Err(Error::Denied(_)) => Vec::new(),
        Err(other) => return Err(other.into()),
    };
    Ok(waiting.into_iter().find(|offer| offer.id.to_string() == id && Some(offer.offered_to) == ctx.person()))
}

/// The names of who offers, and of the organisation; nothing once they have left.
async fn offered(users: &dyn Users, ctx: &Ctx, offer: &OwnershipOffer) -> Result<Option<(String, String)>, Problem> {
    match users.member(ctx, offer.offered_by).await {
        Ok(MemberUser { user, organization, .. }) => Ok(Some((user.name, organization.name))),
        Err(Error::NotFound(_) | Error::Denied(_)) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

/// Accepts.
async fn act(
    _: AuthRateLimit,
    request: HttpRequest,
    session: Result<CurrentSession, Problem>,
    authed: Result<Authed, Problem>,
    ownership: Data<dyn Ownership>,
    form: FormBody,
) -> Result<HttpResponse, Problem> {
    let language = language_of(&request);
    let words = words(&request);
    let Some(ctx) = person(session, authed) else { return Ok(says(words, StatusCode::UNAUTHORIZED, words.sign_in)) };
    if ctx.missing.fresh_proof {
        return Ok(says(words, StatusCode::FORBIDDEN, words.prove));
    }
    let accepted = match form.get("token").parse::<Uuid>() {
        Ok(id) => ownership.accept_ownership(&ctx, id, language).await,
        Err(_) => Err(Error::NotFound("ownership offer")),
    };
    Ok(match accepted {
        Ok(_) => says(words, StatusCode::OK, words.accepted),
        Err(Error::NotFound(_)) => says(words, StatusCode::GONE, words.spent),
        Err(Error::EmailNotVerified) => says(words, StatusCode::FORBIDDEN, words.unproven),
        Err(other) => return Err(other.into()),
    })
}

fn says(words: &Words, status: StatusCode, (title, lead): Said) -> HttpResponse {
    FormPage { status, language: words.language, title, lead, fault: None, form: None }.response()
}

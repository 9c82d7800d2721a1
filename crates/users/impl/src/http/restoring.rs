//! `/auth/restore`: where the link leads of the mail that tells of an account's removal. To open it does nothing, its button keeps the account.

use actix_web::http::StatusCode;
use actix_web::web::{Data, ServiceConfig, get, post, resource};
use actix_web::{HttpRequest, HttpResponse};
use mail_api::Language;
use users_api::{Error, Leaving};
use web::{AuthRateLimit, Form, FormBody, FormPage, Problem, RequestInfo};

use super::language::language_of;

/// Where it is.
const PATH: &str = "/auth/restore";

/// What the page says in one language. `{}` stands for an address.
struct Words {
    language: &'static str,
    title: &'static str,
    lead: &'static str,
    button: &'static str,
    done: &'static str,
    done_lead: &'static str,
    spent: &'static str,
    spent_lead: &'static str,
}

static ENGLISH: Words = Words {
    language: "en",
    title: "Keep your account?",
    lead: "The account of {} is being removed. Keep it, and sign in again afterwards. If it is to go, close this page: nothing happens.",
    button: "Keep the account",
    done: "Your account stays",
    done_lead: "Sign in again. Organisations of others that you left with it invite you again if you ask them. You may close this page.",
    spent: "This link counts no more",
    spent_lead: "The account was kept already, or it is gone.",
};

static GERMAN: Words = Words {
    language: "de",
    title: "Konto behalten?",
    lead: "Das Konto von {} wird gerade entfernt. Behalten Sie es, und melden Sie sich danach neu an. Soll es gehen, schließen Sie diese Seite: es geschieht nichts.",
    button: "Konto behalten",
    done: "Ihr Konto bleibt",
    done_lead: "Melden Sie sich neu an. Organisationen anderer, die Sie mit ihm verlassen haben, laden Sie neu ein, wenn Sie sie darum bitten. Sie können diese Seite schließen.",
    spent: "Dieser Link gilt nicht mehr",
    spent_lead: "Das Konto wurde schon behalten, oder es ist fort.",
};

fn words(language: Language) -> &'static Words {
    match language {
        Language::German => &GERMAN,
        Language::English => &ENGLISH,
    }
}

/// Adds the page. It is for people, and no part of the API.
pub(super) fn page(config: &mut ServiceConfig) {
    config.service(resource(PATH).route(get().to(show)).route(post().to(act)));
}

async fn show(request: HttpRequest, leaving: Data<dyn Leaving>) -> Result<HttpResponse, Problem> {
    let words = words(language_of(&request));
    let token = web::parameter(&request, "token").unwrap_or_default();
    let Some(address) = leaving.kept_by(&token).await? else { return Ok(spent(words)) };
    Ok(FormPage {
        status: StatusCode::OK,
        language: words.language,
        title: words.title,
        lead: &words.lead.replace("{}", &address),
        fault: None,
        form: Some(Form::button_alone(PATH, &token, words.button)),
    }
    .response())
}

async fn act(
    _: AuthRateLimit,
    request: HttpRequest,
    info: RequestInfo,
    leaving: Data<dyn Leaving>,
    form: FormBody,
) -> Result<HttpResponse, Problem> {
    let words = words(language_of(&request));
    match leaving.restore_account(form.get("token"), &info.request).await {
        Ok(()) => Ok(says(words, StatusCode::OK, words.done, words.done_lead)),
        Err(Error::KeepsNothing) => Ok(spent(words)),
        Err(other) => Err(other.into()),
    }
}

fn spent(words: &Words) -> HttpResponse {
    says(words, StatusCode::GONE, words.spent, words.spent_lead)
}

fn says(words: &Words, status: StatusCode, title: &str, lead: &str) -> HttpResponse {
    FormPage { status, language: words.language, title, lead, fault: None, form: None }.response()
}

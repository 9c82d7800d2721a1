//! `/auth/passkey`, `/auth/passkeys/new`: signing in with a passkey, and adding one, for whoever has no application at hand. A script of ours asks the
//! browser for the authenticator, and this server's API for the rest: what the pages can, any application can. The page of a second factor offers the same.

mod words;

use std::sync::LazyLock;

use actix_web::web::{ServiceConfig, get, resource};
use actix_web::{HttpRequest, HttpResponse};
use mail_api::Language;
use web::{ActingPage, FormPage, Offer, Script};

use super::language::language_of;
use words::Words;

/// Where the script is.
const SCRIPT_PATH: &str = "/auth/passkeys.js";

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("passkey_pages/passkeys.js")));

/// Adds the pages.
pub(super) fn pages(config: &mut ServiceConfig) {
    SCRIPT.serve(config, SCRIPT_PATH);
    config.service(resource("/auth/passkey").route(get().to(sign_in)));
    config.service(resource("/auth/passkeys/new").route(get().to(add)));
}

async fn sign_in(request: HttpRequest) -> HttpResponse {
    let words = Words::of(language_of(&request));
    page(words, "sign-in", None, words.sign_in)
}

async fn add(request: HttpRequest) -> HttpResponse {
    let words = Words::of(language_of(&request));
    page(words, "add", Some((words.name, words.named)), words.add)
}

/// A page with a form whose token is that of a sign-in that waits, and beside it the passkey, where a script runs.
pub(super) fn beside(page: &FormPage<'_>, language: Language) -> HttpResponse {
    let words = Words::of(language);
    let own = words.factor;
    page.response_offering(&Offer {
        act: "factor",
        button: own.button,
        words: &said(words, (own.done, own.refused)),
        without: words.without,
        script: (&SCRIPT, SCRIPT_PATH),
    })
}

fn page(words: &Words, act: &str, field: Option<(&str, &str)>, own: words::Act) -> HttpResponse {
    ActingPage {
        language: words.language,
        title: own.title,
        lead: own.lead,
        act,
        field,
        button: own.button,
        words: &said(words, (own.done, own.refused)),
        without: words.without,
        script: (&SCRIPT, SCRIPT_PATH),
    }
    .response()
}

/// What the script says, by name.
fn said(words: &Words, (done, refused): (&'static str, &'static str)) -> [(&'static str, &'static str); 12] {
    [
        ("done", done),
        ("refused", refused),
        ("codes", words.codes),
        ("unsupported", words.unsupported),
        ("cancelled", words.cancelled),
        ("known", words.known),
        ("stale", words.stale),
        ("stranger", words.stranger),
        ("unproven", words.unproven),
        ("spent", words.spent),
        ("elsewhere", words.elsewhere),
        ("failed", words.failed),
    ]
}

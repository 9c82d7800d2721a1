//! The page at `/`: what this is, and where everything else is. For programs the same in a few links.

use std::future::ready;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, ServiceConfig};
use serde_json::json;

use super::accept::prefers_html;
use super::html::{escape, fill, head};
use super::kept::Kept;
use super::missing::POLICY;
use crate::app::{LIVE, READY};
use crate::docs::OPENAPI_PATH;
use crate::routes::only_get;

/// What the page of a developer's own server tells besides. A server in production has none.
#[derive(Debug, Clone)]
pub struct Development {
    /// Where the API is.
    pub base_url: String,
    /// What else listens.
    pub places: Vec<Place>,
    /// Who can sign in.
    pub logins: Vec<Login>,
}

/// Something that listens at an address of its own.
#[derive(Debug, Clone)]
pub struct Place {
    /// What it is called.
    pub name: &'static str,
    /// Where it is.
    pub url: String,
    /// What somebody finds there.
    pub text: &'static str,
}

/// Somebody who can sign in.
#[derive(Debug, Clone, Copy)]
pub struct Login {
    /// The address.
    pub email: &'static str,
    /// The password.
    pub password: &'static str,
    /// The person.
    pub name: &'static str,
    /// Whose it is.
    pub organization: &'static str,
}

/// To whoever comes back from the payment provider's pages.
const DONE: &str = "<div class=\"notice\" role=\"status\"><p><strong>Your details are with the payment provider.</strong> You may close this \
                    page. Your application shows when payments can be received (<code>GET /api/payee-account</code>).</p></div>";

/// To whoever was sent back because the link was used or too old.
const AGAIN: &str = "<div class=\"notice\" role=\"status\"><p><strong>That link was used already, or is too old.</strong> Ask your \
                     application for a new one (<code>POST /api/payee-account</code>).</p></div>";

/// To whoever was invited by mail.
const INVITED: &str = "<div class=\"notice\" role=\"status\"><p><strong>You are invited.</strong> Sign in with the address that the mail came to, \
                       in your application, and accept there (<code>GET /api/invitations</code>). Without an account, register with it.</p></div>";

/// Serves it.
pub fn configure(config: &mut ServiceConfig, development: Option<&Development>, documented: bool) {
    let page = |notice| Arc::new(Kept::page(page(development, documented, notice), POLICY));
    let (usual, done, again, invited) = (page(""), page(DONE), page(AGAIN), page(INVITED));
    let links = Arc::new(Kept::new("application/json", links(documented)));
    let get = move |request: HttpRequest| {
        let shown = match (prefers_html(request.headers()), request.query_string()) {
            (false, _) => &links,
            (true, "onboarding=done") => &done,
            (true, "onboarding=again") => &again,
            (true, query) if query.starts_with("invitation=") => &invited,
            (true, _) => &usual,
        };
        let mut response = shown.answer(&request);
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept"));
        ready(response)
    };
    config.service(web::resource("/").route(web::get().to(get)).default_service(web::to(only_get)));
}

/// Where everything is, for programs.
fn links(documented: bool) -> String {
    let mut links = json!({"name": "14Build", "version": env!("CARGO_PKG_VERSION"), "live": LIVE, "ready": READY});
    if documented {
        links["documentation"] = json!("/docs/");
        links["openapi"] = json!(OPENAPI_PATH);
    }
    links.to_string()
}

fn page(development: Option<&Development>, documented: bool, notice: &str) -> String {
    let mut places = String::new();
    if documented {
        places += &place(
            "API reference",
            "/docs/",
            "Every operation, with examples and the errors that it can answer. Try them in the browser.",
        );
        places += &place("OpenAPI document", OPENAPI_PATH, "OpenAPI 3.1, made from the code: generate a client from it.");
    }
    places += &place("Readiness", READY, "Whether this server can do its work, check by check.");
    places += &place("Liveness", LIVE, "Whether it runs at all.");
    for other in development.into_iter().flat_map(|development| &development.places) {
        places += &place(other.name, &other.url, other.text);
    }
    let demo = development.map(demo).unwrap_or_default();
    let (nav, actions) = if documented { (documented_nav(), ACTIONS) } else { (link(READY, "Status"), "") };
    let head = head("14Build: tenders, contracts and protected payments for construction", ABOUT);
    fill(
        include_str!("assets/home.html"),
        &[
            ("head", head.as_str()),
            ("nav", nav.as_str()),
            ("notice", notice),
            ("actions", actions),
            ("places", places.as_str()),
            ("demo", demo.as_str()),
            ("version", env!("CARGO_PKG_VERSION")),
        ],
    )
}

const ABOUT: &str = "<meta name=\"description\" content=\"The API of 14Build: construction companies tender works, bid under seal, sign \
                     contracts and pay by milestone.\">";

const ACTIONS: &str = "<p class=\"actions\"><a class=\"button first\" href=\"/docs/\">Read the API reference</a>\
                       <a class=\"button\" href=\"/api/openapi.json\">OpenAPI document</a></p>";

fn documented_nav() -> String {
    [link("/docs/", "API reference"), link(OPENAPI_PATH, "OpenAPI"), link(READY, "Status")].concat()
}

fn link(to: &str, text: &str) -> String {
    format!("<li><a href=\"{}\">{}</a></li>", escape(to), escape(text))
}

fn place(name: &str, url: &str, text: &str) -> String {
    let (name, url, text) = (escape(name), escape(url), escape(text));
    format!("<li><h3><a href=\"{url}\">{name}</a></h3><code>{url}</code><p>{text}</p></li>\n")
}

/// Who can sign in, and how.
fn demo(development: &Development) -> String {
    let Some(first) = development.logins.first() else { return String::new() };
    let row = |login: &Login| {
        let [email, password, name, organization] = [login.email, login.password, login.name, login.organization].map(escape);
        format!("<tr><td><code>{email}</code></td><td><code>{password}</code></td><td>{name}</td><td>{organization}</td></tr>\n")
    };
    let rows: String = development.logins.iter().map(row).collect();
    let body = json!({"email": first.email, "password": first.password}).to_string();
    let (base, body) = (escape(&development.base_url), escape(&body));
    format!(
        "<section aria-labelledby=\"demo\">\n<h2 id=\"demo\">Try it as somebody</h2>\n\
         <p>This is a development server: these people can sign in, each of an organisation of their own.</p>\n\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"demo\"><table>\n<thead><tr><th scope=\"col\">E-mail address</th>\
         <th scope=\"col\">Password</th><th scope=\"col\">Name</th><th scope=\"col\">Organisation</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table></div>\n\
         <p>Signing in answers an <code>accessToken</code>. Send it as <code>Authorization: Bearer …</code>, or give it to “Authorize” in the \
         reference.</p>\n<pre tabindex=\"0\" role=\"region\" aria-label=\"How to sign in\"><code>curl -sS {base}/api/auth/login -H &#39;Content-Type: \
         application/json&#39; \\\n  -d &#39;{body}&#39;</code></pre>\n</section>"
    )
}

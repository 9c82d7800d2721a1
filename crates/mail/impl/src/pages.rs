//! `/dev/mailbox`: what a developer's own server wrote and did not send, so that every link can be clicked, and every template with something to
//! fill it. No server in production has these pages.

use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue, X_FRAME_OPTIONS};
use actix_web::web::{Data, Path, ServiceConfig, get, resource};
use actix_web::{HttpResponse, Responder};
use kernel::Fault;
use mail_api::{KeptMail, Language, MailId, OutgoingMail, Recipient, Template};
use serde_json::{Value, json};
use web::Problem;

use crate::samples::sample;
use crate::service::Service;

/// As many mails as are listed.
const MOST: usize = 200;

/// What a browser may load for these pages: our style sheets, and the mail in a frame.
const PAGE: &str = "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
                    form-action 'none'";

/// A mail in its frame: its own styles, and links that open elsewhere. No script, nothing from elsewhere, and of no origin.
const LETTER: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; \
                      form-action 'none'; sandbox allow-popups allow-popups-to-escape-sandbox";

/// Serves them.
pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .service(resource("/dev/mailbox").route(get().to(list)))
        .service(resource("/dev/mailbox/mailbox.css").route(get().to(style)))
        .service(resource("/dev/mailbox/templates").route(get().to(templates)))
        .service(resource("/dev/mailbox/templates/{template}/{language}").route(get().to(preview)))
        .service(resource("/dev/mailbox/templates/{template}/{language}/html").route(get().to(preview_html)))
        .service(resource("/dev/mailbox/{mail}").route(get().to(one)))
        .service(resource("/dev/mailbox/{mail}/html").route(get().to(html)))
        .service(resource("/dev/mailbox/{mail}/source").route(get().to(source)));
}

async fn style() -> impl Responder {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(include_str!("../pages/mailbox.css"))
}

async fn list(service: Data<Service>) -> Result<HttpResponse, Problem> {
    let mails = match &service.mailbox {
        Some(mailbox) => mailbox.newest(MOST).await?,
        None => Vec::new(),
    };
    let mails: Vec<Value> = mails.iter().map(told).collect();
    let kept = service.mailbox.is_some();
    page(&service, "mailbox.html", &json!({ "mails": mails, "kept": kept, "transport": service.transport() }))
}

async fn one(service: Data<Service>, mail: Path<String>) -> Result<HttpResponse, Problem> {
    let KeptMail { mail, source } = kept(&service, &mail).await?;
    let headers = source.split("\r\n\r\n").next().unwrap_or_default();
    page(&service, "mail.html", &json!({ "mail": told(&mail), "headers": headers }))
}

async fn html(service: Data<Service>, mail: Path<String>) -> Result<HttpResponse, Problem> {
    Ok(letter(kept(&service, &mail).await?.mail.html))
}

async fn source(service: Data<Service>, mail: Path<String>) -> Result<HttpResponse, Problem> {
    let source = kept(&service, &mail).await?.source;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(source))
}

async fn templates(service: Data<Service>) -> Result<HttpResponse, Problem> {
    let mut templates = Vec::new();
    for template in Template::ALL {
        for language in Language::ALL {
            let written = service.composer.written(Some(SOMEBODY), *language, &sample(*template))?;
            templates.push(json!({ "template": template, "language": language, "subject": written.subject }));
        }
    }
    page(&service, "templates.html", &json!({ "templates": templates }))
}

async fn preview(service: Data<Service>, which: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (template, language) = named(&which)?;
    let written = service.composer.written(Some(SOMEBODY), language, &sample(template))?;
    let values = json!({ "template": template, "language": language, "subject": written.subject, "text": written.text });
    page(&service, "preview.html", &values)
}

async fn preview_html(service: Data<Service>, which: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (template, language) = named(&which)?;
    Ok(letter(service.composer.written(Some(SOMEBODY), language, &sample(template))?.html))
}

/// To whom a template is written that is looked at.
const SOMEBODY: &str = "Ada Lovelace";

fn named((template, language): &(String, String)) -> Result<(Template, Language), Problem> {
    Template::from_name(template).zip(Language::from_name(language)).ok_or_else(Problem::not_found)
}

/// The mail of that id.
async fn kept(service: &Service, mail: &str) -> Result<KeptMail, Problem> {
    let (Some(mailbox), Ok(id)) = (&service.mailbox, mail.parse::<MailId>()) else { return Err(Problem::not_found()) };
    mailbox.one(id).await?.ok_or_else(Problem::not_found)
}

/// What a page tells of a mail.
fn told(mail: &OutgoingMail) -> Value {
    let shown = |who: &Recipient| match who.shown_name() {
        Some(name) => format!("{name} <{}>", who.address),
        None => who.address.clone(),
    };
    json!({
        "id": mail.id, "to": shown(&mail.to), "from": shown(&mail.from), "subject": mail.subject, "text": mail.text,
        "date": kernel::rfc3339(mail.date),
    })
}

fn page(service: &Service, name: &str, values: &Value) -> Result<HttpResponse, Problem> {
    let html: Result<String, Fault> = service.composer.page(name, values);
    let policy = (CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE));
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").insert_header(policy).body(html?))
}

/// A mail's HTML, for a frame of ours alone.
fn letter(html: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, HeaderValue::from_static(LETTER)))
        .insert_header((X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")))
        .body(html)
}

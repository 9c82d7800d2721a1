//! Pages for whoever follows the link of a mail: a sentence, and a button that does it. Without a script, but for what one may offer besides
//! ([`Offer`]).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};

use super::assets::STYLE;
use super::html::{escape, fill};
use super::offer::{self, Offer};

/// What a browser may load for it, and where its form may go: to this server.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// A page with at most one form. All of it is text: what is HTML in it is shown as it stands.
#[derive(Debug, Clone)]
pub struct FormPage<'a> {
    /// The status of the answer.
    pub status: StatusCode,
    /// The language of its texts, such as `en`.
    pub language: &'a str,
    /// Its heading.
    pub title: &'a str,
    /// What it says.
    pub lead: &'a str,
    /// What is wrong with what was sent.
    pub fault: Option<&'a str>,
    /// What can be done.
    pub form: Option<Form<'a>>,
}

/// A form with a token that nobody sees and, if one is asked for, an address, a new password or a code.
#[derive(Debug, Clone)]
pub struct Form<'a> {
    /// Where it goes.
    pub action: &'a str,
    /// What the link held.
    pub token: &'a str,
    /// What the field of an address is called, if there is one.
    pub email: Option<&'a str>,
    /// What the field of the new password is called, if there is one.
    pub password: Option<&'a str>,
    /// What the field of a code is called, if there is one.
    pub code: Option<&'a str>,
    /// What the button says.
    pub button: &'a str,
}

impl FormPage<'_> {
    /// The answer.
    #[must_use]
    pub fn response(&self) -> HttpResponse {
        self.answer(None)
    }

    /// The answer, with what a script offers before the form.
    #[must_use]
    pub fn response_offering(&self, offer: &Offer<'_>) -> HttpResponse {
        self.answer(Some(offer))
    }

    fn answer(&self, offer: Option<&Offer<'_>>) -> HttpResponse {
        let Self { status, language, title, lead, fault, form } = self;
        let form = form.as_ref().map(Form::html);
        page((*status, *language), (*title, *lead, *fault), offer, form.as_deref().unwrap_or_default())
    }
}

/// A page with a link on which somebody goes on: elsewhere too, where no form of ours may lead.
#[derive(Debug, Clone)]
pub struct LinkPage<'a> {
    /// The language of its texts, such as `en`.
    pub language: &'a str,
    /// Its heading.
    pub title: &'a str,
    /// What it says.
    pub lead: &'a str,
    /// Where the link leads: a path of this server.
    pub href: &'a str,
    /// What it says.
    pub link: &'a str,
}

impl LinkPage<'_> {
    /// The answer.
    #[must_use]
    pub fn response(&self) -> HttpResponse {
        self.response_with(StatusCode::OK)
    }

    /// The answer to somebody who is refused, and whom the link leads to where they begin anew.
    #[must_use]
    pub fn response_with(&self, status: StatusCode) -> HttpResponse {
        let Self { language, title, lead, href, link } = self;
        let link = format!("<p class=\"actions\"><a class=\"button first\" href=\"{}\">{}</a></p>", escape(href), escape(link));
        page((status, *language), (*title, *lead, None), None, &link)
    }
}

/// A page whose texts are escaped here; what stands below them is HTML.
fn page(
    (status, language): (StatusCode, &str),
    (title, lead, fault): (&str, &str, Option<&str>),
    offer: Option<&Offer<'_>>,
    below: &str,
) -> HttpResponse {
    let fault = fault.map(|fault| format!("<div class=\"notice\" role=\"alert\"><p>{}</p></div>", escape(fault)));
    let page = fill(
        include_str!("assets/form.html"),
        &[
            ("style", STYLE.version()),
            ("language", &escape(language)),
            ("title", &escape(title)),
            ("lead", &escape(lead)),
            ("fault", fault.as_deref().unwrap_or_default()),
            ("script", &offer.map(Offer::head).unwrap_or_default()),
            ("offer", &offer.map(Offer::html).unwrap_or_default()),
            ("form", below),
        ],
    );
    let policy = if offer.is_some() { offer::POLICY } else { POLICY };
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)))
        .insert_header((header::VARY, HeaderValue::from_static("Accept-Language")))
        .body(page)
}

impl<'a> Form<'a> {
    /// One that asks for nothing: a button alone.
    #[must_use]
    pub const fn button_alone(action: &'a str, token: &'a str, button: &'a str) -> Self {
        Self { action, token, email: None, password: None, code: None, button }
    }

    fn html(&self) -> String {
        let [action, token, button] = [self.action, self.token, self.button].map(escape);
        let email = self.email.map(|label| {
            let label = escape(label);
            format!(
                "<p><label for=\"email\">{label}</label>\n<input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"username\" \
                 maxlength=\"254\" required></p>\n"
            )
        });
        let email = email.unwrap_or_default();
        let password = self.password.map(|label| {
            let label = escape(label);
            format!(
                "<p><label for=\"password\">{label}</label>\n<input id=\"password\" name=\"password\" type=\"password\" \
                 autocomplete=\"new-password\" minlength=\"8\" maxlength=\"128\" required></p>\n"
            )
        });
        let password = password.unwrap_or_default();
        let code = self.code.map(|label| {
            let label = escape(label);
            // Programs fill in what an authenticator shows; a code of recovery has letters, too.
            format!(
                "<p><label for=\"code\">{label}</label>\n<input id=\"code\" name=\"code\" type=\"text\" autocomplete=\"one-time-code\" \
                 autocapitalize=\"characters\" spellcheck=\"false\" maxlength=\"40\" required></p>\n"
            )
        });
        let code = code.unwrap_or_default();
        format!(
            "<form class=\"form\" method=\"post\" action=\"{action}\">\n<input type=\"hidden\" name=\"token\" value=\"{token}\">\n{email}{password}{code}\
             <p class=\"actions\"><button class=\"button first\" type=\"submit\">{button}</button></p>\n</form>"
        )
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::{BodySize, MessageBody};

    use super::*;

    #[test]
    fn what_stands_in_a_page_is_text_and_its_form_goes_to_this_server() {
        let form = Form {
            action: "/auth/reset",
            token: "\"><script>",
            email: None,
            password: Some("New"),
            code: Some("Code"),
            button: "Go",
        };
        let html = form.html();
        assert!(html.contains("value=\"&quot;&gt;&lt;script&gt;\"") && html.contains("type=\"password\""), "{html}");
        assert!(html.contains("<label for=\"code\">Code</label>") && html.contains("autocomplete=\"one-time-code\""), "{html}");
        let page =
            FormPage { status: StatusCode::GONE, language: "en", title: "<b>", lead: "a & b", fault: None, form: Some(form) };
        let answer = page.response();
        assert_eq!(answer.status(), StatusCode::GONE);
        let policy = answer.headers().get("content-security-policy").and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert!(policy.contains("form-action 'self'") && policy.contains("default-src 'none'"), "{policy}");
        assert!(matches!(answer.body().size(), BodySize::Sized(1..)));
    }
}

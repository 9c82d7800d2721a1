//! Pages on which a script of ours acts, such as asking an authenticator: a sentence, a button, and what came of it.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};

use super::assets::STYLE;
use super::html::{escape, fill};
use super::script::{Script, attributes};

/// What a browser may load for it: our files, and answers of this server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'; \
                      base-uri 'none'; form-action 'none'";

/// A page with one form that a script takes. All of it is text: what is HTML in it is shown as it stands.
pub struct ActingPage<'a> {
    /// The language of its texts, such as `en`.
    pub language: &'a str,
    /// Its heading.
    pub title: &'a str,
    /// What it says.
    pub lead: &'a str,
    /// What the script is told to do.
    pub act: &'a str,
    /// What the field is called, if there is one, and what stands in it at first.
    pub field: Option<(&'a str, &'a str)>,
    /// What the button says.
    pub button: &'a str,
    /// What the script says of what came of it, by name.
    pub words: &'a [(&'a str, &'a str)],
    /// What is said where no script runs.
    pub without: &'a str,
    /// The script, and where it is served.
    pub script: (&'a Script, &'a str),
}

impl ActingPage<'_> {
    /// The answer.
    #[must_use]
    pub fn response(&self) -> HttpResponse {
        let field = self.field.map(|(label, value)| {
            let (label, value) = (escape(label), escape(value));
            format!(
                "<p><label for=\"name\">{label}</label>\n<input id=\"name\" name=\"name\" maxlength=\"100\" value=\"{value}\" required></p>\n"
            )
        });
        let (script, path) = self.script;
        let page = fill(
            include_str!("assets/acting.html"),
            &[
                ("style", STYLE.version()),
                ("language", &escape(self.language)),
                ("title", &escape(self.title)),
                ("lead", &escape(self.lead)),
                ("act", &escape(self.act)),
                ("words", &attributes(self.words)),
                ("field", field.as_deref().unwrap_or_default()),
                ("button", &escape(self.button)),
                ("without", &escape(self.without)),
                ("script", &script.address(path)),
            ],
        );
        HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)))
            .insert_header((header::VARY, HeaderValue::from_static("Accept-Language")))
            .body(page)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use actix_web::body::to_bytes;

    use super::*;

    static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new("'use strict';"));

    #[actix_web::test]
    async fn what_stands_in_a_page_is_text_and_its_script_is_a_file_of_ours() {
        let page = ActingPage {
            language: "en",
            title: "<b>",
            lead: "a & b",
            act: "make",
            field: Some(("Name", "\"><script>")),
            button: "Go",
            words: &[("done", "\"<i>\"")],
            without: "No script",
            script: (&SCRIPT, "/auth/x.js"),
        };
        let answer = page.response();
        let policy = answer.headers().get("content-security-policy").and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert!(policy.contains("script-src 'self'") && policy.contains("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && policy.contains("form-action 'none'"), "{policy}");
        let bytes = to_bytes(answer.into_body()).await.unwrap_or_default();
        let html = String::from_utf8_lossy(&bytes);
        assert!(
            html.contains("value=\"&quot;&gt;&lt;script&gt;\"") && html.contains("data-done=\"&quot;&lt;i&gt;&quot;\""),
            "{html}"
        );
        assert!(html.matches("<script").count() == 1 && html.contains("<script src=\"/auth/x.js?v="), "{html}");
        assert!(!html.contains("{{") && html.contains("role=\"status\""), "{html}");
    }
}

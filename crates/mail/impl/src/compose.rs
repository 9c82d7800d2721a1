//! Writes mails: the templates filled with what each says.

use std::collections::BTreeMap;

use actix_web::http::Uri;
use kernel::{Fault, Timestamp};
use mail_api::{Content, Language, Link, MailId, MessageId, OutgoingMail, Recipient, one_line};
use minijinja::{Environment, Value};

use crate::dates::{how_long, when};
use crate::templates::{Form, environment};

/// Who writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// As it is shown.
    pub from: Recipient,
    /// Whom answers go to, if not there.
    pub reply_to: Option<Recipient>,
}

/// Writes mails of one server.
pub struct Composer {
    environment: Environment<'static>,
    public_url: String,
    domain: String,
    sender: Sender,
}

/// What a mail says, written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) subject: String,
    pub(crate) html: String,
    pub(crate) text: String,
}

/// To whom, and as which mail.
pub(crate) struct Envelope<'a> {
    pub(crate) id: MailId,
    pub(crate) message_id: MessageId,
    pub(crate) to: &'a Recipient,
    pub(crate) date: Timestamp,
}

impl Composer {
    /// Links lead below `public_url`, and its host is the domain of each `Message-ID`.
    ///
    /// # Errors
    /// A mistake in a template of this program.
    pub fn new(public_url: &str, sender: Sender) -> Result<Self, Fault> {
        let environment = environment().map_err(Fault::internal)?;
        Ok(Self { environment, public_url: public_url.trim_end_matches('/').to_owned(), domain: domain_of(public_url), sender })
    }

    /// The `Message-ID` that a mail gets.
    #[must_use]
    pub fn message_id(&self, mail: MailId) -> MessageId {
        MessageId::of(mail, &self.domain)
    }

    /// The domain that this server bears.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The mail as it leaves.
    pub(crate) fn compose(&self, envelope: Envelope<'_>, language: Language, content: &Content) -> Result<OutgoingMail, Fault> {
        let Envelope { id, message_id, to, date } = envelope;
        let Written { subject, html, text } = self.written(to.shown_name().as_deref(), language, content)?;
        let Sender { from, reply_to } = self.sender.clone();
        let to = Recipient { address: travelling(&to.address), name: to.name.clone() };
        Ok(OutgoingMail { id, message_id, from, reply_to, to, date, subject, html, text })
    }

    /// What a mail says to somebody of that name.
    pub(crate) fn written(&self, name: Option<&str>, language: Language, content: &Content) -> Result<Written, Fault> {
        let fill = |form: Form, more: Option<&str>| -> Result<String, Fault> {
            let mut values = self.values(form, name, language, content)?;
            if let Some(subject) = more {
                values.insert("subject".to_owned(), Value::from(subject));
            }
            let template = self.environment.get_template(&form.name(content.template(), language)).map_err(Fault::internal)?;
            template.render(values).map_err(Fault::internal)
        };
        let text = fill(Form::Text, None)?;
        let (subject, text) = text.split_once('\n').unwrap_or((text.as_str(), ""));
        let (subject, text) = (one_line(subject), tidy(text));
        let html = fill(Form::Html, Some(subject.as_str()))?;
        Ok(Written { subject, html, text })
    }

    /// A page of the development mailbox.
    pub(crate) fn page(&self, name: &str, values: &serde_json::Value) -> Result<String, Fault> {
        let template = self.environment.get_template(name).map_err(Fault::internal)?;
        template.render(minijinja::value::Serde(values)).map_err(Fault::internal)
    }

    /// What a template may put in: texts of people as one line each, instants and lengths of time in words.
    fn values(
        &self,
        form: Form,
        name: Option<&str>,
        language: Language,
        content: &Content,
    ) -> Result<BTreeMap<String, Value>, Fault> {
        let serde_json::Value::Object(members) = serde_json::to_value(content).map_err(Fault::internal)? else {
            return Err(Fault::internal("what a mail says is an object"));
        };
        let mut values: BTreeMap<String, Value> = BTreeMap::new();
        for (member, value) in members {
            let key = member.clone();
            match (key.as_str(), value) {
                ("template" | "link", _) => {}
                ("minutes", value) => {
                    values.insert("valid".to_owned(), Value::from(how_long(value.as_u64().unwrap_or_default(), language)));
                }
                ("at" | "until" | "deadline", serde_json::Value::String(text)) => {
                    let at = text.parse::<Timestamp>().map_err(Fault::internal)?;
                    values.insert(member, Value::from(when(at, language)));
                }
                // A word of the templates' own language.
                ("from", serde_json::Value::String(text)) => {
                    values.insert("place".to_owned(), Value::from(one_line(&text)));
                }
                (_, serde_json::Value::String(text)) => {
                    values.insert(member, Value::from(one_line(&text)));
                }
                (_, serde_json::Value::Number(number)) => {
                    values.insert(member, Value::from(number.as_u64().unwrap_or_default()));
                }
                (_, serde_json::Value::Bool(is)) => {
                    values.insert(member, Value::from(is));
                }
                _ => {}
            }
        }
        if let Some(link) = content.link() {
            values.insert("link".to_owned(), self.address(form, link));
        }
        if let Some(name) = name {
            values.insert("name".to_owned(), Value::from(name));
        }
        values.insert("language".to_owned(), Value::from(language.name()));
        values.insert("layout".to_owned(), Value::from(form.layout()));
        values.insert("home".to_owned(), Value::from(self.public_url.as_str()));
        Ok(values)
    }

    /// Where a link leads. In HTML it is escaped here, and not as a text is, whose slashes would be, too.
    fn address(&self, form: Form, link: &Link) -> Value {
        let address = link.below(&self.public_url);
        match form {
            Form::Text => Value::from(address),
            Form::Html => {
                let escaped = address.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
                Value::from_safe_string(escaped.replace('\'', "&#39;"))
            }
        }
    }
}

/// Without blanks at the ends of lines, and with one empty line where several are.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut empty = true;
    for line in text.trim().lines() {
        // What stands before a signature, with its blank.
        let line = if line == "-- " { line } else { line.trim_end() };
        if line.is_empty() && empty {
            continue;
        }
        empty = line.is_empty();
        tidy.push_str(line);
        tidy.push('\n');
    }
    tidy
}

/// The host of a URL, as a domain that may stand in a `Message-ID`.
fn domain_of(public_url: &str) -> String {
    let uri = public_url.parse::<Uri>().ok();
    let host = uri.as_ref().and_then(Uri::host).filter(|host| !host.contains([':', '[']));
    host.unwrap_or("localhost").to_ascii_lowercase()
}

/// An address with its domain as it travels, so that a server need not know other letters than those of ASCII unless the name before the @ has some.
fn travelling(address: &str) -> String {
    let travelling = |(local, domain): (&str, &str)| Some(format!("{local}@{}", idna::domain_to_ascii(domain).ok()?));
    address.rsplit_once('@').and_then(travelling).unwrap_or_else(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use mail_api::Template;

    use super::*;
    use crate::samples::sample;

    fn composer() -> Composer {
        let sender = Sender { from: Recipient::at("no-reply@build14.example").named("14Build"), reply_to: None };
        Composer::new("https://app.build14.example/", sender).expect("the templates are sound")
    }

    fn written(language: Language, content: &Content) -> Written {
        composer().written(Some("Ada"), language, content).unwrap_or_else(|fault| panic!("{fault}"))
    }

    #[test]
    fn every_template_is_written_in_each_language_and_says_all_that_it_is_given() {
        for template in Template::ALL {
            let content = sample(*template);
            for language in Language::ALL {
                let Written { subject, html, text } = written(*language, &content);
                let place = format!("{template} {language}: {subject}\n{text}\n{html}");
                assert!(!subject.is_empty() && subject.chars().count() < 100, "{place}");
                assert!(html.starts_with("<!doctype html>") && html.contains(&format!("<html lang=\"{language}\">")), "{place}");
                let greeting = if *language == Language::German { "Guten Tag Ada," } else { "Hello Ada," };
                assert!(html.contains(greeting) && text.starts_with(greeting), "{place}");
                assert!(
                    !html.contains("{{") && !html.contains("{%") && !text.contains("{%") && !text.contains("\n\n\n"),
                    "{place}"
                );
                if let Some(link) = content.link() {
                    let link = link.below("https://app.build14.example");
                    assert!(text.contains(&format!("\n{link}\n")), "{place}");
                    assert_eq!(html.matches(&format!("href=\"{link}\"")).count(), 2, "{place}");
                }
                if let Content::VerifyAddress { code, .. }
                | Content::MagicLink { code, .. }
                | Content::ResetPassword { code: Some(code), .. } = &content
                {
                    assert!(html.contains(&format!(">{code}<")) && text.contains(&format!("    {code}\n")), "{place}");
                }
            }
        }
    }

    #[test]
    fn the_mail_of_a_registration_says_where_to_open_it() {
        for (language, where_to) in [
            (Language::English, "Open the link in the browser in which you are signed in"),
            (Language::German, "Öffnen Sie den Link in dem Browser, in dem Sie angemeldet sind"),
        ] {
            let Written { html, text, .. } = written(language, &sample(Template::VerifyAddress));
            assert!(html.contains(where_to) && text.contains(where_to), "{text}");
            let another = Content::VerifyAddress {
                link: Link::to("/auth/email"),
                code: "48291735".to_owned(),
                minutes: 10,
                ends_what_was_before: None,
            };
            let Written { html, text, .. } = written(language, &another);
            assert!(!html.contains(where_to) && !text.contains(where_to), "another address ends nothing: {text}");
        }
    }

    #[test]
    fn what_people_wrote_is_text_and_nothing_else() {
        let content = Content::MemberInvitation {
            inviter: "<script>alert(1)</script>".to_owned(),
            organization: "\"Stone\" & <b>Sons</b>\r\nBcc: eve@example.com".to_owned(),
            link: Link::to("/invitations").with("a", "1").with("b", "\"><script>"),
            until: Some(Timestamp::default()),
        };
        let Written { subject, html, text } = written(Language::English, &content);
        assert_eq!(subject, "<script>alert(1)</script> invites you to \"Stone\" & <b>Sons</b> Bcc: eve@example.com");
        assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
        assert!(html.contains("&quot;Stone&quot; &amp; &lt;b&gt;Sons"), "{html}");
        assert!(html.contains("href=\"https://app.build14.example/invitations?a=1&amp;b=%22%3E%3Cscript%3E\""), "{html}");
        assert!(text.contains("<script>alert(1)</script> would like"), "{text}");
        assert!(!text.contains("\nBcc:") && !text.contains("&amp;"), "{text}");
    }

    #[test]
    fn nobody_without_a_name_is_called_by_one() {
        let written = composer().written(None, Language::German, &sample(Template::MagicLink)).expect("it is written");
        assert!(written.text.starts_with("Guten Tag,\n"), "{}", written.text);
    }

    #[test]
    fn a_mail_is_from_the_servers_domain_and_to_an_address_that_travels() {
        let composer = composer();
        let (id, to) = (MailId::new(), Recipient::at("ada@Bücher.example").named("Ada\r\nX: y"));
        let envelope = Envelope { id, message_id: composer.message_id(id), to: &to, date: Timestamp::default() };
        let mail = composer.compose(envelope, Language::English, &sample(Template::Test)).expect("it is written");
        assert_eq!(mail.message_id.as_str(), format!("{id}@app.build14.example"));
        assert_eq!(mail.to.address, "ada@xn--bcher-kva.example");
        assert!(mail.text.starts_with("Hello Ada X: y,\n"), "{}", mail.text);
        for (url, domain) in [
            ("http://127.0.0.1:8080", "127.0.0.1"),
            ("http://[::1]:8080", "localhost"),
            ("https://API.example.com/v", "api.example.com"),
            ("", "localhost"),
        ] {
            assert_eq!(domain_of(url), domain, "{url}");
        }
    }
}

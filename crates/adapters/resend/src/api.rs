//! `POST /emails`.

use std::time::Duration;

use async_trait::async_trait;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use mail_api::{Accepted, MailTransport, OutgoingMail, Recipient, Refusal, one_line};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

/// As much of an answer as is read.
const LONGEST_ANSWER: usize = 64 << 10;

/// Settings of the adapter.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://api.resend.com`, or whoever speaks like it; plain http is allowed.
    pub api_base: String,
    /// `re_…`.
    pub api_key: SecretString,
    /// How long one request may take.
    pub timeout: Duration,
}

/// Why the settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the settings of Resend cannot be used: {0}")]
pub struct SettingsError(&'static str);

/// Resend.
pub struct Resend {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    emails: Uri,
    key: HeaderValue,
    timeout: Duration,
}

/// What Resend answers, of all that it may.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    /// Of a mail that it took.
    id: Option<String>,
    /// Of an error: which.
    name: Option<String>,
    /// Of an error: in words.
    message: Option<String>,
}

impl Resend {
    /// Connects with the first mail.
    ///
    /// # Errors
    /// If the address is no URL or the key cannot stand in a header.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let emails = format!("{}/emails", settings.api_base.trim_end_matches('/'));
        let emails = emails.parse::<Uri>().map_err(|_| SettingsError("the address is no URL"))?;
        let mut key = HeaderValue::from_str(&format!("Bearer {}", settings.api_key.expose_secret().trim()))
            .map_err(|_| SettingsError("the key cannot stand in a header"))?;
        key.set_sensitive(true);
        let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        // A connection that the other side closed meanwhile would lose a mail's answer; there are few mails.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Ok(Self { client, emails, key, timeout: settings.timeout })
    }

    fn request(&self, mail: &OutgoingMail) -> Result<Request<Full<Bytes>>, Refusal> {
        let mut body = json!({
            "from": shown(&mail.from), "to": [shown(&mail.to)], "subject": one_line(&mail.subject), "html": mail.html, "text": mail.text,
            "headers": {"Message-ID": format!("<{}>", mail.message_id.as_str()), "Auto-Submitted": "auto-generated"},
            // Comes back with what is told of the mail, also before we noted Resend's own id of it.
            "tags": [{"name": "mail", "value": mail.id}],
        });
        if let Some(reply_to) = &mail.reply_to {
            body["reply_to"] = json!(shown(reply_to));
        }
        Request::builder()
            .method(Method::POST)
            .uri(self.emails.clone())
            .header(AUTHORIZATION, self.key.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(USER_AGENT, HeaderValue::from_static(concat!("14Build/", env!("CARGO_PKG_VERSION"))))
            .header("Idempotency-Key", mail.id.to_string())
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| Refusal::ours(error.to_string()))
    }

    /// Sends a request and reads what matters of the answer.
    async fn ask(&self, request: Request<Full<Bytes>>) -> Result<(u16, Option<Duration>, Answer), Refusal> {
        let asked = async {
            let unanswered =
                |error: &dyn std::error::Error| Refusal::temporary(format!("Resend cannot be asked: {}", causes(error)));
            let response = self.client.request(request).await.map_err(|error| unanswered(&error))?;
            let status = response.status().as_u16();
            let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
            let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
            // What cannot be read says nothing: then the status alone counts.
            let answer = body.ok().and_then(|body| serde_json::from_slice(&body.to_bytes()).ok()).unwrap_or_default();
            Ok::<_, Refusal>((status, seconds.map(Duration::from_secs), answer))
        };
        tokio::time::timeout(self.timeout, asked)
            .await
            .unwrap_or_else(|_| Err(Refusal::temporary("Resend does not answer in time")))
    }
}

#[async_trait]
impl MailTransport for Resend {
    fn name(&self) -> &'static str {
        "resend"
    }

    async fn send(&self, mail: &OutgoingMail) -> Result<Accepted, Refusal> {
        uow::forbid_in_transaction("a call to Resend").map_err(|fault| Refusal::temporary(fault.to_string()))?;
        let (status, wait, answer) = self.ask(self.request(mail)?).await?;
        judged(status, wait, answer)
    }
}

/// What an answer means (resend.com/docs/api-reference/errors).
fn judged(status: u16, wait: Option<Duration>, answer: Answer) -> Result<Accepted, Refusal> {
    let Answer { id, name, message } = answer;
    let name = name.unwrap_or_default();
    let reason = format!("{status} {name}: {}", message.unwrap_or_else(|| "without a word".to_owned()));
    match (status, name.as_str()) {
        (200..=299, _) => Ok(Accepted { provider_id: id }),
        // Under this key it took the mail before, written a little otherwise: by a server of before, or from another sender. It does not go out
        // again.
        (409, "invalid_idempotent_request") => Ok(Accepted::default()),
        // No or a wrong key; a domain that is not verified; a sender that is none.
        (401 | 403, _) | (_, "invalid_from_address" | "invalid_api_key" | "missing_api_key" | "restricted_api_key") => {
            Err(Refusal::ours(reason))
        }
        (404 | 405, _) => Err(Refusal::ours(format!("{reason} (is mail.resend.api_base right?)"))),
        (408 | 409 | 425 | 429 | 500.., _) => Err(Refusal::Temporary { reason, retry_after: wait }),
        (400..=499, _) => Err(Refusal::permanent(reason)),
        _ => Err(Refusal::temporary(reason)),
    }
}

/// `Name <address>`, the name quoted.
fn shown(who: &Recipient) -> String {
    match who.shown_name() {
        Some(name) => format!("\"{}\" <{}>", name.replace('\\', "\\\\").replace('"', "\\\""), who.address),
        None => who.address.clone(),
    }
}

/// An error with its causes: by itself it says only that there was one.
fn causes(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        told = format!("{told}: {cause}");
        next = cause.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted() {
        assert_eq!(shown(&Recipient::at("a@b.c").named("Stone \"& Sons\" \\\r\nx")), r#""Stone \"& Sons\" \\ x" <a@b.c>"#);
        assert_eq!(shown(&Recipient::at("a@b.c")), "a@b.c");
    }

    #[test]
    fn an_answer_says_whether_trying_again_can_help() {
        let told = |status, name: &str| {
            let answer = Answer { id: None, name: Some(name.to_owned()), message: Some("words".to_owned()) };
            judged(status, Some(Duration::from_secs(7)), answer)
        };
        for (status, name) in
            [(401, "missing_api_key"), (403, "validation_error"), (422, "invalid_from_address"), (404, "not_found")]
        {
            assert!(matches!(told(status, name), Err(Refusal::Ours { .. })), "{status} {name}");
        }
        for (status, name) in [(400, "validation_error"), (422, "invalid_parameter"), (451, "security_error")] {
            assert_eq!(told(status, name), Err(Refusal::permanent(format!("{status} {name}: words"))));
        }
        for (status, name) in [
            (409, "concurrent_idempotent_requests"),
            (429, "rate_limit_exceeded"),
            (429, "daily_quota_exceeded"),
            (500, "application_error"),
        ] {
            let wait = Some(Duration::from_secs(7));
            let reason = format!("{status} {name}: words");
            assert_eq!(told(status, name), Err(Refusal::Temporary { reason, retry_after: wait }));
        }
        assert_eq!(told(409, "invalid_idempotent_request"), Ok(Accepted::default()), "it took the mail before");
        assert!(matches!(judged(502, None, Answer::default()), Err(Refusal::Temporary { .. })));
        assert!(matches!(judged(302, None, Answer::default()), Err(Refusal::Temporary { .. })));
    }
}

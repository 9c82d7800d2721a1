//! `[mail]`

use std::net::IpAddr;
use std::time::Duration;

use mail_api::Recipient;
use module::Reader;
use secrecy::{ExposeSecret, SecretString};

use crate::compose::Sender;

kernel::named! {
    /// How mail leaves.
    pub enum TransportKind {
        /// It does not: it is kept in the data directory.
        Outbox = "outbox",
        /// By SMTP.
        Smtp = "smtp",
        /// By Resend's API.
        Resend = "resend",
    }

    /// How the way to an SMTP server is protected.
    pub enum Security {
        /// TLS from the first byte, usually on port 465.
        Tls = "tls",
        /// TLS before anything is said, usually on port 587: a server that does not offer it gets nothing.
        StartTls = "starttls",
        /// Not at all.
        None = "none",
    }
}

/// `[mail.smtp]`
#[derive(Debug, Clone)]
pub struct Smtp {
    /// Where the server is.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way there is protected.
    pub security: Security,
    /// As whom one signs in, if at all.
    pub user: Option<String>,
    /// With what.
    pub password: SecretString,
}

/// `[mail.resend]`
#[derive(Debug, Clone)]
pub struct Resend {
    /// Where the API is.
    pub api_base: String,
    /// `re_…`.
    pub api_key: SecretString,
    /// Signing secrets of the webhook endpoint, `whsec_…`.
    pub webhook_secrets: Vec<SecretString>,
}

/// Everything of this domain that an operator sets.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How mail leaves.
    pub transport: TransportKind,
    /// Who writes.
    pub sender: Sender,
    /// How long handing over one mail may take.
    pub timeout: Duration,
    /// The SMTP server.
    pub smtp: Smtp,
    /// The provider.
    pub resend: Resend,
    /// Whether this is a developer's server, which shows its mailbox.
    pub development: bool,
}

impl Settings {
    /// As configured, with every fault.
    pub fn read(r: &mut Reader) -> Self {
        let transport = one_of(r, "mail.transport", TransportKind::Outbox, "outbox, smtp or resend");
        let from = Recipient::at(address(r, "mail.from")).named(r.text("mail.from_name"));
        let reply_to = r.given("mail.reply_to").then(|| Recipient::at(address(r, "mail.reply_to")));
        let settings = Self {
            transport,
            sender: Sender { from, reply_to },
            timeout: r.duration_within("mail.timeout", "1s", "5m"),
            smtp: Smtp {
                host: r.text("mail.smtp.host").trim().to_owned(),
                port: r.number("mail.smtp.port", "587"),
                security: one_of(r, "mail.smtp.security", Security::StartTls, "tls, starttls or none"),
                user: r.given("mail.smtp.user").then(|| r.text("mail.smtp.user")),
                password: r.secret("mail.smtp.password"),
            },
            resend: Resend {
                api_base: r.text("mail.resend.api_base").trim_end_matches('/').to_owned(),
                api_key: r.secret("mail.resend.api_key"),
                webhook_secrets: r.list("mail.resend.webhook_secret").into_iter().map(SecretString::from).collect(),
            },
            development: !r.production(),
        };
        // Read whatever the transport, so that a text that is neither is told.
        let allow_plain = r.flag("mail.smtp.allow_plain");
        r.flag("mail.allow_outbox");
        match transport {
            TransportKind::Outbox => {}
            TransportKind::Smtp => check_smtp(r, &settings.smtp, allow_plain),
            TransportKind::Resend => check_resend(r, &settings.resend),
        }
        if transport != TransportKind::Outbox && r.production() && settings.sender.from.address.ends_with(".localhost") {
            r.fault("mail.from", "must be an address of a domain that the mail server or provider sends for");
        }
        if !settings.resend.webhook_secrets.iter().all(|secret| is_signing_secret(secret.expose_secret())) {
            r.fault("mail.resend.webhook_secret", "is no signing secret of Resend (whsec_…): copy it from the webhook's page");
        }
        settings
    }
}

/// What a key names; `right` says what would be right.
fn one_of<T: kernel::Named>(r: &mut Reader, key: &str, otherwise: T, right: &str) -> T {
    let text = r.text(key);
    kernel::one_named(&text).unwrap_or_else(|| {
        r.fault(key, format!("{text:?} should be {right}"));
        otherwise
    })
}

/// The address that a key holds.
fn address(r: &mut Reader, key: &str) -> String {
    let text = r.text(key).trim().to_owned();
    let parts = text.split_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c);
    if parts.is_none() || text.contains(odd) || !text.is_ascii() {
        r.fault(key, format!("{text:?} should be an email address, such as no-reply@example.com, and nothing beside it"));
    }
    text
}

fn check_smtp(r: &mut Reader, smtp: &Smtp, allow_plain: bool) {
    if smtp.host.is_empty() || smtp.host.contains(|c: char| c.is_whitespace() || "/@".contains(c)) {
        r.fault("mail.smtp.host", "must be the name of an SMTP server, such as smtp.example.com");
    }
    if smtp.security == Security::None && !allow_plain && !is_here(&smtp.host) {
        r.fault(
            "mail.smtp.security",
            "must be tls or starttls for any host but this one: what mails say opens accounts. mail.smtp.allow_plain = true if the network \
             protects the way",
        );
    }
    if smtp.user.is_some() == smtp.password.expose_secret().is_empty() {
        r.fault("mail.smtp.password", "is given together with mail.smtp.user, or neither is");
    }
}

fn check_resend(r: &mut Reader, resend: &Resend) {
    if resend.api_key.expose_secret().trim().is_empty() {
        r.fault("mail.resend.api_key", "must be given: mail.transport is resend");
    } else if !resend.api_key.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
        r.fault("mail.resend.api_key", "is no key of Resend (re_…): copy it whole");
    }
    let rest = |scheme: &str| resend.api_base.strip_prefix(scheme).map(|rest| rest.split(['/', ':']).next().unwrap_or_default());
    match (rest("https://"), rest("http://")) {
        (Some(host), _) if !host.is_empty() && !resend.api_base.contains(['@', '?', '#']) => {}
        (None, Some(host)) if is_here(host) => {}
        _ => r.fault("mail.resend.api_base", "should be a URL that begins with https://, like https://api.resend.com"),
    }
}

/// Whether a host is this machine.
fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Of a good length; which bytes it stands for is the adapter's to read.
fn is_signing_secret(secret: &str) -> bool {
    secret.strip_prefix("whsec_").is_some_and(|rest| rest.len() >= 16)
}

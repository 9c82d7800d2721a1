//! How mail leaves this process: the transport that the settings name, and what stands around it.

use std::sync::Arc;

use kernel::Clock;
use mail::{Composer, MailSecret, Settings as MailSettings, TransportKind};
use mail_api::{MailReports, MailTransport, Mailbox};
use secrecy::ExposeSecret;
use uow::SystemUow;

use super::keys;
use crate::config::Settings;

/// Where mail that does not leave is kept, in the data directory.
const OUTBOX: &str = "outbox";

/// What all services of mail in a process share.
pub(crate) struct Post {
    transport: Arc<dyn MailTransport>,
    mailbox: Option<Arc<dyn Mailbox>>,
    reports: Option<Arc<dyn MailReports>>,
    public_url: String,
    settings: MailSettings,
    clock: Arc<dyn Clock>,
}

impl Post {
    /// As the settings say; links lead below `public_url`.
    ///
    /// # Errors
    /// If a setting cannot be used.
    pub(crate) fn new(settings: &Settings, public_url: &str, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let of_mail = MailSettings::read(&mut settings.reader());
        let outbox = Arc::new(mail_smtp::Outbox::new(settings.data_dir.join(OUTBOX)));
        let transport: Arc<dyn MailTransport> = match of_mail.transport {
            TransportKind::Outbox => outbox.clone(),
            TransportKind::Smtp => Arc::new(mail_smtp::Smtp::new(&smtp(&of_mail, public_url)?)?),
            TransportKind::Resend => Arc::new(mail_resend::Resend::new(&mail_resend::Settings {
                api_base: of_mail.resend.api_base.clone(),
                api_key: of_mail.resend.api_key.clone(),
                timeout: of_mail.timeout,
            })?),
        };
        let mailbox = (of_mail.transport == TransportKind::Outbox).then_some(outbox as Arc<dyn Mailbox>);
        let secrets = &of_mail.resend.webhook_secrets;
        let reports = (!secrets.is_empty()).then(|| Arc::new(mail_resend::Webhooks::new(secrets)) as Arc<dyn MailReports>);
        Ok(Self { transport, mailbox, reports, public_url: public_url.to_owned(), settings: of_mail, clock })
    }

    /// How mail leaves.
    pub(crate) fn transport(&self) -> &dyn MailTransport {
        &*self.transport
    }

    /// What writes mail.
    ///
    /// # Errors
    /// A mistake in a template of this program.
    pub(crate) fn composer(&self) -> anyhow::Result<Composer> {
        Ok(Composer::new(&self.public_url, self.settings.sender.clone())?)
    }

    /// The service over a door.
    ///
    /// # Errors
    /// As [`Post::composer`]; if the key that seals cannot be had.
    pub(crate) fn service(&self, settings: &Settings, system: SystemUow) -> anyhow::Result<mail::Service> {
        Ok(mail::Service::new(mail::Dependencies {
            system,
            transport: Arc::clone(&self.transport),
            reports: self.reports.clone(),
            languages: Arc::new(users::ChosenLanguages),
            mailbox: self.mailbox.clone(),
            composer: self.composer()?,
            secret: secret(settings)?,
            clock: Arc::clone(&self.clock),
            development: self.settings.development,
        }))
    }
}

/// What seals mail, with what sealed it before.
fn secret(settings: &Settings) -> anyhow::Result<MailSecret> {
    let mut secret = MailSecret::derived(keys::seal_secret(settings)?.expose_secret().trim().as_bytes());
    for previous in keys::previous_seal_secrets(settings)? {
        secret = secret.with_previous(previous.expose_secret().trim().as_bytes());
    }
    Ok(secret)
}

/// The SMTP server, greeted by the domain that this server bears.
fn smtp(settings: &MailSettings, public_url: &str) -> anyhow::Result<mail_smtp::Settings> {
    let mail::Smtp { host, port, security, user, password } = settings.smtp.clone();
    let hello = Composer::new(public_url, settings.sender.clone())?.domain().to_owned();
    let protection = match security {
        mail::Security::Tls => mail_smtp::Protection::Tls,
        mail::Security::StartTls => mail_smtp::Protection::StartTls,
        mail::Security::None => mail_smtp::Protection::None,
    };
    let credentials = user.map(|user| (user, password));
    Ok(mail_smtp::Settings { host, port, protection, credentials, timeout: settings.timeout, hello })
}

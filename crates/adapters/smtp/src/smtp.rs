//! Mail by SMTP.

use std::time::Duration;

use async_trait::async_trait;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use mail_api::{Accepted, MailTransport, OutgoingMail, Refusal};
use secrecy::{ExposeSecret, SecretString};

use crate::message::message;

/// Connections at a time.
const CONNECTIONS: u32 = 4;

/// How long a connection that nobody uses is kept: servers close them after some minutes.
const IDLE: Duration = Duration::from_secs(60);

/// How the way to the server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// TLS from the first byte.
    Tls,
    /// TLS before anything is said; a server that does not offer it gets nothing.
    StartTls,
    /// Not at all.
    None,
}

/// Settings of the adapter.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the server is.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way there is protected.
    pub protection: Protection,
    /// As whom one signs in, and with what.
    pub credentials: Option<(String, SecretString)>,
    /// How long each step may take, and all of them.
    pub timeout: Duration,
    /// As what we introduce ourselves: a domain of ours.
    pub hello: String,
}

/// Why the settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the SMTP settings cannot be used: {0}")]
pub struct SettingsError(String);

/// An SMTP server.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    timeout: Duration,
}

impl Smtp {
    /// Connects with the first mail.
    ///
    /// # Errors
    /// If there is no TLS for a host of that name.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let parameters = || TlsParameters::new_rustls(settings.host.clone()).map_err(|error| SettingsError(error.to_string()));
        let tls = match settings.protection {
            Protection::Tls => Tls::Wrapper(parameters()?),
            Protection::StartTls => Tls::Required(parameters()?),
            Protection::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.as_str())
            .port(settings.port)
            .tls(tls)
            .timeout(Some(settings.timeout))
            .hello_name(ClientId::Domain(settings.hello.clone()))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS).idle_timeout(IDLE));
        if let Some((user, password)) = &settings.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        Ok(Self { transport: builder.build(), timeout: settings.timeout })
    }
}

#[async_trait]
impl MailTransport for Smtp {
    fn name(&self) -> &'static str {
        "smtp"
    }

    async fn send(&self, mail: &OutgoingMail) -> Result<Accepted, Refusal> {
        uow::forbid_in_transaction("sending mail").map_err(|fault| Refusal::temporary(fault.to_string()))?;
        let message = message(mail)?;
        match tokio::time::timeout(self.timeout, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(Accepted::default()),
            Ok(Err(error)) => Err(judged(&error)),
            Err(_) => Err(Refusal::temporary("the SMTP server does not answer in time")),
        }
    }
}

/// Whether the other side says that nobody has the address: enhanced codes of RFC 3463 and 7505, of the recipient and no other. A refusal without one may be
/// about what we send, or about us.
fn is_of_nobody(said: &str) -> bool {
    let code = said.split_whitespace().next().unwrap_or_default();
    ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"].contains(&code)
}

/// What a failure means. Codes of RFC 5321, 4954 and 3207; the rest is what lettre says itself.
fn judged(error: &lettre::transport::smtp::Error) -> Refusal {
    let said = std::error::Error::source(error).map_or_else(|| error.to_string(), |source| source.to_string());
    if let Some(code) = error.status() {
        let (code, reason) = (code.to_string(), format!("{code} {said}"));
        // It wants to know who we are, or does not believe it: whatever we send meets the same.
        let ours = ["454", "530", "534", "535", "538"].contains(&code.as_str());
        return match error.is_permanent() {
            _ if ours => Refusal::ours(reason),
            true if is_of_nobody(&said) => Refusal::no_mailbox(reason),
            true => Refusal::permanent(reason),
            false => Refusal::temporary(reason),
        };
    }
    if error.is_tls() {
        return Refusal::ours(format!("TLS: {said}"));
    }
    if error.is_client() {
        // Only one of these is about this mail: its address has letters beyond ASCII before the @, which the server does not take.
        let of_the_mail = said.contains("SMTPUTF8") || said.contains("8BITMIME");
        return if of_the_mail { Refusal::permanent(said) } else { Refusal::ours(said) };
    }
    Refusal::temporary(said)
}

#[cfg(test)]
mod tests {
    use super::is_of_nobody;

    #[test]
    fn that_nobody_has_an_address_is_said_by_its_code_alone() {
        for nobody in ["5.1.1 <ada@example.com>: no such user", "5.1.10 null MX", "5.2.1 disabled"] {
            assert!(is_of_nobody(nobody), "{nobody}");
        }
        for other in
            ["5.7.1 no such user here for you", "no such user 5.1.1", "5.1.8 your own address", "5.1.11 x", "4.1.1 later", ""]
        {
            assert!(!is_of_nobody(other), "{other}");
        }
    }
}

//! The ports through which a mail leaves, and through which one that did not is looked at.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{MailId, Recipient};

/// The `Message-ID` of a mail, without its brackets: the same at each try, so that whoever gets it twice sees that it is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(String);

impl MessageId {
    /// That of a mail from `domain`.
    #[must_use]
    pub fn of(mail: MailId, domain: &str) -> Self {
        Self(format!("{mail}@{domain}"))
    }

    /// One that a mail was given before, whatever the domain is now.
    #[must_use]
    pub fn kept(text: String) -> Self {
        Self(text)
    }

    /// Without brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A written mail, as it leaves.
#[derive(Clone, PartialEq)]
pub struct OutgoingMail {
    /// Its id; what is asked twice under it is to be done once, where the other side knows how.
    pub id: MailId,
    /// Its `Message-ID`.
    pub message_id: MessageId,
    /// Who writes.
    pub from: Recipient,
    /// Whom answers go to, if not there.
    pub reply_to: Option<Recipient>,
    /// Whom it is for.
    pub to: Recipient,
    /// When it was written.
    pub date: Timestamp,
    /// What it is about: one line.
    pub subject: String,
    /// For programs that show HTML.
    pub html: String,
    /// For the others.
    pub text: String,
}

/// Says nothing of what only the recipient may know.
impl fmt::Debug for OutgoingMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingMail").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The next one took the mail over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    /// What it calls the mail, if it calls it anything: by this it tells of it later.
    pub provider_id: Option<String>,
}

/// The next one did not take it. The words are for operators: adapters leave addresses out of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Asked again, it would refuse again.
    #[error("refused for good: {reason}")]
    Permanent {
        /// Why, in a few words.
        reason: String,
    },
    /// The address takes no mail, whatever it says: nobody has it.
    #[error("the address takes no mail: {reason}")]
    NoMailbox {
        /// Why, in a few words.
        reason: String,
    },
    /// It may take it later.
    #[error("refused for now: {reason}")]
    Temporary {
        /// Why, in a few words.
        reason: String,
        /// Not before, if the other side said so.
        retry_after: Option<Duration>,
    },
    /// It refuses whatever we send until an operator mends something: a key, a password, the sender's domain, a certificate.
    #[error("refused whatever it is: {reason}")]
    Ours {
        /// Why, in a few words.
        reason: String,
    },
}

impl Refusal {
    /// It would refuse again.
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self::Permanent { reason: reason.into() }
    }

    /// The address takes no mail.
    pub fn no_mailbox(reason: impl Into<String>) -> Self {
        Self::NoMailbox { reason: reason.into() }
    }

    /// It may take it later.
    pub fn temporary(reason: impl Into<String>) -> Self {
        Self::Temporary { reason: reason.into(), retry_after: None }
    }

    /// It refuses whatever we send.
    pub fn ours(reason: impl Into<String>) -> Self {
        Self::Ours { reason: reason.into() }
    }

    /// Why, in a few words.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Permanent { reason } | Self::NoMailbox { reason } | Self::Temporary { reason, .. } | Self::Ours { reason } => {
                reason
            }
        }
    }
}

/// How mail leaves: by SMTP, by a provider's API, or into a folder.
#[async_trait]
pub trait MailTransport: Send + Sync {
    /// What it is called: the name by which it is chosen in the settings.
    fn name(&self) -> &'static str;

    /// Hands a mail over. Never within a transaction.
    ///
    /// # Errors
    /// [`Refusal`]: whether trying again can help.
    async fn send(&self, mail: &OutgoingMail) -> Result<Accepted, Refusal>;
}

/// A mail that was kept instead of sent.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptMail {
    /// The mail.
    pub mail: OutgoingMail,
    /// How it would have travelled: headers and all.
    pub source: String,
}

/// Mail that was kept instead of sent, for development.
#[async_trait]
pub trait Mailbox: Send + Sync {
    /// The newest ones, the newest first.
    ///
    /// # Errors
    /// A fault of the disk.
    async fn newest(&self, most: usize) -> Result<Vec<OutgoingMail>, Fault>;

    /// One of them, if it is there.
    ///
    /// # Errors
    /// A fault of the disk.
    async fn one(&self, id: MailId) -> Result<Option<KeptMail>, Fault>;
}

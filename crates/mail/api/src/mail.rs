//! A mail to be written, and who sees that it is sent.

use std::fmt;

use async_trait::async_trait;
use kernel::Fault;
use uow::Tx;

use crate::{Content, Language, MailId};

/// Whom a mail is for.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The address, as `auth_api::email` has found it to be one.
    pub address: String,
    /// The person's name, if they have told one. Whatever it consists of, it is never more than a name in a header.
    pub name: Option<String>,
}

impl Recipient {
    /// Somebody of whom only the address is known.
    #[must_use]
    pub fn at(address: impl Into<String>) -> Self {
        Self { address: address.into(), name: None }
    }

    /// Called so.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// Addresses are personal: they do not belong into logs.
impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient(…)")
    }
}

/// A mail to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// The event that it tells of and to which side of it, such as `verify-address:<id of the challenge>`: of one key there is one mail, however
    /// often it is asked for. What is to be sent again on purpose has another key.
    pub key: String,
    /// Whom it is for.
    pub to: Recipient,
    /// In which language.
    pub language: Language,
    /// What it says.
    pub content: Content,
}

/// Sees that mail is sent.
#[async_trait]
pub trait Mails: Send + Sync {
    /// Leaves a mail behind, sent after the commit of `tx`, and never if that is rolled back. For a tenant's transaction and for the platform's. Of the
    /// same [`Mail::key`] the first one counts: asked for again, it is neither changed nor sent again, and its id is the answer.
    ///
    /// What it says is kept sealed until it is sent, and then not at all: links and codes are secrets that the database must not read.
    ///
    /// # Errors
    /// A fault of the database. That the mail cannot be delivered is none: nobody waits for that.
    async fn send_in(&self, tx: &mut Tx, mail: Mail) -> Result<MailId, Fault>;
}

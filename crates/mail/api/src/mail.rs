//! A mail to be written, and who sees that it is sent.

use std::fmt;

use async_trait::async_trait;
use kernel::Fault;
use kernel::text::is_hidden;
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

    /// The name as it may stand in a header: one line that somebody sees, and not a long one.
    #[must_use]
    pub fn shown_name(&self) -> Option<String> {
        self.name.as_deref().map(one_line).filter(|name| !name.is_empty())
    }
}

/// As many characters of a name or a subject as a header shows.
const LONGEST: usize = 150;

/// A text as it may stand in a header: what nobody sees, line breaks among it, is a blank.
#[must_use]
pub fn one_line(text: &str) -> String {
    let seen: String = text.chars().map(|c| if is_hidden(c) && !is_joiner(c) { ' ' } else { c }).collect();
    let line = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(LONGEST).collect()
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
    /// In which language, unless whoever has the address has chosen one ([`Languages`]).
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

/// Who has chosen a language to be written to in: a port that whoever knows people implements, joined in `bin/server`.
#[async_trait]
pub trait Languages: Send + Sync {
    /// The language that whoever has proven this address has chosen, if they have: in a transaction of the platform.
    ///
    /// # Errors
    /// A fault of the database.
    async fn chosen_in(&self, tx: &mut Tx, address: &str) -> Result<Option<Language>, Fault>;
}

/// Scripts such as Persian and Hindi need them within words.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_more_than_a_name_in_a_header() {
        let shown = |name: &str| Recipient::at("ada@example.com").named(name).shown_name();
        assert_eq!(shown("Ada\r\nBcc: eve@example.com").as_deref(), Some("Ada Bcc: eve@example.com"));
        assert_eq!(shown("\u{202e}Ada \t\0 Lovelace\u{200b} ").as_deref(), Some("Ada Lovelace"));
        assert_eq!(shown("Müller & Söhne \"GmbH\"").as_deref(), Some("Müller & Söhne \"GmbH\""));
        assert_eq!((shown("\n"), Recipient::at("ada@example.com").shown_name()), (None, None));
        assert_eq!(shown(&"ä".repeat(1000)).map(|name| name.chars().count()), Some(150));
    }
}

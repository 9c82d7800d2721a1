//! The port of what a provider tells by itself about a mail that it took.

use kernel::Timestamp;

use crate::MailId;

/// A delivery of the provider's, as it came.
#[derive(Debug, Clone, Copy)]
pub struct SignedReport<'a> {
    /// Its id.
    pub id: Option<&'a str>,
    /// When it was signed.
    pub timestamp: Option<&'a str>,
    /// Its signatures.
    pub signature: Option<&'a str>,
    /// What was signed, byte by byte.
    pub body: &'a [u8],
}

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailNews {
    /// It came back.
    Bounced {
        /// Whether the address takes no mail at all: nothing more is sent there.
        for_good: bool,
        /// Why, in the provider's words.
        reason: String,
    },
    /// Whoever got it said that it was unwanted: nothing more is sent there.
    Complained,
}

/// A mail and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailReport {
    /// The mail, if it said which of ours.
    pub mail: Option<MailId>,
    /// What the provider calls it.
    pub provider_id: String,
    /// What became of it.
    pub news: MailNews,
}

/// A delivery that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the report's signature does not hold: {0}")]
pub struct NotTheirs(pub &'static str);

/// The provider's deliveries. Implemented by its adapter, joined in `bin/server`.
pub trait MailReports: Send + Sync {
    /// Passes if the provider signed these bytes lately, and reads what they tell; `None` for what nothing follows from.
    ///
    /// # Errors
    /// [`NotTheirs`] if they are not the provider's, or no report.
    fn read(&self, report: &SignedReport<'_>, now: Timestamp) -> Result<Option<MailReport>, NotTheirs>;
}

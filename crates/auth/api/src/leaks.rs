//! API keys that somebody found where they should not be, and tells of.

use async_trait::async_trait;
use kernel::{Fault, RequestId};

kernel::named! {
    /// What a text is that was found: `true_positive`, a key of ours, or `false_positive`, nobody's.
    pub enum Label as "LeakLabel" {
        /// It was a key; if it worked, it does no more.
        TruePositive = "true_positive",
        /// It never was one.
        FalsePositive = "false_positive",
    }
}

/// A report as it comes, with what vouches for it.
#[derive(Debug, Clone, Copy)]
pub struct LeakReport<'a> {
    /// The request, for the trail.
    pub request: &'a RequestId,
    /// Which key of the reporter signed it.
    pub identifier: Option<&'a str>,
    /// The signature, in base 64.
    pub signature: Option<&'a str>,
    /// What was signed.
    pub body: &'a [u8],
}

/// What came of one text of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The text.
    pub token: String,
    /// What the reporter takes it for.
    pub taken_for: String,
    /// What it is.
    pub label: Label,
}

/// Why a report is not heard.
#[derive(Debug, thiserror::Error)]
pub enum Unheard {
    /// Nobody is listened to here.
    #[error("reports of leaked keys are not taken here")]
    Off,
    /// It is not from the reporter, or no report.
    #[error("{0}")]
    Refused(&'static str),
    /// Nobody's fault.
    #[error("{0}")]
    Fault(#[from] Fault),
}

/// With what the reporter signs: implemented over HTTP in the server.
#[async_trait]
pub trait ReporterKeys: Send + Sync {
    /// The public key of this name: an uncompressed point of P-256.
    ///
    /// # Errors
    /// A fault, if the reporter cannot be asked.
    async fn key(&self, identifier: &str) -> Result<Option<Vec<u8>>, Fault>;
}

/// Hears of leaked keys.
#[async_trait]
pub trait Leaks: Send + Sync {
    /// Revokes the keys that a report names, each with its entry in the trail and an alarm.
    ///
    /// # Errors
    /// [`Unheard`].
    async fn hear(&self, report: LeakReport<'_>) -> Result<Vec<Judged>, Unheard>;
}

//! A security event: where it comes from, and how it is kept.

use std::net::IpAddr;

use auth_api::SecurityEventKind;
use kernel::{RequestId, Timestamp, UserId};

/// Where a request comes from.
pub(crate) struct Origin<'a> {
    pub request: &'a RequestId,
    pub address: Option<IpAddr>,
}

/// A security event as the platform's people see it.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// What it was.
    pub kind: SecurityEventKind,
    /// When.
    pub at: Timestamp,
    /// Whose account it concerns; nobody's, if nobody has the email that was tried.
    pub user: Option<UserId>,
    /// The client's address.
    pub address: Option<String>,
    /// The request, as in the log.
    pub request: String,
}

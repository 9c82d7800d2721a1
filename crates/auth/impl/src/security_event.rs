//! A security event: where it comes from, and how it is kept.

use std::net::IpAddr;

use auth_api::SecurityEventKind;
use kernel::{OrgId, RequestId, Timestamp, UserId};

/// Where a request comes from.
pub(crate) struct Origin<'a> {
    pub request: &'a RequestId,
    pub address: Option<IpAddr>,
}

/// A limit of requests that was spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpentLimit {
    /// Without a session, by address.
    Address,
    /// A person's.
    Person(UserId),
    /// An organisation's.
    Organization(OrgId),
    /// Of sign-ins and registrations, by address.
    SignIns,
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
    /// Whose limit was spent, if it was an organisation's.
    pub organization: Option<OrgId>,
    /// The client's address.
    pub address: Option<String>,
    /// The request, as in the log.
    pub request: String,
}

impl StoredEvent {
    /// Whether it is about the address alone: nobody was signed in.
    #[must_use]
    pub fn is_of_an_address(&self) -> bool {
        matches!(self.kind, SecurityEventKind::AddressLimited | SecurityEventKind::SignInAddressLimited)
    }
}

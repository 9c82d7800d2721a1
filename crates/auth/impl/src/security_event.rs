//! A security event: where it comes from, and how it is kept.

use std::net::IpAddr;

use auth_api::SecurityEventKind;
use kernel::{OrgId, RequestId, Timestamp, UserId};

/// Where a request comes from.
pub(crate) struct Origin<'a> {
    pub request: &'a RequestId,
    pub address: Option<IpAddr>,
}

/// Whose account an event is about, and which organisation it concerns: one at most.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Whose {
    pub user: Option<UserId>,
    pub org: Option<OrgId>,
}

impl From<Option<UserId>> for Whose {
    fn from(user: Option<UserId>) -> Self {
        Self { user, org: None }
    }
}

impl From<UserId> for Whose {
    fn from(user: UserId) -> Self {
        Some(user).into()
    }
}

impl From<(UserId, OrgId)> for Whose {
    fn from((user, org): (UserId, OrgId)) -> Self {
        Self { user: Some(user), org: Some(org) }
    }
}

/// A limit of requests that was spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpentLimit {
    /// Without a session, by address.
    Address,
    /// A person's, by a request in this organisation.
    Person(UserId, OrgId),
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
    /// Whose it is, if it is an organisation's: its spent limit, or support.
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

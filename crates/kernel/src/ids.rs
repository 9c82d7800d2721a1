//! Identifiers: a newtype over UUIDv7 per kind of thing, so that a bid's id cannot stand where a tender's is meant.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id: UUIDv7, so that ids made later sort later.
            #[must_use]
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )*};
}

ids! {
    /// An organisation: the tenant.
    OrgId;
    /// A person.
    UserId;
    /// A signed-in session.
    SessionId;
    /// A project.
    ProjectId;
    /// A unit (house, apartment) of a project.
    UnitId;
    /// One version of a schedule of quantities.
    SoqId;
    /// A line of a schedule of quantities; the same line keeps its id through all versions.
    SoqLineId;
    /// A tender.
    TenderId;
    /// A contractor's bid on a tender.
    BidId;
    /// A contract.
    ContractId;
    /// A milestone of a contract.
    MilestoneId;
    /// The funding payment of a milestone; the `escrow` of the HTTP API.
    PaymentId;
    /// One release of held money to a contractor.
    ReleaseId;
    /// An entry of the audit trail.
    AuditId;
    /// A domain event on the outbox.
    EventId;
}

//! What others may subscribe to.

use kernel::{OrgId, UserId};
use serde::{Deserialize, Serialize};
use uow::DomainEvent;
use uuid::Uuid;

/// A person is no longer a member of an organisation: what they held in its projects is to be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRemoved {
    /// The organisation.
    pub org: OrgId,
    /// The person.
    pub user: UserId,
}

impl DomainEvent for MemberRemoved {
    const KIND: &'static str = "tenants.member_removed";

    fn aggregate(&self) -> Uuid {
        self.user.0
    }
}

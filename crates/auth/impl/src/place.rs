//! Where a person stands in an organisation.

use kernel::{OrgRole, ProjectRoles};

/// A membership, with the roles in teams of whom they add something: an owner of ten thousand projects has none to be looked up.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub role: OrgRole,
    pub projects: ProjectRoles,
}

//! Where a person stands in an organisation.

use auth_api::{FactorStanding, SessionRules};
use kernel::{OrgRole, ProjectRoles};

/// A membership, with the roles in teams of whom they add something: an owner of ten thousand projects has none to be looked up.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub role: OrgRole,
    pub projects: ProjectRoles,
    /// How long sessions live there.
    pub rules: SessionRules,
    /// How the person stands to second factors there.
    pub factor: FactorStanding,
}

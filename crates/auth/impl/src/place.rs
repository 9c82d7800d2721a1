//! Where a person stands in an organisation.

use auth_api::{FactorStanding, SessionRules};
use kernel::{AddedPermissions, OrgRole, ProjectRoles};

/// A membership, with the roles in teams and the custom ones of whom they add something: an owner of ten thousand projects has none to be
/// looked up.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub role: OrgRole,
    pub projects: ProjectRoles,
    /// What custom roles allow besides.
    pub added: AddedPermissions,
    /// How long sessions live there.
    pub rules: SessionRules,
    /// How the person stands to second factors there.
    pub factor: FactorStanding,
}

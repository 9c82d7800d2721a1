//! Where a person stands in an organisation.

use auth_api::{ConnectionId, FactorStanding, SessionRules};
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
    /// By which sessions the person comes in.
    pub door: Door,
}

/// By which sessions a person comes into an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Door {
    /// The connection whose sessions let them in, if one is on and they have an address of a proven domain.
    pub connection: Option<ConnectionId>,
    /// Whether its issuer's second factor counts.
    pub trusts_factor: bool,
    /// Whether no other session does.
    pub only: bool,
}

impl Place {
    /// How the person stands to second factors in a session by whose sign-in the issuer of the organisation asked for one, or did not.
    pub fn factor_of(&self, issuer_factor: bool) -> FactorStanding {
        FactorStanding { has: self.factor.has || (issuer_factor && self.door.trusts_factor), ..self.factor }
    }
}

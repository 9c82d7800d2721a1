//! `Guard`: who may call a route.

use std::fmt;

use kernel::Permission;

/// Who may call a route. It documents and drives the generated tests; the service itself checks the permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// Anybody, without signing in.
    Public,
    /// Anybody with a session.
    SignedIn,
    /// Who holds this permission in the organisation or in the project concerned.
    Permission(Permission),
    /// The parties of a two-party resource; the text tells which, such as "the tender's owner or an invited bidder".
    Party(&'static str),
}

impl Guard {
    /// Whether it is for natural persons alone: oneself, and what a permission allows that no API key is given.
    pub(super) fn wants_person(&self) -> bool {
        match self {
            Self::SignedIn => true,
            Self::Permission(permission) => auth_api::needs_person(*permission),
            Self::Public | Self::Party(_) => false,
        }
    }
}

impl From<Permission> for Guard {
    fn from(permission: Permission) -> Self {
        Self::Permission(permission)
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("public"),
            Self::SignedIn => f.write_str("signed-in"),
            Self::Permission(permission) => write!(f, "permission {permission}"),
            Self::Party(who) => write!(f, "party: {who}"),
        }
    }
}

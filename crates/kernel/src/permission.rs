//! Permissions and the roles that may hold them. Which role holds which is data: `config/authz/matrix.txt`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ProjectId;

/// The name of something that may be allowed, such as `tenders.award`. Constants of this type live in the api crates, as `perm::AWARD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Permission(pub &'static str);

impl Permission {
    /// The stable name, as audit entries and problem bodies show it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A person's role in an organisation (docs/domain/roles.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrgRole {
    /// Holds everything, among it the threshold and other owners.
    Owner,
    /// Runs the organisation day by day.
    Admin,
    /// Belongs to it; sees what its projects' teams let it see.
    Member,
}

/// A person's role in one project's team (docs/domain/roles.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectRole {
    /// Runs the project.
    ProjectOwner,
    /// Works on it: edits drafts, inspects work.
    InHouseUser,
}

impl OrgRole {
    /// Whether roles in projects' teams add anything to this one: owners and administrators hold in every project whatever a team's member may
    /// (a test of the policy sees to it), so nobody looks theirs up.
    #[must_use]
    pub const fn needs_teams(self) -> bool {
        matches!(self, Self::Member)
    }
}

macro_rules! role_names {
    ($role:ty { $($variant:ident = $name:literal),* }) => {
        impl $role {
            /// Every role, strongest first.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name, as the API, the database and the policy spell it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The role of that name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|role| role.name() == name)
            }
        }

        impl fmt::Display for $role {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

role_names!(OrgRole { Owner = "owner", Admin = "admin", Member = "member" });
role_names!(ProjectRole { ProjectOwner = "project_owner", InHouseUser = "in_house_user" });

/// Where a permission is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The organisation as a whole: the organisation role decides.
    Organization,
    /// One project: the organisation role or the role in that project's team may allow it.
    Project(ProjectId),
    /// Any project: allowed if the organisation role allows it or the role in at least one project does. For lists, which then show those projects only.
    AnyProject,
}

//! Permissions and the roles that may hold them (docs/domain/roles.md), the strongest first. Which role holds which is data: `config/authz/matrix.txt`.

use std::fmt;

use serde::Serialize;

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

crate::named! {
    /// A role in an organisation.
    pub enum OrgRole as "OrganizationRole" {
        /// Holds everything, among it the threshold and other owners.
        Owner = "owner",
        /// Runs the organisation day by day.
        Admin = "admin",
        /// Belongs to it; sees what its projects' teams let it see.
        Member = "member",
    }
    /// A role in a project's team.
    pub enum ProjectRole {
        /// Runs the project.
        ProjectOwner = "project_owner",
        /// Works on it: edits drafts, inspects work.
        InHouseUser = "in_house_user",
    }
}

impl OrgRole {
    /// Whether roles in projects' teams add anything to this one: owners and administrators hold in every project whatever a team's member may
    /// (a test of the policy sees to it), so nobody looks theirs up.
    #[must_use]
    pub const fn needs_teams(self) -> bool {
        matches!(self, Self::Member)
    }
}

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

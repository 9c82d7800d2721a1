//! Projects, units and schedules of quantities as other crates see them.

mod error;
mod ids;
mod precondition;
mod project;
mod soq;
mod unit;

use async_trait::async_trait;
use kernel::{Ctx, Currency, Money, OrgId, ProjectId, Timestamp};
use uow::Tx;

pub use error::Error;
pub use ids::{SoqId, UnitId};
pub use precondition::Precondition;
pub use project::{NewTeamMember, ProjectChange, ProjectDetails, Projects, TeamMember};
pub use soq::{LineDraft, LineKind, NewSoq, Soq, SoqChange, SoqFilter, SoqLine, SoqStatus, SoqSummary, Soqs};
pub use unit::{Floor, NewUnit, Unit, Units};

/// Permissions of this domain (docs/domain/roles.md).
pub mod perm {
    use kernel::Permission;
    /// Create a project.
    pub const CREATE: Permission = Permission("projects.create");
    /// See a project.
    pub const READ: Permission = Permission("projects.read");
    /// Change a project.
    pub const UPDATE: Permission = Permission("projects.update");
    /// Delete a project.
    pub const DELETE: Permission = Permission("projects.delete");
    /// See a project's team.
    pub const MEMBERS_READ: Permission = Permission("projects.members_read");
    /// Change a project's team.
    pub const MEMBERS_MANAGE: Permission = Permission("projects.members_manage");
    /// See units.
    pub const UNITS_READ: Permission = Permission("units.read");
    /// Add units.
    pub const UNITS_EDIT: Permission = Permission("units.edit");
    /// See a schedule of quantities.
    pub const SOQ_READ: Permission = Permission("soq.read");
    /// Write a schedule of quantities.
    pub const SOQ_EDIT: Permission = Permission("soq.edit");
    /// Freeze a schedule of quantities.
    pub const SOQ_FREEZE: Permission = Permission("soq.freeze");
    /// All of them.
    pub const ALL: &[Permission] =
        &[CREATE, READ, UPDATE, DELETE, MEMBERS_READ, MEMBERS_MANAGE, UNITS_READ, UNITS_EDIT, SOQ_READ, SOQ_EDIT, SOQ_FREEZE];
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// The organisation that owns it.
    pub org: OrgId,
    /// Who created it.
    pub owner: kernel::UserId,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// Where it is.
    pub address: Option<String>,
    /// Where it stands.
    pub status: ProjectStatus,
    /// The currency of everything in it.
    pub currency: Currency,
    /// What it may cost.
    pub budget: Option<Money>,
    /// First day.
    pub starts_on: Option<chrono::NaiveDate>,
    /// Last day.
    pub ends_on: Option<chrono::NaiveDate>,
    /// When a tender of it was first published; from then on it cannot be deleted.
    pub tendered_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

kernel::named! {
    /// Where a project stands.
    pub enum ProjectStatus {
        /// Being prepared.
        Planning = "planning",
        /// Under way: a tender was published.
        Active = "active",
        /// Done.
        Completed = "completed",
        /// Put away.
        Archived = "archived",
    }
}

/// What the domains above ask of projects, inside their own transactions.
#[async_trait]
pub trait ProjectsPort: Send + Sync {
    /// A project of the transaction's tenant.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn project_in(&self, tx: &mut Tx, org: OrgId, project: ProjectId) -> Result<Project, Error>;

    /// A schedule of quantities of the transaction's tenant, with its lines in order, locked against change until the commit.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn soq_in(&self, tx: &mut Tx, org: OrgId, soq: SoqId) -> Result<Soq, Error>;

    /// Notes that a tender of the project was published: it can no longer be deleted.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn mark_tendered_in(&self, tx: &mut Tx, ctx: &Ctx, project: ProjectId) -> Result<(), Error>;
}

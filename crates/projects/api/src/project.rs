//! The verbs on projects and their teams.

use async_trait::async_trait;
use chrono::NaiveDate;
use kernel::{Ctx, Currency, Money, Page, PageRequest, ProjectId, ProjectRole, Timestamp, UserId};

use crate::{Error, Precondition, Project, ProjectStatus};

/// What the people of a project decide about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectDetails {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// Where it is.
    pub address: Option<String>,
    /// The currency of everything in it.
    pub currency: Currency,
    /// What it may cost, in `currency`.
    pub budget: Option<Money>,
    /// First day.
    pub starts_on: Option<NaiveDate>,
    /// Last day.
    pub ends_on: Option<NaiveDate>,
}

/// A project's new details and, if it is to take a step, its new status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectChange {
    /// All details.
    pub details: ProjectDetails,
    /// The status it is to have; `None` leaves it.
    pub status: Option<ProjectStatus>,
}

/// A person in a project's team.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TeamMember {
    /// The project.
    pub project: ProjectId,
    /// The person.
    pub user: UserId,
    /// The role in the team.
    pub role: ProjectRole,
    /// Since when.
    pub created_at: Timestamp,
    /// When the role last changed.
    pub updated_at: Timestamp,
}

/// A person to join a project's team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewTeamMember {
    /// The person: a member of the organisation.
    pub user: UserId,
    /// The role in the team.
    pub role: ProjectRole,
}

/// The verbs on projects and their teams.
#[async_trait]
pub trait Projects: Send + Sync {
    /// Makes a project; the caller becomes its project owner.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    async fn create(&self, ctx: &Ctx, new: ProjectDetails) -> Result<Project, Error>;

    /// The projects that the caller may see, newest first: all for those who run the organisation, the teams' own for others.
    ///
    /// # Errors
    /// A fault.
    async fn list(&self, ctx: &Ctx, status: Option<ProjectStatus>, page: PageRequest) -> Result<Page<Project>, Error>;

    /// One project.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn get(&self, ctx: &Ctx, id: ProjectId) -> Result<Project, Error>;

    /// One project, for whoever may change it: what a patch is applied to.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Denied`] with the permission to change it, whatever else the caller lacks.
    async fn changeable(&self, ctx: &Ctx, id: ProjectId) -> Result<Project, Error>;

    /// Replaces a project's details.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Stale`], [`Error::Invalid`], [`Error::CurrencyFixed`], [`Error::State`].
    async fn update(
        &self,
        ctx: &Ctx,
        id: ProjectId,
        change: ProjectChange,
        unchanged: Option<Precondition<'_, Project>>,
    ) -> Result<Project, Error>;

    /// Deletes a project with its units, team, schedules and tenders in draft, as long as no tender of it was published.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Stale`], [`Error::AlreadyTendered`], [`Error::ProjectInUse`].
    async fn delete(&self, ctx: &Ctx, id: ProjectId, unchanged: Option<Precondition<'_, Project>>) -> Result<(), Error>;

    /// A project's team, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn members(&self, ctx: &Ctx, project: ProjectId, page: PageRequest) -> Result<Page<TeamMember>, Error>;

    /// Takes a member of the organisation into the team.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::AlreadyInTeam`]; [`Error::Invalid`] if the person is not a member of the organisation.
    async fn add_member(&self, ctx: &Ctx, project: ProjectId, new: NewTeamMember) -> Result<TeamMember, Error>;

    /// Gives a member of the team another role.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Stale`]; [`Error::LastProjectOwner`] if nobody would run the project.
    async fn set_member_role(
        &self,
        ctx: &Ctx,
        project: ProjectId,
        change: NewTeamMember,
        unchanged: Option<Precondition<'_, TeamMember>>,
    ) -> Result<TeamMember, Error>;

    /// Takes a person out of the team.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Stale`]; [`Error::LastProjectOwner`] if nobody would run the project.
    async fn remove_member(
        &self,
        ctx: &Ctx,
        project: ProjectId,
        user: UserId,
        unchanged: Option<Precondition<'_, TeamMember>>,
    ) -> Result<(), Error>;
}

//! The roles of an organisation: the built-in ones, and those that it makes for itself.

use async_trait::async_trait;
use kernel::{Ctx, OrgRole, ProjectId, ProjectRole, Timestamp, UserId};
use tenants_api::{CustomRole, CustomRoleDetails, CustomRoleId, GivenRole, NewCustomRole};

use crate::Error;

/// A custom role that a member has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRole {
    /// Since when, and by whom.
    pub given: GivenRole,
    /// Its slug.
    pub slug: String,
    /// What it is called.
    pub name: String,
}

/// What a member is in the organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRoles {
    /// The person.
    pub user: UserId,
    /// The built-in role.
    pub built_in: OrgRole,
    /// The custom roles beside it, by slug.
    pub custom: Vec<HeldRole>,
}

kernel::named! {
    /// What it is that lets somebody: `built_in`, a role that every organisation has; `custom`, one of the organisation's own; `team`, a role in the
    /// project's team.
    pub enum RuleKind as "PermissionRuleKind" {
        /// A role that every organisation has.
        BuiltIn = "built_in",
        /// One of the organisation's own.
        Custom = "custom",
        /// A role in the project's team.
        Team = "team",
    }
}

/// Something that lets somebody do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// A built-in role in the organisation.
    BuiltIn(OrgRole),
    /// A custom role.
    Custom(CustomRoleId, String),
    /// A role in the project's team.
    Team(ProjectRole),
}

impl Rule {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> RuleKind {
        match self {
            Self::BuiltIn(_) => RuleKind::BuiltIn,
            Self::Custom(..) => RuleKind::Custom,
            Self::Team(_) => RuleKind::Team,
        }
    }
}

/// Why somebody may do something, or may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Who.
    pub user: UserId,
    /// The permission that was asked for.
    pub permission: String,
    /// In which project; none: in the organisation as a whole.
    pub project: Option<ProjectId>,
    /// Those of their roles that let them. None: they may not.
    pub allowed_by: Vec<Rule>,
    /// Every rule that would let them, one of which is missing if they may not.
    pub rules: Vec<Rule>,
}

/// Which role shall hold what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolePreview {
    /// The role that is to be changed; none: one that is to be made.
    pub role: Option<CustomRoleId>,
    /// The names of the permissions that it shall hold.
    pub permissions: Vec<String>,
}

/// What would become of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberEffect {
    /// Who.
    pub user: UserId,
    /// What they are called.
    pub name: String,
    /// What they could do from then on in the whole organisation.
    pub gains: Vec<String>,
    /// What they could no more.
    pub loses: Vec<String>,
}

/// What would become of everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleEffect {
    /// What the role would hold that it does not.
    pub added: Vec<String>,
    /// And hold no more.
    pub taken: Vec<String>,
    /// How many members have it.
    pub holders: usize,
    /// For how many of them something changes.
    pub affected: usize,
    /// The first of these ([`RoleEffect::MOST_NAMED`]), in the order of their ids.
    pub members: Vec<MemberEffect>,
}

impl RoleEffect {
    /// So many members are named.
    pub const MOST_NAMED: usize = 200;
}

/// What there is to be allowed, and who holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CataloguedPermission {
    /// Its name.
    pub name: &'static str,
    /// What it allows, in words.
    pub description: &'static str,
    /// Whether only natural persons use it.
    pub persons_only: bool,
    /// Whether custom roles can hold it.
    pub custom_roles: bool,
    /// The built-in roles that hold it.
    pub roles: Vec<OrgRole>,
    /// The roles in a project's team that hold it there.
    pub team_roles: Vec<ProjectRole>,
}

/// The verbs of roles, and what is asked about them.
#[async_trait]
pub trait Roles: Send + Sync {
    /// The custom roles of the context's organisation, by slug.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn list(&self, ctx: &Ctx) -> Result<Vec<CustomRole>, Error>;

    /// One of them.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`].
    async fn get(&self, ctx: &Ctx, id: CustomRoleId) -> Result<CustomRole, Error>;

    /// One of them, for whoever may change it: what a patch is applied to.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`].
    async fn changeable(&self, ctx: &Ctx, id: CustomRoleId) -> Result<CustomRole, Error>;

    /// Makes one.
    ///
    /// # Errors
    /// [`Error::Denied`] also for a permission that the context's built-in role does not hold; [`Error::Invalid`], [`Error::RoleSlugTaken`],
    /// [`Error::TooManyRoles`].
    async fn create(&self, ctx: &Ctx, new: NewCustomRole) -> Result<CustomRole, Error>;

    /// Changes one that is still as it was at `seen` (its `updated_at`), for whoever has it, too.
    ///
    /// # Errors
    /// [`Error::Denied`] also for an added permission that the context's built-in role does not hold; [`Error::Invalid`], [`Error::NotFound`],
    /// [`Error::Stale`].
    async fn change(
        &self,
        ctx: &Ctx,
        id: CustomRoleId,
        details: CustomRoleDetails,
        seen: Option<Timestamp>,
    ) -> Result<CustomRole, Error>;

    /// Removes one that nobody has.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`], [`Error::RoleInUse`], [`Error::Stale`].
    async fn remove(&self, ctx: &Ctx, id: CustomRoleId, seen: Option<Timestamp>) -> Result<(), Error>;

    /// What a member is.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`].
    async fn of_member(&self, ctx: &Ctx, user: UserId) -> Result<MemberRoles, Error>;

    /// What a member is, for whoever may give them roles.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`].
    async fn changeable_of_member(&self, ctx: &Ctx, user: UserId) -> Result<MemberRoles, Error>;

    /// Gives a member these custom roles and no other, if what they have is still as `seen`. An owner gives them anew also where they are had.
    ///
    /// # Errors
    /// [`Error::Denied`] also for a role that holds what the context's built-in role does not; [`Error::Invalid`], [`Error::NotFound`],
    /// [`Error::Stale`], [`Error::EmailNotVerified`].
    async fn give(
        &self,
        ctx: &Ctx,
        user: UserId,
        roles: Vec<CustomRoleId>,
        seen: Option<MemberRoles>,
    ) -> Result<MemberRoles, Error>;

    /// Every permission that there is, by name.
    fn catalogue(&self, ctx: &Ctx) -> Vec<CataloguedPermission>;

    /// Why the context's person may do something, or may not; of another member with the permission to manage members.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`] of a member or project, [`Error::Invalid`] for an unknown permission.
    async fn explain(
        &self,
        ctx: &Ctx,
        permission: &str,
        project: Option<ProjectId>,
        user: Option<UserId>,
    ) -> Result<Explanation, Error>;

    /// Who would gain and lose what if a role held these permissions.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Invalid`], [`Error::NotFound`].
    async fn preview(&self, ctx: &Ctx, preview: RolePreview) -> Result<RoleEffect, Error>;
}

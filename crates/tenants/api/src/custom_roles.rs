//! Custom roles: named sets of permissions that an organisation gives its members beside the built-in role. Their verbs are in `users`, which knows
//! people; these keep their rows and what follows from them for approvals.

use async_trait::async_trait;
use kernel::{Ctx, Fault, OrgId, OrgRole, Timestamp, UserId};
use uow::{ReadTx, Tx};

use crate::Error;

kernel::ids! {
    /// A custom role of an organisation.
    CustomRoleId;
}

/// So many custom roles an organisation has at most.
pub const MOST_CUSTOM_ROLES: usize = 50;
/// And so many of them a member.
pub const MOST_ROLES_OF_A_MEMBER: usize = 20;

/// A named set of permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomRole {
    /// Its id.
    pub id: CustomRoleId,
    /// By what programs tell it; it never changes.
    pub slug: String,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The names of the permissions that it holds, sorted.
    pub permissions: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A role to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCustomRole {
    /// By what programs tell it.
    pub slug: String,
    /// What can be changed later.
    pub details: CustomRoleDetails,
}

/// Everything about a role that can be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomRoleDetails {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The names of the permissions that it holds.
    pub permissions: Vec<String>,
}

/// That a member has a custom role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenRole {
    /// Which one.
    pub role: CustomRoleId,
    /// Who gave it, if that is known.
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
}

/// The rows of custom roles. Whoever changes them has authorised it and locked the organisation, and records it; what members asked for as the first of
/// two persons by a permission that they lose is void.
#[async_trait]
pub trait CustomRoles: Send + Sync {
    /// Every role of the transaction's organisation, by slug.
    ///
    /// # Errors
    /// A fault.
    async fn list(&self, tx: &ReadTx<'_>, org: OrgId) -> Result<Vec<CustomRole>, Fault>;

    /// One of them.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn get(&self, tx: &ReadTx<'_>, org: OrgId, id: CustomRoleId) -> Result<CustomRole, Error>;

    /// Who has which role beside which built-in one, of the whole organisation, in the order of persons.
    ///
    /// # Errors
    /// A fault.
    async fn given(&self, tx: &ReadTx<'_>, org: OrgId) -> Result<Vec<(UserId, OrgRole, CustomRoleId)>, Fault>;

    /// The roles of a member.
    ///
    /// # Errors
    /// A fault.
    async fn of_member(&self, tx: &ReadTx<'_>, org: OrgId, user: UserId) -> Result<Vec<GivenRole>, Fault>;

    /// Every role, as of now.
    ///
    /// # Errors
    /// A fault.
    async fn list_in(&self, tx: &mut Tx, org: OrgId) -> Result<Vec<CustomRole>, Fault>;

    /// The roles of a member, as of now.
    ///
    /// # Errors
    /// A fault.
    async fn of_member_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<Vec<GivenRole>, Fault>;

    /// Makes a role.
    ///
    /// # Errors
    /// [`Error::RoleSlugTaken`].
    async fn insert_in(&self, tx: &mut Tx, org: OrgId, new: &NewCustomRole) -> Result<CustomRole, Error>;

    /// Changes a role that is as `before`: whoever has it gains and loses at once.
    ///
    /// # Errors
    /// A fault.
    async fn change_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        before: &CustomRole,
        after: &CustomRoleDetails,
    ) -> Result<CustomRole, Error>;

    /// Removes a role that nobody has.
    ///
    /// # Errors
    /// [`Error::RoleInUse`].
    async fn remove_in(&self, tx: &mut Tx, org: OrgId, id: CustomRoleId) -> Result<(), Error>;

    /// Gives a member `given` and takes `taken`; `confirmed`, which they have, are given anew by the transaction's person, which counts if that is an
    /// owner.
    ///
    /// # Errors
    /// A fault.
    async fn give_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId, change: &GivenChange<'_>) -> Result<(), Error>;
}

/// What of a member's custom roles changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenChange<'a> {
    /// Those that they did not have.
    pub given: Vec<CustomRoleId>,
    /// Those that they have no more.
    pub taken: Vec<&'a CustomRole>,
    /// Those that they have, given anew.
    pub confirmed: Vec<CustomRoleId>,
}

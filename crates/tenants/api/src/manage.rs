//! Managing organisations and who belongs to them: for the routes of `tenants` and `users`. Other domains ask [`crate::Tenants`].

use async_trait::async_trait;
use kernel::{Ctx, Fault, Money, OrgId, OrgRole, Page, PageRequest, Timestamp, UserId};
use uow::{ReadTx, Tx};

use crate::{Error, Member, OrgKind, Organization, SessionRules, Standing};

/// An organisation to be founded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrganization {
    /// Its name.
    pub name: String,
    /// What it does on the platform.
    pub kind: OrgKind,
}

/// Everything about an organisation that its people can change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationChange {
    /// Its name.
    pub name: String,
    /// What it does on the platform.
    pub kind: OrgKind,
    /// Its trades.
    pub categories: Vec<String>,
    /// At or above this amount, weighty verbs need a second person; `None`: never.
    pub approval_threshold: Option<Money>,
    /// IANA name of its time zone.
    pub timezone: String,
    /// How long its people's sessions live, and who needs a second factor.
    pub session_rules: SessionRules,
    /// Where its logo is: an `https` address.
    pub logo_url: Option<String>,
}

/// As what an organisation is known that has left the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remembered {
    /// As before: others have contracts with it.
    ByName,
    /// As one that left: nobody needs to know more.
    AsLeft,
}

/// Organisations and their settings.
#[async_trait]
pub trait Organizations: Send + Sync {
    /// Founds an organisation of which the context's person becomes the owner.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Denied`].
    async fn create(&self, ctx: &Ctx, new: NewOrganization) -> Result<Organization, Error>;

    /// The organisations of the context's person with the role in each, the newest membership first.
    ///
    /// # Errors
    /// A fault.
    async fn of_person(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<(Organization, OrgRole)>, Error>;

    /// The context's organisation.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn current(&self, ctx: &Ctx) -> Result<Organization, Error>;

    /// The context's organisation, for whoever may change it: what a patch is applied to.
    ///
    /// # Errors
    /// [`Error::Denied`] with the permission to change it, whatever else the caller lacks.
    async fn changeable(&self, ctx: &Ctx) -> Result<Organization, Error>;

    /// Changes the context's organisation, if it is still as it was at `seen` (its `updated_at`).
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Invalid`], [`Error::Denied`]: another threshold needs [`crate::perm::SET_THRESHOLD`].
    async fn update(&self, ctx: &Ctx, change: OrganizationChange, seen: Option<Timestamp>) -> Result<Organization, Error>;
}

/// Who belongs to which organisation. The callers authorise and record; these keep the rules of ownership.
#[async_trait]
pub trait Memberships: Send + Sync {
    /// Founds an organisation for a person, before there is a tenant: in a transaction of the platform.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    async fn found_in(&self, tx: &mut Tx, new: &NewOrganization, owner: UserId) -> Result<Organization, Error>;

    /// A person's memberships in organisations that are not suspended, the oldest first: in a transaction of the platform.
    ///
    /// # Errors
    /// A fault.
    async fn of_person(&self, tx: &ReadTx<'_>, user: UserId) -> Result<Vec<Member>, Fault>;

    /// A person's membership of one organisation, if there is one: in a transaction of the platform.
    ///
    /// # Errors
    /// A fault.
    async fn of_person_at(&self, tx: &ReadTx<'_>, user: UserId, org: OrgId) -> Result<Option<Member>, Fault>;

    /// The permissions of a person's custom roles in an organisation, by name: in a transaction of the platform.
    ///
    /// # Errors
    /// A fault.
    async fn added_permissions(&self, tx: &ReadTx<'_>, user: UserId, org: OrgId) -> Result<Vec<String>, Fault>;

    /// The slugs of a person's custom roles in an organisation, in their order: in a transaction of the platform.
    ///
    /// # Errors
    /// A fault.
    async fn custom_roles(&self, tx: &ReadTx<'_>, user: UserId, org: OrgId) -> Result<Vec<String>, Fault>;

    /// A person's memberships as they are now, in the order in which their organisations are to be locked: in a transaction of the platform.
    ///
    /// # Errors
    /// A fault.
    async fn of_person_in(&self, tx: &mut Tx, user: UserId) -> Result<Vec<Member>, Fault>;

    /// How long sessions live in an organisation, if any acts there: in a transaction of the platform.
    ///
    /// # Errors
    /// A fault.
    async fn standing(&self, tx: &ReadTx<'_>, org: OrgId) -> Result<Standing, Fault>;

    /// Suspends an organisation for a reason, or without one resumes it; `None` if it was so already: in a transaction of the platform.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn set_suspended_in(&self, tx: &mut Tx, org: OrgId, reason: Option<&str>) -> Result<Option<Organization>, Error>;

    /// The owners of an organisation: in a transaction of the platform, or of its own.
    ///
    /// # Errors
    /// A fault.
    async fn owners_in(&self, tx: &mut Tx, org: OrgId) -> Result<Vec<UserId>, Fault>;

    /// Every organisation that has rules of its own, with them: in a transaction of the platform.
    ///
    /// # Errors
    /// A fault.
    async fn all_session_rules(&self, tx: &ReadTx<'_>) -> Result<Vec<(OrgId, SessionRules)>, Fault>;

    /// The members of the transaction's organisation, newest first.
    ///
    /// # Errors
    /// A fault.
    async fn list(&self, tx: &ReadTx<'_>, org: OrgId, page: PageRequest) -> Result<Page<Member>, Fault>;

    /// One member of the transaction's organisation.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn member(&self, tx: &ReadTx<'_>, org: OrgId, user: UserId) -> Result<Member, Error>;

    /// The transaction's organisation.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn organization(&self, tx: &ReadTx<'_>, org: OrgId) -> Result<Organization, Error>;

    /// The transaction's organisation, its owners locked against change until the transaction ends.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn lock_organization_in(&self, tx: &mut Tx, org: OrgId) -> Result<Organization, Error>;

    /// One member, with the organisation's owners locked against change until the transaction ends.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn lock_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<Member, Error>;

    /// Makes a person, who asked for it, a member by the invitation of `invited_by`: in a transaction of the platform.
    ///
    /// # Errors
    /// [`Error::AlreadyMember`]; [`Error::NotFound`] if who invited may not invite any more, or the organisation is suspended; [`Error::NotLetIn`] if the
    /// organisation's directory has deactivated the person.
    async fn join_in(&self, tx: &mut Tx, org: OrgId, user: UserId, invited_by: UserId) -> Result<Member, Error>;

    /// Gives a member of the context's organisation another role, or an owner the same one anew, which confirms it; what they asked for as the first of two persons is void. Who
    /// is made a plain member loses their custom roles.
    ///
    /// # Errors
    /// [`Error::LastOwner`], [`Error::NotFound`].
    async fn set_role_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId, role: OrgRole) -> Result<Member, Error>;

    /// Makes a member of the context's organisation its owner, as the gift of the owner `from`, who is an administrator from then on; what either asked for
    /// as the first of two persons is void: in a transaction of the platform.
    ///
    /// # Errors
    /// [`Error::NotFound`] if `from` is no owner, or `to` no member.
    async fn hand_over_in(&self, tx: &mut Tx, ctx: &Ctx, from: UserId, to: UserId) -> Result<(), Error>;

    /// Removes a member of the context's organisation; what they asked for as the first of two persons is void.
    ///
    /// # Errors
    /// [`Error::LastOwner`], [`Error::NotFound`].
    async fn remove_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<(), Error>;

    /// Whether somebody else belongs to an organisation, which is locked: in a transaction of the platform.
    ///
    /// # Errors
    /// A fault.
    async fn has_others_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<bool, Fault>;

    /// Everybody who belongs to an organisation: in a transaction of the platform, which has locked it.
    ///
    /// # Errors
    /// A fault.
    async fn all_in(&self, tx: &mut Tx, org: OrgId) -> Result<Vec<Member>, Fault>;

    /// Takes a person out of the context's organisation, which is locked: in a transaction of the platform. Who was alone in it leaves it without members.
    /// What they asked for as the first of two persons is void.
    ///
    /// # Errors
    /// [`Error::LastOwner`] while others would be left without an owner.
    async fn leave_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<(), Error>;

    /// Takes everybody out of the context's organisation, which is locked: in a transaction of the platform. For one that leaves. What anybody asked for as the
    /// first of two persons is void.
    ///
    /// # Errors
    /// A fault.
    async fn disband_in(&self, tx: &mut Tx, ctx: &Ctx) -> Result<(), Fault>;

    /// Forgets what an organisation is, but for its id and, where that is remembered, its name: in a transaction of the platform, which has locked it.
    ///
    /// # Errors
    /// A fault.
    async fn forget_organization_in(&self, tx: &mut Tx, org: OrgId, remembered: Remembered) -> Result<(), Fault>;
}

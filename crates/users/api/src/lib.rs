//! People and their profile as other crates see them: oneself, and the members of an organisation.

mod domains;
mod error;
mod exports;
mod invitation_links;
mod leaving;
mod ownership;
mod roles;
mod staff;

use async_trait::async_trait;
use kernel::{Ctx, OrgRole, Page, PageRequest, Timestamp, UserId};
use mail_api::Language;
use tenants_api::Organization;
use uuid::Uuid;

pub use domains::{CHALLENGE_LABEL, OrganizationDomain, OrganizationDomains, TxtRecords};
pub use error::Error;
pub use exports::{Export, ExportState, Exported, Exports};
pub use invitation_links::{FreshInvitationLink, InvitationLink, InvitationLinks, NewInvitationLink};
pub use leaving::{Belongings, Departure, Leaving, LeavingOrganization, Obligations};
pub use ownership::{Ownership, OwnershipOffer};
pub use roles::{
    CataloguedPermission, Explanation, HeldRole, MemberEffect, MemberRoles, RoleEffect, RolePreview, Roles, Rule, RuleKind,
};
pub use staff::Staff;

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their email, as they wrote it.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Where a picture of them is.
    pub image: Option<String>,
    /// Whether they proved that the email is theirs.
    pub email_verified: bool,
    /// The language that they have chosen to be written to in.
    pub language: Option<Language>,
    /// Since when they are known.
    pub created_at: Timestamp,
    /// When their profile last changed.
    pub updated_at: Timestamp,
}

/// A person as a member of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberUser {
    /// The person.
    pub user: User,
    /// The role in the organisation.
    pub role: OrgRole,
    /// The organisation.
    pub organization: Organization,
}

/// What a person can change about themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileChange {
    /// Their name.
    pub name: String,
    /// Where a picture of them is: an `https` address.
    pub image: Option<String>,
    /// The language that they are written to in; `None`: what each request asks for.
    pub language: Option<Language>,
}

/// A person to be invited into the context's organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvitation {
    /// Their email.
    pub email: String,
    /// What the organisation calls them until they come.
    pub name: Option<String>,
    /// The role: nobody knows yet who comes, so it is given none but member's.
    pub role: OrgRole,
    /// In which language they are written to.
    pub language: Language,
}

/// An invitation that waits for whoever signs in with its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberInvitation {
    /// Its id.
    pub id: Uuid,
    /// The address.
    pub email: String,
    /// What the organisation calls the person.
    pub name: Option<String>,
    /// Who invited.
    pub invited_by: UserId,
    /// When.
    pub created_at: Timestamp,
}

/// An invitation as the invited person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnInvitation {
    /// Its id.
    pub id: Uuid,
    /// Into which organisation.
    pub organization: Organization,
    /// The name of who invited.
    pub invited_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// People.
#[async_trait]
pub trait Users: Send + Sync {
    /// The context's person in the context's organisation.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the membership is gone.
    async fn profile(&self, ctx: &Ctx) -> Result<MemberUser, Error>;

    /// Changes the context's person, if they are still as they were at `seen` (their `updated_at`).
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Invalid`].
    async fn update_profile(&self, ctx: &Ctx, change: ProfileChange, seen: Option<Timestamp>) -> Result<User, Error>;

    /// The members of the context's organisation, newest first.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn members(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<MemberUser>, Error>;

    /// One of them.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`].
    async fn member(&self, ctx: &Ctx, user: UserId) -> Result<MemberUser, Error>;

    /// One of them, for whoever may change their membership, which is also themself: what an `If-Match` is compared with.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Denied`], first of all with the permission to manage members.
    async fn changeable_member(&self, ctx: &Ctx, user: UserId) -> Result<MemberUser, Error>;

    /// Invites whoever signs in with an email and has proven it, and writes to them, if who invites has proven theirs. Nothing happens to anybody before
    /// they accept, and whether the email is known is not told.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::AlreadyMember`], [`Error::AlreadyInvited`], [`Error::Invalid`], also for a role above member.
    async fn invite(&self, ctx: &Ctx, new: NewInvitation) -> Result<MemberInvitation, Error>;

    /// The invitations of the context's organisation that nobody has answered yet, newest first.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn invitations(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<MemberInvitation>, Error>;

    /// One of them.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`].
    async fn invitation(&self, ctx: &Ctx, id: Uuid) -> Result<MemberInvitation, Error>;

    /// Mails one of them again, for whom it did not reach.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`] also once it was answered; [`Error::EmailNotVerified`]; [`Error::TooManyMails`],
    /// [`Error::MailedOften`].
    async fn resend_invitation(&self, ctx: &Ctx, id: Uuid, language: Language) -> Result<MemberInvitation, Error>;

    /// Takes one of them back.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`] also once it was answered.
    async fn withdraw_invitation(&self, ctx: &Ctx, id: Uuid) -> Result<(), Error>;

    /// The invitations that wait for the email of the context's person, newest first.
    ///
    /// # Errors
    /// [`Error::EmailNotVerified`].
    async fn own_invitations(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<OwnInvitation>, Error>;

    /// Makes the context's person a member of the organisation that invited their email. Once accepted it may be accepted again.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::AlreadyMember`], [`Error::EmailNotVerified`]; [`Error::NotLetIn`] if the organisation's directory has deactivated them.
    async fn accept_invitation(&self, ctx: &Ctx, id: Uuid) -> Result<MemberUser, Error>;

    /// Declines one.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::EmailNotVerified`].
    async fn decline_invitation(&self, ctx: &Ctx, id: Uuid) -> Result<(), Error>;

    /// Gives a member another role, if it still is `seen`.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`], [`Error::LastOwner`], [`Error::Stale`], [`Error::Invalid`] as for a new member.
    async fn set_role(&self, ctx: &Ctx, user: UserId, role: OrgRole, seen: Option<OrgRole>) -> Result<MemberUser, Error>;

    /// Ends the sessions of a member in the context's organisation at once; those in others go on.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`].
    async fn end_sessions(&self, ctx: &Ctx, user: UserId) -> Result<(), Error>;

    /// Removes a member (anybody may remove themselves), if the role still is `seen`; their sessions in the organisation end at once.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`], [`Error::LastOwner`], [`Error::Stale`].
    async fn remove_member(&self, ctx: &Ctx, user: UserId, seen: Option<OrgRole>) -> Result<(), Error>;
}

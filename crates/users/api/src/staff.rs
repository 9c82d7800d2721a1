//! What an organisation's directory has done about its members: for the domain that speaks with directories, which authorises and records its own part.

use async_trait::async_trait;
use kernel::{Ctx, Permission, UserId};
use mail_api::Language;
use uow::Tx;

use crate::Error;

/// Who is let into an organisation, without a person who decides each time. All of it runs in a transaction of the context's organisation, which
/// [`Staff::begin_in`] locks first.
#[async_trait]
pub trait Staff: Send + Sync {
    /// Locks the organisation; passes if the context's role is still the one that allowed `permission`.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn begin_in(&self, tx: &mut Tx, ctx: &Ctx, permission: Permission) -> Result<(), Error>;

    /// The member with this email, if there is one. Of those who are no members nothing is told.
    ///
    /// # Errors
    /// A fault.
    async fn member_by_email_in(&self, tx: &mut Tx, ctx: &Ctx, email: &str) -> Result<Option<UserId>, Error>;

    /// Whether a person is a member now.
    ///
    /// # Errors
    /// A fault.
    async fn is_member_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<bool, Error>;

    /// Invites whoever signs in with an email and has proven it, in the name of the context's person, and writes to them; nothing if an invitation
    /// waits for them already.
    ///
    /// # Errors
    /// [`Error::EmailNotVerified`], [`Error::Invalid`].
    async fn invite_in(&self, tx: &mut Tx, ctx: &Ctx, email: &str, name: Option<String>, language: Language)
    -> Result<(), Error>;

    /// Takes back what waits for an email, whoever gave it.
    ///
    /// # Errors
    /// A fault.
    async fn withdraw_in(&self, tx: &mut Tx, ctx: &Ctx, email: &str) -> Result<(), Error>;

    /// Ends a membership, if there is one: sessions in the organisation end at once, on every replica, keys as it decided, roles in teams are gone. Whoever
    /// comes back signs in anew. An owner's is ended in the name of an owner alone.
    ///
    /// # Errors
    /// [`Error::LastOwner`], [`Error::Denied`].
    async fn end_membership_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<(), Error>;

    /// Notes that a person is a member again, whom the database has just made one: what is cached of them is looked up anew.
    ///
    /// # Errors
    /// A fault.
    async fn came_back_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<(), Error>;
}

//! What an organisation's directory says of its people and their groups, as other crates see it.
//!
//! A directory is where an organisation keeps its people: Entra, Okta. It writes records here (SCIM, RFC 7643 and 7644). A record is the organisation's
//! word about somebody, and no account: who the person is, they say themself.

mod error;
mod filter;

use async_trait::async_trait;
use kernel::{Ctx, Timestamp};

pub use error::Error;
pub use filter::{Attribute, Comparison, Filter, Found, Operand, Query};

/// Permissions of this domain (docs/domain/directory.md).
pub mod perm {
    use kernel::Permission;
    /// Read and write what the directory says: who is let in and who is not, and groups. For the key of a directory.
    pub const MANAGE: Permission = Permission("directory.manage");
    /// All of them.
    pub const ALL: &[Permission] = &[MANAGE];
}

kernel::ids! {
    /// A user of a directory.
    DirectoryUserId;
    /// A group of a directory.
    DirectoryGroupId;
}

/// An address of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryEmail {
    /// The address.
    pub value: String,
    /// What it is for, such as `work`.
    pub kind: Option<String>,
    /// Whether it is the first of several.
    pub primary: Option<bool>,
}

/// What a directory says of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// By which name the directory knows them: one of its kind, whatever the capitals.
    pub user_name: String,
    /// The directory's own id.
    pub external_id: Option<String>,
    /// What they are called.
    pub display_name: Option<String>,
    /// Their whole name.
    pub formatted_name: Option<String>,
    /// Their family name.
    pub family_name: Option<String>,
    /// Their given name.
    pub given_name: Option<String>,
    /// In which languages they like to be written to, as in `Accept-Language`.
    pub preferred_language: Option<String>,
    /// Their addresses.
    pub emails: Vec<DirectoryEmail>,
    /// Whether the organisation lets them in.
    pub active: bool,
}

impl UserRecord {
    /// The address that is invited: the first one, else that for work, else any, else the name by which they are known if that is one.
    #[must_use]
    pub fn address(&self) -> &str {
        let of_kind = |email: &&DirectoryEmail| email.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("work"));
        let primary = self.emails.iter().find(|email| email.primary == Some(true));
        let email = primary.or_else(|| self.emails.iter().find(of_kind)).or_else(|| self.emails.first());
        email.map_or(&self.user_name, |email| &email.value)
    }

    /// What the organisation calls them.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let both = || match (&self.given_name, &self.family_name) {
            (Some(given), Some(family)) => Some(format!("{given} {family}")),
            (one, other) => one.clone().or_else(|| other.clone()),
        };
        let name = self.display_name.clone().or_else(|| self.formatted_name.clone()).or_else(both);
        name.filter(|name| name.chars().count() <= 200)
    }
}

/// A group that a user is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupOfUser {
    /// The group.
    pub id: DirectoryGroupId,
    /// What it is called.
    pub display_name: String,
}

/// A user of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryUser {
    /// Its id.
    pub id: DirectoryUserId,
    /// What the directory says.
    pub record: UserRecord,
    /// The groups that they are in.
    pub groups: Vec<GroupOfUser>,
    /// Since when it is there.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a directory says of a group: a named set, which gives nobody any right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRecord {
    /// What it is called: one of its kind, whatever the capitals.
    pub display_name: String,
    /// The directory's own id.
    pub external_id: Option<String>,
    /// Whom it names, each once: ids of users, those among them too that are not here (yet).
    pub members: Vec<String>,
}

/// A group of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryGroup {
    /// Its id.
    pub id: DirectoryGroupId,
    /// What the directory says. Its members are left out of a list that was asked for without.
    pub record: GroupRecord,
    /// Since when it is there.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What becomes of a record: it is given as it stands there, under its lock.
pub type Change<'a, R> = dyn Fn(&R) -> Result<R, Error> + Send + Sync + 'a;
/// Whether a thing is as its caller saw it.
pub type Unchanged<'a, T> = dyn Fn(&T) -> bool + Send + Sync + 'a;

/// The users of the context's organisation, as its directory keeps them.
#[async_trait]
pub trait DirectoryUsers: Send + Sync {
    /// Adds a user. Whoever is a member by the address is the one who is meant; anybody else is invited, which is the same whether they have an
    /// account or not.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotUnique`], [`Error::EmailNotVerified`].
    async fn create(&self, ctx: &Ctx, new: UserRecord) -> Result<DirectoryUser, Error>;

    /// One of them.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`].
    async fn get(&self, ctx: &Ctx, id: DirectoryUserId) -> Result<DirectoryUser, Error>;

    /// Some of them, the oldest first.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn list(&self, ctx: &Ctx, query: &Query) -> Result<Found<DirectoryUser>, Error>;

    /// Changes one, if it still is as its caller saw it. Who is not active is a member no more: their sessions in the organisation end at once, and
    /// their keys as it decided. Who is active again is a member again, as `member`.
    ///
    /// # Errors
    /// [`Error::Denied`], also where an owner is touched by who is none; [`Error::NotFound`], [`Error::Stale`], [`Error::LastOwner`],
    /// [`Error::NotUnique`], [`Error::EmailNotVerified`], and what `change` refuses.
    async fn change(
        &self,
        ctx: &Ctx,
        id: DirectoryUserId,
        change: &Change<'_, UserRecord>,
        unchanged: Option<&Unchanged<'_, DirectoryUser>>,
    ) -> Result<DirectoryUser, Error>;

    /// Forgets one, who is a member no more.
    ///
    /// # Errors
    /// As [`DirectoryUsers::change`].
    async fn remove(&self, ctx: &Ctx, id: DirectoryUserId, unchanged: Option<&Unchanged<'_, DirectoryUser>>)
    -> Result<(), Error>;
}

/// The groups of the context's organisation, as its directory keeps them.
#[async_trait]
pub trait DirectoryGroups: Send + Sync {
    /// Adds a group.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotUnique`].
    async fn create_group(&self, ctx: &Ctx, new: GroupRecord) -> Result<DirectoryGroup, Error>;

    /// One of them.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`].
    async fn group(&self, ctx: &Ctx, id: DirectoryGroupId) -> Result<DirectoryGroup, Error>;

    /// Some of them, the oldest first; fewer than asked for where they have very many members.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn groups(&self, ctx: &Ctx, query: &Query) -> Result<Found<DirectoryGroup>, Error>;

    /// Changes one, if it still is as its caller saw it.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`], [`Error::Stale`], [`Error::NotUnique`], and what `change` refuses.
    async fn change_group(
        &self,
        ctx: &Ctx,
        id: DirectoryGroupId,
        change: &Change<'_, GroupRecord>,
        unchanged: Option<&Unchanged<'_, DirectoryGroup>>,
    ) -> Result<DirectoryGroup, Error>;

    /// Forgets one.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`], [`Error::Stale`].
    async fn remove_group(
        &self,
        ctx: &Ctx,
        id: DirectoryGroupId,
        unchanged: Option<&Unchanged<'_, DirectoryGroup>>,
    ) -> Result<(), Error>;
}

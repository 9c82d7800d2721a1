//! API keys: with what a program signs in for an organisation.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{
    AddedPermissions, ApiKeyId, Ctx, KeyUse, OrgId, OrgRole, Page, PageRequest, ProjectRoles, RequestId, SessionId, Timestamp,
    UserId,
};
use mail_api::Language;
use secrecy::SecretString;

use crate::{Error, FactorStanding, Network};

/// With what every key begins, whatever follows: no token of a session does.
pub const KEY_PREFIX: &str = "b14_";

kernel::named! {
    /// What becomes of the API keys of somebody who leaves the organisation: `revoke`, or `keep` them with what an administrator may.
    pub enum Leavers as "ApiKeysOfLeavers" {
        /// They are revoked at once.
        Revoke = "revoke",
        /// They go on, with no more than an administrator of the organisation holds.
        Keep = "keep",
    }
    /// Why a key was revoked: a `person` did it, its creator has left (`leaver`), or it was found where it should not be (`leak`).
    pub enum Revoked as "ApiKeyRevocation" {
        /// Somebody who manages keys revoked it.
        Person = "person",
        /// Its creator left the organisation, which keeps no keys of leavers.
        Leaver = "leaver",
        /// It was found in public.
        Leak = "leak",
    }
}

/// A key as people see it. The key itself nobody has but its bearer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub org: OrgId,
    /// What it is for, in the words of who made it.
    pub name: String,
    /// Its first characters.
    pub shown: String,
    /// The names of the permissions that it was given.
    pub scopes: Vec<String>,
    /// From where it may be used; none: from everywhere.
    pub networks: Vec<Network>,
    /// Who made it: it may nothing that they may not.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// The key that took its place, and until when this one works beside it.
    pub replaced: Option<(ApiKeyId, Timestamp)>,
    /// When it was revoked, and why.
    pub revoked: Option<(Timestamp, Revoked)>,
    /// When it was last used, to a minute.
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Until when it works, unless it is revoked.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.replaced.map_or(self.expires_at, |(_, end)| end.min(self.expires_at))
    }
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// What it is for.
    pub name: String,
    /// The names of the permissions that it is given; its creator must hold each.
    pub scopes: Vec<String>,
    /// From where it may be used, in CIDR notation; none: from everywhere.
    pub networks: Vec<String>,
    /// When it ends; `None`: in a year.
    pub expires_at: Option<Timestamp>,
}

/// What of a key can be changed: what it may do cannot, another key is made for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyChange {
    /// What it is for.
    pub name: String,
    /// From where it may be used.
    pub networks: Vec<String>,
}

/// How a key is replaced by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// For how many hours the old one works beside the new.
    pub overlap_hours: u32,
    /// When the new one ends; `None`: in a year.
    pub expires_at: Option<Timestamp>,
}

impl Rotation {
    /// A week.
    pub const MOST_OVERLAP_HOURS: u32 = 168;
}

/// A fresh key: the only moment at which it is known.
#[derive(Debug)]
pub struct FreshKey {
    /// The key itself.
    pub secret: SecretString,
    /// What is kept of it.
    pub key: ApiKey,
}

/// A key that works, resolved: for whom it acts, and how far.
#[derive(Debug, Clone)]
pub struct LiveKey {
    /// The key, with its scopes.
    pub by: Arc<KeyUse>,
    /// Whose it is.
    pub org: OrgId,
    /// Who made it.
    pub creator: UserId,
    /// The creator's role now; of a leaver, whose key is kept, that of an administrator.
    pub role: OrgRole,
    /// The creator's roles in teams.
    pub projects: ProjectRoles,
    /// What the creator's custom roles allow besides.
    pub added: AddedPermissions,
    /// From where it may be used; none: from everywhere.
    pub networks: Vec<Network>,
    /// When it ends by itself.
    pub until: Timestamp,
    /// How its creator stands to second factors: what they are refused for want of one, their key is, too.
    pub factor: FactorStanding,
}

impl LiveKey {
    /// The context of a request by this key.
    #[must_use]
    pub fn ctx(&self, request: RequestId) -> Ctx {
        let ctx = Ctx::user(self.org, self.creator, self.role, Arc::clone(&self.projects), request);
        Ctx { added: self.added.clone(), key: Some(Arc::clone(&self.by)), missing: self.factor.missing(), ..ctx }
    }

    /// Whether it may be used from there. Of an address that is not known nobody can tell.
    #[must_use]
    pub fn lets_in(&self, from: Option<IpAddr>) -> bool {
        self.networks.is_empty() || from.is_some_and(|address| self.networks.iter().any(|network| network.contains(address)))
    }
}

/// The keys of the context's organisation. Whoever made one is told by mail what becomes of it, in `language` unless they have chosen another.
#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// Makes a key, in this session of the context's.
    ///
    /// # Errors
    /// [`Error::Denied`] also for a scope that the context does not hold in the organisation; [`Error::Invalid`], [`Error::TooManyKeys`];
    /// [`Error::NotAuthenticated`] if the session has ended meanwhile.
    async fn create(&self, ctx: &Ctx, session: SessionId, new: NewApiKey, language: Language) -> Result<FreshKey, Error>;

    /// All that there are and were, newest first.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn list(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<ApiKey>, Error>;

    /// One of them.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Denied`].
    async fn get(&self, ctx: &Ctx, id: ApiKeyId) -> Result<ApiKey, Error>;

    /// One of them, for whoever may change it: what a patch is applied to.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Denied`].
    async fn changeable(&self, ctx: &Ctx, id: ApiKeyId) -> Result<ApiKey, Error>;

    /// Changes one that is not revoked.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::State`], [`Error::Invalid`], [`Error::Denied`].
    async fn change(&self, ctx: &Ctx, id: ApiKeyId, change: ApiKeyChange, language: Language) -> Result<ApiKey, Error>;

    /// Makes another key of the same name, scopes and networks in the place of one that works. It is the context's person's, who must hold
    /// each scope.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::State`], [`Error::Invalid`], [`Error::Denied`], [`Error::TooManyKeys`]; [`Error::NotAuthenticated`] if the
    /// session has ended meanwhile.
    async fn rotate(
        &self,
        ctx: &Ctx,
        session: SessionId,
        id: ApiKeyId,
        how: Rotation,
        language: Language,
    ) -> Result<FreshKey, Error>;

    /// Ends a key at once, everywhere. One that is revoked already stays so.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Denied`].
    async fn revoke(&self, ctx: &Ctx, id: ApiKeyId, language: Language) -> Result<(), Error>;

    /// What becomes of the keys of leavers.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn leavers(&self, ctx: &Ctx) -> Result<Leavers, Error>;

    /// Decides what becomes of the keys of leavers: of those who have left, too.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn set_leavers(&self, ctx: &Ctx, leavers: Leavers) -> Result<(), Error>;
}

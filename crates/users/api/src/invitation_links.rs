//! Invitations by a link: whoever has it may join, as long as it counts.

use async_trait::async_trait;
use kernel::{Ctx, Page, PageRequest, Timestamp, UserId};
use mail_api::Language;
use secrecy::SecretString;
use tenants_api::Organization;
use uuid::Uuid;

use crate::{Error, MemberUser};

/// A link to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvitationLink {
    /// For whom it is, in the organisation's own words.
    pub label: Option<String>,
    /// Of which domains the addresses of those are who join by it; none: of whatever domain.
    pub domains: Vec<String>,
    /// How many may join by it.
    pub most_uses: u32,
    /// For how many days it counts.
    pub days: u32,
}

/// A link, as it is kept: what it holds is told once, when it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationLink {
    /// Its id.
    pub id: Uuid,
    /// For whom it is.
    pub label: Option<String>,
    /// Of which domains the addresses are of those who join by it; none: of whatever domain.
    pub domains: Vec<String>,
    /// How many may join by it.
    pub most_uses: u32,
    /// How many have.
    pub uses: u32,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Until when it counts.
    pub expires_at: Timestamp,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

impl InvitationLink {
    /// Whether it leads anywhere at `now`.
    #[must_use]
    pub fn counts(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.uses < self.most_uses && now < self.expires_at
    }
}

/// A link with what it holds: the only moment at which that is known.
#[derive(Debug)]
pub struct FreshInvitationLink {
    /// What it holds.
    pub token: SecretString,
    /// The link.
    pub link: InvitationLink,
}

/// Invitations by a link.
#[async_trait]
pub trait InvitationLinks: Send + Sync {
    /// Makes a link into the context's organisation, if who makes it has proven their own address.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Invalid`], [`Error::EmailNotVerified`], [`Error::TooManyLinks`].
    async fn make(&self, ctx: &Ctx, new: NewInvitationLink) -> Result<FreshInvitationLink, Error>;

    /// The links of the context's organisation, newest first, those that count no more too.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn links(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<InvitationLink>, Error>;

    /// One of them.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`].
    async fn link(&self, ctx: &Ctx, id: Uuid) -> Result<InvitationLink, Error>;

    /// Takes one back: nobody joins by it any more. Again it changes nothing.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`].
    async fn revoke_link(&self, ctx: &Ctx, id: Uuid) -> Result<(), Error>;

    /// Into which organisation a link leads, if it counts. It goes on to count.
    ///
    /// # Errors
    /// [`Error::LinkSpent`], whatever is wrong with it.
    async fn leads_to(&self, token: &str) -> Result<Organization, Error>;

    /// Makes the context's person, who has proven an address of the link's domains, a member of the organisation, and tells who made the link.
    ///
    /// # Errors
    /// [`Error::EmailNotVerified`], [`Error::LinkSpent`], [`Error::DomainNotAllowed`], [`Error::AlreadyMember`].
    async fn join_by_link(&self, ctx: &Ctx, token: &str, language: Language) -> Result<MemberUser, Error>;
}

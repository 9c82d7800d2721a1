//! Domains of an organisation, proven by what their owner publishes: whoever has an address there may join.

use async_trait::async_trait;
use kernel::{Ctx, Fault, OrgId, Page, PageRequest, Timestamp, UserId};
use tenants_api::Organization;
use uuid::Uuid;

use crate::{Error, MemberUser};

/// Below which name of a domain it is proven.
pub const CHALLENGE_LABEL: &str = "_14build-challenge";

/// What the domain name system says: a port, which an adapter speaks.
#[async_trait]
pub trait TxtRecords: Send + Sync {
    /// The texts that are published under a name; none, if there is no such name.
    ///
    /// # Errors
    /// A fault that is worth another try, if nobody can say.
    async fn texts(&self, name: &str) -> Result<Vec<String>, Fault>;
}

/// A domain that an organisation says is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationDomain {
    /// Its id.
    pub id: Uuid,
    /// The domain, as those of addresses are compared.
    pub domain: String,
    /// What has to be published.
    pub challenge: String,
    /// Who said so.
    pub claimed_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Since when it is proven; `None`: it is not.
    pub proven_at: Option<Timestamp>,
    /// When it was last looked at.
    pub looked_at: Option<Timestamp>,
    /// Since when what proved it is not published any more: until it is again, nobody joins by it.
    pub missing_since: Option<Timestamp>,
}

impl OrganizationDomain {
    /// Under which name it has to be published.
    #[must_use]
    pub fn record_name(&self) -> String {
        format!("{CHALLENGE_LABEL}.{}", self.domain)
    }
}

/// Domains, and joining by them.
#[async_trait]
pub trait OrganizationDomains: Send + Sync {
    /// Notes a domain that the context's organisation says is its own, with what has to be published to prove it.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Invalid`], also for one that everybody has addresses at; [`Error::DomainListed`], [`Error::TooManyDomains`].
    async fn claim(&self, ctx: &Ctx, domain: &str) -> Result<OrganizationDomain, Error>;

    /// The domains of the context's organisation, newest first.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn domains(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<OrganizationDomain>, Error>;

    /// One of them.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`].
    async fn domain(&self, ctx: &Ctx, id: Uuid) -> Result<OrganizationDomain, Error>;

    /// Looks whether it is proven by now.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`]; [`Error::DomainNotProven`]; [`Error::DomainTaken`] if another organisation has proven it; a fault if nobody
    /// can say.
    async fn verify_domain(&self, ctx: &Ctx, id: Uuid) -> Result<OrganizationDomain, Error>;

    /// Gives a domain up. Who joined by it stays.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`]; [`Error::DomainEnforced`] if it is proven, and the organisation enforces single sign-on.
    async fn give_up_domain(&self, ctx: &Ctx, id: Uuid) -> Result<(), Error>;

    /// The organisations that the context's person may join by the domain of their proven address.
    ///
    /// # Errors
    /// [`Error::EmailNotVerified`].
    async fn joinable(&self, ctx: &Ctx) -> Result<Vec<Organization>, Error>;

    /// Makes the context's person a member of such an organisation.
    ///
    /// # Errors
    /// [`Error::EmailNotVerified`], [`Error::AlreadyMember`], [`Error::NotFound`].
    async fn join_by_domain(&self, ctx: &Ctx, org: OrgId) -> Result<MemberUser, Error>;
}

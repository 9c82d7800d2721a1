//! Leaving the platform: an organisation, or a person with the account.

use async_trait::async_trait;
use kernel::{Ctx, Fault, OrgId, RequestId, Timestamp, UserId};
use mail_api::Language;
use tenants_api::Organization;
use uuid::Uuid;

use crate::Error;

/// What binds organisations to others, such as contracts in force: a port that domains above this one implement, each for its own part, joined in
/// `bin/server`.
#[async_trait]
pub trait Obligations: Send + Sync {
    /// What still binds the organisation of `ctx`, a context of the platform, in words that tell a person what to see to, with its id: a few of it if
    /// it is much, empty for nothing. Asked outside of any transaction.
    ///
    /// # Errors
    /// A fault.
    async fn of(&self, ctx: &Ctx) -> Result<Vec<String>, Fault>;

    /// Whether others have dealt with the organisation of `ctx`, a context of the platform, in a way that they must be able to prove, such as by a
    /// contract: they see its name when it is gone. Asked outside of any transaction. A domain of which nothing is to be proven says no.
    ///
    /// # Errors
    /// A fault.
    async fn are_remembered(&self, _ctx: &Ctx) -> Result<bool, Fault> {
        Ok(false)
    }
}

/// What an organisation has to itself, such as projects that were never tendered: a port as [`Obligations`].
#[async_trait]
pub trait Belongings: Send + Sync {
    /// Erases what of it belongs to the organisation of `ctx` alone, a context of the platform, and nothing that others take part in. Asked outside of
    /// any transaction, and again if it was interrupted.
    ///
    /// # Errors
    /// A fault.
    async fn erase(&self, ctx: &Ctx) -> Result<(), Fault>;
}

/// That somebody leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// Its id.
    pub id: Uuid,
    /// Who asked for it.
    pub asked_by: UserId,
    /// When.
    pub asked_at: Timestamp,
    /// Until when it can be taken back.
    pub leaves_at: Timestamp,
}

/// An organisation that leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeavingOrganization {
    /// Which.
    pub organization: Organization,
    /// When, and at whose word.
    pub departure: Departure,
}

/// Leaving the platform, and taking that back.
#[async_trait]
pub trait Leaving: Send + Sync {
    /// Has the context's organisation leave: its sessions, API keys and invitations end at once, and nobody acts in it any more. Its owners are told by
    /// mail, in this language. What is kept of it goes when the departure's time has come.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::OrganizationInUse`] while it has obligations.
    async fn leave_organization(&self, ctx: &Ctx, language: Language) -> Result<Departure, Error>;

    /// The organisations of the context's person that leave, of which they are an owner.
    ///
    /// # Errors
    /// A fault.
    async fn leaving_organizations(&self, ctx: &Ctx) -> Result<Vec<LeavingOrganization>, Error>;

    /// Keeps an organisation that leaves, of which the context's person is an owner, wherever they are signed in. What ended stays ended.
    ///
    /// # Errors
    /// [`Error::NotFound`] if none of theirs of this id leaves, or not any more.
    async fn restore_organization(&self, ctx: &Ctx, org: OrgId) -> Result<Organization, Error>;

    /// Has the context's person leave: sessions end at once, those organisations that others belong to are left at once, those that are theirs alone
    /// leave along, and nobody signs in to the account any more. They are told by mail, in this language, with a link that takes it back.
    ///
    /// # Errors
    /// [`Error::LastOwner`] while an organisation with other members would be left without an owner, [`Error::OrganizationInUse`] while
    /// one without other members still has obligations.
    async fn remove_account(&self, ctx: &Ctx, language: Language) -> Result<Departure, Error>;

    /// Whose account this link keeps, if it still does: their address. It goes on to count.
    ///
    /// # Errors
    /// A fault.
    async fn kept_by(&self, token: &str) -> Result<Option<String>, Error>;

    /// Keeps the account that this link is about, and the organisations that were leaving along. Nobody is signed in by it.
    ///
    /// # Errors
    /// [`Error::KeepsNothing`].
    async fn restore_account(&self, token: &str, request: &RequestId) -> Result<(), Error>;
}

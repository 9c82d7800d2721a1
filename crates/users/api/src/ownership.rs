//! An organisation passes from one owner to another: offered by the one, taken by the other.

use async_trait::async_trait;
use kernel::{Ctx, Page, PageRequest, Timestamp, UserId};
use mail_api::Language;
use uuid::Uuid;

use crate::{Error, MemberUser};

/// An offer that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnershipOffer {
    /// Its id.
    pub id: Uuid,
    /// The owner who offers.
    pub offered_by: UserId,
    /// The member who is asked.
    pub offered_to: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

/// The transfer of an organisation.
#[async_trait]
pub trait Ownership: Send + Sync {
    /// Offers the context's organisation, of which the context's person is an owner, to one of its members, and writes to them.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::EmailNotVerified`]; [`Error::NotFound`] if they are no member; [`Error::Invalid`] if their address is not proven;
    /// [`Error::AlreadyOwner`], [`Error::OwnershipOffered`].
    async fn offer_ownership(&self, ctx: &Ctx, to: UserId, language: Language) -> Result<OwnershipOffer, Error>;

    /// The offers of the context's organisation that wait for an answer.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn ownership_offers(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<OwnershipOffer>, Error>;

    /// Takes one back.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`] also once it was answered.
    async fn withdraw_ownership_offer(&self, ctx: &Ctx, id: Uuid) -> Result<(), Error>;

    /// Makes the context's person, to whom it was offered, an owner of the context's organisation, and who offered it an administrator. Both are told.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it waits for nobody, or for somebody else, or who offered it is no owner any more; [`Error::EmailNotVerified`].
    async fn accept_ownership(&self, ctx: &Ctx, id: Uuid, language: Language) -> Result<MemberUser, Error>;

    /// Declines one.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn decline_ownership(&self, ctx: &Ctx, id: Uuid) -> Result<(), Error>;
}

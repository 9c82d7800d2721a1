//! The verbs of this domain. Both parties of a contract may call them; each verb says whose it is.

use async_trait::async_trait;
use kernel::{Ctx, Money, Page, PageRequest, ProjectId};
use serde_json::Value;

use crate::{
    Approval, Contract, ContractId, Error, Funding, Milestone, MilestoneId, MilestoneStory, Onboarding, Payee, Payment,
    PaymentId, Releasing, Statement, Terminating,
};

/// A party signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// The contract.
    pub contract: ContractId,
    /// SHA-256 of the document that was read, hex.
    pub sha256: String,
}

/// A party wants a contract to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminate {
    /// The contract.
    pub contract: ContractId,
    /// Why; who agrees need not say.
    pub reason: Option<String>,
}

/// The contractor submits work.
#[derive(Debug, Clone, PartialEq)]
pub struct SubmitWork {
    /// The milestone.
    pub milestone: MilestoneId,
    /// Photos, measurements: texts or objects.
    pub evidence: Vec<Value>,
    /// A remark.
    pub note: Option<String>,
}

/// The owner asks for changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestChanges {
    /// The milestone.
    pub milestone: MilestoneId,
    /// What is to be changed.
    pub reason: String,
}

/// An amount as a client gives it: to be compared or capped, never trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestedAmount {
    /// With its currency.
    Money(Money),
    /// In the contract's currency.
    Decimal(rust_decimal::Decimal),
}

/// The owner approves work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approve {
    /// The milestone.
    pub milestone: MilestoneId,
    /// How much of what is held; all of it unless told otherwise.
    pub amount: Option<RequestedAmount>,
}

/// The owner funds a milestone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fund {
    /// The milestone.
    pub milestone: MilestoneId,
    /// Its project, if the client names it: must match.
    pub project: Option<ProjectId>,
    /// Its amount, if the client names it: must match.
    pub amount: Option<RequestedAmount>,
}

/// Contracts.
#[async_trait]
pub trait Contracts: Send + Sync {
    /// The contracts to which the context's organisation is a party, newest first.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn list(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<Contract>, Error>;

    /// One contract.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Denied`].
    async fn get(&self, ctx: &Ctx, id: ContractId) -> Result<Contract, Error>;

    /// The contract document, byte for byte what was hashed: canonical JSON.
    ///
    /// # Errors
    /// As [`Contracts::get`].
    async fn document(&self, ctx: &Ctx, id: ContractId) -> Result<String, Error>;

    /// Signs for the side that the context's organisation is. The second signature puts the contract into force, if the contractor
    /// can be paid. Signing twice as the same person changes nothing.
    ///
    /// # Errors
    /// [`Error::DocumentMismatch`], [`Error::PayeeNotActive`], [`Error::SamePerson`], [`Error::State`].
    async fn sign(&self, ctx: &Ctx, cmd: Sign) -> Result<Contract, Error>;

    /// Declares practical completion.
    ///
    /// # Errors
    /// [`Error::State`] while a milestone is not settled.
    async fn complete(&self, ctx: &Ctx, id: ContractId) -> Result<Contract, Error>;

    /// Proposes that the contract ends, or agrees to what the other party proposed: possible while nothing of its money is held or
    /// under way. What may still be paid is cancelled at the provider first. Asked again by the party that proposed, nothing changes.
    ///
    /// # Errors
    /// [`Error::MoneyHeld`], [`Error::SamePerson`], [`Error::State`], [`Error::Invalid`] without a reason.
    async fn terminate(&self, ctx: &Ctx, cmd: Terminate) -> Result<Terminating, Error>;

    /// Takes back the proposal of the context's organisation.
    ///
    /// # Errors
    /// [`Error::State`] if there is none.
    async fn withdraw_termination(&self, ctx: &Ctx, id: ContractId) -> Result<Contract, Error>;

    /// The contract's ledger.
    ///
    /// # Errors
    /// As [`Contracts::get`].
    async fn statement(&self, ctx: &Ctx, id: ContractId) -> Result<Statement, Error>;
}

/// Milestones.
#[async_trait]
pub trait Milestones: Send + Sync {
    /// One milestone with its story.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Denied`].
    async fn get(&self, ctx: &Ctx, id: MilestoneId) -> Result<MilestoneStory, Error>;

    /// The contractor submits work.
    ///
    /// # Errors
    /// [`Error::State`] unless it is funded.
    async fn submit(&self, ctx: &Ctx, cmd: SubmitWork) -> Result<Milestone, Error>;

    /// The owner asks for changes.
    ///
    /// # Errors
    /// [`Error::State`] unless it is in review.
    async fn request_changes(&self, ctx: &Ctx, cmd: RequestChanges) -> Result<Milestone, Error>;

    /// The owner approves and reserves the money; at or above the organisation's threshold a second person must agree.
    ///
    /// # Errors
    /// [`Error::State`], [`Error::SamePerson`] for someone of the payee's side, [`Error::Invalid`] for more than is held.
    async fn approve(&self, ctx: &Ctx, cmd: Approve) -> Result<Approval, Error>;
}

/// Protected payments.
#[async_trait]
pub trait Payments: Send + Sync {
    /// Starts the payment of a milestone, or takes up the one that was started and not paid.
    ///
    /// # Errors
    /// [`Error::State`], [`Error::Invalid`] if what is stated does not match, and the provider's refusals.
    async fn fund(&self, ctx: &Ctx, cmd: Fund) -> Result<Funding, Error>;

    /// The payments of the organisation's contracts, newest first.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn list(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<Payment>, Error>;

    /// One payment.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Denied`].
    async fn get(&self, ctx: &Ctx, id: PaymentId) -> Result<Payment, Error>;

    /// Sends an approved release on its way. Asked again, or by many at once, there is still one release.
    ///
    /// # Errors
    /// [`Error::State`] unless the milestone is approved.
    async fn release(&self, ctx: &Ctx, id: PaymentId) -> Result<Releasing, Error>;
}

/// Payee accounts.
#[async_trait]
pub trait Payees: Send + Sync {
    /// Sets up the organisation's account, once, and gives a fresh link to the provider's page.
    ///
    /// # Errors
    /// [`Error::Denied`], the provider's refusals.
    async fn onboard(&self, ctx: &Ctx) -> Result<Onboarding, Error>;

    /// The organisation's account as it is now.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn payee(&self, ctx: &Ctx) -> Result<Payee, Error>;
}

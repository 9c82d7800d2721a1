//! How an award becomes a contract.

use async_trait::async_trait;
use kernel::{BidId, Ctx, Currency, Money, OrgId, ProjectId, SoqLineId, TenderId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uow::{DomainEvent, Tx};
use uuid::Uuid;

use crate::{ContractId, Error, MilestoneBounds, MilestoneId, Party};

/// A line of the contract's schedule: the tender's quantity at the winning bid's rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewContractLine {
    /// The SOQ line it comes from.
    pub soq_line: SoqLineId,
    /// Its place, from 1.
    pub position: u32,
    /// Its number as written.
    pub code: String,
    /// What is to be done.
    pub description: String,
    /// `projects_api::LineKind` by name.
    pub kind: String,
    /// UNECE code; the unit as written where there is none for it.
    pub unit_code: Option<String>,
    /// Quantity, up to 4 decimals; none on headings and texts.
    pub quantity: Option<Decimal>,
    /// Rate, up to 4 decimals; none on headings and texts.
    pub rate: Option<Decimal>,
    /// Rounded amount; none on headings and texts.
    pub amount: Option<Money>,
    /// Whether the amount counts in the contract sum.
    pub counts: bool,
}

/// A payable part of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMilestone {
    /// Its title.
    pub title: String,
    /// Its share of the contract sum; all of them add up to it exactly.
    pub amount: Money,
    /// When it falls due.
    pub due_on: Option<chrono::NaiveDate>,
}

/// Everything the contract takes over from the tender and the winning bid (docs/domain/contracts.md).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewContract {
    /// The tender.
    pub tender: TenderId,
    /// The winning bid.
    pub bid: BidId,
    /// The project.
    pub project: ProjectId,
    /// The owner's side; the transaction's tenant.
    pub owner: OrgId,
    /// The contractor's side.
    pub contractor: OrgId,
    /// Its title.
    pub title: String,
    /// Σ of the counting lines.
    pub total: Money,
    /// The schedule.
    pub lines: Vec<NewContractLine>,
    /// The milestones, in order.
    pub milestones: Vec<NewMilestone>,
}

/// A contract that was opened: it waits for both signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenedContract {
    /// Its id.
    pub id: ContractId,
    /// SHA-256 of the contract document, hex: what both parties sign.
    pub document_sha256: String,
    /// Its milestones, in the order of [`NewContract::milestones`]; all `planned`.
    pub milestones: Vec<MilestoneId>,
}

/// The contract side of an award; implemented by escrow, called by tenders inside the award's transaction.
#[async_trait]
pub trait ContractsPort: Send + Sync {
    /// What a milestone of a contract opened now in this currency may be over.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the platform makes no contracts in it.
    fn milestone_bounds(&self, currency: Currency) -> Result<MilestoneBounds, Error>;

    /// Makes ready to open a contract. Goes before the transaction of [`ContractsPort::open_in`].
    ///
    /// # Errors
    /// A fault of the database.
    async fn ready(&self) -> Result<(), Error>;

    /// As docs/domain/contracts.md tells: copies schedule and milestones, checks both sums, and sends the contract out for signature.
    /// Rows only: nothing is said to Stripe. The caller has authorised its own verb, and [`ContractsPort::ready`] went before.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the sums do not agree.
    async fn open_in(&self, tx: &mut Tx, ctx: &Ctx, new: &NewContract) -> Result<OpenedContract, Error>;

    /// Cancels a contract that is still in signing: the award fell, or the tender is cancelled.
    ///
    /// # Errors
    /// [`Error::State`] once it is active.
    async fn cancel_in(&self, tx: &mut Tx, ctx: &Ctx, contract: ContractId, reason: &str) -> Result<(), Error>;

    /// Which parties have signed a contract so far.
    ///
    /// # Errors
    /// A fault.
    async fn signed_by_in(&self, tx: &mut Tx, contract: ContractId) -> Result<Vec<Party>, Error>;
}

/// Both parties signed. Tenders completes the tender on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractActivated {
    /// The contract.
    pub contract: ContractId,
    /// Its tender.
    pub tender: TenderId,
    /// The winning bid.
    pub bid: BidId,
}

impl DomainEvent for ContractActivated {
    const KIND: &'static str = "escrow.contract_activated";
    fn aggregate(&self) -> Uuid {
        self.contract.0
    }
}

/// Both parties agreed to end the contract before any of its money was held. Tenders frees the tender on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractEnded {
    /// The contract.
    pub contract: ContractId,
    /// Its tender.
    pub tender: TenderId,
    /// The winning bid.
    pub bid: BidId,
    /// Why.
    pub reason: String,
}

impl DomainEvent for ContractEnded {
    const KIND: &'static str = "escrow.contract_ended";
    fn aggregate(&self) -> Uuid {
        self.contract.0
    }
}

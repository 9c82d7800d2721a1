//! Tenders: their state, what they ask for, who is invited.

use chrono::NaiveDate;
use escrow_api::{ContractId, MilestoneId};
use kernel::{BidId, Currency, Money, OrgId, ProjectId, SoqLineId, TenderId, Timestamp, UserId};
use projects_api::{LineKind, SoqId, UnitId};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use crate::bid::Bid;

kernel::named! {
    /// Where a tender stands.
    pub enum TenderStatus {
        /// Being written; only the owner sees it.
        Draft = "draft",
        /// Takes bids until its deadline.
        Published = "published",
        /// The deadline has passed; bids are sealed until they are opened.
        Closed = "closed",
        /// Bids are open.
        Evaluation = "evaluation",
        /// Awarded, the contract is not active yet.
        Standstill = "standstill",
        /// The contract is active.
        Complete = "complete",
        /// Ended without an award.
        Unsuccessful = "unsuccessful",
        /// Ended by the owner.
        Cancelled = "cancelled",
    }
}

kernel::named! {
    /// Who may bid.
    pub enum ProcurementMethod {
        /// Any organisation.
        Open = "open",
        /// Invited organisations.
        Limited = "limited",
    }
}

/// A tender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tender {
    /// Its id.
    pub id: TenderId,
    /// The owner organisation.
    pub org: OrgId,
    /// Its project.
    pub project: ProjectId,
    /// The schedule of quantities to be priced.
    pub soq: SoqId,
    /// The version of the schedule that was published.
    pub soq_version: Option<u32>,
    /// Its title.
    pub title: String,
    /// What it is about.
    pub description: Option<String>,
    /// Who may bid.
    pub method: ProcurementMethod,
    /// Where it stands.
    pub status: TenderStatus,
    /// The project's currency.
    pub currency: Currency,
    /// Bids are taken before this instant of the database's clock.
    pub submission_deadline: Timestamp,
    /// In which time zone its days are reckoned: the owner's, as of publication, by its IANA name.
    pub time_zone: Option<String>,
    /// Questions are taken before this instant.
    pub questions_until: Option<Timestamp>,
    /// With fewer bids it is unsuccessful and they stay sealed.
    pub min_bids: u32,
    /// The tender that this one repeats.
    pub related: Option<TenderId>,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// When its bids were opened.
    pub opened_at: Option<Timestamp>,
    /// Merkle root of the sealed bids, fixed at closing.
    pub seal_root: Option<[u8; 32]>,
    /// Until when the award can be challenged.
    pub standstill_until: Option<Timestamp>,
    /// Why it was cancelled.
    pub cancel_reason: Option<String>,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed; bids do not change it.
    pub updated_at: Timestamp,
}

/// A line of the schedule of quantities as published: without the owner's estimates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TenderLine {
    /// The SOQ line.
    pub soq_line: SoqLineId,
    /// Its place, from 1.
    pub position: u32,
    /// Its number as written.
    pub code: String,
    /// What is to be done.
    pub description: String,
    /// What it is.
    pub kind: LineKind,
    /// UNECE code.
    pub unit_code: Option<String>,
    /// The unit as written.
    pub unit_text: Option<String>,
    /// Quantity, set on every payable line.
    pub quantity: Option<Decimal>,
    /// The rate of a provisional sum, which every bid carries unchanged.
    pub fixed_rate: Option<Decimal>,
    /// The unit (house, apartment) it belongs to.
    pub unit: Option<UnitId>,
}

/// An amount as the owner states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StatedAmount {
    /// In units of the currency.
    pub value: Decimal,
    /// Its currency, if it was said: the tender's.
    pub currency: Option<Currency>,
}

/// What a milestone is of the contract sum. All milestones of a tender are of one kind; the amounts of a contract's milestones always add up
/// to its sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// A percentage; all of them add up to 100 exactly.
    Percent(Decimal),
    /// An exact amount. All of them add up to the total of every bid, unless one milestone takes the rest.
    Amount(StatedAmount),
    /// What the amounts of the others leave: at most one, of the kind of the amounts.
    Remainder,
    /// A weight: the sum is divided in their proportion, what rounding leaves goes to the largest fractions.
    Weight(Decimal),
}

/// A payable part that the contract will have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Milestone {
    /// Its title.
    pub title: String,
    /// What it is of the contract sum.
    pub share: Share,
    /// When it falls due.
    pub due_on: Option<NaiveDate>,
}

kernel::named! {
    /// Whose eyes a tender is seen with: its owner's or a possible bidder's.
    pub enum Side as "TenderRole" {
        /// The owner's.
        Owner = "owner",
        /// A possible bidder's.
        Bidder = "bidder",
    }
}

/// The live award, as far as the viewer may know of it (owner and winner).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AwardRef {
    /// The awarded bid.
    pub bid: BidId,
    /// Its contract, once opened.
    pub contract: Option<ContractId>,
    /// Until when both parties must have signed it; else the award falls.
    pub sign_by: Option<Timestamp>,
}

/// A tender with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TenderView {
    /// The tender.
    pub tender: Tender,
    /// Whose eyes see it.
    pub side: Side,
    /// Whether the viewer's organisation is invited.
    pub invited: bool,
    /// Milestones in order. Empty in lists.
    pub milestones: Vec<Milestone>,
    /// Lines in order, once published. Empty in lists.
    pub lines: Vec<TenderLine>,
    /// The live award.
    pub award: Option<AwardRef>,
}

/// What the owner writes into a draft.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The project.
    pub project: ProjectId,
    /// The schedule of quantities.
    pub soq: SoqId,
    /// The title.
    pub title: String,
    /// What it is about.
    pub description: Option<String>,
    /// Who may bid.
    pub method: ProcurementMethod,
    /// The deadline.
    pub submission_deadline: Timestamp,
    /// Questions are taken before this instant.
    pub questions_until: Option<Timestamp>,
    /// The fewest bids.
    pub min_bids: u32,
    /// Milestones, in order.
    pub milestones: Vec<Milestone>,
}

/// Narrows a list of tenders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only as this side; none: both.
    pub side: Option<Side>,
    /// Only in this state.
    pub status: Option<TenderStatus>,
}

/// Who is invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invitee {
    /// An organisation on the platform.
    Organization(OrgId),
    /// Whoever signs in with this e-mail.
    Email(String),
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: Uuid,
    /// The tender.
    pub tender: TenderId,
    /// Who is invited. One by e-mail counts for the person who signs in with it, in whichever organisation they act.
    pub invitee: Invitee,
    /// When it went out: at publication, or at once if the tender is published.
    pub sent_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A bid that still binds its bidder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveBid {
    /// The tender.
    pub tender: TenderId,
    /// Its title.
    pub title: String,
}

/// How far a verb that needs two persons has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// The first person asked; another one must do the same.
    Waiting {
        /// Who asked first.
        first: UserId,
    },
    /// It is done.
    Complete {
        /// Who asked first.
        first: UserId,
        /// Who agreed, if a second person was needed.
        second: Option<UserId>,
    },
}

impl Approval {
    /// Whether another person is still needed.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        matches!(self, Self::Waiting { .. })
    }
}

/// A tender after a verb that may need two persons.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The tender as it is now.
    pub tender: TenderView,
    /// How far the approval has come; none if the verb needs none.
    pub approval: Option<Approval>,
}

/// A bid after a verb that may need two persons.
#[derive(Debug, Clone, PartialEq)]
pub struct BidStep {
    /// The bid as it is now.
    pub bid: Bid,
    /// How far the approval has come.
    pub approval: Option<Approval>,
}

/// The decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Award {
    /// The winning bid.
    pub bid: BidId,
    /// Why; needed unless the bid ranks first among those that are still in.
    pub reason: Option<String>,
}

/// The contract that an award opened: it waits for both signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwardedContract {
    /// Its id.
    pub id: ContractId,
    /// What both parties sign, hex.
    pub document_sha256: String,
    /// The winning bid.
    pub bid: BidId,
    /// The contractor.
    pub contractor: OrgId,
    /// The contract sum.
    pub total: Money,
    /// Its milestones, in order; none is funded yet.
    pub milestones: Vec<AwardedMilestone>,
}

/// A milestone of a contract that an award opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwardedMilestone {
    /// Its id: what is funded.
    pub id: MilestoneId,
    /// Its title.
    pub title: String,
    /// Its part of the contract sum.
    pub amount: Money,
    /// When it is due.
    pub due_on: Option<NaiveDate>,
}

/// A tender after [`crate::Procedure::award`].
#[derive(Debug, Clone, PartialEq)]
pub struct Awarding {
    /// The tender as it is now.
    pub tender: TenderView,
    /// The contract; none while a second person is awaited or the stand-still runs.
    pub contract: Option<AwardedContract>,
    /// How far the approval has come.
    pub approval: Approval,
}

/// When the new tender of [`crate::Drafting::retender`] ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retender {
    /// The deadline.
    pub submission_deadline: Timestamp,
    /// Questions are taken before this instant.
    pub questions_until: Option<Timestamp>,
}

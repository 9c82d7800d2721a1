//! Contracts, milestones, protected payments, releases and statements as their readers see them.

use kernel::{BidId, Money, OrgId, ProjectId, TenderId, Timestamp, UserId};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    ContractId, ContractStatus, CostBearer, Hold, LedgerSource, MilestoneId, MilestoneStatus, Party, PayeeStatus, PaymentId,
    PaymentStatus, ReleaseId, ReleaseStatus, ReviewKind, TransactionKind,
};

/// The money terms that a contract was signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Terms {
    /// The platform's fee in hundredths of a per cent: 250 is 2.5 %.
    pub fee_bps: u32,
    /// Who bears the processing cost.
    pub bearer: CostBearer,
    /// The processing rate in hundredths of a per cent.
    pub processing_bps: u32,
    /// The fixed part of the processing cost, in minor units.
    pub processing_fixed: i64,
}

/// A signature under a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// For which side.
    pub party: Party,
    /// By whom.
    pub user: UserId,
    /// When.
    pub signed_at: Timestamp,
}

/// A proposal to end a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Termination {
    /// Which party proposed it.
    pub party: Party,
    /// By whom.
    pub proposed_by: UserId,
    /// Why.
    pub reason: String,
    /// When.
    pub proposed_at: Timestamp,
    /// Who agreed for the other party.
    pub agreed_by: Option<UserId>,
    /// When.
    pub agreed_at: Option<Timestamp>,
}

/// A contract after a party wanted it to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminating {
    /// The contract as it is now.
    pub contract: Contract,
    /// Whether the other party still has to agree.
    pub waiting: bool,
}

/// A contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contract {
    /// Its id.
    pub id: ContractId,
    /// The owner's side.
    pub owner: OrgId,
    /// The contractor's side.
    pub contractor: OrgId,
    /// The project, which is the owner's.
    pub project: ProjectId,
    /// The tender.
    pub tender: TenderId,
    /// The winning bid.
    pub bid: BidId,
    /// Its title.
    pub title: String,
    /// The contract sum.
    pub total: Money,
    /// Where it stands.
    pub status: ContractStatus,
    /// The money terms.
    pub terms: Terms,
    /// SHA-256 of the contract document, hex: what both parties sign.
    pub document_sha256: String,
    /// Who signed so far.
    pub signatures: Vec<Signature>,
    /// The milestones in order.
    pub milestones: Vec<Milestone>,
    /// The open holds on the whole contract, the oldest first.
    pub holds: Vec<Hold>,
    /// Why it was cancelled or ended.
    pub cancel_reason: Option<String>,
    /// The proposal to end it that is open or was agreed to.
    pub termination: Option<Termination>,
    /// When both had signed.
    pub activated_at: Option<Timestamp>,
    /// When practical completion was declared.
    pub completed_at: Option<Timestamp>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A milestone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Milestone {
    /// Its id.
    pub id: MilestoneId,
    /// Its contract.
    pub contract: ContractId,
    /// The owner's side.
    pub owner: OrgId,
    /// The contractor's side.
    pub contractor: OrgId,
    /// Its place, from 1.
    pub position: u32,
    /// Its title.
    pub title: String,
    /// Its share of the contract sum.
    pub amount: Money,
    /// When it falls due.
    pub due_on: Option<chrono::NaiveDate>,
    /// Where it stands.
    pub status: MilestoneStatus,
    /// Whether a hold blocks funding, approval and payout.
    pub frozen: bool,
    /// The open holds that cover it, its contract's too, the oldest first.
    pub holds: Vec<Hold>,
    /// What is held for it and not reserved.
    pub held: Money,
    /// How often work was submitted.
    pub submissions: u32,
    /// When work was last submitted.
    pub submitted_at: Option<Timestamp>,
    /// When silence escalates.
    pub review_due_at: Option<Timestamp>,
    /// Its protected payment: the newest that is live or brought its money, else the newest.
    pub payment: Option<PaymentId>,
    /// Its newest release.
    pub release: Option<Release>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Something said about submitted work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Review {
    /// Its id.
    pub id: Uuid,
    /// What it says.
    pub kind: ReviewKind,
    /// What was said.
    pub note: Option<String>,
    /// What was shown.
    pub evidence: Value,
    /// How much was approved.
    pub amount: Option<Money>,
    /// By whom; none: by silence.
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
}

/// A milestone with its whole story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MilestoneStory {
    /// The milestone.
    pub milestone: Milestone,
    /// What was said about it, the oldest first.
    pub reviews: Vec<Review>,
}

/// A protected payment: the `escrow` of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// The owner's side.
    pub owner: OrgId,
    /// Its contract.
    pub contract: ContractId,
    /// The milestone it funds.
    pub milestone: MilestoneId,
    /// Where the milestone stands.
    pub milestone_status: MilestoneStatus,
    /// Where the payment stands.
    pub status: PaymentStatus,
    /// The milestone's amount.
    pub amount: Money,
    /// The platform's fee on it, taken at release.
    pub fee: Money,
    /// What the owner is charged.
    pub charged: Money,
    /// What is held for the milestone and not reserved.
    pub held: Money,
    /// The provider's payment intent, `pi_…`.
    pub intent: Option<String>,
    /// When the funds become available.
    pub available_on: Option<Timestamp>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// Its newest release.
    pub release: Option<Release>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// One release of held money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Release {
    /// Its id.
    pub id: ReleaseId,
    /// The payment that funded it.
    pub payment: PaymentId,
    /// Its milestone.
    pub milestone: MilestoneId,
    /// Its number among the milestone's releases, from 1.
    pub seq: u32,
    /// Where it stands.
    pub status: ReleaseStatus,
    /// What leaves the held money.
    pub gross: Money,
    /// The platform's fee.
    pub fee: Money,
    /// What the contractor gets.
    pub net: Money,
    /// The provider's transfer, `tr_…`.
    pub transfer: Option<String>,
    /// How much of the transfer was taken back at the provider.
    pub reversed: Money,
    /// How much of what was taken back, of this transfer or of one that replaced it, nobody has settled.
    pub unsettled: Money,
    /// What went wrong.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
}

/// A payment that waits for its payer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Funding {
    /// The payment.
    pub payment: Payment,
    /// `pi_…`.
    pub intent: String,
    /// For the payer's browser; a secret, stored nowhere but in the answer of an idempotency key.
    pub client_secret: Option<String>,
}

/// A release that is on its way, or was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Releasing {
    /// The payment.
    pub payment: Payment,
    /// The release.
    pub release: Release,
}

/// What came of an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The milestone as it is now.
    pub milestone: Milestone,
    /// The release that was made; none while a second person is awaited.
    pub release: Option<Release>,
    /// Who approved first, while a second person is awaited.
    pub waiting_since: Option<UserId>,
}

/// An organisation's payee account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payee {
    /// Where it stands.
    pub status: PayeeStatus,
    /// The provider's account, `acct_…`.
    pub account: Option<String>,
    /// What the provider still asks for.
    pub requirements: Vec<String>,
    /// Why it is disabled.
    pub disabled_reason: Option<String>,
}

/// A payee account with the way to set it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onboarding {
    /// The account.
    pub payee: Payee,
    /// The provider's page: one use, expires.
    pub url: String,
}

/// An entry of a ledger transaction: + debit, − credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementEntry {
    /// The account's code.
    pub account: u16,
    /// The account's name.
    pub name: String,
    /// The milestone or release it is about.
    pub subject: Option<Uuid>,
    /// The amount.
    pub amount: Money,
}

/// A ledger transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementTransaction {
    /// Its id.
    pub id: Uuid,
    /// What it tells.
    pub kind: TransactionKind,
    /// Whose object it comes from.
    pub source: LedgerSource,
    /// That object, such as `ch_…`.
    pub object: String,
    /// The transaction it takes back.
    pub reverses: Option<Uuid>,
    /// When it was posted.
    pub at: Timestamp,
    /// Its entries; they sum to zero.
    pub entries: Vec<StatementEntry>,
}

/// A balance of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementBalance {
    /// The account's code.
    pub account: u16,
    /// The account's name.
    pub name: String,
    /// The milestone or release it is about.
    pub subject: Option<Uuid>,
    /// The balance.
    pub balance: Money,
}

/// What became of one milestone's money: funded = held + frozen + reserved + released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MilestoneSummary {
    /// The milestone.
    pub milestone: MilestoneId,
    /// What came in for it.
    pub funded: Money,
    /// What is held.
    pub held: Money,
    /// What is frozen.
    pub frozen: Money,
    /// What is reserved for releases under way.
    pub reserved: Money,
    /// What was released, the fee included.
    pub released: Money,
}

/// A contract's ledger, the same for both parties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// The contract.
    pub contract: ContractId,
    /// Every transaction, the oldest first.
    pub transactions: Vec<StatementTransaction>,
    /// Every balance that is not zero.
    pub balances: Vec<StatementBalance>,
    /// Every milestone that was funded.
    pub milestones: Vec<MilestoneSummary>,
    /// Σ of all entries: zero.
    pub sum: Money,
}

/// Something that should not be, found by the doctor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The broken rule: a stable name, such as `LEDGER_UNBALANCED`, or that of a stuck state.
    pub rule: &'static str,
    /// What it is about.
    pub subject: String,
    /// What was found.
    pub detail: String,
}

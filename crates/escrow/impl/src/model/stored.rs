//! Contracts, milestones and payee accounts as they are kept: what the verbs decide on. What parties are shown of them, together with what is
//! held and under way, stands in the api crate.

use escrow_api::{ContractId, ContractStatus, MilestoneId, MilestoneStatus, Party, Payee, PayeeStatus, Terms};
use kernel::{BidId, Currency, Money, OrgId, ProjectId, TenderId, Timestamp, UserId};

/// Whose contract's ledger it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// The owner's organisation.
    pub(crate) org: OrgId,
    /// Its contract.
    pub(crate) contract: ContractId,
}

/// A contract as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct StoredContract {
    pub(crate) owner: OrgId,
    pub(crate) id: ContractId,
    pub(crate) contractor: OrgId,
    pub(crate) project: ProjectId,
    pub(crate) tender: TenderId,
    pub(crate) bid: BidId,
    pub(crate) title: String,
    pub(crate) total: Money,
    pub(crate) status: ContractStatus,
    pub(crate) terms: Terms,
    pub(crate) document_sha256: String,
    pub(crate) cancel_reason: Option<String>,
    pub(crate) activated_at: Option<Timestamp>,
    pub(crate) completed_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl StoredContract {
    /// Which side an organisation is.
    pub(crate) fn side_of(&self, org: OrgId) -> Party {
        if self.owner == org { Party::Owner } else { Party::Contractor }
    }

    pub(crate) fn currency(&self) -> Currency {
        self.total.currency()
    }

    /// Where its ledger is.
    pub(crate) fn place(&self) -> Place {
        Place { org: self.owner, contract: self.id }
    }
}

/// A milestone as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct StoredMilestone {
    pub(crate) owner: OrgId,
    pub(crate) id: MilestoneId,
    pub(crate) contract: ContractId,
    pub(crate) contractor: OrgId,
    pub(crate) position: u32,
    pub(crate) title: String,
    pub(crate) amount: Money,
    pub(crate) due_on: Option<chrono::NaiveDate>,
    pub(crate) status: MilestoneStatus,
    pub(crate) frozen: bool,
    pub(crate) submissions: u32,
    pub(crate) submitted_by: Option<UserId>,
    pub(crate) submitted_at: Option<Timestamp>,
    pub(crate) review_due_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// An organisation's payee account as it is kept, or the room for one.
#[derive(Debug, Clone)]
pub(crate) struct StoredPayee {
    pub(crate) org: OrgId,
    pub(crate) account: Option<String>,
    pub(crate) status: PayeeStatus,
    pub(crate) requirements: Vec<String>,
    pub(crate) disabled_reason: Option<String>,
    pub(crate) updated_at: Timestamp,
    pub(crate) key_no: i32,
    pub(crate) looks: i32,
    pub(crate) next_look_at: Timestamp,
}

impl StoredPayee {
    pub(crate) fn payee(self) -> Payee {
        let Self { status, account, requirements, disabled_reason, .. } = self;
        Payee { status, account, requirements, disabled_reason }
    }
}

/// What ties somebody to the other party of a contract.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ties {
    /// They are a member of it.
    pub(crate) member: bool,
    /// And have acted there. Any organisation can make anybody a member, so only this is held against them where it would gain by that.
    pub(crate) taken_up: bool,
}

/// An open proposal to end a contract.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenProposal {
    pub(crate) id: uuid::Uuid,
    pub(crate) party: Party,
    pub(crate) proposed_by: UserId,
}

kernel::named! {
    /// What came of putting a contract into force.
    pub(crate) enum Activation {
        /// It is in force.
        Active = "active",
        /// A signature is missing.
        Waiting = "waiting",
        /// The payee's account is not active.
        PayeeNotActive = "payee_not_active",
        /// It is not to be signed any more, or not yet.
        NotSigning = "not_signing",
    }
    /// What came of ending a contract.
    pub(crate) enum EndOutcome {
        /// It has ended.
        Ended = "ended",
        /// Money of it is held, or on its way.
        Held = "held",
        /// Whoever agrees is of the side that proposed.
        SameSide = "same_side",
        /// Nobody proposes to end it.
        NothingToAgreeTo = "nothing_to_agree_to",
    }
}

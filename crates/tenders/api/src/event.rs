//! What happened to tenders, for subscribers. Nothing in here tells what is sealed.

use escrow_api::ContractId;
use kernel::{BidId, OrgId, ProjectId, TenderId, Timestamp};
use serde::{Deserialize, Serialize};
use uow::DomainEvent;
use uuid::Uuid;

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $kind:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            /// The tender.
            pub tender: TenderId,
            $($(#[$field_doc])* pub $field: $type),*
        }

        impl DomainEvent for $name {
            const KIND: &'static str = $kind;
            fn aggregate(&self) -> Uuid {
                self.tender.0
            }
        }
    )*};
}

events! {
    /// A tender takes bids.
    TenderPublished = "tenders.published" {
        /// Its project.
        project: ProjectId,
        /// Until when.
        submission_deadline: Timestamp,
        /// Whom to tell.
        invited: Vec<OrgId>,
    }
    /// The deadline has passed.
    TenderClosed = "tenders.closed" {
        /// Whether too few bids came.
        unsuccessful: bool,
    }
    /// The bids were opened.
    TenderOpened = "tenders.opened" {
        /// Bids in the order of their rank.
        bids: Vec<BidId>,
    }
    /// A bid won. Every bidder can be told its outcome.
    TenderAwarded = "tenders.awarded" {
        /// The winning bid.
        bid: BidId,
        /// Its bidder.
        contractor: OrgId,
        /// The contract, unless the stand-still comes first.
        contract: Option<ContractId>,
        /// Every opened bid.
        outcomes: Vec<BidderOutcome>,
    }
    /// The contract is active.
    TenderCompleted = "tenders.completed" {
        /// The contract.
        contract: ContractId,
    }
    /// The award fell; the tender is in evaluation again.
    TenderAwardFell = "tenders.award_fell" {
        /// The bid that had won.
        bid: BidId,
        /// Its bidder.
        contractor: OrgId,
        /// Whether the bid is forfeited: its bidder refused, or did not sign in time.
        forfeited: bool,
        /// Why.
        reason: String,
    }
    /// The owner ended it.
    TenderCancelled = "tenders.cancelled" {
        /// Why.
        reason: String,
    }
}

/// What a bidder is told at the award.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BidderOutcome {
    /// The bid.
    pub bid: BidId,
    /// Its bidder.
    pub bidder: OrgId,
    /// Its rank.
    pub rank: u32,
}

/// A bid was received. Published in the bidder's tenant: its subscribers must tell nobody but the bidder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BidSubmitted {
    /// The tender.
    pub tender: TenderId,
    /// The bid.
    pub bid: BidId,
    /// Which revision.
    pub revision: u32,
}

impl DomainEvent for BidSubmitted {
    const KIND: &'static str = "tenders.bid_submitted";
    fn aggregate(&self) -> Uuid {
        self.bid.0
    }
}

//! Holds: why money of a milestone, or of a whole contract, is stopped.

use kernel::Timestamp;
use serde::Serialize;

kernel::named! {
    /// What holds are placed for. The database takes any word: an older server shows one that it does not know as it is.
    pub enum HoldKind {
        /// The payer's bank took the money back, or asks about it.
        Dispute = "dispute",
        /// The card's network warned of fraud.
        FraudWarning = "fraud_warning",
        /// The charge was refunded past us.
        Refund = "refund",
        /// The provider reviews the charge.
        Review = "review",
        /// The charge is not what it has to be: captured and succeeded.
        Charge = "charge",
        /// An operator placed it.
        Operator = "operator",
    }
    /// What a hold is on: a milestone, or a contract with all its milestones.
    pub enum HoldScope {
        /// One milestone.
        Milestone = "milestone",
        /// All milestones of a contract.
        Contract = "contract",
    }
}

/// An open hold, as both parties may know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// What for, such as `dispute`.
    pub kind: String,
    /// Whether it is on the whole contract rather than on one milestone.
    pub whole_contract: bool,
    /// Since when.
    pub since: Timestamp,
}

impl Hold {
    /// What it is on.
    #[must_use]
    pub const fn scope(&self) -> HoldScope {
        if self.whole_contract { HoldScope::Contract } else { HoldScope::Milestone }
    }
}

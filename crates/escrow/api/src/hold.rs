//! Holds: why money of a milestone, or of a whole contract, stands still.

use kernel::Timestamp;
use serde::Serialize;

/// What holds are placed for. The database takes any word: an older server shows one that it does not know as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HoldKind {
    /// The payer's bank took the money back, or asks about it.
    Dispute,
    /// The card's network warned of fraud.
    FraudWarning,
    /// The charge was refunded past us.
    Refund,
    /// The provider reviews the charge.
    Review,
    /// The charge is not what it has to be: captured and succeeded.
    Charge,
    /// An operator placed it.
    Operator,
    /// A transfer was reversed at the provider.
    Reversal,
    /// The payee's account was closed.
    PayeeClosed,
}

impl HoldKind {
    /// All that this program knows.
    pub const ALL: [Self; 8] = [
        Self::Dispute,
        Self::FraudWarning,
        Self::Refund,
        Self::Review,
        Self::Charge,
        Self::Operator,
        Self::Reversal,
        Self::PayeeClosed,
    ];

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dispute => "dispute",
            Self::FraudWarning => "fraud_warning",
            Self::Refund => "refund",
            Self::Review => "review",
            Self::Charge => "charge",
            Self::Operator => "operator",
            Self::Reversal => "reversal",
            Self::PayeeClosed => "payee_closed",
        }
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

//! What the platform finds when it looks over the tenders of all tenants.

use kernel::{OrgId, TenderId, Timestamp};

use crate::seal::Place;

/// A tender for which the time has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due {
    pub org: OrgId,
    pub tender: TenderId,
    /// Whether it is to be closed; else its stand-still is over.
    pub closing: bool,
}

/// A tender that was looked at.
#[derive(Debug, Clone)]
pub(crate) struct Looked {
    pub org: OrgId,
    pub tender: TenderId,
    /// What is wrong with it; nothing about most of them.
    pub fault: Option<String>,
}

/// How many keys of tenders a key of the server wraps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapping {
    /// The id of the server's key.
    pub key_id: String,
    /// How many keys of tenders it wraps.
    pub keys: i64,
}

/// A sealed offer that the database just handed out.
#[derive(Debug, Clone)]
pub(crate) struct OpenedOffer {
    pub place: Place,
    pub sealed: Vec<u8>,
    /// As it is kept: whether it is one is for the reader to say.
    pub receipt_sha256: Vec<u8>,
    pub received_at: Timestamp,
}

kernel::named! {
    /// What came of the winner's refusal.
    pub(crate) enum Refusal {
        /// The award fell.
        Refused = "refused",
        /// Too late: its contract is in force.
        InForce = "in_force",
        /// It is not awarded any more.
        NotAwarded = "not_awarded",
    }
    /// Where an award stands.
    pub(crate) enum AwardStatus {
        /// Its contract is not in force yet.
        Pending = "pending",
        /// Its contract is in force.
        Active = "active",
        /// It fell.
        Cancelled = "cancelled",
    }
}

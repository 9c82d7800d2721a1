//! Bids: sealed until opened, with a receipt that proves what was sealed.

use chrono::NaiveDate;
use kernel::{BidId, Money, OrgId, Page, SoqLineId, TenderId, Timestamp, UserId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

kernel::named! {
    /// Where a bid stands.
    pub enum BidStatus {
        /// Saved by its bidder, not submitted: it lapses at the deadline.
        Draft = "draft",
        /// Sealed and received.
        Submitted = "submitted",
        /// Taken back.
        Withdrawn = "withdrawn",
        /// Never submitted before the deadline.
        Lapsed = "lapsed",
        /// Readable by the owner.
        Opened = "opened",
        /// Accepted as a valid bid.
        Valid = "valid",
        /// Refused, with a reason.
        Disqualified = "disqualified",
        /// Won.
        Awarded = "awarded",
        /// The bidder refused its award, or did not sign the contract in time.
        Forfeited = "forfeited",
        /// Another bid won.
        Unsuccessful = "unsuccessful",
    }
}

/// A rate that a bidder offers for a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferedRate {
    /// The SOQ line.
    pub soq_line: SoqLineId,
    /// Rate, up to 4 decimals.
    pub rate: Decimal,
}

/// What a bidder submits or saves as a draft.
#[derive(Debug, Clone, PartialEq)]
pub struct NewBid {
    /// A rate for every payable line, in a draft for any of them; provisional sums may be left out.
    pub lines: Vec<OfferedRate>,
    /// The last day on which it can be awarded.
    pub valid_until: NaiveDate,
    /// A note for the owner.
    pub note: Option<String>,
    /// The total as the bidder computed it: compared, never trusted.
    pub total: Option<Money>,
}

/// A priced line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BidLine {
    /// The SOQ line.
    pub soq_line: SoqLineId,
    /// Rate.
    pub rate: Decimal,
    /// round_half_up(quantity × rate).
    pub amount: Money,
}

/// What stands in a bid; sealed until opening.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BidContent {
    /// Σ of the counting lines.
    pub total: Money,
    /// Lines in order.
    pub lines: Vec<BidLine>,
    /// The last day on which it can be awarded.
    pub valid_until: NaiveDate,
    /// A note for the owner.
    pub note: Option<String>,
}

/// Proof of what was received when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// SHA-256 of the canonical document that was sealed (or of the withdrawal).
    pub sha256: [u8; 32],
    /// The database's clock.
    pub received_at: Timestamp,
}

/// That a receipt is a leaf of the Merkle tree fixed at closing.
///
/// `leaf = sha256(00 ‖ receipt)`; then for each step `node = sha256(01 ‖ left ‖ right)`; the last one is the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// The tender's root.
    pub root: [u8; 32],
    /// Place of the leaf, from 0: bit `n` tells whether the sibling at step `n` stands left (1) or right (0).
    pub index: usize,
    /// Siblings from the leaf up.
    pub path: Vec<[u8; 32]>,
}

/// The code of a sealed offer that the opening could not read: nobody's fault but the platform's.
pub const UNREADABLE: &str = "UNREADABLE";

/// Why a bid was disqualified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disqualification {
    /// Code of the reason, such as `NOT_RESPONSIVE`.
    pub code: String,
    /// In words, for the bidder.
    pub reason: String,
}

/// A bid as one of its parties may see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bid {
    /// Its id.
    pub id: BidId,
    /// The tender.
    pub tender: TenderId,
    /// The bidder.
    pub bidder: OrgId,
    /// Where it stands.
    pub status: BidStatus,
    /// From 1; every replacement counts, and every time that a draft is saved.
    pub revision: u32,
    /// What it offers; nothing once the key of a tender that ended unopened is destroyed.
    pub content: Option<BidContent>,
    /// Proof of receipt of this revision or of its withdrawal; nothing for what was never submitted: a draft, also once it lapsed.
    pub receipt: Option<Receipt>,
    /// Place by total, then by time of receipt, from 1; once opened.
    pub rank: Option<u32>,
    /// When it was opened.
    pub opened_at: Option<Timestamp>,
    /// Why it was disqualified; [`UNREADABLE`] by the opening itself.
    pub disqualification: Option<Disqualification>,
    /// For the bidder, once the tender is closed.
    pub proof: Option<InclusionProof>,
    /// For the bidder: the canonical document whose SHA-256 is the receipt, of a bid or of its withdrawal.
    pub document: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Bids of a tender, as far as the caller may see them.
#[derive(Debug, Clone, PartialEq)]
pub struct BidPage {
    /// The bids.
    pub page: Page<Bid>,
    /// Whether bids of others are sealed still: then none of them is shown, nor how many there are.
    pub sealed: bool,
    /// The clock that decides, when this was read.
    pub server_time: Timestamp,
}

/// The record of an opening, for anyone concerned to check.
///
/// The root is that of a perfect binary tree over the sorted leaves: `sha256(00 ‖ receipt)` of every bid and, up to `leaves`,
/// `sha256(00 ‖ sha256(02 ‖ seed ‖ i))` for i = 1, 2, … (four bytes, big endian), which hid the number of bids until the opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningRecord {
    /// The tender.
    pub tender: TenderId,
    /// The root that was fixed at closing.
    pub root: [u8; 32],
    /// Receipts of all opened bids, sorted.
    pub receipts: Vec<[u8; 32]>,
    /// The seed of the decoys.
    pub decoy_seed: [u8; 32],
    /// How many leaves the tree has.
    pub leaves: usize,
    /// Who opened: empty for bidders.
    pub opened_by: Vec<UserId>,
    /// When.
    pub opened_at: Timestamp,
    /// The caller's own bid in the tree, if it has one.
    pub own_proof: Option<InclusionProof>,
    /// Bid, bidder, rank and total of each: empty for bidders.
    pub ranking: Vec<(BidId, OrgId, u32, Money)>,
    /// Bid and bidder of each sealed offer that could not be read, and therefore has no rank: empty for bidders.
    pub unreadable: Vec<(BidId, OrgId)>,
}

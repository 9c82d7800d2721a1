//! Tenders, sealed bids and awards as other crates see them.
//!
//! The verbs come in three traits by who acts: [`Drafting`] and [`Procedure`] for the owner, [`Bidding`] for the bidder; [`Tenders`] is all
//! of them.

mod bid;
mod error;
mod event;
mod service;
mod tender;

pub use bid::{
    Bid, BidContent, BidLine, BidPage, BidStatus, Disqualification, InclusionProof, NewBid, OfferedRate, OpeningRecord, Receipt,
    UNREADABLE,
};
pub use error::{Error, time};
pub use event::{
    BidSubmitted, BidderOutcome, TenderAwardFell, TenderAwarded, TenderCancelled, TenderClosed, TenderCompleted, TenderOpened,
    TenderPublished,
};
pub use service::{Bidding, Drafting, Procedure, Tenders};
pub use tender::{
    Approval, Award, AwardRef, AwardedContract, AwardedMilestone, Awarding, BidStep, Draft, Filter, Invitation, Invitee, LiveBid,
    Milestone, ProcurementMethod, Retender, Share, Side, StatedAmount, Step, Tender, TenderLine, TenderStatus, TenderView,
};

/// Permissions of this domain (docs/domain/roles.md).
pub mod perm {
    use kernel::Permission;
    /// See tenders of one's own organisation.
    pub const READ: Permission = Permission("tenders.read");
    /// Write, change and delete drafts.
    pub const EDIT: Permission = Permission("tenders.edit");
    /// Publish a tender.
    pub const PUBLISH: Permission = Permission("tenders.publish");
    /// Cancel a tender, or end one that has no acceptable bid.
    pub const CANCEL: Permission = Permission("tenders.cancel");
    /// Move a deadline later.
    pub const EXTEND: Permission = Permission("tenders.extend");
    /// Invite bidders and see who was invited.
    pub const INVITE: Permission = Permission("tenders.invite");
    /// Turn one of the two keys that open the bids.
    pub const OPEN: Permission = Permission("tenders.open");
    /// Accept and disqualify opened bids.
    pub const EVALUATE: Permission = Permission("tenders.evaluate");
    /// Award.
    pub const AWARD: Permission = Permission("tenders.award");
    /// Read bids once they are opened.
    pub const BIDS_READ_OPENED: Permission = Permission("bids.read_opened");
    /// Submit, replace and withdraw the own organisation's bid.
    pub const BIDS_SUBMIT: Permission = Permission("bids.submit");
    /// Read the own organisation's bids.
    pub const BIDS_READ_OWN: Permission = Permission("bids.read_own");
    /// See tenders that other organisations published.
    pub const BROWSE: Permission = Permission("tenders.browse");
    /// All of them.
    pub const ALL: &[Permission] = &[
        READ,
        EDIT,
        PUBLISH,
        CANCEL,
        EXTEND,
        INVITE,
        OPEN,
        EVALUATE,
        AWARD,
        BIDS_READ_OPENED,
        BIDS_SUBMIT,
        BIDS_READ_OWN,
        BROWSE,
    ];
}

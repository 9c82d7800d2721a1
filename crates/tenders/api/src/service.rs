//! The verbs, by who acts.

use async_trait::async_trait;
use kernel::{BidId, Ctx, Page, PageRequest, TenderId, Timestamp};

use crate::{
    Award, Awarding, Bid, BidContent, BidPage, BidStep, Disqualification, Draft, Error, Filter, Invitation, Invitee, LiveBid,
    NewBid, OpeningRecord, Retender, Step, TenderView,
};

/// What the owner does before publication, and what both sides may read.
#[async_trait]
pub trait Drafting: Send + Sync {
    /// Writes a draft.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Denied`].
    async fn create(&self, ctx: &Ctx, draft: Draft) -> Result<TenderView, Error>;

    /// What time it is by the clock that decides deadlines (docs/domain/tenders.md).
    ///
    /// # Errors
    /// A fault.
    async fn server_time(&self, ctx: &Ctx) -> Result<Timestamp, Error>;

    /// A tender: the owner's own, or the published part of another's.
    ///
    /// # Errors
    /// [`Error::NotFound`] also for a tender that the caller may not see.
    async fn get(&self, ctx: &Ctx, tender: TenderId) -> Result<TenderView, Error>;

    /// A tender of the caller's own organisation, for whoever may edit it: what a patch or an `If-Match` is compared with.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Denied`] with the permission to edit it, whatever else the caller lacks.
    async fn changeable(&self, ctx: &Ctx, tender: TenderId) -> Result<TenderView, Error>;

    /// Tenders, newest first, without lines and milestones.
    ///
    /// # Errors
    /// [`Error::Denied`] if the caller may list neither side.
    async fn list(&self, ctx: &Ctx, filter: Filter, page: PageRequest) -> Result<Page<TenderView>, Error>;

    /// The bids with which the context's organisation, for which the platform acts, is still bound to tenders of others: the titles of
    /// these, the oldest bid first.
    ///
    /// # Errors
    /// A fault.
    async fn live_bids(&self, ctx: &Ctx) -> Result<Vec<LiveBid>, Error>;

    /// Replaces a draft; with `expected`, only if it last changed then.
    ///
    /// # Errors
    /// [`Error::State`] once published, [`Error::Stale`], [`Error::Invalid`].
    async fn replace(&self, ctx: &Ctx, tender: TenderId, expected: Option<Timestamp>, draft: Draft) -> Result<TenderView, Error>;

    /// Deletes a draft; with `expected`, only if it last changed then.
    ///
    /// # Errors
    /// [`Error::State`] once published, [`Error::Stale`].
    async fn delete(&self, ctx: &Ctx, tender: TenderId, expected: Option<Timestamp>) -> Result<(), Error>;

    /// Invites a bidder, before or after publication, until the deadline.
    ///
    /// # Errors
    /// [`Error::AlreadyInvited`], [`Error::Invalid`] for an unknown organisation or the own one, [`Error::State`].
    async fn invite(&self, ctx: &Ctx, tender: TenderId, invitee: Invitee) -> Result<Invitation, Error>;

    /// Who is invited, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] for anyone but the owner.
    async fn invitations(&self, ctx: &Ctx, tender: TenderId, page: PageRequest) -> Result<Page<Invitation>, Error>;

    /// A new draft of an ended tender.
    ///
    /// # Errors
    /// [`Error::State`] unless it is unsuccessful or cancelled.
    async fn retender(&self, ctx: &Ctx, tender: TenderId, new: Retender) -> Result<TenderView, Error>;
}

/// What the owner does from publication to award.
#[async_trait]
pub trait Procedure: Send + Sync {
    /// Publishes a draft; at or above the threshold, or without an estimate for every line, with a second person.
    ///
    /// # Errors
    /// [`Error::NotReady`] with everything that is missing, [`Error::State`].
    async fn publish(&self, ctx: &Ctx, tender: TenderId) -> Result<Step, Error>;

    /// Moves the deadline later.
    ///
    /// # Errors
    /// [`Error::TenderClosed`] after the deadline, [`Error::Invalid`] unless it is later.
    async fn extend(&self, ctx: &Ctx, tender: TenderId, deadline: Timestamp) -> Result<TenderView, Error>;

    /// Cancels; once closed, at or above the threshold, with a second person who gives the same reason. Bids that were not opened
    /// never will be.
    ///
    /// # Errors
    /// [`Error::State`], also once the contract is active.
    async fn cancel(&self, ctx: &Ctx, tender: TenderId, reason: String) -> Result<Step, Error>;

    /// Opens the bids; at or above the threshold, or without an estimate for every line, two persons must ask for it. A sealed offer
    /// that cannot be read is disqualified ([`crate::UNREADABLE`]) and stops nobody; if none can be read, nothing is opened.
    ///
    /// # Errors
    /// [`Error::State`] before the deadline and after opening.
    async fn open(&self, ctx: &Ctx, tender: TenderId) -> Result<Step, Error>;

    /// Awards (accepting an opened bid) and opens the contract; at or above the threshold with a second person who gives
    /// the same reason.
    ///
    /// # Errors
    /// [`Error::State`] for the loser of a race, [`Error::Invalid`] without a reason for passing over a better bid.
    async fn award(&self, ctx: &Ctx, tender: TenderId, award: Award) -> Result<Awarding, Error>;

    /// Takes the award back before its contract is in force; the contract is cancelled, the tender is in evaluation again and the bid
    /// valid. At or above the threshold with a second person who gives the same reason.
    ///
    /// # Errors
    /// [`Error::State`] once the contract is active.
    async fn cancel_award(&self, ctx: &Ctx, tender: TenderId, reason: String) -> Result<Step, Error>;

    /// Ends an evaluation in which every bid is disqualified or expired.
    ///
    /// # Errors
    /// [`Error::State`] while there is an acceptable bid.
    async fn conclude_unsuccessful(&self, ctx: &Ctx, tender: TenderId) -> Result<TenderView, Error>;

    /// Accepts an opened bid as valid.
    ///
    /// # Errors
    /// [`Error::State`].
    async fn accept(&self, ctx: &Ctx, bid: BidId) -> Result<Bid, Error>;

    /// Disqualifies a bid; the first in rank at or above the threshold with a second person who gives the same reason.
    ///
    /// # Errors
    /// [`Error::State`].
    async fn disqualify(&self, ctx: &Ctx, bid: BidId, why: Disqualification) -> Result<BidStep, Error>;

    /// The opening record: whole for the owner, hashes and the own proof for a bidder.
    ///
    /// # Errors
    /// [`Error::NotFound`] before the opening.
    async fn opening_record(&self, ctx: &Ctx, tender: TenderId) -> Result<OpeningRecord, Error>;
}

/// What bidders do, and how bids are read.
#[async_trait]
pub trait Bidding: Send + Sync {
    /// Saves a draft, sealed like a bid, in which any line may be without a rate. It has no receipt, and lapses at the deadline
    /// unless it is submitted.
    ///
    /// # Errors
    /// As for [`Bidding::submit`].
    async fn save_draft(&self, ctx: &Ctx, tender: TenderId, draft: NewBid) -> Result<Bid, Error>;

    /// Saves a draft again: the next revision. [`Bidding::replace_bid`] submits it.
    ///
    /// # Errors
    /// As for [`Bidding::replace_bid`]; [`Error::State`] for what is not a draft.
    async fn replace_draft(&self, ctx: &Ctx, bid: BidId, expected: Option<u32>, draft: NewBid) -> Result<Bid, Error>;

    /// Submits a sealed bid. A withdrawn one is taken up again.
    ///
    /// # Errors
    /// [`Error::TenderClosed`], [`Error::BidExists`], [`Error::OwnTender`], [`Error::Invalid`] with every fault.
    async fn submit(&self, ctx: &Ctx, tender: TenderId, bid: NewBid) -> Result<Bid, Error>;

    /// Submits a draft, or replaces or resubmits a bid: the next revision.
    ///
    /// # Errors
    /// As for [`Bidding::submit`]; [`Error::Stale`] unless `expected` is the current revision, if given.
    async fn replace_bid(&self, ctx: &Ctx, bid: BidId, expected: Option<u32>, new: NewBid) -> Result<Bid, Error>;

    /// Takes it back.
    ///
    /// # Errors
    /// [`Error::TenderClosed`], [`Error::State`], [`Error::Stale`].
    async fn withdraw(&self, ctx: &Ctx, bid: BidId, expected: Option<u32>) -> Result<Bid, Error>;

    /// The winner refuses before the contract is in force: the bid is forfeited, the award falls. Asked again, nothing changes.
    ///
    /// # Errors
    /// [`Error::State`] unless it is awarded, and once the contract is active.
    async fn refuse_award(&self, ctx: &Ctx, bid: BidId, reason: String) -> Result<Bid, Error>;

    /// What an earlier or the current revision of the own bid offered, with the canonical document of its receipt; a draft has none.
    ///
    /// # Errors
    /// [`Error::NotFound`], also once the key of the tender is destroyed.
    async fn own_revision(&self, ctx: &Ctx, bid: BidId, revision: u32) -> Result<(BidContent, Option<String>), Error>;

    /// A bid: the caller's own, or an opened one of the caller's tender.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn get_bid(&self, ctx: &Ctx, bid: BidId) -> Result<Bid, Error>;

    /// A bid of the caller's own organisation, for whoever may submit it anew: what an `If-Match` is compared with.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Denied`], first of all with the permission to submit.
    async fn changeable_bid(&self, ctx: &Ctx, bid: BidId) -> Result<Bid, Error>;

    /// Bids of a tender: to a bidder its own; to the owner all of them once opened, before that none and no count.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn list_bids(&self, ctx: &Ctx, tender: TenderId, page: PageRequest) -> Result<BidPage, Error>;
}

/// All verbs.
pub trait Tenders: Drafting + Procedure + Bidding {}

impl<T: Drafting + Procedure + Bidding> Tenders for T {}

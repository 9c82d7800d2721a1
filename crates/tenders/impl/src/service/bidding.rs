//! Bids: sealed while the tender takes them, read by their parties.

use async_trait::async_trait;
use audit_api::NewEntry;
use db::{Pg, PgRead};
use kernel::{BidId, Ctx, Fault, OrgId, Page, PageRequest, Position, Scope, TenderId};
use serde_json::json;
use tenders_api::{
    Bid, BidContent, BidPage, BidStatus, BidSubmitted, Bidding, Error, NewBid, Receipt, Tender, TenderStatus, perm,
};
use uow::Tx;

use super::Service;
use crate::model::machine;
use crate::model::{merkle, pricing};
use crate::repo::bids::{BidWindow, Revision, Row};
use crate::repo::tenders::OpenTender;
use crate::repo::{self, Conn};
use crate::seal::{self, Place, Sealed, TenderKey};

#[async_trait]
impl Bidding for Service {
    async fn save_draft(&self, ctx: &Ctx, tender: TenderId, draft: NewBid) -> Result<Bid, Error> {
        self.authorizer.check(ctx, perm::BIDS_SUBMIT, Scope::Organization)?;
        self.uow.write(ctx, async |tx| self.receive_offer_in(tx, ctx, tender, OfferTarget::New, Offer::Draft(&draft)).await).await
    }

    async fn replace_draft(&self, ctx: &Ctx, bid: BidId, expected: Option<u32>, draft: NewBid) -> Result<Bid, Error> {
        let tender = self.tender_of_own(ctx, bid).await?;
        let target = OfferTarget::Known(bid, expected);
        self.uow.write(ctx, async |tx| self.receive_offer_in(tx, ctx, tender, target, Offer::Draft(&draft)).await).await
    }

    async fn submit(&self, ctx: &Ctx, tender: TenderId, bid: NewBid) -> Result<Bid, Error> {
        self.authorizer.check(ctx, perm::BIDS_SUBMIT, Scope::Organization)?;
        self.uow.write(ctx, async |tx| self.receive_offer_in(tx, ctx, tender, OfferTarget::New, Offer::Bid(&bid)).await).await
    }

    async fn replace_bid(&self, ctx: &Ctx, bid: BidId, expected: Option<u32>, new: NewBid) -> Result<Bid, Error> {
        let tender = self.tender_of_own(ctx, bid).await?;
        let target = OfferTarget::Known(bid, expected);
        self.uow.write(ctx, async |tx| self.receive_offer_in(tx, ctx, tender, target, Offer::Bid(&new)).await).await
    }

    async fn withdraw(&self, ctx: &Ctx, bid: BidId, expected: Option<u32>) -> Result<Bid, Error> {
        let tender = self.tender_of_own(ctx, bid).await?;
        self.uow
            .write(ctx, async |tx| {
                let owner = check_open_for_bids_in(tx, ctx, tender).await?.owner;
                let seen = repo::bids::get(tx.pg(), bid).await?;
                machine::withdrawal(seen.status)?;
                let seen_content = self.own_content(tx.pg(), &seen).await?;
                let window = keep_open_for_bids_in(tx, ctx, owner, tender).await?;
                let old = lock_in(tx, window.owner, bid, expected).await?;
                machine::withdrawal(old.status)?;
                let unchanged = state_of(&seen) == state_of(&old);
                let content = if unchanged { seen_content } else { self.own_content(tx.pg(), &old).await? };
                let (receipt, document) = seal::withdrawal(old.place(), window.at)?;
                let row = repo::bids::withdraw(tx, window, &old, &receipt, &document).await?;
                let entry = NewEntry::named("bids.withdraw", "bid", bid)
                    .before(state_of(&old))
                    .after(json!({ "status": row.status.name(), "receipt": hex::encode(receipt) }));
                self.audit.record_in(tx, ctx, entry).await?;
                let content = content.map(|(content, _)| content);
                Ok(Bid { document: Some(document), ..bid_of(row, content) })
            })
            .await
    }

    async fn refuse_award(&self, ctx: &Ctx, bid: BidId, reason: String) -> Result<Bid, Error> {
        self.refuse_award_of(ctx, bid, &reason).await
    }

    async fn own_revision(&self, ctx: &Ctx, bid: BidId, revision: u32) -> Result<(BidContent, Option<String>), Error> {
        self.authorizer.check(ctx, perm::BIDS_READ_OWN, Scope::Organization)?;
        self.uow
            .read(ctx, async |tx| {
                let row = repo::bids::get(tx.pg(), bid).await?;
                if row.bidder != ctx.org || revision == 0 || revision > row.revision {
                    return Err(Error::NotFound("bid"));
                }
                self.own_content(tx.pg(), &Row { revision, ..row }).await?.ok_or(Error::NotFound("bid"))
            })
            .await
    }

    async fn get_bid(&self, ctx: &Ctx, bid: BidId) -> Result<Bid, Error> {
        let row = self.uow.read(ctx, async |tx| repo::bids::get(tx.pg(), bid).await).await?;
        let (tender, _) = self.current_tender(ctx, row.tender).await?;
        self.check_side(ctx, &tender, perm::BIDS_READ_OPENED, perm::BIDS_READ_OWN)?;
        self.uow
            .read(ctx, async |tx| {
                let row = repo::bids::get(tx.pg(), bid).await?;
                let mut bids = self.with_offers(tx.pg(), ctx, &tender, vec![row]).await?;
                bids.pop().ok_or(Error::NotFound("bid"))
            })
            .await
    }

    async fn changeable_bid(&self, ctx: &Ctx, bid: BidId) -> Result<Bid, Error> {
        self.tender_of_own(ctx, bid).await?;
        self.get_bid(ctx, bid).await
    }

    async fn list_bids(&self, ctx: &Ctx, tender: TenderId, page: PageRequest) -> Result<BidPage, Error> {
        let (tender, now) = self.current_tender(ctx, tender).await?;
        self.check_side(ctx, &tender, perm::BIDS_READ_OPENED, perm::BIDS_READ_OWN)?;
        let sealed = tender.opened_at.is_none();
        if sealed && tender.org == ctx.org {
            return Ok(BidPage { page: Page { items: Vec::new(), next: None }, sealed, server_time: now });
        }
        self.uow
            .read(ctx, async |tx| {
                let rows = repo::bids::list(tx.pg(), tender.org, tender.id, page).await?;
                let Page { items, next } = Page::cut(rows, page, |row| Position { created_at: row.created_at, id: row.id.0 });
                let items = self.with_offers(tx.pg(), ctx, &tender, items).await?;
                Ok(BidPage { page: Page { items, next }, sealed, server_time: now })
            })
            .await
    }
}

/// Where an offer goes.
#[derive(Clone, Copy)]
enum OfferTarget {
    /// To a tender for which the organisation has none yet, or one that it withdrew.
    New,
    /// In the place of a bid, if it is the revision that the caller has seen.
    Known(BidId, Option<u32>),
}

/// What is to be stored.
#[derive(Clone, Copy)]
enum Offer<'a> {
    Draft(&'a NewBid),
    Bid(&'a NewBid),
}

/// An offer, priced and sealed.
struct SealedOffer {
    place: Place,
    content: BidContent,
    sealed: Vec<u8>,
    receipt: Option<Receipt>,
    document: Option<String>,
}

/// Sees that the tender takes bids from this organisation now, without a lock.
async fn check_open_for_bids_in(tx: &mut Tx, ctx: &Ctx, tender: TenderId) -> Result<BidWindow, Error> {
    let (seen, now) = repo::tenders::get(tx.pg(), tender).await?;
    let (deadline, currency) = (seen.submission_deadline, seen.currency);
    takes_bids(ctx, OpenTender { org: seen.org, status: seen.status, deadline, currency, now })
}

/// Keeps the tender from being closed, and sees once more that it takes bids. From here to the commit nothing may take long.
async fn keep_open_for_bids_in(tx: &mut Tx, ctx: &Ctx, owner: OrgId, tender: TenderId) -> Result<BidWindow, Error> {
    let held = repo::tenders::keep_open(tx, owner, tender).await?;
    takes_bids(ctx, held)
}

fn takes_bids(ctx: &Ctx, held: OpenTender) -> Result<BidWindow, Error> {
    if held.org == ctx.org {
        return Err(Error::OwnTender);
    }
    match held.status {
        TenderStatus::Published if held.now < held.deadline => {
            Ok(BidWindow { owner: held.org, currency: held.currency, deadline: held.deadline, at: held.now })
        }
        TenderStatus::Cancelled => Err(Error::state("tender", held.status.name(), "it takes no bids any more")),
        _ => Err(Error::TenderClosed { deadline: held.deadline, server_time: held.now }),
    }
}

/// The bid, locked, if it is the revision that the caller has seen.
async fn lock_in(tx: &mut Tx, owner: OrgId, bid: BidId, expected: Option<u32>) -> Result<Row, Error> {
    let row = repo::bids::lock(tx, owner, bid).await?;
    if expected.is_some_and(|expected| expected != row.revision) {
        return Err(Error::Stale);
    }
    Ok(row)
}

/// Refuses an organisation that has a live bid or a draft; answers the one that it withdrew last.
fn refuse_live_bid(own: Option<Row>) -> Result<Option<Row>, Error> {
    match own {
        Some(own) if own.status != BidStatus::Withdrawn => Err(Error::BidExists(Some((own.id, own.status)))),
        withdrawn => Ok(withdrawn),
    }
}

/// What stands in the place of the offer, as it is seen without a lock.
async fn current_bid_in(
    tx: &mut Tx,
    ctx: &Ctx,
    (owner, tender): (OrgId, TenderId),
    target: OfferTarget,
    offer: Offer<'_>,
) -> Result<Option<Row>, Error> {
    match (target, offer) {
        (OfferTarget::New, Offer::Bid(_)) => refuse_live_bid(repo::bids::own(tx.pg(), owner, ctx.org, tender).await?),
        (OfferTarget::New, Offer::Draft(_)) => {
            refuse_live_bid(repo::bids::own(tx.pg(), owner, ctx.org, tender).await?).map(|_| None)
        }
        (OfferTarget::Known(bid, expected), _) => {
            let row = repo::bids::get(tx.pg(), bid).await?;
            if expected.is_some_and(|expected| expected != row.revision) { Err(Error::Stale) } else { Ok(Some(row)) }
        }
    }
}

/// The same, locked.
async fn locked_bid_in(
    tx: &mut Tx,
    ctx: &Ctx,
    (owner, tender): (OrgId, TenderId),
    target: OfferTarget,
    offer: Offer<'_>,
) -> Result<Option<Row>, Error> {
    match (target, offer) {
        (OfferTarget::New, Offer::Bid(_)) => refuse_live_bid(repo::bids::lock_own(tx, owner, ctx.org, tender).await?),
        (OfferTarget::New, Offer::Draft(_)) => {
            refuse_live_bid(repo::bids::lock_own(tx, owner, ctx.org, tender).await?).map(|_| None)
        }
        (OfferTarget::Known(bid, expected), _) => {
            let row = lock_in(tx, owner, bid, expected).await?;
            if row.status == BidStatus::Withdrawn {
                refuse_live_bid(repo::bids::lock_own(tx, owner, ctx.org, tender).await?)?;
            }
            Ok(Some(row))
        }
    }
}

/// Where the next revision goes.
fn next(ctx: &Ctx, tender: TenderId, old: Option<&Row>) -> Place {
    match old {
        Some(old) => Place { revision: old.revision + 1, ..old.place() },
        None => Place { tender, bid: BidId::new(), bidder: ctx.org, revision: 1 },
    }
}

async fn store_revision_in(tx: &mut Tx, window: BidWindow, old: Option<&Row>, ready: &SealedOffer) -> Result<Row, Error> {
    let revision = Revision { place: ready.place, sealed: &ready.sealed, receipt: ready.receipt };
    match old {
        Some(_) => repo::bids::replace(tx, window, revision).await,
        None => repo::bids::insert(tx, window, revision).await,
    }
}

/// What an offer made for this row was made for.
fn version_of(row: &Row) -> (BidId, u32, BidStatus) {
    (row.id, row.revision, row.status)
}

fn state_of(row: &Row) -> serde_json::Value {
    json!({ "status": row.status.name(), "revision": row.revision })
}

/// The entry of a revision, with what stood there before, if anything did.
fn with_previous(entry: NewEntry, old: Option<&Row>) -> NewEntry {
    match old {
        Some(old) => entry.before(state_of(old)),
        None => entry,
    }
}

impl Service {
    async fn tender_of_own(&self, ctx: &Ctx, bid: BidId) -> Result<TenderId, Error> {
        self.authorizer.check(ctx, perm::BIDS_SUBMIT, Scope::Organization)?;
        let row = self.uow.read(ctx, async |tx| repo::bids::get(tx.pg(), bid).await).await?;
        if row.bidder == ctx.org { Ok(row.tender) } else { Err(Error::NotFound("bid")) }
    }

    /// Stores a draft or a bid. What takes its time (reading the schedule, pricing, sealing) is done before the tender is held, so that
    /// nothing that others do waits for it, and nobody learns from waiting that somebody bids.
    async fn receive_offer_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        tender: TenderId,
        target: OfferTarget,
        offer: Offer<'_>,
    ) -> Result<Bid, Error> {
        let seen_window = check_open_for_bids_in(tx, ctx, tender).await?;
        let seen = current_bid_in(tx, ctx, (seen_window.owner, tender), target, offer).await?;
        let ready = self.price_and_seal_in(tx, ctx, seen_window, tender, seen.as_ref(), offer).await?;
        if let Some(seen) = &seen
            && let Some(bid) = self.as_it_stands(tx.pg(), seen, &ready).await?
        {
            return Ok(bid);
        }
        let window = BidWindow { at: seen_window.at, ..keep_open_for_bids_in(tx, ctx, seen_window.owner, tender).await? };
        let old = locked_bid_in(tx, ctx, (window.owner, tender), target, offer).await?;
        let unchanged = seen.as_ref().map(version_of) == old.as_ref().map(version_of);
        // The own organisation changed it meanwhile: made again for what stands there now.
        let ready = if unchanged { ready } else { self.price_and_seal_in(tx, ctx, window, tender, old.as_ref(), offer).await? };
        let row = store_revision_in(tx, window, old.as_ref(), &ready).await?;
        let place = ready.place;
        let entry = match &ready.receipt {
            None => NewEntry::named("bids.draft", "bid", place.bid)
                .after(json!({ "tender": tender, "status": row.status.name(), "revision": row.revision })),
            Some(receipt) => NewEntry::of(perm::BIDS_SUBMIT, "bid", place.bid).after(json!({
                "tender": tender, "status": "submitted", "revision": place.revision, "receipt": hex::encode(receipt.sha256)
            })),
        };
        self.audit.record_in(tx, ctx, with_previous(entry, old.as_ref())).await?;
        if ready.receipt.is_some() {
            tx.publish(&BidSubmitted { tender, bid: place.bid, revision: place.revision }).await?;
        }
        Ok(Bid { document: ready.document, ..bid_of(row, Some(ready.content)) })
    }

    /// The bid, or the draft, as it stands, if the new offer is the same one: then there is no revision, and it keeps its receipt and its place in
    /// time.
    async fn as_it_stands(&self, conn: &Conn, seen: &Row, ready: &SealedOffer) -> Result<Option<Bid>, Fault> {
        let kind = if ready.receipt.is_some() { BidStatus::Submitted } else { BidStatus::Draft };
        if seen.status != kind {
            return Ok(None);
        }
        let same = self.own_content(conn, seen).await?.filter(|(content, _)| *content == ready.content);
        Ok(same.map(|(content, document)| Bid { document, ..bid_of(seen.clone(), Some(content)) }))
    }

    /// Prices and seals an offer for the place after `old`: a draft without a receipt, a bid with one.
    async fn price_and_seal_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        window: BidWindow,
        tender: TenderId,
        old: Option<&Row>,
        offer: Offer<'_>,
    ) -> Result<SealedOffer, Error> {
        match (old, offer) {
            (Some(old), Offer::Draft(_)) => machine::saving(old.status)?,
            (Some(old), Offer::Bid(_)) => drop(machine::bid(old.status, machine::submission_of(old.status))?),
            (None, _) => {}
        }
        let lines = repo::tenders::lines(tx.pg(), window.owner, tender).await?;
        let key = self.bidding_key(tx.pg(), window.owner, tender).await?;
        let last = repo::tenders::days(tx.pg(), window.owner, tender).await?.deadline;
        let place = next(ctx, tender, old);
        match offer {
            Offer::Draft(draft) => {
                let content = pricing::price_draft(&lines, draft, window.currency, last)?;
                let sealed = key.seal_draft(place, &content)?;
                Ok(SealedOffer { place, content, sealed, receipt: None, document: None })
            }
            Offer::Bid(new) => {
                let milestones = repo::tenders::milestones(tx.pg(), window.owner, tender, window.currency).await?;
                let content = pricing::price(&lines, new, window.currency, last, &milestones)?;
                let parts = crate::model::milestones::amounts(content.total, &milestones);
                self.payable(window.currency, parts.into_iter().enumerate(), |_| "/lines".to_owned())?;
                let Sealed { sealed, receipt, document } = key.seal(place, window.at, &content)?;
                let receipt = Some(Receipt { sha256: receipt, received_at: window.at });
                Ok(SealedOffer { place, content, sealed, receipt, document: Some(document) })
            }
        }
    }

    async fn key(&self, conn: &Conn, owner: OrgId, tender: TenderId) -> Result<Option<TenderKey>, Fault> {
        let wrapped = repo::tenders::key(conn, owner, tender).await?;
        wrapped.map(|wrapped| self.keys.unwrap(tender, &wrapped)).transpose()
    }

    async fn bidding_key(&self, conn: &Conn, owner: OrgId, tender: TenderId) -> Result<TenderKey, Fault> {
        self.key(conn, owner, tender).await?.ok_or_else(|| Fault::internal("a tender takes bids without a key"))
    }

    /// What the own bid offers, unsealed for its bidder, with the document of its receipt; nothing once the key is destroyed.
    async fn own_content(&self, conn: &Conn, row: &Row) -> Result<Option<(BidContent, Option<String>)>, Fault> {
        let Some(key) = self.key(conn, row.owner, row.tender).await? else { return Ok(None) };
        let (sealed, receipt) = repo::bids::sealed(conn, row).await?;
        let Some(receipt) = receipt else { return Ok(Some((key.open_draft(row.place(), &sealed)?, None))) };
        let (content, document) = key.open(row.place(), &sealed, &receipt)?;
        Ok(Some((content, Some(document))))
    }

    /// Rows with what they offer, as the caller's side may see it.
    pub(super) async fn with_offers(&self, conn: &Conn, ctx: &Ctx, tender: &Tender, rows: Vec<Row>) -> Result<Vec<Bid>, Error> {
        let opened: Vec<_> = rows.iter().filter(|row| row.opened_at.is_some()).collect();
        let mut lines = std::collections::HashMap::<_, Vec<_>>::new();
        if !opened.is_empty() {
            for (bid, line) in repo::bids::lines(conn, &opened).await? {
                lines.entry(bid).or_default().push(line);
            }
        }
        let leaves = match tender.seal_root {
            Some(_) if tender.org != ctx.org => repo::tenders::leaves(conn, tender.org, tender.id).await?.unwrap_or_default(),
            _ => Vec::new(),
        };
        let mut bids = Vec::with_capacity(rows.len());
        for row in rows {
            let own = row.bidder == ctx.org;
            let unsealed = if own && !row.is_unreadable() { self.own_content(conn, &row).await? } else { None };
            let (sealed_content, document) = unsealed.unzip();
            let content = match (row.total, row.valid_until) {
                (Some(total), Some(valid_until)) => {
                    let lines = lines.remove(&row.id).unwrap_or_default();
                    Some(BidContent { total, lines, valid_until, note: row.note.clone() })
                }
                _ => sealed_content,
            };
            let proof = row.receipt.and_then(|receipt| merkle::prove(&leaves, &receipt.sha256));
            let document = if row.status == BidStatus::Withdrawn { row.withdrawal.clone() } else { document.flatten() };
            bids.push(Bid { proof, document: document.filter(|_| own), ..bid_of(row, content) });
        }
        Ok(bids)
    }

    /// An opened bid of the own tender, read again.
    pub(super) async fn bid_again_in(&self, tx: &mut Tx, ctx: &Ctx, bid: BidId) -> Result<Bid, Error> {
        let row = repo::bids::get(tx.pg(), bid).await?;
        let (tender, _) = repo::tenders::get(tx.pg(), row.tender).await?;
        self.with_offers(tx.pg(), ctx, &tender, vec![row]).await?.pop().ok_or(Error::NotFound("bid"))
    }
}

fn bid_of(row: Row, content: Option<BidContent>) -> Bid {
    Bid {
        id: row.id,
        tender: row.tender,
        bidder: row.bidder,
        status: row.status,
        revision: row.revision,
        content,
        receipt: row.receipt,
        rank: row.rank,
        opened_at: row.opened_at,
        disqualification: row.disqualification,
        proof: None,
        document: None,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

//! Bids: sealed while the tender takes them, read by their parties.

use async_trait::async_trait;
use audit_api::NewEntry;
use db::prelude::*;
use kernel::{BidId, Ctx, Fault, Page, PageRequest, Position, Scope, TenderId};
use serde_json::json;
use tenders_api::{
    Bid, BidContent, BidPage, BidStatus, BidSubmitted, Bidding, Error, NewBid, Receipt, Tender, TenderStatus, perm,
};

use super::Service;
use crate::model::machine;
use crate::model::{merkle, pricing};
use crate::repo::bids::{Revision, Row, Taking};
use crate::repo::{self, Conn};
use crate::seal::{self, Place, TenderKey};

#[async_trait]
impl Bidding for Service {
    async fn save_draft(&self, ctx: &Ctx, tender: TenderId, draft: NewBid) -> Result<Bid, Error> {
        self.authz.check(ctx, perm::BIDS_SUBMIT, Scope::Organization)?;
        self.uow
            .write(ctx, async |tx| {
                let taking = hold_in(tx, ctx, tender).await?;
                no_live_in(tx, ctx, tender).await?;
                self.save_draft_in(tx, ctx, taking, tender, None, &draft).await
            })
            .await
    }

    async fn replace_draft(&self, ctx: &Ctx, bid: BidId, expected: Option<u32>, draft: NewBid) -> Result<Bid, Error> {
        let tender = self.tender_of_own(ctx, bid).await?;
        self.uow
            .write(ctx, async |tx| {
                let taking = hold_in(tx, ctx, tender).await?;
                let old = lock_in(tx, bid, expected).await?;
                self.save_draft_in(tx, ctx, taking, tender, Some(&old), &draft).await
            })
            .await
    }

    async fn submit(&self, ctx: &Ctx, tender: TenderId, bid: NewBid) -> Result<Bid, Error> {
        self.authz.check(ctx, perm::BIDS_SUBMIT, Scope::Organization)?;
        self.uow
            .write(ctx, async |tx| {
                let taking = hold_in(tx, ctx, tender).await?;
                let withdrawn = no_live_in(tx, ctx, tender).await?;
                self.submit_in(tx, ctx, taking, tender, withdrawn.as_ref(), &bid).await
            })
            .await
    }

    async fn replace_bid(&self, ctx: &Ctx, bid: BidId, expected: Option<u32>, new: NewBid) -> Result<Bid, Error> {
        let tender = self.tender_of_own(ctx, bid).await?;
        self.uow
            .write(ctx, async |tx| {
                let taking = hold_in(tx, ctx, tender).await?;
                let old = lock_in(tx, bid, expected).await?;
                if old.status == BidStatus::Withdrawn {
                    no_live_in(tx, ctx, tender).await?;
                }
                self.submit_in(tx, ctx, taking, tender, Some(&old), &new).await
            })
            .await
    }

    async fn withdraw(&self, ctx: &Ctx, bid: BidId, expected: Option<u32>) -> Result<Bid, Error> {
        let tender = self.tender_of_own(ctx, bid).await?;
        self.uow
            .write(ctx, async |tx| {
                let taking = hold_in(tx, ctx, tender).await?;
                let old = lock_in(tx, bid, expected).await?;
                machine::withdrawal(old.status)?;
                let (receipt, document) = seal::withdrawal(old.place(), taking.at)?;
                let row = repo::bids::withdraw(tx, taking, &old, &receipt, &document).await?;
                let entry = NewEntry::named("bids.withdraw", "bid", bid)
                    .before(state_of(&old))
                    .after(json!({ "status": row.status.name(), "receipt": hex::encode(receipt) }));
                self.audit.record_in(tx, ctx, entry).await?;
                let content = self.own_content(tx.pg(), &row).await?.map(|(content, _)| content);
                Ok(Bid { document: Some(document), ..bid_of(row, content, taking.at) })
            })
            .await
    }

    async fn refuse_award(&self, ctx: &Ctx, bid: BidId, reason: String) -> Result<Bid, Error> {
        self.refuse_award_of(ctx, bid, &reason).await
    }

    async fn own_revision(&self, ctx: &Ctx, bid: BidId, revision: u32) -> Result<(BidContent, Option<String>), Error> {
        self.authz.check(ctx, perm::BIDS_READ_OWN, Scope::Organization)?;
        self.uow
            .read(ctx, async |tx| {
                let (row, _) = repo::bids::get(tx.pg(), bid).await?;
                if row.bidder != ctx.org || revision == 0 || revision > row.revision {
                    return Err(Error::NotFound("bid"));
                }
                self.own_content(tx.pg(), &Row { revision, ..row }).await?.ok_or(Error::NotFound("bid"))
            })
            .await
    }

    async fn get_bid(&self, ctx: &Ctx, bid: BidId) -> Result<Bid, Error> {
        let (row, _) = self.uow.read(ctx, async |tx| repo::bids::get(tx.pg(), bid).await).await?;
        let (tender, _) = self.seen(ctx, row.tender).await?;
        self.check_side(ctx, &tender, perm::BIDS_READ_OPENED, perm::BIDS_READ_OWN)?;
        self.uow
            .read(ctx, async |tx| {
                let (row, now) = repo::bids::get(tx.pg(), bid).await?;
                let mut bids = self.dress(tx.pg(), ctx, &tender, vec![row], now).await?;
                bids.pop().ok_or(Error::NotFound("bid"))
            })
            .await
    }

    async fn list_bids(&self, ctx: &Ctx, tender: TenderId, page: PageRequest) -> Result<BidPage, Error> {
        let (tender, now) = self.seen(ctx, tender).await?;
        self.check_side(ctx, &tender, perm::BIDS_READ_OPENED, perm::BIDS_READ_OWN)?;
        let sealed = tender.opened_at.is_none();
        if sealed && tender.org == ctx.org {
            return Ok(BidPage { page: Page { items: Vec::new(), next: None }, sealed, server_time: now });
        }
        self.uow
            .read(ctx, async |tx| {
                let rows = repo::bids::list(tx.pg(), tender.id, page).await?;
                let Page { items, next } = Page::cut(rows, page, |row| Position { created_at: row.created_at, id: row.id.0 });
                let items = self.dress(tx.pg(), ctx, &tender, items, now).await?;
                Ok(BidPage { page: Page { items, next }, sealed, server_time: now })
            })
            .await
    }
}

/// Holds the tender still and sees that it takes bids from this organisation now.
async fn hold_in(tx: &mut Tx, ctx: &Ctx, tender: TenderId) -> Result<Taking, Error> {
    let held = repo::tenders::hold(tx, tender).await?;
    if held.org == ctx.org {
        return Err(Error::OwnTender);
    }
    match held.status {
        TenderStatus::Published if held.now < held.deadline => {
            Ok(Taking { owner: held.org, currency: held.currency, deadline: held.deadline, at: held.now })
        }
        TenderStatus::Cancelled => {
            Err(Error::State { what: "tender", state: held.status.name(), hint: "it takes no bids any more".into() })
        }
        _ => {
            tracing::info!(%tender, bidder = %ctx.org, deadline = %held.deadline, now = %held.now, "a late bid was refused");
            Err(Error::TenderClosed { deadline: held.deadline, server_time: held.now })
        }
    }
}

/// The bid, locked, if it is the revision that the caller has seen.
async fn lock_in(tx: &mut Tx, bid: BidId, expected: Option<u32>) -> Result<Row, Error> {
    let row = repo::bids::lock(tx, bid).await?;
    if expected.is_some_and(|expected| expected != row.revision) {
        return Err(Error::Stale);
    }
    Ok(row)
}

/// Refuses an organisation that has a live bid or a draft; answers the one that it withdrew last.
async fn no_live_in(tx: &mut Tx, ctx: &Ctx, tender: TenderId) -> Result<Option<Row>, Error> {
    match repo::bids::lock_own(tx, ctx.org, tender).await? {
        Some(own) if own.status != BidStatus::Withdrawn => Err(Error::BidExists(Some((own.id, own.status)))),
        withdrawn => Ok(withdrawn),
    }
}

/// Where the next revision goes.
fn next(ctx: &Ctx, tender: TenderId, old: Option<&Row>) -> Place {
    match old {
        Some(old) => Place { revision: old.revision + 1, ..old.place() },
        None => Place { tender, bid: BidId::new(), bidder: ctx.org, revision: 1 },
    }
}

async fn store_in(tx: &mut Tx, taking: Taking, old: Option<&Row>, revision: Revision<'_>) -> Result<Row, Error> {
    match old {
        Some(_) => repo::bids::replace(tx, taking, revision).await,
        None => repo::bids::insert(tx, taking, revision).await,
    }
}

fn state_of(row: &Row) -> serde_json::Value {
    json!({ "status": row.status.name(), "revision": row.revision })
}

/// The entry of a revision, with what stood there before, if anything did.
fn behind(entry: NewEntry, old: Option<&Row>) -> NewEntry {
    match old {
        Some(old) => entry.before(state_of(old)),
        None => entry,
    }
}

impl Service {
    async fn tender_of_own(&self, ctx: &Ctx, bid: BidId) -> Result<TenderId, Error> {
        self.authz.check(ctx, perm::BIDS_SUBMIT, Scope::Organization)?;
        let (row, _) = self.uow.read(ctx, async |tx| repo::bids::get(tx.pg(), bid).await).await?;
        if row.bidder == ctx.org { Ok(row.tender) } else { Err(Error::NotFound("bid")) }
    }

    /// B1, or a draft once more: prices what is given, seals, stores. No receipt, and nobody is told.
    async fn save_draft_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        taking: Taking,
        tender: TenderId,
        old: Option<&Row>,
        draft: &NewBid,
    ) -> Result<Bid, Error> {
        if let Some(old) = old {
            machine::saving(old.status)?;
        }
        let lines = repo::tenders::lines(tx.pg(), taking.owner, tender).await?;
        let content = pricing::price_draft(&lines, draft, taking.currency, taking.deadline)?;
        let place = next(ctx, tender, old);
        let sealed = self.bidding_key(tx.pg(), tender).await?.seal_draft(place, &content)?;
        let row = store_in(tx, taking, old, Revision { place, sealed: &sealed, receipt: None }).await?;
        let entry = NewEntry::named("bids.draft", "bid", place.bid)
            .after(json!({ "tender": tender, "status": row.status.name(), "revision": row.revision }));
        self.audit.record_in(tx, ctx, behind(entry, old)).await?;
        Ok(bid_of(row, Some(content), taking.at))
    }

    /// B2, B3, B5, B7: prices, seals, stores.
    async fn submit_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        taking: Taking,
        tender: TenderId,
        old: Option<&Row>,
        new: &NewBid,
    ) -> Result<Bid, Error> {
        if let Some(old) = old {
            machine::bid(old.status, machine::submission_of(old.status))?;
        }
        let lines = repo::tenders::lines(tx.pg(), taking.owner, tender).await?;
        let milestones = repo::tenders::milestones(tx.pg(), taking.owner, tender, taking.currency).await?;
        let content = pricing::price(&lines, new, taking.currency, taking.deadline, &milestones)?;
        let parts = crate::model::milestones::amounts(content.total, &milestones);
        self.payable(taking.currency, parts.into_iter().enumerate(), |_| "/lines".to_owned())?;
        let place = next(ctx, tender, old);
        let sealed = self.bidding_key(tx.pg(), tender).await?.seal(place, taking.at, &content)?;
        let receipt = Receipt { sha256: sealed.receipt, received_at: taking.at };
        let row = store_in(tx, taking, old, Revision { place, sealed: &sealed.sealed, receipt: Some(receipt) }).await?;
        let receipt = hex::encode(sealed.receipt);
        let entry = NewEntry::of(perm::BIDS_SUBMIT, "bid", place.bid)
            .after(json!({ "tender": tender, "status": "submitted", "revision": place.revision, "receipt": receipt }));
        self.audit.record_in(tx, ctx, behind(entry, old)).await?;
        tx.publish(&BidSubmitted { tender, bid: place.bid, revision: place.revision }).await?;
        Ok(Bid { document: Some(sealed.document), ..bid_of(row, Some(content), taking.at) })
    }

    async fn key(&self, conn: &Conn, tender: TenderId) -> Result<Option<TenderKey>, Fault> {
        let wrapped = repo::tenders::key(conn, tender).await?;
        wrapped.map(|wrapped| self.keys.unwrap(tender, &wrapped)).transpose()
    }

    async fn bidding_key(&self, conn: &Conn, tender: TenderId) -> Result<TenderKey, Fault> {
        self.key(conn, tender).await?.ok_or_else(|| Fault::internal("a tender takes bids without a key"))
    }

    /// What the own bid offers, unsealed for its bidder, with the document of its receipt; nothing once the key is destroyed.
    async fn own_content(&self, conn: &Conn, row: &Row) -> Result<Option<(BidContent, Option<String>)>, Fault> {
        let Some(key) = self.key(conn, row.tender).await? else { return Ok(None) };
        let (sealed, receipt) = repo::bids::sealed(conn, row).await?;
        let Some(receipt) = receipt else { return Ok(Some((key.open_draft(row.place(), &sealed)?, None))) };
        let (content, document) = key.open(row.place(), &sealed, &receipt)?;
        Ok(Some((content, Some(document))))
    }

    /// Rows with what they offer, as the caller's side may see it.
    pub(super) async fn dress(
        &self,
        conn: &Conn,
        ctx: &Ctx,
        tender: &Tender,
        rows: Vec<Row>,
        now: kernel::Timestamp,
    ) -> Result<Vec<Bid>, Error> {
        let opened: Vec<_> = rows.iter().filter(|row| row.opened_at.is_some()).collect();
        let mut lines = std::collections::HashMap::<_, Vec<_>>::new();
        if !opened.is_empty() {
            for (bid, line) in repo::bids::lines(conn, &opened).await? {
                lines.entry(bid).or_default().push(line);
            }
        }
        let leaves = match tender.seal_root {
            Some(_) if tender.org != ctx.org => repo::tenders::leaves(conn, tender.id).await?.unwrap_or_default(),
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
            bids.push(Bid { proof, document: document.filter(|_| own), ..bid_of(row, content, now) });
        }
        Ok(bids)
    }

    /// An opened bid of the own tender, read again.
    pub(super) async fn bid_again_in(&self, tx: &mut Tx, ctx: &Ctx, bid: BidId) -> Result<Bid, Error> {
        let (row, now) = repo::bids::get(tx.pg(), bid).await?;
        let (tender, _) = repo::tenders::get(tx.pg(), row.tender).await?;
        self.dress(tx.pg(), ctx, &tender, vec![row], now).await?.pop().ok_or(Error::NotFound("bid"))
    }
}

fn bid_of(row: Row, content: Option<BidContent>, server_time: kernel::Timestamp) -> Bid {
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
        server_time,
    }
}

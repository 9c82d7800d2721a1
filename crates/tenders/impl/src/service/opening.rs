//! Opening: two persons, all bids at once, a record that anyone can check.

use std::sync::atomic::{AtomicBool, Ordering};

use audit_api::NewEntry;
use db::{Pg, PgRead};
use kernel::{BidId, Ctx, Currency, Fault, TenderId};
use serde_json::json;
use tenders_api::{
    BidContent, Disqualification, Error, OpeningRecord, Side, Step, Tender, TenderLine, TenderOpened, UNREADABLE, perm,
};
use uow::{Alarm, Tx};

use super::{Service, action, is_due, persons};
use crate::model::machine::{self, BidEvent, TenderEvent};
use crate::model::{merkle, pricing, ranking};
use crate::repo;
use crate::seal::{Place, TenderKey};

/// The action under which an opening is recorded that found other bids than were counted at closing.
const SEAL_BROKEN: &str = "tenders.seal_broken";

/// The action under which an offer that the opening could not read is recorded.
const UNREADABLE_BID: &str = "bids.unreadable";

struct Opened {
    place: Place,
    content: BidContent,
    entry: ranking::Entry,
}

impl Service {
    pub(super) async fn open_bids(&self, ctx: &Ctx, tender: TenderId) -> Result<Step, Error> {
        self.owned(ctx, tender, perm::OPEN).await?;
        self.voucher.ready().await?;
        let none_readable = AtomicBool::new(false);
        let opened = self
            .uow
            .write(ctx, async |tx| {
                let (old, now) = repo::tenders::lock(tx, ctx.org, tender).await?;
                if is_due(&old, now) {
                    let hint = "its deadline has just passed and it is being closed: try again in a moment";
                    return Err(Error::state("tender", old.status.name(), hint));
                }
                machine::tender(old.status, TenderEvent::Open)?;
                self.not_of_a_bidder_in(tx, ctx, tender).await?;
                let weight = self.amount_at_stake_in(tx, &old).await?;
                let approval = self.approve_in(tx, ctx, perm::OPEN, (old.project, old.id.0), "open".into(), weight).await?;
                if approval.is_waiting() {
                    self.record_waiting_in(tx, ctx, perm::OPEN, ("tender", old.id.0), json!({})).await?;
                } else {
                    let (bids, unreadable) = self.unseal_in(tx, ctx, &old, &persons(ctx, approval), &none_readable).await?;
                    let root = old.seal_root.map(hex::encode);
                    let mut after = json!({ "status": "evaluation", "sealRoot": root, "bids": bids.len() });
                    if !unreadable.is_empty() {
                        after["unreadable"] = json!(unreadable);
                    }
                    self.record_in(tx, ctx, action(perm::OPEN), ("tender", tender.0), old.status.name(), after).await?;
                    tx.publish(&TenderOpened { tender, bids }).await?;
                }
                Ok(Step { tender: repo::tenders::view_again(tx.pg(), ctx, tender).await?, approval: Some(approval) })
            })
            .await;
        // The opening was taken back: only a transaction of its own can say why. No word of who bid, or how many.
        if AtomicBool::load(&none_readable, Ordering::Relaxed) {
            let detail = "no sealed offer can be read: it stays sealed; look at the seal keys and at what was restored";
            self.tell_unopened(ctx, tender, "opening_unreadable", detail).await?;
        }
        if matches!(opened, Err(Error::SealBroken)) {
            let detail = "the bids are not those that were counted at closing: nothing was opened, it stays closed; `build14 doctor` says \
                          what does not agree, restore it from a backup";
            self.tell_unopened(ctx, tender, "seal_broken", detail).await?;
        }
        opened
    }

    async fn tell_unopened(&self, ctx: &Ctx, tender: TenderId, kind: &'static str, detail: &str) -> Result<(), Fault> {
        let unkeyed = Ctx { once: None, ..ctx.clone() };
        let alarm = Alarm { kind, about: ("tender", tender.to_string()), org: None, detail: detail.to_owned() };
        self.uow
            .write(&unkeyed, async |tx| {
                if kind == "seal_broken" {
                    let entry = NewEntry::named(SEAL_BROKEN, "tender", tender).after(json!({ "status": "closed" }));
                    self.audit.record_in(tx, &unkeyed, entry).await?;
                }
                tx.alarm(alarm).await
            })
            .await
    }

    /// Opens, decrypts, checks and ranks every submitted bid; answers them in the order of their rank, and those that cannot be read.
    /// Such a one is disqualified: one bidder's offer does not keep the others shut. But if none can be read, the cause is elsewhere,
    /// and nothing is opened that a repair or a backup could still bring back.
    async fn unseal_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        tender: &Tender,
        persons: &[kernel::UserId],
        none_readable: &AtomicBool,
    ) -> Result<(Vec<BidId>, Vec<BidId>), Error> {
        let offers = repo::tenders::open_bids(tx, tender, persons).await?;
        let key = repo::tenders::key(tx.pg(), tender.org, tender.id).await?;
        let key = key.ok_or_else(|| Fault::internal("the key of a closed tender is gone"))?;
        let key = self.keys.unwrap(tender.id, &key)?;
        let lines = repo::tenders::lines(tx.pg(), tender.org, tender.id).await?;
        let (mut opened, mut unreadable, mut first) = (Vec::with_capacity(offers.len()), Vec::new(), None);
        for offer in offers {
            let place = offer.place;
            let receipt = offer.receipt_sha256.as_slice().try_into().map_err(Fault::internal)?;
            match read(&key, place, &offer.sealed, &receipt, (&lines, tender.currency)) {
                Ok(content) => {
                    let entry = ranking::Entry { bid: place.bid, total: content.total.minor(), received_at: offer.received_at };
                    opened.push(Opened { place, content, entry });
                }
                Err(fault) => {
                    unreadable.push(place.bid);
                    first.get_or_insert(fault);
                }
            }
        }
        if let Some(fault) = first {
            // Nobody's bid is named: nothing is opened until the commit, and a log has other readers than the record.
            tracing::error!(tender = %tender.id, %fault, "sealed offers are unreadable");
            if opened.is_empty() {
                AtomicBool::store(none_readable, true, Ordering::Relaxed);
                return Err(fault.into());
            }
        }
        for id in &unreadable {
            self.disqualify_unreadable_in(tx, ctx, tender, *id).await?;
        }
        let order = ranking::ranked(opened.iter().map(|bid| bid.entry).collect());
        for bid in &opened {
            let rank = order.iter().position(|id| *id == bid.place.bid).unwrap_or_default() + 1;
            let rank = u32::try_from(rank).map_err(Fault::internal)?;
            repo::bids::write_opened(tx, &self.voucher, tender.org, bid.place, &bid.content, rank).await?;
        }
        Ok((order, unreadable))
    }

    /// Disqualified by the opening itself.
    async fn disqualify_unreadable_in(&self, tx: &mut Tx, ctx: &Ctx, tender: &Tender, bid: BidId) -> Result<(), Error> {
        let row = repo::bids::lock(tx, tender.org, bid).await?;
        let to = machine::bid(row.status, BidEvent::Disqualify)?;
        let reason =
            "the platform could not read the sealed offer; the receipt and its document prove what was received".to_owned();
        let why = Disqualification { code: UNREADABLE.to_owned(), reason };
        repo::bids::disqualify(tx, &row, &why).await?;
        let detail = format!("the opening of tender {} could not read this offer and disqualified it", tender.id);
        tx.alarm(Alarm { kind: "offer_unreadable", about: ("bid", bid.to_string()), org: None, detail }).await?;
        let after = json!({ "status": to.name(), "reasonCode": why.code, "reason": why.reason });
        Ok(self.record_in(tx, ctx, UNREADABLE_BID, ("bid", bid.0), row.status.name(), after).await?)
    }

    pub(super) async fn read_opening_record(&self, ctx: &Ctx, id: TenderId) -> Result<OpeningRecord, Error> {
        let (tender, _) = self.current_tender(ctx, id).await?;
        self.check_side(ctx, &tender, perm::BIDS_READ_OPENED, perm::BIDS_READ_OWN)?;
        let owner = repo::tenders::side(ctx.org, &tender) == Side::Owner;
        self.uow
            .read(ctx, async |tx| {
                let record = repo::tenders::record(tx.pg(), tender.org, id).await?;
                let leaves = repo::tenders::leaves(tx.pg(), tender.org, id).await?.unwrap_or_default();
                let (mut ranking, mut unreadable) = (Vec::new(), Vec::new());
                let (mut own_proof, mut opened_by) = (None, Vec::new());
                if owner {
                    opened_by = record.opened_by;
                    for bid in repo::bids::opened(tx.pg(), tender.org, id).await? {
                        unreadable.extend(bid.is_unreadable().then_some((bid.id, bid.bidder)));
                        ranking.extend(bid.rank.zip(bid.total).map(|(rank, total)| (bid.id, bid.bidder, rank, total)));
                    }
                } else {
                    let own = repo::bids::receipts(tx.pg(), tender.org, ctx.org, id).await?;
                    own_proof = own.iter().find_map(|receipt| merkle::prove(&leaves, receipt));
                }
                Ok(OpeningRecord {
                    tender: id,
                    root: record.root,
                    receipts: record.receipts,
                    decoy_seed: record.decoy_seed,
                    leaves: leaves.len(),
                    opened_by,
                    opened_at: record.opened_at,
                    own_proof,
                    ranking,
                    unreadable,
                })
            })
            .await
    }
}

/// What a sealed offer holds, if it opens with its key in its place, is what its receipt stands for, and adds up.
fn read(
    key: &TenderKey,
    place: Place,
    sealed: &[u8],
    receipt: &merkle::Hash,
    (lines, currency): (&[TenderLine], Currency),
) -> Result<BidContent, Fault> {
    let (content, _) = key.open(place, sealed, receipt)?;
    match pricing::recheck(lines, &content, currency) {
        Some(()) => Ok(content),
        None => Err(Fault::internal("a sealed offer does not add up")),
    }
}

//! Bids: sealed rows of the bidder, opened rows of the owner.

use chrono::NaiveDate;
use db::Voucher;
use db::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Bytea, Text, Uuid as SqlUuid};
use kernel::{BidId, Currency, Fault, Money, OrgId, PageRequest, TenderId, Timestamp};
use rust_decimal::Decimal;
use serde::Serialize;
use tenders_api::{BidContent, BidLine, BidStatus, Disqualification, Error, LiveBid, Receipt};
use uuid::Uuid;

use super::{Conn, hash, number, signed};
use crate::model::merkle::Hash;
use crate::schema::{bid_lines, bid_revisions, bids};
use crate::seal::Place;

#[derive(Queryable, Selectable)]
#[diesel(table_name = bids)]
struct Columns {
    org_id: Uuid,
    id: Uuid,
    tender_id: Uuid,
    bidder_org_id: Uuid,
    status: String,
    revision: i32,
    receipt_sha256: Option<Vec<u8>>,
    received_at: Option<Timestamp>,
    withdrawal_document: Option<String>,
    opened_at: Option<Timestamp>,
    total: Option<i64>,
    currency: String,
    valid_until: Option<NaiveDate>,
    note: Option<String>,
    rank: Option<i32>,
    disqualified_code: Option<String>,
    disqualified_reason: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A bid's row.
#[derive(Debug, Clone)]
pub struct Row {
    pub owner: OrgId,
    pub id: BidId,
    pub tender: TenderId,
    pub bidder: OrgId,
    pub status: BidStatus,
    pub revision: u32,
    pub receipt: Option<Receipt>,
    /// What the receipt of its withdrawal stands for.
    pub withdrawal: Option<String>,
    pub opened_at: Option<Timestamp>,
    pub total: Option<Money>,
    pub currency: Currency,
    pub valid_until: Option<NaiveDate>,
    pub note: Option<String>,
    pub rank: Option<u32>,
    pub disqualification: Option<Disqualification>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Row {
    /// What its offer is bound to.
    pub fn place(&self) -> Place {
        Place { tender: self.tender, bid: self.id, bidder: self.bidder, revision: self.revision }
    }

    /// Whether the opening could not read it: whatever was read has a total.
    pub fn is_unreadable(&self) -> bool {
        self.opened_at.is_some() && self.total.is_none()
    }
}

impl TryFrom<Columns> for Row {
    type Error = Fault;

    fn try_from(row: Columns) -> Result<Self, Fault> {
        let currency = db::currency(&row.currency)?;
        let reason = row.disqualified_code.zip(row.disqualified_reason);
        let receipt = row.receipt_sha256.zip(row.received_at);
        let receipt = receipt.map(|(sha256, received_at)| Ok::<_, Fault>(Receipt { sha256: hash(&sha256)?, received_at }));
        Ok(Self {
            owner: row.org_id.into(),
            id: row.id.into(),
            tender: row.tender_id.into(),
            bidder: row.bidder_org_id.into(),
            status: db::named::<BidStatus>(&row.status)?,
            revision: number(row.revision),
            receipt: receipt.transpose()?,
            withdrawal: row.withdrawal_document,
            opened_at: row.opened_at,
            total: row.total.map(|minor| Money::from_minor(minor, currency)),
            currency,
            valid_until: row.valid_until,
            note: row.note,
            rank: row.rank.map(number),
            disqualification: reason.map(|(code, reason)| Disqualification { code, reason }),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

const ABSENT: fn() -> Error = || Error::NotFound("bid");

/// A bid that the transaction's tenant may see.
pub async fn get(mut conn: &Conn, id: BidId) -> Result<Row, Error> {
    let query = bids::table.filter(bids::id.eq(id.0)).select(Columns::as_select());
    let row: Columns = query.first(&mut conn).await.not_found(ABSENT)?;
    Ok(row.try_into()?)
}

/// A bid, locked.
pub async fn lock(tx: &mut Tx, owner: OrgId, id: BidId) -> Result<Row, Error> {
    let query = bids::table.find((owner.0, id.0)).for_update().select(Columns::as_select());
    Ok(query.first(tx.pg()).await.not_found(ABSENT)?.try_into()?)
}

/// The query of an organisation's own bid for a tender: the live one first, then the last one that was withdrawn.
macro_rules! own {
    ($owner:expr, $bidder:expr, $tender:expr) => {
        bids::table
            .filter(bids::org_id.eq($owner.0).and(bids::bidder_org_id.eq($bidder.0)).and(bids::tender_id.eq($tender.0)))
            .order((bids::status.eq(BidStatus::Withdrawn.name()), bids::created_at.desc(), bids::id.desc()))
            .select(Columns::as_select())
    };
}

/// The organisation's own bid for a tender, the live one first, then the last one that was withdrawn.
pub async fn own(mut conn: &Conn, owner: OrgId, bidder: OrgId, tender: TenderId) -> Result<Option<Row>, Error> {
    let row = own!(owner, bidder, tender).first(&mut conn).await.optional().fault()?;
    Ok(row.map(Row::try_from).transpose()?)
}

/// The same, locked.
pub async fn lock_own(tx: &mut Tx, owner: OrgId, bidder: OrgId, tender: TenderId) -> Result<Option<Row>, Error> {
    let row = own!(owner, bidder, tender).for_update().first(tx.pg()).await.optional().fault()?;
    Ok(row.map(Row::try_from).transpose()?)
}

/// Bids of a tender that the transaction's tenant may see, newest first.
pub async fn list(mut conn: &Conn, owner: OrgId, tender: TenderId, page: PageRequest) -> Result<Vec<Row>, Error> {
    let of_tender = bids::org_id.eq(owner.0).and(bids::tender_id.eq(tender.0));
    let query = db::after!(bids::table.filter(of_tender).into_boxed(), page, bids::created_at, bids::id);
    let query = query.select(Columns::as_select()).order((bids::created_at.desc(), bids::id.desc())).limit(page.fetch());
    let rows: Vec<Columns> = query.load(&mut conn).await.fault()?;
    Ok(rows.into_iter().map(Row::try_from).collect::<Result<_, _>>()?)
}

/// Every opened bid of a tender, for its owner; the first in rank first.
pub async fn opened(mut conn: &Conn, owner: OrgId, tender: TenderId) -> Result<Vec<Row>, Error> {
    let query = bids::table.filter(bids::org_id.eq(owner.0).and(bids::tender_id.eq(tender.0)).and(bids::opened_at.is_not_null()));
    let rows: Vec<Columns> = query.select(Columns::as_select()).order(bids::rank).load(&mut conn).await.fault()?;
    Ok(rows.into_iter().map(Row::try_from).collect::<Result<_, _>>()?)
}

/// A tender that takes bids, as far as writing one needs it.
#[derive(Debug, Clone, Copy)]
pub struct BidWindow {
    pub owner: OrgId,
    pub currency: Currency,
    pub deadline: Timestamp,
    /// When the bid was received.
    pub at: Timestamp,
}

/// A sealed revision. With a receipt it is submitted, without one it is a draft.
#[derive(Debug, Clone, Copy)]
pub struct Revision<'a> {
    pub place: Place,
    pub sealed: &'a [u8],
    pub receipt: Option<Receipt>,
}

impl Revision<'_> {
    fn status(&self) -> BidStatus {
        if self.receipt.is_some() { BidStatus::Submitted } else { BidStatus::Draft }
    }

    fn receipt(&self) -> (Option<&[u8]>, Option<Timestamp>) {
        self.receipt.as_ref().map(|receipt| (&receipt.sha256[..], receipt.received_at)).unzip()
    }
}

/// A new draft or bid with its first revision.
pub async fn insert(tx: &mut Tx, window: BidWindow, revision: Revision<'_>) -> Result<Row, Error> {
    let (place, (sha256, received_at)) = (revision.place, revision.receipt());
    let inserted = diesel::insert_into(bids::table)
        .values((
            bids::org_id.eq(window.owner.0),
            bids::id.eq(place.bid.0),
            bids::tender_id.eq(place.tender.0),
            bids::bidder_org_id.eq(place.bidder.0),
            bids::status.eq(revision.status().name()),
            bids::revision.eq(signed(place.revision)),
            bids::receipt_sha256.eq(sha256),
            bids::received_at.eq(received_at),
            bids::currency.eq(window.currency.code()),
        ))
        // Not a violation of the index: PostgreSQL would write tender and bidder into its log.
        .on_conflict_do_nothing()
        .returning(Columns::as_returning())
        .get_result(tx.pg())
        .await
        .optional();
    let row = in_time(inserted, window.deadline).fault()??.ok_or(Error::BidExists(None))?;
    insert_revision(tx, window, revision).await?;
    Ok(row.try_into()?)
}

/// A draft saved or submitted again, a bid replaced or resubmitted: the next revision.
pub async fn replace(tx: &mut Tx, window: BidWindow, revision: Revision<'_>) -> Result<Row, Error> {
    let (place, (sha256, received_at)) = (revision.place, revision.receipt());
    let at = db::touched(tx).await?;
    let updated = diesel::update(bids::table.find((window.owner.0, place.bid.0)))
        .set((
            bids::status.eq(revision.status().name()),
            bids::revision.eq(signed(place.revision)),
            bids::receipt_sha256.eq(sha256),
            bids::received_at.eq(received_at),
            bids::withdrawal_document.eq(None::<&str>),
            bids::updated_at.eq(at),
        ))
        .returning(Columns::as_returning())
        .get_result(tx.pg())
        .await;
    let row = in_time(updated, window.deadline).on_constraint("bids_one_live", || Error::BidExists(None))??;
    insert_revision(tx, window, revision).await?;
    Ok(row.try_into()?)
}

async fn insert_revision(tx: &mut Tx, window: BidWindow, revision: Revision<'_>) -> Result<(), Error> {
    use bid_revisions as r;
    let (place, (sha256, received_at)) = (revision.place, revision.receipt());
    let inserted = diesel::insert_into(r::table)
        .values((
            r::org_id.eq(window.owner.0),
            r::bid_id.eq(place.bid.0),
            r::revision.eq(signed(place.revision)),
            r::tender_id.eq(place.tender.0),
            r::bidder_org_id.eq(place.bidder.0),
            r::sealed.eq(revision.sealed),
            r::receipt_sha256.eq(sha256),
            r::received_at.eq(received_at),
        ))
        .execute(tx.pg())
        .await;
    in_time(inserted, window.deadline).fault()??;
    Ok(())
}

/// Withdraws a bid.
pub async fn withdraw(tx: &mut Tx, window: BidWindow, bid: &Row, receipt: &Hash, document: &str) -> Result<Row, Error> {
    let at = db::touched(tx).await?;
    let updated = diesel::update(bids::table.find((bid.owner.0, bid.id.0)))
        .set((
            bids::status.eq(BidStatus::Withdrawn.name()),
            bids::receipt_sha256.eq(&receipt[..]),
            bids::received_at.eq(window.at),
            bids::withdrawal_document.eq(document),
            bids::updated_at.eq(at),
        ))
        .returning(Columns::as_returning())
        .get_result(tx.pg())
        .await;
    Ok(in_time(updated, window.deadline).fault()??.try_into()?)
}

/// The database refuses a bid at or after the deadline (`bid_in_time`), read from the clock at the very statement: the caller was in time
/// when it got the lock on the tender, and is late now.
fn in_time<T>(result: Result<T, DieselError>, deadline: Timestamp) -> Result<Result<T, Error>, DieselError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(DieselError::DatabaseError(_, info)) if info.constraint_name() == Some("bid_in_time") => {
            Ok(Err(Error::TenderClosed { deadline, server_time: deadline }))
        }
        Err(error) => Err(error),
    }
}

/// The sealed offer of a revision, for its bidder, with its receipt; a draft has none.
pub async fn sealed(mut conn: &Conn, bid: &Row) -> Result<(Vec<u8>, Option<Hash>), Fault> {
    use bid_revisions as r;
    let query = r::table.find((bid.owner.0, bid.id.0, signed(bid.revision))).select((r::sealed, r::receipt_sha256));
    let (sealed, receipt): (Vec<u8>, Option<Vec<u8>>) = query.first(&mut conn).await.fault()?;
    Ok((sealed, receipt.as_deref().map(hash).transpose()?))
}

/// The receipts of everything that the organisation ever submitted for a tender, the newest first.
pub async fn receipts(mut conn: &Conn, owner: OrgId, bidder: OrgId, tender: TenderId) -> Result<Vec<Hash>, Fault> {
    use bid_revisions as r;
    let own = r::table.filter(r::org_id.eq(owner.0).and(r::bidder_org_id.eq(bidder.0)).and(r::tender_id.eq(tender.0)));
    let query = own.order((r::received_at.desc(), r::revision.desc())).select(r::receipt_sha256);
    let rows: Vec<Option<Vec<u8>>> = query.load(&mut conn).await.fault()?;
    rows.iter().flatten().map(|receipt| hash(receipt)).collect()
}

/// An offer as the database reads it, by the names of its columns.
#[derive(Serialize)]
struct Offer<'a> {
    org: Uuid,
    bid: Uuid,
    revision: u32,
    total: i64,
    valid_until: NaiveDate,
    note: Option<&'a str>,
    rank: u32,
    lines: Vec<OfferLine>,
}

#[derive(Serialize)]
struct OfferLine {
    soq_line_id: Uuid,
    position: usize,
    rate: Decimal,
    amount: i64,
}

/// Writes down what an opened bid offers, as the program read it under its seal: it vouches for it. [`Voucher::ready`] went before.
pub async fn write_opened(
    tx: &mut Tx,
    voucher: &Voucher,
    owner: OrgId,
    place: Place,
    content: &BidContent,
    rank: u32,
) -> Result<(), Fault> {
    let line = |(line, position): (&BidLine, usize)| OfferLine {
        soq_line_id: line.soq_line.0,
        position,
        rate: line.rate,
        amount: line.amount.minor(),
    };
    let offer = Offer {
        org: owner.0,
        bid: place.bid.0,
        revision: place.revision,
        total: content.total.minor(),
        valid_until: content.valid_until,
        note: content.note.as_deref(),
        rank,
        lines: content.lines.iter().zip(1..).map(line).collect(),
    };
    let text = serde_json::to_string(&offer).map_err(Fault::internal)?;
    diesel::sql_query("select app.write_offer($1, $2, $3, $4)")
        .bind::<SqlUuid, _>(owner.0)
        .bind::<SqlUuid, _>(place.bid.0)
        .bind::<Text, _>(&text)
        .bind::<Bytea, _>(voucher.proof_for("offer", &text)?)
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// The lines of opened bids, in order, by bid.
pub async fn lines(mut conn: &Conn, bids: &[&Row]) -> Result<Vec<(BidId, BidLine)>, Fault> {
    use bid_lines as l;
    let (owners, ids): (Vec<Uuid>, Vec<Uuid>) = bids.iter().map(|bid| (bid.owner.0, bid.id.0)).unzip();
    let query = l::table.filter(l::org_id.eq_any(owners).and(l::bid_id.eq_any(ids))).order((l::bid_id, l::position));
    let rows: Vec<(Uuid, Uuid, Decimal, i64)> =
        query.select((l::bid_id, l::soq_line_id, l::rate, l::amount)).load(&mut conn).await.fault()?;
    let currency = |bid: Uuid| bids.iter().find(|row| row.id.0 == bid).map(|row| row.currency);
    let line = |(bid, soq_line, rate, amount): (Uuid, Uuid, Decimal, i64)| {
        let amount = Money::from_minor(amount, currency(bid)?);
        Some((bid.into(), BidLine { soq_line: soq_line.into(), rate: rate.normalize(), amount }))
    };
    Ok(rows.into_iter().filter_map(line).collect())
}

/// Another state of an opened bid.
pub async fn set_status(tx: &mut Tx, bid: &Row, to: BidStatus) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(bids::table.find((bid.owner.0, bid.id.0)))
        .set((bids::status.eq(to.name()), bids::updated_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Disqualifies a bid, also for the opening itself.
pub async fn disqualify(tx: &mut Tx, bid: &Row, why: &Disqualification) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(bids::table.find((bid.owner.0, bid.id.0)))
        .set((
            bids::status.eq(BidStatus::Disqualified.name()),
            bids::disqualified_code.eq(&why.code),
            bids::disqualified_reason.eq(&why.reason),
            bids::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

#[derive(QueryableByName)]
struct LiveRow {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    tender_id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Text)]
    title: String,
}

/// What an organisation's bids still bind it to: asked of the platform, since a tender that no member may see any more is hidden from it.
pub async fn live(mut conn: &Conn, org: OrgId) -> Result<Vec<LiveBid>, Fault> {
    let query = diesel::sql_query("select tender_id, title from app.live_bids($1)").bind::<diesel::sql_types::Uuid, _>(org.0);
    let rows: Vec<LiveRow> = query.load(&mut conn).await.fault()?;
    Ok(rows.into_iter().map(|row| LiveBid { tender: row.tender_id.into(), title: row.title }).collect())
}

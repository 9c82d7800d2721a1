//! Tenders: reading, locking, the transitions.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use db::prelude::*;
use diesel::sql_types::{Array, Bool, Date, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use escrow_api::ContractId;
use kernel::{Ctx, Currency, Fault, OrgId, PageRequest, ProjectId, TenderId, Timestamp, UserId};
use projects_api::LineKind;
use rust_decimal::Decimal;
use tenders_api::{
    AwardRef, Error, Filter, Milestone, ProcurementMethod, Share, Side, StatedAmount, Tender, TenderLine, TenderStatus,
    TenderView,
};
use uuid::Uuid;

use super::{Conn, clock, hash, hashes, number};
use crate::model::merkle::Hash;
use crate::model::platform::{AwardStatus, OpenedOffer};
use crate::schema::{
    awards, opening_records, tender_invitations, tender_keys, tender_lines, tender_milestones, tender_seals, tenders,
};
use crate::seal::{Place, WrappedKey};

#[derive(Queryable, Selectable)]
#[diesel(table_name = tenders)]
struct Row {
    org_id: Uuid,
    id: Uuid,
    project_id: Uuid,
    soq_id: Uuid,
    soq_version: Option<i32>,
    title: String,
    description: Option<String>,
    procurement_method: String,
    status: String,
    currency: String,
    submission_deadline: Timestamp,
    time_zone: Option<String>,
    questions_until: Option<Timestamp>,
    min_bids: i32,
    related_tender_id: Option<Uuid>,
    published_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    opened_at: Option<Timestamp>,
    seal_root: Option<Vec<u8>>,
    standstill_until: Option<Timestamp>,
    cancel_reason: Option<String>,
    created_by: Option<Uuid>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<Row> for Tender {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            id: row.id.into(),
            org: row.org_id.into(),
            project: row.project_id.into(),
            soq: row.soq_id.into(),
            soq_version: row.soq_version.map(number),
            title: row.title,
            description: row.description,
            method: db::named::<ProcurementMethod>(&row.procurement_method)?,
            status: db::named::<TenderStatus>(&row.status)?,
            currency: db::currency(&row.currency)?,
            submission_deadline: row.submission_deadline,
            time_zone: row.time_zone,
            questions_until: row.questions_until,
            min_bids: number(row.min_bids),
            related: row.related_tender_id.map(Into::into),
            published_at: row.published_at,
            closed_at: row.closed_at,
            opened_at: row.opened_at,
            seal_root: row.seal_root.as_deref().map(hash).transpose()?,
            standstill_until: row.standstill_until,
            cancel_reason: row.cancel_reason,
            created_by: row.created_by.map(Into::into),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

const ABSENT: fn() -> Error = || Error::NotFound("tender");

/// A tender that the transaction's tenant may see, and the clock.
pub async fn get(mut conn: &Conn, id: TenderId) -> Result<(Tender, Timestamp), Error> {
    let query = tenders::table.filter(tenders::id.eq(id.0)).select((Row::as_select(), clock()));
    let (row, now): (Row, Timestamp) = query.first(&mut conn).await.not_found(ABSENT)?;
    Ok((row.try_into()?, now))
}

/// The tenant's own tender, locked against other changes, but not against bids under way: their foreign keys go along with this lock, and
/// nothing that the owner does may wait for a bidder. And the clock after the lock was got.
pub async fn lock(tx: &mut Tx, org: OrgId, id: TenderId) -> Result<(Tender, Timestamp), Error> {
    let query = tenders::table.find((org.0, id.0)).for_no_key_update().select(Row::as_select());
    let row = query.first(tx.pg()).await.not_found(ABSENT)?;
    let now = super::now(tx.pg()).await?;
    Ok((row.try_into()?, now))
}

/// Locks the project of a tender of the own organisation. Before the tender: whoever deletes a project locks it before its tenders.
pub async fn lock_project(tx: &mut Tx, tender: TenderId) -> Result<(), Fault> {
    diesel::sql_query("select app.lock_project_of_tender($1)").bind::<SqlUuid, _>(tender.0).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Tenders newest first. `projects`: those of the own organisation, none for all; `own` and `others`: which sides.
pub async fn list(
    mut conn: &Conn,
    org: OrgId,
    filter: Filter,
    (own, others): (bool, bool),
    projects: Option<Vec<ProjectId>>,
    page: PageRequest,
) -> Result<Vec<(Tender, Timestamp)>, Error> {
    let mut query = tenders::table.select((Row::as_select(), clock())).into_boxed();
    query = match (own, others) {
        (true, true) => query,
        (true, false) => query.filter(tenders::org_id.eq(org.0)),
        (false, true) => query.filter(tenders::org_id.ne(org.0).and(tenders::published_at.is_not_null())),
        (false, false) => return Ok(Vec::new()),
    };
    if let Some(projects) = projects {
        let projects: Vec<Uuid> = projects.into_iter().map(Into::into).collect();
        query = query.filter(tenders::org_id.ne(org.0).or(tenders::project_id.eq_any(projects)));
    }
    if let Some(status) = filter.status {
        query = query.filter(tenders::status.eq(status.name()));
    }
    let query = db::after!(query, page, tenders::created_at, tenders::id)
        .order((tenders::created_at.desc(), tenders::id.desc()))
        .limit(page.fetch());
    let rows: Vec<(Row, Timestamp)> = query.load(&mut conn).await.fault()?;
    rows.into_iter().map(|(row, now)| Ok((row.try_into()?, now))).collect()
}

/// The tender with what belongs to it, seen by `org`.
pub async fn view(conn: &Conn, org: OrgId, tender: Tender) -> Result<TenderView, Error> {
    let own = [(tender.org, tender.id)];
    let (milestones, lines, marks) = futures::try_join!(
        milestones(conn, tender.org, tender.id, tender.currency),
        lines(conn, tender.org, tender.id),
        marks(conn, org, &own),
    )?;
    Ok(TenderView { milestones, lines, ..brief(org, tender, &marks) })
}

/// The tender as in a list, seen by `org`: without lines and milestones.
pub fn brief(org: OrgId, tender: Tender, marks: &Marks) -> TenderView {
    let (invited, award) = (marks.invited.contains(&tender.id.0), marks.awards.get(&tender.id.0).copied());
    TenderView { side: side(org, &tender), invited, milestones: Vec::new(), lines: Vec::new(), award, tender }
}

/// Whose eyes `org` sees it with.
pub fn side(org: OrgId, tender: &Tender) -> Side {
    if tender.org == org { Side::Owner } else { Side::Bidder }
}

/// What the transaction's tenant may know of some tenders beside their rows.
#[derive(Default)]
pub struct Marks {
    invited: HashSet<Uuid>,
    awards: HashMap<Uuid, AwardRef>,
}

/// To which of the tenders `org` is invited, and their live awards.
pub async fn marks(conn: &Conn, org: OrgId, tenders: &[(OrgId, TenderId)]) -> Result<Marks, Fault> {
    let (owners, ids): (Vec<Uuid>, Vec<Uuid>) = tenders.iter().map(|(owner, tender)| (owner.0, tender.0)).unzip();
    let invited = async {
        use tender_invitations as i;
        // Row-level security shows another organisation's invitations to the invited alone, those by e-mail too.
        let of_these = i::org_id.eq_any(&owners).and(i::tender_id.eq_any(&ids));
        let query = i::table.filter(of_these.and(i::org_id.ne(org.0))).select(i::tender_id);
        query.load::<Uuid>(&mut &*conn).await.fault()
    };
    let live = async {
        let of_these = awards::org_id.eq_any(&owners).and(awards::tender_id.eq_any(&ids));
        let query = awards::table.filter(of_these.and(awards::status.ne(AwardStatus::Cancelled.name())));
        let query = query.select((awards::tender_id, awards::bid_id, awards::contract_id, awards::sign_by));
        query.load::<(Uuid, Uuid, Option<Uuid>, Option<Timestamp>)>(&mut &*conn).await.fault()
    };
    let (invited, live) = futures::try_join!(invited, live)?;
    let award = |(tender, bid, contract, sign_by): (Uuid, Uuid, Option<Uuid>, Option<Timestamp>)| {
        (tender, AwardRef { bid: bid.into(), contract: contract.map(Into::into), sign_by })
    };
    Ok(Marks { invited: invited.into_iter().collect(), awards: live.into_iter().map(award).collect() })
}

/// Milestones in order.
pub async fn milestones(mut conn: &Conn, owner: OrgId, tender: TenderId, currency: Currency) -> Result<Vec<Milestone>, Fault> {
    use tender_milestones as m;
    type Columns = (String, Option<Decimal>, Option<i64>, Option<Decimal>, Option<NaiveDate>);
    let query = m::table.filter(m::org_id.eq(owner.0).and(m::tender_id.eq(tender.0))).order(m::position);
    let rows: Vec<Columns> =
        query.select((m::title, m::percent, m::amount, m::weight, m::due_on)).load(&mut conn).await.fault()?;
    let milestone = |(title, percent, amount, weight, due_on): Columns| {
        let share = match (percent, amount, weight) {
            (Some(percent), _, _) => Share::Percent(percent.normalize()),
            (_, Some(minor), _) => {
                let value = kernel::Money::from_minor(minor, currency).to_decimal();
                Share::Amount(StatedAmount { value, currency: Some(currency) })
            }
            (_, _, Some(weight)) => Share::Weight(weight.normalize()),
            // The database's CHECK lets nothing else be without any of them.
            (None, None, None) => Share::Remainder,
        };
        Milestone { title, share, due_on }
    };
    Ok(rows.into_iter().map(milestone).collect())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tender_lines)]
struct LineRow {
    soq_line_id: Uuid,
    position: i32,
    code: String,
    description: String,
    kind: String,
    unit_code: Option<String>,
    unit_text: Option<String>,
    quantity: Option<Decimal>,
    fixed_rate: Option<Decimal>,
    unit_id: Option<Uuid>,
}

/// Lines in order.
pub async fn lines(mut conn: &Conn, owner: OrgId, tender: TenderId) -> Result<Vec<TenderLine>, Fault> {
    use tender_lines as l;
    let query = l::table.filter(l::org_id.eq(owner.0).and(l::tender_id.eq(tender.0))).order(l::position);
    let rows: Vec<LineRow> = query.select(LineRow::as_select()).load(&mut conn).await.fault()?;
    let line = |row: LineRow| {
        let kind = db::named::<LineKind>(&row.kind)?;
        Ok(TenderLine {
            soq_line: row.soq_line_id.into(),
            position: number(row.position),
            code: row.code,
            description: row.description,
            kind,
            unit_code: row.unit_code,
            unit_text: row.unit_text,
            quantity: row.quantity.map(|quantity| quantity.normalize()),
            fixed_rate: row.fixed_rate.map(|rate| rate.normalize()),
            unit: row.unit_id.map(Into::into),
        })
    };
    rows.into_iter().map(line).collect()
}

/// The wrapped key; nothing once it is destroyed.
pub async fn key(mut conn: &Conn, owner: OrgId, tender: TenderId) -> Result<Option<WrappedKey>, Fault> {
    let query = tender_keys::table.find((owner.0, tender.0)).select((tender_keys::key_id, tender_keys::wrapped));
    let row: Option<(String, Option<Vec<u8>>)> = query.first(&mut conn).await.optional().fault()?;
    Ok(row.and_then(|(key_id, wrapped)| Some(WrappedKey { key_id, wrapped: wrapped? })))
}

/// The leaves of the Merkle tree, once closed.
pub async fn leaves(mut conn: &Conn, owner: OrgId, tender: TenderId) -> Result<Option<Vec<Hash>>, Fault> {
    let query = tender_seals::table.find((owner.0, tender.0)).select(tender_seals::leaves);
    let row: Option<Vec<Vec<u8>>> = query.first(&mut conn).await.optional().fault()?;
    row.map(|leaves| hashes(&leaves)).transpose()
}

/// The opening record as it is stored.
pub struct Record {
    pub root: Hash,
    pub receipts: Vec<Hash>,
    pub decoy_seed: Hash,
    pub opened_by: Vec<UserId>,
    pub opened_at: Timestamp,
}

/// The opening record, if the transaction's tenant may see one.
pub async fn record(mut conn: &Conn, owner: OrgId, tender: TenderId) -> Result<Record, Error> {
    use opening_records as r;
    type Columns = (Vec<u8>, Vec<Vec<u8>>, Vec<u8>, Vec<Uuid>, Timestamp);
    let query = r::table.find((owner.0, tender.0)).select((r::root, r::receipts, r::decoy_seed, r::opened_by, r::opened_at));
    let (root, receipts, seed, opened_by, opened_at): Columns =
        query.first(&mut conn).await.not_found(|| Error::NotFound("opening record"))?;
    let opened_by = opened_by.into_iter().map(Into::into).collect();
    Ok(Record { root: hash(&root)?, receipts: hashes(&receipts)?, decoy_seed: hash(&seed)?, opened_by, opened_at })
}

#[derive(QueryableByName)]
struct DaysRow {
    #[diesel(sql_type = Date)]
    deadline: NaiveDate,
    #[diesel(sql_type = Date)]
    today: NaiveDate,
}

/// Days of a tender, in its time zone.
pub struct Days {
    /// That of the deadline.
    pub deadline: NaiveDate,
    /// The present one.
    pub today: NaiveDate,
}

/// The days of a tender that the transaction's tenant may see.
pub async fn days(mut conn: &Conn, org: OrgId, id: TenderId) -> Result<Days, Error> {
    let sql = "select (t.submission_deadline at time zone coalesce(t.time_zone, 'UTC'))::date as deadline,
            (app.now() at time zone coalesce(t.time_zone, 'UTC'))::date as today
        from tenders t where t.org_id = $1 and t.id = $2";
    let query = diesel::sql_query(sql).bind::<SqlUuid, _>(org.0).bind::<SqlUuid, _>(id.0);
    let DaysRow { deadline, today } = query.get_result(&mut conn).await.not_found(ABSENT)?;
    Ok(Days { deadline, today })
}

/// Publication: the row's part of it.
pub async fn publish(tx: &mut Tx, tender: &Tender, soq_version: u32, zone: &str, at: Timestamp) -> Result<(), Fault> {
    let touched = db::touched(tx).await?;
    diesel::update(tenders::table.find((tender.org.0, tender.id.0)))
        .set((
            tenders::status.eq(TenderStatus::Published.name()),
            tenders::soq_version.eq(super::signed(soq_version)),
            tenders::time_zone.eq(zone),
            tenders::published_at.eq(at),
            tenders::updated_at.eq(touched),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Another state, for the transitions that change nothing else.
pub async fn set_status(tx: &mut Tx, tender: &Tender, to: TenderStatus) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(tenders::table.find((tender.org.0, tender.id.0)))
        .set((tenders::status.eq(to.name()), tenders::updated_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Moves the deadline later.
pub async fn extend(tx: &mut Tx, tender: &Tender, deadline: Timestamp) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(tenders::table.find((tender.org.0, tender.id.0)))
        .set((tenders::submission_deadline.eq(deadline), tenders::updated_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Award: the row's part of it.
pub async fn begin_standstill(tx: &mut Tx, tender: &Tender, until: Timestamp) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(tenders::table.find((tender.org.0, tender.id.0)))
        .set((
            tenders::status.eq(TenderStatus::Standstill.name()),
            tenders::standstill_until.eq(until),
            tenders::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// The award fell: the row's part of it.
pub async fn resume_evaluation(tx: &mut Tx, tender: &Tender) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(tenders::table.find((tender.org.0, tender.id.0)))
        .set((
            tenders::status.eq(TenderStatus::Evaluation.name()),
            tenders::standstill_until.eq(None::<Timestamp>),
            tenders::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// The contract of a completed tender ended early, by the platform's function; whether that was still to be done.
pub async fn end_completed(tx: &mut Tx, tender: &Tender, contract: ContractId) -> Result<bool, Fault> {
    let query = diesel::sql_query("select app.end_completed_tender($1, $2, $3) as done")
        .bind::<SqlUuid, _>(tender.org.0)
        .bind::<SqlUuid, _>(tender.id.0)
        .bind::<SqlUuid, _>(contract.0);
    let ended: Completed = query.get_result(tx.pg()).await.fault()?;
    Ok(ended.done)
}

/// Cancellation: the row's part of it. A key whose bids were not opened is destroyed.
pub async fn cancel(tx: &mut Tx, tender: &Tender, reason: &str, at: Timestamp) -> Result<(), Fault> {
    let touched = db::touched(tx).await?;
    diesel::update(tenders::table.find((tender.org.0, tender.id.0)))
        .set((
            tenders::status.eq(TenderStatus::Cancelled.name()),
            tenders::cancelled_at.eq(at),
            tenders::cancel_reason.eq(reason),
            tenders::updated_at.eq(touched),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    diesel::sql_query("select app.destroy_tender_key($1, $2)")
        .bind::<SqlUuid, _>(tender.org.0)
        .bind::<SqlUuid, _>(tender.id.0)
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

#[derive(QueryableByName)]
struct Closed {
    #[diesel(sql_type = Nullable<Text>)]
    status: Option<String>,
}

/// Closes a due tender by the platform's function; the new state, or nothing if there was nothing to close. While a bid is being
/// stored it waits for it, or, without patience, leaves the tender as it is.
pub async fn close(tx: &mut Tx, org: OrgId, tender: TenderId, patient: bool) -> Result<Option<TenderStatus>, Fault> {
    let query = diesel::sql_query("select app.close_tender($1, $2, $3) as status")
        .bind::<SqlUuid, _>(org.0)
        .bind::<SqlUuid, _>(tender.0)
        .bind::<Bool, _>(patient);
    let closed: Closed = query.get_result(tx.pg()).await.fault()?;
    closed.status.map(|status| db::named::<TenderStatus>(&status)).transpose()
}

#[derive(QueryableByName)]
struct Completed {
    #[diesel(sql_type = Bool)]
    done: bool,
}

/// Completes a tender by the platform's function; whether it was still to be done.
pub async fn complete(tx: &mut Tx, org: OrgId, tender: TenderId, contract: ContractId) -> Result<bool, Fault> {
    let query = diesel::sql_query("select app.complete_tender($1, $2, $3) as done")
        .bind::<SqlUuid, _>(org.0)
        .bind::<SqlUuid, _>(tender.0)
        .bind::<SqlUuid, _>(contract.0);
    let completed: Completed = query.get_result(tx.pg()).await.fault()?;
    Ok(completed.done)
}

/// A tender as a bidder needs it.
pub struct OpenTender {
    pub org: OrgId,
    pub status: TenderStatus,
    pub deadline: Timestamp,
    pub currency: Currency,
    pub now: Timestamp,
}

#[derive(QueryableByName)]
struct OpenTenderRow {
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Timestamptz)]
    submission_deadline: Timestamp,
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = Timestamptz)]
    server_time: Timestamp,
}

/// Keeps the tender from being closed until the commit, and nothing else: all that its owner does goes on. The clock is read after the
/// lock was got.
pub async fn keep_open(tx: &mut Tx, owner: OrgId, tender: TenderId) -> Result<OpenTender, Error> {
    let query = diesel::sql_query("select * from app.hold_tender_for_bid($1, $2)")
        .bind::<SqlUuid, _>(owner.0)
        .bind::<SqlUuid, _>(tender.0);
    let row: OpenTenderRow = query.get_result(tx.pg()).await.not_found(ABSENT)?;
    Ok(OpenTender {
        org: row.org_id.into(),
        status: db::named::<TenderStatus>(&row.status)?,
        deadline: row.submission_deadline,
        currency: db::currency(&row.currency)?,
        now: row.server_time,
    })
}

#[derive(QueryableByName)]
struct OpenedRow {
    #[diesel(sql_type = SqlUuid)]
    bid_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    bidder_org_id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Integer)]
    revision: i32,
    #[diesel(sql_type = diesel::sql_types::Binary)]
    sealed: Vec<u8>,
    #[diesel(sql_type = diesel::sql_types::Binary)]
    receipt_sha256: Vec<u8>,
    #[diesel(sql_type = Timestamptz)]
    received_at: Timestamp,
}

impl OpenedRow {
    fn offer(self, tender: TenderId) -> OpenedOffer {
        let (bid, bidder) = (self.bid_id.into(), self.bidder_org_id.into());
        OpenedOffer {
            place: Place { tender, bid, bidder, revision: number(self.revision) },
            sealed: self.sealed,
            receipt_sha256: self.receipt_sha256,
            received_at: self.received_at,
        }
    }
}

/// Opens the bids by the platform's function, which takes it from the caller that these persons turned their keys. It opens nothing unless
/// number, receipts and root of the bids are those fixed at closing.
pub async fn open_bids(tx: &mut Tx, tender: &Tender, persons: &[UserId]) -> Result<Vec<OpenedOffer>, Error> {
    let persons: Vec<Uuid> = persons.iter().map(|person| person.0).collect();
    let query = diesel::sql_query("select * from app.open_bids($1, $2, $3)")
        .bind::<SqlUuid, _>(tender.org.0)
        .bind::<SqlUuid, _>(tender.id.0)
        .bind::<Array<SqlUuid>, _>(persons);
    let rows: Vec<OpenedRow> = query.load(tx.pg()).await.on_constraint("tender_seal_intact", || Error::SealBroken)?;
    Ok(rows.into_iter().map(|row| row.offer(tender.id)).collect())
}

/// The view of the context's organisation, read again.
pub async fn view_again(conn: &Conn, ctx: &Ctx, tender: TenderId) -> Result<TenderView, Error> {
    let (tender, _) = get(conn, tender).await?;
    view(conn, ctx.org, tender).await
}

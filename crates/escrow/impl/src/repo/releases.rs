//! Releases.

use std::collections::HashMap;

use db::Voucher;
use db::prelude::*;
use diesel::sql_types::{Bytea, Integer, Uuid as SqlUuid};
use escrow_api::{ContractId, Error, MilestoneId, PaymentId, ReleaseId, ReleaseStatus};
use kernel::{Fault, Money, OrgId, Timestamp, UserId};
use serde_json::Value;
use uuid::Uuid;

use super::rows::stored;
use super::{Reader, count};
use crate::model::money::{Earlier, Split};
use crate::model::moved::{ReleaseChange, StoredRelease};
use crate::model::stored::{Place, StoredContract, StoredMilestone};
use crate::schema::releases;

#[derive(Queryable, Selectable)]
#[diesel(table_name = releases)]
struct ReleaseRow {
    org_id: Uuid,
    id: Uuid,
    contract_id: Uuid,
    milestone_id: Uuid,
    payment_id: Uuid,
    seq: i32,
    status: String,
    gross: i64,
    fee: i64,
    net: i64,
    currency: String,
    requested_by: Option<Uuid>,
    approved_by: Option<Uuid>,
    destination: Option<String>,
    transfer: Option<String>,
    attempts: i32,
    maybe_sent_at: Option<Timestamp>,
    last_error: Option<String>,
    sent_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    reversed: i64,
    reversal_settled: i64,
    returned: i64,
    returned_fee: i64,
    without_source: bool,
}

impl TryFrom<ReleaseRow> for StoredRelease {
    type Error = Fault;

    fn try_from(row: ReleaseRow) -> Result<Self, Fault> {
        let currency = db::currency(&row.currency)?;
        let money = |minor| Money::from_minor(minor, currency);
        Ok(Self {
            owner: OrgId(row.org_id),
            id: ReleaseId(row.id),
            contract: ContractId(row.contract_id),
            milestone: MilestoneId(row.milestone_id),
            payment: PaymentId(row.payment_id),
            seq: count(row.seq),
            status: db::named(&row.status)?,
            gross: money(row.gross),
            fee: money(row.fee),
            net: money(row.net),
            requested_by: row.requested_by.map(UserId),
            approved_by: row.approved_by.map(UserId),
            destination: row.destination,
            transfer: row.transfer,
            attempts: row.attempts,
            maybe_sent_at: row.maybe_sent_at,
            last_error: row.last_error,
            sent_at: row.sent_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            reversed: money(row.reversed),
            reversal_settled: money(row.reversal_settled),
            returned: money(row.returned),
            returned_fee: money(row.returned_fee),
            without_source: row.without_source,
        })
    }
}

/// A release to be.
pub(crate) struct NewRelease {
    pub(crate) payment: PaymentId,
    pub(crate) seq: u32,
    pub(crate) split: Split,
    pub(crate) requested_by: Option<UserId>,
    pub(crate) approved_by: Option<UserId>,
}

pub(crate) async fn insert(tx: &mut Tx, milestone: &StoredMilestone, new: &NewRelease) -> Result<StoredRelease, Error> {
    let seq = i32::try_from(new.seq).map_err(Fault::internal)?;
    let row: ReleaseRow = diesel::insert_into(releases::table)
        .values((
            releases::org_id.eq(milestone.owner.0),
            releases::id.eq(ReleaseId::new().0),
            releases::contract_id.eq(milestone.contract.0),
            releases::contractor_org_id.eq(milestone.contractor.0),
            releases::milestone_id.eq(milestone.id.0),
            releases::payment_id.eq(new.payment.0),
            releases::seq.eq(seq),
            releases::status.eq(ReleaseStatus::Approved.name()),
            releases::gross.eq(new.split.gross),
            releases::fee.eq(new.split.fee),
            releases::net.eq(new.split.net),
            releases::currency.eq(milestone.amount.currency().code()),
            releases::requested_by.eq(new.requested_by.map(Uuid::from)),
            releases::approved_by.eq(new.approved_by.map(Uuid::from)),
        ))
        .returning(ReleaseRow::as_returning())
        .get_result(tx.pg())
        .await
        .on_constraint("releases_live", || {
            Error::state("release", ReleaseStatus::Approved.name(), "another release of this milestone is under way")
        })?;
    Ok(row.try_into()?)
}

pub(crate) async fn row(mut pg: Reader<'_>, id: ReleaseId) -> Result<StoredRelease, Error> {
    let row: ReleaseRow = releases::table
        .filter(releases::id.eq(id.0))
        .select(ReleaseRow::as_select())
        .first(&mut pg)
        .await
        .not_found(|| Error::NotFound("release"))?;
    Ok(row.try_into()?)
}

/// Whether money of a release of this contract came back and nobody has settled that yet.
pub(crate) async fn came_back(mut pg: Reader<'_>, contract: &StoredContract) -> Result<bool, Fault> {
    let of_contract = releases::org_id.eq(contract.owner.0).and(releases::contract_id.eq(contract.id.0));
    let open = releases::table.filter(of_contract).filter(releases::reversed.gt(releases::reversal_settled));
    diesel::select(diesel::dsl::exists(open)).get_result(&mut pg).await.fault()
}

/// Tells the contractor's side, in its own trail, what the platform did with money of the contract: what it is about, and before and after.
pub(crate) async fn tell_contractor(
    tx: &mut Tx,
    place: Place,
    (entity_type, entity): (&str, Uuid),
    action: &str,
    request: &str,
    (before, after): (&Value, &Value),
) -> Result<(), Fault> {
    use diesel::sql_types::{Jsonb, Text};
    diesel::sql_query("select app.tell_contractor($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind::<SqlUuid, _>(place.org.0)
        .bind::<SqlUuid, _>(place.contract.0)
        .bind::<Text, _>(action)
        .bind::<Text, _>(entity_type)
        .bind::<SqlUuid, _>(entity)
        .bind::<Text, _>(request)
        .bind::<Jsonb, _>(before)
        .bind::<Jsonb, _>(after)
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Those of these releases of which something came back that nobody has settled; on `SystemUow`.
pub(crate) async fn still_back(mut pg: Reader<'_>, of: &[String]) -> Result<Vec<String>, Fault> {
    // Raised by a version of before about a transfer: no look finds it over, a person settles it.
    let mut still: Vec<String> = of.iter().filter(|text| text.parse::<Uuid>().is_err()).cloned().collect();
    let ids: Vec<Uuid> = of.iter().filter_map(|text| text.parse().ok()).collect();
    let rows: Vec<Uuid> = releases::table
        .filter(releases::id.eq_any(ids))
        .filter(releases::reversed.gt(releases::reversal_settled))
        .select(releases::id)
        .load(&mut pg)
        .await
        .fault()?;
    still.extend(rows.iter().map(Uuid::to_string));
    Ok(still)
}

/// Whose release it is: the platform's own look-up, on `SystemUow`.
pub(crate) async fn owner(tx: &ReadTx<'_>, id: ReleaseId) -> Result<Option<OrgId>, Fault> {
    let found: Option<Uuid> =
        releases::table.filter(releases::id.eq(id.0)).select(releases::org_id).first(&mut tx.pg()).await.optional().fault()?;
    Ok(found.map(OrgId))
}

pub(crate) async fn lock(tx: &mut Tx, owner: OrgId, id: ReleaseId) -> Result<StoredRelease, Error> {
    let row: ReleaseRow = releases::table
        .find((owner.0, id.0))
        .select(ReleaseRow::as_select())
        .for_update()
        .first(tx.pg())
        .await
        .not_found(|| Error::NotFound("release"))?;
    Ok(row.try_into()?)
}

/// The newest release of a milestone, locked. Whoever calls it holds the milestone.
pub(crate) async fn lock_newest(tx: &mut Tx, milestone: &StoredMilestone) -> Result<Option<StoredRelease>, Fault> {
    let row: Option<ReleaseRow> = releases::table
        .filter(releases::org_id.eq(milestone.owner.0).and(releases::milestone_id.eq(milestone.id.0)))
        .select(ReleaseRow::as_select())
        .order(releases::seq.desc())
        .limit(1)
        .for_update()
        .first(tx.pg())
        .await
        .optional()
        .fault()?;
    row.map(StoredRelease::try_from).transpose()
}

/// The releases of a milestone that failed: refused, or not sent as a person found.
pub(crate) async fn failed(mut pg: Reader<'_>, org: OrgId, milestone: MilestoneId) -> Result<Vec<ReleaseId>, Fault> {
    let ids: Vec<Uuid> = releases::table
        .filter(releases::org_id.eq(org.0).and(releases::milestone_id.eq(milestone.0)))
        .filter(releases::status.eq(ReleaseStatus::Failed.name()))
        .select(releases::id)
        .load(&mut pg)
        .await
        .fault()?;
    Ok(ids.into_iter().map(ReleaseId).collect())
}

/// The releases of an owner's milestones that are on their way.
pub(crate) async fn under_way(mut pg: Reader<'_>, owner: OrgId, milestones: &[MilestoneId]) -> Result<Vec<StoredRelease>, Fault> {
    let milestones: Vec<Uuid> = milestones.iter().map(|milestone| milestone.0).collect();
    let rows: Vec<ReleaseRow> = releases::table
        .filter(releases::org_id.eq(owner.0).and(releases::milestone_id.eq_any(milestones)))
        .filter(releases::status.eq_any(["sending", "unknown"]))
        .select(ReleaseRow::as_select())
        .load(&mut pg)
        .await
        .fault()?;
    stored(rows)
}

/// What was released of a milestone so far; what the provider refused, and what came back and is held again, left out. Whoever calls it holds the milestone.
pub(crate) async fn earlier(tx: &mut Tx, org: OrgId, milestone: MilestoneId) -> Result<Earlier, Fault> {
    let parts: Vec<(i64, i64)> = releases::table
        .filter(releases::org_id.eq(org.0).and(releases::milestone_id.eq(milestone.0)))
        .filter(releases::status.ne(ReleaseStatus::Failed.name()))
        .select((releases::gross - releases::returned, releases::fee - releases::returned_fee))
        .load(tx.pg())
        .await
        .fault()?;
    Ok(parts.into_iter().fold(Earlier::default(), |sum, (gross, fee)| Earlier { gross: sum.gross + gross, fees: sum.fees + fee }))
}

/// The newest release of each milestone of these owners.
pub(super) async fn newest(
    mut pg: Reader<'_>,
    owners: &[Uuid],
    milestones: &[Uuid],
) -> Result<HashMap<Uuid, StoredRelease>, Fault> {
    let rows: Vec<ReleaseRow> = releases::table
        .filter(releases::org_id.eq_any(owners).and(releases::milestone_id.eq_any(milestones)))
        .distinct_on(releases::milestone_id)
        .select(ReleaseRow::as_select())
        .order((releases::milestone_id, releases::seq.desc()))
        .load(&mut pg)
        .await
        .fault()?;
    rows.into_iter().map(|row| Ok((row.milestone_id, row.try_into()?))).collect()
}

/// The newest release of each payment of these owners.
pub(super) async fn newest_of_payments(
    mut pg: Reader<'_>,
    owners: &[Uuid],
    payments: &[Uuid],
) -> Result<HashMap<Uuid, StoredRelease>, Fault> {
    let rows: Vec<ReleaseRow> = releases::table
        .filter(releases::org_id.eq_any(owners).and(releases::payment_id.eq_any(payments)))
        .distinct_on(releases::payment_id)
        .select(ReleaseRow::as_select())
        .order((releases::payment_id, releases::seq.desc()))
        .load(&mut pg)
        .await
        .fault()?;
    rows.into_iter().map(|row| Ok((row.payment_id, row.try_into()?))).collect()
}

#[derive(AsChangeset)]
#[diesel(table_name = releases)]
struct Changes<'a> {
    status: Option<&'a str>,
    destination: Option<&'a str>,
    transfer: Option<&'a str>,
    attempts: Option<i32>,
    sending_since: Option<Timestamp>,
    maybe_sent_at: Option<Timestamp>,
    last_error: Option<Option<&'a str>>,
    sent_at: Option<Timestamp>,
    resolved_by: Option<&'a str>,
    resolved_reason: Option<&'a str>,
    reversed: Option<i64>,
    reversal_settled: Option<i64>,
    returned: Option<i64>,
    returned_fee: Option<i64>,
    without_source: Option<bool>,
    updated_at: Timestamp,
}

/// When this transfer of a release that was sent is looked at next.
pub(crate) async fn look_later(tx: &mut Tx, org: OrgId, id: ReleaseId, transfer: &str, at: Timestamp) -> Result<(), Fault> {
    diesel::update(releases::table.find((org.0, id.0)))
        .filter(releases::transfer.eq(transfer))
        .filter(releases::status.eq_any([ReleaseStatus::Sent.name(), ReleaseStatus::PartReversed.name()]))
        .set(releases::transfer_look_at.eq(at))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Takes back that a release may have left with an attempt, which the program alone knows: it vouches for it. [`Voucher::ready`] went before.
pub(crate) async fn has_not_left(tx: &mut Tx, voucher: &Voucher, owner: OrgId, id: ReleaseId, attempt: i32) -> Result<(), Fault> {
    diesel::sql_query("select app.release_has_not_left($1, $2, $3, $4)")
        .bind::<SqlUuid, _>(owner.0)
        .bind::<SqlUuid, _>(id.0)
        .bind::<Integer, _>(attempt)
        .bind::<Bytea, _>(voucher.proof_for("not left", &format!("{id}:{attempt}"))?)
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

pub(crate) async fn save(tx: &mut Tx, owner: OrgId, id: ReleaseId, step: &ReleaseChange) -> Result<StoredRelease, Fault> {
    let changes = Changes {
        status: step.status.map(ReleaseStatus::name),
        destination: step.destination.as_deref(),
        transfer: step.transfer.as_deref(),
        attempts: step.attempts,
        sending_since: step.sending_since,
        maybe_sent_at: step.maybe_sent_at,
        last_error: step.last_error.as_ref().map(Option::as_deref),
        sent_at: step.sent_at,
        resolved_by: step.resolved_by.as_deref(),
        resolved_reason: step.resolved_reason.as_deref(),
        reversed: step.reversed.map(Money::minor),
        reversal_settled: step.reversal_settled.map(Money::minor),
        returned: step.returned.map(Money::minor),
        returned_fee: step.returned_fee.map(Money::minor),
        without_source: step.without_source,
        updated_at: db::touched(tx).await?,
    };
    let row: ReleaseRow = diesel::update(releases::table.find((owner.0, id.0)))
        .set(changes)
        .returning(ReleaseRow::as_returning())
        .get_result(tx.pg())
        .await
        .fault()?;
    row.try_into()
}

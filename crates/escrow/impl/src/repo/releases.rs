//! Releases.

use std::collections::HashMap;

use db::Voucher;
use db::prelude::*;
use diesel::sql_types::{Bytea, Integer, Uuid as SqlUuid};
use escrow_api::{Error, MilestoneId, PaymentId, Release, ReleaseId, ReleaseStatus};
use kernel::{Fault, OrgId, Timestamp, UserId};
use serde_json::Value;
use uuid::Uuid;

use super::ledger::Place;
use super::rows::{ContractRow, MilestoneRow};
use super::{Reader, count, money};
use crate::model::money::{Earlier, Split};
use crate::schema::releases;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = releases)]
pub(crate) struct ReleaseRow {
    pub(crate) org_id: Uuid,
    pub(crate) id: Uuid,
    pub(crate) contract_id: Uuid,
    pub(crate) milestone_id: Uuid,
    pub(crate) payment_id: Uuid,
    pub(crate) seq: i32,
    pub(crate) status: String,
    pub(crate) gross: i64,
    pub(crate) fee: i64,
    pub(crate) net: i64,
    pub(crate) currency: String,
    pub(crate) requested_by: Option<Uuid>,
    pub(crate) approved_by: Option<Uuid>,
    pub(crate) destination: Option<String>,
    pub(crate) transfer: Option<String>,
    pub(crate) attempts: i32,
    pub(crate) maybe_sent_at: Option<Timestamp>,
    pub(crate) last_error: Option<String>,
    pub(crate) sent_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) reversed: i64,
    pub(crate) reversal_settled: i64,
    pub(crate) returned: i64,
    pub(crate) returned_fee: i64,
    /// Whether its transfer names no charge to draw on.
    pub(crate) without_source: bool,
}

impl ReleaseRow {
    pub(crate) fn status(&self) -> Result<ReleaseStatus, Fault> {
        db::named::<ReleaseStatus>(&self.status)
    }

    /// Where its ledger is.
    pub(crate) fn place(&self) -> Place {
        Place { org: self.org_id, contract: self.contract_id }
    }

    pub(crate) fn view(&self) -> Result<Release, Fault> {
        Ok(Release {
            id: ReleaseId(self.id),
            payment: PaymentId(self.payment_id),
            milestone: MilestoneId(self.milestone_id),
            seq: count(self.seq),
            status: self.status()?,
            gross: money(self.gross, &self.currency)?,
            fee: money(self.fee, &self.currency)?,
            net: money(self.net, &self.currency)?,
            transfer: self.transfer.clone(),
            reversed: money(self.reversed, &self.currency)?,
            unsettled: money(self.reversed - self.reversal_settled, &self.currency)?,
            last_error: self.last_error.clone(),
            created_at: self.created_at,
            sent_at: self.sent_at,
        })
    }
}

/// A release to be.
pub(crate) struct NewRelease {
    pub(crate) payment: Uuid,
    pub(crate) seq: i32,
    pub(crate) split: Split,
    pub(crate) requested_by: Option<UserId>,
    pub(crate) approved_by: Option<UserId>,
}

pub(crate) async fn insert(tx: &mut Tx, milestone: &MilestoneRow, new: &NewRelease) -> Result<ReleaseRow, Error> {
    diesel::insert_into(releases::table)
        .values((
            releases::org_id.eq(milestone.org_id),
            releases::id.eq(ReleaseId::new().0),
            releases::contract_id.eq(milestone.contract_id),
            releases::contractor_org_id.eq(milestone.contractor_org_id),
            releases::milestone_id.eq(milestone.id),
            releases::payment_id.eq(new.payment),
            releases::seq.eq(new.seq),
            releases::status.eq(ReleaseStatus::Approved.name()),
            releases::gross.eq(new.split.gross),
            releases::fee.eq(new.split.fee),
            releases::net.eq(new.split.net),
            releases::currency.eq(&milestone.currency),
            releases::requested_by.eq(new.requested_by.map(Uuid::from)),
            releases::approved_by.eq(new.approved_by.map(Uuid::from)),
        ))
        .returning(ReleaseRow::as_returning())
        .get_result(tx.pg())
        .await
        .on_constraint("releases_live", || {
            Error::state("release", ReleaseStatus::Approved.name(), "another release of this milestone is under way")
        })
}

pub(crate) async fn row(mut pg: Reader<'_>, id: ReleaseId) -> Result<ReleaseRow, Error> {
    releases::table
        .filter(releases::id.eq(id.0))
        .select(ReleaseRow::as_select())
        .first(&mut pg)
        .await
        .not_found(|| Error::NotFound("release"))
}

/// Whether money of a release of this contract came back and nobody has settled that yet.
pub(crate) async fn came_back(mut pg: Reader<'_>, contract: &ContractRow) -> Result<bool, Fault> {
    let of_contract = releases::org_id.eq(contract.org_id).and(releases::contract_id.eq(contract.id));
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
        .bind::<SqlUuid, _>(place.org)
        .bind::<SqlUuid, _>(place.contract)
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
pub(crate) async fn still_back(tx: &ReadTx<'_>, of: &[String]) -> Result<Vec<String>, Fault> {
    // Raised by a version of before about a transfer: no look finds it over, a person settles it.
    let mut still: Vec<String> = of.iter().filter(|text| text.parse::<Uuid>().is_err()).cloned().collect();
    let ids: Vec<Uuid> = of.iter().filter_map(|text| text.parse().ok()).collect();
    let rows: Vec<Uuid> = releases::table
        .filter(releases::id.eq_any(ids))
        .filter(releases::reversed.gt(releases::reversal_settled))
        .select(releases::id)
        .load(&mut tx.pg())
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

pub(crate) async fn lock(tx: &mut Tx, owner: Uuid, id: ReleaseId) -> Result<ReleaseRow, Error> {
    releases::table
        .find((owner, id.0))
        .select(ReleaseRow::as_select())
        .for_update()
        .first(tx.pg())
        .await
        .not_found(|| Error::NotFound("release"))
}

/// The newest release of a milestone, locked. Whoever calls it holds the milestone.
pub(crate) async fn lock_newest(tx: &mut Tx, milestone: &MilestoneRow) -> Result<Option<ReleaseRow>, Fault> {
    releases::table
        .filter(releases::org_id.eq(milestone.org_id).and(releases::milestone_id.eq(milestone.id)))
        .select(ReleaseRow::as_select())
        .order(releases::seq.desc())
        .limit(1)
        .for_update()
        .first(tx.pg())
        .await
        .optional()
        .fault()
}

/// The releases of a milestone that failed: refused, or not sent as a person found.
pub(crate) async fn failed(mut pg: Reader<'_>, org: Uuid, milestone: Uuid) -> Result<Vec<ReleaseId>, Fault> {
    let ids: Vec<Uuid> = releases::table
        .filter(releases::org_id.eq(org).and(releases::milestone_id.eq(milestone)))
        .filter(releases::status.eq(ReleaseStatus::Failed.name()))
        .select(releases::id)
        .load(&mut pg)
        .await
        .fault()?;
    Ok(ids.into_iter().map(ReleaseId).collect())
}

/// The releases of an owner's milestones that are on their way.
pub(crate) async fn under_way(mut pg: Reader<'_>, owner: Uuid, milestones: &[Uuid]) -> Result<Vec<ReleaseRow>, Fault> {
    releases::table
        .filter(releases::org_id.eq(owner).and(releases::milestone_id.eq_any(milestones)))
        .filter(releases::status.eq_any(["sending", "unknown"]))
        .select(ReleaseRow::as_select())
        .load(&mut pg)
        .await
        .fault()
}

/// What was released of a milestone so far; what the provider refused, and what came back and is held again, left out. Whoever calls it holds the milestone.
pub(crate) async fn earlier(tx: &mut Tx, org: Uuid, milestone: Uuid) -> Result<Earlier, Fault> {
    let parts: Vec<(i64, i64)> = releases::table
        .filter(releases::org_id.eq(org).and(releases::milestone_id.eq(milestone)))
        .filter(releases::status.ne(ReleaseStatus::Failed.name()))
        .select((releases::gross - releases::returned, releases::fee - releases::returned_fee))
        .load(tx.pg())
        .await
        .fault()?;
    Ok(parts.into_iter().fold(Earlier::default(), |sum, (gross, fee)| Earlier { gross: sum.gross + gross, fees: sum.fees + fee }))
}

/// The newest release of each milestone of these owners.
pub(crate) async fn newest(mut pg: Reader<'_>, owners: &[Uuid], milestones: &[Uuid]) -> Result<HashMap<Uuid, ReleaseRow>, Fault> {
    let rows: Vec<ReleaseRow> = releases::table
        .filter(releases::org_id.eq_any(owners).and(releases::milestone_id.eq_any(milestones)))
        .distinct_on(releases::milestone_id)
        .select(ReleaseRow::as_select())
        .order((releases::milestone_id, releases::seq.desc()))
        .load(&mut pg)
        .await
        .fault()?;
    Ok(rows.into_iter().map(|row| (row.milestone_id, row)).collect())
}

/// The newest release of each payment of these owners.
pub(crate) async fn newest_of_payments(
    mut pg: Reader<'_>,
    owners: &[Uuid],
    payments: &[Uuid],
) -> Result<HashMap<Uuid, ReleaseRow>, Fault> {
    let rows: Vec<ReleaseRow> = releases::table
        .filter(releases::org_id.eq_any(owners).and(releases::payment_id.eq_any(payments)))
        .distinct_on(releases::payment_id)
        .select(ReleaseRow::as_select())
        .order((releases::payment_id, releases::seq.desc()))
        .load(&mut pg)
        .await
        .fault()?;
    Ok(rows.into_iter().map(|row| (row.payment_id, row)).collect())
}

/// A step of a release.
#[derive(AsChangeset, Default)]
#[diesel(table_name = releases)]
pub(crate) struct ReleaseChange {
    pub(crate) status: Option<&'static str>,
    pub(crate) destination: Option<String>,
    pub(crate) transfer: Option<String>,
    pub(crate) attempts: Option<i32>,
    pub(crate) sending_since: Option<Timestamp>,
    pub(crate) maybe_sent_at: Option<Timestamp>,
    pub(crate) last_error: Option<Option<String>>,
    pub(crate) sent_at: Option<Timestamp>,
    pub(crate) resolved_by: Option<String>,
    pub(crate) resolved_reason: Option<String>,
    pub(crate) reversed: Option<i64>,
    pub(crate) reversal_settled: Option<i64>,
    pub(crate) returned: Option<i64>,
    pub(crate) returned_fee: Option<i64>,
    pub(crate) without_source: Option<bool>,
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
pub(crate) async fn has_not_left(tx: &mut Tx, voucher: &Voucher, owner: Uuid, id: Uuid, attempt: i32) -> Result<(), Fault> {
    diesel::sql_query("select app.release_has_not_left($1, $2, $3, $4)")
        .bind::<SqlUuid, _>(owner)
        .bind::<SqlUuid, _>(id)
        .bind::<Integer, _>(attempt)
        .bind::<Bytea, _>(voucher.proof_for("not left", &format!("{id}:{attempt}"))?)
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

pub(crate) async fn save(tx: &mut Tx, owner: Uuid, id: Uuid, step: &ReleaseChange) -> Result<ReleaseRow, Fault> {
    let at = db::touched(tx).await?;
    diesel::update(releases::table.find((owner, id)))
        .set((step, releases::updated_at.eq(at)))
        .returning(ReleaseRow::as_returning())
        .get_result(tx.pg())
        .await
        .fault()
}

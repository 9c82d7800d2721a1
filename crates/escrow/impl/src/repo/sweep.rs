//! What is stuck or due: the platform's look-ups on `SystemUow`, by partial indexes that hold only what is under way.

use chrono::TimeDelta;
use db::prelude::*;
use escrow_api::{MilestoneId, PaymentId, ReleaseId};
use kernel::{Fault, OrgId, Timestamp};
use uuid::Uuid;

use crate::schema::{ledger_transactions, milestones, payee_accounts, payments, release_replacements, releases};

const MOST: i64 = 1_000;
/// As many rows as a look yields at most.
pub(crate) const MOST_ROWS: usize = 1_000;

/// Of a milestone without an open hold: what one stops goes on when it is lifted, and until then it is the hold that a person is told of.
fn not_frozen() -> diesel::expression::SqlLiteral<diesel::sql_types::Bool> {
    diesel::dsl::sql(
        "not exists (select from milestones m where m.org_id = releases.org_id and m.id = releases.milestone_id and m.frozen)",
    )
}

/// Payments whose next look is due.
pub(crate) async fn payments_due(tx: &ReadTx<'_>, now: Timestamp) -> Result<Vec<(OrgId, PaymentId)>, Fault> {
    let rows: Vec<(Uuid, Uuid)> = payments::table
        .filter(payments::status.eq_any(["created", "requires_action", "processing", "succeeded"]))
        .filter(payments::next_poll_at.le(now))
        .order(payments::next_poll_at)
        .limit(MOST)
        .select((payments::org_id, payments::id))
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(org, id)| (OrgId(org), PaymentId(id))).collect())
}

/// Every payment under way, from `after` on in the order of their ids.
pub(crate) async fn payments_under_way(tx: &ReadTx<'_>, after: PaymentId) -> Result<Vec<(OrgId, PaymentId)>, Fault> {
    let rows: Vec<(Uuid, Uuid)> = payments::table
        .filter(payments::status.eq_any(["created", "requires_action", "processing", "succeeded"]))
        .filter(payments::id.gt(after.0))
        .order(payments::id)
        .limit(MOST)
        .select((payments::org_id, payments::id))
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(org, id)| (OrgId(org), PaymentId(id))).collect())
}

/// Payee accounts that are being set up, or cannot receive now, and whose next look is due.
pub(crate) async fn payees_due(tx: &ReadTx<'_>, now: Timestamp) -> Result<Vec<OrgId>, Fault> {
    let rows: Vec<Uuid> = payee_accounts::table
        .filter(payee_accounts::status.eq_any(["onboarding", "restricted"]))
        .filter(payee_accounts::account.is_not_null())
        .filter(payee_accounts::next_look_at.le(now))
        .order(payee_accounts::next_look_at)
        .limit(MOST)
        .select(payee_accounts::org_id)
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(OrgId).collect())
}

/// Every payee account that is being set up, or cannot receive now, from `after` on in the order of its organisations.
pub(crate) async fn payees_under_way(tx: &ReadTx<'_>, after: OrgId) -> Result<Vec<OrgId>, Fault> {
    let rows: Vec<Uuid> = payee_accounts::table
        .filter(payee_accounts::status.eq_any(["onboarding", "restricted"]))
        .filter(payee_accounts::account.is_not_null())
        .filter(payee_accounts::org_id.gt(after.0))
        .order(payee_accounts::org_id)
        .limit(MOST)
        .select(payee_accounts::org_id)
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(OrgId).collect())
}

/// Every release on its way, but those that have not left and are under a hold, from `after` on in the order of their ids.
pub(crate) async fn releases_under_way(tx: &ReadTx<'_>, after: ReleaseId) -> Result<Vec<(OrgId, ReleaseId)>, Fault> {
    let rows: Vec<(Uuid, Uuid)> = releases::table
        .filter(releases::status.eq_any(["sending", "unknown"]))
        .filter(releases::maybe_sent_at.is_not_null().or(not_frozen()))
        .filter(releases::id.gt(after.0))
        .order(releases::id)
        .limit(MOST)
        .select((releases::org_id, releases::id))
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(org, id)| (OrgId(org), ReleaseId(id))).collect())
}

/// Releases that are on their way since before `before`, without those that have not left and cannot: of the
/// currencies that are stopped, or under a hold.
pub(crate) async fn releases_stuck(
    tx: &ReadTx<'_>,
    before: Timestamp,
    standing_still: &[String],
) -> Result<Vec<(OrgId, ReleaseId)>, Fault> {
    let rows: Vec<(Uuid, Uuid)> = releases::table
        .filter(releases::status.eq_any(["sending", "unknown"]))
        .filter(releases::updated_at.lt(before))
        .filter(releases::maybe_sent_at.is_not_null().or(releases::currency.ne_all(standing_still)))
        .filter(releases::maybe_sent_at.is_not_null().or(not_frozen()))
        .order(releases::updated_at)
        .limit(MOST)
        .select((releases::org_id, releases::id))
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(org, id)| (OrgId(org), ReleaseId(id))).collect())
}

/// A release that does not arrive.
pub(crate) struct Stuck {
    pub(crate) org: OrgId,
    pub(crate) release: Uuid,
    pub(crate) since: Timestamp,
    pub(crate) why: Option<String>,
}

/// Releases that were put on their way before `before`, the oldest first; again without those that wait for their currency.
pub(crate) async fn releases_late(tx: &ReadTx<'_>, before: Timestamp, standing_still: &[String]) -> Result<Vec<Stuck>, Fault> {
    let rows: Vec<(Uuid, Uuid, Option<Timestamp>, Option<String>)> = releases::table
        .filter(releases::status.eq_any(["sending", "unknown"]))
        .filter(releases::sending_since.lt(before))
        .filter(releases::maybe_sent_at.is_not_null().or(releases::currency.ne_all(standing_still)))
        .filter(releases::maybe_sent_at.is_not_null().or(not_frozen()))
        .order(releases::sending_since)
        .limit(MOST)
        .select((releases::org_id, releases::id, releases::sending_since, releases::last_error))
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows
        .into_iter()
        .filter_map(|(org, release, since, why)| Some(Stuck { org: OrgId(org), release, since: since?, why }))
        .collect())
}

/// Those of these transfers that stand in no ledger.
pub(crate) async fn transfers_unbooked(tx: &ReadTx<'_>, of: &[String]) -> Result<Vec<String>, Fault> {
    let booked: Vec<String> = ledger_transactions::table
        .filter(ledger_transactions::source_provider.eq("stripe"))
        .filter(ledger_transactions::source_kind.eq("transfer"))
        .filter(ledger_transactions::source_object.eq_any(of))
        .select(ledger_transactions::source_object)
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(of.iter().filter(|one| !booked.contains(one)).cloned().collect())
}

fn ids(texts: &[String]) -> Vec<Uuid> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

/// Those of these releases of which nobody knows whether they were sent.
pub(crate) async fn releases_unknown(tx: &ReadTx<'_>, of: &[String]) -> Result<Vec<String>, Fault> {
    let rows: Vec<Uuid> = releases::table
        .filter(releases::id.eq_any(ids(of)))
        .filter(releases::status.eq("unknown"))
        .select(releases::id)
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows.iter().map(Uuid::to_string).collect())
}

/// Those of these releases that failed, without another one of their milestone after them.
pub(crate) async fn releases_refused(tx: &ReadTx<'_>, of: &[String]) -> Result<Vec<String>, Fault> {
    let later = diesel::alias!(releases as later);
    let rows: Vec<Uuid> = releases::table
        .filter(releases::id.eq_any(ids(of)))
        .filter(releases::status.eq("failed"))
        .filter(diesel::dsl::not(diesel::dsl::exists(
            later
                .filter(later.field(releases::milestone_id).eq(releases::milestone_id))
                .filter(later.field(releases::seq).gt(releases::seq)),
        )))
        .select(releases::id)
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows.iter().map(Uuid::to_string).collect())
}

/// So many days after it was sent the provider may still take a transfer back.
const TAKEN_BACK_WITHIN: TimeDelta = TimeDelta::days(180);
/// As many transfers as are looked at in one sweep: the rest is looked at in the next.
const TRANSFERS: i64 = 100;

/// Transfers that were sent and whose next look is due, those first that nobody has looked at since: of releases, and those that replaced what
/// came back of one.
pub(crate) async fn transfers_due(
    tx: &ReadTx<'_>,
    now: Timestamp,
    every: TimeDelta,
) -> Result<Vec<(OrgId, ReleaseId, String)>, Fault> {
    let never = releases::transfer_look_at.is_null().and(releases::sent_at.le(now - every));
    let rows: Vec<(Uuid, Uuid, Option<String>)> = releases::table
        .filter(releases::status.eq_any(["sent", "part_reversed"]))
        .filter(releases::sent_at.gt(now - TAKEN_BACK_WITHIN))
        .filter(releases::transfer_look_at.le(now).or(never))
        .order((releases::transfer_look_at.asc().nulls_first(), releases::sent_at))
        .limit(TRANSFERS)
        .select((releases::org_id, releases::id, releases::transfer))
        .load(&mut tx.pg())
        .await
        .fault()?;
    let never = release_replacements::look_at.is_null().and(release_replacements::made_at.le(now - every));
    let replacing: Vec<(Uuid, Uuid, String)> = release_replacements::table
        .filter(release_replacements::reversed.lt(release_replacements::amount))
        .filter(release_replacements::made_at.gt(now - TAKEN_BACK_WITHIN))
        .filter(release_replacements::look_at.le(now).or(never))
        .order((release_replacements::look_at.asc().nulls_first(), release_replacements::made_at))
        .limit(TRANSFERS)
        .select((release_replacements::org_id, release_replacements::release_id, release_replacements::transfer))
        .load(&mut tx.pg())
        .await
        .fault()?;
    let sent = rows.into_iter().filter_map(|(org, id, transfer)| Some((org, id, transfer?)));
    Ok(sent.chain(replacing).map(|(org, id, transfer)| (OrgId(org), ReleaseId(id), transfer)).collect())
}

/// Milestones whose review takes too long by the database's clock.
pub(crate) async fn reviews_overdue(tx: &ReadTx<'_>) -> Result<Vec<(OrgId, MilestoneId)>, Fault> {
    let rows: Vec<(Uuid, Uuid)> = milestones::table
        .filter(milestones::status.eq("in_review"))
        .filter(
            milestones::review_due_at
                .le(diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Timestamptz>>("app.now()")),
        )
        .limit(MOST)
        .select((milestones::org_id, milestones::id))
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(org, id)| (OrgId(org), MilestoneId(id))).collect())
}

//! What is stuck or due: the platform's look-ups on `SystemUow`, by partial indexes that hold only what is under way.

use db::prelude::*;
use kernel::{Fault, MilestoneId, OrgId, PaymentId, ReleaseId, Timestamp};
use uuid::Uuid;

use crate::schema::{milestones, payments, releases};

const MOST: i64 = 1_000;

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

/// Releases that are on their way since before `before`.
pub(crate) async fn releases_stuck(tx: &ReadTx<'_>, before: Timestamp) -> Result<Vec<(OrgId, ReleaseId)>, Fault> {
    let rows: Vec<(Uuid, Uuid)> = releases::table
        .filter(releases::status.eq_any(["sending", "unknown"]))
        .filter(releases::updated_at.lt(before))
        .order(releases::updated_at)
        .limit(MOST)
        .select((releases::org_id, releases::id))
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(org, id)| (OrgId(org), ReleaseId(id))).collect())
}

/// Milestones whose review takes too long by the database's clock (M8).
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

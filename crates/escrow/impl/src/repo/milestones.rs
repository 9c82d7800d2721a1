//! Milestones and what was said about their work.

use std::collections::HashMap;

use db::prelude::*;
use escrow_api::{Error, Milestone, MilestoneId, MilestoneStatus, Review, ReviewKind};
use kernel::{Fault, Money, OrgId, Timestamp, UserId};
use serde_json::Value;
use uuid::Uuid;

use super::rows::{MilestoneRow, stored};
use super::{Reader, holds, ledger, payments, releases};
use crate::model::stored::{StoredContract, StoredMilestone};
use crate::schema::{milestone_reviews, milestones};

pub(crate) async fn row(mut pg: Reader<'_>, id: MilestoneId) -> Result<StoredMilestone, Error> {
    let row: MilestoneRow = milestones::table
        .filter(milestones::id.eq(id.0))
        .select(MilestoneRow::as_select())
        .first(&mut pg)
        .await
        .not_found(|| Error::NotFound("milestone"))?;
    Ok(row.try_into()?)
}

/// Locks a milestone: either party may.
pub(crate) async fn lock(tx: &mut Tx, owner: OrgId, id: MilestoneId) -> Result<StoredMilestone, Error> {
    let row: MilestoneRow = milestones::table
        .find((owner.0, id.0))
        .select(MilestoneRow::as_select())
        .for_update()
        .first(tx.pg())
        .await
        .not_found(|| Error::NotFound("milestone"))?;
    Ok(row.try_into()?)
}

/// The milestones of contracts of these owners.
pub(super) async fn of_contracts(mut pg: Reader<'_>, owners: &[Uuid], contracts: &[Uuid]) -> Result<Vec<StoredMilestone>, Fault> {
    let rows: Vec<MilestoneRow> = milestones::table
        .filter(milestones::org_id.eq_any(owners).and(milestones::contract_id.eq_any(contracts)))
        .select(MilestoneRow::as_select())
        .order((milestones::contract_id, milestones::position))
        .load(&mut pg)
        .await
        .fault()?;
    stored(rows)
}

/// The milestones of one contract, in order.
pub(crate) async fn of_contract(pg: Reader<'_>, contract: &StoredContract) -> Result<Vec<StoredMilestone>, Fault> {
    of_contracts(pg, &[contract.owner.0], &[contract.id.0]).await
}

/// The milestones as parties are shown them, in their order, with what is held, the newest payment and the newest release.
pub(crate) async fn views(pg: Reader<'_>, rows: Vec<StoredMilestone>) -> Result<Vec<Milestone>, Fault> {
    let (owners, ids): (Vec<Uuid>, Vec<Uuid>) = rows.iter().map(|row| (row.owner.0, row.id.0)).unzip();
    let held = ledger::held(pg, &owners, &ids).await?;
    let payments: HashMap<Uuid, Uuid> = payments::newest(pg, &owners, &ids).await?;
    let mut releases = releases::newest(pg, &owners, &ids).await?;
    let frozen: Vec<Uuid> = rows.iter().filter(|row| row.frozen).map(|row| row.contract.0).collect();
    let held_by = if frozen.is_empty() { HashMap::new() } else { holds::of_contracts(pg, &owners, &frozen).await? };
    let shown = rows.into_iter().map(|row| Milestone {
        id: row.id,
        contract: row.contract,
        owner: row.owner,
        contractor: row.contractor,
        position: row.position,
        amount: row.amount,
        due_on: row.due_on,
        status: row.status,
        frozen: row.frozen,
        holds: held_by
            .get(&row.contract.0)
            .into_iter()
            .flatten()
            .filter(|(covered, _)| covered.is_none_or(|milestone| milestone == row.id.0))
            .map(|(_, hold)| hold.clone())
            .collect(),
        held: Money::from_minor(held.get(&row.id.0).copied().unwrap_or(0), row.amount.currency()),
        submissions: row.submissions,
        submitted_at: row.submitted_at,
        review_due_at: row.review_due_at,
        payment: payments.get(&row.id.0).map(|id| (*id).into()),
        release: releases.remove(&row.id.0).map(|release| release.view()),
        created_at: row.created_at,
        updated_at: row.updated_at,
        title: row.title,
    });
    Ok(shown.collect())
}

pub(crate) async fn view(pg: Reader<'_>, id: MilestoneId) -> Result<Milestone, Error> {
    let row = row(pg, id).await?;
    views(pg, vec![row]).await?.pop().ok_or(Error::NotFound("milestone"))
}

pub(crate) async fn set_status(tx: &mut Tx, milestone: &StoredMilestone, status: MilestoneStatus) -> Result<(), Fault> {
    let reviewed = matches!(status, MilestoneStatus::InReview | MilestoneStatus::Escalated);
    let at = db::touched(tx).await?;
    let changed = diesel::update(milestones::table.find((milestone.owner.0, milestone.id.0)))
        .set((
            milestones::status.eq(status.name()),
            // Only a review has an end.
            (!reviewed).then_some(milestones::review_due_at.eq(None::<Timestamp>)),
            milestones::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    if changed == 1 { Ok(()) } else { Err(Fault::internal(format!("milestone {} is not this tenant's to change", milestone.id))) }
}

/// The one change that the contractor may make.
pub(crate) async fn set_in_review(
    tx: &mut Tx,
    milestone: &StoredMilestone,
    by: Option<UserId>,
    at: Timestamp,
    due: Timestamp,
) -> Result<(), Fault> {
    let touched = db::touched(tx).await?;
    diesel::update(milestones::table.find((milestone.owner.0, milestone.id.0)))
        .set((
            milestones::status.eq(MilestoneStatus::InReview.name()),
            milestones::submissions.eq(milestones::submissions + 1),
            milestones::submitted_by.eq(by.map(Uuid::from)),
            milestones::submitted_at.eq(at),
            milestones::review_due_at.eq(due),
            milestones::updated_at.eq(touched),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Something to be said about work.
pub(crate) struct NewReview<'a> {
    pub(crate) kind: ReviewKind,
    pub(crate) note: Option<&'a str>,
    pub(crate) evidence: Value,
    pub(crate) amount: Option<Money>,
    pub(crate) by: Option<UserId>,
}

pub(crate) async fn insert_review(tx: &mut Tx, milestone: &StoredMilestone, new: NewReview<'_>) -> Result<(), Fault> {
    diesel::insert_into(milestone_reviews::table)
        .values((
            milestone_reviews::org_id.eq(milestone.owner.0),
            milestone_reviews::id.eq(Uuid::now_v7()),
            milestone_reviews::milestone_id.eq(milestone.id.0),
            milestone_reviews::contract_id.eq(milestone.contract.0),
            milestone_reviews::contractor_org_id.eq(milestone.contractor.0),
            milestone_reviews::kind.eq(new.kind.name()),
            milestone_reviews::note.eq(new.note),
            milestone_reviews::evidence.eq(new.evidence),
            milestone_reviews::amount.eq(new.amount.map(Money::minor)),
            milestone_reviews::by_user.eq(new.by.map(Uuid::from)),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

pub(crate) async fn reviews(mut pg: Reader<'_>, milestone: &StoredMilestone) -> Result<Vec<Review>, Fault> {
    type Row = (Uuid, String, Option<String>, Value, Option<i64>, Option<Uuid>, Timestamp);
    let rows: Vec<Row> = milestone_reviews::table
        .filter(milestone_reviews::org_id.eq(milestone.owner.0).and(milestone_reviews::milestone_id.eq(milestone.id.0)))
        .select((
            milestone_reviews::id,
            milestone_reviews::kind,
            milestone_reviews::note,
            milestone_reviews::evidence,
            milestone_reviews::amount,
            milestone_reviews::by_user,
            milestone_reviews::created_at,
        ))
        .order((milestone_reviews::created_at, milestone_reviews::id))
        .load(&mut pg)
        .await
        .fault()?;
    rows.into_iter()
        .map(|(id, kind, note, evidence, amount, by, at)| {
            let amount = amount.map(|minor| Money::from_minor(minor, milestone.amount.currency()));
            Ok(Review { id, kind: db::named(&kind)?, note, evidence, amount, by: by.map(UserId), at })
        })
        .collect()
}

/// The milestones of a contract that are neither released, refunded nor cancelled.
pub(crate) async fn unsettled(tx: &mut Tx, contract: &StoredContract) -> Result<i64, Fault> {
    let settled = [MilestoneStatus::Released, MilestoneStatus::Refunded, MilestoneStatus::Cancelled].map(MilestoneStatus::name);
    milestones::table
        .filter(milestones::org_id.eq(contract.owner.0))
        .filter(milestones::contract_id.eq(contract.id.0))
        .filter(milestones::status.ne_all(settled))
        .count()
        .get_result(tx.pg())
        .await
        .fault()
}

/// Before the contract is in force: its milestones end with it.
pub(crate) async fn cancel_all(tx: &mut Tx, contract: &StoredContract) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(
        milestones::table.filter(milestones::org_id.eq(contract.owner.0)).filter(milestones::contract_id.eq(contract.id.0)),
    )
    .set((milestones::status.eq(MilestoneStatus::Cancelled.name()), milestones::updated_at.eq(at)))
    .execute(tx.pg())
    .await
    .fault()?;
    Ok(())
}

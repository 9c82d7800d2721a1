//! SQL of second approvals.

use db::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Fault, OrgId, Timestamp, UserId};
use tenants_api::ApprovalRequest;
use uuid::Uuid;

use crate::model::{Grant, Voided, Waiting};
use crate::schema::approvals;

/// The approval that waits for a second person to ask for the same thing, locked.
pub(crate) async fn lock_waiting(tx: &mut Tx, org: OrgId, request: &ApprovalRequest) -> Result<Option<Waiting>, Fault> {
    let found: Option<(Uuid, Uuid, Timestamp)> = approvals::table
        .filter(approvals::org_id.eq(org.0))
        .filter(approvals::action.eq(request.action))
        .filter(approvals::subject.eq(request.subject))
        .filter(approvals::detail.eq(&request.detail))
        .filter(approvals::amount_minor.eq(request.amount.minor()))
        .filter(approvals::currency.eq(request.amount.currency().code()))
        .filter(approvals::used_at.is_null())
        .filter(approvals::voided_at.is_null())
        .for_update()
        .select((approvals::id, approvals::first_user, approvals::created_at))
        .first(tx.pg())
        .await
        .optional()
        .fault()?;
    Ok(found.map(|(id, first, asked_at)| Waiting { id, first: UserId(first), asked_at }))
}

#[derive(QueryableByName)]
struct GrantRow {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    granted_by: Option<Uuid>,
    #[diesel(sql_type = Text)]
    granter_role: String,
    #[diesel(sql_type = Timestamptz)]
    granted_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    checked_at: Timestamp,
}

/// By whom a member was made an approver, and what time it is; none for who is no member.
pub(crate) async fn grant(
    tx: &mut Tx,
    org: OrgId,
    request: &ApprovalRequest,
    user: UserId,
) -> Result<Option<(Grant, Timestamp)>, Fault> {
    let row: Option<GrantRow> = diesel::sql_query("select * from app.approver_grant($1, $2, $3)")
        .bind::<SqlUuid, _>(org.0)
        .bind::<Nullable<SqlUuid>, _>(request.project.map(|project| project.0))
        .bind::<SqlUuid, _>(user.0)
        .get_result(tx.pg())
        .await
        .optional()
        .fault()?;
    let Some(row) = row else { return Ok(None) };
    let grant = Grant { by: row.granted_by.map(UserId), granter: db::named(&row.granter_role)?, at: row.granted_at };
    Ok(Some((grant, row.checked_at)))
}

/// Notes that `first` asked; none if another transaction was faster (it has committed by then).
pub(crate) async fn insert_waiting(
    tx: &mut Tx,
    org: OrgId,
    request: &ApprovalRequest,
    first: UserId,
) -> Result<Option<Uuid>, Fault> {
    let id = Uuid::now_v7();
    let inserted = diesel::sql_query(
        "insert into approvals (org_id, id, action, subject, detail, amount_minor, currency, first_user)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (org_id, action, subject, detail, amount_minor, currency) where used_at is null and voided_at is null do nothing",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<SqlUuid, _>(id)
    .bind::<Text, _>(request.action)
    .bind::<SqlUuid, _>(request.subject)
    .bind::<Text, _>(&request.detail)
    .bind::<BigInt, _>(request.amount.minor())
    .bind::<Text, _>(request.amount.currency().code())
    .bind::<SqlUuid, _>(first.0)
    .execute(tx.pg())
    .await
    .fault()?;
    Ok((inserted == 1).then_some(id))
}

/// Makes void one whose first person is gone.
pub(crate) async fn void_one(tx: &mut Tx, org: OrgId, id: Uuid) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(approvals::table.find((org.0, id))).set(approvals::voided_at.eq(at)).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Uses an approval up.
pub(crate) async fn complete(tx: &mut Tx, org: OrgId, id: Uuid, second: UserId) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(approvals::table.find((org.0, id)))
        .set((approvals::second_user.eq(second.0), approvals::used_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Makes void what any of these people asked for first by one of these verbs; whose it was.
pub(crate) async fn void_verbs(
    tx: &mut Tx,
    org: OrgId,
    firsts: &[Uuid],
    actions: &[&str],
) -> Result<Vec<(UserId, Voided)>, Fault> {
    let waiting = approvals::table
        .filter(approvals::org_id.eq(org.0))
        .filter(approvals::first_user.eq_any(firsts))
        .filter(approvals::action.eq_any(actions.to_vec()))
        .filter(approvals::used_at.is_null())
        .filter(approvals::voided_at.is_null());
    let at = db::touched(tx).await?;
    let rows: Vec<(Uuid, Uuid, String, Uuid)> = diesel::update(waiting)
        .set(approvals::voided_at.eq(at))
        .returning((approvals::first_user, approvals::id, approvals::action, approvals::subject))
        .get_results(tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(first, id, action, subject)| (UserId(first), Voided { id, action, subject })).collect())
}

/// Makes void what a person asked for first.
pub(crate) async fn void(tx: &mut Tx, org: OrgId, first: UserId) -> Result<Vec<Voided>, Fault> {
    let waiting = approvals::table
        .filter(approvals::org_id.eq(org.0))
        .filter(approvals::first_user.eq(first.0))
        .filter(approvals::used_at.is_null())
        .filter(approvals::voided_at.is_null());
    let at = db::touched(tx).await?;
    let rows: Vec<(Uuid, String, Uuid)> = diesel::update(waiting)
        .set(approvals::voided_at.eq(at))
        .returning((approvals::id, approvals::action, approvals::subject))
        .get_results(tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(id, action, subject)| Voided { id, action, subject }).collect())
}

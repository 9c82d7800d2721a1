//! SQL of second approvals.

use db::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Fault, OrgId, UserId};
use tenants_api::ApprovalRequest;
use uuid::Uuid;

use crate::schema::approvals;

/// A waiting approval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    pub id: Uuid,
    pub first: UserId,
}

/// A waiting approval that was made void.
#[derive(Debug, Clone, Queryable)]
pub(crate) struct Voided {
    pub id: Uuid,
    pub action: String,
    pub subject: Uuid,
}

/// The approval that waits for a second person to ask for the same thing, locked.
pub(crate) async fn lock_waiting(tx: &mut Tx, org: OrgId, request: &ApprovalRequest) -> Result<Option<Waiting>, Fault> {
    let found: Option<(Uuid, Uuid)> = approvals::table
        .filter(approvals::org_id.eq(org.0))
        .filter(approvals::action.eq(request.action))
        .filter(approvals::subject.eq(request.subject))
        .filter(approvals::detail.eq(&request.detail))
        .filter(approvals::amount_minor.eq(request.amount.minor()))
        .filter(approvals::currency.eq(request.amount.currency().code()))
        .filter(approvals::used_at.is_null())
        .filter(approvals::voided_at.is_null())
        .for_update()
        .select((approvals::id, approvals::first_user))
        .first(tx.pg())
        .await
        .optional()
        .fault()?;
    Ok(found.map(|(id, first)| Waiting { id, first: UserId(first) }))
}

/// Notes that `first` asked; false if another transaction was faster (it has committed by then).
pub(crate) async fn insert_waiting(tx: &mut Tx, org: OrgId, request: &ApprovalRequest, first: UserId) -> Result<bool, Fault> {
    let inserted = diesel::sql_query(
        "insert into approvals (org_id, id, action, subject, detail, amount_minor, currency, first_user)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (org_id, action, subject, detail, amount_minor, currency) where used_at is null and voided_at is null do nothing",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<SqlUuid, _>(Uuid::now_v7())
    .bind::<Text, _>(request.action)
    .bind::<SqlUuid, _>(request.subject)
    .bind::<Text, _>(&request.detail)
    .bind::<BigInt, _>(request.amount.minor())
    .bind::<Text, _>(request.amount.currency().code())
    .bind::<SqlUuid, _>(first.0)
    .execute(tx.pg())
    .await
    .fault()?;
    Ok(inserted == 1)
}

/// Lets another person be the first.
pub(crate) async fn take_over(tx: &mut Tx, org: OrgId, id: Uuid, first: UserId) -> Result<(), Fault> {
    diesel::update(approvals::table.find((org.0, id))).set(approvals::first_user.eq(first.0)).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Uses an approval up.
pub(crate) async fn complete(tx: &mut Tx, org: OrgId, id: Uuid, second: UserId) -> Result<(), Fault> {
    diesel::update(approvals::table.find((org.0, id)))
        .set((
            approvals::second_user.eq(second.0),
            approvals::used_at.eq(diesel::dsl::sql::<diesel::sql_types::Nullable<Timestamptz>>("clock_timestamp()")),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Makes void what a person asked for first.
pub(crate) async fn void(tx: &mut Tx, org: OrgId, first: UserId) -> Result<Vec<Voided>, Fault> {
    let waiting = approvals::table
        .filter(approvals::org_id.eq(org.0))
        .filter(approvals::first_user.eq(first.0))
        .filter(approvals::used_at.is_null())
        .filter(approvals::voided_at.is_null());
    diesel::update(waiting)
        .set(approvals::voided_at.eq(diesel::dsl::sql::<diesel::sql_types::Nullable<Timestamptz>>("clock_timestamp()")))
        .returning((approvals::id, approvals::action, approvals::subject))
        .get_results(tx.pg())
        .await
        .fault()
}

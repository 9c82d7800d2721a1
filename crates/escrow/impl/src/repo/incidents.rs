//! What befell charges, as it was last seen: the platform's own, on `SystemUow`. Only [`widen`] is called where a transfer is confirmed, in the
//! transaction of the owner's side: what it may do there, its function in the database looks up itself.

use db::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text, Uuid as SqlUuid};
use escrow_api::{ChargeNews, ContractId, HoldKind, MilestoneId, PaymentId};
use kernel::{Fault, OrgId, RequestId, Timestamp};
use uuid::Uuid;

use crate::model::incident::Incident;
use crate::model::moved::StoredPayment;
use crate::schema::{charge_incidents, charge_watch, contracts, holds, milestones, payments, releases};

const MOST: i64 = 1_000;

/// Takes the locks of whoever stops or moves money of a payment's milestone, in the order of the verbs.
pub(crate) async fn lock(tx: &mut Tx, payment: &StoredPayment) -> Result<(), Fault> {
    let contract = contracts::table
        .filter(contracts::org_id.eq(payment.owner.0))
        .filter(contracts::id.eq(payment.contract.0))
        .select(contracts::id)
        .for_share();
    let _: Uuid = contract.first(tx.pg()).await.fault()?;
    let milestone = milestones::table
        .filter(milestones::org_id.eq(payment.owner.0))
        .filter(milestones::id.eq(payment.milestone.0))
        .select(milestones::id)
        .for_update();
    let _: Uuid = milestone.first(tx.pg()).await.fault()?;
    Ok(())
}

/// Whether money of this payment left, or may have.
pub(crate) async fn left(tx: &mut Tx, payment: &StoredPayment) -> Result<bool, Fault> {
    let gone = releases::status.eq_any(["sent", "part_reversed", "reversed"]);
    let maybe = releases::status.eq_any(["sending", "unknown"]).and(releases::maybe_sent_at.is_not_null());
    diesel::select(diesel::dsl::exists(
        releases::table
            .filter(releases::org_id.eq(payment.owner.0))
            .filter(releases::payment_id.eq(payment.id.0))
            .filter(gone.or(maybe)),
    ))
    .get_result(tx.pg())
    .await
    .fault()
}

#[derive(QueryableByName)]
struct IncidentGrewRow {
    #[diesel(sql_type = Bool)]
    grew: bool,
}

/// Keeps what was seen. Says whether it is news: the first of its kind, or further than before.
pub(crate) async fn keep(tx: &mut Tx, payment: &StoredPayment, seen: &Incident) -> Result<bool, Fault> {
    let row: IncidentGrewRow = diesel::sql_query(
        "with before as (select level from charge_incidents where org_id = $1 and payment_id = $2 and kind = $3 and object = $4),
         kept as (
             insert into charge_incidents as known (org_id, payment_id, kind, object, state, level, is_over) values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (org_id, payment_id, kind, object) do update set seen_at = excluded.seen_at,
                 level = greatest(known.level, excluded.level),
                 state = case when excluded.level > known.level then excluded.state else known.state end,
                 is_over = case when excluded.level > known.level then excluded.is_over else known.is_over end
             returning level)
         select coalesce(kept.level > (select level from before), true) as grew from kept",
    )
    .bind::<SqlUuid, _>(payment.owner.0)
    .bind::<SqlUuid, _>(payment.id.0)
    .bind::<Text, _>(seen.kind.name())
    .bind::<Text, _>(&seen.object)
    .bind::<Text, _>(&seen.state)
    .bind::<BigInt, _>(seen.level)
    .bind::<Bool, _>(seen.is_over)
    .get_result(tx.pg())
    .await
    .fault()?;
    Ok(row.grew)
}

/// The reviews of a payment's charge that were open when last seen.
pub(crate) async fn open_reviews(tx: &ReadTx<'_>, payment: &StoredPayment) -> Result<Vec<String>, Fault> {
    charge_incidents::table
        .filter(charge_incidents::org_id.eq(payment.owner.0))
        .filter(charge_incidents::payment_id.eq(payment.id.0))
        .filter(charge_incidents::kind.eq(HoldKind::Review.name()))
        .filter(charge_incidents::is_over.eq(false))
        .select(charge_incidents::object)
        .load(&mut tx.pg())
        .await
        .fault()
}

/// The open holds that an object of the provider's caused, on the payment's milestone or its contract.
pub(crate) async fn holds_of(tx: &mut Tx, payment: &StoredPayment, kind: HoldKind, object: &str) -> Result<Vec<Uuid>, Fault> {
    holds::table
        .filter(holds::org_id.eq(payment.owner.0))
        .filter(holds::contract_id.eq(payment.contract.0))
        .filter(holds::milestone_id.is_null().or(holds::milestone_id.eq(payment.milestone.0)))
        .filter(holds::kind.eq(kind.name()))
        .filter(holds::object.eq(object))
        .filter(holds::lifted_at.is_null())
        .select(holds::id)
        .load(tx.pg())
        .await
        .fault()
}

/// Whose charge it is: by the payment intent, or by the charge.
pub(crate) async fn payment_of(tx: &ReadTx<'_>, news: &ChargeNews) -> Result<Option<(OrgId, PaymentId)>, Fault> {
    let found: Option<(Uuid, Uuid)> = payments::table
        .filter(payments::intent.eq(news.intent.as_deref()).or(payments::charge.eq(news.charge.as_deref())))
        .select((payments::org_id, payments::id))
        .first(&mut tx.pg())
        .await
        .optional()
        .fault()?;
    Ok(found.map(|(org, id)| (OrgId(org), PaymentId(id))))
}

/// Which of these objects are known.
pub(crate) async fn known(tx: &ReadTx<'_>, objects: &[String]) -> Result<Vec<String>, Fault> {
    charge_incidents::table
        .filter(charge_incidents::object.eq_any(objects))
        .select(charge_incidents::object)
        .load(&mut tx.pg())
        .await
        .fault()
}

/// Payments with an incident that goes on and was last looked at before `before`.
pub(crate) async fn unfinished(tx: &ReadTx<'_>, before: Timestamp) -> Result<Vec<(OrgId, PaymentId)>, Fault> {
    let rows: Vec<(Uuid, Uuid)> = charge_incidents::table
        .filter(charge_incidents::is_over.eq(false))
        .filter(charge_incidents::seen_at.lt(before))
        .order(charge_incidents::seen_at)
        .limit(MOST)
        .select((charge_incidents::org_id, charge_incidents::payment_id))
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(org, id)| (OrgId(org), PaymentId(id))).collect())
}

/// They are about to be looked at: whatever comes of that, others have their turn before they are looked at again.
pub(crate) async fn take_turns(tx: &mut Tx, looks: &[(OrgId, PaymentId)], at: Timestamp) -> Result<(), Fault> {
    for (org, payment) in looks {
        diesel::update(charge_incidents::table)
            .filter(charge_incidents::org_id.eq(org.0))
            .filter(charge_incidents::payment_id.eq(payment.0))
            .filter(charge_incidents::is_over.eq(false))
            .set(charge_incidents::seen_at.eq(at))
            .execute(tx.pg())
            .await
            .fault()?;
    }
    Ok(())
}

/// Until when the provider's lists were read.
pub(crate) async fn looked_until(tx: &ReadTx<'_>) -> Result<Option<Timestamp>, Fault> {
    charge_watch::table.select(charge_watch::looked_until).first(&mut tx.pg()).await.optional().fault()
}

/// Notes that they were read until then.
pub(crate) async fn set_looked_until(tx: &mut Tx, until: Timestamp) -> Result<(), Fault> {
    diesel::insert_into(charge_watch::table)
        .values((charge_watch::only_row.eq(true), charge_watch::looked_until.eq(until)))
        .on_conflict(charge_watch::only_row)
        .do_update()
        .set(charge_watch::looked_until.eq(until))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

#[derive(QueryableByName)]
struct HoldsWidenedRow {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    widened: i32,
}

/// Money of the milestone left: what befell its charge stops its whole contract. Says how many holds that makes.
pub(crate) async fn widen(
    tx: &mut Tx,
    org: OrgId,
    contract: ContractId,
    milestone: MilestoneId,
    request: &RequestId,
) -> Result<i32, Fault> {
    let row: HoldsWidenedRow = diesel::sql_query("select app.widen_holds($1, $2, $3, $4) as widened")
        .bind::<SqlUuid, _>(org.0)
        .bind::<SqlUuid, _>(contract.0)
        .bind::<SqlUuid, _>(milestone.0)
        .bind::<Text, _>(request.as_str())
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok(row.widened)
}

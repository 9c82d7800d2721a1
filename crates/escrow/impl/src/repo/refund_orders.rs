//! Who asked for a refund, kept before the provider is asked: the platform's own, on `SystemUow`.

use chrono::TimeDelta;
use db::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Decision, Fault, Reason, Timestamp};
use uuid::Uuid;

use crate::model::moved::{Asker, StoredPayment};

/// A command that took longer than this has died.
const LONGEST: TimeDelta = TimeDelta::minutes(5);

#[derive(QueryableByName)]
struct OrderRow {
    #[diesel(sql_type = Text)]
    operator: String,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    begun_at: Timestamp,
}

impl From<OrderRow> for Asker {
    fn from(row: OrderRow) -> Self {
        Self { operator: row.operator, reason: row.reason, since: row.begun_at }
    }
}

/// Begins a command, unless another one about this payment is under way. Gives back the order's id, if it was begun.
pub(crate) async fn begin(tx: &mut Tx, payment: &StoredPayment, by: &Decision) -> Result<Option<Uuid>, Fault> {
    let (at, id) = (db::touched(tx).await?, Uuid::now_v7());
    diesel::sql_query(
        "update refund_orders set ended_at = $3 where org_id = $1 and payment_id = $2 and ended_at is null and begun_at < $4",
    )
    .bind::<SqlUuid, _>(payment.owner.0)
    .bind::<SqlUuid, _>(payment.id.0)
    .bind::<Timestamptz, _>(at)
    .bind::<Timestamptz, _>(at - LONGEST)
    .execute(tx.pg())
    .await
    .fault()?;
    let begun = diesel::sql_query(
        "insert into refund_orders (org_id, id, payment_id, operator, reason, begun_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (org_id, payment_id) where ended_at is null do nothing",
    )
    .bind::<SqlUuid, _>(payment.owner.0)
    .bind::<SqlUuid, _>(id)
    .bind::<SqlUuid, _>(payment.id.0)
    .bind::<Text, _>(by.operator.as_str())
    .bind::<Nullable<Text>, _>(by.reason.as_ref().map(Reason::as_str))
    .bind::<Timestamptz, _>(at)
    .execute(tx.pg())
    .await
    .fault()?;
    Ok((begun == 1).then_some(id))
}

/// The provider is about to be asked.
pub(crate) async fn asks(tx: &mut Tx, payment: &StoredPayment, order: Uuid) -> Result<(), Fault> {
    let sql = "update refund_orders set asked_at = $3 where org_id = $1 and id = $2 and asked_at is null";
    note(tx, payment, order, sql).await
}

/// The command has ended, however it did.
pub(crate) async fn end(tx: &mut Tx, payment: &StoredPayment, order: Uuid) -> Result<(), Fault> {
    let sql = "update refund_orders set ended_at = $3 where org_id = $1 and id = $2 and ended_at is null";
    note(tx, payment, order, sql).await
}

async fn note(tx: &mut Tx, payment: &StoredPayment, order: Uuid, sql: &str) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::sql_query(sql)
        .bind::<SqlUuid, _>(payment.owner.0)
        .bind::<SqlUuid, _>(order)
        .bind::<Timestamptz, _>(at)
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Whose command is under way, if one is.
pub(crate) async fn under_way(tx: &ReadTx<'_>, payment: &StoredPayment) -> Result<Option<Asker>, Fault> {
    let row: Option<OrderRow> = diesel::sql_query(
        "select operator, reason, begun_at from refund_orders where org_id = $1 and payment_id = $2 and ended_at is null",
    )
    .bind::<SqlUuid, _>(payment.owner.0)
    .bind::<SqlUuid, _>(payment.id.0)
    .get_result(&mut tx.pg())
    .await
    .optional()
    .fault()?;
    Ok(row.map(Asker::from))
}

/// Who asked the provider last, if anybody did.
pub(crate) async fn last(tx: &ReadTx<'_>, payment: &StoredPayment) -> Result<Option<Asker>, Fault> {
    let row: Option<OrderRow> = diesel::sql_query(
        "select operator, reason, begun_at from refund_orders
         where org_id = $1 and payment_id = $2 and asked_at is not null order by asked_at desc, id desc limit 1",
    )
    .bind::<SqlUuid, _>(payment.owner.0)
    .bind::<SqlUuid, _>(payment.id.0)
    .get_result(&mut tx.pg())
    .await
    .optional()
    .fault()?;
    Ok(row.map(Asker::from))
}

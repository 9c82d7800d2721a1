//! What the books know of bookings at the provider, and losses with what came back of them: the platform's own, on `SystemUow`.

use std::collections::HashSet;

use db::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Currency, Fault, Timestamp};
use uuid::Uuid;

use super::Reader;
use super::rows::stored;
use crate::model::coverage::StoredLoss;

#[derive(QueryableByName)]
struct BookedRow {
    #[diesel(sql_type = Text)]
    source_object: String,
    #[diesel(sql_type = Nullable<Text>)]
    balance_transaction: Option<String>,
}

/// Those of these objects and bookings of the provider that were posted as the platform's own money, each with the other.
pub(crate) async fn booked(tx: &ReadTx<'_>, ids: &[String]) -> Result<HashSet<String>, Fault> {
    let rows: Vec<BookedRow> = diesel::sql_query(
        "select source_object, balance_transaction from platform_float
         where source_provider = 'stripe' and (source_object = any ($1) or balance_transaction = any ($1))",
    )
    .bind::<Array<Text>, _>(ids)
    .load(&mut tx.pg())
    .await
    .fault()?;
    Ok(rows.into_iter().flat_map(|row| [Some(row.source_object), row.balance_transaction]).flatten().collect())
}

#[derive(QueryableByName)]
struct TakenRow {
    #[diesel(sql_type = Text)]
    object: String,
}

/// Those of these objects of the provider that stand in a ledger as this, or were given up.
pub(crate) async fn taken(tx: &ReadTx<'_>, objects: &[String], kind: &str) -> Result<HashSet<String>, Fault> {
    let rows: Vec<TakenRow> =
        diesel::sql_query("select object from posted_objects where provider = 'stripe' and kind = $2 and object = any ($1)")
            .bind::<Array<Text>, _>(objects)
            .bind::<Text, _>(kind)
            .load(&mut tx.pg())
            .await
            .fault()?;
    Ok(rows.into_iter().map(|row| row.object).collect())
}

/// Whether a transfer stands in a ledger, or was given up.
pub(crate) async fn is_transfer_taken(tx: &ReadTx<'_>, transfer: &str) -> Result<bool, Fault> {
    Ok(!taken(tx, &[transfer.to_owned()], "transfer").await?.is_empty())
}

/// Gives a transfer up with a loss: no ledger takes it afterwards.
pub(crate) async fn give_up(tx: &mut Tx, transfer: &str, loss: Uuid) -> Result<(), Fault> {
    diesel::sql_query(
        "insert into posted_objects (provider, object, kind, transaction_id) values ('stripe', $1, 'transfer', $2)",
    )
    .bind::<Text, _>(transfer)
    .bind::<SqlUuid, _>(loss)
    .execute(tx.pg())
    .await
    .fault()?;
    Ok(())
}

#[derive(QueryableByName)]
struct AllowedRow {
    #[diesel(sql_type = Bool)]
    allowed: bool,
}

/// Whether a release may have left, so that the comparison with the provider's balance allows for it.
pub(crate) async fn is_allowed_for(tx: &ReadTx<'_>, release: Uuid) -> Result<bool, Fault> {
    let row: AllowedRow = diesel::sql_query(
        "select exists (select from releases where id = $1 and status in ('sending', 'unknown') and maybe_sent_at is not null) as allowed",
    )
    .bind::<SqlUuid, _>(release)
    .get_result(&mut tx.pg())
    .await
    .fault()?;
    Ok(row.allowed)
}

#[derive(QueryableByName)]
struct ShortRow {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    since: Option<Timestamp>,
}

/// Since when the provider's balance has less of a currency than the books say, if it has.
pub(crate) async fn short_since(tx: &ReadTx<'_>, currency: Currency) -> Result<Option<Timestamp>, Fault> {
    let row: Option<ShortRow> =
        diesel::sql_query("select balance_short_since as since from platform_coverage where currency = $1")
            .bind::<Text, _>(currency.code())
            .get_result(&mut tx.pg())
            .await
            .optional()
            .fault()?;
    Ok(row.and_then(|row| row.since))
}

#[derive(QueryableByName)]
struct SaidRow {
    #[diesel(sql_type = BigInt)]
    said: i64,
}

/// What the books say is at the provider of a currency, in minor units, whatever may be under way. Whoever asks holds the lock of coverage.
pub(crate) async fn said(tx: &mut Tx, currency: Currency) -> Result<i64, Fault> {
    let row: SaidRow = diesel::sql_query(
        "select coalesce(sum(part.amount), 0)::bigint as said from (
             select balance::numeric as amount from ledger_balances where account in (1000, 1010, 1020) and currency = $1
             union all select amount from platform_float where currency = $1) part",
    )
    .bind::<Text, _>(currency.code())
    .get_result(tx.pg())
    .await
    .fault()?;
    Ok(row.said)
}

#[derive(QueryableByName)]
struct LossRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    source_object: String,
    #[diesel(sql_type = BigInt)]
    lost: i64,
    #[diesel(sql_type = BigInt)]
    back: i64,
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
}

impl TryFrom<LossRow> for StoredLoss {
    type Error = Fault;

    fn try_from(row: LossRow) -> Result<Self, Fault> {
        let LossRow { id, source_object, lost, back, currency, created_at } = row;
        Ok(Self { row: id, id: source_object, open: db::money(lost - back, &currency)?, at: created_at })
    }
}

/// Every loss of which something did not come back, the oldest first. Whoever asks before posting holds the lock of coverage.
pub(crate) async fn open(mut pg: Reader<'_>) -> Result<Vec<StoredLoss>, Fault> {
    let rows: Vec<LossRow> = diesel::sql_query(
        "select * from (
             select f.id, f.source_object, -f.amount as lost, f.currency, f.created_at,
                 coalesce((select sum(b.amount) from platform_float b where b.takes_back = f.id), 0)::bigint as back
             from platform_float f where f.source_provider = '14build' and f.amount < 0) loss
         where lost > back order by created_at, id",
    )
    .load(&mut pg)
    .await
    .fault()?;
    stored(rows)
}

#[derive(QueryableByName)]
struct SuspendedRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    charge: String,
    #[diesel(sql_type = Text)]
    intent: String,
}

/// Every payment of which something waits in suspense in a currency: its id, its charge and its intent.
pub(crate) async fn waiting_in_suspense(tx: &ReadTx<'_>, currency: Currency) -> Result<Vec<(Uuid, String, String)>, Fault> {
    let rows: Vec<SuspendedRow> = diesel::sql_query(
        "select p.id, p.charge, p.intent from payments p
         join ledger_transactions k on k.org_id = p.org_id and k.kind = 'payment_in_suspense' and k.source_object = p.charge
         join ledger_transactions t on t.org_id = k.org_id and (t.id = k.id or t.reverses = k.id)
         join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id and e.account = 2090
         where p.status = 'suspense' and p.intent is not null and k.currency = $1
         group by p.org_id, p.id, p.charge, p.intent having sum(e.amount) <> 0 order by p.id",
    )
    .bind::<Text, _>(currency.code())
    .load(&mut tx.pg())
    .await
    .fault()?;
    Ok(rows.into_iter().map(|row| (row.id, row.charge, row.intent)).collect())
}

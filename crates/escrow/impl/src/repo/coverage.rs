//! The platform's float and coverage: written and added up on `SystemUow`; a tenant learns only whether money is stopped.

use db::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use escrow_api::{BalanceMovement, Holding, ReleaseId};
use kernel::{Currency, Decision, Fault, Money, OrgId, Timestamp};
use uuid::Uuid;

use super::rows::stored;
use crate::ledger::Source;
use crate::model::coverage::{CoverageLook, PostedFloat};
use crate::schema::{platform_float, releases};

const MOST: i64 = 1_000;

/// The advisory lock of whoever looks at coverage ("14Cover" in ASCII).
const LOCK: i64 = 0x31_34_43_6f_76_65_72;

#[derive(QueryableByName)]
struct LookRow {
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = BigInt)]
    surplus: i64,
    #[diesel(sql_type = BigInt)]
    reserve: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    holds: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    should: Option<i64>,
    #[diesel(sql_type = Bool)]
    was_stopped: bool,
}

impl TryFrom<LookRow> for CoverageLook {
    type Error = Fault;

    fn try_from(row: LookRow) -> Result<Self, Fault> {
        let LookRow { currency, surplus, reserve, holds, should, was_stopped } = row;
        Ok(Self { currency: db::currency(&currency)?, surplus, reserve, holds, should, was_stopped })
    }
}

#[derive(QueryableByName)]
struct IsShortRow {
    #[diesel(sql_type = Bool)]
    short: bool,
}

/// Whether money of this currency is stopped, for a tenant.
pub(crate) async fn is_short(tx: &mut Tx, currency: Currency) -> Result<bool, Fault> {
    let row: IsShortRow = diesel::sql_query("select app.coverage_is_short($1) as short")
        .bind::<Text, _>(currency.code())
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok(row.short)
}

/// Keeps what the platform stands for in a currency.
pub(crate) async fn set_reserve(tx: &mut Tx, reserve: Money) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::sql_query(
        "insert into platform_reserves as kept (currency, amount, set_at) values ($1, $2, $3)
         on conflict (currency) do update set amount = excluded.amount, set_at = excluded.set_at where kept.amount <> excluded.amount",
    )
    .bind::<Text, _>(reserve.currency().code())
    .bind::<BigInt, _>(reserve.minor())
    .bind::<Timestamptz, _>(at)
    .execute(tx.pg())
    .await
    .fault()?;
    Ok(())
}

/// One look at a time, so that an older one never overwrites a newer one.
pub(crate) async fn lock(tx: &mut Tx) -> Result<(), Fault> {
    // A statement of its own: what it waited for is visible to the next one.
    diesel::sql_query("select pg_advisory_xact_lock($1)").bind::<BigInt, _>(LOCK).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Adds up coverage, compares what the provider answered, if it did, and keeps what tenants are told. Whoever calls it holds the lock.
pub(crate) async fn look_at_coverage(tx: &mut Tx, balance: Option<(Timestamp, &[Holding])>) -> Result<Vec<CoverageLook>, Fault> {
    #[derive(QueryableByName)]
    struct StoppedCurrencyRow {
        #[diesel(sql_type = Text)]
        currency: String,
    }
    let before: Vec<StoppedCurrencyRow> =
        diesel::sql_query("select currency from platform_coverage where app.coverage_is_short(currency)")
            .load(tx.pg())
            .await
            .fault()?;
    let at = db::touched(tx).await?;
    diesel::sql_query(
        "insert into platform_coverage as kept (currency, surplus, short_since, checked_at)
         select currency, (money + floated - owed)::bigint, case when money + floated < owed then $1 end, $1 from app.coverage()
         on conflict (currency) do update set surplus = excluded.surplus, checked_at = excluded.checked_at,
             short_since = case when excluded.surplus < 0 then coalesce(kept.short_since, excluded.short_since) end",
    )
    .bind::<Timestamptz, _>(at)
    .execute(tx.pg())
    .await
    .fault()?;
    if let Some((asked_at, holdings)) = balance {
        compare(tx, asked_at, holdings).await?;
    }
    let before: Vec<String> = before.into_iter().map(|row| row.currency).collect();
    let looks: Vec<LookRow> = diesel::sql_query(
        "select k.currency, k.surplus, coalesce(r.amount, 0) as reserve, k.provider_holds as holds, k.provider_should as should,
             k.currency = any ($1) as was_stopped
         from platform_coverage k left join platform_reserves r using (currency) order by k.currency",
    )
    .bind::<Array<Text>, _>(before)
    .load(tx.pg())
    .await
    .fault()?;
    stored(looks)
}

/// Compares what the provider's balance had with what the books say, per currency.
///
/// The books say: money at the provider (1000, 1010, 1020), the platform's own included. Two things may be under way and are allowed for,
/// no others: what the books learnt while the provider was being asked (it may have come after its answer), and transfers that may have
/// left, whose answer is not in the books yet. A currency that the provider did not name has nothing.
async fn compare(tx: &mut Tx, asked_at: Timestamp, holdings: &[Holding]) -> Result<(), Fault> {
    let (currencies, amounts): (Vec<&str>, Vec<i64>) = holdings
        .iter()
        .map(|holding| (holding.available.currency().code(), holding.available.minor().saturating_add(holding.pending.minor())))
        .unzip();
    let at = db::touched(tx).await?;
    diesel::sql_query(
        "with parts as (
             select currency, balance::numeric as amount from ledger_balances where account in (1000, 1010, 1020)
             union all select currency, amount from platform_float
             union all select e.currency, -sum(e.amount) from ledger_transactions t
                 join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id and e.account in (1000, 1010, 1020)
                 where t.created_at >= $1 and t.kind in ('payment_received', 'processing_fee_kept', 'payment_in_suspense',
                     'transfer_reversed', 'suspense_refund_failed', 'suspense_reinstated') group by e.currency
             union all select currency, -amount from platform_float where created_at >= $1 and amount > 0
             union all select currency, -sum(net) from releases
                 where status in ('sending', 'unknown') and maybe_sent_at is not null group by currency),
         books as (select currency, sum(amount)::bigint as should from parts group by currency),
         provider as (select currency, amount from unnest($2, $3) as p (currency, amount))
         update platform_coverage kept set provider_holds = coalesce(p.amount, 0), provider_should = b.should, balance_asked_at = $1,
             balance_short_since = case when coalesce(p.amount, 0) < b.should then coalesce(kept.balance_short_since, $4) end
         from books b left join provider p using (currency)
         where b.currency = kept.currency and (kept.balance_asked_at is null or kept.balance_asked_at <= $1)",
    )
    .bind::<Timestamptz, _>(asked_at)
    .bind::<Array<Text>, _>(currencies)
    .bind::<Array<BigInt>, _>(amounts)
    .bind::<Timestamptz, _>(at)
    .execute(tx.pg())
    .await
    .fault()?;
    diesel::sql_query(
        "update platform_balance_looks set failures = 0, failing_since = null, last_error = null where failures > 0",
    )
    .execute(tx.pg())
    .await
    .fault()?;
    Ok(())
}

#[derive(QueryableByName)]
struct Failures {
    #[diesel(sql_type = Integer)]
    failures: i32,
}

/// Notes that the balance could not be read: how often in a row that is by now. What was found before stands.
pub(crate) async fn unread(tx: &mut Tx, why: &str) -> Result<i32, Fault> {
    let at = db::touched(tx).await?;
    let row: Failures = diesel::sql_query(
        "insert into platform_balance_looks as kept (failures, failing_since, last_error) values (1, $2, left($1, 2000))
         on conflict (only_row) do update set failures = kept.failures + 1, failing_since = coalesce(kept.failing_since, excluded.failing_since),
             last_error = excluded.last_error
         returning failures",
    )
    .bind::<Text, _>(why)
    .bind::<Timestamptz, _>(at)
    .get_result(tx.pg())
    .await
    .fault()?;
    Ok(row.failures)
}

/// Releases of a currency that were asked for and have certainly not left.
pub(crate) async fn waiting(tx: &mut Tx, currency: Currency) -> Result<Vec<(OrgId, ReleaseId)>, Fault> {
    let rows: Vec<(Uuid, Uuid)> = releases::table
        .filter(releases::status.eq("sending"))
        .filter(releases::maybe_sent_at.is_null())
        .filter(releases::currency.eq(currency.code()))
        .order(releases::updated_at)
        .limit(MOST)
        .select((releases::org_id, releases::id))
        .load(tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(org, id)| (OrgId(org), ReleaseId(id))).collect())
}

/// Whether the platform's own money was posted for this object of the provider.
pub(crate) async fn is_posted(tx: &mut Tx, object: &str) -> Result<bool, Fault> {
    diesel::select(diesel::dsl::exists(
        platform_float::table
            .filter(platform_float::source_provider.eq("stripe"))
            .filter(platform_float::source_object.eq(object)),
    ))
    .get_result(tx.pg())
    .await
    .fault()
}

/// What the platform has of a currency over what it owes, by the books; below zero: what it lacks.
pub(crate) async fn surplus(tx: &mut Tx, currency: Currency) -> Result<Money, Fault> {
    #[derive(QueryableByName)]
    struct Surplus {
        #[diesel(sql_type = BigInt)]
        surplus: i64,
    }
    let row: Surplus = diesel::sql_query(
        "select coalesce(sum(money + floated - owed), 0)::bigint as surplus from app.coverage() where currency = $1",
    )
    .bind::<Text, _>(currency.code())
    .get_result(tx.pg())
    .await
    .fault()?;
    Ok(Money::from_minor(row.surplus, currency))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = platform_float)]
struct FloatRow {
    source_object: String,
    amount: i64,
    currency: String,
    created_at: Timestamp,
    operator: Option<String>,
}

impl TryFrom<FloatRow> for PostedFloat {
    type Error = Fault;

    fn try_from(row: FloatRow) -> Result<Self, Fault> {
        let amount = db::money(row.amount, &row.currency)?;
        Ok(Self { source_object: row.source_object, amount, at: row.created_at, operator: row.operator })
    }
}

/// What stands for a source, or for its booking. Whoever asks before posting holds the lock.
pub(crate) async fn posted(tx: &mut Tx, object: &str, balance_transaction: &str) -> Result<Option<PostedFloat>, Fault> {
    let either = platform_float::source_object.eq(object).or(platform_float::balance_transaction.eq(balance_transaction));
    let row: Option<FloatRow> = platform_float::table
        .filter(platform_float::source_provider.eq("stripe"))
        .filter(either)
        .select(FloatRow::as_select())
        .first(tx.pg())
        .await
        .optional()
        .fault()?;
    row.map(PostedFloat::try_from).transpose()
}

#[derive(diesel::QueryableByName)]
struct MovedRow {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    moved: bool,
}

/// Whether the books of a currency's money changed since then. To be asked under the lock of coverage.
pub(crate) async fn moved_since(tx: &mut Tx, currency: Currency, since: Timestamp) -> Result<bool, Fault> {
    let row: MovedRow = diesel::sql_query(
        "select exists (select from platform_float f where f.currency = $1 and f.created_at >= $2)
             or exists (select from ledger_transactions t join ledger_entries e on e.org_id = t.org_id and e.transaction_id = t.id
                 where t.created_at >= $2 and e.currency = $1 and e.account in (1000, 1010, 1020)) as moved",
    )
    .bind::<Text, _>(currency.code())
    .bind::<Timestamptz, _>(since)
    .get_result(tx.pg())
    .await
    .fault()?;
    Ok(row.moved)
}

/// A float to be kept.
pub(crate) struct NewFloat<'a> {
    source: &'a Source,
    /// Below zero: it went out.
    amount: Money,
    /// The provider's word for where it stood.
    status: &'a str,
    /// The provider's booking.
    balance_transaction: &'a str,
    /// The row of the loss that it takes back.
    takes_back: Option<Uuid>,
    /// What the provider's booking did to the balance, and the fee that it took besides.
    booked: Option<(i64, i64)>,
}

impl<'a> NewFloat<'a> {
    /// Of a booking of the provider's.
    pub(crate) fn booked(source: &'a Source, amount: Money, status: &'a str, movement: &'a BalanceMovement) -> Self {
        let booked = Some((movement.amount.minor(), movement.fee.minor()));
        Self { source, amount, status, balance_transaction: &movement.id, takes_back: None, booked }
    }

    /// A loss, or what takes one back: no booking tells of it.
    pub(crate) fn of_a_loss(source: &'a Source, amount: Money, status: &'a str, takes_back: Option<Uuid>) -> Self {
        Self { source, amount, status, balance_transaction: &source.object, takes_back, booked: None }
    }
}

/// Keeps a float. Says when it was posted.
pub(crate) async fn post_float(tx: &mut Tx, new: &NewFloat<'_>, by: &Decision) -> Result<Timestamp, Fault> {
    diesel::insert_into(platform_float::table)
        .values((
            platform_float::id.eq(Uuid::now_v7()),
            platform_float::source_provider.eq(new.source.provider),
            platform_float::source_object.eq(&new.source.object),
            platform_float::amount.eq(new.amount.minor()),
            platform_float::currency.eq(new.amount.currency().code()),
            platform_float::operator.eq(by.operator.as_str()),
            platform_float::reason.eq(by.reason.as_ref().map(kernel::Reason::as_str)),
            platform_float::provider_status.eq(new.status),
            platform_float::balance_transaction.eq(new.balance_transaction),
            platform_float::takes_back.eq(new.takes_back),
            platform_float::booked_amount.eq(new.booked.map(|(amount, _)| amount)),
            platform_float::booked_fee.eq(new.booked.map(|(_, fee)| fee)),
        ))
        .returning(platform_float::created_at)
        .get_result(tx.pg())
        .await
        .fault()
}

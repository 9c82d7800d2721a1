//! The platform's float (E0) and coverage (I7): written and added up on `SystemUow`; a tenant learns only whether money stands still.

use db::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use kernel::{Decision, Fault, OrgId, ReleaseId, Timestamp};
use uuid::Uuid;

use crate::ledger::Source;
use crate::schema::{platform_float, releases};

const MOST: i64 = 1_000;

/// The advisory lock of whoever looks at coverage ("14Cover" in ASCII).
const LOCK: i64 = 0x31_34_43_6f_76_65_72;

/// What I7 says of a currency.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub(crate) struct Looked {
    #[diesel(sql_type = Text)]
    pub(crate) currency: String,
    /// Negative: short.
    #[diesel(sql_type = BigInt)]
    pub(crate) surplus: i64,
    /// How much may lack before anything stands still.
    #[diesel(sql_type = BigInt)]
    pub(crate) reserve: i64,
    /// Whether it stood still when last looked at.
    #[diesel(sql_type = Bool)]
    pub(crate) stood_still: bool,
}

#[derive(QueryableByName)]
struct Short {
    #[diesel(sql_type = Bool)]
    short: bool,
}

/// Whether money of this currency stands still, for a tenant.
pub(crate) async fn is_short(tx: &mut Tx, currency: &str) -> Result<bool, Fault> {
    let row: Short = diesel::sql_query("select app.coverage_is_short($1) as short")
        .bind::<Text, _>(currency)
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok(row.short)
}

/// Keeps what the platform stands for in a currency.
pub(crate) async fn set_reserve(tx: &mut Tx, currency: &str, reserve: i64) -> Result<(), Fault> {
    diesel::sql_query(
        "insert into platform_reserves as kept (currency, amount) values ($1, $2)
         on conflict (currency) do update set amount = excluded.amount, set_at = now() where kept.amount <> excluded.amount",
    )
    .bind::<Text, _>(currency)
    .bind::<BigInt, _>(reserve)
    .execute(tx.pg())
    .await
    .fault()?;
    Ok(())
}

/// Adds up I7 and keeps what tenants are told. One at a time, so that an older look never overwrites a newer one.
pub(crate) async fn look(tx: &mut Tx) -> Result<Vec<Looked>, Fault> {
    // A statement of its own: what it waited for is visible to the next one.
    diesel::sql_query("select pg_advisory_xact_lock($1)").bind::<BigInt, _>(LOCK).execute(tx.pg()).await.fault()?;
    diesel::sql_query(
        "with before as (
             select k.currency from platform_coverage k left join platform_reserves r using (currency)
             where k.surplus + coalesce(r.amount, 0) < 0),
         looked as (
             insert into platform_coverage as kept (currency, surplus, short_since)
             select currency, (money + floated - owed)::bigint, case when money + floated < owed then now() end from app.coverage()
             on conflict (currency) do update set surplus = excluded.surplus, checked_at = now(),
                 short_since = case when excluded.surplus < 0 then coalesce(kept.short_since, now()) end
             returning currency, surplus)
         select looked.currency, looked.surplus, coalesce(r.amount, 0) as reserve, before.currency is not null as stood_still
         from looked left join before using (currency) left join platform_reserves r using (currency) order by looked.currency",
    )
    .load(tx.pg())
    .await
    .fault()
}

/// Releases of a currency that were asked for and have certainly not left.
pub(crate) async fn waiting(tx: &mut Tx, currency: &str) -> Result<Vec<(OrgId, ReleaseId)>, Fault> {
    let rows: Vec<(Uuid, Uuid)> = releases::table
        .filter(releases::status.eq("sending"))
        .filter(releases::maybe_sent_at.is_null())
        .filter(releases::currency.eq(currency))
        .order(releases::updated_at)
        .limit(MOST)
        .select((releases::org_id, releases::id))
        .load(tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(org, id)| (OrgId(org), ReleaseId(id))).collect())
}

/// A float as it was posted.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = platform_float)]
pub(crate) struct FloatRow {
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) created_at: Timestamp,
    pub(crate) operator: Option<String>,
}

/// Keeps a float, once per source: what stands for the source, and whether this call wrote it.
pub(crate) async fn post_float(
    tx: &mut Tx,
    source: &Source,
    amount: i64,
    currency: &str,
    by: &Decision,
) -> Result<(FloatRow, bool), Fault> {
    let fresh = diesel::insert_into(platform_float::table)
        .values((
            platform_float::id.eq(Uuid::now_v7()),
            platform_float::source_provider.eq(source.provider),
            platform_float::source_object.eq(&source.object),
            platform_float::amount.eq(amount),
            platform_float::currency.eq(currency),
            platform_float::operator.eq(by.operator.as_str()),
            platform_float::reason.eq(by.reason.as_ref().map(kernel::Reason::as_str)),
        ))
        .on_conflict((platform_float::source_provider, platform_float::source_object))
        .do_nothing()
        .execute(tx.pg())
        .await
        .fault()?;
    let row = platform_float::table
        .filter(platform_float::source_provider.eq(source.provider))
        .filter(platform_float::source_object.eq(&source.object))
        .select(FloatRow::as_select())
        .first(tx.pg())
        .await
        .fault()?;
    Ok((row, fresh == 1))
}

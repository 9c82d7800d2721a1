//! Writing the ledger: only through app.post_ledger. Reading balances.

use std::collections::HashMap;

use db::prelude::*;
use diesel::sql_types::{Bool, Jsonb, Nullable, Text, Uuid as SqlUuid};
use kernel::Fault;
use uuid::Uuid;

use super::Reader;
use crate::ledger::{Account, Posting};
use crate::schema::{ledger_balances, ledger_transactions};

#[derive(QueryableByName)]
struct Posted {
    #[diesel(sql_type = SqlUuid)]
    posted: Uuid,
    #[diesel(sql_type = Bool)]
    fresh: bool,
}

/// Posts, once per source. Says whether this call did it.
pub(crate) async fn post(tx: &mut Tx, contract: Uuid, posting: &Posting, reverses: Option<Uuid>) -> Result<(Uuid, bool), Fault> {
    let entries = serde_json::to_value(&posting.entries).map_err(Fault::internal)?;
    let row: Posted = diesel::sql_query("select posted, fresh from app.post_ledger($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind::<SqlUuid, _>(Uuid::now_v7())
        .bind::<SqlUuid, _>(contract)
        .bind::<Text, _>(posting.kind)
        .bind::<Text, _>(posting.source.provider)
        .bind::<Text, _>(&posting.source.object)
        .bind::<Text, _>(posting.source.kind.as_ref())
        .bind::<Text, _>(posting.currency.code())
        .bind::<Nullable<SqlUuid>, _>(reverses)
        .bind::<Jsonb, _>(entries)
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok((row.posted, row.fresh))
}

/// The transaction that was posted for a source of our own.
pub(crate) async fn posted(tx: &mut Tx, org: Uuid, object: &str, kind: &str) -> Result<Option<Uuid>, Fault> {
    ledger_transactions::table
        .filter(ledger_transactions::org_id.eq(org))
        .filter(ledger_transactions::source_provider.eq("14build"))
        .filter(ledger_transactions::source_object.eq(object))
        .filter(ledger_transactions::source_kind.eq(kind))
        .select(ledger_transactions::id)
        .first(tx.pg())
        .await
        .optional()
        .fault()
}

/// Whether a transfer stands in some contract's ledger; on `SystemUow`.
pub(crate) async fn knows_transfer(tx: &mut Tx, transfer: &str) -> Result<bool, Fault> {
    diesel::select(diesel::dsl::exists(
        ledger_transactions::table
            .filter(ledger_transactions::source_provider.eq("stripe"))
            .filter(ledger_transactions::source_object.eq(transfer))
            .filter(ledger_transactions::source_kind.eq("transfer")),
    ))
    .get_result(tx.pg())
    .await
    .fault()
}

/// What is held for each of these milestones and not reserved.
pub(crate) async fn held(mut pg: Reader<'_>, milestones: &[Uuid]) -> Result<HashMap<Uuid, i64>, Fault> {
    let rows: Vec<(Uuid, i64)> = ledger_balances::table
        .filter(ledger_balances::account.eq(Account::Held.code()))
        .filter(ledger_balances::subject.eq_any(milestones))
        .select((ledger_balances::subject, ledger_balances::balance))
        .load(&mut pg)
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(milestone, balance)| (milestone, -balance)).collect())
}

/// What came in for a contract otherwise than asked, and waits for a named person.
pub(crate) async fn in_suspense(mut pg: Reader<'_>, contract: Uuid) -> Result<i64, Fault> {
    let balances: Vec<i64> = ledger_balances::table
        .filter(ledger_balances::contract_id.eq(contract).and(ledger_balances::account.eq(Account::Suspense.code())))
        .select(ledger_balances::balance)
        .load(&mut pg)
        .await
        .fault()?;
    Ok(-balances.iter().sum::<i64>())
}

//! Writing the ledger: only through app.post_ledger, which takes no posting but with the proof that it is this program's. Reading balances.

use std::collections::HashMap;

use db::Voucher;
use db::prelude::*;
use diesel::sql_types::{Bool, Bytea, Text, Uuid as SqlUuid};
use escrow_api::TransactionKind;
use kernel::{Fault, Money, OrgId};
use serde::Serialize;
use uuid::Uuid;

use super::Reader;
use crate::ledger::{Account, Entry, Posting};
use crate::model::moved::Suspended;
use crate::model::stored::{Place, StoredMilestone};
use crate::schema::{ledger_balances, ledger_entries, ledger_transactions};

#[derive(QueryableByName)]
struct Posted {
    #[diesel(sql_type = SqlUuid)]
    posted: Uuid,
    #[diesel(sql_type = Bool)]
    fresh: bool,
}

/// A posting as the database reads it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Vouched<'a> {
    org: Uuid,
    id: Uuid,
    contract: Uuid,
    kind: &'a str,
    provider: &'a str,
    object: &'a str,
    source_kind: &'a str,
    currency: &'a str,
    reverses: Option<Uuid>,
    entries: &'a [Entry],
}

/// Posts, once per source: one of the provider's once in all ledgers together. Says whether this call did it.
pub(crate) async fn post(
    tx: &mut Tx,
    voucher: &Voucher,
    place: Place,
    posting: &Posting,
    reverses: Option<Uuid>,
) -> Result<(Uuid, bool), Fault> {
    let vouched = Vouched {
        org: place.org.0,
        id: Uuid::now_v7(),
        contract: place.contract.0,
        kind: posting.kind,
        provider: posting.source.provider,
        object: &posting.source.object,
        source_kind: posting.source.kind.as_ref(),
        currency: posting.currency.code(),
        reverses,
        entries: &posting.entries,
    };
    let text = serde_json::to_string(&vouched).map_err(Fault::internal)?;
    let row: Posted = diesel::sql_query("select posted, fresh from app.post_ledger($1, $2, $3)")
        .bind::<SqlUuid, _>(place.org.0)
        .bind::<Text, _>(&text)
        .bind::<Bytea, _>(voucher.proof(&text)?)
        .get_result(tx.pg())
        .await
        .fault()?;
    if row.fresh && posting.source.is_the_providers() {
        diesel::sql_query("select app.take_posted_object($1, $2)")
            .bind::<SqlUuid, _>(place.org.0)
            .bind::<SqlUuid, _>(row.posted)
            .execute(tx.pg())
            .await
            .fault()?;
    }
    Ok((row.posted, row.fresh))
}

/// The transaction that was posted for a source of our own.
pub(crate) async fn posted(tx: &mut Tx, org: OrgId, object: &str, kind: &str) -> Result<Option<Uuid>, Fault> {
    ledger_transactions::table
        .filter(ledger_transactions::org_id.eq(org.0))
        .filter(ledger_transactions::source_provider.eq("14build"))
        .filter(ledger_transactions::source_object.eq(object))
        .filter(ledger_transactions::source_kind.eq(kind))
        .select(ledger_transactions::id)
        .first(tx.pg())
        .await
        .optional()
        .fault()
}

/// Whether something of the provider's stands in an organisation's ledger as this.
pub(crate) async fn stands(mut pg: Reader<'_>, org: OrgId, object: &str, kind: &str) -> Result<bool, Fault> {
    diesel::select(diesel::dsl::exists(
        ledger_transactions::table
            .filter(ledger_transactions::org_id.eq(org.0).and(ledger_transactions::source_provider.eq("stripe")))
            .filter(ledger_transactions::source_object.eq(object).and(ledger_transactions::source_kind.eq(kind))),
    ))
    .get_result(&mut pg)
    .await
    .fault()
}

/// What a charge brought into suspense, if it did, and what of it waits.
pub(crate) async fn suspended(mut pg: Reader<'_>, place: Place, charge: &str) -> Result<Option<Suspended>, Fault> {
    let of_contract = ledger_transactions::org_id.eq(place.org.0).and(ledger_transactions::contract_id.eq(place.contract.0));
    let posted: Option<(Uuid, String)> = ledger_transactions::table
        .filter(of_contract)
        .filter(ledger_transactions::kind.eq(TransactionKind::PaymentInSuspense.name()))
        .filter(ledger_transactions::source_object.eq(charge))
        .select((ledger_transactions::id, ledger_transactions::currency))
        .first(&mut pg)
        .await
        .optional()
        .fault()?;
    let Some((transaction, currency)) = posted else { return Ok(None) };
    let left: Vec<(Uuid, String)> = ledger_transactions::table
        .filter(ledger_transactions::org_id.eq(place.org.0).and(ledger_transactions::reverses.eq(transaction)))
        .select((ledger_transactions::id, ledger_transactions::kind))
        .load(&mut pg)
        .await
        .fault()?;
    let by_bank = [TransactionKind::SuspenseWithdrawn.name(), TransactionKind::SuspenseReinstated.name()];
    let (taken, given_back): (Vec<_>, Vec<_>) = left.into_iter().partition(|(_, kind)| by_bank.contains(&kind.as_str()));
    let [taken, given_back] = [taken, given_back].map(|rows| rows.into_iter().map(|(id, _)| id).collect::<Vec<Uuid>>());
    let entries: Vec<(Uuid, i64)> = ledger_entries::table
        .filter(ledger_entries::org_id.eq(place.org.0).and(ledger_entries::account.eq(Account::Suspense.code())))
        .filter(
            ledger_entries::transaction_id
                .eq(transaction)
                .or(ledger_entries::transaction_id.eq_any(&given_back))
                .or(ledger_entries::transaction_id.eq_any(&taken)),
        )
        .select((ledger_entries::transaction_id, ledger_entries::amount))
        .load(&mut pg)
        .await
        .fault()?;
    let gross = -entries.iter().filter(|(of, _)| *of == transaction).map(|(_, amount)| amount).sum::<i64>();
    let waiting = -entries.iter().map(|(_, amount)| amount).sum::<i64>();
    let withdrawn = entries.iter().filter(|(of, _)| taken.contains(of)).map(|(_, amount)| amount).sum::<i64>();
    Ok(Some(Suspended {
        transaction,
        gross: db::money(gross, &currency)?,
        waiting: db::money(waiting, &currency)?,
        withdrawn: db::money(withdrawn, &currency)?,
    }))
}

/// Whether a transfer stands in some contract's ledger; on `SystemUow`.
pub(crate) async fn knows_transfer(mut pg: Reader<'_>, transfer: &str) -> Result<bool, Fault> {
    diesel::select(diesel::dsl::exists(
        ledger_transactions::table
            .filter(ledger_transactions::source_provider.eq("stripe"))
            .filter(ledger_transactions::source_object.eq(transfer))
            .filter(ledger_transactions::source_kind.eq("transfer")),
    ))
    .get_result(&mut pg)
    .await
    .fault()
}

/// What is held for each of these milestones of these owners and not reserved, in minor units of their currency.
pub(super) async fn held(mut pg: Reader<'_>, owners: &[Uuid], milestones: &[Uuid]) -> Result<HashMap<Uuid, i64>, Fault> {
    let rows: Vec<(Uuid, i64)> = ledger_balances::table
        .filter(ledger_balances::org_id.eq_any(owners).and(ledger_balances::account.eq(Account::Held.code())))
        .filter(ledger_balances::subject.eq_any(milestones))
        .select((ledger_balances::subject, ledger_balances::balance))
        .load(&mut pg)
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(milestone, balance)| (milestone, -balance)).collect())
}

/// What is held for a milestone and not reserved.
pub(crate) async fn held_for(pg: Reader<'_>, milestone: &StoredMilestone) -> Result<Money, Fault> {
    let held = held(pg, &[milestone.owner.0], &[milestone.id.0]).await?;
    Ok(Money::from_minor(held.get(&milestone.id.0).copied().unwrap_or(0), milestone.amount.currency()))
}

/// What came in for a contract otherwise than asked, and waits for a named person; in minor units.
pub(super) async fn in_suspense(mut pg: Reader<'_>, place: Place) -> Result<i64, Fault> {
    let balances: Vec<i64> = ledger_balances::table
        .filter(ledger_balances::org_id.eq(place.org.0).and(ledger_balances::contract_id.eq(place.contract.0)))
        .filter(ledger_balances::account.eq(Account::Suspense.code()))
        .select(ledger_balances::balance)
        .load(&mut pg)
        .await
        .fault()?;
    Ok(-balances.iter().sum::<i64>())
}

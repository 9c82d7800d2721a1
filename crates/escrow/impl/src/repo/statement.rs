//! The statement: a contract's ledger as both parties read it.

use std::collections::{BTreeMap, HashMap};

use db::prelude::*;
use escrow_api::{
    MilestoneId, MilestoneSummary, Statement, StatementBalance, StatementEntry, StatementTransaction, TransactionKind,
};
use kernel::{Fault, Money, Timestamp};
use uuid::Uuid;

use super::Reader;
use crate::ledger::Account;
use crate::model::stored::StoredContract;
use crate::schema::{ledger_accounts, ledger_entries, ledger_transactions, releases};

type TransactionRow = (Uuid, String, String, String, Option<Uuid>, Timestamp);
type EntryRow = (i16, Option<Uuid>, i64, String);

fn code(account: i16) -> u16 {
    u16::try_from(account).unwrap_or(0)
}

pub(crate) async fn of_contract(mut pg: Reader<'_>, contract: &StoredContract) -> Result<Statement, Fault> {
    let names: HashMap<i16, String> = ledger_accounts::table
        .select((ledger_accounts::code, ledger_accounts::name))
        .load::<(i16, String)>(&mut pg)
        .await
        .fault()?
        .into_iter()
        .collect();
    // One statement, and so one snapshot: a transaction is here with all its entries or not at all, and the balances are their sums.
    let rows: Vec<(TransactionRow, EntryRow)> = ledger_transactions::table
        .inner_join(
            ledger_entries::table.on(ledger_entries::org_id
                .eq(ledger_transactions::org_id)
                .and(ledger_entries::transaction_id.eq(ledger_transactions::id))),
        )
        .filter(ledger_transactions::org_id.eq(contract.owner.0).and(ledger_transactions::contract_id.eq(contract.id.0)))
        .order((ledger_transactions::created_at, ledger_transactions::id, ledger_entries::position))
        .select((
            (
                ledger_transactions::id,
                ledger_transactions::kind,
                ledger_transactions::source_provider,
                ledger_transactions::source_object,
                ledger_transactions::reverses,
                ledger_transactions::created_at,
            ),
            (ledger_entries::account, ledger_entries::subject, ledger_entries::amount, ledger_entries::currency),
        ))
        .load(&mut pg)
        .await
        .fault()?;
    // Read afterwards: it knows every release of the entries above.
    let milestone_of: HashMap<Uuid, Uuid> = releases::table
        .filter(releases::org_id.eq(contract.owner.0))
        .filter(releases::contract_id.eq(contract.id.0))
        .select((releases::id, releases::milestone_id))
        .load::<(Uuid, Uuid)>(&mut pg)
        .await
        .fault()?
        .into_iter()
        .collect();
    let name = |account: i16| names.get(&account).cloned().unwrap_or_default();
    let currency = contract.currency();
    let milestones = summaries(&rows, &milestone_of, currency);
    let mut sum = 0;
    let mut balances: BTreeMap<(i16, Option<Uuid>, String), i64> = BTreeMap::new();
    let mut transactions: Vec<StatementTransaction> = Vec::new();
    for ((id, kind, source, object, reverses, at), (account, subject, amount, of)) in rows {
        sum += amount;
        let entry = StatementEntry { account: code(account), name: name(account), subject, amount: db::money(amount, &of)? };
        match transactions.last_mut() {
            Some(last) if last.id == id => last.entries.push(entry),
            _ => {
                let (kind, source) = (db::named(&kind)?, db::named(&source)?);
                transactions.push(StatementTransaction { id, kind, source, object, reverses, at, entries: vec![entry] });
            }
        }
        *balances.entry((account, subject, of)).or_default() += amount;
    }
    Ok(Statement {
        contract: contract.id,
        transactions,
        balances: balances
            .into_iter()
            .filter(|(_, balance)| *balance != 0)
            .map(|((account, subject, of), balance)| {
                Ok(StatementBalance { account: code(account), name: name(account), subject, balance: db::money(balance, &of)? })
            })
            .collect::<Result<_, Fault>>()?,
        milestones,
        sum: Money::from_minor(sum, currency),
    })
}

/// What became of each milestone's money, from the entries: what came in, what is held, frozen and reserved, what went out.
fn summaries(
    rows: &[(TransactionRow, EntryRow)],
    milestone_of: &HashMap<Uuid, Uuid>,
    currency: kernel::Currency,
) -> Vec<MilestoneSummary> {
    #[derive(Default)]
    struct Sums {
        funded: i64,
        held: i64,
        frozen: i64,
        reserved: i64,
        released: i64,
    }
    let mut sums: BTreeMap<Uuid, Sums> = BTreeMap::new();
    for ((_, kind, ..), (account, subject, amount, _)) in rows {
        let Some(subject) = subject else { continue };
        let milestone = milestone_of.get(subject).copied().unwrap_or(*subject);
        if *account == Account::Held.code() {
            let sums = sums.entry(milestone).or_default();
            sums.held -= amount;
            if kind == TransactionKind::PaymentReceived.name() {
                sums.funded -= amount;
            } else if kind == TransactionKind::ReversalHeldAgain.name() {
                // It had been released, and is held again.
                sums.released += amount;
            }
        } else if *account == Account::Frozen.code() {
            sums.entry(milestone).or_default().frozen -= amount;
        } else if *account == Account::ReleasePayable.code() || *account == Account::FeePending.code() {
            let sums = sums.entry(milestone).or_default();
            sums.reserved -= amount;
            if kind == TransactionKind::ReleaseSent.name() {
                sums.released += amount;
            }
        }
    }
    let money = |minor| Money::from_minor(minor, currency);
    sums.into_iter()
        .map(|(milestone, sums)| MilestoneSummary {
            milestone: MilestoneId(milestone),
            funded: money(sums.funded),
            held: money(sums.held),
            frozen: money(sums.frozen),
            reserved: money(sums.reserved),
            released: money(sums.released),
        })
        .collect()
}

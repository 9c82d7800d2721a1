//! The statement: a contract's ledger as both parties read it.

use std::collections::{BTreeMap, HashMap};

use db::prelude::*;
use escrow_api::{MilestoneSummary, Statement, StatementBalance, StatementEntry, StatementTransaction};
use kernel::{Fault, MilestoneId, Money, Timestamp};
use uuid::Uuid;

use super::Reader;
use super::contracts::{ContractRow, currency_of};
use crate::ledger::Account;
use crate::schema::{ledger_accounts, ledger_balances, ledger_entries, ledger_transactions, releases};

type TransactionRow = (Uuid, String, String, String, String, Option<Uuid>, Timestamp);
type EntryRow = (Uuid, i16, Option<Uuid>, i64, String);

fn code(account: i16) -> u16 {
    u16::try_from(account).unwrap_or(0)
}

pub(crate) async fn of_contract(mut pg: Reader<'_>, contract: &ContractRow) -> Result<Statement, Fault> {
    let names: HashMap<i16, String> = ledger_accounts::table
        .select((ledger_accounts::code, ledger_accounts::name))
        .load::<(i16, String)>(&mut pg)
        .await
        .fault()?
        .into_iter()
        .collect();
    let transactions: Vec<TransactionRow> = ledger_transactions::table
        .filter(ledger_transactions::contract_id.eq(contract.id))
        .order((ledger_transactions::created_at, ledger_transactions::id))
        .select((
            ledger_transactions::id,
            ledger_transactions::kind,
            ledger_transactions::source_provider,
            ledger_transactions::source_object,
            ledger_transactions::currency,
            ledger_transactions::reverses,
            ledger_transactions::created_at,
        ))
        .load(&mut pg)
        .await
        .fault()?;
    let entries: Vec<EntryRow> = ledger_entries::table
        .filter(ledger_entries::contract_id.eq(contract.id))
        .order((ledger_entries::transaction_id, ledger_entries::position))
        .select((
            ledger_entries::transaction_id,
            ledger_entries::account,
            ledger_entries::subject,
            ledger_entries::amount,
            ledger_entries::currency,
        ))
        .load(&mut pg)
        .await
        .fault()?;
    let balances: Vec<(i16, Uuid, String, i64)> = ledger_balances::table
        .filter(ledger_balances::contract_id.eq(contract.id))
        .filter(ledger_balances::balance.ne(0))
        .order((ledger_balances::account, ledger_balances::subject))
        .select((ledger_balances::account, ledger_balances::subject, ledger_balances::currency, ledger_balances::balance))
        .load(&mut pg)
        .await
        .fault()?;
    let milestone_of: HashMap<Uuid, Uuid> = releases::table
        .filter(releases::org_id.eq(contract.org_id))
        .filter(releases::contract_id.eq(contract.id))
        .select((releases::id, releases::milestone_id))
        .load::<(Uuid, Uuid)>(&mut pg)
        .await
        .fault()?
        .into_iter()
        .collect();
    let name = |account: i16| names.get(&account).cloned().unwrap_or_default();
    let currency = currency_of(contract)?;
    let sum = entries.iter().map(|(_, _, _, amount, _)| amount).sum();
    let milestones = summaries(&transactions, &entries, &milestone_of, currency);
    let mut entries_of: HashMap<Uuid, Vec<StatementEntry>> = HashMap::new();
    for (transaction, account, subject, amount, of) in &entries {
        let entry = StatementEntry {
            account: code(*account),
            name: name(*account),
            subject: *subject,
            amount: super::money(*amount, of)?,
        };
        entries_of.entry(*transaction).or_default().push(entry);
    }
    Ok(Statement {
        contract: contract.id.into(),
        transactions: transactions
            .into_iter()
            .map(|(id, kind, provider, object, _, reverses, at)| StatementTransaction {
                id,
                kind,
                provider,
                object,
                reverses,
                at,
                entries: entries_of.remove(&id).unwrap_or_default(),
            })
            .collect(),
        balances: balances
            .into_iter()
            .map(|(account, subject, of, balance)| {
                Ok(StatementBalance {
                    account: code(account),
                    name: name(account),
                    // Where an account has no subject the contract stands in its place.
                    subject: (subject != contract.id).then_some(subject),
                    balance: super::money(balance, &of)?,
                })
            })
            .collect::<Result<_, Fault>>()?,
        milestones,
        sum: Money::from_minor(sum, currency),
    })
}

/// I4 from the entries: what came in, what is held, frozen and reserved, what went out.
fn summaries(
    transactions: &[TransactionRow],
    entries: &[EntryRow],
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
    let kinds: HashMap<Uuid, &str> = transactions.iter().map(|(id, kind, ..)| (*id, kind.as_str())).collect();
    let mut sums: BTreeMap<Uuid, Sums> = BTreeMap::new();
    for (transaction, account, subject, amount, _) in entries {
        let Some(subject) = subject else { continue };
        let kind = kinds.get(transaction).copied().unwrap_or_default();
        let milestone = milestone_of.get(subject).copied().unwrap_or(*subject);
        if *account == Account::Held.code() {
            let sums = sums.entry(milestone).or_default();
            sums.held -= amount;
            if kind == "E1" {
                sums.funded -= amount;
            }
        } else if *account == Account::Frozen.code() {
            sums.entry(milestone).or_default().frozen -= amount;
        } else if *account == Account::ReleasePayable.code() || *account == Account::FeePending.code() {
            let sums = sums.entry(milestone).or_default();
            sums.reserved -= amount;
            if kind == "E4" {
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

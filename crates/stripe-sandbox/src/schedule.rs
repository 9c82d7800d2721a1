//! What happens by itself when the clock passes a moment: debits settle, refunds end, balances become available.

use crate::state::{State, table};
use crate::{balance, payment_attempts, refunds};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Something to do later.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Task {
    /// The bank answers about the debit of a payment intent.
    SettleDebit,
    /// The bank answers about a refund.
    SettleRefund,
    /// Money of an account becomes available.
    BalanceAvailable,
}

impl Task {
    fn name(self) -> &'static str {
        match self {
            Self::SettleDebit => "settle_debit",
            Self::SettleRefund => "settle_refund",
            Self::BalanceAvailable => "balance_available",
        }
    }
}

/// Remembers to do something with an object at a moment.
pub(crate) fn at(state: &mut State, due: i64, task: Task, object: &str) {
    let id = match task {
        Task::BalanceAvailable => format!("{}:{object}:{due}", task.name()),
        _ => format!("{}:{object}", task.name()),
    };
    state.store.put(table::SCHEDULE, &id, json!({ "due": due, "task": task.name(), "object": object }));
}

/// Forgets what was to be done with an object.
pub(crate) fn cancel(state: &mut State, task: Task, object: &str) {
    state.store.remove(table::SCHEDULE, &format!("{}:{object}", task.name()));
}

/// Does everything due until a moment, in order, each thing at its own time.
pub(crate) fn run(state: &mut State, until: i64) {
    let mut became_available = BTreeSet::new();
    while let Some((id, row)) = next(state, until) {
        state.store.remove(table::SCHEDULE, &id);
        state.now = row["due"].as_i64().unwrap_or(until);
        let object = row["object"].as_str().unwrap_or_default();
        match row["task"].as_str() {
            Some("settle_debit") => payment_attempts::settle_debit(state, object),
            Some("settle_refund") => refunds::settle(state, object),
            _ => {
                became_available.insert(object.to_owned());
            }
        }
    }
    for account in became_available {
        balance::announce(state, &account);
    }
}

fn next(state: &State, until: i64) -> Option<(String, Value)> {
    let due = |row: &Value| row["due"].as_i64().unwrap_or(i64::MAX);
    let (id, row) = state.store.rows(table::SCHEDULE).filter(|(_, row)| due(row) <= until).min_by_key(|(_, row)| due(row))?;
    Some((id.to_owned(), row.clone()))
}

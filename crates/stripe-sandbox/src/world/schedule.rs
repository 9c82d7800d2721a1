//! What is to happen by itself when the clock passes a moment.

use crate::world::state::State;
use crate::world::table;
use serde_json::{Value, json};

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

    fn of(name: Option<&str>) -> Self {
        match name {
            Some("settle_debit") => Self::SettleDebit,
            Some("settle_refund") => Self::SettleRefund,
            _ => Self::BalanceAvailable,
        }
    }
}

/// Something whose moment has come.
#[derive(Debug)]
pub(crate) struct Due {
    /// When.
    pub at: i64,
    /// What.
    pub task: Task,
    /// With which object or account.
    pub object: String,
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

/// Takes out the first thing due until a moment.
pub(crate) fn take(state: &mut State, until: i64) -> Option<Due> {
    let due = |row: &Value| row["due"].as_i64().unwrap_or(i64::MAX);
    let (id, row) = state.store.rows(table::SCHEDULE).filter(|(_, row)| due(row) <= until).min_by_key(|(_, row)| due(row))?;
    let id = id.to_owned();
    let object = row["object"].as_str().unwrap_or_default().to_owned();
    let due = Due { at: due(row), task: Task::of(row["task"].as_str()), object };
    state.store.remove(table::SCHEDULE, &id);
    Some(due)
}

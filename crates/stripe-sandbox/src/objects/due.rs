//! What happens by itself when the clock passes a moment: debits settle, refunds end, balances become available.

use crate::objects::{balance, payment_attempts, refunds};
use crate::world::schedule::{self, Task};
use crate::world::{Origin, State};
use std::collections::BTreeSet;

/// Begins to serve a request: sets the time, and lets happen what is due.
pub(crate) fn enter(state: &mut State, origin: Origin) {
    state.origin = Origin::default();
    let until = state.time();
    run(state, until);
    state.now = until;
    state.origin = origin;
}

/// Moves the clock forward and lets happen what falls due.
pub(crate) fn advance(state: &mut State, seconds: i64) {
    state.wind(seconds);
    let origin = state.origin.clone();
    enter(state, origin);
}

/// Does everything due until a moment, in order, each thing at its own time.
fn run(state: &mut State, until: i64) {
    let mut became_available = BTreeSet::new();
    while let Some(due) = schedule::take(state, until) {
        state.now = due.at;
        match due.task {
            Task::SettleDebit => payment_attempts::settle_debit(state, &due.object),
            Task::SettleRefund => refunds::settle(state, &due.object),
            Task::BalanceAvailable => {
                became_available.insert(due.object);
            }
        }
    }
    for account in became_available {
        balance::announce(state, &account);
    }
}

//! The platform's own money at the in-memory provider: topped up, paid out, taken.

use kernel::Money;

use super::FakeProvider;
use super::state::State;
use crate::{BalanceMovement, OwnTransfer};

impl FakeProvider {
    /// The platform tops its balance up: the money is there at once.
    pub fn tops_up(&self, id: &str, amount: Money) {
        self.own_transfer(id, "topup", "succeeded", amount);
    }

    /// The platform pays out to its bank.
    pub fn pays_out(&self, id: &str, amount: Money) {
        self.own_transfer(id, "payout", "paid", Money::from_minor(-amount.minor(), amount.currency()));
    }

    fn own_transfer(&self, id: &str, kind: &str, status: &str, amount: Money) {
        let movement = BalanceMovement {
            id: format!("txn_{id}"),
            kind: kind.to_owned(),
            source: Some(id.to_owned()),
            amount,
            fee: Money::zero(amount.currency()),
            available: true,
        };
        self.books(movement.clone());
        let own = OwnTransfer { id: id.to_owned(), status: status.to_owned(), movement: Some(movement) };
        self.state().own.insert(id.to_owned(), own);
    }

    /// The provider books something on the platform's balance.
    pub fn books(&self, movement: BalanceMovement) {
        let mut state = self.state();
        state.moved.extend(movement.net());
        state.movements.insert(movement.id.clone(), movement);
    }

    /// Changes a top-up or a payout as the bank would.
    pub fn change_own(&self, id: &str, change: impl FnOnce(&mut OwnTransfer)) {
        if let Some(own) = self.state().own.get_mut(id) {
            change(own);
        }
    }
}

impl State {
    /// What stands on the balance besides charges and refunds: what was booked, and transfers.
    pub(super) fn bookings(&self) -> Vec<BalanceMovement> {
        let transfers = self.transfers.iter().map(|(_, transfer)| BalanceMovement {
            id: format!("txn_{}", transfer.id),
            kind: "transfer".to_owned(),
            source: Some(transfer.id.clone()),
            amount: Money::from_minor(-transfer.amount.minor(), transfer.amount.currency()),
            fee: Money::zero(transfer.amount.currency()),
            available: true,
        });
        self.movements.values().cloned().chain(transfers).collect()
    }
}

//! Refunds at the in-memory provider, and what they leave of a charge to draw on.

use kernel::Money;

use super::state::State;
use super::{FakeProvider, missing};
use crate::{ChargeNews, ProviderError, RefundOrder, RefundState, TransferOrder};

fn refused(code: &str, message: &str) -> ProviderError {
    ProviderError::Refused { code: code.to_owned(), message: message.to_owned() }
}

impl FakeProvider {
    /// Every refund.
    #[must_use]
    pub fn refunds(&self) -> Vec<RefundState> {
        self.state().refunds.iter().map(|(_, refund)| refund.clone()).collect()
    }

    /// Somebody gives back a part of what a paid intent brought, at the provider's dashboard.
    ///
    /// # Errors
    /// If there is no such charge, or less is left of it.
    pub fn refund_by_hand(&self, intent: &str, amount: Money) -> Result<RefundState, ProviderError> {
        let mut state = self.state();
        let idempotency_key = format!("dashboard_{}", state.refunds.len());
        state.refund(&RefundOrder { charge: format!("ch_{intent}"), amount, metadata: Vec::new(), idempotency_key })
    }

    /// Changes a refund as the payer's bank would.
    pub fn change_refund(&self, id: &str, change: impl FnOnce(&mut RefundState)) {
        let mut state = self.state();
        let Some((charge, refund)) = state.refunds.iter_mut().find(|(_, refund)| refund.id == id) else { return };
        change(refund);
        let charge = charge.clone();
        let given_back: i64 =
            state.refunds_of(&charge).iter().filter(|refund| !refund.failed()).map(|refund| refund.amount.minor()).sum();
        if let Some(charge) = state.charge(&charge) {
            charge.amount_refunded = given_back;
        }
    }
}

impl State {
    pub(super) fn refund(&mut self, order: &RefundOrder) -> Result<RefundState, ProviderError> {
        if let Some(id) = self.made_by_key.get(&order.idempotency_key) {
            return self
                .refunds
                .iter()
                .find(|(_, refund)| refund.id == *id)
                .map(|(_, refund)| refund.clone())
                .ok_or_else(|| missing("refund"));
        }
        let charge = self.charge(&order.charge).ok_or_else(|| missing("charge"))?;
        if charge.disputed {
            return Err(refused("charge_disputed", "it has been charged back"));
        }
        if charge.amount_refunded + order.amount.minor() > charge.amount {
            return Err(refused("charge_already_refunded", "less is left of it"));
        }
        charge.amount_refunded += order.amount.minor();
        let id = self.id("re");
        self.made_by_key.insert(order.idempotency_key.clone(), id.clone());
        let (amount, metadata) = (order.amount, order.metadata.clone());
        let refund = RefundState { id, amount, status: "succeeded".to_owned(), booked: true, metadata };
        self.refunds.push((order.charge.clone(), refund.clone()));
        Ok(refund)
    }

    pub(super) fn refunds_of(&self, charge: &str) -> Vec<RefundState> {
        self.refunds.iter().filter(|(of, _)| of == charge).map(|(_, refund)| refund.clone()).collect()
    }

    pub(super) fn refund_news(&self) -> Vec<ChargeNews> {
        let news = |(charge, refund): &(String, RefundState)| ChargeNews {
            object: refund.id.clone(),
            charge: Some(charge.clone()),
            intent: charge.strip_prefix("ch_").map(str::to_owned),
        };
        self.refunds.iter().map(news).collect()
    }

    /// A transfer draws on no more than what is left of its charge.
    pub(super) fn check_source(&mut self, order: &TransferOrder) -> Result<(), ProviderError> {
        let Some(source) = &order.source_charge else { return Ok(()) };
        let Some(charge) = self.charge(source) else { return Ok(()) };
        if order.amount.minor() > charge.amount - charge.amount_refunded {
            return Err(refused("parameter_invalid_integer", "the transfer is over more than what is left of the source charge"));
        }
        Ok(())
    }
}

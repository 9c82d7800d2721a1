//! An in-memory payment provider for tests: deterministic, honours idempotency keys, and can lose an answer after the effect.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use kernel::{Currency, Money, Timestamp};

use crate::{
    AccountState, BalanceMovement, ChargeNews, ChargeState, DisputeState, FraudWarning, Holding, IntentStatus, NewPaymentIntent,
    OwnTransfer, PaymentIntentState, PaymentProvider, ProviderError, RefundOrder, RefundState, SettledFunds, TransferOrder,
    TransferState,
};

mod disputes;
mod own_money;
mod refunds;
mod state;

pub use state::InjectedFault;
use state::{State, failed};

/// The provider.
#[derive(Debug, Default)]
pub struct FakeProvider(Mutex<State>);

impl FakeProvider {
    /// A provider to which nothing has happened.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next calls of `operation` (such as `create_transfer`) go wrong like this, one after the other.
    pub fn inject(&self, operation: &'static str, injected: impl IntoIterator<Item = InjectedFault>) {
        self.state().injected.entry(operation).or_default().extend(injected);
    }

    /// Every operation that was called, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<&'static str> {
        self.state().calls.clone()
    }

    /// Every idempotency key that something was to be made under, in order.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.state().keys.clone()
    }

    /// Every account, in the order in which they were made.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountState> {
        self.state().accounts.values().cloned().collect()
    }

    /// The account leaves the platform: it cannot be read any more, and receives nothing.
    pub fn deauthorize(&self, account: &str) {
        self.state().accounts.remove(account);
    }

    /// A payment intent that somebody else made, or that an answer of 500 hid.
    pub fn insert_intent(&self, intent: PaymentIntentState) {
        self.state().intents.insert(intent.id.clone(), intent);
    }

    /// Every payment intent.
    #[must_use]
    pub fn intents(&self) -> Vec<PaymentIntentState> {
        self.state().intents.values().cloned().collect()
    }

    /// Every transfer.
    #[must_use]
    pub fn transfers(&self) -> Vec<TransferState> {
        self.state().transfers.iter().map(|(_, transfer)| transfer.clone()).collect()
    }

    /// Changes a payment intent as the payer or the bank would.
    pub fn change_intent(&self, id: &str, change: impl FnOnce(&mut PaymentIntentState)) {
        if let Some(intent) = self.state().intents.get_mut(id) {
            change(intent);
        }
    }

    /// Changes a transfer as someone at the provider's dashboard would.
    pub fn change_transfer(&self, id: &str, change: impl FnOnce(&mut TransferState)) {
        if let Some((_, transfer)) = self.state().transfers.iter_mut().find(|(_, transfer)| transfer.id == id) {
            change(transfer);
        }
    }

    /// The payer pays in full; the provider keeps `fee`. The money is available at once or on `available_on`.
    pub fn pay(&self, id: &str, fee: i64, available_on: Timestamp, available: bool) {
        self.change_intent(id, |intent| {
            intent.status = IntentStatus::Succeeded;
            intent.amount_received = intent.amount;
            intent.last_error = None;
            intent.funds = Some(SettledFunds {
                charge: format!("ch_{id}"),
                balance_transaction: format!("txn_{id}"),
                gross: intent.amount,
                fee: Money::from_minor(fee, intent.amount.currency()),
                available_on,
                available,
                settled_in: intent.amount.currency().code().to_owned(),
                destination_transfer: None,
            });
        });
    }

    /// Changes the charge of a paid intent as someone at the provider's dashboard would.
    pub fn change_charge(&self, intent: &str, change: impl FnOnce(&mut ChargeState)) {
        if let Some(charge) = self.state().charge(&format!("ch_{intent}")) {
            change(charge);
        }
    }

    /// The funds of a paid intent become available.
    pub fn make_available(&self, id: &str) {
        self.change_intent(id, |intent| {
            if let Some(funds) = &mut intent.funds {
                funds.available = true;
            }
        });
    }

    /// The payer's means of payment is declined.
    pub fn decline(&self, id: &str) {
        self.change_intent(id, |intent| intent.last_error = Some("Your card was declined.".to_owned()));
    }

    /// Money comes to the platform's balance, or leaves it, without a payment or a transfer: a top-up, a payout, a debit.
    pub fn move_money(&self, amount: Money) {
        self.state().moved.push(amount);
    }

    /// The payee completes onboarding.
    pub fn complete_onboarding(&self, account: &str) {
        if let Some(account) = self.state().accounts.get_mut(account) {
            account.transfers_active = true;
            account.details_submitted = true;
            account.requirements.clear();
        }
    }

    fn begin(&self, operation: &'static str) -> Result<Option<InjectedFault>, ProviderError> {
        uow::forbid_in_transaction(operation).map_err(|fault| ProviderError::Unexpected(fault.to_string()))?;
        let mut state = self.state();
        state.calls.push(operation);
        let waiting = state.injected.entry(operation).or_default();
        let fault = if waiting.is_empty() { None } else { Some(waiting.remove(0)) };
        match fault {
            Some(InjectedFault::Unavailable) => Err(ProviderError::Unavailable("connection refused".to_owned())),
            Some(InjectedFault::Refuse(code)) => Err(ProviderError::Refused { code, message: "it was refused".to_owned() }),
            fault => Ok(fault),
        }
    }
}

fn end<T>(fault: Option<InjectedFault>, value: T) -> Result<T, ProviderError> {
    match fault {
        Some(InjectedFault::LoseAnswer) => Err(ProviderError::Unknown("timed out".to_owned())),
        _ => Ok(value),
    }
}

fn missing(what: &str) -> ProviderError {
    ProviderError::Refused { code: "resource_missing".to_owned(), message: format!("no such {what}") }
}

#[async_trait]
impl PaymentProvider for FakeProvider {
    async fn create_payment_intent(&self, new: &NewPaymentIntent) -> Result<PaymentIntentState, ProviderError> {
        let fault = self.begin("create_payment_intent")?;
        let mut state = self.state();
        let spent = state.spends(&new.idempotency_key, fault.as_ref())?;
        let id = match state.made_by_key.get(&new.idempotency_key) {
            Some(id) => id.clone(),
            None => {
                let id = state.id("pi");
                state.made_by_key.insert(new.idempotency_key.clone(), id.clone());
                let intent = PaymentIntentState {
                    id: id.clone(),
                    client_secret: Some(format!("{id}_secret")),
                    status: IntentStatus::Created,
                    amount: new.amount,
                    amount_received: Money::zero(new.amount.currency()),
                    metadata: new.metadata.clone(),
                    livemode: false,
                    last_error: None,
                    funds: None,
                };
                state.intents.insert(id.clone(), intent);
                id
            }
        };
        let intent = state.intents.get(&id).cloned().ok_or_else(|| missing("payment intent"))?;
        if spent { Err(failed()) } else { end(fault, intent) }
    }

    async fn payment_intent(&self, id: &str) -> Result<PaymentIntentState, ProviderError> {
        let fault = self.begin("payment_intent")?;
        let intent = self.state().intents.get(id).cloned().ok_or_else(|| missing("payment intent"))?;
        end(fault, intent)
    }

    async fn payment_intents_of(&self, payment: &str, _: Timestamp) -> Result<Vec<PaymentIntentState>, ProviderError> {
        let fault = self.begin("payment_intents_of")?;
        let names = |intent: &PaymentIntentState| intent.metadata.iter().any(|(name, id)| name == "payment_id" && id == payment);
        let found = self.state().intents.values().filter(|intent| names(intent)).cloned().collect();
        end(fault, found)
    }

    async fn cancel_payment_intent(&self, id: &str, idempotency_key: &str) -> Result<PaymentIntentState, ProviderError> {
        let begun = self.begin("cancel_payment_intent");
        // A refusal is the key's answer for good, as any other.
        if let Some(refused) = self.state().refused_by_key.get(idempotency_key) {
            return Err(refused.clone());
        }
        let fault = begun.inspect_err(|error| {
            if matches!(error, ProviderError::Refused { .. }) {
                self.state().refused_by_key.insert(idempotency_key.to_owned(), error.clone());
            }
        })?;
        let mut state = self.state();
        let intent = state.intents.get_mut(id).ok_or_else(|| missing("payment intent"))?;
        if matches!(intent.status, IntentStatus::Succeeded) {
            let code = "payment_intent_unexpected_state".to_owned();
            return Err(ProviderError::Refused { code, message: "it has succeeded".to_owned() });
        }
        intent.status = IntentStatus::Canceled;
        end(fault, intent.clone())
    }

    async fn charge(&self, id: &str) -> Result<ChargeState, ProviderError> {
        let fault = self.begin("charge")?;
        let charge = self.state().charge(id).cloned().ok_or_else(|| missing("charge"))?;
        end(fault, charge)
    }

    async fn dispute(&self, id: &str) -> Result<DisputeState, ProviderError> {
        let fault = self.begin("dispute")?;
        let dispute = self.state().disputes.iter().find(|dispute| dispute.id == id).cloned().ok_or_else(|| missing("dispute"))?;
        end(fault, dispute)
    }

    async fn disputes_of_intent(&self, intent: &str) -> Result<Vec<DisputeState>, ProviderError> {
        let fault = self.begin("disputes_of_intent")?;
        let state = self.state();
        end(fault, state.disputes.iter().filter(|dispute| dispute.intent.as_deref() == Some(intent)).cloned().collect())
    }

    async fn fraud_warnings_of_intent(&self, intent: &str) -> Result<Vec<FraudWarning>, ProviderError> {
        let fault = self.begin("fraud_warnings_of_intent")?;
        let state = self.state();
        end(fault, state.warnings.iter().filter(|warning| warning.intent.as_deref() == Some(intent)).cloned().collect())
    }

    async fn charge_news_since(&self, _: Option<Timestamp>) -> Result<Vec<ChargeNews>, ProviderError> {
        let fault = self.begin("charge_news_since")?;
        let state = self.state();
        let disputes = state.disputes.iter().map(|one| (&one.id, &one.charge, &one.intent));
        let warnings = state.warnings.iter().map(|one| (&one.id, &one.charge, &one.intent));
        let found = disputes.chain(warnings).map(|(object, charge, intent)| ChargeNews {
            object: object.clone(),
            charge: Some(charge.clone()),
            intent: intent.clone(),
        });
        end(fault, found.chain(state.refund_news()).collect())
    }

    async fn create_refund(&self, order: &RefundOrder) -> Result<RefundState, ProviderError> {
        let fault = self.begin("create_refund")?;
        let mut state = self.state();
        let spent = state.spends(&order.idempotency_key, fault.as_ref())?;
        let refund = state.refund(order)?;
        if spent { Err(failed()) } else { end(fault, refund) }
    }

    async fn refunds_of_charge(&self, charge: &str) -> Result<Vec<RefundState>, ProviderError> {
        let fault = self.begin("refunds_of_charge")?;
        end(fault, self.state().refunds_of(charge))
    }

    async fn create_transfer(&self, order: &TransferOrder) -> Result<TransferState, ProviderError> {
        let fault = self.begin("create_transfer")?;
        let mut state = self.state();
        let spent = state.spends(&order.idempotency_key, fault.as_ref())?;
        let known = state.made_by_key.contains_key(&order.idempotency_key);
        if !known && !state.accounts.get(&order.destination).is_some_and(|account| account.transfers_active) {
            let code = "insufficient_capabilities_for_transfer".to_owned();
            return Err(ProviderError::Refused { code, message: "the account cannot receive transfers".to_owned() });
        }
        if !known {
            state.check_source(order)?;
        }
        let id = match state.made_by_key.get(&order.idempotency_key) {
            Some(id) => id.clone(),
            None => {
                let id = state.id("tr");
                state.made_by_key.insert(order.idempotency_key.clone(), id.clone());
                let transfer = TransferState {
                    id: id.clone(),
                    amount: order.amount,
                    reversed: Money::zero(order.amount.currency()),
                    destination: order.destination.clone(),
                    metadata: order.metadata.clone(),
                };
                state.transfers.push((order.transfer_group.clone(), transfer));
                id
            }
        };
        let transfer = state.transfers.iter().map(|(_, t)| t).find(|t| t.id == id).cloned().ok_or_else(|| missing("transfer"))?;
        if spent { Err(failed()) } else { end(fault, transfer) }
    }

    async fn transfer(&self, id: &str) -> Result<TransferState, ProviderError> {
        let fault = self.begin("transfer")?;
        let transfer = self.state().transfers.iter().map(|(_, t)| t).find(|t| t.id == id).cloned();
        end(fault, transfer.ok_or_else(|| missing("transfer"))?)
    }

    async fn transfers_of_group(&self, transfer_group: &str) -> Result<Vec<TransferState>, ProviderError> {
        let fault = self.begin("transfers_of_group")?;
        let state = self.state();
        let found = state.transfers.iter().filter(|(group, _)| group == transfer_group).map(|(_, t)| t.clone()).collect();
        end(fault, found)
    }

    async fn create_account(
        &self,
        organization: &str,
        _: Option<&str>,
        idempotency_key: &str,
    ) -> Result<AccountState, ProviderError> {
        let begun = self.begin("create_account");
        let mut state = self.state();
        // A refusal is the key's answer for good, as any other.
        if let Some(refused) = state.refused_by_key.get(idempotency_key) {
            return Err(refused.clone());
        }
        let fault = begun.inspect_err(|error| {
            if matches!(error, ProviderError::Refused { .. }) {
                state.refused_by_key.insert(idempotency_key.to_owned(), error.clone());
            }
        })?;
        let spent = state.spends(idempotency_key, fault.as_ref())?;
        let id = match state.made_by_key.get(idempotency_key) {
            Some(id) => id.clone(),
            None => {
                let id = state.id("acct");
                state.made_by_key.insert(idempotency_key.to_owned(), id.clone());
                let account = AccountState {
                    id: id.clone(),
                    transfers_active: false,
                    details_submitted: false,
                    requirements: vec!["external_account".to_owned()],
                    disabled_reason: None,
                };
                state.accounts.insert(id.clone(), account);
                state.account_of.insert(id.clone(), organization.to_owned());
                id
            }
        };
        let account = state.accounts.get(&id).cloned().ok_or_else(|| missing("account"))?;
        if spent { Err(failed()) } else { end(fault, account) }
    }

    async fn accounts_of(&self, organization: &str, _: Timestamp) -> Result<Vec<AccountState>, ProviderError> {
        let fault = self.begin("accounts_of")?;
        let state = self.state();
        let owned = |id: &String| state.account_of.get(id).is_some_and(|owner| owner == organization);
        let found = state.accounts.iter().filter(|(id, _)| owned(id)).map(|(_, account)| account.clone()).collect();
        end(fault, found)
    }

    async fn account(&self, id: &str) -> Result<AccountState, ProviderError> {
        let fault = self.begin("account")?;
        let account = self.state().accounts.get(id).cloned().ok_or_else(|| missing("account"))?;
        end(fault, account)
    }

    async fn onboarding_link(&self, account: &str, _: &str, _: &str) -> Result<String, ProviderError> {
        let fault = self.begin("onboarding_link")?;
        end(fault, format!("https://provider.example/onboarding/{account}"))
    }

    async fn balance(&self) -> Result<Vec<Holding>, ProviderError> {
        let fault = self.begin("balance")?;
        let state = self.state();
        let mut sums: BTreeMap<&str, (Currency, i64, i64)> = BTreeMap::new();
        let mut add = |money: Money, sign: i64, available: bool| {
            let (_, now, later) = sums.entry(money.currency().code()).or_insert((money.currency(), 0, 0));
            *(if available { now } else { later }) += sign * money.minor();
        };
        for funds in state.intents.values().filter_map(|intent| intent.funds.as_ref()) {
            add(funds.gross, 1, funds.available);
            add(funds.fee, -1, funds.available);
        }
        for (_, transfer) in &state.transfers {
            add(transfer.amount, -1, true);
            add(transfer.reversed, 1, true);
        }
        for (_, refund) in state.refunds.iter().filter(|(_, refund)| refund.booked && !refund.failed()) {
            add(refund.amount, -1, true);
        }
        for moved in &state.moved {
            add(*moved, 1, true);
        }
        let holdings = sums.into_values().map(|(currency, now, later)| Holding {
            available: Money::from_minor(now, currency),
            pending: Money::from_minor(later, currency),
        });
        end(fault, holdings.collect())
    }

    async fn top_up(&self, id: &str) -> Result<OwnTransfer, ProviderError> {
        let fault = self.begin("top_up")?;
        let found = self.state().own.get(id).cloned().ok_or_else(|| missing("top-up"))?;
        end(fault, found)
    }

    async fn payout(&self, id: &str) -> Result<OwnTransfer, ProviderError> {
        let fault = self.begin("payout")?;
        let found = self.state().own.get(id).cloned().ok_or_else(|| missing("payout"))?;
        end(fault, found)
    }

    async fn fees_since(&self, _: Timestamp) -> Result<Vec<BalanceMovement>, ProviderError> {
        let fault = self.begin("fees_since")?;
        let fees = ["stripe_fee", "stripe_fx_fee", "tax_fee", "network_cost"];
        let found = self.state().movements.values().filter(|one| fees.contains(&one.kind.as_str())).cloned().collect();
        end(fault, found)
    }

    async fn movements_since(&self, kinds: &[&str], _: Timestamp) -> Result<Vec<BalanceMovement>, ProviderError> {
        let fault = self.begin("movements_since")?;
        let found = self.state().bookings().into_iter().filter(|one| kinds.contains(&one.kind.as_str())).collect();
        end(fault, found)
    }

    async fn balance_movement(&self, id: &str) -> Result<BalanceMovement, ProviderError> {
        let fault = self.begin("balance_movement")?;
        let found = self.state().movements.get(id).cloned().ok_or_else(|| missing("balance transaction"))?;
        end(fault, found)
    }
}

//! What the in-memory provider has, and how its calls go wrong.

use std::collections::{BTreeMap, HashMap, HashSet};

use kernel::Money;

use crate::{
    AccountState, BalanceMovement, ChargeState, DisputeState, FraudWarning, OwnTransfer, PaymentIntentState, ProviderError,
    RefundState, TransferState,
};

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InjectedFault {
    /// It has its effect, but the answer is lost.
    LoseAnswer,
    /// It is answered 500, which the key repeats from then on; nothing was done.
    Fail,
    /// It is answered 500, which the key repeats from then on; but it was done.
    FailAfter,
    /// It never arrives.
    Unavailable,
    /// It is refused with this code.
    Refuse(String),
}

/// What the provider has, and what it is told to do wrong.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) next: u32,
    pub(super) intents: BTreeMap<String, PaymentIntentState>,
    pub(super) transfers: Vec<(String, TransferState)>,
    /// With the charge of each.
    pub(super) refunds: Vec<(String, RefundState)>,
    pub(super) accounts: BTreeMap<String, AccountState>,
    pub(super) charges: BTreeMap<String, ChargeState>,
    pub(super) disputes: Vec<DisputeState>,
    pub(super) warnings: Vec<FraudWarning>,
    pub(super) made_by_key: HashMap<String, String>,
    pub(super) refused_by_key: HashMap<String, ProviderError>,
    pub(super) spent_keys: HashSet<String>,
    pub(super) account_of: HashMap<String, String>,
    pub(super) keys: Vec<String>,
    pub(super) injected: HashMap<&'static str, Vec<InjectedFault>>,
    pub(super) calls: Vec<&'static str>,
    pub(super) moved: Vec<Money>,
    pub(super) own: BTreeMap<String, OwnTransfer>,
    pub(super) movements: BTreeMap<String, BalanceMovement>,
}

impl State {
    pub(super) fn id(&mut self, prefix: &str) -> String {
        self.next += 1;
        format!("{prefix}_{:06}", self.next)
    }

    /// Whether this call is answered 500 although it is done; an error if it is not done, or if the key repeats an earlier 500.
    pub(super) fn spends(&mut self, key: &str, fault: Option<&InjectedFault>) -> Result<bool, ProviderError> {
        self.keys.push(key.to_owned());
        if self.spent_keys.contains(key) {
            return Err(failed());
        }
        let fails = matches!(fault, Some(InjectedFault::Fail | InjectedFault::FailAfter));
        if fails {
            self.spent_keys.insert(key.to_owned());
        }
        if fault == Some(&InjectedFault::Fail) { Err(failed()) } else { Ok(fails) }
    }

    /// A charge: as it should be, until somebody changes it.
    pub(super) fn charge(&mut self, id: &str) -> Option<&mut ChargeState> {
        let brought = |intent: &&PaymentIntentState| intent.funds.as_ref().is_some_and(|funds| funds.charge == id);
        let intent = self.intents.values().find(brought)?;
        let fresh = ChargeState {
            id: id.to_owned(),
            intent: Some(intent.id.clone()),
            status: "succeeded".to_owned(),
            captured: true,
            disputed: false,
            amount: intent.amount.minor(),
            amount_refunded: 0,
            currency: intent.amount.currency().code().to_owned(),
            review: None,
        };
        Some(self.charges.entry(id.to_owned()).or_insert(fresh))
    }
}

/// The answer 500.
pub(super) fn failed() -> ProviderError {
    ProviderError::KeySpent("it failed (500 api_error)".to_owned())
}

//! `PaymentProvider`: the port through which money moves; implemented by the Stripe adapter (docs/domain/money.md).
//!
//! Amounts are minor units. Every method refuses to run inside a transaction and is safe to repeat: the caller gives the idempotency key.
//! Charges are always on the platform's own account, without transfer data: a release is a separate transfer (docs/domain/money.md).

use async_trait::async_trait;
use kernel::{Money, Timestamp};

/// Why the provider did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It refused: nothing happened and repeating will not help (API 4xx).
    #[error("the payment provider refused: {message} ({code})")]
    Refused {
        /// The provider's code, such as `balance_insufficient` or `card_declined`.
        code: String,
        /// The provider's words.
        message: String,
    },
    /// It did not happen and may be tried again (connection refused, 429).
    #[error("the payment provider cannot be reached: {0}")]
    Unavailable(String),
    /// Nobody knows whether it happened (time-out after sending): look before trying again, with the same key.
    #[error("the payment provider's answer is lost: {0}")]
    Unknown(String),
    /// It failed (5xx), or the key was used for something else, and whatever is asked under this key gets the same answer for a day.
    /// Nobody knows whether it happened: look first; for what is harmless until it is paid, a new key then helps.
    #[error("the payment provider failed and repeats that under this key: {0}")]
    KeySpent(String),
    /// It answered something that cannot be understood.
    #[error("the payment provider answered something unexpected: {0}")]
    Unexpected(String),
}

/// A payment intent to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPaymentIntent {
    /// What the payer is charged.
    pub amount: Money,
    /// `ms_<milestone id>`.
    pub transfer_group: String,
    /// Pairs for our own matching: `payment_id`, `milestone_id`, `contract_id`.
    pub metadata: Vec<(String, String)>,
    /// Shown on the payer's receipt.
    pub description: String,
    /// The idempotency key: the payment's id, with a number once a key was spent.
    pub idempotency_key: String,
}

/// The state of a payment intent, in the words of docs/domain/money.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentStatus {
    /// Not confirmed yet, or a confirmation failed and another means of payment is needed.
    Created,
    /// The payer must do something (3-D Secure).
    RequiresAction,
    /// On its way (bank debits).
    Processing,
    /// Only authorised: the payer confirmed it so that somebody would have to capture the money, which nobody does here.
    RequiresCapture,
    /// Paid.
    Succeeded,
    /// Cancelled.
    Canceled,
    /// A state that this program does not know.
    Unrecognised,
}

/// What a succeeded payment brought to the platform's balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledFunds {
    /// The charge, `ch_…`.
    pub charge: String,
    /// The balance transaction, `txn_…`.
    pub balance_transaction: String,
    /// Gross, in the payment's currency.
    pub gross: Money,
    /// The provider's fee.
    pub fee: Money,
    /// When the funds become available.
    pub available_on: Timestamp,
    /// Whether they are available now, by the provider's own clock.
    pub available: bool,
    /// ISO 4217 code of the balance that they went to; a fee in a currency that is not used here is none.
    pub settled_in: String,
    /// The destination transfer of the charge. Always `None` for our charges; anything else is a double payment in the making.
    pub destination_transfer: Option<String>,
}

/// A payment intent as the provider has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentIntentState {
    /// `pi_…`.
    pub id: String,
    /// For the payer's browser; a secret.
    pub client_secret: Option<String>,
    /// Its state.
    pub status: IntentStatus,
    /// What was asked.
    pub amount: Money,
    /// What was received.
    pub amount_received: Money,
    /// Our own pairs.
    pub metadata: Vec<(String, String)>,
    /// Whether it is real money.
    pub livemode: bool,
    /// Why the last attempt failed, in the provider's words.
    pub last_error: Option<String>,
    /// What it brought, once succeeded.
    pub funds: Option<SettledFunds>,
}

/// A charge as the provider has it now: what became of money that was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeState {
    /// `ch_…` or `py_…`.
    pub id: String,
    /// The payment intent it belongs to.
    pub intent: Option<String>,
    /// The provider's word: `succeeded`, `pending`, `failed`, or another.
    pub status: String,
    /// Whether the money was taken, not only reserved.
    pub captured: bool,
    /// Whether the payer's bank took it back, or did at some time.
    pub disputed: bool,
    /// What was charged, in minor units of the payment's currency.
    pub amount: i64,
    /// How much of it was given back, in the same units.
    pub amount_refunded: i64,
    /// The payment's currency, in the provider's word: for people.
    pub currency: String,
    /// The open review, `prv_…`.
    pub review: Option<String>,
}

/// Where a dispute stands, in the order in which it can get there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DisputeStage {
    /// The bank only asks: no money has moved.
    Inquiry,
    /// It asked, and that was all.
    InquiryClosed,
    /// The bank has the money; or a state that this program does not know.
    Open,
    /// Won, but the money is not back.
    WonUnpaid,
    /// Won, and the money is back.
    Won,
    /// The money stays away: lost, or given back to avoid the dispute.
    Lost,
}

/// A dispute as the provider has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisputeState {
    /// `dp_…` or `du_…`.
    pub id: String,
    /// The charge.
    pub charge: String,
    /// Its payment intent.
    pub intent: Option<String>,
    /// The provider's word, such as `needs_response`.
    pub status: String,
    /// What that means.
    pub stage: DisputeStage,
    /// The disputed amount, for people.
    pub amount: String,
    /// Why, in the bank's word.
    pub reason: String,
    /// What it did to the platform's balance, in currencies that are used here: taken below zero, given back above.
    pub booked: Vec<BalanceMovement>,
}

/// A warning of the card's network that a charge may be fraud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FraudWarning {
    /// `issfr_…`.
    pub id: String,
    /// The charge.
    pub charge: String,
    /// Its payment intent.
    pub intent: Option<String>,
    /// What is suspected, in the network's word.
    pub fraud_type: String,
}

/// Something that befell a charge: where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeNews {
    /// `dp_…`, `issfr_…`, `re_…` or `prv_…`.
    pub object: String,
    /// The charge.
    pub charge: Option<String>,
    /// Its payment intent.
    pub intent: Option<String>,
}

/// A charge's money to be given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundOrder {
    /// The charge that brought it.
    pub charge: String,
    /// How much of it.
    pub amount: Money,
    /// Pairs for our own matching: `payment_id`.
    pub metadata: Vec<(String, String)>,
    /// The idempotency key: `refund_<payment id>_<how many there were before>`.
    pub idempotency_key: String,
}

/// A refund as the provider has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundState {
    /// `re_…` or `pyr_…`.
    pub id: String,
    /// How much is given back.
    pub amount: Money,
    /// The provider's word: `succeeded`, `pending`, `failed`, `canceled`, or another.
    pub status: String,
    /// Whether it stands on the platform's balance.
    pub booked: bool,
    /// Our own pairs: `payment_id` of those that a command of ours asked for.
    pub metadata: Vec<(String, String)>,
}

impl RefundState {
    /// Whether the money did not go, or is back.
    #[must_use]
    pub fn failed(&self) -> bool {
        matches!(self.status.as_str(), "failed" | "canceled")
    }
}

/// A transfer to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferOrder {
    /// The net amount.
    pub amount: Money,
    /// The payee's connected account, `acct_…`.
    pub destination: String,
    /// `ms_<milestone id>`.
    pub transfer_group: String,
    /// The charge that it draws on, if it is to draw on one: no more than what is left of it.
    pub source_charge: Option<String>,
    /// Pairs for our own matching: `release_id`, `contract_id`.
    pub metadata: Vec<(String, String)>,
    /// The idempotency key: `rel_<release id>`.
    pub idempotency_key: String,
}

/// A transfer as the provider has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferState {
    /// `tr_…`.
    pub id: String,
    /// The amount.
    pub amount: Money,
    /// How much of it was reversed.
    pub reversed: Money,
    /// The payee's account.
    pub destination: String,
    /// Our own pairs.
    pub metadata: Vec<(String, String)>,
}

/// A connected account as the provider has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountState {
    /// `acct_…`.
    pub id: String,
    /// Whether it can receive transfers now.
    pub transfers_active: bool,
    /// Whether onboarding was completed.
    pub details_submitted: bool,
    /// What is still asked of the payee.
    pub requirements: Vec<String>,
    /// Why it is disabled, if it is.
    pub disabled_reason: Option<String>,
}

/// What the platform's own balance at the provider has of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// What can be transferred now.
    pub available: Money,
    /// What came and is not available yet.
    pub pending: Money,
}

/// A booking on the platform's own balance, as the provider has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceMovement {
    /// `txn_…`.
    pub id: String,
    /// What it is, in the provider's word, such as `topup`, `payout`, `stripe_fee` or `adjustment`.
    pub kind: String,
    /// What caused it, such as `tu_…`, `po_…` or `dp_…`.
    pub source: Option<String>,
    /// What it brought, before the fee. Below zero: what it took.
    pub amount: Money,
    /// What the provider took besides.
    pub fee: Money,
    /// Whether what it brought can be spent now.
    pub available: bool,
}

impl BalanceMovement {
    /// What the balance has more for it; below zero: less.
    #[must_use]
    pub fn net(&self) -> Option<Money> {
        self.amount.checked_sub(self.fee)
    }
}

/// A top-up or a payout of the platform's own money, as the provider has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnTransfer {
    /// `tu_…` or `po_…`.
    pub id: String,
    /// The provider's word: `succeeded` or `paid`, or another.
    pub status: String,
    /// What it did to the balance; nothing, as long as it is not booked.
    pub movement: Option<BalanceMovement>,
}

/// The provider of payments.
#[async_trait]
pub trait PaymentProvider: Send + Sync {
    /// Creates a payment intent on the platform's own account.
    async fn create_payment_intent(&self, new: &NewPaymentIntent) -> Result<PaymentIntentState, ProviderError>;

    /// The payment intent as it is now, with charge and balance transaction.
    async fn payment_intent(&self, id: &str) -> Result<PaymentIntentState, ProviderError>;

    /// Every payment intent made since `since` whose metadata name this payment: how one is found whose creation was not answered.
    async fn payment_intents_of(&self, payment: &str, since: Timestamp) -> Result<Vec<PaymentIntentState>, ProviderError>;

    /// Cancels a payment intent that has not succeeded.
    async fn cancel_payment_intent(&self, id: &str, idempotency_key: &str) -> Result<PaymentIntentState, ProviderError>;

    /// The charge as it is now.
    async fn charge(&self, id: &str) -> Result<ChargeState, ProviderError>;

    /// The dispute as it is now.
    async fn dispute(&self, id: &str) -> Result<DisputeState, ProviderError>;

    /// Every dispute of a payment intent's charges.
    async fn disputes_of_intent(&self, intent: &str) -> Result<Vec<DisputeState>, ProviderError>;

    /// Every fraud warning about a payment intent's charges.
    async fn fraud_warnings_of_intent(&self, intent: &str) -> Result<Vec<FraudWarning>, ProviderError>;

    /// The disputes, fraud warnings, refunds and open reviews made at or after `since`; all that there are if it is `None`. What a webhook
    /// that never came would have told.
    async fn charge_news_since(&self, since: Option<Timestamp>) -> Result<Vec<ChargeNews>, ProviderError>;

    /// Gives back what a charge brought.
    async fn create_refund(&self, order: &RefundOrder) -> Result<RefundState, ProviderError>;

    /// Every refund of a charge, whoever made it.
    async fn refunds_of_charge(&self, charge: &str) -> Result<Vec<RefundState>, ProviderError>;

    /// Transfers to a connected account.
    async fn create_transfer(&self, order: &TransferOrder) -> Result<TransferState, ProviderError>;

    /// The transfer as it is now.
    async fn transfer(&self, id: &str) -> Result<TransferState, ProviderError>;

    /// Every transfer of a group: how a lost answer is found again.
    async fn transfers_of_group(&self, transfer_group: &str) -> Result<Vec<TransferState>, ProviderError>;

    /// Creates a connected account that can receive transfers, and nothing else.
    async fn create_account(
        &self,
        organization: &str,
        email: Option<&str>,
        idempotency_key: &str,
    ) -> Result<AccountState, ProviderError>;

    /// Every connected account made since `since` whose metadata name this organisation.
    async fn accounts_of(&self, organization: &str, since: Timestamp) -> Result<Vec<AccountState>, ProviderError>;

    /// The connected account as it is now.
    async fn account(&self, id: &str) -> Result<AccountState, ProviderError>;

    /// A link to the provider's onboarding page: one use, expires.
    async fn onboarding_link(&self, account: &str, return_url: &str, refresh_url: &str) -> Result<String, ProviderError>;

    /// What the platform's own balance has, once per currency; a currency that is not named has nothing. What the provider reserves
    /// for others' debts is not in it.
    async fn balance(&self) -> Result<Vec<Holding>, ProviderError>;

    /// A top-up of the platform's own balance.
    async fn top_up(&self, id: &str) -> Result<OwnTransfer, ProviderError>;

    /// A payout of the platform's own balance to its bank.
    async fn payout(&self, id: &str) -> Result<OwnTransfer, ProviderError>;

    /// What the provider took for itself at or after `since`, booked apart from any charge, in currencies that are used here.
    async fn fees_since(&self, since: Timestamp) -> Result<Vec<BalanceMovement>, ProviderError>;

    /// Every booking of these kinds on the platform's own balance that was made at or after `since`, in currencies that are used here. The kinds are
    /// the provider's words.
    async fn movements_since(&self, kinds: &[&str], since: Timestamp) -> Result<Vec<BalanceMovement>, ProviderError>;

    /// A booking on the platform's own balance.
    async fn balance_movement(&self, id: &str) -> Result<BalanceMovement, ProviderError>;
}

//! `StripeProvider`: escrow's payment port (`escrow_api::PaymentProvider`), each verb one or more calls to Stripe.

use async_trait::async_trait;
use escrow_api::{
    AccountState, BalanceMovement, ChargeNews, ChargeState, DisputeState, FraudWarning, Holding, NewPaymentIntent, OwnTransfer,
    PaymentIntentState, PaymentProvider, ProviderError, RefundOrder, RefundState, TransferOrder, TransferState,
};
use kernel::Timestamp;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use stripe_client_core::RequestBuilder;

use crate::call::Caller;
use crate::requests::Listed;
use crate::wire::Identified;
use crate::{Settings, SettingsError, requests, wire};

/// Stripe, or the sandbox that speaks like it.
pub struct StripeProvider(Caller);

impl std::fmt::Debug for StripeProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StripeProvider").finish_non_exhaustive()
    }
}

impl StripeProvider {
    /// Connects at the first call.
    ///
    /// # Errors
    /// If the address is no URL or the key cannot stand in a header.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let client = stripe::ClientBuilder::new(settings.secret_key.expose_secret())
            .url(format!("{}/", settings.api_base.trim_end_matches('/')))
            .timeout(settings.timeout)
            .app_info("14Build", Some(env!("CARGO_PKG_VERSION").to_owned()), None)
            .build()
            .map_err(|error| SettingsError(error.to_string()))?;
        Ok(Self(Caller { client, retries: settings.retries }))
    }

    /// Every object of a list, page by page.
    async fn all<T: DeserializeOwned + Identified>(
        &self,
        what: &'static str,
        request: impl Fn(Option<&str>) -> Result<RequestBuilder, ProviderError>,
    ) -> Result<Vec<T>, ProviderError> {
        let mut found: Vec<T> = Vec::new();
        loop {
            let request = request(found.last().map(Identified::id))?;
            let page: wire::List<T> = self.0.get(what, &request).await?;
            let more = page.has_more && !page.data.is_empty();
            found.extend(page.data);
            if !more {
                return Ok(found);
            }
        }
    }
}

/// Stripe's words for what it takes for itself, apart from any charge.
const FEES: [&str; 4] = ["stripe_fee", "stripe_fx_fee", "tax_fee", "network_cost"];

/// The ids of a list whose metadata have this pair. A list is read, and no search: Stripe's search shows what was made only after a while, and
/// nothing at all in some countries, so that what it does not show may still be there.
fn named(list: Vec<wire::Labelled>, name: &str, value: &str) -> Vec<String> {
    let fits = |one: &wire::Labelled| one.metadata.get(name).is_some_and(|found| found == value);
    list.into_iter().filter(fits).map(|one| one.id).collect()
}

#[async_trait]
impl PaymentProvider for StripeProvider {
    async fn create_payment_intent(&self, new: &NewPaymentIntent) -> Result<PaymentIntentState, ProviderError> {
        let request = requests::create_payment_intent(new)?;
        self.0.post::<wire::PaymentIntent>("create a payment intent", &request, &new.idempotency_key).await?.state()
    }

    async fn payment_intent(&self, id: &str) -> Result<PaymentIntentState, ProviderError> {
        self.0.get::<wire::PaymentIntent>("read a payment intent", &requests::payment_intent(id)?).await?.state()
    }

    async fn payment_intents_of(&self, payment: &str, since: Timestamp) -> Result<Vec<PaymentIntentState>, ProviderError> {
        let all = self.all("list payment intents", |after| Ok(requests::payment_intents(since, after))).await?;
        let mut found = Vec::new();
        for id in named(all, "payment_id", payment) {
            found.push(self.payment_intent(&id).await?);
        }
        Ok(found)
    }

    async fn cancel_payment_intent(&self, id: &str, idempotency_key: &str) -> Result<PaymentIntentState, ProviderError> {
        let request = requests::cancel_payment_intent(id)?;
        self.0.post::<wire::PaymentIntent>("cancel a payment intent", &request, idempotency_key).await?.state()
    }

    async fn charge(&self, id: &str) -> Result<ChargeState, ProviderError> {
        Ok(self.0.get::<wire::Outcome>("read a charge", &requests::charge(id)?).await?.state())
    }

    async fn dispute(&self, id: &str) -> Result<DisputeState, ProviderError> {
        Ok(self.0.get::<wire::Dispute>("read a dispute", &requests::dispute(id)?).await?.state())
    }

    async fn disputes_of_intent(&self, intent: &str) -> Result<Vec<DisputeState>, ProviderError> {
        let all: Vec<wire::Dispute> =
            self.all("list disputes", |after| requests::list(Listed::Disputes, Some(intent), None, after)).await?;
        Ok(all.into_iter().map(wire::Dispute::state).collect())
    }

    async fn fraud_warnings_of_intent(&self, intent: &str) -> Result<Vec<FraudWarning>, ProviderError> {
        let request = |after: Option<&str>| requests::list(Listed::FraudWarnings, Some(intent), None, after);
        let all: Vec<wire::EarlyFraudWarning> = self.all("list fraud warnings", request).await?;
        Ok(all.into_iter().map(wire::EarlyFraudWarning::state).collect())
    }

    async fn charge_news_since(&self, since: Option<Timestamp>) -> Result<Vec<ChargeNews>, ProviderError> {
        let mut found = Vec::new();
        for listed in Listed::ALL {
            let all: Vec<wire::OfCharge> =
                self.all("list what befell charges", |after| requests::list(listed, None, since, after)).await?;
            found.extend(all.into_iter().map(wire::OfCharge::news));
        }
        Ok(found)
    }

    async fn create_refund(&self, order: &RefundOrder) -> Result<RefundState, ProviderError> {
        let request = requests::create_refund(order)?;
        Ok(self.0.post::<wire::Refund>("create a refund", &request, &order.idempotency_key).await?.state())
    }

    async fn refunds_of_charge(&self, charge: &str) -> Result<Vec<RefundState>, ProviderError> {
        let all: Vec<wire::Refund> = self.all("list refunds", |after| requests::refunds_of_charge(charge, after)).await?;
        Ok(all.into_iter().map(wire::Refund::state).collect())
    }

    async fn create_transfer(&self, order: &TransferOrder) -> Result<TransferState, ProviderError> {
        let request = requests::create_transfer(order)?;
        Ok(self.0.post::<wire::Transfer>("create a transfer", &request, &order.idempotency_key).await?.state())
    }

    async fn transfer(&self, id: &str) -> Result<TransferState, ProviderError> {
        Ok(self.0.get::<wire::Transfer>("read a transfer", &requests::transfer(id)?).await?.state())
    }

    async fn transfers_of_group(&self, transfer_group: &str) -> Result<Vec<TransferState>, ProviderError> {
        let request = |after: Option<&str>| Ok(requests::transfers_of_group(transfer_group, after));
        let all: Vec<wire::Transfer> = self.all("list transfers", request).await?;
        Ok(all.into_iter().map(wire::Transfer::state).collect())
    }

    async fn create_account(
        &self,
        organization: &str,
        email: Option<&str>,
        idempotency_key: &str,
    ) -> Result<AccountState, ProviderError> {
        let request = requests::create_account(organization, email);
        Ok(self.0.post::<wire::Account>("create an account", &request, idempotency_key).await?.state())
    }

    async fn accounts_of(&self, organization: &str, since: Timestamp) -> Result<Vec<AccountState>, ProviderError> {
        let all = self.all("list accounts", |after| Ok(requests::accounts(since, after))).await?;
        let mut found = Vec::new();
        for id in named(all, "organization_id", organization) {
            match self.account(&id).await {
                // It left us meanwhile.
                Err(ProviderError::Refused { .. }) => {}
                account => found.push(account?),
            }
        }
        Ok(found)
    }

    async fn account(&self, id: &str) -> Result<AccountState, ProviderError> {
        Ok(self.0.get_account::<wire::Account>("read an account", &requests::account(id)?).await?.state())
    }

    async fn onboarding_link(&self, account: &str, return_url: &str, refresh_url: &str) -> Result<String, ProviderError> {
        let request = requests::onboarding_link(account, return_url, refresh_url)?;
        // A link is made for one use: another one each time, so no key; and a lost one harms nobody.
        Ok(self.0.get::<wire::AccountLink>("make an onboarding link", &request).await?.url)
    }

    async fn balance(&self) -> Result<Vec<Holding>, ProviderError> {
        self.0.get::<wire::Balance>("read the balance", &requests::balance()).await?.holdings()
    }

    async fn top_up(&self, id: &str) -> Result<OwnTransfer, ProviderError> {
        self.0.get::<wire::Own>("read a top-up", &requests::top_up(id)?).await?.state()
    }

    async fn payout(&self, id: &str) -> Result<OwnTransfer, ProviderError> {
        self.0.get::<wire::Own>("read a payout", &requests::payout(id)?).await?.state()
    }

    async fn fees_since(&self, since: Timestamp) -> Result<Vec<BalanceMovement>, ProviderError> {
        self.movements_since(&FEES, since).await
    }

    async fn movements_since(&self, kinds: &[&str], since: Timestamp) -> Result<Vec<BalanceMovement>, ProviderError> {
        let mut found = Vec::new();
        for kind in kinds {
            let request = |after: Option<&str>| requests::bookings(kind, since, after);
            let all: Vec<wire::BalanceTransaction> = self.all("list what was booked", request).await?;
            // What is in a currency that is not used here is missed by no book.
            found.extend(all.into_iter().filter_map(|one| one.movement().ok()));
        }
        Ok(found)
    }

    async fn balance_movement(&self, id: &str) -> Result<BalanceMovement, ProviderError> {
        self.0
            .get::<wire::BalanceTransaction>("read a balance transaction", &requests::balance_transaction(id)?)
            .await?
            .movement()
    }
}

//! `StripeProvider`: the port's verbs.

use async_trait::async_trait;
use escrow_api::{
    AccountState, Holding, NewPaymentIntent, PaymentIntentState, PaymentProvider, ProviderError, TransferOrder, TransferState,
};
use secrecy::ExposeSecret;

use crate::call::Caller;
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

    async fn cancel_payment_intent(&self, id: &str, idempotency_key: &str) -> Result<PaymentIntentState, ProviderError> {
        let request = requests::cancel_payment_intent(id)?;
        self.0.post::<wire::PaymentIntent>("cancel a payment intent", &request, idempotency_key).await?.state()
    }

    async fn create_transfer(&self, order: &TransferOrder) -> Result<TransferState, ProviderError> {
        let request = requests::create_transfer(order)?;
        self.0.post::<wire::Transfer>("create a transfer", &request, &order.idempotency_key).await?.state()
    }

    async fn transfer(&self, id: &str) -> Result<TransferState, ProviderError> {
        self.0.get::<wire::Transfer>("read a transfer", &requests::transfer(id)?).await?.state()
    }

    async fn transfers_of_group(&self, transfer_group: &str) -> Result<Vec<TransferState>, ProviderError> {
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let request = requests::transfers_of_group(transfer_group, after.as_deref());
            let page: wire::List<wire::Transfer> = self.0.get("list transfers", &request).await?;
            after = page.data.last().map(|last| last.id.clone());
            let more = page.has_more && after.is_some();
            for transfer in page.data {
                found.push(transfer.state()?);
            }
            if !more {
                return Ok(found);
            }
        }
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
}

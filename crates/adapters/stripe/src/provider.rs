//! `StripeProvider`: the port's verbs.

use async_trait::async_trait;
use escrow_api::{
    AccountState, NewPaymentIntent, PaymentIntentState, PaymentProvider, ProviderError, TransferOrder, TransferState,
};
use kernel::{Currency, Money, Timestamp};
use secrecy::ExposeSecret;
use stripe_client_core::RequestBuilder;

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

impl StripeProvider {
    /// The ids in a list whose metadata have this pair. A list is read, and no search: Stripe's search shows what was made only after a
    /// while, and nothing at all in some countries, so that what it does not show may still be there.
    async fn named(
        &self,
        what: &'static str,
        name: &str,
        value: &str,
        page: impl Fn(Option<&str>) -> RequestBuilder + Send + Sync,
    ) -> Result<Vec<String>, ProviderError> {
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let list: wire::List<wire::Labelled> = self.0.get(what, &page(after.as_deref())).await?;
            after = list.data.last().map(|last| last.id.clone());
            let more = list.has_more && after.is_some();
            let fits = |one: &wire::Labelled| one.metadata.get(name).is_some_and(|found| found == value);
            found.extend(list.data.into_iter().filter(fits).map(|one| one.id));
            if !more {
                return Ok(found);
            }
        }
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

    async fn payment_intents_of(&self, payment: &str, since: Timestamp) -> Result<Vec<PaymentIntentState>, ProviderError> {
        let named =
            self.named("list payment intents", "payment_id", payment, |after| requests::payment_intents(since, after)).await?;
        let mut found = Vec::with_capacity(named.len());
        for id in named {
            found.push(self.payment_intent(&id).await?);
        }
        Ok(found)
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

    async fn accounts_of(&self, organization: &str, since: Timestamp) -> Result<Vec<AccountState>, ProviderError> {
        let named =
            self.named("list accounts", "organization_id", organization, |after| requests::accounts(since, after)).await?;
        let mut found = Vec::with_capacity(named.len());
        for id in named {
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

    async fn available_balance(&self, currency: Currency) -> Result<Money, ProviderError> {
        Ok(self.0.get::<wire::Balance>("read the balance", &requests::balance()).await?.available(currency))
    }
}

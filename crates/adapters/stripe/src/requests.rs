//! What we ask of Stripe, as async-stripe's typed requests.

use std::collections::HashMap;

use escrow_api::{NewPaymentIntent, ProviderError, RefundOrder, TransferOrder};
use kernel::{Currency, Timestamp};
use stripe::StripeRequest;
use stripe_client_core::{RequestBuilder, StripeMethod};
use stripe_connect::account::{
    CreateAccount, CreateAccountCapabilities, CreateAccountCapabilitiesTransfers, CreateAccountController,
    CreateAccountControllerFees, CreateAccountControllerFeesPayer, CreateAccountControllerLosses,
    CreateAccountControllerLossesPayments, CreateAccountControllerRequirementCollection, CreateAccountControllerStripeDashboard,
    CreateAccountControllerStripeDashboardType, ListAccount, RetrieveAccount,
};
use stripe_connect::account_link::{CreateAccountLink, CreateAccountLinkType};
use stripe_connect::transfer::{CreateTransfer, ListTransfer, RetrieveTransfer};
use stripe_core::balance::RetrieveForMyAccountBalance;
use stripe_core::charge::RetrieveCharge;
use stripe_core::payment_intent::{
    CancelPaymentIntent, CreatePaymentIntent, CreatePaymentIntentAutomaticPaymentMethods, ListPaymentIntent,
    RetrievePaymentIntent,
};

const BOOKED: &str = "latest_charge.balance_transaction";
const BOOKED_BY_ITSELF: &str = "expand[0]=balance_transaction";

/// The same parameters give the same bytes, whatever order a map had: Stripe compares a repetition with the first request.
fn built(request: &impl StripeRequest) -> RequestBuilder {
    let mut built = request.build();
    if let Some(body) = built.body.take() {
        let mut pairs: Vec<&str> = body.split('&').collect();
        pairs.sort_unstable();
        built.body = Some(pairs.join("&"));
    }
    built
}

fn currency(currency: Currency) -> Result<stripe_types::Currency, ProviderError> {
    currency
        .code()
        .to_ascii_lowercase()
        .parse()
        .map_err(|_| ProviderError::Unexpected(format!("Stripe's library does not know the currency {currency}")))
}

/// An id becomes part of a path: nothing but what Stripe's ids are made of.
fn id(id: &str) -> Result<String, ProviderError> {
    if !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        Ok(id.to_owned())
    } else {
        Err(ProviderError::Unexpected(format!("{id:?} is no id of Stripe's")))
    }
}

fn pairs(pairs: &[(String, String)]) -> HashMap<String, String> {
    pairs.iter().cloned().collect()
}

pub(crate) fn create_payment_intent(new: &NewPaymentIntent) -> Result<RequestBuilder, ProviderError> {
    Ok(built(
        &CreatePaymentIntent::new(new.amount.minor(), currency(new.amount.currency())?)
            .automatic_payment_methods(CreatePaymentIntentAutomaticPaymentMethods::new(true))
            .transfer_group(new.transfer_group.clone())
            .metadata(pairs(&new.metadata))
            .description(new.description.clone())
            .expand([BOOKED.to_owned()]),
    ))
}

pub(crate) fn payment_intent(intent: &str) -> Result<RequestBuilder, ProviderError> {
    Ok(built(&RetrievePaymentIntent::new(id(intent)?).expand([BOOKED.to_owned()])))
}

fn from(since: Timestamp) -> stripe_types::RangeQueryTs {
    stripe_types::RangeQueryTs::Bounds(stripe_types::RangeBoundsTs { gte: Some(since.timestamp()), ..Default::default() })
}

/// Those made since then, the newest first.
pub(crate) fn payment_intents(since: Timestamp, after: Option<&str>) -> RequestBuilder {
    let mut request = ListPaymentIntent::new().created(from(since)).limit(100);
    if let Some(after) = after {
        request = request.starting_after(after);
    }
    built(&request)
}

pub(crate) fn cancel_payment_intent(intent: &str) -> Result<RequestBuilder, ProviderError> {
    Ok(built(&CancelPaymentIntent::new(id(intent)?).expand([BOOKED.to_owned()])))
}

pub(crate) fn create_transfer(order: &TransferOrder) -> Result<RequestBuilder, ProviderError> {
    let mut request = CreateTransfer::new(currency(order.amount.currency())?, id(&order.destination)?)
        .amount(order.amount.minor())
        .transfer_group(order.transfer_group.clone());
    if !order.metadata.is_empty() {
        request = request.metadata(pairs(&order.metadata));
    }
    if let Some(charge) = &order.source_charge {
        request = request.source_transaction(charge.clone());
    }
    Ok(built(&request))
}

pub(crate) fn charge(charge: &str) -> Result<RequestBuilder, ProviderError> {
    Ok(built(&RetrieveCharge::new(id(charge)?)))
}

/// A request that reads, of a part of Stripe's API that we take no typed library for.
fn read(path: String, query: Vec<String>) -> RequestBuilder {
    let query = (!query.is_empty()).then(|| query.join("&"));
    RequestBuilder { query, body: None, path, method: StripeMethod::Get }
}

pub(crate) fn dispute(dispute: &str) -> Result<RequestBuilder, ProviderError> {
    Ok(read(format!("/disputes/{}", id(dispute)?), Vec::new()))
}

/// Lists of what can befall a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    Disputes,
    FraudWarnings,
    Refunds,
    /// Those that are open.
    Reviews,
}

impl Listed {
    pub(crate) const ALL: [Self; 4] = [Self::Disputes, Self::FraudWarnings, Self::Refunds, Self::Reviews];

    fn path(self) -> &'static str {
        match self {
            Self::Disputes => "/disputes",
            Self::FraudWarnings => "/radar/early_fraud_warnings",
            Self::Refunds => "/refunds",
            Self::Reviews => "/reviews",
        }
    }
}

/// A page of a list: of one payment intent, or of what was made since then.
pub(crate) fn list(
    listed: Listed,
    intent: Option<&str>,
    since: Option<Timestamp>,
    after: Option<&str>,
) -> Result<RequestBuilder, ProviderError> {
    let mut query = vec!["limit=100".to_owned()];
    if let Some(intent) = intent {
        query.push(format!("payment_intent={}", id(intent)?));
    }
    if let Some(since) = since {
        query.push(format!("created[gte]={}", since.timestamp()));
    }
    if let Some(after) = after {
        query.push(format!("starting_after={}", id(after)?));
    }
    Ok(read(listed.path().to_owned(), query))
}

/// A refund, of a part of Stripe's API that we take no typed library for: its parameters are ids, numbers and words that need no encoding.
pub(crate) fn create_refund(order: &RefundOrder) -> Result<RequestBuilder, ProviderError> {
    let mut pairs = vec![format!("amount={}", order.amount.minor()), format!("charge={}", id(&order.charge)?)];
    for (name, value) in &order.metadata {
        if !value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(ProviderError::Unexpected(format!("{value:?} cannot stand in the metadata of a refund")));
        }
        pairs.push(format!("metadata[{}]={value}", id(name)?));
    }
    Ok(RequestBuilder { query: None, body: Some(pairs.join("&")), path: "/refunds".to_owned(), method: StripeMethod::Post })
}

/// A page of the refunds of a charge.
pub(crate) fn refunds_of_charge(charge: &str, after: Option<&str>) -> Result<RequestBuilder, ProviderError> {
    let mut query = vec!["limit=100".to_owned(), format!("charge={}", id(charge)?)];
    if let Some(after) = after {
        query.push(format!("starting_after={}", id(after)?));
    }
    Ok(read("/refunds".to_owned(), query))
}

pub(crate) fn transfer(transfer: &str) -> Result<RequestBuilder, ProviderError> {
    Ok(built(&RetrieveTransfer::new(id(transfer)?)))
}

pub(crate) fn transfers_of_group(group: &str, after: Option<&str>) -> RequestBuilder {
    let mut request = ListTransfer::new().transfer_group(group).limit(100);
    if let Some(after) = after {
        request = request.starting_after(after);
    }
    built(&request)
}

/// An account that can receive transfers and nothing else. The platform bears the losses and the fees (docs/domain/money.md:
/// `losses_collector` must be `application`), Stripe collects what it wants to know on its own pages.
pub(crate) fn create_account(organization: &str, email: Option<&str>) -> RequestBuilder {
    let mut controller = CreateAccountController::new();
    controller.fees = Some(CreateAccountControllerFees { payer: Some(CreateAccountControllerFeesPayer::Application) });
    controller.losses =
        Some(CreateAccountControllerLosses { payments: Some(CreateAccountControllerLossesPayments::Application) });
    controller.requirement_collection = Some(CreateAccountControllerRequirementCollection::Stripe);
    controller.stripe_dashboard =
        Some(CreateAccountControllerStripeDashboard { type_: Some(CreateAccountControllerStripeDashboardType::Express) });
    let mut capabilities = CreateAccountCapabilities::new();
    capabilities.transfers = Some(CreateAccountCapabilitiesTransfers { requested: Some(true) });
    let mut request = CreateAccount::new()
        .controller(controller)
        .capabilities(capabilities)
        .metadata(HashMap::from([("organization_id".to_owned(), organization.to_owned())]));
    if let Some(email) = email {
        request = request.email(email);
    }
    built(&request)
}

pub(crate) fn accounts(since: Timestamp, after: Option<&str>) -> RequestBuilder {
    let mut request = ListAccount::new().created(from(since)).limit(100);
    if let Some(after) = after {
        request = request.starting_after(after);
    }
    built(&request)
}

pub(crate) fn account(account: &str) -> Result<RequestBuilder, ProviderError> {
    Ok(built(&RetrieveAccount::new(id(account)?)))
}

pub(crate) fn onboarding_link(account: &str, return_url: &str, refresh_url: &str) -> Result<RequestBuilder, ProviderError> {
    Ok(built(
        &CreateAccountLink::new(id(account)?, CreateAccountLinkType::AccountOnboarding)
            .return_url(return_url)
            .refresh_url(refresh_url),
    ))
}

pub(crate) fn balance() -> RequestBuilder {
    built(&RetrieveForMyAccountBalance::new())
}

/// A top-up with its booking.
pub(crate) fn top_up(top_up: &str) -> Result<RequestBuilder, ProviderError> {
    Ok(read(format!("/topups/{}", id(top_up)?), vec![BOOKED_BY_ITSELF.to_owned()]))
}

/// A payout with its booking.
pub(crate) fn payout(payout: &str) -> Result<RequestBuilder, ProviderError> {
    Ok(read(format!("/payouts/{}", id(payout)?), vec![BOOKED_BY_ITSELF.to_owned()]))
}

pub(crate) fn balance_transaction(transaction: &str) -> Result<RequestBuilder, ProviderError> {
    Ok(read(format!("/balance_transactions/{}", id(transaction)?), Vec::new()))
}

/// A page of the bookings of a kind that were made since then.
pub(crate) fn bookings(kind: &str, since: Timestamp, after: Option<&str>) -> Result<RequestBuilder, ProviderError> {
    let mut query = vec!["limit=100".to_owned(), format!("type={}", id(kind)?), format!("created[gte]={}", since.timestamp())];
    if let Some(after) = after {
        query.push(format!("starting_after={}", id(after)?));
    }
    Ok(read("/balance_transactions".to_owned(), query))
}

#[cfg(test)]
mod tests {
    use kernel::Money;

    use super::*;

    #[test]
    fn a_payment_intent_is_a_plain_charge_on_the_platform() {
        let new = NewPaymentIntent {
            amount: Money::from_minor(1_000_000, Currency::EUR),
            transfer_group: "ms_1".into(),
            metadata: vec![("payment_id".into(), "p".into()), ("contract_id".into(), "c".into())],
            description: "Milestone 1".into(),
            idempotency_key: "p".into(),
        };
        let request = create_payment_intent(&new).expect("built");
        assert_eq!(request.path, "/payment_intents");
        let pairs: Vec<&str> = request.body.as_deref().expect("a body").split('&').collect();
        assert_eq!(
            pairs,
            [
                "amount=1000000",
                "automatic_payment_methods[enabled]=true",
                "currency=eur",
                "description=Milestone+1",
                "expand[0]=latest_charge.balance_transaction",
                "metadata[contract_id]=c",
                "metadata[payment_id]=p",
                "transfer_group=ms_1",
            ]
        );
    }

    #[test]
    fn an_account_asks_for_transfers_and_nothing_else() {
        let request = create_account("org", Some("a+c&d=e@b.example"));
        let pairs: Vec<&str> = request.body.as_deref().expect("a body").split('&').collect();
        assert_eq!(
            pairs,
            [
                "capabilities[transfers][requested]=true",
                "controller[fees][payer]=application",
                "controller[losses][payments]=application",
                "controller[requirement_collection]=stripe",
                "controller[stripe_dashboard][type]=express",
                "email=a%2Bc%26d%3De@b.example",
                "metadata[organization_id]=org",
            ]
        );
    }

    #[test]
    fn a_transfer_names_its_charge_and_group() {
        let order = TransferOrder {
            amount: Money::from_minor(975_000, Currency::EUR),
            destination: "acct_1".into(),
            transfer_group: "ms_1".into(),
            source_charge: Some("ch_1".into()),
            metadata: vec![],
            idempotency_key: "rel_1".into(),
        };
        let body = create_transfer(&order).expect("built").body;
        assert_eq!(
            body.as_deref(),
            Some("amount=975000&currency=eur&destination=acct_1&source_transaction=ch_1&transfer_group=ms_1")
        );
        assert!(create_transfer(&TransferOrder { destination: "acct_1/../x".into(), ..order }).is_err());
    }

    #[test]
    fn a_refund_names_its_charge_and_what_it_is_for() {
        let order = RefundOrder {
            amount: Money::from_minor(1_234, Currency::EUR),
            charge: "ch_1".into(),
            metadata: vec![("payment_id".into(), "0193b1c0-0000".into())],
            idempotency_key: "refund_1".into(),
        };
        let request = create_refund(&order).expect("built");
        assert_eq!(
            (request.path.as_str(), request.body.as_deref()),
            ("/refunds", Some("amount=1234&charge=ch_1&metadata[payment_id]=0193b1c0-0000"))
        );
        let metadata = vec![("payment_id".into(), "a&amount=1".into())];
        assert!(create_refund(&RefundOrder { metadata, ..order }).is_err());
    }
}

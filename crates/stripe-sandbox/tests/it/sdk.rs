//! The journey of a milestone's money with async-stripe, as the product does it.

use crate::world::World;
use std::collections::HashMap;
use stripe::{Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use stripe_connect::account::{
    CreateAccount, CreateAccountCapabilities, CreateAccountCapabilitiesTransfers, CreateAccountType, RetrieveAccount,
};
use stripe_connect::account_link::{CreateAccountLink, CreateAccountLinkType};
use stripe_connect::transfer::{CreateTransfer, ListTransfer, RetrieveTransfer};
use stripe_core::balance::RetrieveForMyAccountBalance;
use stripe_core::balance_transaction::{ListBalanceTransaction, RetrieveBalanceTransaction};
use stripe_core::charge::{ListCharge, RetrieveCharge};
use stripe_core::payment_intent::{
    CancelPaymentIntent, ConfirmPaymentIntent, CreatePaymentIntent, ListPaymentIntent, RetrievePaymentIntent,
};
use stripe_types::Currency;

fn client(world: &World) -> Client {
    ClientBuilder::new("sk_test_sandbox").url(world.sandbox.base_url()).build().unwrap()
}

fn once(key: &str) -> RequestStrategy {
    RequestStrategy::Idempotent(IdempotencyKey::new(key).unwrap())
}

fn tagged(key: &str, value: &str) -> HashMap<String, String> {
    HashMap::from([(key.to_owned(), value.to_owned())])
}

#[tokio::test]
async fn the_journey_of_a_milestones_money() {
    let world = World::new().await;
    let stripe = client(&world);

    let mut capabilities = CreateAccountCapabilities::new();
    capabilities.transfers = Some(CreateAccountCapabilitiesTransfers { requested: Some(true) });
    let account = CreateAccount::new()
        .type_(CreateAccountType::Express)
        .country("DE")
        .email("payee@example.com")
        .capabilities(capabilities)
        .metadata(tagged("org", "o1"))
        .send(&stripe)
        .await
        .unwrap();
    let link = CreateAccountLink::new(account.id.as_str(), CreateAccountLinkType::AccountOnboarding)
        .refresh_url("https://app.test/again")
        .return_url("https://app.test/done")
        .send(&stripe)
        .await
        .unwrap();
    world.http.post(&link.url).send().await.unwrap().error_for_status().unwrap();
    let account = RetrieveAccount::new(account.id.clone()).send(&stripe).await.unwrap();
    assert_eq!(account.capabilities.unwrap().transfers.unwrap().as_str(), "active");
    assert_eq!((account.details_submitted, account.payouts_enabled), (Some(true), Some(true)));

    let intent = CreatePaymentIntent::new(1_000_000, Currency::EUR)
        .transfer_group("ms_1")
        .metadata(tagged("payment", "p1"))
        .customize()
        .request_strategy(once("p1"))
        .send(&stripe)
        .await
        .unwrap();
    let confirmed = ConfirmPaymentIntent::new(intent.id.clone())
        .payment_method("pm_card_bypassPending")
        .expand(vec!["latest_charge.balance_transaction".to_owned()])
        .send(&stripe)
        .await
        .unwrap();
    assert_eq!(confirmed.status.as_str(), "succeeded");
    let charge = confirmed.latest_charge.unwrap().into_object().unwrap();
    let transaction = charge.balance_transaction.clone().unwrap().into_object().unwrap();
    assert_eq!((transaction.fee, transaction.net, transaction.status.as_str()), (29_030, 970_970, "available"));

    let balance = RetrieveForMyAccountBalance::new().send(&stripe).await.unwrap();
    assert_eq!(balance.available[0].amount, 970_970);
    let release = || {
        CreateTransfer::new(Currency::EUR, account.id.as_str())
            .amount(950_000)
            .transfer_group("ms_1")
            .metadata(tagged("release_id", "r1"))
            .customize()
            .request_strategy(once("rel_1"))
    };
    let transfer = release().send(&stripe).await.unwrap();
    assert_eq!(release().send(&stripe).await.unwrap().id, transfer.id);
    let listed = ListTransfer::new().transfer_group("ms_1").send(&stripe).await.unwrap();
    assert_eq!((listed.data.len(), &listed.data[0].id, listed.has_more), (1, &transfer.id, false));
    let read = RetrieveTransfer::new(transfer.id.clone()).send(&stripe).await.unwrap();
    assert_eq!((read.metadata, read.reversals.data.len()), (tagged("release_id", "r1"), 0));
    let connected = RetrieveForMyAccountBalance::new().customize().account_id(account.id.clone()).send(&stripe).await.unwrap();
    assert_eq!(connected.available[0].amount, 950_000);
}

#[tokio::test]
async fn every_object_is_understood() {
    let world = World::new().await;
    let stripe = client(&world);
    for method in ["pm_card_visa", "pm_card_authenticationRequired", "pm_sepaDebit", "pm_usBankAccount", "pm_card_createDispute"]
    {
        let intent =
            CreatePaymentIntent::new(5_000, Currency::USD).payment_method(method).confirm(true).send(&stripe).await.unwrap();
        RetrievePaymentIntent::new(intent.id)
            .expand(["latest_charge.balance_transaction", "payment_method"].map(str::to_owned).to_vec())
            .send(&stripe)
            .await
            .unwrap();
    }
    let open = CreatePaymentIntent::new(5_000, Currency::USD).send(&stripe).await.unwrap();
    assert_eq!(CancelPaymentIntent::new(open.id).send(&stripe).await.unwrap().status.as_str(), "canceled");
    assert_eq!(ListPaymentIntent::new().limit(100).send(&stripe).await.unwrap().data.len(), 6);
    let charges = ListCharge::new().expand(vec!["data.balance_transaction".to_owned()]).send(&stripe).await.unwrap();
    assert_eq!(charges.data.len(), 4);
    RetrieveCharge::new(charges.data[0].id.clone()).send(&stripe).await.unwrap();
    let transactions = ListBalanceTransaction::new().send(&stripe).await.unwrap();
    assert_eq!(transactions.data.len(), 3);
    RetrieveBalanceTransaction::new(transactions.data[0].id.clone())
        .expand(vec!["source".to_owned()])
        .send(&stripe)
        .await
        .unwrap();
}

#[tokio::test]
async fn errors_arrive_as_errors_of_the_library() {
    let world = World::new().await;
    let stripe = client(&world);
    let declined =
        CreatePaymentIntent::new(5_000, Currency::EUR).payment_method("pm_card_chargeDeclined").confirm(true).send(&stripe).await;
    let Err(StripeError::Stripe(error, 402)) = declined else { panic!("{declined:?}") };
    assert_eq!(error.decline_code.as_deref(), Some("generic_decline"));
    assert_eq!(error.payment_intent.unwrap().status.as_str(), "requires_payment_method");
    let missing = RetrievePaymentIntent::new("pi_x").send(&stripe).await;
    let Err(StripeError::Stripe(error, 404)) = missing else { panic!("{missing:?}") };
    assert_eq!(error.code.unwrap().as_str(), "resource_missing");
    let payee = world.payee().await;
    let poor = CreateTransfer::new(Currency::EUR, payee).amount(1).send(&stripe).await;
    let Err(StripeError::Stripe(error, 400)) = poor else { panic!("{poor:?}") };
    assert_eq!(error.code.unwrap().as_str(), "balance_insufficient");
}

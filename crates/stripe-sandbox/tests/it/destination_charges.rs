//! Destination charges: legal at Stripe, and the reason why escrow must not use them.

use crate::world::World;
use serde_json::json;

#[tokio::test]
async fn the_seed_pays_twice() {
    let world = World::new().await;
    let payee = world.payee().await;
    world.pay(1_000_000, "eur", "pm_card_bypassPending").await.ok(); // another owner's held money
    let before = world.balance(None, "eur").await.0;
    let intent = world
        .post(
            "/v1/payment_intents",
            &[
                ("amount", "1000000"),
                ("currency", "eur"),
                ("application_fee_amount", "25000"),
                ("transfer_data[destination]", &payee),
                ("payment_method", "pm_card_bypassPending"),
                ("confirm", "true"),
            ],
        )
        .await
        .ok();
    assert_eq!(world.balance(Some(&payee), "eur").await, (975_000, 0), "the money is gone before any work was approved");
    let charge = world
        .get(&format!("/v1/charges/{}?expand[]=transfer&expand[]=application_fee", intent["latest_charge"].as_str().unwrap()))
        .await
        .ok();
    assert_eq!((&charge["transfer"]["destination"], &charge["application_fee"]["amount"]), (&json!(payee), &json!(25_000)));
    assert_eq!(charge["transfer"]["source_transaction"], charge["id"]);
    assert_eq!(world.balance(None, "eur").await.0, before + 25_000 - 29_030);
    world.post("/v1/transfers", &[("amount", "945000"), ("currency", "eur"), ("destination", &payee)]).await.ok();
    assert_eq!(world.balance(Some(&payee), "eur").await, (1_920_000, 0), "paid twice, with another owner's money");
}

#[tokio::test]
async fn its_parameters_are_checked() {
    let world = World::new().await;
    let payee = world.payee().await;
    let base = [("amount", "1000"), ("currency", "eur")];
    let with = |more: &[(&'static str, String)]| {
        let mut params: Vec<(&str, String)> = base.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
        params.extend(more.iter().cloned());
        let world = &world;
        async move { world.post("/v1/payment_intents", &params.iter().map(|(k, v)| (*k, v.as_str())).collect::<Vec<_>>()).await }
    };
    assert_eq!(with(&[("application_fee_amount", "10".into())]).await.status, 400);
    assert_eq!(
        with(&[("application_fee_amount", "1001".into()), ("transfer_data[destination]", payee.clone())]).await.status,
        400
    );
    assert_eq!(with(&[("transfer_data[destination]", "acct_x".into())]).await.refused(), (400, "resource_missing".into()));
    assert_eq!(with(&[("transfer_data[amount]", "5".into())]).await.refused(), (400, "parameter_missing".into()));
    let intent = with(&[("on_behalf_of", payee.clone()), ("transfer_data[destination]", payee.clone())]).await.ok();
    assert_eq!((&intent["on_behalf_of"], &intent["transfer_data"]["destination"]), (&json!(payee), &json!(payee)));
}

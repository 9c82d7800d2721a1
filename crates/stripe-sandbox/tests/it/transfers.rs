//! Transfers and reversals: who may receive, what there must be, and what both sides have afterwards.

use crate::world::{World, id, send};
use reqwest::Method;
use serde_json::json;

const DAY: i64 = 86_400;

#[tokio::test]
async fn a_transfer_takes_available_money_to_the_payee() {
    let world = World::new().await;
    let payee = world.payee().await;
    world.pay(1_000_000, "eur", "pm_card_bypassPending").await.ok();
    let transfer = world
        .post(
            "/v1/transfers",
            &[
                ("amount", "975000"),
                ("currency", "eur"),
                ("destination", &payee),
                ("transfer_group", "ms_7"),
                ("metadata[release_id]", "rel_1"),
            ],
        )
        .await;
    assert_eq!(transfer.refused(), (400, "balance_insufficient".into()));
    world.sandbox.top_up(29_030, "eur");
    let transfer = world
        .post(
            "/v1/transfers",
            &[
                ("amount", "975000"),
                ("currency", "eur"),
                ("destination", &payee),
                ("transfer_group", "ms_7"),
                ("metadata[release_id]", "rel_1"),
            ],
        )
        .await
        .ok();
    assert_eq!(
        (&transfer["destination"], &transfer["transfer_group"], &transfer["reversed"]),
        (&json!(payee), &json!("ms_7"), &json!(false))
    );
    assert_eq!(transfer["metadata"], json!({"release_id": "rel_1"}));
    assert_eq!(world.balance(None, "eur").await, (25_000, 0));
    assert_eq!(world.balance(Some(&payee), "eur").await, (975_000, 0));
    let by_group = world.get("/v1/transfers?transfer_group=ms_7").await.ok();
    assert_eq!((by_group["data"].as_array().unwrap().len(), id(&by_group["data"][0])), (1, id(&transfer)));
    assert_eq!(world.get("/v1/transfers?transfer_group=ms_8").await.ok()["data"], json!([]));
    assert_eq!(world.get(&format!("/v1/transfers?destination={payee}")).await.ok()["data"].as_array().unwrap().len(), 1);
    assert_eq!(world.sandbox.transfers().len(), 1);
    let arrived = format!("/v1/charges/{}", transfer["destination_payment"].as_str().unwrap());
    assert_eq!(world.get(&arrived).await.refused(), (404, "resource_missing".into()));
    let seen_by_payee = send(world.request(Method::GET, &arrived).header("Stripe-Account", &payee)).await.unwrap().ok();
    assert_eq!(seen_by_payee["source_transfer"], transfer["id"]);
}

#[tokio::test]
async fn pending_money_cannot_be_transferred() {
    let world = World::new().await;
    let payee = world.payee().await;
    world.pay(1_000_000, "eur", "pm_card_visa").await.ok();
    let params = [("amount", "900000"), ("currency", "eur"), ("destination", payee.as_str())];
    assert_eq!(world.post("/v1/transfers", &params).await.refused(), (400, "balance_insufficient".into()));
    world.sandbox.advance(2 * DAY);
    world.post("/v1/transfers", &params).await.ok();
}

#[tokio::test]
async fn a_source_transaction_lends_its_pending_money_once() {
    let world = World::new().await;
    let payee = world.payee().await;
    let intent = world.pay(1_000_000, "eur", "pm_card_visa").await.ok();
    let charge = intent["latest_charge"].as_str().unwrap();
    let params = |amount: &'static str| {
        [("amount", amount), ("currency", "eur"), ("destination", payee.as_str()), ("source_transaction", charge)]
    };
    let transfer = world.post("/v1/transfers", &params("700000")).await.ok();
    assert_eq!(transfer["source_transaction"], charge);
    assert_eq!(world.post("/v1/transfers", &params("300001")).await.status, 400);
    assert_eq!(world.balance(Some(&payee), "eur").await, (0, 700_000));
    assert_eq!(world.balance(None, "eur").await, (0, 270_970));
    world.sandbox.advance(2 * DAY);
    assert_eq!(world.balance(Some(&payee), "eur").await, (700_000, 0));
}

#[tokio::test]
async fn only_a_capable_account_receives() {
    let world = World::new().await;
    world.sandbox.top_up(10_000, "eur");
    let transfer = |to: String| {
        let world = &world;
        async move { world.post("/v1/transfers", &[("amount", "100"), ("currency", "eur"), ("destination", &to)]).await }
    };
    assert_eq!(transfer("acct_nobody".into()).await.refused(), (400, "resource_missing".into()));
    let account = world.post("/v1/accounts", &[("type", "express"), ("capabilities[transfers][requested]", "true")]).await.ok();
    assert_eq!(transfer(id(&account).into()).await.refused(), (400, "insufficient_capabilities_for_transfer".into()));
    world.sandbox.complete_onboarding(id(&account)).unwrap();
    transfer(id(&account).into()).await.ok();
    world.control(&format!("/accounts/{}/restrict", id(&account)), json!({"disabledReason": "requirements.past_due"})).await.ok();
    assert_eq!(transfer(id(&account).into()).await.refused(), (400, "insufficient_capabilities_for_transfer".into()));
    world.control(&format!("/accounts/{}/restrict", id(&account)), json!({"disabledReason": null})).await.ok();
    transfer(id(&account).into()).await.ok();
}

#[tokio::test]
async fn a_reversal_takes_back_what_the_payee_still_has() {
    let world = World::new().await;
    let payee = world.payee().await;
    world.sandbox.top_up(10_000, "eur");
    let transfer = world.post("/v1/transfers", &[("amount", "10000"), ("currency", "eur"), ("destination", &payee)]).await.ok();
    let path = format!("/v1/transfers/{}", id(&transfer));
    let part = world.post(&format!("{path}/reversals"), &[("amount", "2500"), ("metadata[why]", "mistake")]).await.ok();
    assert_eq!(
        (&part["object"], &part["amount"], &part["transfer"]),
        (&json!("transfer_reversal"), &json!(2_500), &transfer["id"])
    );
    let now = world.get(&path).await.ok();
    assert_eq!(
        (&now["amount_reversed"], &now["reversed"], &now["reversals"]["data"][0]["id"]),
        (&json!(2_500), &json!(false), &part["id"])
    );
    let payout = |amount: &'static str| {
        let request = world.request(Method::POST, "/v1/payouts").header("Stripe-Account", &payee);
        send(request.body(format!("amount={amount}&currency=eur")))
    };
    payout("7000").await.unwrap().ok();
    assert_eq!(payout("501").await.unwrap().refused(), (400, "balance_insufficient".into()));
    assert_eq!(world.post(&format!("{path}/reversals"), &[]).await.refused(), (400, "balance_insufficient".into()));
    world.post(&format!("{path}/reversals"), &[("amount", "500")]).await.ok();
    assert_eq!(world.balance(Some(&payee), "eur").await, (0, 0));
    assert_eq!(world.balance(None, "eur").await, (3_000, 0));
    assert_eq!(world.get(&format!("{path}/reversals")).await.ok()["data"].as_array().unwrap().len(), 2);
    assert_eq!(world.post(&format!("{path}/reversals"), &[("amount", "7001")]).await.status, 400);
    assert_eq!(world.event_types().iter().filter(|t| *t == "transfer.reversed").count(), 2);
}

#[tokio::test]
async fn every_balance_is_the_sum_of_its_transactions() {
    let world = World::new().await;
    let payee = world.payee().await;
    world.pay(1_000_000, "eur", "pm_card_bypassPending").await.ok();
    world.post("/v1/transfers", &[("amount", "500000"), ("currency", "eur"), ("destination", &payee)]).await.ok();
    let list = world.get("/v1/balance_transactions?currency=eur").await.ok();
    let net: i64 = list["data"].as_array().unwrap().iter().map(|t| t["net"].as_i64().unwrap()).sum();
    assert_eq!((net, 0), world.balance(None, "eur").await);
    let transfers = world.get("/v1/balance_transactions?type=transfer").await.ok();
    assert_eq!(
        (&transfers["data"][0]["amount"], &transfers["data"][0]["reporting_category"]),
        (&json!(-500_000), &json!("transfer"))
    );
}

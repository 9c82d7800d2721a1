//! Keys, parameters, errors, lists and expansion.

use crate::world::{World, id, send};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn keys_are_checked() {
    let world = World::new().await;
    let url = format!("{}/v1/balance", world.sandbox.base_url());
    let bare = send(world.http.get(&url)).await.unwrap();
    assert_eq!(bare.status, 401);
    assert!(bare.body["error"]["message"].as_str().unwrap().starts_with("You did not provide an API key"));
    let wrong = send(world.http.get(&url).header("Authorization", "Bearer sk_live_x")).await.unwrap();
    assert_eq!(wrong.status, 401);
    let basic = send(world.http.get(&url).basic_auth("sk_test_x", Some(""))).await.unwrap();
    assert_eq!(basic.status, 200);
    let publishable = send(world.http.get(&url).header("Authorization", "Bearer pk_test_x")).await.unwrap();
    assert_eq!(publishable.refused(), (401, "secret_key_required".into()));
}

#[tokio::test]
async fn every_answer_names_its_request_and_version() {
    let world = World::new().await;
    let answer = send(world.request(Method::GET, "/v1/balance").header("Stripe-Version", "2023-08-16")).await.unwrap();
    assert!(answer.header("request-id").starts_with("req_"));
    assert_eq!(answer.header("stripe-version"), "2023-08-16");
    assert_eq!(world.get("/v1/balance").await.header("stripe-version"), "2026-09-30.endive");
}

#[tokio::test]
async fn parameters_are_checked_as_stripe_checks_them() {
    let world = World::new().await;
    type Sent = &'static [(&'static str, &'static str)];
    let cases: [(Sent, u16, &str, &str); 8] = [
        (&[("currency", "usd")], 400, "parameter_missing", "amount"),
        (&[("amount", "1000")], 400, "parameter_missing", "currency"),
        (&[("amount", "10.5"), ("currency", "usd")], 400, "parameter_invalid_integer", "amount"),
        (&[("amount", "1000"), ("currency", "usd"), ("colour", "red")], 400, "parameter_unknown", "colour"),
        (&[("amount", "1000"), ("currency", "usd"), ("transfer_data[to]", "x")], 400, "parameter_unknown", "transfer_data[to]"),
        (&[("amount", "1000"), ("currency", "")], 400, "parameter_invalid_empty", "currency"),
        (&[("amount", "49"), ("currency", "usd")], 400, "amount_too_small", "amount"),
        (&[("amount", "-1"), ("currency", "usd")], 400, "parameter_invalid_integer", "amount"),
    ];
    for (params, status, code, param) in cases {
        let answer = world.post("/v1/payment_intents", params).await;
        assert_eq!(answer.refused(), (status, code.to_owned()), "{params:?}");
        assert_eq!(answer.body["error"]["param"], param);
        assert_eq!(answer.body["error"]["type"], "invalid_request_error");
    }
    let unknown_currency = world.post("/v1/payment_intents", &[("amount", "100"), ("currency", "xyz")]).await;
    assert_eq!((unknown_currency.status.as_u16(), &unknown_currency.body["error"]["param"]), (400, &json!("currency")));
    let wrong_word =
        world.post("/v1/payment_intents", &[("amount", "100"), ("currency", "usd"), ("capture_method", "never")]).await;
    assert_eq!(wrong_word.status, 400);
    assert!(world.sandbox.payment_intents().is_empty());
}

#[tokio::test]
async fn what_does_not_exist_is_said_so() {
    let world = World::new().await;
    for path in [
        "/v1/payment_intents/pi_x",
        "/v1/charges/ch_x",
        "/v1/transfers/tr_x",
        "/v1/refunds/re_x",
        "/v1/events/evt_x",
        "/v1/balance_transactions/txn_x",
    ] {
        assert_eq!(world.get(path).await.refused(), (404, "resource_missing".into()), "{path}");
    }
    assert_eq!(world.get("/v1/accounts/acct_x").await.refused(), (403, "account_invalid".into()));
    assert_eq!(world.get("/v1/unicorns").await.status, 404);
    let foreign = send(world.request(Method::GET, "/v1/balance").header("Stripe-Account", "acct_x")).await.unwrap();
    assert_eq!(foreign.refused(), (403, "account_invalid".into()));
}

#[tokio::test]
async fn lists_have_pages_and_filters() {
    let world = World::new().await;
    let mut made = Vec::new();
    for amount in 101..106 {
        made.push(world.post("/v1/payment_intents", &[("amount", &amount.to_string()), ("currency", "eur")]).await.ok());
        world.sandbox.advance(10);
    }
    made.reverse();
    let ids = |body: &serde_json::Value| body["data"].as_array().unwrap().iter().map(|o| id(o).to_owned()).collect::<Vec<_>>();
    let expected: Vec<_> = made.iter().map(|o| id(o).to_owned()).collect();
    let first = world.get("/v1/payment_intents?limit=2").await.ok();
    assert_eq!(
        (ids(&first), &first["has_more"], &first["url"], &first["object"]),
        (expected[..2].to_vec(), &json!(true), &json!("/v1/payment_intents"), &json!("list"))
    );
    let next = world.get(&format!("/v1/payment_intents?limit=3&starting_after={}", expected[1])).await.ok();
    assert_eq!((ids(&next), &next["has_more"]), (expected[2..].to_vec(), &json!(false)));
    let back = world.get(&format!("/v1/payment_intents?limit=2&ending_before={}", expected[3])).await.ok();
    assert_eq!((ids(&back), &back["has_more"]), (expected[1..3].to_vec(), &json!(true)));
    let since = made[1]["created"].as_i64().unwrap();
    let recent = world.get(&format!("/v1/payment_intents?created[gte]={since}")).await.ok();
    assert_eq!(ids(&recent), expected[..2].to_vec());
    let older = world.get(&format!("/v1/payment_intents?created%5Blt%5D={since}&limit=100")).await.ok();
    assert_eq!(ids(&older), expected[2..].to_vec());
    assert_eq!(world.get("/v1/payment_intents?limit=101").await.refused(), (400, "parameter_invalid_integer".into()));
    assert_eq!(world.get("/v1/payment_intents?starting_after=pi_x").await.refused(), (400, "resource_missing".into()));
    assert_eq!(world.get("/v1/payment_intents?colour=red").await.refused(), (400, "parameter_unknown".into()));
}

#[tokio::test]
async fn expansion_reaches_through_objects_and_lists() {
    let world = World::new().await;
    let intent = world.pay(1_000_000, "eur", "pm_card_visa").await.ok();
    let path = format!("/v1/payment_intents/{}?expand[]=latest_charge.balance_transaction&expand[]=payment_method", id(&intent));
    let expanded = world.get(&path).await.ok();
    assert_eq!(expanded["latest_charge"]["balance_transaction"]["fee"], 29_030);
    assert_eq!(expanded["payment_method"]["card"]["last4"], "4242");
    let list = world.get("/v1/charges?expand[0]=data.balance_transaction&expand[1]=data.payment_intent").await.ok();
    assert_eq!(list["data"][0]["balance_transaction"]["net"], 970_970);
    assert_eq!(list["data"][0]["payment_intent"]["id"], intent["id"]);
    assert_eq!(world.get("/v1/charges?expand[]=balance_transaction").await.status, 400);
    assert_eq!(world.get("/v1/charges?expand[]=data.amount").await.status, 400);
}

#[tokio::test]
async fn metadata_is_merged_and_unset() {
    let world = World::new().await;
    let intent = world
        .post("/v1/payment_intents", &[("amount", "500"), ("currency", "eur"), ("metadata[a]", "1"), ("metadata[0]", "zero")])
        .await
        .ok();
    assert_eq!(intent["metadata"], json!({"a": "1", "0": "zero"}));
    let path = format!("/v1/payment_intents/{}", id(&intent));
    let changed = world.post(&path, &[("metadata[a]", ""), ("metadata[b]", "2")]).await.ok();
    assert_eq!(changed["metadata"], json!({"0": "zero", "b": "2"}));
    let cleared = world.post(&path, &[("metadata", "")]).await.ok();
    assert_eq!(cleared["metadata"], json!({}));
}

#[tokio::test]
async fn the_sandbox_keeps_its_notes_to_itself() {
    let world = World::new().await;
    let payee = world.payee().await;
    let intent = world.pay(20_000, "eur", "pm_card_bypassPending").await.ok();
    let charge = intent["latest_charge"].as_str().unwrap();
    world
        .post("/v1/transfers", &[("amount", "100"), ("currency", "eur"), ("destination", &payee), ("source_transaction", charge)])
        .await
        .ok();
    for path in ["/v1/payment_intents", "/v1/charges", "/v1/transfers", "/v1/accounts", "/v1/balance_transactions", "/v1/events"]
    {
        let text = world.get(path).await.ok().to_string();
        assert!(!text.contains("\"_"), "{path}: {text}");
    }
}

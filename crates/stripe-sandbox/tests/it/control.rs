//! The rest of `/_sandbox`.

use crate::world::{World, id};
use serde_json::json;
use stripe_sandbox::Config;

#[tokio::test]
async fn the_clock_starts_where_told_and_only_moves_forward() {
    let world = World::with(Config { start_time: Some(1_800_000_000), ..Config::default() }).await;
    let now = world.get("/_sandbox/clock").await.ok()["now"].as_i64().unwrap();
    assert!((1_800_000_000..1_800_000_060).contains(&now), "{now}");
    let later = world.control("/clock", json!({"advanceSeconds": 3_600})).await.ok()["now"].as_i64().unwrap();
    assert!(later >= now + 3_600);
    assert_eq!(world.control("/clock", json!({"advanceSeconds": -1})).await.status, 400);
    let intent = world.post("/v1/payment_intents", &[("amount", "100"), ("currency", "eur")]).await.ok();
    assert!(intent["created"].as_i64().unwrap() >= later);
}

#[tokio::test]
async fn requests_are_listed_as_sent() {
    let world = World::new().await;
    world.post_once("k", "/v1/payment_intents", &[("amount", "100"), ("currency", "eur"), ("metadata[a]", "b")]).await.ok();
    world.get("/v1/transfers?transfer_group=g").await.ok();
    let log = world.get("/_sandbox/requests").await.ok();
    let first = &log["data"][0];
    assert_eq!(first["params"], json!({"amount": "100", "currency": "eur", "metadata": {"a": "b"}}));
    assert_eq!(
        (&first["method"], &first["path"], &first["idempotencyKey"]),
        (&json!("POST"), &json!("/v1/payment_intents"), &json!("k"))
    );
    assert_eq!((&first["status"], &first["replayed"]), (&json!(200), &json!(false)));
    assert_eq!(log["data"][1]["params"], json!({"transfer_group": "g"}));
}

#[tokio::test]
async fn test_helpers_play_the_payer() {
    let world = World::new().await;
    let intent = world.post("/v1/payment_intents", &[("amount", "100"), ("currency", "eur")]).await.ok();
    let declined = world.sandbox.confirm(id(&intent), "pm_card_chargeDeclined").unwrap();
    assert_eq!(declined["status"], "requires_payment_method");
    let waiting = world.sandbox.confirm(id(&intent), "pm_card_authenticationRequired").unwrap();
    assert_eq!(waiting["status"], "requires_action");
    assert_eq!(world.sandbox.authenticate(id(&intent), true).unwrap()["status"], "succeeded");
    assert_eq!(world.sandbox.confirm(id(&intent), "pm_card_visa").unwrap_err()["code"], "payment_intent_unexpected_state");
    assert!(world.sandbox.complete_onboarding("acct_x").is_none());
}

#[tokio::test]
async fn it_introduces_itself() {
    let world = World::new().await;
    assert_eq!(world.get("/_sandbox").await.ok()["what"], "Stripe sandbox of 14Build");
    assert_eq!(world.get("/_sandbox/nothing").await.status, 404);
    assert!(world.get("/_sandbox/payment_methods").await.ok()["data"].as_array().unwrap().len() > 20);
    let event =
        world.control("/events", json!({"type": "radar.early_fraud_warning.created", "object": {"id": "issfr_1"}})).await.ok();
    assert_eq!(world.get(&format!("/v1/events/{}", id(&event))).await.ok()["data"]["object"]["id"], "issfr_1");
}

#[tokio::test]
async fn ones_own_money_comes_and_goes_as_the_bank_decides() {
    let world = World::new().await;
    let available = async || world.get("/v1/balance").await.ok()["available"][0]["amount"].clone();
    let move_to = async |path: &str, status: &str| world.control(&format!("/{path}/move"), json!({"status": status})).await;
    let topup = world.control("/topups", json!({"amount": 5_000, "currency": "eur", "pending": true})).await.ok();
    let path = format!("topups/{}", id(&topup));
    assert_eq!((&topup["status"], &topup["balance_transaction"], available().await), (&json!("pending"), &json!(null), json!(0)));
    assert_eq!(move_to(&path, "succeeded").await.ok()["status"], "succeeded");
    let seen = world.get(&format!("/v1/{path}?expand[]=balance_transaction")).await.ok();
    let booked = &seen["balance_transaction"];
    assert_eq!((&booked["type"], &booked["net"], &booked["status"]), (&json!("topup"), &json!(5_000), &json!("available")));
    assert_eq!((&booked["source"], available().await), (&topup["id"], json!(5_000)));
    assert_eq!(move_to(&path, "failed").await.status, 400);

    let payout = world.post("/v1/payouts", &[("amount", "2000"), ("currency", "eur")]).await.ok();
    let path = format!("payouts/{}", id(&payout));
    assert_eq!(
        (move_to(&path, "in_transit").await.ok()["status"].clone(), available().await),
        (json!("in_transit"), json!(3_000))
    );
    let failed = move_to(&path, "failed").await.ok();
    assert_eq!((&failed["status"], available().await), (&json!("failed"), json!(5_000)));
    let back = failed["failure_balance_transaction"].as_str().unwrap();
    assert_eq!(world.get(&format!("/v1/balance_transactions/{back}")).await.ok()["type"], "payout_failure");
    assert_eq!(move_to(&path, "paid").await.status, 400);
    assert_eq!(move_to(&format!("topups/{}", id(&topup)), "reversed").await.ok()["status"], "reversed");
    assert_eq!(available().await, json!(0));
    assert_eq!(world.get("/v1/topups").await.ok()["data"].as_array().unwrap().len(), 1);
}

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

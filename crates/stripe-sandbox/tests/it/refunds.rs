//! Refunds and disputes.

use crate::world::{World, id};
use serde_json::json;

const DAY: i64 = 86_400;

#[tokio::test]
async fn a_refund_gives_back_in_parts_and_not_more() {
    let world = World::new().await;
    let intent = world.pay(100_000, "eur", "pm_card_bypassPending").await.ok();
    world.sandbox.top_up(5_000, "eur");
    let pi = id(&intent);
    let part =
        world.post("/v1/refunds", &[("payment_intent", pi), ("amount", "40000"), ("reason", "requested_by_customer")]).await.ok();
    assert_eq!(
        (&part["status"], &part["charge"], &part["payment_intent"]),
        (&json!("succeeded"), &intent["latest_charge"], &intent["id"])
    );
    assert_eq!(world.post("/v1/refunds", &[("payment_intent", pi), ("amount", "60001")]).await.status, 400);
    world.post("/v1/refunds", &[("charge", intent["latest_charge"].as_str().unwrap())]).await.ok();
    assert_eq!(world.post("/v1/refunds", &[("payment_intent", pi)]).await.refused(), (400, "charge_already_refunded".into()));
    assert_eq!(world.balance(None, "eur").await, (5_000 - 2_930, 0));
    let charge = world.get(&format!("/v1/charges/{}", intent["latest_charge"].as_str().unwrap())).await.ok();
    assert_eq!((&charge["refunded"], &charge["amount_refunded"]), (&json!(true), &json!(100_000)));
    assert_eq!(world.get(&format!("/v1/refunds?payment_intent={pi}")).await.ok()["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_refund_needs_money() {
    let world = World::new().await;
    let intent = world.pay(100_000, "eur", "pm_card_bypassPending").await.ok();
    assert_eq!(
        world.post("/v1/refunds", &[("payment_intent", id(&intent))]).await.refused(),
        (400, "balance_insufficient".into())
    );
    assert_eq!(world.post("/v1/refunds", &[]).await.refused(), (400, "parameter_missing".into()));
    let unpaid = world.post("/v1/payment_intents", &[("amount", "500"), ("currency", "eur")]).await.ok();
    assert_eq!(world.post("/v1/refunds", &[("payment_intent", id(&unpaid))]).await.status, 400);
}

#[tokio::test]
async fn a_refund_may_fail_late_or_succeed_late() {
    let world = World::new().await;
    world.sandbox.top_up(200_000, "eur");
    for (method, first, last) in
        [("pm_card_refundFail", "succeeded", "failed"), ("pm_card_pendingRefund", "pending", "succeeded")]
    {
        let intent = world.pay(10_000, "eur", method).await.ok();
        let refund = world.post("/v1/refunds", &[("payment_intent", id(&intent))]).await.ok();
        assert_eq!(refund["status"], first);
        world.sandbox.advance(DAY);
        assert_eq!(world.get(&format!("/v1/refunds/{}", id(&refund))).await.ok()["status"], last);
    }
    assert!(world.event_types().contains(&"refund.failed".to_owned()));
}

#[tokio::test]
async fn a_dispute_takes_the_money_until_it_is_won() {
    let world = World::new().await;
    let intent = world.pay(100_000, "eur", "pm_card_bypassPending").await.ok();
    let charge = intent["latest_charge"].as_str().unwrap();
    let before = world.balance(None, "eur").await.0;
    let dispute = world.control("/disputes", json!({"charge": charge})).await.ok();
    assert_eq!(dispute["status"], "needs_response");
    assert_eq!(world.balance(None, "eur").await.0, before - 100_000 - 1_500);
    assert_eq!(world.post("/v1/refunds", &[("charge", charge)]).await.refused(), (400, "charge_disputed".into()));
    world.control(&format!("/disputes/{}/close", id(&dispute)), json!({"won": true})).await.ok();
    assert_eq!(world.balance(None, "eur").await.0, before - 1_500);
    assert_eq!(world.get(&format!("/v1/disputes/{}", id(&dispute))).await.ok()["status"], "won");
    let kinds = world.event_types();
    for kind in
        ["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed", "charge.dispute.funds_reinstated"]
    {
        assert!(kinds.contains(&kind.to_owned()), "{kind}");
    }
}

#[tokio::test]
async fn an_inquiry_takes_nothing_until_it_becomes_a_dispute_and_what_is_won_may_come_back_later() {
    let world = World::new().await;
    let intent = world.pay(100_000, "eur", "pm_card_bypassPending").await.ok();
    let charge = intent["latest_charge"].as_str().unwrap();
    let before = world.balance(None, "eur").await.0;
    let dispute = world.control("/disputes", json!({"charge": charge, "inquiry": true})).await.ok();
    let path = |verb: &str| format!("/disputes/{}/{verb}", id(&dispute));
    assert_eq!((dispute["status"].as_str(), world.balance(None, "eur").await.0), (Some("warning_needs_response"), before));
    let moved = world.control(&path("move"), json!({"status": "needs_response"})).await.ok();
    assert_eq!(
        (moved["status"].as_str(), world.balance(None, "eur").await.0),
        (Some("needs_response"), before - 100_000 - 1_500)
    );
    assert_eq!(world.control(&path("move"), json!({"status": "won"})).await.refused().0, 400);
    world.control(&path("close"), json!({"won": true, "reinstate": false})).await.ok();
    assert_eq!(world.balance(None, "eur").await.0, before - 100_000 - 1_500);
    world.control(&path("reinstate"), json!({})).await.ok();
    assert_eq!(world.balance(None, "eur").await.0, before - 1_500);
    assert_eq!(world.control(&path("reinstate"), json!({})).await.refused().0, 400, "once");
}

#[tokio::test]
async fn fraud_warnings_and_reviews_are_told_listed_and_filtered() {
    let world = World::new().await;
    let intent = world.pay(100_000, "eur", "pm_card_bypassPending").await.ok();
    let charge = intent["latest_charge"].as_str().unwrap();
    let warning = world.control("/early_fraud_warnings", json!({"charge": charge})).await.ok();
    let list = world.get(&format!("/v1/radar/early_fraud_warnings?payment_intent={}", id(&intent))).await.ok();
    assert_eq!(list["data"][0]["id"], warning["id"]);
    assert_eq!(world.get("/v1/radar/early_fraud_warnings?charge=ch_other").await.ok()["data"], json!([]));
    let review = world.control("/reviews", json!({"charge": charge})).await.ok();
    assert_eq!(world.get("/v1/reviews").await.ok()["data"][0]["id"], review["id"]);
    assert_eq!(world.get(&format!("/v1/charges/{charge}")).await.ok()["review"], review["id"]);
    world.control(&format!("/reviews/{}/close", id(&review)), json!({})).await.ok();
    assert_eq!(world.get("/v1/reviews").await.ok()["data"], json!([]));
    assert_eq!(world.get(&format!("/v1/reviews/{}", id(&review))).await.ok()["closed_reason"], "approved");
    for kind in ["radar.early_fraud_warning.created", "review.opened", "review.closed"] {
        assert!(world.event_types().contains(&kind.to_owned()), "{kind}");
    }
}

//! Webhooks: signed, retried, addressed to whom they concern, and misbehaving on demand.

use crate::world::{Receiver, World, eventually, id};
use serde_json::json;
use std::time::Duration;
use stripe_sandbox::{Config, DeliveryMode, Endpoint, EndpointKind, FlushOrder};

fn endpoint(receiver: &Receiver, kind: EndpointKind) -> Endpoint {
    Endpoint { url: receiver.url.clone(), secret: "whsec_test".into(), kind }
}

async fn world(receiver: &Receiver) -> World {
    let webhook_endpoints = vec![endpoint(receiver, EndpointKind::Platform)];
    World::with(Config { webhook_endpoints, webhook_base_delay: Duration::from_millis(5), ..Config::default() }).await
}

#[tokio::test]
async fn events_are_signed_so_that_the_library_believes_them() {
    let receiver = Receiver::start().await;
    let world = world(&receiver).await;
    world.sandbox.advance(400 * 86_400);
    let intent = world
        .post_once(
            "key_1",
            "/v1/payment_intents",
            &[("amount", "1000"), ("currency", "eur"), ("payment_method", "pm_card_visa"), ("confirm", "true")],
        )
        .await;
    let request = intent.header("request-id").to_owned();
    let intent = intent.ok();
    eventually("three events", || receiver.received().len() == 3).await;
    for received in receiver.received() {
        let event = stripe_webhook::Webhook::construct_event(&received.payload, &received.signature, "whsec_test").unwrap();
        assert_eq!(event.id.as_str(), id(&received.event));
        assert!(stripe_webhook::Webhook::construct_event(&received.payload, &received.signature, "whsec_other").is_err());
        assert_eq!(received.event["livemode"], false);
        assert_eq!(received.event["api_version"], "2026-09-30.endive");
        assert_eq!(received.event["request"], json!({"id": request, "idempotency_key": "key_1"}));
        assert!(received.event.get("account").is_none());
    }
    let succeeded = receiver.received().into_iter().find(|r| r.event["type"] == "payment_intent.succeeded").unwrap();
    assert_eq!(succeeded.event["data"]["object"]["id"], intent["id"]);
    assert_eq!(succeeded.event["data"]["object"]["status"], "succeeded");
    assert_eq!(succeeded.event["pending_webhooks"], 1);
    eventually("the event is no longer pending", || world.sandbox.events().iter().all(|e| e["pending_webhooks"] == 0)).await;
    let listed = world.get("/v1/events?type=payment_intent.succeeded").await.ok();
    assert_eq!(listed["data"][0]["id"], succeeded.event["id"]);
    assert_eq!(
        world.get("/v1/events?types[]=charge.succeeded&types[]=payment_intent.created").await.ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn connected_accounts_have_their_own_endpoints() {
    let (platform, connect) = (Receiver::start().await, Receiver::start().await);
    let world = world(&platform).await;
    world.sandbox.add_webhook_endpoint(&endpoint(&connect, EndpointKind::Connect));
    let payee = world.payee().await;
    world.sandbox.top_up(1_000, "eur");
    world.post("/v1/transfers", &[("amount", "1000"), ("currency", "eur"), ("destination", &payee)]).await.ok();
    eventually("all events", || platform.types().len() == 4 && connect.types().len() == 3).await;
    assert_eq!(
        (connect.count("account.updated"), connect.count("capability.updated"), connect.count("payment.created")),
        (1, 1, 1)
    );
    assert!(connect.received().iter().all(|r| r.event["account"] == payee));
    let seen = ["topup.created", "topup.succeeded", "balance.available", "transfer.created"].map(|kind| platform.count(kind));
    assert_eq!(seen, [1, 1, 1, 1]);
}

#[tokio::test]
async fn a_failed_delivery_is_tried_again() {
    let receiver = Receiver::start().await;
    receiver.answer(500);
    let world = world(&receiver).await;
    world.control("/events", json!({"type": "balance.available", "object": {"object": "balance"}})).await.ok();
    eventually("three attempts", || receiver.received().len() >= 3).await;
    receiver.answer(200);
    eventually("delivered", || world.sandbox.deliveries()[0]["status"] == "delivered").await;
    assert!(world.sandbox.deliveries()[0]["attempts"].as_u64().unwrap() >= 4);
    let ids: std::collections::HashSet<_> = receiver.received().iter().map(|r| id(&r.event).to_owned()).collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn deliveries_are_given_up_after_a_while() {
    let receiver = Receiver::start().await;
    receiver.answer(404);
    let webhook_endpoints = vec![endpoint(&receiver, EndpointKind::Platform)];
    let world = World::with(Config {
        webhook_endpoints,
        webhook_base_delay: Duration::from_millis(1),
        webhook_attempts: 3,
        ..Config::default()
    })
    .await;
    world.control("/events", json!({"type": "balance.available", "object": {"object": "balance"}})).await.ok();
    eventually("given up", || world.sandbox.deliveries()[0]["status"] == "failed").await;
    assert_eq!((receiver.received().len(), &world.sandbox.deliveries()[0]["lastStatus"]), (3, &json!(404)));
    receiver.answer(200);
    let event = id(&world.sandbox.events()[0]).to_owned();
    world.control("/webhooks/resend", json!({"event": event})).await.ok();
    eventually("resent", || receiver.received().len() == 4).await;
}

#[tokio::test]
async fn duplicates_are_delivered() {
    let receiver = Receiver::start().await;
    let world = world(&receiver).await;
    world.sandbox.set_delivery_mode(DeliveryMode { duplicate: 2, shuffle: true, hold: false });
    world.pay(1_000, "eur", "pm_card_visa").await.ok();
    eventually("three of each", || receiver.received().len() == 9).await;
    assert_eq!((receiver.count("payment_intent.created"), receiver.count("payment_intent.succeeded")), (3, 3));
}

#[tokio::test]
async fn held_deliveries_come_in_the_order_asked_for() {
    let receiver = Receiver::start().await;
    let world = world(&receiver).await;
    for (order, expected) in [
        (json!({}), ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]),
        (json!({"order": "reverse"}), ["payment_intent.succeeded", "charge.succeeded", "payment_intent.created"]),
        (json!({"reversed": true}), ["payment_intent.succeeded", "charge.succeeded", "payment_intent.created"]),
    ] {
        world.control("/webhooks", json!({"hold": true})).await.ok();
        world.pay(1_000, "eur", "pm_card_visa").await.ok();
        let before = receiver.received().len();
        assert!(world.sandbox.deliveries().iter().rev().take(3).all(|d| d["status"] == "held"));
        let flushed = world.control("/webhooks/flush", order).await.ok();
        assert_eq!(flushed, json!({"released": 3}));
        assert_eq!(receiver.types()[before..], expected);
        world.control("/webhooks", json!({"hold": false})).await.ok();
    }
}

#[tokio::test]
async fn endpoints_are_made_over_the_api_too() {
    let receiver = Receiver::start().await;
    let world = World::new().await;
    let made =
        world.post("/v1/webhook_endpoints", &[("url", &receiver.url), ("enabled_events[]", "payment_intent.*")]).await.ok();
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"));
    assert!(world.get(&format!("/v1/webhook_endpoints/{}", id(&made))).await.ok().get("secret").is_none());
    world.pay(1_000, "eur", "pm_card_visa").await.ok();
    eventually("two events", || receiver.received().len() == 2).await;
    let received = receiver.received();
    stripe_webhook::Webhook::construct_event(&received[0].payload, &received[0].signature, &secret).unwrap();
    world.delete(&format!("/v1/webhook_endpoints/{}", id(&made))).await.ok();
    let other = Receiver::start().await;
    world.control("/webhooks/endpoints", json!({"url": other.url, "secret": "whsec_2", "kind": "platform"})).await.ok();
    world.pay(1_000, "eur", "pm_card_visa").await.ok();
    eventually("all events", || other.received().len() == 3).await;
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn the_host_flushes_too() {
    let receiver = Receiver::start().await;
    let world = world(&receiver).await;
    world.sandbox.set_delivery_mode(DeliveryMode { duplicate: 1, shuffle: false, hold: true });
    world.pay(1_000, "eur", "pm_card_visa").await.ok();
    assert_eq!(world.sandbox.flush_webhooks(FlushOrder::Shuffle).await, 6);
    assert_eq!((receiver.received().len(), receiver.count("payment_intent.succeeded")), (6, 2));
}

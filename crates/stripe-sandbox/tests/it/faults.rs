//! Ordered faults: what was done, what was answered, and what a retry then finds.

use crate::world::World;
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};
use stripe_sandbox::{Fault, FaultKind};

const PATH: &str = "/v1/payment_intents";
const PARAMS: &[(&str, &str)] = &[("amount", "1000"), ("currency", "eur")];

#[tokio::test]
async fn before_means_nothing_was_done_and_after_means_it_was() {
    let cases = [
        (FaultKind::TimeoutBefore, 0, None),
        (FaultKind::DisconnectBefore, 0, None),
        (FaultKind::Status500, 0, Some(500)),
        (FaultKind::Status429, 0, Some(429)),
        (FaultKind::TimeoutAfter, 1, None),
        (FaultKind::DisconnectAfter, 1, None),
        (FaultKind::Status500After, 1, Some(500)),
    ];
    for (kind, done, status) in cases {
        let world = World::new().await;
        world.sandbox.inject(Fault::new("POST", PATH, kind).delay_ms(30));
        let answer = world.try_post_once("k", PATH, PARAMS).await;
        assert_eq!(answer.ok().map(|a| a.status.as_u16()), status, "{kind:?}");
        assert_eq!(world.sandbox.payment_intents().len(), done, "{kind:?}");
        let retry = world.post_once("k", PATH, PARAMS).await;
        match kind {
            FaultKind::Status500 | FaultKind::Status500After => assert_eq!(retry.status, 500, "{kind:?}"),
            _ => assert_eq!(retry.status, 200, "{kind:?}"),
        }
        assert_eq!(retry.header("idempotent-replayed") == "true", done == 1 || kind == FaultKind::Status500, "{kind:?}");
        let expected = usize::from(kind != FaultKind::Status500);
        assert_eq!(world.sandbox.payment_intents().len(), expected, "{kind:?}");
        let log = world.sandbox.requests();
        assert_eq!((log.len(), &log[0].fault), (2, &Some(json!(kind))));
    }
}

#[tokio::test]
async fn a_timeout_holds_the_connection() {
    let world = World::new().await;
    world.sandbox.inject(Fault::new("POST", PATH, FaultKind::TimeoutBefore).delay_ms(250));
    let start = Instant::now();
    assert!(world.try_post_once("k", PATH, PARAMS).await.is_err());
    assert!(start.elapsed() >= Duration::from_millis(250));
}

#[tokio::test]
async fn faults_are_ordered_over_http() {
    let world = World::new().await;
    let fault =
        json!({"match": {"method": "POST", "path": "/v1/payment_intents/*/confirm"}, "kind": "status429", "times": 2, "skip": 1});
    let made = world.control("/faults", fault).await.ok();
    assert_eq!((&made["kind"], &made["times"], &made["delayMs"]), (&json!("status429"), &json!(2), &json!(60_000)));
    assert_eq!(world.get("/_sandbox/faults").await.ok()["data"].as_array().unwrap().len(), 1);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let intent = world.post(PATH, PARAMS).await.ok();
        let confirm = format!("{PATH}/{}/confirm", intent["id"].as_str().unwrap());
        statuses.push(world.post(&confirm, &[("payment_method", "pm_card_visa")]).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 429, 429, 200]);
    assert_eq!(world.get("/_sandbox/faults").await.ok()["data"], json!([]));
    world.control("/faults", json!({"kind": "status500"})).await.ok();
    assert_eq!(world.delete("/_sandbox/faults").await.ok()["data"], json!([]));
    world.get("/v1/balance").await.ok();
    assert_eq!(world.control("/faults", json!({"kind": "earthquake"})).await.status, 400);
    assert_eq!(world.control("/faults", json!({"kind": "status500", "tims": 2})).await.status, 400);
}

#[tokio::test]
async fn only_what_matches_is_hit() {
    let world = World::new().await;
    world.sandbox.inject(Fault::new("POST", "/v1/transfers", FaultKind::Status500));
    world.post(PATH, PARAMS).await.ok();
    let read = crate::world::send(world.request(Method::GET, "/v1/transfers")).await.unwrap();
    read.ok();
    assert_eq!(world.post("/v1/transfers", &[]).await.status, 400, "parameters are refused before the endpoint begins to fail");
    world.sandbox.clear_faults();
}

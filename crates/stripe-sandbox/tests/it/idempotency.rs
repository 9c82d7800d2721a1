//! Idempotency keys: replayed answers, replayed failures, and keys used wrongly.

use crate::world::World;
use stripe_sandbox::{Fault, FaultKind};

const PAYMENT: &[(&str, &str)] =
    &[("amount", "1000"), ("currency", "eur"), ("payment_method", "pm_card_visa"), ("confirm", "true")];

#[tokio::test]
async fn a_key_answers_the_same_for_ever_and_does_it_once() {
    let world = World::new().await;
    let first = world.post_once("k1", "/v1/payment_intents", PAYMENT).await;
    let again = world.post_once("k1", "/v1/payment_intents", PAYMENT).await;
    assert_eq!(first.body, again.body);
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    assert_eq!(again.header("original-request"), first.header("request-id"));
    assert_ne!(again.header("request-id"), first.header("request-id"));
    assert_eq!(world.sandbox.payment_intents().len(), 1);
    let log = world.sandbox.requests();
    assert_eq!(log.iter().map(|r| r.replayed).collect::<Vec<_>>(), [false, true]);
    assert_eq!(log[1].idempotency_key.as_deref(), Some("k1"));
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let world = World::new().await;
    world.post_once("k1", "/v1/payment_intents", PAYMENT).await.ok();
    let other = world.post_once("k1", "/v1/payment_intents", &[("amount", "1001"), ("currency", "eur")]).await;
    assert_eq!((other.status.as_u16(), other.body["error"]["type"].as_str()), (400, Some("idempotency_error")));
    let elsewhere = world.post_once("k1", "/v1/transfers", PAYMENT).await;
    assert_eq!((elsewhere.status.as_u16(), elsewhere.body["error"]["type"].as_str()), (400, Some("idempotency_error")));
    assert_eq!(world.sandbox.payment_intents().len(), 1);
}

#[tokio::test]
async fn declines_are_replayed_and_refused_parameters_are_not() {
    let world = World::new().await;
    let declined: &[(&str, &str)] =
        &[("amount", "1000"), ("currency", "eur"), ("payment_method", "pm_card_chargeDeclined"), ("confirm", "true")];
    let first = world.post_once("k1", "/v1/payment_intents", declined).await;
    let again = world.post_once("k1", "/v1/payment_intents", declined).await;
    assert_eq!((again.refused(), again.header("idempotent-replayed")), ((402, "card_declined".into()), "true"));
    assert_eq!(first.body, again.body);
    assert_eq!(world.sandbox.charges().len(), 1);
    let bad = world.post_once("k2", "/v1/payment_intents", &[("amount", "x"), ("currency", "eur")]).await;
    assert_eq!(bad.status, 400);
    world.post_once("k2", "/v1/payment_intents", PAYMENT).await.ok();
}

#[tokio::test]
async fn insufficient_balance_is_remembered() {
    let world = World::new().await;
    let payee = world.payee().await;
    let transfer = [("amount", "1000"), ("currency", "eur"), ("destination", payee.as_str())];
    assert_eq!(world.post_once("rel_1", "/v1/transfers", &transfer).await.refused(), (400, "balance_insufficient".into()));
    world.sandbox.top_up(5_000, "eur");
    let replay = world.post_once("rel_1", "/v1/transfers", &transfer).await;
    assert_eq!((replay.refused(), replay.header("idempotent-replayed")), ((400, "balance_insufficient".into()), "true"));
    world.post_once("rel_1b", "/v1/transfers", &transfer).await.ok();
}

#[tokio::test]
async fn a_500_is_replayed_for_a_day_even_if_the_work_was_done() {
    let world = World::new().await;
    let payee = world.payee().await;
    world.sandbox.top_up(5_000, "eur");
    let transfer = [("amount", "1000"), ("currency", "eur"), ("destination", payee.as_str()), ("transfer_group", "g")];
    world.sandbox.inject(Fault::new("POST", "/v1/transfers", FaultKind::Status500After));
    assert_eq!(world.post_once("rel_1", "/v1/transfers", &transfer).await.status, 500);
    let replay = world.post_once("rel_1", "/v1/transfers", &transfer).await;
    assert_eq!((replay.status.as_u16(), replay.header("idempotent-replayed")), (500, "true"));
    assert_eq!(world.get("/v1/transfers?transfer_group=g").await.ok()["data"].as_array().unwrap().len(), 1);
    world.sandbox.advance(25 * 3_600);
    world.post_once("rel_1", "/v1/transfers", &transfer).await.ok();
    assert_eq!(world.sandbox.transfers().len(), 2, "a key is dead after a day: the same request then pays again");
}

#[tokio::test]
async fn a_key_in_use_is_a_conflict() {
    let world = World::new().await;
    world.sandbox.inject(Fault::new("POST", "/v1/payment_intents", FaultKind::Delay).delay_ms(3_000));
    let (first, second) = tokio::join!(world.post_once("k1", "/v1/payment_intents", PAYMENT), async {
        crate::world::eventually("the fault is taken", || world.sandbox.requests().is_empty()).await;
        world.post_once("k1", "/v1/payment_intents", PAYMENT).await
    });
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let conflict = if first.status == 409 { first } else { second };
    assert_eq!(conflict.body["error"]["code"], "idempotency_key_in_use");
    world.post_once("k1", "/v1/payment_intents", PAYMENT).await.ok();
    assert_eq!(world.sandbox.payment_intents().len(), 1);
}

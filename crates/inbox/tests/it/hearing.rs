//! Every subscriber hears an event by itself, at least once, and what it does about it is done once.

use provider_events::Subject;
use serde_json::json;

use crate::world::{Fails, NOTHING, World, event, ran};

#[tokio::test]
async fn two_domains_hear_the_same_event_however_often_it_is_delivered() {
    let world = World::new().await;
    let refunded = event("evt_1", "charge.refunded");
    assert!(world.deliver(&refunded).await.expect("is taken"));
    assert!(!world.deliver(&refunded).await.expect("is taken again"), "it is known");
    assert_eq!(world.events().await, ["evt_1 {one,two} waits"]);
    assert_eq!(world.work().await, [ran("inbox.hear", None), ran("inbox.hear", None)]);
    assert!(!world.deliver(&refunded).await.expect("is taken once more"), "it is still known");
    assert_eq!(world.work().await, NOTHING);
    assert_eq!(world.effects().await, ["one evt_1", "two evt_1"]);
    assert_eq!(world.events().await, ["evt_1 {} done"]);
    let heard = world.one.heard.lock().expect("not poisoned")[0].clone();
    assert_eq!((heard.name.as_str(), heard.object.as_deref()), ("charge.refunded", Some("obj_1")));
    assert_eq!(heard.kind.map(|kind| kind.subject), Some(Subject::Charge));
    assert_eq!(world.two.heard.lock().expect("not poisoned")[0], heard, "both are told the same");

    world.deliver(&event("evt_2", "payout.paid")).await.expect("is taken");
    world.work().await;
    assert_eq!((world.one.times(), world.two.times()), (1, 2), "of payouts only one of them hears");
}

#[tokio::test]
async fn a_subscriber_that_fails_is_tried_again_alone() {
    let world = World::new().await;
    world.two.fails(Fails::Before);
    world.deliver(&event("evt_1", "charge.refunded")).await.expect("is taken");
    let mut first = world.work().await;
    first.sort();
    assert_eq!(first, [ran("inbox.hear", None), ran("inbox.hear", Some("two: not today"))]);
    assert_eq!(
        (world.effects().await, world.events().await),
        (vec!["one evt_1".to_owned()], vec!["evt_1 {two} waits".to_owned()])
    );
    world.two.fails(Fails::Never);
    assert_eq!(world.work_ahead().await, [ran("inbox.hear", None)]);
    assert_eq!((world.one.times(), world.two.times()), (1, 2));
    assert_eq!(world.effects().await, ["one evt_1", "two evt_1"]);
    assert_eq!(world.events().await, ["evt_1 {} done"]);
}

#[tokio::test]
async fn what_fails_after_its_transaction_does_nothing_twice() {
    let world = World::new().await;
    world.two.fails(Fails::Afterwards);
    world.deliver(&event("evt_1", "payout.paid")).await.expect("is taken");
    assert_eq!(world.work().await, [ran("inbox.hear", Some("two: too late"))]);
    assert_eq!(world.events().await, ["evt_1 {} done"]);
    world.two.fails(Fails::Never);
    assert_eq!(world.work_ahead().await, [ran("inbox.hear", None)], "what comes after the transaction is tried again");
    assert_eq!((world.two.times(), world.effects().await), (2, vec!["two evt_1".to_owned()]));
}

#[tokio::test]
async fn who_hears_last_makes_it_done_also_when_all_hear_at_once() {
    let world = World::new().await;
    for n in 0..20 {
        world.deliver(&event(&format!("evt_{n:02}"), "charge.refunded")).await.expect("is taken");
    }
    tokio::join!(world.work(), world.work(), world.work());
    let expected: Vec<_> = (0..20).map(|n| format!("evt_{n:02} {{}} done")).collect();
    assert_eq!(world.events().await, expected);
    assert_eq!(world.effects().await.len(), 40);
}

#[tokio::test]
async fn what_nobody_hears_and_what_is_of_the_other_mode_is_kept_and_done() {
    let world = World::new().await;
    let mut live = event("evt_live", "charge.refunded");
    live["livemode"] = json!(true);
    for told in [event("evt_odd", "something.brand_new"), live] {
        assert!(world.deliver(&told).await.expect("is taken"));
        assert!(!world.deliver(&told).await.expect("is taken again"), "it is known");
    }
    assert_eq!(world.work().await, NOTHING);
    assert_eq!(world.events().await, ["evt_live {} done", "evt_odd {} done"]);
    let alarms = "select concat_ws(' ', kind, object_id, times) from alarms where settled_at is null";
    assert_eq!(world.db.query(alarms).await, ["event_of_other_mode live 1"], "an endpoint sends to the wrong server");
    assert_eq!((world.one.times(), world.two.times()), (0, 0));
}

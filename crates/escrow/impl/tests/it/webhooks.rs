//! The provider's events: any order, any number, one end state.

use std::sync::Arc;

use async_trait::async_trait;
use escrow_api::{IntentStatus, PaymentIntentState, PaymentProvider, TransferOrder};
use hmac::{Hmac, KeyInit, Mac};
use inbox::Error;
use kernel::{Clock, Fault};
use module::Wired;
use provider_events::{Change, Kind, ProviderEvent, Receipt, Subject, Subscriptions};
use serde_json::{Value, json};
use sha2::Sha256;
use uow::Tx;

use crate::world::{World, eur};

fn signed(world: &World, body: &str) -> String {
    let time = world.clock.now().timestamp();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"whsec_test").expect("a key");
    mac.update(format!("{time}.{body}").as_bytes());
    format!("t={time},v1={}", hex::encode(mac.finalize().into_bytes()))
}

pub async fn deliver(world: &World, event: &Value) -> Result<bool, Error> {
    let body = event.to_string();
    world.inbox.take(Some(&signed(world, &body)), body.as_bytes()).await
}

pub fn event(id: &str, kind: &str, object: Value) -> Value {
    json!({ "id": id, "object": "event", "api_version": "2099-01-01", "type": kind, "livemode": false, "data": { "object": object }, "new": [] })
}

/// The end state as every order must leave it.
async fn end_state(world: &World) -> Vec<String> {
    let mut state = world.balances().await;
    state.extend(world.kinds().await);
    for sql in ["select status from payments", "select status from milestones", "select status from releases order by seq"] {
        state.extend(world.db.query(sql).await);
    }
    state
}

pub fn permutations(of: usize) -> Vec<Vec<usize>> {
    if of == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in permutations(of - 1) {
        for at in 0..=shorter.len() {
            let mut longer = shorter.clone();
            longer.insert(at, of - 1);
            all.push(longer);
        }
    }
    all
}

#[tokio::test]
async fn every_order_and_doubling_of_the_events_ends_the_same() {
    let orders = permutations(6);
    assert_eq!(orders.len(), 720);
    // One world for all: a milestone per order, so that each order starts from the same state.
    let world = World::new().await;
    let contract = world.contract(&[10_000; 24]).await;
    for (n, milestone) in contract.milestones.iter().enumerate() {
        let id = milestone.id;
        let funding = world.fund(id).await.expect("funds");
        let intent = funding.intent.clone();
        world.pay(&funding, true);
        let about = |metadata: Value| json!({ "id": intent, "metadata": metadata });
        let events = [
            event(&format!("evt_{n}_created"), "payment_intent.created", about(json!({ "payment_id": funding.payment.id }))),
            event(&format!("evt_{n}_processing"), "payment_intent.processing", about(json!({}))),
            event(&format!("evt_{n}_succeeded"), "payment_intent.succeeded", about(Value::Null)),
            event(
                &format!("evt_{n}_charge"),
                "charge.succeeded",
                json!({ "id": format!("ch_{intent}"), "payment_intent": intent }),
            ),
            event(&format!("evt_{n}_balance"), "balance.available", json!({ "object": "balance" })),
            event(
                &format!("evt_{n}_transfer"),
                "transfer.created",
                json!({ "id": "tr_unknown", "metadata": { "release_id": id } }),
            ),
        ];
        // 24 milestones take 24 of the 720 orders, spread over all of them; the model's property test takes the rest.
        let order = &orders[n * 30];
        for (place, &which) in order.iter().enumerate() {
            assert!(deliver(&world, &events[which]).await.expect("is taken"));
            assert!(!deliver(&world, &events[which]).await.expect("is taken again"), "a duplicate is known");
            if place % 2 == n % 2 {
                world.work().await;
            }
        }
        world.work().await;
        assert_eq!(world.milestone(id).await.status.name(), "funded", "{order:?}");
    }
    let expected = [("funds_available", 24), ("payment_received", 24), ("processing_fee_kept", 24)]
        .map(|(kind, n)| vec![kind.to_owned(); n])
        .concat();
    assert_eq!(world.kinds().await, expected);
    assert_eq!(world.db.query("select count(*) from webhook_events where processed_at is null").await, ["0"]);
    world.assert_healthy().await;
}

#[tokio::test]
async fn the_whole_way_by_events_alone() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let milestone = contract.milestones[0].id;
    let funding = world.fund(milestone).await.expect("funds");
    world.pay(&funding, false);
    deliver(&world, &event("evt_1", "payment_intent.succeeded", json!({ "id": funding.intent }))).await.expect("is taken");
    world.work().await;
    assert_eq!(world.payment(&funding).await.status.name(), "succeeded");
    world.provider.make_available(&funding.intent);
    deliver(&world, &event("evt_2", "balance.available", json!({}))).await.expect("is taken");
    world.work().await;
    world.submit(milestone).await.expect("submits");
    world.approve(milestone, None).await.expect("approves");
    let release =
        escrow_api::Payments::release(&*world.service, &world.owner.ctx(), funding.payment.id).await.expect("releases").release;
    world.provider.inject("create_transfer", [escrow_api::fake::InjectedFault::LoseAnswer]);
    world.work().await;
    let transfer = &world.provider.transfers()[0];
    let told = json!({ "id": transfer.id, "metadata": { "release_id": release.id } });
    deliver(&world, &event("evt_3", "transfer.created", told)).await.expect("is taken");
    world.work().await;
    let end = end_state(&world).await;
    let expected = [
        "1010 25001",
        "4000 -25000",
        "4010 -29898",
        "5000 29897",
        "funds_available",
        "payment_received",
        "processing_fee_kept",
        "release_reserved",
        "release_sent",
        "available",
        "released",
        "sent",
    ];
    assert_eq!(end, expected);
    world.assert_healthy().await;
}

#[tokio::test]
async fn an_event_about_an_intent_whose_creation_we_never_heard_of_finds_its_payment() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    world.provider.inject("create_payment_intent", [escrow_api::fake::InjectedFault::LoseAnswer]);
    assert!(world.fund(contract.milestones[0].id).await.is_err());
    let intent = world.provider.intents()[0].id.clone();
    let at = world.clock.now();
    world.provider.pay(&intent, 29_897, at, true);
    deliver(&world, &event("evt_1", "payment_intent.succeeded", json!({ "id": intent }))).await.expect("is taken");
    world.work().await;
    assert_eq!(world.milestone(contract.milestones[0].id).await.status.name(), "funded");
    world.assert_healthy().await;
}

#[tokio::test]
async fn an_account_event_reads_the_account_again() {
    let world = World::new().await;
    let onboarding = escrow_api::Payees::onboard(&*world.service, &world.contractor.ctx()).await.expect("onboards");
    let account = onboarding.payee.account.expect("made");
    world.provider.complete_onboarding(&account);
    let mut told = event("evt_1", "account.updated", json!({ "id": account }));
    told["account"] = json!(account);
    deliver(&world, &told).await.expect("is taken");
    world.work().await;
    assert_eq!(world.db.query("select status from payee_accounts").await, ["active"]);
    let again = escrow_api::Payees::onboard(&*world.service, &world.contractor.ctx()).await.expect("onboards again");
    assert_eq!(again.payee.account, Some(account));
    let made = world.provider.calls().iter().filter(|call| **call == "create_account").count();
    assert_eq!(made, 1);

    world.provider.inject("account", [escrow_api::fake::InjectedFault::Refuse("account_invalid".to_owned())]);
    told["id"] = json!("evt_2");
    told["type"] = json!("account.application.deauthorized");
    deliver(&world, &told).await.expect("is taken");
    world.work().await;
    assert_eq!(world.db.query("select status from payee_accounts").await, ["closed"]);
}

#[tokio::test]
async fn what_is_not_from_the_provider_is_refused_and_what_is_not_ours_is_left_alone() {
    let world = World::new().await;
    let body = event("evt_1", "payment_intent.succeeded", json!({ "id": "pi_x" })).to_string();
    let good = signed(&world, &body);
    for (header, body) in [(None, body.as_str()), (Some("t=1,v1=00"), &body), (Some(good.as_str()), "{}")] {
        assert!(matches!(world.inbox.take(header, body.as_bytes()).await, Err(Error::Refused(_))));
    }
    let shapeless = "[1]";
    let header = signed(&world, shapeless);
    assert!(matches!(world.inbox.take(Some(&header), shapeless.as_bytes()).await, Err(Error::Refused(_))));
    assert_eq!(world.db.query("select count(*) from webhook_events").await, ["0"]);

    let mut live = event(
        "evt_live",
        "payment_intent.succeeded",
        json!({ "id": "pi_x", "metadata": { "payment_id": escrow_api::PaymentId::new() } }),
    );
    deliver(&world, &event("evt_odd", "something.brand_new", json!(null))).await.expect("is taken");
    deliver(&world, &live).await.expect("is taken");
    live["livemode"] = json!(true);
    live["id"] = json!("evt_real");
    deliver(&world, &live).await.expect("is taken");
    assert!(world.work().await.iter().all(|ran| ran.error().is_none()));
    assert_eq!(world.db.query("select count(*) from webhook_events where processed_at is null").await, ["0"]);
}

#[tokio::test]
async fn events_whose_job_got_lost_are_taken_up_by_the_sweep() {
    let world = World::new().await;
    deliver(&world, &event("evt_1", "balance.available", json!({}))).await.expect("is taken");
    world
        .db
        .run_sql("delete from graphile_worker._private_jobs; update webhook_events set received_at = now() - interval '1 hour'")
        .await;
    world.inbox.sweep().await.expect("sweeps");
    assert_eq!(world.work().await.iter().map(jobs::Execution::name).collect::<Vec<_>>(), ["inbox.hear"]);
    assert_eq!(world.db.query("select count(*) from webhook_events where processed_at is null").await, ["0"]);
}

/// Whoever hears is the first.
struct First;

#[async_trait]
impl Receipt for First {
    async fn note_in(&self, _: &mut Tx, _: &str, _: &str) -> Result<bool, Fault> {
        Ok(true)
    }
}

#[tokio::test]
async fn a_look_planned_for_later_does_not_move_the_one_that_an_event_asks_for() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    world.db.run_sql("delete from graphile_worker._private_jobs").await;
    let told = ProviderEvent {
        id: "evt_1".to_owned(),
        name: "payment_intent.succeeded".to_owned(),
        kind: Some(Kind { subject: Subject::PaymentIntent, change: Change::Succeeded }),
        object: Some(funding.intent.clone()),
        account: None,
        intent: None,
        ours: None,
        livemode: false,
    };
    let mut subscriptions = Subscriptions::default();
    Wired::hears(Arc::clone(&world.service), &mut subscriptions);
    subscriptions.run("escrow", told, Arc::new(First)).expect("hears").await.expect("has it looked at");
    // Another look began before the payment succeeded and ends only now.
    world.provider.change_intent(&funding.intent, |intent| intent.status = escrow_api::IntentStatus::Processing);
    world.sync(&funding).await.expect("syncs");
    world.pay(&funding, true);
    world.work().await;
    assert_eq!(world.payment(&funding).await.status.name(), "available");
}

#[tokio::test]
async fn what_happens_inside_a_connected_account_and_what_is_not_ours_is_done_with_at_once() {
    let world = World::new().await;
    let theirs = [
        ("payment_intent.succeeded", json!({ "id": "pi_theirs" })),
        ("charge.refunded", json!({ "id": "ch_theirs", "payment_intent": "pi_theirs" })),
        ("transfer.created", json!({ "id": "tr_theirs" })),
        ("balance.available", json!({})),
        ("payout.paid", json!({ "id": "po_theirs" })),
    ];
    for (n, (kind, object)) in theirs.into_iter().enumerate() {
        let mut told = event(&format!("evt_{n}"), kind, object);
        told["account"] = json!("acct_x");
        deliver(&world, &told).await.expect("is taken");
    }
    assert!(world.work().await.iter().all(|ran| ran.error().is_none()));
    assert_eq!(world.provider.calls(), Vec::<&str>::new(), "nobody is asked");
    deliver(&world, &event("evt_a", "payment_intent.succeeded", json!({ "id": "pi_x" }))).await.expect("is taken");
    deliver(&world, &event("evt_b", "transfer.created", json!({ "id": "tr_x" }))).await.expect("is taken");
    assert!(world.work().await.iter().all(|ran| ran.error().is_none()));
    assert_eq!(world.provider.calls(), ["payment_intent", "transfer"]);
    assert_eq!(world.db.query("select count(*) from webhook_events where processed_at is null").await, ["0"]);
}

#[tokio::test]
async fn an_event_that_names_no_object_is_kept_told_and_done() {
    let world = World::new().await;
    for (n, kind) in
        ["payment_intent.succeeded", "transfer.reversed", "account.updated", "charge.refunded"].into_iter().enumerate()
    {
        for (m, object) in [json!({}), json!({ "id": "" }), json!({ "id": null }), json!({ "id": 7 })].into_iter().enumerate() {
            assert!(deliver(&world, &event(&format!("evt_{n}_{m}"), kind, object)).await.expect("it is kept"));
        }
    }
    assert!(world.work().await.iter().all(|ran| ran.error().is_none()));
    assert_eq!(world.provider.calls(), Vec::<&str>::new(), "nobody is asked for nothing");
    assert_eq!(
        world.db.query("select count(*) from webhook_events where processed_at is null").await,
        ["0"],
        "none is tried again"
    );
    assert_eq!(world.db.query("select count(*) from webhook_events").await, ["16"]);
}

#[tokio::test]
async fn an_event_with_a_nul_is_refused_not_an_error_of_ours() {
    let world = World::new().await;
    let nul = "a\u{0}b";
    let mut with_account = event("evt_1", "account.updated", json!({ "id": "acct_1" }));
    with_account["account"] = json!(nul);
    for event in [
        event(nul, "payment_intent.succeeded", json!({ "id": "pi_1" })),
        event("evt_2", nul, json!({ "id": "pi_1" })),
        event("evt_3", "payment_intent.succeeded", json!({ "id": nul })),
        event("evt_4", "charge.succeeded", json!({ "id": "ch_1", "payment_intent": nul })),
        with_account,
    ] {
        let refused = deliver(&world, &event).await;
        assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    }
    let elsewhere = event("evt_5", "payment_intent.succeeded", json!({ "id": "pi_1", "description": nul }));
    assert!(deliver(&world, &elsewhere).await.expect("what is not kept may be anything"));
}

#[tokio::test]
async fn a_payment_that_nobody_asked_for_is_told_once_and_moves_nothing() {
    let world = World::new().await;
    for id in ["evt_1", "evt_2"] {
        let paid = event(id, "payment_intent.succeeded", json!({ "id": "pi_foreign", "object": "payment_intent" }));
        deliver(&world, &paid).await.expect("is taken");
        assert!(world.work().await.iter().all(|ran| ran.error().is_none()));
    }
    let alarms = "select concat_ws(' ', kind, object_type, object_id, times) from alarms where settled_at is null";
    assert_eq!(world.db.query(alarms).await, ["foreign_payment payment_intent pi_foreign 2"]);
    assert_eq!(world.db.query("select count(*) from payments").await, ["0"]);
    assert_eq!(world.balances().await, [""; 0], "no book has it");
}

#[tokio::test]
async fn of_what_is_a_strangers_is_said_what_the_provider_shows_whatever_the_event_says() {
    let world = World::new().await;
    for (id, status) in [("pi_open", IntentStatus::Created), ("pi_paid", IntentStatus::Succeeded)] {
        let (amount, metadata) = (eur(500), Vec::new());
        world.provider.insert_intent(PaymentIntentState {
            id: id.to_owned(),
            client_secret: None,
            status,
            amount,
            amount_received: amount,
            metadata,
            livemode: false,
            last_error: None,
            funds: None,
        });
    }
    world.onboard().await;
    let account = world.provider.accounts().remove(0).id;
    let order = TransferOrder {
        amount: eur(700),
        destination: account.clone(),
        transfer_group: "theirs".to_owned(),
        source_charge: None,
        metadata: Vec::new(),
        idempotency_key: "theirs".to_owned(),
    };
    let moved = world.provider.create_transfer(&order).await.expect("is made").id;
    for (id, kinds) in [
        ("pi_open", ["payment_intent.created", "payment_intent.succeeded"]),
        ("pi_paid", ["payment_intent.created", "payment_intent.succeeded"]),
        ("pi_unknown", ["payment_intent.created", "payment_intent.succeeded"]),
        (moved.as_str(), ["transfer.brand_new", "transfer.created"]),
        ("tr_unknown", ["transfer.brand_new", "transfer.created"]),
    ] {
        // The event names a payment and a release of ours, which there are not.
        let metadata = json!({ "payment_id": escrow_api::PaymentId::new(), "release_id": escrow_api::ReleaseId::new() });
        let object = json!({ "id": id, "status": "succeeded", "metadata": metadata });
        for (n, kind) in kinds.into_iter().enumerate() {
            deliver(&world, &event(&format!("evt_{id}_{n}"), kind, object.clone())).await.expect("is taken");
        }
    }
    assert!(world.work().await.iter().all(|ran| ran.error().is_none()));
    let said = "select object_id || ' ' || kind || ' ' || detail from alarms where kind like 'foreign%'";
    let mut expected = [
        ("pi_open", "payment", "the provider does not show pi_open as paid, and no payment of ours asked for it".to_owned()),
        ("pi_paid", "payment", "the provider shows pi_paid as paid, 5.00 EUR, and no payment of ours asked for it".to_owned()),
        ("pi_unknown", "payment", "the provider shows us no pi_unknown".to_owned()),
        (&*moved, "transfer", format!("the provider shows {moved} of 7.00 EUR to {account}, and no release of ours ordered it")),
        ("tr_unknown", "transfer", "the provider shows us no tr_unknown".to_owned()),
    ]
    .map(|(id, what, truth)| {
        let name = if what == "payment" { "payment_intent.succeeded" } else { "transfer.created" };
        format!("{id} foreign_{what} {name} (evt_{id}_1): {truth}: it is noted, and nothing was done")
    });
    let mut alarms = world.db.query(said).await;
    alarms.sort();
    expected.sort();
    assert_eq!(alarms, expected);
    assert_eq!(world.db.query("select count(*) from payments").await, ["0"]);
    assert_eq!(world.balances().await, [""; 0], "no book has it");
    assert_eq!(world.db.query("select count(*) from webhook_events where processed_at is null").await, ["0"]);
}

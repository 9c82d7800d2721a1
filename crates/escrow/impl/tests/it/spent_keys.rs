//! A 500 that its key repeats for a day blocks nothing that is harmless until it is paid, and never makes two that can be paid.

use chrono::TimeDelta;
use escrow::jobs::AdoptIntent;
use escrow_api::fake::InjectedFault;
use escrow_api::{Funding, IntentStatus, Payees, PaymentIntentState};
use kernel::Clock;
use serde_json::{Value, json};

use crate::webhooks::{deliver, event};
use crate::world::{World, eur};

async fn payments(world: &World) -> Vec<String> {
    world.db.query("select concat_ws(' ', status, intent, key_no) from payments order by id").await
}

fn payable(world: &World) -> usize {
    world.provider.intents().iter().filter(|intent| intent.status != IntentStatus::Canceled).count()
}

/// An event about an intent, as Stripe sends it.
async fn hear(world: &World, id: &str, intent: &str, metadata: Value) {
    deliver(world, &event(id, "payment_intent.created", json!({ "id": intent, "metadata": metadata }))).await.expect("kept");
    assert!(world.work().await.iter().all(|ran| ran.error().is_none()));
}

/// Another intent that names the payment of a funding.
fn twin(world: &World, funding: &Funding, id: &str) -> PaymentIntentState {
    let mut twin = world.provider.intents().into_iter().find(|intent| intent.id == funding.intent).expect("made");
    twin.id = id.to_owned();
    world.provider.insert_intent(twin.clone());
    twin
}

#[tokio::test]
async fn a_500_on_a_payment_intent_is_asked_again_under_the_next_key_at_once() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    world.provider.inject("create_payment_intent", [InjectedFault::Fail]);
    let funding = world.fund(contract.milestones[0].id).await.expect("funds in the same call");
    let id = funding.payment.id;
    assert_eq!(world.provider.keys()[1..], [id.to_string(), format!("{id}_1")], "the first is the account's");
    assert_eq!(payments(&world).await, [format!("created {} 1", funding.intent)]);
    world.pay(&funding, true);
    world.sync(&funding).await.expect("syncs");
    assert_eq!(world.milestone(contract.milestones[0].id).await.status.name(), "funded");
    world.assert_healthy().await;
}

#[tokio::test]
async fn while_it_keeps_failing_the_payment_waits_and_goes_on_once_it_does_not() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let milestone = contract.milestones[0].id;
    world.provider.inject("create_payment_intent", vec![InjectedFault::Fail; 4]);
    for _ in 0..2 {
        let failed = world.fund(milestone).await.expect_err("it fails");
        assert_eq!(kernel::DomainError::kind(&failed), kernel::Kind::Unavailable);
    }
    assert_eq!(payments(&world).await, ["created 4"]);
    world.clock.advance(TimeDelta::seconds(61));
    world.service.sweep().await.expect("sweeps");
    assert_eq!(world.work().await.len(), 1, "the sweep goes on where nobody comes back");
    assert_eq!(payable(&world), 1);
    let funding = world.fund(milestone).await.expect("takes up the same");
    assert_eq!(payments(&world).await, [format!("created {} 4", funding.intent)]);
}

#[tokio::test]
async fn what_a_500_made_all_the_same_is_found_by_its_metadata_and_adopted() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    world.provider.inject("create_payment_intent", [InjectedFault::FailAfter]);
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    let intents = world.provider.intents();
    assert_eq!((intents.len(), &intents[0].id), (1, &funding.intent));
    assert_eq!(payments(&world).await, [format!("created {} 0", funding.intent)]);
}

#[tokio::test]
async fn what_it_made_for_another_amount_is_cancelled_and_nobody_is_asked_to_pay_it() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let milestone = contract.milestones[0].id;
    world.provider.inject("create_payment_intent", [InjectedFault::Unavailable]);
    world.fund(milestone).await.expect_err("nobody there");
    let payment = world.db.query("select id from payments").await.remove(0);
    let wrong = PaymentIntentState {
        id: "pi_wrong".to_owned(),
        client_secret: None,
        status: IntentStatus::Created,
        amount: eur(5),
        amount_received: eur(0),
        metadata: vec![("payment_id".to_owned(), payment)],
        livemode: false,
        last_error: None,
        funds: None,
    };
    world.provider.insert_intent(wrong);
    world.provider.inject("create_payment_intent", [InjectedFault::Fail]);
    let funding = world.fund(milestone).await.expect("funds");
    assert_ne!(funding.intent, "pi_wrong");
    assert_eq!(payable(&world), 1);
}

#[tokio::test]
async fn an_intent_that_an_event_names_as_ours_is_adopted() {
    for named in [true, false] {
        let world = World::new().await;
        let contract = world.contract(&[1_000_000]).await;
        let milestone = contract.milestones[0].id;
        world.provider.inject("create_payment_intent", [InjectedFault::LoseAnswer]);
        world.fund(milestone).await.expect_err("lost");
        let made = world.provider.intents().remove(0).id;
        let payment = world.db.query("select id from payments").await.remove(0);
        // Whether the event carries the metadata or the intent must be asked for them.
        hear(&world, "evt_1", &made, if named { json!({ "payment_id": payment }) } else { Value::Null }).await;
        assert_eq!(payments(&world).await, [format!("created {made} 0")]);
        let asked = world.provider.calls().iter().filter(|call| **call == "create_payment_intent").count();
        assert_eq!(asked, 1, "adopted, not made again");
        assert_eq!(world.fund(milestone).await.expect("takes it up").intent, made);
    }
}

#[tokio::test]
async fn a_second_intent_that_turns_up_later_is_cancelled_before_anybody_can_pay_both() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    twin(&world, &funding, "pi_twin");
    assert_eq!(payable(&world), 2);
    hear(&world, "evt_1", "pi_twin", json!({ "payment_id": funding.payment.id })).await;
    let left: Vec<_> = world.provider.intents().into_iter().filter(|i| i.status != IntentStatus::Canceled).collect();
    assert_eq!(left.iter().map(|intent| &intent.id).collect::<Vec<_>>(), [&funding.intent]);
    world.assert_healthy().await;
}

#[tokio::test]
async fn a_second_intent_that_was_paid_is_booked_and_waits_in_suspense() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let milestone = contract.milestones[0].id;
    let funding = world.fund(milestone).await.expect("funds");
    world.pay(&funding, true);
    world.sync(&funding).await.expect("syncs");
    let twin = twin(&world, &funding, "pi_twin");
    world.provider.pay(&twin.id, World::provider_fee(twin.amount), world.clock.now(), true);
    for n in 0..2 {
        hear(&world, &format!("evt_{n}"), "pi_twin", json!({ "payment_id": funding.payment.id })).await;
    }
    let states = world.db.query("select status || ' ' || intent from payments order by id").await;
    assert_eq!(states, [format!("available {}", funding.intent), "suspense pi_twin".to_owned()]);
    assert_eq!(world.milestone(milestone).await.held, eur(1_000_000), "the milestone's own money is untouched");
    assert_eq!(
        world.kinds().await,
        [
            "funds_available",
            "funds_available",
            "payment_in_suspense",
            "payment_received",
            "processing_fee_kept",
            "processing_fee_kept"
        ],
        "every cent is booked, once"
    );
    let statement = escrow_api::Contracts::statement(&*world.service, &world.owner.ctx(), contract.id).await.expect("reads");
    assert_eq!(statement.sum, eur(0));
    let found = escrow::doctor(&world.db.system_uow()).await.expect("comes");
    let told: Vec<_> = found.iter().filter(|one| one.rule == "PAYMENT_IN_SUSPENSE").map(|one| one.detail.as_str()).collect();
    assert_eq!(
        told,
        [format!(
            "intent pi_twin was paid otherwise than asked: {} of it wait, `build14 suspense-refund` gives it back",
            eur(1_029_898)
        )]
    );
    assert_eq!(world.milestone(milestone).await.payment, Some(funding.payment.id), "the one that funded it, not the stray");

    // A part of the stray is given back at the provider: it is posted, and what another payment funded stays free.
    world.provider.refund_by_hand("pi_twin", eur(10_000)).expect("is made");
    let charge = world.db.query("select charge from payments where intent = 'pi_twin'").await.remove(0);
    let refunded = event("evt_refund", "charge.refunded", json!({ "id": charge, "payment_intent": "pi_twin" }));
    deliver(&world, &refunded).await.expect("is taken");
    assert!(world.work().await.iter().all(|ran| ran.error().is_none()));
    let alarms = "select kind from alarms where settled_at is null order by kind";
    assert_eq!(world.db.query(alarms).await, ["payment_in_suspense", "payment_twice"], "the rest waits");
    let waits = "select sum(balance) from ledger_balances where account = 2090";
    assert_eq!(world.db.query(waits).await, ["-1019898"]);
    assert_eq!(world.db.query("select count(*) from holds").await, ["0"]);
    assert!(!world.milestone(milestone).await.frozen);
}

#[tokio::test]
async fn an_event_that_names_somebody_elses_payment_moves_nothing() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000, 1_000_000]).await;
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    let other = world.fund(contract.milestones[1].id).await.expect("funds");
    // What the metadata of the intent itself do not say is not so.
    let job = AdoptIntent { org: world.owner.org, payment: other.payment.id, intent: "pi_nowhere".to_owned() };
    world.service.adopt_intent(job.clone()).await.expect("left alone");
    twin(&world, &funding, "pi_twin");
    world.service.adopt_intent(AdoptIntent { intent: "pi_twin".to_owned(), ..job }).await.expect("left alone");
    assert_eq!(payable(&world), 3);
}

#[tokio::test]
async fn a_500_on_an_account_is_asked_again_under_the_next_key_and_what_it_made_is_adopted() {
    for (fault, keys) in [(InjectedFault::Fail, 2), (InjectedFault::FailAfter, 1)] {
        let world = World::new().await;
        world.provider.inject("create_account", [fault]);
        let onboarding = world.service.onboard(&world.contractor.ctx()).await.expect("onboards in the same call");
        let org = world.contractor.org;
        assert_eq!(world.provider.keys(), [format!("acct_{org}"), format!("acct_{org}_1")][..keys]);
        let accounts = world.provider.accounts();
        assert_eq!((accounts.len(), Some(&accounts[0].id)), (1, onboarding.payee.account.as_ref()));
    }
}

#[tokio::test]
async fn an_account_that_was_refused_once_is_not_refused_for_a_day() {
    let world = World::new().await;
    world.provider.inject("create_account", [InjectedFault::Refuse("platform_profile_incomplete".to_owned())]);
    world.service.onboard(&world.contractor.ctx()).await.expect_err("refused");
    world.service.onboard(&world.contractor.ctx()).await.expect("the platform mended what was wrong");
    assert_eq!(world.provider.accounts().len(), 1);
}

#[tokio::test]
async fn the_key_of_a_transfer_stays_the_same_whatever_is_answered() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    world.provider.inject("create_transfer", [InjectedFault::Fail]);
    let release = escrow_api::Payments::release(&*world.service, &world.owner.ctx(), funding.payment.id).await.expect("sends");
    for _ in 0..3 {
        world.work_ahead().await;
    }
    let key = format!("rel_{}", release.release.id);
    let keys: Vec<_> = world.provider.keys().into_iter().filter(|key| key.starts_with("rel_")).collect();
    assert!(keys.len() > 1 && keys.iter().all(|used| *used == key), "{keys:?}");
    assert_eq!(world.db.query("select status from releases").await, ["unknown"]);
    assert_eq!(world.provider.transfers(), []);
}

//! From intent to held money, whatever breaks in between.

use escrow::jobs::SyncPayment;
use escrow_api::fake::InjectedFault;
use escrow_api::{Error, Fund, IntentStatus, Payments, RequestedAmount};
use kernel::{OrgId, ProjectId};

use crate::world::{World, eur};

#[tokio::test]
async fn the_owner_is_charged_with_the_processing_cost_and_the_rest_is_held() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let milestone = contract.milestones[0].id;
    let funding = world.fund(milestone).await.expect("funds");
    let escrow = &funding.payment;
    assert_eq!((escrow.amount, escrow.fee, escrow.charged), (eur(1_000_000), eur(25_000), eur(1_029_898)));
    assert_eq!((escrow.status.name(), escrow.milestone_status.name()), ("created", "funding"));
    assert_eq!(world.provider.intents()[0].amount, eur(1_029_898));

    world.pay(&funding, false);
    world.sync(&funding).await.expect("syncs");
    let paid = world.payment(&funding).await;
    assert_eq!((paid.status.name(), paid.milestone_status.name(), paid.held), ("succeeded", "funding", eur(1_000_000)));
    assert!(matches!(world.submit(milestone).await, Err(Error::State { .. })), "paid is not available");
    assert_eq!(world.balances().await, ["1000 1000001", "2000 -1000000", "4010 -29898", "5000 29897"]);

    world.provider.make_available(&funding.intent);
    world.work_ahead().await;
    assert_eq!(world.payment(&funding).await.status.name(), "available");
    assert_eq!(world.milestone(milestone).await.status.name(), "funded");
    assert_eq!(world.balances().await, ["1010 1000001", "2000 -1000000", "4010 -29898", "5000 29897"]);
    assert_eq!(world.kinds().await, ["funds_available", "payment_received", "processing_fee_kept"]);
    world.assert_healthy().await;
}

#[tokio::test]
async fn what_is_stated_must_match() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let milestone = contract.milestones[0].id;
    let fund = async |project, amount| world.service.fund(&world.owner.ctx(), Fund { milestone, project, amount }).await;
    let Err(Error::Invalid(faults)) = fund(Some(ProjectId::new()), Some(RequestedAmount::Money(eur(1)))).await else {
        panic!("refused")
    };
    assert_eq!(faults.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>(), ["/projectId", "/amount"]);
    assert!(world.provider.calls().iter().all(|call| *call != "create_payment_intent"));
    fund(Some(world.project), Some(RequestedAmount::Decimal("10000".parse().expect("a decimal")))).await.expect("funds");
}

#[tokio::test]
async fn a_lost_answer_and_a_dead_process_are_resumed_with_the_same_intent() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let milestone = contract.milestones[0].id;
    world.provider.inject("create_payment_intent", [InjectedFault::LoseAnswer, InjectedFault::Unavailable]);
    for _ in 0..2 {
        assert!(matches!(world.fund(milestone).await, Err(Error::Fault(_))));
    }
    assert_eq!(world.db.query("select status || ' ' || coalesce(intent, 'none') from payments").await, ["created none"]);
    let first = world.fund(milestone).await.expect("resumes");
    let again = world.fund(milestone).await.expect("takes up the same");
    assert_eq!((first.payment.id, &first.intent, &first.client_secret), (again.payment.id, &again.intent, &again.client_secret));
    assert_eq!(world.provider.intents().len(), 1);
    assert_eq!(world.db.query("select count(*) from payments").await, ["1"]);
}

#[tokio::test]
async fn a_payment_that_nobody_comes_back_for_is_finished_by_the_sweep() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    world.provider.inject("create_payment_intent", [InjectedFault::LoseAnswer]);
    assert!(world.fund(contract.milestones[0].id).await.is_err());
    world.service.sweep().await.expect("sweeps");
    assert!(world.work().await.is_empty(), "not due yet");
    world.clock.advance(chrono::TimeDelta::seconds(61));
    world.service.sweep().await.expect("sweeps");
    assert_eq!(world.work().await.len(), 1);
    assert_eq!(world.db.query("select intent from payments").await, [world.provider.intents()[0].id.clone()]);
    assert_eq!(world.provider.intents().len(), 1);
}

#[tokio::test]
async fn a_declined_card_frees_the_milestone_and_the_old_intent_dies_before_a_new_one_is_made() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let milestone = contract.milestones[0].id;
    let first = world.fund(milestone).await.expect("funds");
    world.provider.decline(&first.intent);
    world.sync(&first).await.expect("syncs");
    let declined = world.payment(&first).await;
    assert_eq!((declined.status.name(), declined.milestone_status.name()), ("failed", "planned"));
    assert_eq!(declined.last_error.as_deref(), Some("Your card was declined."));
    let second = world.fund(milestone).await.expect("funds again");
    assert_ne!(second.intent, first.intent);
    assert_eq!(world.payment(&first).await.status.name(), "canceled");
    let open = world.provider.intents().iter().filter(|intent| intent.status != IntentStatus::Canceled).count();
    assert_eq!(open, 1);
    world.pay(&second, true);
    world.sync(&second).await.expect("syncs");
    assert_eq!(world.milestone(milestone).await.status.name(), "funded");
    assert!(matches!(world.fund(milestone).await, Err(Error::State { .. })));
    world.assert_healthy().await;
}

#[tokio::test]
async fn a_declined_card_followed_by_a_good_one_funds_the_milestone() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    world.provider.decline(&funding.intent);
    world.sync(&funding).await.expect("syncs");
    world.pay(&funding, true);
    world.sync(&funding).await.expect("syncs");
    assert_eq!(world.milestone(contract.milestones[0].id).await.status.name(), "funded");
    world.assert_healthy().await;
}

#[tokio::test]
async fn money_that_was_not_asked_for_like_this_waits_in_suspense() {
    let changes: [fn(&mut escrow_api::PaymentIntentState); 4] = [
        |intent| intent.amount_received = eur(999),
        |intent| intent.livemode = true,
        |intent| intent.metadata.clear(),
        |intent| intent.funds.as_mut().expect("paid").destination_transfer = Some("tr_x".to_owned()),
    ];
    for change in changes {
        let world = World::new().await;
        let contract = world.contract(&[1_000_000]).await;
        let milestone = contract.milestones[0].id;
        let funding = world.fund(milestone).await.expect("funds");
        world.pay(&funding, true);
        world.provider.change_intent(&funding.intent, change);
        for _ in 0..2 {
            world.sync(&funding).await.expect("syncs");
        }
        assert_eq!(world.payment(&funding).await.status.name(), "suspense");
        assert_eq!(world.milestone(milestone).await.status.name(), "planned");
        assert_eq!(world.kinds().await, ["funds_available", "payment_in_suspense", "processing_fee_kept"]);
        assert_eq!(world.balances().await, ["1010 1000001", "2090 -1029898", "5000 29897"]);
        let found = escrow::doctor(&world.db.system_uow()).await.expect("comes");
        let rules: Vec<_> = found.iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, ["COVERAGE_SHORT", "PAYMENT_IN_SUSPENSE"], "the provider's fee is not covered by what is owed back");
    }
}

#[tokio::test]
async fn a_milestone_far_ahead_is_not_funded_yet() {
    let world = World::new().await;
    world.onboard().await;
    let mut new = world.terms_of(&[50_000, 50_000]);
    let today = chrono::Utc::now().date_naive();
    new.milestones[0].due_on = Some(today + chrono::TimeDelta::days(59));
    new.milestones[1].due_on = Some(today + chrono::TimeDelta::days(62));
    let id = world.open(&new).await.expect("opens");
    let signing = world.sign(&world.owner, id).await.expect("signs");
    let early = world.fund(signing.milestones[0].id).await;
    assert!(matches!(early, Err(Error::State { what: "contract", .. })), "a contract in signing cannot be funded");
    let contract = world.sign(&world.contractor, id).await.expect("signs");
    world.fund(contract.milestones[0].id).await.expect("near enough");
    let Err(Error::State { hint, .. }) = world.fund(contract.milestones[1].id).await else { panic!("too far") };
    assert!(hint.contains("60 days"), "{hint}");
}

#[tokio::test]
async fn a_refused_order_ends_the_payment() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let milestone = contract.milestones[0].id;
    world.provider.inject("create_payment_intent", [InjectedFault::Refuse("amount_too_large".to_owned())]);
    assert!(matches!(world.fund(milestone).await, Err(Error::ProviderRefused { .. })));
    assert_eq!(world.milestone(milestone).await.status.name(), "planned");
    world.fund(milestone).await.expect("a new payment");
    assert_eq!(world.db.query("select status from payments order by id").await, ["failed", "created"]);
}

#[tokio::test]
async fn another_tenants_payment_is_not_there() {
    let world = World::new().await;
    let (_, funding) = world.funded().await;
    let job = SyncPayment { org: OrgId::new(), payment: funding.payment.id };
    assert!(matches!(world.service.sync_payment(job).await, Err(Error::NotFound("escrow"))));
}

#[tokio::test]
async fn looks_in_any_order_however_stale_end_the_same() {
    let looks: [fn(&mut escrow_api::PaymentIntentState); 5] = [
        |_| {},
        |intent| intent.last_error = Some("Your card was declined.".to_owned()),
        |intent| intent.status = IntentStatus::Processing,
        |intent| paid(intent, false),
        |intent| paid(intent, true),
    ];
    let orders = crate::webhooks::permutations(looks.len());
    assert_eq!(orders.len(), 120);
    let world = World::new().await;
    let contract = world.contract(&vec![10_000; orders.len()]).await;
    for (order, milestone) in orders.iter().zip(&contract.milestones) {
        let funding = world.fund(milestone.id).await.expect("funds");
        let fresh = world.provider.intents().into_iter().find(|intent| intent.id == funding.intent).expect("made");
        for &look in order {
            world.provider.change_intent(&funding.intent, |intent| {
                *intent = fresh.clone();
                looks[look](intent);
            });
            world.sync(&funding).await.expect("syncs");
        }
    }
    let ends = "select distinct p.status || ' ' || m.status from payments p join milestones m on m.id = p.milestone_id";
    assert_eq!(world.db.query(ends).await, ["available funded"]);
    assert_eq!(
        world.db.query("select kind || ' ' || count(*) from ledger_transactions group by kind order by kind").await,
        ["funds_available 120", "payment_received 120", "processing_fee_kept 120"]
    );
    world.assert_healthy().await;
}

fn paid(intent: &mut escrow_api::PaymentIntentState, available: bool) {
    intent.status = IntentStatus::Succeeded;
    intent.amount_received = intent.amount;
    intent.funds = Some(escrow_api::SettledFunds {
        charge: format!("ch_{}", intent.id),
        balance_transaction: format!("txn_{}", intent.id),
        gross: intent.amount,
        fee: eur(World::provider_fee(intent.amount)),
        available_on: chrono::Utc::now(),
        available,
        settled_in: "EUR".to_owned(),
        destination_transfer: None,
    });
}

#[tokio::test]
async fn no_second_payment_is_made_while_an_earlier_one_can_still_be_paid() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let milestone = contract.milestones[0].id;
    let first = world.fund(milestone).await.expect("funds");
    world.provider.decline(&first.intent);
    world.sync(&first).await.expect("syncs");
    world
        .provider
        .inject("cancel_payment_intent", [InjectedFault::Refuse("lock_timeout".to_owned()), InjectedFault::Unavailable]);
    let refused = world.fund(milestone).await.expect_err("it can still be paid");
    assert!(matches!(&refused, Error::State { what: "milestone", .. }), "{refused}");
    let silent = world.fund(milestone).await.expect_err("nobody knows");
    assert_eq!(kernel::DomainError::kind(&silent), kernel::Kind::Unavailable);
    assert_eq!(
        (world.provider.intents().len(), world.db.query("select status from payments").await),
        (1, vec!["failed".to_owned()])
    );
    let second = world.fund(milestone).await.expect("the refusal is not repeated");
    assert_ne!(second.intent, first.intent);
    assert_eq!(world.payment(&first).await.status.name(), "canceled");
}

#[tokio::test]
async fn a_payment_that_was_only_authorised_is_cancelled_and_the_milestone_funded_anew() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let milestone = contract.milestones[0].id;
    let authorised = |intent: &str| world.provider.change_intent(intent, |intent| intent.status = IntentStatus::RequiresCapture);
    // Noticed by a look: an event, or the poll.
    let first = world.fund(milestone).await.expect("funds");
    authorised(&first.intent);
    world.sync(&first).await.expect("syncs");
    let seen = world.payment(&first).await;
    assert_eq!((seen.status.name(), world.milestone(milestone).await.status.name()), ("canceled", "planned"));
    assert!(seen.last_error.as_ref().is_some_and(|told| told.contains("nothing was charged")), "{:?}", seen.last_error);
    world.sync(&first).await.expect("is looked at again, say when its event comes");
    assert_eq!(world.payment(&first).await.last_error, seen.last_error, "it stays told");
    // Noticed when it is funded again.
    let second = world.fund(milestone).await.expect("is funded anew");
    authorised(&second.intent);
    let third = world.fund(milestone).await.expect("and again");
    assert_ne!(third.intent, second.intent);
    assert_eq!(world.payment(&second).await.status.name(), "canceled");
    // It cannot be cancelled now: said so, and a person is told.
    authorised(&third.intent);
    world.provider.inject("cancel_payment_intent", [InjectedFault::Refuse("lock_timeout".to_owned())]);
    let refused = world.fund(milestone).await.expect_err("it is not settled");
    assert!(matches!(&refused, Error::State { what: "escrow", .. }), "{refused}");
    let alarm = "select kind || ' ' || object_id from alarms where settled_at is null";
    assert_eq!(world.db.query(alarm).await, [format!("payment_not_captured {}", third.payment.id)]);
    let fourth = world.fund(milestone).await.expect("is funded in the end");
    world.pay(&fourth, true);
    world.sync(&fourth).await.expect("syncs");
    assert_eq!(world.milestone(milestone).await.status.name(), "funded");
    world.assert_healthy().await;
}

#[tokio::test]
async fn a_state_that_nobody_knows_stops_nothing_but_is_told() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let milestone = contract.milestones[0].id;
    let funding = world.fund(milestone).await.expect("funds");
    world.provider.change_intent(&funding.intent, |intent| intent.status = IntentStatus::Unrecognised);
    world.sync(&funding).await.expect("is no error");
    assert_eq!(world.fund(milestone).await.expect("nor here").payment.id, funding.payment.id);
    assert_eq!(world.payment(&funding).await.status.name(), "created");
    let alarm = "select kind || ' ' || object_id from alarms where settled_at is null";
    assert_eq!(world.db.query(alarm).await, [format!("payment_state_unknown {}", funding.payment.id)]);
    world.pay(&funding, true);
    world.sync(&funding).await.expect("syncs");
    assert_eq!(world.milestone(milestone).await.status.name(), "funded");
}

//! Money that waits for a person has a way out: a command, in both parties' trails, once (docs/decisions/0041).

use escrow::{FloatPosted, GivenBack, LossError, NotGivenBack, Own, post_loss};
use escrow_api::fake::InjectedFault;
use escrow_api::{BalanceMovement, Contract, Error, Funding, PaymentProvider, Payments};
use futures::future::join_all;
use kernel::{Ctx, Currency, Decision, RequestId};
use serde_json::json;

use crate::webhooks::{deliver, event};
use crate::world::{World, ada, eur};

pub async fn open_alarms(world: &World) -> Vec<String> {
    db::alarms(&world.db.system_uow(), false).await.expect("lists").into_iter().map(|row| row.kind).collect()
}

pub async fn sweep(world: &World) {
    world.service.sweep().await.expect("sweeps");
    assert!(world.work().await.iter().all(|ran| ran.error().is_none()));
}

/// A payment of 10,298.98 that does not say what it is for waits in suspense. The platform has money of its own, which bears its fee.
pub async fn suspended() -> (World, Contract, Funding) {
    let world = World::new().await;
    world.float("500.00", "tu_own").await.expect("posts");
    let contract = world.contract(&[1_000_000, 500_000]).await;
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    world.pay(&funding, true);
    world.provider.change_intent(&funding.intent, |intent| intent.metadata.clear());
    world.sync(&funding).await.expect("syncs");
    world.work().await;
    assert_eq!(world.payment(&funding).await.status.name(), "suspense");
    assert_eq!(open_alarms(&world).await, ["payment_in_suspense"]);
    assert_eq!(world.broken().await, ["PAYMENT_IN_SUSPENSE"]);
    (world, contract, funding)
}

pub async fn give_back(world: &World, funding: &Funding) -> Result<GivenBack, NotGivenBack> {
    world.service.refund_suspense(funding.payment.id, &ada()).await
}

/// What the contractor's trail says of it.
pub async fn told(world: &World) -> Vec<String> {
    let sql = format!(
        "select concat_ws(' ', entity_type, before -> 'waiting' ->> 'amount', after -> 'waiting' ->> 'amount', after ->> 'operator', after ->> 'reason')
         from audit_entries where org_id = '{}' and action = 'escrow.suspense_refunded' order by at",
        world.contractor.org
    );
    world.db.query(&sql).await
}

#[tokio::test]
async fn what_waits_in_suspense_is_given_back_to_its_payer_once() {
    let (world, contract, funding) = suspended().await;
    assert_eq!(world.balances().await, ["1010 1000001", "2090 -1029898", "5000 29897"]);
    let given = give_back(&world, &funding).await.expect("gives back");
    let refund = world.provider.refunds().remove(0);
    assert_eq!((refund.amount, refund.status.as_str()), (eur(1_029_898), "succeeded"));
    assert_eq!(given, GivenBack { refunds: vec![refund.id.clone()], waiting: eur(0) });
    assert_eq!(world.balances().await, ["1010 -29897", "5000 29897"], "the fee stays the platform's cost");
    assert_eq!(open_alarms(&world).await, [""; 0]);
    assert_eq!(world.db.query("select settled_by from alarms").await, ["Ada Lovelace"]);

    // The news of it, and whoever says it again, change nothing.
    let news = json!({ "id": format!("ch_{}", funding.intent), "payment_intent": funding.intent });
    deliver(&world, &event("evt_refunded", "charge.refunded", news)).await.expect("is taken");
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, [""; 0]);
    let again = give_back(&world, &funding).await.expect_err("nothing waits").to_string();
    assert_eq!(again, format!("nothing of payment {} waits any more: nothing was changed", funding.payment.id));
    assert_eq!(world.provider.refunds().len(), 1);
    world.assert_healthy().await;

    assert_eq!(told(&world).await, ["escrow 10298.98 0.00 Ada Lovelace seen at the provider"]);
    let owners = world.trail.entries().into_iter().filter(|(_, entry)| entry.action == "escrow.suspense_refunded").count();
    assert_eq!(owners, 1);
    let statement = escrow_api::Contracts::statement(&*world.service, &world.contractor.ctx(), contract.id).await.expect("reads");
    assert_eq!(statement.sum, eur(0));
    assert!(statement.balances.iter().all(|one| one.account != 2090 || one.balance == eur(0)), "{:?}", statement.balances);
    // The milestone is funded anew, by another payment.
    world.fund(contract.milestones[0].id).await.expect("funds");
}

#[tokio::test]
async fn a_refund_whose_answer_is_lost_is_posted_by_what_is_seen_and_made_once() {
    let (world, contract, funding) = suspended().await;
    world.provider.inject("create_refund", [InjectedFault::LoseAnswer]);
    assert!(matches!(give_back(&world, &funding).await, Err(NotGivenBack::Other(_))));
    assert_eq!(world.balances().await, ["1010 1000001", "2090 -1029898", "5000 29897"]);
    // No event tells: the provider's list of refunds does.
    sweep(&world).await;
    assert_eq!(world.balances().await, ["1010 -29897", "5000 29897"]);
    assert_eq!(open_alarms(&world).await, ["balance_short"], "seen before it was posted");
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, [""; 0]);
    assert_eq!(told(&world).await, ["escrow 10298.98 0.00 Ada Lovelace seen at the provider"], "who asked is known");
    assert!(matches!(give_back(&world, &funding).await, Err(NotGivenBack::Nothing(_))));
    assert_eq!(world.provider.refunds().len(), 1);
    world.assert_healthy().await;
    // Nothing of it is told afterwards, under whatever name.
    let system = Ctx::system(world.owner.org, RequestId::generate());
    for operator in ["null", "\"Ada\""] {
        let tell = format!(
            "select app.tell_contractor('{}', '{}', 'escrow.suspense_refunded', 'escrow', '{}', 'r', '{{}}', '{{\"operator\": {operator}}}')",
            world.owner.org, contract.id, funding.payment.id
        );
        assert!(world.refusal(&system, &tell).await.contains("nothing happened to escrow"), "{operator}");
    }
}

#[tokio::test]
async fn a_500_on_a_refund_is_asked_again_under_the_next_key_and_what_it_made_all_the_same_is_taken() {
    for (fault, keys) in [(InjectedFault::Fail, 2), (InjectedFault::FailAfter, 1)] {
        let (world, _, funding) = suspended().await;
        let before = world.provider.keys().len();
        world.provider.inject("create_refund", [fault]);
        let given = give_back(&world, &funding).await.expect("gives back in the same call");
        assert_eq!(given.waiting, eur(0));
        let id = funding.payment.id;
        let expected = [format!("refund_{id}_0"), format!("refund_{id}_0_1")];
        assert_eq!(world.provider.keys()[before..], expected[..keys]);
        assert_eq!(world.provider.refunds().len(), 1);
        sweep(&world).await;
        world.assert_healthy().await;
    }
    // What was in the way of a refused one may be gone by the next command, which the same key would not see for a day.
    let (world, _, funding) = suspended().await;
    world.provider.inject("create_refund", [InjectedFault::Refuse("balance_insufficient".to_owned())]);
    assert!(matches!(give_back(&world, &funding).await, Err(NotGivenBack::Other(_))));
    assert_eq!(give_back(&world, &funding).await.expect("gives back").waiting, eur(0));
    assert_eq!(world.provider.keys().last().map(String::as_str), Some(format!("refund_{}_0_1", funding.payment.id).as_str()));
    // While it keeps failing the money waits; the next command goes on where this one stopped.
    let (world, _, funding) = suspended().await;
    world.provider.inject("create_refund", vec![InjectedFault::Fail; 2]);
    assert!(matches!(give_back(&world, &funding).await, Err(NotGivenBack::Other(_))));
    assert_eq!(give_back(&world, &funding).await.expect("gives back").waiting, eur(0));
    assert_eq!(world.provider.keys().last().map(String::as_str), Some(format!("refund_{}_0_2", funding.payment.id).as_str()));
}

#[tokio::test]
async fn a_refund_that_fails_waits_again_and_is_made_anew() {
    let (world, _, funding) = suspended().await;
    let first = give_back(&world, &funding).await.expect("gives back").refunds.remove(0);
    world.provider.change_refund(&first, |refund| refund.status = "failed".to_owned());
    let news = json!({ "id": first, "payment_intent": funding.intent });
    for id in ["evt_failed", "evt_failed_again"] {
        deliver(&world, &event(id, "refund.failed", news.clone())).await.expect("is taken");
        assert!(world.work().await.iter().all(|ran| ran.error().is_none()));
    }
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, ["payment_in_suspense"], "it is back, and nothing is missing");
    assert_eq!(world.balances().await, ["1010 1000001", "2090 -1029898", "5000 29897"]);
    assert_eq!(world.broken().await, ["PAYMENT_IN_SUSPENSE"]);
    let second = give_back(&world, &funding).await.expect("gives back").refunds;
    assert_ne!(second, [first]);
    assert_eq!(world.provider.refunds().len(), 2);
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, [""; 0]);
    world.assert_healthy().await;
}

#[tokio::test]
async fn what_somebody_gave_back_at_the_provider_is_posted_and_the_command_gives_back_the_rest() {
    let (world, _, funding) = suspended().await;
    world.provider.refund_by_hand(&funding.intent, eur(29_898)).expect("is made");
    for _ in 0..2 {
        sweep(&world).await;
    }
    assert_eq!(world.balances().await, ["1010 970103", "2090 -1000000", "5000 29897"]);
    assert_eq!(open_alarms(&world).await, ["payment_in_suspense"], "the rest waits");
    let given = give_back(&world, &funding).await.expect("gives back");
    assert_eq!(given.waiting, eur(0));
    let made: Vec<_> = world.provider.refunds().iter().map(|refund| refund.amount).collect();
    assert_eq!(made, [eur(29_898), eur(1_000_000)]);
    assert_eq!(told(&world).await, ["escrow 10298.98 10000.00", "escrow 10000.00 0.00 Ada Lovelace seen at the provider"]);
    sweep(&world).await;
    world.assert_healthy().await;
}

#[tokio::test]
async fn only_what_waits_in_suspense_is_given_back() {
    let world = World::new().await;
    let (_, funding) = world.funded().await;
    let said = give_back(&world, &funding).await.expect_err("refused").to_string();
    let id = funding.payment.id;
    assert_eq!(
        said,
        format!("payment {id} is available: only what waits in suspense is given back like this. Nothing was changed")
    );
    assert!(world.provider.refunds().is_empty());
    let unknown = world.service.refund_suspense(escrow_api::PaymentId::new(), &ada()).await;
    assert!(matches!(unknown, Err(NotGivenBack::Other(Error::NotFound("payment")))));
}

async fn lose(world: &World, amount: &str) -> Result<FloatPosted, LossError> {
    post_loss(&world.db.system_uow(), &*world.provider, amount, "EUR", &ada()).await
}

#[tokio::test]
async fn a_release_whose_charge_was_refunded_past_us_goes_on_once_a_person_settled_it() {
    let world = World::new().await;
    let (contract, funding) = world.approved().await;
    // More than the platform's margin: less is left of the charge than the contractor gets.
    world.provider.refund_by_hand(&funding.intent, eur(500_000)).expect("is made");
    let news = json!({ "id": format!("ch_{}", funding.intent), "payment_intent": funding.intent });
    deliver(&world, &event("evt_refunded", "charge.refunded", news)).await.expect("is taken");
    world.work().await;
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, ["charge_refunded", "balance_short"]);
    let place = escrow::HoldPlace::Milestone(contract.milestones[0].id);
    escrow::unfreeze(&world.db.system_uow(), place, "refund", &ada()).await.expect("lifts");
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("is asked for");
    world.work().await;
    assert!(world.provider.transfers().is_empty(), "others' money does not pay for it");

    world.float("5000.00", "tu_1").await.expect("posts");
    let posted = lose(&world, "5000.00").await.expect("posts");
    let entries: Vec<_> = posted.entries.iter().map(|entry| (entry.account, entry.amount.minor())).collect();
    assert_eq!(entries, [(5010, 500_000), (1010, -500_000)]);
    assert_eq!((posted.surplus, posted.missing, posted.resumed), (eur(1), eur(0), 1));
    world.work().await;
    assert_eq!(world.provider.transfers().len(), 1, "it draws on the platform's balance, and no more on the charge");
    assert_eq!(world.db.query("select status || ' ' || without_source from releases").await, ["sent true"]);
    assert_eq!(world.milestone(contract.milestones[0].id).await.status.name(), "released");
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, ["charge_refunded"], "which the person settles who did all this");
    assert_eq!(world.broken().await, [""; 0]);
}

#[tokio::test]
async fn what_may_have_left_is_asked_for_again_as_before_whatever_was_refunded_meanwhile() {
    let world = World::new().await;
    let (contract, funding) = world.approved().await;
    world.provider.inject("create_transfer", [InjectedFault::LoseAnswer]);
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("is asked for");
    world.work().await;
    world.provider.refund_by_hand(&funding.intent, eur(1)).expect("is made");
    world.work_ahead().await;
    assert_eq!(world.db.query("select status || ' ' || without_source from releases").await, ["sent false"]);
    let changed = "update releases set without_source = true, maybe_sent_at = maybe_sent_at";
    assert!(world.tamper(changed).await.contains("releases.without_source never changes"));
    assert_eq!(world.milestone(contract.milestones[0].id).await.status.name(), "released");
}

fn with_reserve(reserve: i64) -> impl FnOnce(&mut escrow::Settings) {
    move |settings| settings.processing.get_mut(&Currency::EUR).expect("terms").reserve = reserve
}

#[tokio::test]
async fn fees_above_the_estimate_are_borne_by_the_margin_then_the_reserve_and_what_else_is_missing_stops_at_a_cent() {
    let world = World::with(with_reserve(5_000)).await;
    let contract = world.contract(&[1_000_000, 500_000, 500_000]).await;
    let fund = async |n: usize| world.fund(contract.milestones[n].id).await;
    let first = fund(0).await.expect("funds");
    // 35.99 more than was added for it: the provider's balance and the books both say so.
    world.provider.pay(&first.intent, 29_898 + 3_599, chrono::Utc::now(), true);
    world.sync(&first).await.expect("syncs");
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, ["fee_above_estimate", "coverage_short"], "told, and nothing is missing");
    assert_eq!(world.broken().await, ["COVERAGE_SHORT"]);
    fund(1).await.expect("within the reserve nothing stops");

    // A cent that no book explains might be anybody's: it stops the currency, whatever the reserve is.
    world.provider.move_money(eur(-1));
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, ["fee_above_estimate", "coverage_short", "balance_short"]);
    assert!(matches!(fund(2).await, Err(Error::CoverageShort(_))));
    // Once a person said that it is the platform's, it counts as what lacks: with the fees, against the reserve.
    assert_eq!(lose(&world, "0.01").await.expect("posts").surplus, eur(-3_600));
    fund(2).await.expect("goes on");
    assert_eq!(world.db.query("select settled_by from alarms where kind = 'balance_short'").await, ["Ada Lovelace"]);
    world.provider.move_money(eur(-1_401));
    sweep(&world).await;
    let posted = lose(&world, "14.01").await.expect("posts");
    assert_eq!((posted.surplus, posted.missing), (eur(-5_001), eur(0)));
    let short = "select app.coverage_is_short('EUR')::int::bigint as n";
    assert_eq!(world.count(&world.owner.ctx(), short).await, 1, "beyond the reserve it stops");
    world.float("0.01", "tu_1").await.expect("posts");
    assert_eq!(world.count(&world.owner.ctx(), short).await, 0);
}

#[tokio::test]
async fn a_fee_that_the_provider_booked_apart_is_posted_by_the_sweep_and_stops_nobody_within_the_reserve() {
    let world = World::with(with_reserve(5_000)).await;
    world.funded().await;
    let books = |id: &str, kind: &str, amount: i64| {
        let (id, kind) = (id.to_owned(), kind.to_owned());
        world.provider.books(BalanceMovement { id, kind, source: None, amount: eur(amount), fee: eur(0), available: true });
    };
    let short = async || world.count(&world.owner.ctx(), "select app.coverage_is_short('EUR')::int::bigint as n").await == 1;
    books("txn_network", "network_cost", -3_000);
    for _ in 0..2 {
        sweep(&world).await;
        assert_eq!(open_alarms(&world).await, ["provider_fee", "coverage_short"], "told, and nothing is missing");
        assert!(!short().await);
    }
    let row = "select concat_ws(' ', source_object, amount, operator, reason) from platform_float";
    assert_eq!(world.db.query(row).await, ["txn_network -3000 the sweep a fee that the provider booked"]);
    let twice = world.post(Own::IsTaken, "txn_network", None).await.expect_err("once").to_string();
    assert!(twice.contains("was posted before"), "{twice}");

    // Once the reserve is used up it stops, and a riddle stops at a cent.
    books("txn_bill", "stripe_fee", -2_002);
    sweep(&world).await;
    assert!(short().await);
    world.float("10.00", "tu_1").await.expect("posts");
    assert!(!short().await);
    books("txn_riddle", "adjustment", -1);
    sweep(&world).await;
    assert!(short().await);
    assert_eq!(open_alarms(&world).await, ["provider_fee", "coverage_short", "provider_fee", "balance_short"]);
}

#[tokio::test]
async fn fees_are_posted_as_far_as_the_balance_lacks_them_and_no_further() {
    let world = World::new().await;
    world.float("100.00", "tu_own").await.expect("posts");
    let fee = |id: &str, amount: i64| BalanceMovement {
        id: id.to_owned(),
        kind: "network_cost".to_owned(),
        source: None,
        amount: eur(amount),
        fee: eur(0),
        available: true,
    };
    world.provider.books(fee("txn_a", -300));
    world.provider.books(fee("txn_b", -200));
    // Something that no book explains is there too much: of what the fees took, 3.50 lack.
    world.provider.move_money(eur(150));
    sweep(&world).await;
    let rows = "select source_object || ' ' || amount from platform_float where amount < 0";
    assert_eq!(world.db.query(rows).await, ["txn_a -300"]);
    assert_eq!(open_alarms(&world).await, ["balance_short", "provider_fee"]);
    world.provider.move_money(eur(-150));
    sweep(&world).await;
    assert_eq!(world.db.query(rows).await, ["txn_a -300", "txn_b -200"]);
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, ["provider_fee"; 2]);
}

#[tokio::test]
async fn a_loss_is_exactly_what_is_missing_and_posted_once() {
    let world = World::new().await;
    world.float("100.00", "tu_own").await.expect("posts");
    let said = async |amount: &str| lose(&world, amount).await.expect_err("refused").to_string();
    assert_eq!(said("1.00").await, "nothing of EUR is missing at the provider: nothing was posted");
    world.provider.move_money(eur(-250));
    assert_eq!(said("2.49").await, "2.50 EUR are missing at the provider, not 2.49 EUR: nothing was posted");
    assert!(said("0").await.starts_with("the amount must be above zero"));
    let nameless = Decision { reason: None, ..ada() };
    let unsaid = post_loss(&world.db.system_uow(), &*world.provider, "2.50", "EUR", &nameless).await;
    assert!(matches!(unsaid, Err(LossError::Reason)));
    world.provider.inject("balance", [InjectedFault::Unavailable]);
    assert!(matches!(lose(&world, "2.50").await, Err(LossError::Provider(_))), "nothing is known");
    let at_once = join_all((0..8).map(|_| lose(&world, "2.50"))).await;
    assert_eq!(at_once.iter().filter(|one| one.is_ok()).count(), 1, "{at_once:?}");
    assert!(at_once.iter().all(|one| matches!(one, Ok(_) | Err(LossError::NothingMissing(_) | LossError::Moved(_)))));
    let rows = "select concat_ws(' ', source_provider, amount, currency, operator, reason, provider_status) from platform_float where amount < 0";
    assert_eq!(world.db.query(rows).await, ["14build -250 EUR Ada Lovelace seen at the provider missing"]);
    sweep(&world).await;
    world.assert_healthy().await;
}

#[tokio::test]
async fn what_is_known_to_have_left_is_no_loss() {
    let world = World::new().await;
    world.float("100.00", "tu_own").await.expect("posts");
    world.provider.move_money(eur(-250));
    let settled = "update alarms set settled_at = now(), settled_by = 'Ada', note = 'seen' where settled_at is null";
    for kind in ["payout", "own_money_undone", "foreign_transfer", "unexpected_transfer", "wrong_transfer", "transfer_reversed"] {
        world
            .db
            .run_sql(&format!(
                "insert into alarms (id, kind, object_type, object_id, detail, raised_at, last_seen_at)
                     values (gen_random_uuid(), '{kind}', 'object', 'o_1', 'x', now(), now())"
            ))
            .await;
        let said = lose(&world, "2.50").await.expect_err("somebody must look first").to_string();
        assert!(said.contains(&format!("the open alarm {kind} about o_1")), "{said}");
        world.db.run_sql(settled).await;
    }
    let fee = BalanceMovement {
        id: "txn_fee".to_owned(),
        kind: "network_cost".to_owned(),
        source: None,
        amount: eur(-250),
        fee: eur(0),
        available: true,
    };
    world.provider.books(fee);
    let said = lose(&world, "2.50").await.expect_err("the sweep posts it").to_string();
    assert!(said.starts_with("txn_fee is a fee of the provider's"), "{said}");
    assert_eq!(world.db.query("select count(*) from platform_float where amount < 0").await, ["0"]);
}

#[tokio::test]
async fn a_top_up_that_fills_what_is_missing_is_posted_as_any_other_and_what_is_missing_as_a_loss() {
    let world = World::new().await;
    let (_, _) = world.funded().await;
    world.provider.move_money(eur(-10_000));
    world.provider.tops_up("tu_1", eur(10_000));
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, [""; 0], "the balance is right, and the books do not know why");
    // Whenever it is posted, the books say at once what is missing.
    world.post(Own::ComesIn, "tu_1", None).await.expect("posts");
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, ["balance_short"]);
    assert_eq!(lose(&world, "100.00").await.expect("posts").surplus, eur(1));
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, [""; 0]);
    let twice = world.post(Own::ComesIn, "tu_1", None).await.expect_err("once").to_string();
    assert!(twice.contains("was posted before"), "{twice}");
    assert_eq!(world.provider.balance().await.expect("answers")[0].available, eur(1_000_001));
    world.assert_healthy().await;
}

//! Money that waits in suspense leaves it once, whoever takes it: by a person's refund, whose name is kept before the provider is asked, or by the payer's
//! bank (docs/decisions/0052).

use escrow::{GivenBack, NotGivenBack, Own, post_loss};
use escrow_api::fake::InjectedFault;
use escrow_api::{Contracts, DisputeStage, Funding, Terminate};
use futures::future::join_all;
use serde_json::json;

use crate::exits::{give_back, open_alarms, suspended, sweep, told};
use crate::webhooks::{deliver, event};
use crate::world::{World, ada, eur};

#[tokio::test]
async fn of_many_who_give_it_back_at_once_one_does_and_the_others_are_told_so() {
    let (world, _, funding) = suspended().await;
    let at_once = join_all((0..8).map(|_| give_back(&world, &funding))).await;
    assert_eq!(at_once.iter().filter(|one| one.is_ok()).count(), 1, "{at_once:?}");
    let refused = |one: &Result<GivenBack, NotGivenBack>| {
        matches!(one, Ok(_) | Err(NotGivenBack::Nothing(_) | NotGivenBack::UnderWay { .. }))
    };
    assert!(at_once.iter().all(refused), "{at_once:?}");
    assert_eq!(world.provider.refunds().len(), 1);
    assert_eq!(told(&world).await, ["escrow 10298.98 0.00 Ada Lovelace seen at the provider"]);
    sweep(&world).await;
    world.assert_healthy().await;
}

#[tokio::test]
async fn whoever_comes_while_a_refund_is_asked_for_is_told_who_asks_unless_that_command_died() {
    let (world, _, funding) = suspended().await;
    let (org, payment) = (world.owner.org, funding.payment.id);
    let begin = format!(
        "insert into refund_orders (org_id, id, payment_id, operator, reason, begun_at, asked_at)
         values ('{org}', gen_random_uuid(), '{payment}', 'Bob', 'asks', now(), now())"
    );
    world.db.run_sql(&begin).await;
    let said = give_back(&world, &funding).await.expect_err("somebody does").to_string();
    assert!(said.starts_with(&format!("payment {payment} is being given back, for which Bob asked at ")), "{said}");
    assert!(world.provider.refunds().is_empty());
    assert!(world.tamper(&begin).await.contains("refund_orders_under_way"), "one at a time");
    for sql in
        ["update refund_orders set operator = 'Eve'", "update refund_orders set asked_at = null", "delete from refund_orders"]
    {
        let said = world.tamper(sql).await;
        assert!(said.contains("never changes") || said.contains("append-only"), "{sql}: {said}");
    }
    world
        .db
        .run_sql("set session_replication_role = replica; update refund_orders set begun_at = begun_at - interval '6 minutes'")
        .await;
    give_back(&world, &funding).await.expect("it died");
    assert_eq!(told(&world).await, ["escrow 10298.98 0.00 Ada Lovelace seen at the provider"]);
    let kept = "select concat_ws(' ', operator, asked_at is not null, ended_at is not null) from refund_orders order by operator";
    assert_eq!(world.db.query(kept).await, ["Ada Lovelace t t", "Bob t t"]);
}

#[tokio::test]
async fn what_somebody_else_gave_back_after_a_command_that_was_refused_is_not_told_under_its_name() {
    let (world, _, funding) = suspended().await;
    world.provider.inject("create_refund", [InjectedFault::Refuse("balance_insufficient".to_owned())]);
    assert!(matches!(give_back(&world, &funding).await, Err(NotGivenBack::Other(_))));
    world.provider.refund_by_hand(&funding.intent, eur(1_029_898)).expect("is made");
    sweep(&world).await;
    assert_eq!(told(&world).await, ["escrow 10298.98 0.00"]);
}

/// The payer's bank takes so much of the payment.
async fn withdrawn(world: &World, funding: &Funding, amount: i64, fee: i64) -> String {
    let dispute = world.provider.dispute(&funding.intent, DisputeStage::Open);
    world.provider.books_dispute(&dispute, "txn_taken", eur(-amount), eur(fee));
    dispute
}

async fn tell(world: &World, id: &str, kind: &str, dispute: &str, funding: &Funding) {
    let object = json!({ "id": dispute, "charge": format!("ch_{}", funding.intent), "payment_intent": funding.intent });
    deliver(world, &event(id, kind, object)).await.expect("is taken");
    assert!(world.work().await.iter().all(|ran| ran.error().is_none()));
}

#[tokio::test]
async fn a_lost_dispute_of_what_waits_leaves_nothing_behind_and_the_contract_can_end() {
    let (world, contract, funding) = suspended().await;
    let dispute = withdrawn(&world, &funding, 1_029_898, 1_500).await;
    sweep(&world).await;
    assert_eq!(world.balances().await, ["1010 -29897", "5000 29897"], "the fee of the payment stays the platform's cost");
    assert_eq!(open_alarms(&world).await, ["balance_short", "dispute"]);
    world.post(Own::IsTaken, "txn_taken", Some(("15.00", "EUR"))).await.expect("the dispute's fee is, too");
    world.provider.dispute(&funding.intent, DisputeStage::Lost);
    tell(&world, "evt_lost", "charge.dispute.closed", &dispute, &funding).await;
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, ["dispute"], "which a person settles");
    assert_eq!(world.kinds().await.iter().filter(|kind| *kind == "suspense_withdrawn").count(), 1);
    let again = give_back(&world, &funding).await.expect_err("nothing waits").to_string();
    assert_eq!(again, format!("nothing of payment {} waits any more: nothing was changed", funding.payment.id));
    assert!(world.provider.refunds().is_empty());
    world.assert_healthy().await;

    let sql = format!(
        "select concat_ws(' ', before -> 'waiting' ->> 'amount', after -> 'waiting' ->> 'amount', after ->> 'disputes') from audit_entries
         where org_id = '{}' and action = 'escrow.suspense_withdrawn'",
        world.contractor.org
    );
    assert_eq!(world.db.query(&sql).await, [format!("10298.98 0.00 [\"{dispute}\"]")]);
    for party in [&world.owner, &world.contractor] {
        let end = Terminate { contract: contract.id, reason: Some("The site is lost".to_owned()) };
        world.service.terminate(&party.ctx(), end).await.expect("nothing stands in its way");
    }
    let over = Contracts::get(&*world.service, &world.owner.ctx(), contract.id).await.expect("reads");
    assert_eq!(over.status.name(), "terminated");
}

#[tokio::test]
async fn what_a_won_dispute_brings_back_waits_again_once() {
    let (world, _, funding) = suspended().await;
    let dispute = withdrawn(&world, &funding, 1_029_898, 0).await;
    sweep(&world).await;
    world.provider.books_dispute(&dispute, "txn_back", eur(1_029_898), eur(0));
    world.provider.dispute(&funding.intent, DisputeStage::Won);
    for id in ["evt_won", "evt_won_again"] {
        tell(&world, id, "charge.dispute.closed", &dispute, &funding).await;
    }
    sweep(&world).await;
    assert_eq!(world.balances().await, ["1010 1000001", "2090 -1029898", "5000 29897"]);
    assert!(open_alarms(&world).await.contains(&"payment_in_suspense".to_owned()));
    assert_eq!(world.broken().await, ["PAYMENT_IN_SUSPENSE"]);
    world.provider.change_charge(&funding.intent, |charge| charge.disputed = false);
    give_back(&world, &funding).await.expect("gives back");
    sweep(&world).await;
    assert_eq!(world.balances().await, ["1010 -29897", "5000 29897"]);
    world.assert_healthy().await;
}

#[tokio::test]
async fn of_a_dispute_over_a_part_the_rest_is_given_back() {
    let (world, _, funding) = suspended().await;
    withdrawn(&world, &funding, 29_898, 0).await;
    // Nobody told: the command looks first.
    world.provider.change_charge(&funding.intent, |charge| charge.disputed = false);
    let given = give_back(&world, &funding).await.expect("gives back the rest");
    assert_eq!(given.waiting, eur(0));
    let made: Vec<_> = world.provider.refunds().iter().map(|refund| refund.amount).collect();
    assert_eq!(made, [eur(1_000_000)]);
    assert_eq!(world.balances().await, ["1010 -29897", "5000 29897"]);
    sweep(&world).await;
    world.assert_healthy().await;
}

#[tokio::test]
async fn what_the_payers_bank_took_of_what_waits_is_no_loss() {
    let (world, _, funding) = suspended().await;
    withdrawn(&world, &funding, 1_029_898, 0).await;
    let said = post_loss(&world.db.system_uow(), &*world.provider, "10298.98", "EUR", &ada()).await.expect_err("it is posted");
    let payment = funding.payment.id;
    let what = format!("withdrawal txn_taken of payment {payment}, which waits in suspense");
    assert!(said.to_string().contains(&what), "{said}");
    let given = give_back(&world, &funding).await.expect("posts it");
    assert_eq!(given, GivenBack { refunds: vec!["txn_taken".to_owned()], waiting: eur(0) });
    assert!(world.provider.refunds().is_empty());
}

#[tokio::test]
async fn the_database_lets_no_more_leave_than_came_nor_come_back_than_left() {
    let (world, ..) = suspended().await;
    let post = async |kind: &str, amount: i64, reverses: &str| {
        let (id, opposite) = (uuid::Uuid::now_v7(), -amount);
        let sql = format!(
            "insert into ledger_transactions (org_id, id, contract_id, contractor_org_id, kind, source_provider, source_object, source_kind, currency, reverses)
                 select org_id, '{id}', contract_id, contractor_org_id, '{kind}', 'stripe', 'x_1', '{kind}', currency, {reverses}
                 from ledger_transactions where kind = 'payment_in_suspense';
             insert into ledger_entries (org_id, transaction_id, position, contract_id, contractor_org_id, account, subject, amount, currency)
                 select t.org_id, t.id, e.position, t.contract_id, t.contractor_org_id, e.account, null, e.amount, t.currency
                 from ledger_transactions t, (values (1::smallint, 2090::smallint, {amount}::bigint), (2, 1010, {opposite})) e (position, account, amount)
                 where t.id = '{id}';
             set constraints all immediate"
        );
        world.tamper(&sql).await
    };
    let bounded = |said: &str| said.contains("is more than waits, or came back of more than left");
    for kind in ["suspense_refunded", "suspense_withdrawn"] {
        assert!(bounded(&post(kind, 1_029_899, "id").await), "{kind}");
        assert!(bounded(&post(kind, 1, "null").await), "{kind} of nothing");
        assert_eq!(post(kind, 1_029_898, "id").await, "tampered", "{kind} of all of it");
    }
    for kind in ["suspense_refund_failed", "suspense_reinstated"] {
        assert!(bounded(&post(kind, -1, "id").await), "{kind}: nothing left");
    }
}

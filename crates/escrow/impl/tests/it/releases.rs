//! Money goes out once.

use escrow::jobs::{SendRelease, SyncTransfer};
use escrow_api::fake::InjectedFault;
use escrow_api::{Contracts, Error, Payments};
use futures::future::join_all;

use crate::heard::Pages;
use crate::world::{World, eur};

#[tokio::test]
async fn an_approved_milestone_is_released_less_the_fee() {
    let world = World::new().await;
    let (contract, funding) = world.approved().await;
    let reserved = world.milestone(contract.milestones[0].id).await;
    assert_eq!((reserved.status.name(), reserved.held), ("approved", eur(0)));
    let releasing = world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    let release = &releasing.release;
    assert_eq!(
        (release.status.name(), release.gross, release.fee, release.net),
        ("sending", eur(1_000_000), eur(25_000), eur(975_000))
    );
    world.work().await;
    let milestone = world.milestone(contract.milestones[0].id).await;
    assert_eq!(milestone.status.name(), "released");
    let transfers = world.provider.transfers();
    assert_eq!(
        transfers.iter().map(|t| (t.amount, &t.id)).collect::<Vec<_>>(),
        [(eur(975_000), milestone.release.expect("one").transfer.as_ref().expect("sent"))]
    );
    assert_eq!(
        world.kinds().await,
        ["funds_available", "payment_received", "processing_fee_kept", "release_reserved", "release_sent"]
    );
    assert_eq!(world.balances().await, ["1010 25001", "4000 -25000", "4010 -29898", "5000 29897"]);

    let statement = world.service.statement(&world.contractor.ctx(), contract.id).await.expect("reads");
    assert_eq!(statement, world.service.statement(&world.owner.ctx(), contract.id).await.expect("reads"));
    let summary = &statement.milestones[0];
    assert_eq!(
        (summary.funded, summary.held, summary.reserved, summary.released),
        (eur(1_000_000), eur(0), eur(0), eur(1_000_000))
    );
    assert_eq!(statement.sum, eur(0));
    assert!(
        statement.transactions.iter().any(|t| t.kind == escrow_api::TransactionKind::ReleaseSent && t.object == transfers[0].id)
    );
    world.assert_healthy().await;

    let done = world.service.complete(&world.owner.ctx(), contract.id).await.expect("completes");
    assert_eq!(done.status.name(), "practically_complete");
}

#[tokio::test]
async fn sixty_four_at_once_make_one_release_and_one_transfer() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    let ctx = world.owner.ctx();
    let answers = join_all((0..64).map(|_| world.service.release(&ctx, funding.payment.id))).await;
    let ids: std::collections::HashSet<_> = answers.into_iter().map(|answer| answer.expect("released").release.id).collect();
    assert_eq!(ids.len(), 1);
    let job = SendRelease { org: world.owner.org, release: *ids.iter().next().expect("one") };
    let sent = join_all((0..8).map(|_| world.service.send_release(job))).await;
    assert!(sent.iter().all(Result::is_ok));
    world.work().await;
    assert_eq!(world.provider.transfers().len(), 1);
    let again = world.service.release(&ctx, funding.payment.id).await.expect("again");
    assert_eq!(again.release.status.name(), "sent");
    world.assert_healthy().await;
}

#[tokio::test]
async fn an_answer_lost_after_the_effect_is_found_again() {
    let world = World::new().await;
    let (contract, funding) = world.approved().await;
    world.provider.inject("create_transfer", [InjectedFault::Unavailable, InjectedFault::LoseAnswer]);
    world.provider.inject("transfers_of_group", [InjectedFault::Unavailable]);
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    let failed = world.work().await;
    assert!(failed[0].error().is_some());
    assert_eq!(
        world.db.query("select status || ' ' || (maybe_sent_at is null) from releases").await,
        ["sending true"],
        "it did not leave"
    );
    world.work_ahead().await;
    assert_eq!(world.db.query("select status || ' ' || (maybe_sent_at is null) from releases").await, ["unknown false"]);
    world.work_ahead().await;
    assert_eq!(world.db.query("select status from releases").await, ["unknown"], "the look failed");
    world.work_ahead().await;
    assert_eq!(world.milestone(contract.milestones[0].id).await.status.name(), "released");
    let creations = world.provider.calls().iter().filter(|call| **call == "create_transfer").count();
    assert_eq!((creations, world.provider.transfers().len()), (2, 1), "found by looking, not by asking again");
    world.assert_healthy().await;
}

#[tokio::test]
async fn a_process_that_died_while_sending_is_taken_up_by_the_sweep() {
    let world = World::new().await;
    let (contract, funding) = world.approved().await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    // It died after the call and before it noted the answer; its job went with the queue.
    world.provider.inject("create_transfer", [InjectedFault::LoseAnswer]);
    world.work().await;
    world.db.run_sql("set session_replication_role = replica; delete from graphile_worker._private_jobs; update releases set status = 'sending', updated_at = now() - interval '1 hour'").await;
    world.service.sweep().await.expect("sweeps");
    world.work().await;
    assert_eq!(world.milestone(contract.milestones[0].id).await.status.name(), "released");
    assert_eq!(world.provider.transfers().len(), 1);
    world.assert_healthy().await;
}

#[tokio::test]
async fn the_event_may_come_before_the_answer() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    let release = world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases").release.id;
    world.provider.inject("create_transfer", [InjectedFault::LoseAnswer]);
    world.work().await;
    let transfer = world.provider.transfers()[0].id.clone();
    let job = SyncTransfer { org: world.owner.org, release, transfer };
    for _ in 0..2 {
        world.service.sync_transfer(job.clone()).await.expect("syncs");
    }
    assert_eq!(world.db.query("select status from releases").await, ["sent"]);
    world.work_ahead().await;
    assert_eq!(world.provider.transfers().len(), 1);
    world.assert_healthy().await;
}

#[tokio::test]
async fn a_refused_transfer_voids_the_reservation_and_can_be_released_anew() {
    let world = World::new().await;
    let (contract, funding) = world.approved().await;
    let milestone = contract.milestones[0].id;
    world.provider.inject("create_transfer", [InjectedFault::Refuse("account_closed".to_owned())]);
    let first = world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases").release;
    world.work().await;
    let refused = world.milestone(milestone).await;
    assert_eq!(
        (refused.status.name(), refused.held, refused.release.expect("one").status.name()),
        ("approved", eur(1_000_000), "failed")
    );
    assert_eq!(
        world.kinds().await,
        ["funds_available", "payment_received", "processing_fee_kept", "release_reserved", "release_voided"]
    );
    world.assert_healthy().await;
    let second = world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases anew").release;
    assert_eq!((second.seq, second.net), (2, first.net));
    world.work().await;
    assert_eq!(world.milestone(milestone).await.status.name(), "released");
    assert_eq!(world.provider.transfers().len(), 1);
    world.assert_healthy().await;
}

#[tokio::test]
async fn a_part_is_released_and_the_rest_stays_held() {
    let world = World::new().await;
    let (contract, funding) = world.funded().await;
    let milestone = contract.milestones[0].id;
    world.submit(milestone).await.expect("submits");
    for wrong in [0, -1, 1_000_001] {
        assert!(matches!(world.approve(milestone, Some(wrong)).await, Err(Error::Invalid(_))));
    }
    world.approve(milestone, Some(400_000)).await.expect("approves a part");
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    world.work().await;
    let part = world.milestone(milestone).await;
    assert_eq!((part.status.name(), part.held), ("funded", eur(600_000)));
    world.submit(milestone).await.expect("submits the rest");
    world.approve(milestone, None).await.expect("approves the rest");
    let rest = world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases").release;
    assert_eq!((rest.seq, rest.gross), (2, eur(600_000)));
    world.work().await;
    assert_eq!(world.milestone(milestone).await.status.name(), "released");
    let sent: Vec<_> = world.provider.transfers().iter().map(|transfer| transfer.amount).collect();
    assert_eq!(sent, [eur(390_000), eur(585_000)]);
    world.assert_healthy().await;
}

#[tokio::test]
async fn nothing_is_sent_while_something_stands_in_the_way() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    let frozen = async |status: &str| world.db.run_sql(&format!("update escrow_accounts set status = '{status}'")).await;
    frozen("frozen").await;
    let refused = world.service.release(&world.owner.ctx(), funding.payment.id).await;
    assert!(matches!(refused, Err(Error::State { what: "contract account", .. })));
    frozen("active").await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    frozen("frozen").await;
    assert!(world.work().await[0].error().is_some());
    assert!(world.provider.transfers().is_empty());
    frozen("active").await;
    world.work_ahead().await;
    assert_eq!(world.provider.transfers().len(), 1);
}

#[tokio::test]
async fn after_a_day_of_not_knowing_a_person_decides() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    world.db.run_sql("update releases set maybe_sent_at = now() - interval '25 hours', attempts = 1, destination = (select account from payee_accounts)").await;
    let ran = world.work().await;
    assert_eq!(ran[0].error(), None, "no more retries");
    assert!(world.provider.transfers().is_empty(), "a dead key is not used again");
    let found = escrow::doctor(&world.db.system_uow()).await.expect("comes");
    assert_eq!(found.iter().map(|f| f.rule).collect::<Vec<_>>(), Vec::<&str>::new(), "not yet an hour old");
}

#[tokio::test]
async fn one_that_is_blocked_for_an_hour_is_seen_however_often_it_is_tried() {
    let world = World::new().await;
    let pages = Pages::hear();
    let (_, funding) = world.approved().await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    world.db.run_sql("update escrow_accounts set status = 'frozen'").await;
    assert!(world.work().await[0].error().is_some());
    world.service.sweep().await.expect("sweeps");
    assert_eq!((world.broken().await, pages.take()), (vec![], vec![]), "not yet an hour");
    world.db.run_sql("update releases set sending_since = sending_since - interval '61 minutes'").await;
    for _ in 0..3 {
        world.clock.advance(chrono::TimeDelta::minutes(10));
        world.service.sweep().await.expect("sweeps");
        assert!(world.work().await[0].error().is_some(), "it is tried again");
        assert_eq!((world.broken().await, pages.take()), (vec!["RELEASE_STUCK"], vec!["release_stuck".to_owned()]));
    }
    world.db.run_sql("update escrow_accounts set status = 'active'").await;
    world.work_ahead().await;
    world.service.sweep().await.expect("sweeps");
    assert_eq!((world.broken().await, pages.take()), (vec![], vec![]));
}

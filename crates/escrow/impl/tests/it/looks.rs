//! What no event tells of is noticed all the same: soon, when a worker starts, and when somebody reads it.

use chrono::TimeDelta;
use escrow::jobs::{SyncAccount, SyncPayment};
use escrow_api::fake::InjectedFault;
use escrow_api::{Contracts, IntentStatus, Milestones, Payees, Payments};
use futures::future::join_all;
use kernel::PageRequest;
use uow::Task;

use crate::world::World;

fn looks(world: &World) -> usize {
    world.provider.calls().iter().filter(|call| **call == "payment_intent").count()
}

/// Runs every job that is due: how many looks at payments and accounts were among them.
async fn run(world: &World) -> usize {
    let ran = world.work().await;
    ran.iter().filter(|ran| [SyncPayment::NAME, SyncAccount::NAME].contains(&ran.name())).count()
}

async fn sweep(world: &World) -> usize {
    world.service.sweep().await.expect("sweeps");
    run(world).await
}

#[tokio::test]
async fn a_payment_whose_event_is_lost_is_noticed_after_a_minute() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let milestone = contract.milestones[0].id;
    let funding = world.fund(milestone).await.expect("funds");
    world.pay(&funding, true);
    world.clock.advance(TimeDelta::seconds(61));
    assert_eq!(sweep(&world).await, 1);
    assert_eq!(world.milestone(milestone).await.status.name(), "funded");
}

#[tokio::test]
async fn a_payer_who_takes_longer_is_looked_for_after_5_and_15_minutes_and_then_hourly() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    world.fund(contract.milestones[0].id).await.expect("funds");
    let mut at = Vec::new();
    for minute in 1..=140 {
        world.clock.advance(TimeDelta::seconds(60));
        if sweep(&world).await == 1 {
            at.push(minute);
        }
    }
    assert_eq!(at, [1, 5, 15, 75, 135]);
    // The client secret is handed out again: the payer is about to act.
    world.fund(contract.milestones[0].id).await.expect("takes it up");
    world.clock.advance(TimeDelta::seconds(61));
    assert_eq!(sweep(&world).await, 1);
    // A bank debit that begins begins anew.
    let intent = world.provider.intents().remove(0).id;
    world.provider.change_intent(&intent, |intent| intent.status = IntentStatus::Processing);
    world.clock.advance(TimeDelta::minutes(5));
    assert_eq!(sweep(&world).await, 1);
    world.clock.advance(TimeDelta::seconds(61));
    assert_eq!(sweep(&world).await, 1, "its state changed");
}

#[tokio::test]
async fn a_worker_that_starts_looks_at_everything_under_way() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    world.provider.inject("create_transfer", [InjectedFault::LoseAnswer]);
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("sends");
    world.work().await;
    world.db.run_sql("delete from graphile_worker._private_jobs").await;
    let id = world.open(&world.terms_of(&[500_000, 500_000])).await.expect("opens");
    world.sign(&world.owner, id).await.expect("signs");
    let contract = world.sign(&world.contractor, id).await.expect("signs");
    for milestone in &contract.milestones {
        let funding = world.fund(milestone.id).await.expect("funds");
        world.pay(&funding, true);
    }
    assert_eq!(sweep(&world).await, 0, "nothing is due");
    world.service.look_at_all().await.expect("looks");
    world.work().await;
    let states = "select status from payments union all select status from releases order by 1";
    assert_eq!(world.db.query(states).await, ["available", "available", "available", "sent"]);
}

#[tokio::test]
async fn who_reads_a_payment_a_milestone_or_a_contract_has_it_looked_at() {
    for read in ["escrow", "milestone", "contract", "escrow list", "contract list", "statement"] {
        let world = World::new().await;
        let contract = world.contract(&[1_000_000]).await;
        let milestone = contract.milestones[0].id;
        let funding = world.fund(milestone).await.expect("funds");
        world.pay(&funding, true);
        world.clock.advance(TimeDelta::seconds(11));
        // The payee's side reads it too.
        let (ctx, page) = (world.contractor.ctx(), PageRequest::first(20));
        match read {
            "escrow" => drop(Payments::get(&*world.service, &ctx, funding.payment.id).await.expect("reads")),
            "milestone" => drop(Milestones::get(&*world.service, &ctx, milestone).await.expect("reads")),
            "contract" => drop(Contracts::get(&*world.service, &ctx, contract.id).await.expect("reads")),
            "escrow list" => drop(Payments::list(&*world.service, &ctx, page).await.expect("reads")),
            "contract list" => drop(Contracts::list(&*world.service, &ctx, page).await.expect("reads")),
            _ => drop(Contracts::statement(&*world.service, &ctx, contract.id).await.expect("reads")),
        }
        assert_eq!(run(&world).await, 1, "{read}");
        assert_eq!(world.milestone(milestone).await.status.name(), "funded", "{read}");
    }
}

#[tokio::test]
async fn however_often_and_by_however_many_it_is_read_it_is_looked_at_once_within_ten_seconds() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    let ctx = world.owner.ctx();
    let read = async || {
        let reads = (0..32).map(|_| Payments::get(&*world.service, &ctx, funding.payment.id));
        assert!(join_all(reads).await.iter().all(Result::is_ok));
        run(&world).await
    };
    let before = looks(&world);
    assert_eq!(read().await, 0, "it was looked at a moment ago");
    world.clock.advance(TimeDelta::seconds(11));
    assert_eq!(read().await, 1);
    assert_eq!(read().await, 0);
    assert_eq!(looks(&world), before + 1);
    let planned = world.db.query("select next_poll_at from payments").await;
    world.clock.advance(TimeDelta::seconds(11));
    assert_eq!(read().await, 1);
    assert_eq!(
        world.db.query("select next_poll_at from payments").await,
        planned,
        "a look out of turn puts off none that is planned"
    );
}

#[tokio::test]
async fn a_read_of_what_is_settled_leaves_nothing_behind() {
    let world = World::new().await;
    let (contract, funding) = world.funded().await;
    world.clock.advance(TimeDelta::hours(1));
    Payments::get(&*world.service, &world.owner.ctx(), funding.payment.id).await.expect("reads");
    Contracts::get(&*world.service, &world.owner.ctx(), contract.id).await.expect("reads");
    assert_eq!(run(&world).await, 0);
}

#[tokio::test]
async fn a_read_never_fails_because_a_look_cannot_be_left_behind() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    world.clock.advance(TimeDelta::seconds(11));
    world.db.run_sql("revoke insert, update on all tables in schema graphile_worker from build14_app, build14_system").await;
    world.db.run_sql("revoke execute on all functions in schema graphile_worker from public, build14_app, build14_system").await;
    Payments::get(&*world.service, &world.owner.ctx(), funding.payment.id).await.expect("reads all the same");
}

#[tokio::test]
async fn an_account_being_set_up_is_looked_at_until_it_is_active() {
    let world = World::new().await;
    let account = world.service.onboard(&world.contractor.ctx()).await.expect("onboards").payee.account.expect("made");
    let mut at = Vec::new();
    for minute in 1..=80 {
        world.clock.advance(TimeDelta::seconds(60));
        if sweep(&world).await == 1 {
            at.push(minute);
        }
    }
    assert_eq!(at, [1, 5, 15, 75]);
    world.provider.complete_onboarding(&account);
    world.service.look_at_all().await.expect("looks");
    assert_eq!(run(&world).await, 1);
    assert_eq!(world.db.query("select status from payee_accounts").await, ["active"]);
    world.clock.advance(TimeDelta::days(2));
    assert_eq!(sweep(&world).await, 0, "an active one is told of by its events, and by what is sent to it");
    world.service.sync_account(SyncAccount { org: world.contractor.org }).await.expect("can be asked for");
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_looked_at_ever_less_often() {
    let world = World::new().await;
    world.service.onboard(&world.contractor.ctx()).await.expect("onboards");
    world.provider.inject("account", vec![InjectedFault::Unavailable; 8]);
    let account = SyncAccount { org: world.contractor.org };
    let mut looks = Vec::new();
    for minutes in [1, 4, 10, 60] {
        world.clock.advance(TimeDelta::minutes(minutes) + TimeDelta::seconds(1));
        world.service.sync_account(account).await.expect_err("the provider does not answer");
        assert_eq!(sweep(&world).await, 0, "the next look is a while off");
        looks.extend(world.db.query("select looks from payee_accounts").await);
    }
    assert_eq!(looks, ["1", "2", "3", "4"]);

    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    world.provider.inject("payment_intent", vec![InjectedFault::Unavailable; 4]);
    let mut looks = Vec::new();
    for minutes in [1, 4, 10, 60] {
        world.clock.advance(TimeDelta::minutes(minutes) + TimeDelta::seconds(1));
        world.sync(&funding).await.expect_err("the provider does not answer");
        assert_eq!(sweep(&world).await, 0, "the next look is a while off");
        looks.extend(world.db.query("select looks from payments").await);
    }
    assert_eq!(looks, ["1", "2", "3", "4"]);
    // What came meanwhile is seen by the next one.
    world.pay(&funding, true);
    world.sync(&funding).await.expect("syncs");
    assert_eq!(world.milestone(contract.milestones[0].id).await.status.name(), "funded");
}

#[tokio::test]
async fn a_release_whose_charge_cannot_be_read_says_so_and_lets_others_have_their_turn() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("sends");
    world.db.run_sql("update releases set updated_at = now() - interval '1 hour'").await;
    world.provider.inject("charge", [InjectedFault::Unavailable]);
    assert!(world.work().await.iter().any(|ran| ran.error().is_some()));
    let noted =
        "select concat_ws(' ', updated_at > now() - interval '1 minute', maybe_sent_at is null, last_error) from releases";
    let noted = world.db.query(noted).await.remove(0);
    assert!(noted.starts_with("t t ") && noted.contains("connection refused"), "{noted}");
}

#[tokio::test]
async fn transfers_that_cannot_be_read_any_more_do_not_keep_the_others_from_being_looked_at() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    world.work().await;
    // More than are looked at in one sweep, all sent before it, and of accounts that are gone.
    world
        .db
        .run_sql(
            "set session_replication_role = replica;
             insert into releases select (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(), 'seq', 1 + n,
                 'transfer', 'tr_gone_' || n, 'sent_at', r.sent_at - interval '1 hour'))).*
             from releases r, generate_series(1, 150) n",
        )
        .await;
    let transfer = world.provider.transfers()[0].id.clone();
    world.provider.change_transfer(&transfer, |changed| changed.reversed = changed.amount);
    world.clock.advance(TimeDelta::days(1));
    for status in ["sent", "reversed"] {
        world.service.sweep().await.expect("sweeps");
        world.work().await;
        assert_eq!(world.db.query(&format!("select status from releases where transfer = '{transfer}'")).await, [status]);
    }
    // Once a day each, whatever comes of it.
    world.service.sweep().await.expect("sweeps");
    let due = world.db.query("select count(*) from releases where transfer_look_at is null or transfer_look_at < now()").await;
    assert_eq!(due, ["0"]);
}

//! While float and money do not cover what is owed, new money waits outside and releases wait inside.

use actix_web::http::Method;
use actix_web::http::header::RETRY_AFTER;
use escrow_api::fake::InjectedFault;
use escrow_api::{Contract, CostBearer, Funding, Payments};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::heard::{Gauges, Pages};
use crate::http::Web;
use crate::world::{World, eur};

/// What the provider keeps of 10,000.00, which here nobody adds.
const FEE: i64 = 29_030;

async fn platform_bears() -> World {
    World::with(|settings| settings.bearer = CostBearer::Platform).await
}

/// The first of two milestones is funded, and approved if so wished; the sweep has seen that its fee lacks.
async fn short(world: &World, approved: bool) -> (Contract, Funding) {
    let contract = world.contract(&[1_000_000, 500_000]).await;
    let milestone = contract.milestones[0].id;
    let funding = world.fund(milestone).await.expect("funds");
    assert_eq!(funding.payment.charged, eur(1_000_000));
    world.pay(&funding, true);
    world.sync(&funding).await.expect("syncs");
    if approved {
        world.submit(milestone).await.expect("submits");
        world.approve(milestone, None).await.expect("approves");
    }
    world.service.sweep().await.expect("sweeps");
    assert_eq!(surplus(world).await, [format!("EUR -{FEE} short")]);
    (contract, funding)
}

async fn surplus(world: &World) -> Vec<String> {
    let kept =
        "select concat_ws(' ', currency, surplus, case when short_since is not null then 'short' end) from platform_coverage";
    world.db.query(kept).await
}

async fn releases(world: &World) -> Vec<String> {
    world.db.query("select concat_ws(' ', status, attempts, maybe_sent_at is null, last_error) from releases").await
}

fn transfers_asked(world: &World) -> usize {
    world.provider.calls().iter().filter(|call| **call == "create_transfer").count()
}

async fn fund(web: &Web, contract: &Contract, key: &str) -> (u16, Option<String>, Value) {
    let body = json!({ "milestoneId": contract.milestones[1].id });
    let (status, headers, body) = web.ask(&web.world.owner, Method::POST, "/api/escrow", Some(key), Some(body)).await;
    (status, headers.get(RETRY_AFTER).map(|value| value.to_str().expect("a number").to_owned()), body)
}

#[actix_web::test]
async fn while_it_is_short_funding_stops_and_a_release_waits_until_a_float_covers_it() {
    let web = Web::over(platform_bears().await);
    let world = &web.world;
    let (contract, funding) = short(world, true).await;

    let (status, retry_after, problem) = fund(&web, &contract, "key-1").await;
    assert_eq!((status, &problem["code"]), (503, &json!("COVERAGE_SHORT")), "{problem:#}");
    assert_eq!(problem["detail"], "new funding in EUR is paused: nothing was charged; try again later");
    assert!(retry_after.is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
    assert_eq!(world.db.query("select count(*) from payments").await, ["1"], "no second payment was begun");
    assert_eq!(world.provider.intents().len(), 1);

    let path = format!("/api/escrow/{}/release", funding.payment.id);
    for _ in 0..2 {
        let (status, releasing) = web.send(&world.owner, Method::POST, &path, None, None).await;
        assert_eq!((status, &releasing["release"]["status"]), (200, &json!("sending")));
        assert!(world.work().await.iter().all(|ran| ran.error().is_none()), "waiting is no failure");
    }
    let waits = "sending 0 t releases in EUR are paused: it is sent as soon as they go on";
    assert_eq!(releases(world).await, [waits]);
    // However often the sweep comes by.
    world.clock.advance(chrono::TimeDelta::hours(1));
    for _ in 0..3 {
        world.service.sweep().await.expect("sweeps");
        assert!(world.work().await.is_empty(), "nothing is tried in vain");
    }
    assert_eq!((releases(world).await, transfers_asked(world)), (vec![waits.to_owned()], 0));
    let found = escrow::doctor(&world.db.system_uow()).await.expect("comes");
    let found: Vec<_> = found.iter().map(|f| (f.rule, f.subject.as_str(), f.detail.as_str())).collect();
    let detail = "money of 9709.70 EUR and a float of 0.00 EUR do not cover liabilities of 10000.00 EUR, 290.30 EUR are missing: new funding is stopped, 1 release waits";
    assert_eq!(found, [("COVERAGE_SHORT", "EUR", detail)]);

    let almost = world.float("290.29", "tu_1").await.expect("posts");
    assert_eq!((almost.surplus, almost.resumed), (eur(-1), 0));
    assert!(world.work().await.is_empty());
    assert_eq!(fund(&web, &contract, "key-1").await.0, 503);
    let enough = world.float("0.01", "tu_2").await.expect("posts");
    assert_eq!((enough.surplus, enough.resumed), (eur(0), 1));
    assert_eq!(surplus(world).await, ["EUR 0"]);
    assert_eq!(world.work().await.len(), 1, "the operator need not wait for the sweep");
    assert_eq!(releases(world).await, ["sent 1 f"]);

    world.float("0.01", "tu_2").await.expect_err("is told");
    world.service.sweep().await.expect("sweeps");
    world.work_ahead().await;
    assert_eq!((transfers_asked(world), world.provider.transfers().len()), (1, 1));
    assert_eq!(world.provider.transfers()[0].amount, eur(975_000));
    assert_eq!(surplus(world).await, ["EUR 25000"], "the fee was earned");
    let (status, _, funding) = fund(&web, &contract, "key-1").await;
    assert_eq!((status, &funding["escrow"]["status"]), (201, &json!("created")), "the key of the refusals is free");
    world.assert_healthy().await;
}

#[actix_web::test]
async fn a_payment_that_was_begun_is_not_handed_out_again_while_it_is_short() {
    let web = Web::over(platform_bears().await);
    let world = &web.world;
    let contract = world.contract(&[1_000_000, 500_000]).await;
    let paid = world.fund(contract.milestones[0].id).await.expect("funds");
    let (_, _, begun) = fund(&web, &contract, "key-1").await;
    world.pay(&paid, true);
    world.sync(&paid).await.expect("syncs");
    assert_eq!(fund(&web, &contract, "key-2").await.0, 201, "nobody has looked yet");
    world.service.sweep().await.expect("sweeps");
    assert_eq!(fund(&web, &contract, "key-3").await.0, 503);
    world.float("290.30", "tu_1").await.expect("posts");
    let (status, _, again) = fund(&web, &contract, "key-3").await;
    assert_eq!((status, &again["escrow"]["id"]), (201, &begun["escrow"]["id"]));
    assert_eq!(again["paymentIntent"], begun["paymentIntent"]);
}

#[tokio::test]
async fn the_sweep_finds_that_it_is_covered_again_by_itself() {
    let world = platform_bears().await;
    let (_, funding) = short(&world, true).await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    world.work().await;
    world.db.run_sql("insert into platform_float values (gen_random_uuid(), 'stripe', 'tu_1', 29030, 'EUR', now(), 'Ada', null, 'succeeded', 'txn_tu_1', null, 29030, 0)").await;
    world.provider.move_money(eur(29_030));
    assert!(world.work().await.is_empty());
    world.service.sweep().await.expect("sweeps");
    assert_eq!(world.work().await.len(), 1);
    assert_eq!(releases(&world).await, ["sent 1 f"]);
    assert_eq!(world.provider.transfers().len(), 1);
}

#[tokio::test]
async fn what_may_have_left_is_found_out_all_the_same() {
    let world = platform_bears().await;
    let (_, funding) = short(&world, true).await;
    world.float("290.30", "tu_1").await.expect("posts");
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    world.provider.inject("create_transfer", [InjectedFault::LoseAnswer]);
    world.work().await;
    world.db.run_sql("update platform_coverage set surplus = -1, short_since = now()").await;
    world.work_ahead().await;
    assert_eq!(world.db.query("select status from releases").await, ["sent"]);
    assert_eq!((transfers_asked(&world), world.provider.transfers().len()), (1, 1));
}

#[tokio::test]
async fn a_release_whose_job_is_lost_while_it_waits_is_sent_once() {
    let world = platform_bears().await;
    let (_, funding) = short(&world, true).await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    world.work().await;
    world.float("290.30", "tu_1").await.expect("posts");
    world.db.run_sql("delete from graphile_worker._private_jobs").await;
    world.clock.advance(chrono::TimeDelta::minutes(30));
    world.service.sweep().await.expect("sweeps");
    world.work().await;
    assert_eq!((releases(&world).await, world.provider.transfers().len()), (vec!["sent 1 f".to_owned()], 1));
}

#[tokio::test]
async fn floats_and_sweeps_at_once_end_with_the_newest_look() {
    let world = platform_bears().await;
    let (_, funding) = short(&world, true).await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    world.work().await;
    let floats = join_all((0..30).map(|n| {
        let source = format!("tu_{n}");
        let world = &world;
        async move { world.float("10.00", &source).await.expect("posts").resumed }
    }));
    let sweeps = join_all((0..10).map(|_| world.service.sweep()));
    let (resumed, swept) = futures::future::join(floats, sweeps).await;
    assert!(swept.iter().all(Result::is_ok));
    assert!(resumed.iter().sum::<usize>() <= 1, "the crossing is seen once");
    assert_eq!(surplus(&world).await, ["EUR 970"]);
    world.work().await;
    assert_eq!((releases(&world).await, world.provider.transfers().len()), (vec!["sent 1 f".to_owned()], 1));
}

#[tokio::test]
async fn a_person_is_paged_while_it_is_short_and_the_gauge_shows_by_how_much() {
    let world = platform_bears().await;
    let (pages, gauges) = (Pages::hear(), Gauges::default());
    let _sees = metrics::set_default_local_recorder(&gauges);
    let shown = || gauges.get("escrow_coverage_surplus_minor{currency=EUR}");
    short(&world, false).await;
    world.service.sweep().await.expect("sweeps");
    assert_eq!((pages.take(), shown()), (vec!["coverage_short".to_owned(); 2], Some(-29_030.0)));
    world.float("300.00", "tu_1").await.expect("posts");
    world.service.sweep().await.expect("sweeps");
    assert_eq!((pages.take(), shown()), (vec![], Some(970.0)));
}

#[tokio::test]
async fn a_stop_that_nobody_lifts_is_a_finding() {
    let world = World::new().await;
    world.float("1.00", "tu_1").await.expect("posts");
    world
        .db
        .run_sql("update platform_coverage set surplus = -1, short_since = now(), checked_at = now() - interval '11 minutes'")
        .await;
    assert_eq!(world.broken().await, ["COVERAGE_STALE"]);
    world.service.sweep().await.expect("sweeps");
    world.assert_healthy().await;
}

#[actix_web::test]
async fn with_the_owner_bearing_the_cost_nothing_stops() {
    let web = Web::over(World::new().await);
    let world = &web.world;
    let pages = Pages::hear();
    let (contract, funding) = {
        let contract = world.contract(&[1_000_000, 500_000]).await;
        let funding = world.fund(contract.milestones[0].id).await.expect("funds");
        (contract, funding)
    };
    world.service.sweep().await.expect("sweeps");
    assert_eq!(surplus(world).await, Vec::<String>::new(), "nothing came yet");
    world.pay(&funding, false);
    world.sync(&funding).await.expect("syncs");
    world.service.sweep().await.expect("sweeps");
    assert_eq!(surplus(world).await, ["EUR 1"], "pending money covers too");
    world.provider.make_available(&funding.intent);
    world.work_ahead().await;
    world.service.sweep().await.expect("sweeps");
    assert_eq!(surplus(world).await, ["EUR 1"]);
    assert_eq!(fund(&web, &contract, "key-1").await.0, 201);
    world.submit(contract.milestones[0].id).await.expect("submits");
    world.approve(contract.milestones[0].id, None).await.expect("approves");
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    world.work().await;
    world.service.sweep().await.expect("sweeps");
    assert_eq!((surplus(world).await, releases(world).await), (vec!["EUR 25001".to_owned()], vec!["sent 1 f".to_owned()]));
    assert_eq!(pages.take(), Vec::<String>::new());
    world.assert_healthy().await;
}

fn with_reserve(reserve: i64) -> impl FnOnce(&mut escrow::Settings) {
    move |settings| {
        let euros = settings.processing.get_mut(&kernel::Currency::EUR).expect("terms");
        euros.reserve = reserve;
    }
}

#[actix_web::test]
async fn a_charge_that_costs_more_than_estimated_is_the_platforms_cost_and_stops_nobody_within_the_reserve() {
    let web = Web::over(World::with(with_reserve(5_000)).await);
    let world = &web.world;
    let contract = world.contract(&[1_000_000, 500_000]).await;
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    // A card from elsewhere: 3.25 % + 0.25 instead of 2.9 % + 0.30, 35.98 more than was added for it.
    let fee = (funding.payment.charged.minor() * 325 + 5_000) / 10_000 + 25;
    assert_eq!(fee - (funding.payment.charged.minor() - 1_000_000), 3_599);
    world.provider.pay(&funding.intent, fee, chrono::Utc::now(), true);
    world.sync(&funding).await.expect("syncs");
    world.service.sweep().await.expect("sweeps");
    assert_eq!(surplus(world).await, ["EUR -3599 short"]);
    assert_eq!(fund(&web, &contract, "key-1").await.0, 201, "within the reserve of 50.00 nothing stops");
    world.submit(contract.milestones[0].id).await.expect("submits");
    world.approve(contract.milestones[0].id, None).await.expect("approves");
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    world.work().await;
    assert_eq!(releases(world).await, ["sent 1 f"], "the payee gets what was agreed");
    assert_eq!(world.provider.transfers()[0].amount, eur(975_000));
    // The ledger has the difference: what was charged towards the cost, and what it was.
    let balances = world.balances().await;
    assert!(balances.contains(&"4010 -29898".to_owned()) && balances.contains(&"5000 33497".to_owned()), "{balances:?}");
    let statement = escrow_api::Contracts::statement(&*world.service, &world.owner.ctx(), contract.id).await.expect("reads");
    assert_eq!(statement.sum, eur(0));
}

#[actix_web::test]
async fn once_the_reserve_is_used_up_funding_stops_and_goes_on_with_a_larger_one() {
    let web = Web::over(World::with(with_reserve(3_598)).await);
    let world = &web.world;
    let contract = world.contract(&[1_000_000, 500_000]).await;
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    world.provider.pay(&funding.intent, 29_898 + 3_599, chrono::Utc::now(), true);
    world.sync(&funding).await.expect("syncs");
    let pages = Pages::hear();
    world.service.sweep().await.expect("sweeps");
    assert_eq!(pages.take(), ["coverage_short"]);
    assert_eq!(fund(&web, &contract, "key-1").await.0, 503, "a cent more than the platform stands for");
    let found = escrow::doctor(&world.db.system_uow()).await.expect("comes");
    assert!(found.iter().any(|f| f.rule == "COVERAGE_SHORT" && f.detail.contains("new funding is stopped")), "{found:?}");
    world.db.run_sql("update platform_reserves set amount = 3599 where currency = 'EUR'").await;
    assert_eq!(fund(&web, &contract, "key-2").await.0, 201);
    let found = escrow::doctor(&world.db.system_uow()).await.expect("comes");
    assert!(
        found
            .iter()
            .any(|f| f.rule == "COVERAGE_SHORT" && f.detail.contains("within the reserve of 35.99 EUR, nothing is stopped")),
        "{found:?}"
    );
}

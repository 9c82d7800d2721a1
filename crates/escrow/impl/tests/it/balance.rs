//! What the provider's balance really has is compared with the books: less stops money of that currency, and of no other.

use actix_web::http::Method;
use escrow::Own;
use escrow_api::fake::InjectedFault;
use escrow_api::{BalanceMovement, Contract, Funding, PaymentProvider, Payments};
use serde_json::{Value, json};

use crate::heard::{Gauges, Pages};
use crate::http::Web;
use crate::webhooks::{deliver, event};
use crate::world::{World, eur};

/// What a charge of 10,000.00 brings, gross-up less fee: one cent more than the milestone.
const BROUGHT: i64 = 1_000_001;

async fn sweep(world: &World) {
    world.service.sweep().await.expect("sweeps");
}

/// The open alarms: kind, object and what they say.
async fn alarms(world: &World) -> Vec<(String, String, String)> {
    let rows = db::alarms(&world.db.system_uow(), false).await.expect("lists");
    rows.into_iter().map(|row| (row.kind, row.object_id, row.detail)).collect()
}

async fn kinds(world: &World) -> Vec<String> {
    alarms(world).await.into_iter().map(|(kind, ..)| kind).collect()
}

/// The first of two milestones is funded and approved.
async fn approved(world: &World) -> (Contract, Funding) {
    let contract = world.contract(&[1_000_000, 500_000]).await;
    let milestone = contract.milestones[0].id;
    let funding = world.fund(milestone).await.expect("funds");
    world.pay(&funding, true);
    world.sync(&funding).await.expect("syncs");
    world.submit(milestone).await.expect("submits");
    world.approve(milestone, None).await.expect("approves");
    sweep(world).await;
    assert_eq!(kinds(world).await, [""; 0], "the books are right");
    (contract, funding)
}

async fn fund(web: &Web, contract: &Contract) -> (u16, Value) {
    web.post(&web.world.owner, "/api/escrow", json!({ "milestoneId": contract.milestones[1].id })).await
}

#[actix_web::test]
async fn a_payout_of_everything_stops_funding_and_releases_of_its_currency_until_the_money_is_back() {
    let web = Web::over(World::new().await);
    let world = &web.world;
    let (pages, gauges) = (Pages::hear(), Gauges::default());
    let _sees = metrics::set_default_local_recorder(&gauges);
    let (contract, funding) = approved(world).await;
    world.provider.tops_up("tu_usd", kernel::Money::from_minor(500, "USD".parse().expect("known")));
    world.post(Own::ComesIn, "tu_usd", None).await.expect("posts");
    assert_eq!(pages.take(), [""; 0]);

    world.provider.move_money(eur(-BROUGHT));
    sweep(world).await;
    let said = "Stripe holds 0.00 EUR while the books say 10000.01 EUR: 10000.01 EUR are missing; new funding and releases in EUR are \
                stopped until the balance is right again. Post what was paid out of the platform's own money with `build14 payout`, and what \
                the provider took of it (the fee of a dispute) with `build14 cost`; what is missing besides and does not come back is the \
                platform's loss, `build14 loss`";
    assert_eq!(alarms(world).await, [("balance_short".to_owned(), "EUR".to_owned(), said.to_owned())]);
    assert_eq!(pages.take(), ["balance_short"]);
    let shown = |name: &str| gauges.get(&format!("{name}{{currency=EUR}}"));
    assert_eq!(
        (shown("escrow_provider_holds_minor"), shown("escrow_provider_should_hold_minor")),
        (Some(0.0), Some(1_000_001.0))
    );
    assert_eq!(world.broken().await, ["BALANCE_SHORT"]);
    let (status, problem) = fund(&web, &contract).await;
    assert_eq!((status, &problem["code"]), (503, &json!("COVERAGE_SHORT")), "{problem:#}");
    let path = format!("/api/escrow/{}/release", funding.payment.id);
    let (status, releasing) = web.send(&world.owner, Method::POST, &path, None, None).await;
    assert_eq!((status, &releasing["release"]["status"]), (200, &json!("sending")));
    assert!(world.work().await.iter().all(|ran| ran.error().is_none()), "waiting is no failure");
    sweep(world).await;
    world.work_ahead().await;
    assert!(world.provider.transfers().is_empty());
    let of = |currency: &str| format!("select app.coverage_is_short('{currency}')::int::bigint as n");
    assert_eq!(world.count(&world.owner.ctx(), &of("EUR")).await, 1);
    assert_eq!(world.count(&world.owner.ctx(), &of("USD")).await, 0, "in exactly that currency");

    // One cent less is less.
    world.provider.move_money(eur(BROUGHT - 1));
    sweep(world).await;
    assert_eq!(kinds(world).await, ["balance_short"]);
    world.provider.move_money(eur(1));
    sweep(world).await;
    assert_eq!(kinds(world).await, [""; 0]);
    let by = "select settled_by from alarms where kind = 'balance_short'";
    assert_eq!(world.db.query(by).await, ["sweep"]);
    assert_eq!(world.work().await.len(), 1, "what waited goes on by itself");
    assert_eq!(world.provider.transfers().len(), 1);
    assert_eq!(fund(&web, &contract).await.0, 201);
    sweep(world).await;
    world.assert_healthy().await;
}

#[tokio::test]
async fn a_transfer_whose_answer_is_lost_is_allowed_for_and_not_a_cent_more() {
    let world = World::new().await;
    let (_, funding) = approved(&world).await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    world.provider.inject("create_transfer", [InjectedFault::LoseAnswer]);
    world.work().await;
    assert_eq!(world.db.query("select status from releases").await, ["unknown"]);
    sweep(&world).await;
    assert_eq!(kinds(&world).await, [""; 0], "it left, and the books do not know it yet");
    world.provider.move_money(eur(-1));
    sweep(&world).await;
    let (kind, _, detail) = alarms(&world).await.remove(0);
    assert_eq!(kind, "balance_short");
    assert!(detail.starts_with("Stripe holds 250.00 EUR while the books say 250.01 EUR: 0.01 EUR are missing"), "{detail}");
}

#[tokio::test]
async fn the_fee_of_a_dispute_is_posted_as_a_cost_and_its_currency_goes_on() {
    let world = World::new().await;
    let (_, _) = approved(&world).await;
    world.float("20.00", "tu_own").await.expect("posts");
    // What a dispute took and gave back: its fee is gone for good.
    let booked = |id: &str, amount: i64, fee: i64| BalanceMovement {
        id: id.to_owned(),
        kind: "adjustment".to_owned(),
        source: Some("dp_1".to_owned()),
        amount: eur(amount),
        fee: eur(fee),
        available: true,
    };
    world.provider.books(booked("txn_taken", -1_000_000, 1_500));
    world.provider.books(booked("txn_back", 1_000_000, 0));
    sweep(&world).await;
    assert_eq!(kinds(&world).await, ["balance_short"]);

    let posted = world.post(Own::IsTaken, "txn_taken", Some(("15.00", "EUR"))).await.expect("posts");
    world.post(Own::IsTaken, "txn_back", None).await.expect_err("it took nothing");
    let entries: Vec<_> = posted.entries.iter().map(|entry| (entry.account, entry.name.as_str(), entry.amount.minor())).collect();
    assert_eq!(entries, [(5010, "dispute_and_loss", 1_500), (1010, "stripe_available", -1_500)]);
    sweep(&world).await;
    assert_eq!(kinds(&world).await, [""; 0]);
    world.assert_healthy().await;
}

#[tokio::test]
async fn what_the_books_learn_while_the_provider_is_asked_does_not_count() {
    let world = World::new().await;
    let (_, _) = approved(&world).await;
    // Its answer is from before the charge: the books learnt of it later.
    world.provider.move_money(eur(-BROUGHT));
    let stamp = async |at: &str| {
        let sql = format!("set session_replication_role = replica; update ledger_transactions set created_at = {at}");
        world.db.run_sql(&sql).await;
    };
    stamp("now() + interval '1 hour'").await;
    sweep(&world).await;
    assert_eq!(kinds(&world).await, [""; 0]);
    stamp("now() - interval '1 second'").await;
    sweep(&world).await;
    assert_eq!(kinds(&world).await, ["balance_short"]);
}

#[tokio::test]
async fn a_balance_that_cannot_be_read_changes_nothing_and_becomes_an_alarm() {
    let world = World::new().await;
    approved(&world).await;
    let unread = async |times: usize| {
        world.provider.inject("balance", vec![InjectedFault::Unavailable; times]);
        for _ in 0..times {
            sweep(&world).await;
        }
    };
    let short = async || world.count(&world.owner.ctx(), "select app.coverage_is_short('EUR')::int::bigint as n").await == 1;
    unread(4).await;
    assert_eq!((kinds(&world).await, short().await), (vec![], false), "four times are an outage");
    sweep(&world).await;
    unread(5).await;
    assert_eq!((kinds(&world).await, short().await), (vec!["balance_unread".to_owned()], false), "it is not nothing");
    assert_eq!(world.broken().await, ["BALANCE_UNREAD"]);
    world.provider.move_money(eur(-1));
    sweep(&world).await;
    assert_eq!((kinds(&world).await, short().await), (vec!["balance_short".to_owned()], true));
    world.provider.move_money(eur(1));
    unread(5).await;
    assert!(short().await, "nor is it fine");
    assert_eq!(kinds(&world).await, ["balance_short", "balance_unread"]);
    sweep(&world).await;
    assert_eq!((kinds(&world).await, short().await), (vec![], false));
    world.assert_healthy().await;
}

#[tokio::test]
async fn an_older_answer_does_not_overwrite_a_newer_one() {
    let world = World::new().await;
    approved(&world).await;
    world.db.run_sql("update platform_coverage set balance_asked_at = now() + interval '1 hour'").await;
    world.provider.move_money(eur(-1));
    sweep(&world).await;
    assert_eq!(kinds(&world).await, [""; 0]);
    assert_eq!(world.provider.balance().await.expect("answers")[0].available, eur(BROUGHT - 1));
}

#[tokio::test]
async fn a_payout_is_an_alarm_until_it_is_posted_and_never_pays_out_what_tenants_are_owed() {
    let world = World::new().await;
    let (_, funding) = approved(&world).await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    world.work().await;
    // The fee was earned: 250.01 are the platform's own.
    world.provider.pays_out("po_1", eur(25_001));
    let object = json!({ "id": "po_1", "object": "payout" });
    for (id, kind) in [("evt_1", "payout.created"), ("evt_2", "payout.paid")] {
        deliver(&world, &event(id, kind, object.clone())).await.expect("is taken");
    }
    assert!(world.work().await.iter().all(|ran| ran.error().is_none()));
    let found = alarms(&world).await;
    assert_eq!(
        found.iter().map(|(kind, object, _)| (kind.as_str(), object.as_str())).collect::<Vec<_>>(),
        [("payout", "po_1"), ("balance_short", "EUR")],
        "at once, without a sweep"
    );
    assert!(found[0].2.starts_with("payout.") && found[0].2.contains("`build14 payout --source po_1`"), "{}", found[0].2);

    let posted = world.post(Own::IsPaidOut, "po_1", Some(("250.01", "EUR"))).await.expect("posts");
    let entries: Vec<_> = posted.entries.iter().map(|entry| (entry.account, entry.name.as_str(), entry.amount)).collect();
    assert_eq!(entries, [(1040, "bank", eur(25_001)), (1010, "stripe_available", eur(-25_001))]);
    assert_eq!((posted.surplus, posted.missing), (eur(0), eur(25_001)), "nothing is left over, and Stripe was not asked again");
    assert_eq!(world.db.query("select settled_by from alarms where kind = 'payout'").await, ["Ada Lovelace"]);
    sweep(&world).await;
    assert_eq!(kinds(&world).await, [""; 0]);
    world.assert_healthy().await;
    // Told again, it is known.
    deliver(&world, &event("evt_3", "payout.updated", object.clone())).await.expect("is taken");
    world.work().await;
    assert_eq!(kinds(&world).await, [""; 0]);
    // That it failed counts once the provider shows it, whoever says so before.
    deliver(&world, &event("evt_4", "payout.failed", object.clone())).await.expect("is taken");
    world.work().await;
    assert_eq!(kinds(&world).await, [""; 0]);
    world.provider.change_own("po_1", |own| own.status = "failed".to_owned());
    deliver(&world, &event("evt_5", "payout.failed", object)).await.expect("is taken");
    world.work().await;
    assert_eq!(kinds(&world).await, ["own_money_undone"]);

    // A cent of what others are owed is too much, however it is posted.
    let other = world.fund(world.contract(&[100_000]).await.milestones[0].id).await.expect("funds");
    world.pay(&other, true);
    world.sync(&other).await.expect("syncs");
    let surplus = world.float("0.01", "tu_1").await.expect("posts").surplus.minor();
    world.provider.pays_out("po_2", eur(surplus + 1));
    world.post(Own::IsPaidOut, "po_2", None).await.expect_err("refused");
    sweep(&world).await;
    assert_eq!(kinds(&world).await, ["own_money_undone", "balance_short"]);
}

#[tokio::test]
async fn an_event_that_the_provider_does_not_bear_out_ends_no_alarm_of_a_payout() {
    let world = World::new().await;
    world.float("10.00", "tu_1").await.expect("posts");
    world.provider.pays_out("po_1", eur(400));
    let tell = async |id: &str, kind: &str| {
        deliver(&world, &event(id, kind, json!({ "id": "po_1", "object": "payout" }))).await.expect("is taken");
        assert!(world.work().await.iter().all(|ran| ran.error().is_none()));
    };
    tell("evt_1", "payout.created").await;
    assert_eq!(kinds(&world).await, ["payout", "balance_short"]);
    for (n, forged) in ["payout.canceled", "payout.failed"].into_iter().enumerate() {
        tell(&format!("evt_forged_{n}"), forged).await;
        assert_eq!(kinds(&world).await, ["payout", "balance_short"], "{forged}");
    }
    world.provider.change_own("po_1", |own| own.status = "canceled".to_owned());
    tell("evt_2", "payout.canceled").await;
    assert_eq!(kinds(&world).await, ["balance_short"]);
}

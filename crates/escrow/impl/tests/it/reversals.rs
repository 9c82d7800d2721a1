//! Transfers that are taken back at the provider: seen as a state, their contract is stopped, a person settles what came back.

use escrow::{Settlement, Unsettled};
use escrow_api::fake::InjectedFault;
use escrow_api::{Contract, Funding, PaymentProvider, Payments, ReleaseId, TransferOrder, TransferState};
use kernel::{OrgId, OrgRole};
use serde_json::{Value, json};

use crate::fakes::Person;
use crate::http::Web;
use crate::webhooks::{deliver, event};
use crate::world::{World, ada, eur};

/// The first of two milestones is released: 9,750.00 went to the contractor.
async fn released(world: &World) -> (Contract, Funding, ReleaseId) {
    let contract = world.contract(&[1_000_000, 500_000]).await;
    let milestone = contract.milestones[0].id;
    let funding = world.fund(milestone).await.expect("funds");
    world.pay(&funding, true);
    world.sync(&funding).await.expect("syncs");
    world.submit(milestone).await.expect("submits");
    world.approve(milestone, None).await.expect("approves");
    let release = world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases").release.id;
    world.work().await;
    assert_eq!(world.milestone(milestone).await.status.name(), "released");
    (contract, funding, release)
}

/// So much of the first transfer was taken back in all, and an event says that something happened.
async fn take_back(world: &World, in_all: i64) {
    let transfer = world.provider.transfers()[0].id.clone();
    take_back_of(world, &transfer, in_all).await;
}

/// The same of any transfer.
async fn take_back_of(world: &World, transfer: &str, in_all: i64) {
    world.provider.change_transfer(transfer, |changed| changed.reversed = eur(in_all));
    let id = format!("evt_{in_all}_{}", world.provider.calls().len());
    deliver(world, &event(&id, "transfer.reversed", json!({ "id": transfer }))).await.expect("is taken");
    assert!(world.work().await.iter().all(|ran| ran.error().is_none()));
}

async fn fund(web: &Web, contract: &Contract) -> (u16, Value) {
    web.post(&web.world.owner, "/api/escrow", json!({ "milestoneId": contract.milestones[1].id })).await
}

async fn settle(world: &World, release: ReleaseId, what: Settlement) -> Result<escrow_api::Release, Unsettled> {
    Ok(world.service.settle_reversal(release, &what, &ada()).await?.release)
}

async fn open_alarms(world: &World) -> Vec<String> {
    db::alarms(&world.db.system_uow(), false).await.expect("lists").into_iter().map(|row| row.kind).collect()
}

#[actix_web::test]
async fn what_comes_back_stops_its_contract_until_a_person_holds_it_again() {
    let web = Web::over(World::new().await);
    let world = &web.world;
    let (contract, funding, release) = released(world).await;
    let milestone = contract.milestones[0].id;
    take_back(world, 400_000).await;
    take_back(world, 400_000).await;
    // A look that comes late knows less.
    take_back(world, 100_000).await;
    let path = format!("/api/escrow/{}", funding.payment.id);
    for person in [&world.owner, &world.contractor] {
        let (_, escrow) = web.send(person, actix_web::http::Method::GET, &path, None, None).await;
        let shown = (&escrow["release"]["status"], &escrow["release"]["reversed"]["amount"]);
        assert_eq!(shown, (&json!("part_reversed"), &json!("4000.00")), "{escrow:#}");
    }
    assert_eq!(open_alarms(world).await, ["transfer_reversed"]);
    assert_eq!(world.broken().await, ["TRANSFER_REVERSED"]);
    assert_eq!(
        world.kinds().await,
        ["funds_available", "payment_received", "processing_fee_kept", "release_reserved", "release_sent", "transfer_reversed"]
    );
    assert_eq!(world.balances().await, ["1010 425001", "2090 -400000", "4000 -25000", "4010 -29898", "5000 29897"]);
    let (status, problem) = fund(&web, &contract).await;
    assert_eq!(
        (status, &problem["code"], &problem["currentState"]),
        (409, &json!("STATE_CONFLICT"), &json!("reversal_open")),
        "{problem:#}"
    );

    take_back(world, 975_000).await;
    assert_eq!(world.db.query("select status || ' ' || reversed from releases").await, ["reversed 975000"]);
    world.service.sweep().await.expect("sweeps");
    assert_eq!(open_alarms(world).await, ["transfer_reversed"], "money that is back is no shortfall");
    let statement = escrow_api::Contracts::statement(&*world.service, &world.contractor.ctx(), contract.id).await.expect("reads");
    assert_eq!(statement.balances.iter().find(|b| b.account == 2090).expect("waits").balance, eur(-975_000));

    let after = settle(world, release, Settlement::HeldAgain).await.expect("settles");
    assert_eq!((after.status.name(), after.reversed), ("reversed", eur(975_000)));
    assert_eq!(open_alarms(world).await, [""; 0]);
    assert_eq!(world.db.query("select settled_by from alarms").await, ["Ada Lovelace"]);
    let again = world.milestone(milestone).await;
    assert_eq!((again.status.name(), again.held), ("funded", eur(1_000_000)), "its fee with it");
    world.assert_healthy().await;
    assert!(matches!(settle(world, release, Settlement::HeldAgain).await, Err(Unsettled::Nothing(id)) if id == release));
    assert_eq!(fund(&web, &contract).await.0, 201);

    // Both parties were told, each in its own trail.
    let owners: Vec<String> = world.trail.entries().into_iter().map(|(_, entry)| entry.action).collect();
    let of = |action: &str| owners.iter().filter(|known| *known == action).count();
    assert_eq!((of("escrow.release_reversed"), of("escrow.reversal_settled")), (2, 1));
    let contractors = format!(
        "select action || coalesce(' ' || (after ->> 'operator'), '') from audit_entries where org_id = '{}' and action like '%revers%' order by at",
        world.contractor.org
    );
    let told = ["escrow.release_reversed", "escrow.release_reversed", "escrow.reversal_settled Ada Lovelace"];
    assert_eq!(world.db.query(&contractors).await, told);

    // The work is paid anew, once.
    world.submit(milestone).await.expect("submits");
    world.approve(milestone, None).await.expect("approves");
    let second = world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases").release;
    assert_eq!((second.seq, second.net), (2, eur(975_000)));
    world.work().await;
    assert_eq!(world.milestone(milestone).await.status.name(), "released");
    assert_eq!(world.provider.transfers().len(), 2);
    world.service.sweep().await.expect("sweeps");
    assert_eq!(open_alarms(world).await, [""; 0]);
    world.assert_healthy().await;
    let summary =
        &escrow_api::Contracts::statement(&*world.service, &world.owner.ctx(), contract.id).await.expect("reads").milestones[0];
    assert_eq!(
        (summary.funded, summary.held, summary.reserved, summary.released),
        (eur(1_000_000), eur(0), eur(0), eur(1_000_000))
    );
}

#[tokio::test]
async fn a_settlement_says_what_it_settled_and_not_what_ever_came_back() {
    let world = World::new().await;
    let (_, _, release) = released(&world).await;
    for (in_all, settled) in [(400_000, 400_000), (975_000, 575_000)] {
        take_back(&world, in_all).await;
        let done = world.service.settle_reversal(release, &Settlement::HeldAgain, &ada()).await.expect("settles");
        assert_eq!((done.amount, done.release.reversed), (eur(settled), eur(in_all)));
    }
}

#[tokio::test]
async fn a_part_that_comes_back_takes_its_part_of_the_fee() {
    let world = World::new().await;
    let (contract, _, release) = released(&world).await;
    for (in_all, held) in [(333_333, 341_880), (975_000, 1_000_000)] {
        take_back(&world, in_all).await;
        settle(&world, release, Settlement::HeldAgain).await.expect("settles");
        assert_eq!(world.milestone(contract.milestones[0].id).await.held, eur(held));
        world.assert_healthy().await;
    }
}

#[tokio::test]
async fn a_release_of_the_contract_waits_until_the_reversal_is_settled() {
    let world = World::new().await;
    let (contract, _, release) = released(&world).await;
    let second = contract.milestones[1].id;
    let funding = world.fund(second).await.expect("funds");
    world.pay(&funding, true);
    world.sync(&funding).await.expect("syncs");
    world.submit(second).await.expect("submits");
    world.approve(second, None).await.expect("approves");
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    // It came back before the second release left.
    let transfer = world.provider.transfers()[0].id.clone();
    world.provider.change_transfer(&transfer, |changed| changed.reversed = eur(1));
    let job = escrow::jobs::SyncTransfer { org: world.owner.org, release, transfer };
    world.service.sync_transfer(job).await.expect("syncs");
    assert!(world.work().await.iter().all(|ran| ran.error().is_none()), "waiting is no failure");
    assert_eq!(world.provider.transfers().len(), 1);
    settle(&world, release, Settlement::HeldAgain).await.expect("settles");
    world.work().await;
    assert_eq!(world.provider.transfers().len(), 2);
    assert_eq!(world.milestone(second).await.status.name(), "released");
}

#[tokio::test]
async fn what_comes_back_is_seen_although_its_event_is_lost() {
    let world = World::new().await;
    released(&world).await;
    let transfer = world.provider.transfers()[0].id.clone();
    world.provider.change_transfer(&transfer, |changed| changed.reversed = eur(1));
    let looks = || world.provider.calls().iter().filter(|call| **call == "transfer").count();
    let swept = async || {
        world.service.sweep().await.expect("sweeps");
        world.work().await;
        (looks(), world.db.query("select status from releases").await.remove(0))
    };
    assert_eq!(swept().await, (0, "sent".to_owned()), "not yet a day");
    world.clock.advance(chrono::TimeDelta::days(1));
    assert_eq!(swept().await, (1, "part_reversed".to_owned()));
    assert_eq!(swept().await.0, 1, "once a day");
    world.clock.advance(chrono::TimeDelta::days(1));
    assert_eq!(swept().await.0, 2);
    world.clock.advance(chrono::TimeDelta::days(180));
    assert_eq!(swept().await.0, 2, "no longer than it can be taken back");
}

fn order_by_hand(world: &World, key: &str, amount: i64, metadata: Vec<(String, String)>) -> TransferOrder {
    TransferOrder {
        amount: eur(amount),
        destination: world.provider.transfers()[0].destination.clone(),
        transfer_group: "by hand".to_owned(),
        source_charge: None,
        metadata,
        idempotency_key: key.to_owned(),
    }
}

async fn by_hand(world: &World, key: &str, amount: i64, metadata: Vec<(String, String)>) -> TransferState {
    world.provider.create_transfer(&order_by_hand(world, key, amount, metadata)).await.expect("is made")
}

#[tokio::test]
async fn what_was_paid_with_another_transfer_is_settled_by_that_very_one() {
    let world = World::new().await;
    let (_, _, release) = released(&world).await;
    take_back(&world, 400_000).await;
    let first = world.provider.transfers()[0].clone();
    let other = by_hand(&world, "other", 400_000, vec![("release_id".to_owned(), "x".to_owned())]).await;
    let small = by_hand(&world, "small", 399_999, Vec::new()).await;
    for (transfer, why) in [
        (&first.id, "it is the very transfer that was reversed; it is over 9750.00 EUR, not 4000.00 EUR"),
        (&other.id, "it names release x"),
        (&small.id, "it is over 3999.99 EUR, not 4000.00 EUR"),
    ] {
        let said = settle(&world, release, Settlement::PaidWith(transfer.clone())).await.expect_err("refused").to_string();
        assert!(said.starts_with(&format!("{transfer} does not settle it: {why}")), "{said}");
    }
    world.provider.change_transfer(&other.id, |made| made.metadata.clear());
    world.provider.move_money(eur(399_999));
    world.service.sweep().await.expect("sweeps");
    assert_eq!(open_alarms(&world).await, ["transfer_reversed", "balance_short"], "money left that no book knows of");
    deliver(&world, &event("evt_hand", "transfer.created", json!({ "id": other.id }))).await.expect("is taken");
    world.work().await;
    assert_eq!(open_alarms(&world).await, ["transfer_reversed", "balance_short", "foreign_transfer"]);
    settle(&world, release, Settlement::PaidWith(other.id.clone())).await.expect("settles");
    world.service.sweep().await.expect("sweeps");
    assert_eq!(open_alarms(&world).await, [""; 0]);
    deliver(&world, &event("evt_hand_2", "transfer.updated", json!({ "id": other.id }))).await.expect("is taken");
    world.work().await;
    assert_eq!(open_alarms(&world).await, [""; 0], "it is known by now");
    world.assert_healthy().await;
    // One transfer pays once.
    take_back(&world, 800_000).await;
    let said = settle(&world, release, Settlement::PaidWith(other.id)).await.expect_err("refused").to_string();
    assert!(said.contains("it stands in the ledger for something else already"), "{said}");
}

/// What came back is paid again by hand, with the transfer that is given back.
async fn paid_again(world: &World, release: ReleaseId, key: &str, amount: i64) -> TransferState {
    let paid = by_hand(world, key, amount, Vec::new()).await;
    settle(world, release, Settlement::PaidWith(paid.id.clone())).await.expect("settles");
    paid
}

/// What came back of the only release and nobody has settled.
async fn unsettled(world: &World) -> Vec<String> {
    world.db.query("select reversed - reversal_settled from releases").await
}

#[actix_web::test]
async fn a_replacement_that_comes_back_stops_its_contract_as_the_first_transfer_did() {
    for named in [true, false] {
        let web = Web::over(World::new().await);
        let world = &web.world;
        let (contract, funding, release) = released(world).await;
        take_back(world, 400_000).await;
        let metadata = if named { vec![("release_id".to_owned(), release.to_string())] } else { Vec::new() };
        let paid = by_hand(world, "hand", 400_000, metadata).await;
        settle(world, release, Settlement::PaidWith(paid.id.clone())).await.expect("settles");
        deliver(world, &event("evt_made", "transfer.created", json!({ "id": paid.id }))).await.expect("is taken");
        world.work().await;
        assert_eq!(open_alarms(world).await, [""; 0], "it is known");
        world.assert_healthy().await;

        take_back_of(world, &paid.id, 150_000).await;
        // A look that comes late knows less.
        take_back_of(world, &paid.id, 50_000).await;
        world.provider.change_transfer(&paid.id, |changed| changed.reversed = eur(150_000));
        world.service.sweep().await.expect("sweeps");
        let rows = db::alarms(&world.db.system_uow(), false).await.expect("lists");
        let told: Vec<_> = rows.iter().map(|row| (row.kind.as_str(), row.object_id.clone())).collect();
        assert_eq!(told, [("transfer_reversed", release.to_string())], "no sweep finds it over, and nothing is missing");
        let detail = &rows[0].detail;
        assert!(detail.starts_with(&format!("1500.00 EUR of 4000.00 EUR of transfer {} came back", paid.id)), "{detail}");
        assert_eq!(world.broken().await, ["TRANSFER_REVERSED"]);
        let found = escrow::doctor(&world.db.system_uow()).await.expect("comes");
        let said = format!(
            "4000.00 EUR of 9750.00 EUR of transfer {} came back, 1500.00 EUR of 4000.00 EUR of transfer {}, which paid it again, too, \
             2500.00 EUR of it is settled",
            world.provider.transfers()[0].id,
            paid.id
        );
        assert!(found[0].detail.starts_with(&said), "{}", found[0].detail);
        assert_eq!(world.balances().await, ["1010 175001", "2090 -150000", "4000 -25000", "4010 -29898", "5000 29897"]);
        let path = format!("/api/escrow/{}", funding.payment.id);
        for person in [&world.owner, &world.contractor] {
            let (_, escrow) = web.send(person, actix_web::http::Method::GET, &path, None, None).await;
            let shown = ["reversed", "unsettled"].map(|what| escrow["release"][what]["amount"].clone());
            assert_eq!(shown, [json!("4000.00"), json!("1500.00")], "{escrow:#}");
        }
        let (status, problem) = fund(&web, &contract).await;
        assert_eq!((status, &problem["currentState"]), (409, &json!("reversal_open")), "{problem:#}");
        let contractors = format!(
            "select count(*) from audit_entries where org_id = '{}' and action = 'escrow.release_reversed'",
            world.contractor.org
        );
        assert_eq!(world.db.query(&contractors).await, ["2"]);

        // A chain of them: the third one comes back, too, and what it brought back is held again.
        let third = paid_again(world, release, "third", 150_000).await;
        world.assert_healthy().await;
        take_back_of(world, &third.id, 150_000).await;
        assert_eq!(unsettled(world).await, ["150000"]);
        settle(world, release, Settlement::HeldAgain).await.expect("settles");
        take_back_of(world, &paid.id, 400_000).await;
        assert_eq!(unsettled(world).await, ["250000"], "the second one goes on to be looked at");
        settle(world, release, Settlement::HeldAgain).await.expect("settles");
        let again = world.milestone(contract.milestones[0].id).await;
        assert_eq!((again.status.name(), again.held), ("funded", eur(410_256)), "with its part of the fee");
        assert_eq!(open_alarms(world).await, [""; 0]);
        assert_eq!(fund(&web, &contract).await.0, 201);
        world.service.sweep().await.expect("sweeps");
        world.assert_healthy().await;
    }
}

#[tokio::test]
async fn a_replacement_that_comes_back_is_seen_although_its_event_is_lost() {
    let world = World::new().await;
    let (_, _, release) = released(&world).await;
    take_back(&world, 400_000).await;
    let paid = paid_again(&world, release, "hand", 400_000).await;
    // The look that follows the settlement finds it as it was.
    world.work().await;
    world.provider.change_transfer(&paid.id, |changed| changed.reversed = eur(1));
    let swept = async || {
        world.service.sweep().await.expect("sweeps");
        world.work().await;
        unsettled(&world).await.remove(0)
    };
    assert_eq!(swept().await, "0", "not yet a day");
    world.clock.advance(chrono::TimeDelta::days(1));
    assert_eq!(swept().await, "1");
    // The look at one transfer puts off none at the other.
    world.provider.change_transfer(&world.provider.transfers()[0].id, |changed| changed.reversed = eur(400_001));
    world.clock.advance(chrono::TimeDelta::days(1));
    assert_eq!(swept().await, "2");
    world.provider.change_transfer(&paid.id, |changed| changed.reversed = eur(2));
    world.clock.advance(chrono::TimeDelta::days(180));
    assert_eq!(swept().await, "2", "no longer than it can be taken back");
}

#[tokio::test]
async fn a_replacement_that_comes_back_while_it_is_named_is_seen_at_once() {
    let world = World::new().await;
    let (_, _, release) = released(&world).await;
    take_back(&world, 400_000).await;
    let paid = paid_again(&world, release, "hand", 400_000).await;
    world.provider.change_transfer(&paid.id, |changed| changed.reversed = eur(400_000));
    world.work().await;
    assert_eq!(unsettled(&world).await, ["400000"]);
}

#[tokio::test]
async fn parts_that_are_held_again_bring_the_whole_fee_in_whatever_order() {
    let world = World::new().await;
    let (contract, _, release) = released(&world).await;
    take_back(&world, 400_000).await;
    let paid = paid_again(&world, release, "hand", 400_000).await;
    take_back(&world, 975_000).await;
    settle(&world, release, Settlement::HeldAgain).await.expect("settles");
    assert_eq!(world.milestone(contract.milestones[0].id).await.held, eur(589_744));
    take_back_of(&world, &paid.id, 400_000).await;
    settle(&world, release, Settlement::HeldAgain).await.expect("settles");
    assert_eq!(world.milestone(contract.milestones[0].id).await.held, eur(1_000_000));
    world.assert_healthy().await;
}

#[tokio::test]
async fn what_comes_back_after_the_contract_is_over_is_paid_to_another_account_of_the_payees_or_outside() {
    let world = World::new().await;
    let (contract, _, release) = released(&world).await;
    for person in [&world.owner, &world.contractor] {
        let end = escrow_api::Terminate { contract: contract.id, reason: Some("All is said".to_owned()) };
        escrow_api::Contracts::terminate(&*world.service, &person.ctx(), end).await.expect("ends");
    }
    let old = world.provider.transfers()[0].destination.clone();
    take_back(&world, 400_000).await;
    let outside = |amount: &str| Settlement::PaidOutside {
        reference: "SEPA 2026-11-26 no. 17".parse().expect("a reference"),
        amount: amount.parse().expect("a decimal"),
    };
    let open = async |account: &str| {
        let said = settle(&world, release, outside("4000.00")).await.expect_err("it has an account").to_string();
        assert!(said.starts_with(&format!("the payee has account {account} at the provider, which can receive")), "{said}");
    };
    open(&old).await;
    world.provider.inject("account", [InjectedFault::Unavailable]);
    assert!(settle(&world, release, outside("4000.00")).await.is_err(), "nothing is known");
    world.provider.deauthorize(&old);
    let said = settle(&world, release, Settlement::HeldAgain).await.expect_err("over").to_string();
    assert!(said.starts_with("its contract is terminated") && said.ends_with("with --paid-outside"), "{said}");

    // An account of somebody else's does not do; one that the payee has, or had, does.
    let other = world.provider.create_account("somebody", None, "acc_other").await.expect("is made").id;
    world.provider.complete_onboarding(&other);
    let order = TransferOrder { destination: other.clone(), ..order_by_hand(&world, "other", 400_000, Vec::new()) };
    let paid = world.provider.create_transfer(&order).await.expect("is made");
    let refused = settle(&world, release, Settlement::PaidWith(paid.id.clone())).await.expect_err("refused").to_string();
    assert_eq!(refused, format!("{} does not settle it: it went to {other}, which never was an account of the payee's", paid.id));
    let theirs = format!("insert into payee_accounts_retired (org_id, account) values ('{}', '{other}')", world.contractor.org);
    world.db.run_sql(&theirs).await;
    settle(&world, release, Settlement::PaidWith(paid.id)).await.expect("settles");
    world.assert_healthy().await;

    // What comes back of the rest is paid from the platform's bank: what is left at the provider for it is the platform's own.
    take_back(&world, 975_000).await;
    assert_eq!(unsettled(&world).await, ["575000"]);
    let surplus = async || world.db.query("select (money + floated - owed)::bigint from app.coverage()").await.remove(0);
    assert_eq!(surplus().await, "25001");
    open(&other).await;
    world.provider.deauthorize(&other);
    // What came back after the payee was paid was not paid with it, whoever says the same again.
    for other in ["5749.99", "5750.01", "5750.001", "0", "-5750.00"] {
        let said = settle(&world, release, outside(other)).await.expect_err("refused").to_string();
        assert_eq!(said, format!("5750.00 EUR came back that is not settled, not {other}: look again, nothing was changed"));
    }
    assert_eq!(unsettled(&world).await, ["575000"]);
    let outside = outside("5750.00");
    settle(&world, release, outside.clone()).await.expect("settles");
    assert_eq!(world.balances().await, ["1010 600001", "3000 -575000", "4000 -25000", "4010 -29898", "5000 29897"]);
    assert_eq!(surplus().await, "600001");
    assert!(matches!(settle(&world, release, outside).await, Err(Unsettled::Nothing(_))));
    assert_eq!(open_alarms(&world).await, [""; 0]);
    let told = format!(
        "select concat_ws(' ', after ->> 'paidOutside', after ->> 'operator', after ->> 'reason') from audit_entries
         where org_id = '{}' and action = 'escrow.reversal_settled' order by at desc limit 1",
        world.contractor.org
    );
    assert_eq!(world.db.query(&told).await, ["SEPA 2026-11-26 no. 17 Ada Lovelace seen at the provider"]);
    world.service.sweep().await.expect("sweeps");
    world.assert_healthy().await;
}

#[tokio::test]
async fn no_statement_settles_what_came_back_past_the_ledger() {
    let world = World::new().await;
    let (_, _, release) = released(&world).await;
    take_back(&world, 400_000).await;
    let owner = world.owner.ctx();
    let settled = world.refusal(&owner, "update releases set reversal_settled = reversed where reversed > 0").await;
    assert!(settled.contains("400000 of it is settled, yet 400000 waits in the ledger"), "{settled}");
    let invented = format!(
        "insert into release_replacements (org_id, release_id, transfer, amount) values ('{}', '{release}', 'tr_invented', 400000)",
        world.owner.org
    );
    let invented = world.refusal(&owner, &invented).await;
    assert!(invented.contains("is not what the ledger says"), "{invented}");
    paid_again(&world, release, "hand", 400_000).await;
    let back = world.refusal(&owner, "update release_replacements set reversed = 1").await;
    assert!(back.contains("of which 1 came back, is not what the ledger says"), "{back}");
    let kept = world.refusal(&owner, "update release_replacements set amount = 1").await;
    assert!(kept.contains("permission denied"), "{kept}");
}

#[tokio::test]
async fn one_that_is_found_reversed_is_sent_and_reversed_in_one() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    world.provider.inject("create_transfer", [InjectedFault::LoseAnswer]);
    world.work().await;
    let transfer = world.provider.transfers()[0].id.clone();
    world.provider.change_transfer(&transfer, |changed| changed.reversed = changed.amount);
    world.work_ahead().await;
    assert_eq!(world.db.query("select status from releases").await, ["reversed"]);
    assert_eq!(
        world.kinds().await,
        ["funds_available", "payment_received", "processing_fee_kept", "release_reserved", "release_sent", "transfer_reversed"]
    );
    assert_eq!(open_alarms(&world).await, ["transfer_reversed"]);
    let stamped = "update releases set reversed = 0";
    assert!(world.tamper(stamped).await.contains("releases_reversed"), "the state says how much");
}

/// Two owners whose releases to the same contractor came back in part.
async fn two_owners() -> (World, [ReleaseId; 2]) {
    let mut world = World::new().await;
    let (_, _, first) = released(&world).await;
    let first_owner = std::mem::replace(&mut world.owner, Person::new(OrgId::new(), OrgRole::Owner));
    world
        .db
        .run_sql(&format!(
            "set session_replication_role = replica; insert into memberships (org_id, user_id, role) values ('{}', '{}', 'owner')",
            world.owner.org, world.owner.user
        ))
        .await;
    let (_, _, second) = released(&world).await;
    let transfers = world.provider.transfers();
    for (org, release, transfer) in [(first_owner.org, first, &transfers[0]), (world.owner.org, second, &transfers[1])] {
        world.provider.change_transfer(&transfer.id, |changed| changed.reversed = eur(400_000));
        let job = escrow::jobs::SyncTransfer { org, release, transfer: transfer.id.clone() };
        world.service.sync_transfer(job).await.expect("syncs");
    }
    (world, [first, second])
}

#[tokio::test]
async fn one_transfer_settles_what_came_back_of_one_owner() {
    let (world, [first, second]) = two_owners().await;
    let paid = by_hand(&world, "hand", 400_000, Vec::new()).await;
    settle(&world, first, Settlement::PaidWith(paid.id.clone())).await.expect("settles");
    let said = settle(&world, second, Settlement::PaidWith(paid.id.clone())).await.expect_err("refused").to_string();
    assert_eq!(said, format!("{} does not settle it: it stands in the ledger for something else already", paid.id));
    assert_eq!(open_alarms(&world).await, ["transfer_reversed"]);
    let own = by_hand(&world, "own", 400_000, Vec::new()).await;
    settle(&world, second, Settlement::PaidWith(own.id)).await.expect("settles");
    world.assert_healthy().await;
}

#[tokio::test]
async fn of_two_settlements_by_one_transfer_at_once_one_is_made() {
    let (world, [first, second]) = two_owners().await;
    let paid = by_hand(&world, "hand", 400_000, Vec::new()).await;
    let both = [first, second].map(|release| settle(&world, release, Settlement::PaidWith(paid.id.clone())));
    let made = futures::future::join_all(both).await;
    assert_eq!(made.iter().filter(|one| one.is_ok()).count(), 1, "{made:?}");
    assert_eq!(world.db.query("select count(*) from releases where reversed > reversal_settled").await, ["1"]);
    let posted = format!("select count(*) from ledger_transactions where source_object = '{}'", paid.id);
    assert_eq!(world.db.query(&posted).await, ["1"]);
}

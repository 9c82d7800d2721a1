//! What a person must look at stays a row until it is settled, or is over by itself.

use escrow_api::fake::InjectedFault;
use escrow_api::{CostBearer, Funding, Payments};
use serde_json::json;

use crate::heard::Pages;
use crate::webhooks::{deliver, event};
use crate::world::{World, ada};

/// The alarms, oldest first: kind, about what, who settled it.
async fn alarms(world: &World) -> Vec<String> {
    let rows = db::alarms(&world.db.system_uow(), true).await.expect("lists");
    rows.iter().map(|row| format!("{} {} {}", row.kind, row.object_type, row.settled_by.as_deref().unwrap_or("open"))).collect()
}

async fn sweep(world: &World) {
    world.service.sweep().await.expect("sweeps");
}

#[tokio::test]
async fn a_currency_that_is_short_is_an_alarm_until_it_is_covered() {
    let world = World::with(|settings| settings.bearer = CostBearer::Platform).await;
    world.funded().await;
    for _ in 0..2 {
        sweep(&world).await;
        assert_eq!(alarms(&world).await, ["coverage_short currency open"]);
    }
    let row = &db::alarms(&world.db.system_uow(), false).await.expect("lists")[0];
    assert_eq!((row.object_id.as_str(), row.times, row.org_id), ("EUR", 2, None));
    assert!(row.detail.starts_with("EUR: float and money are 290.30 EUR short of liabilities"), "{}", row.detail);
    world.float("290.30", "tu_1").await.expect("posts");
    assert_eq!(alarms(&world).await, ["coverage_short currency sweep"], "the operator need not wait for the sweep");
}

#[tokio::test]
async fn a_refused_release_is_an_alarm_until_another_one_follows() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    world.provider.inject("create_transfer", [InjectedFault::Refuse("account_closed".to_owned())]);
    let release = world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases").release;
    world.work().await;
    sweep(&world).await;
    let rows = db::alarms(&world.db.system_uow(), false).await.expect("lists");
    let told: Vec<_> =
        rows.iter().map(|row| (row.kind.as_str(), row.object_id.clone(), row.org_id, row.detail.as_str())).collect();
    let detail = "9750.00 EUR to the payee: it was refused (account_closed). Once the cause is mended the owner releases again; do not pay by hand";
    assert_eq!(told, [("release_refused", release.id.to_string(), Some(world.owner.org.0), detail)]);
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases anew");
    sweep(&world).await;
    assert_eq!(alarms(&world).await, ["release_refused release sweep"]);
}

#[tokio::test]
async fn a_release_that_stays_unknown_is_an_alarm_until_it_is_known() {
    let world = World::new().await;
    let (_, funding) = world.approved().await;
    let release = world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases").release;
    world.db.run_sql("update releases set maybe_sent_at = now() - interval '25 hours', attempts = 1, destination = (select account from payee_accounts)").await;
    world.work().await;
    sweep(&world).await;
    assert_eq!(alarms(&world).await, ["release_unknown release open"]);
    world.service.resolve_release(release.id, &escrow::Resolution::NotSent, &ada()).await.expect("settles");
    sweep(&world).await;
    assert_eq!(alarms(&world).await, ["release_unknown release sweep", "release_refused release open"]);
}

#[tokio::test]
async fn releases_that_do_not_arrive_and_money_held_too_long_are_alarms_until_they_are_over() {
    let world = World::new().await;
    let pages = Pages::hear();
    let (_, funding) = world.approved().await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    world.db.run_sql("update escrow_accounts set status = 'frozen'").await;
    world.work().await;
    world.db.run_sql("update releases set sending_since = sending_since - interval '61 minutes'").await;
    sweep(&world).await;
    assert_eq!(alarms(&world).await, ["release_stuck release open"]);
    world.db.run_sql("update escrow_accounts set status = 'active'").await;
    world.work_ahead().await;
    sweep(&world).await;
    assert_eq!(alarms(&world).await, ["release_stuck release sweep"]);

    let world = World::new().await;
    let (contract, funding) = world.funded().await;
    world.db.advance_clock(std::time::Duration::from_secs(86 * 86_400)).await;
    sweep(&world).await;
    let row = &db::alarms(&world.db.system_uow(), false).await.expect("lists")[0];
    assert_eq!((row.kind.as_str(), &row.object_id), ("money_held_too_long", &funding.payment.id.to_string()));
    world.submit(contract.milestones[0].id).await.expect("submits");
    world.approve(contract.milestones[0].id, None).await.expect("approves");
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    world.work().await;
    sweep(&world).await;
    assert_eq!(alarms(&world).await, ["money_held_too_long payment sweep"]);
    assert_eq!(pages.take(), ["release_stuck", "money_held_too_long"]);
}

#[tokio::test]
async fn money_in_suspense_and_transfers_that_were_not_ordered_are_alarms() {
    let world = World::new().await;
    let contract = world.contract(&[1_000_000]).await;
    let funding = world.fund(contract.milestones[0].id).await.expect("funds");
    world.pay(&funding, true);
    world.provider.change_intent(&funding.intent, |intent| intent.livemode = true);
    for _ in 0..2 {
        world.sync(&funding).await.expect("syncs");
    }
    let row = &db::alarms(&world.db.system_uow(), false).await.expect("lists")[0];
    assert_eq!((row.kind.as_str(), &row.object_id, row.times), ("payment_in_suspense", &funding.payment.id.to_string(), 1));
    assert_eq!(
        row.detail,
        format!(
            "payment {id}, intent {}: livemode: expected false, found true. `build14 suspense-refund --payment {id}` gives it back",
            funding.intent,
            id = funding.payment.id
        )
    );

    let world = World::new().await;
    let (_, funding) = world.approved().await;
    let release = world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases").release;
    world.work().await;
    let transfer = world.provider.transfers()[0].id.clone();
    world.provider.change_transfer(&transfer, |changed| changed.metadata.clear());
    let job = escrow::jobs::SyncTransfer { org: world.owner.org, release: release.id, transfer: transfer.clone() };
    world.service.sync_transfer(job).await.expect("syncs");
    let row = &db::alarms(&world.db.system_uow(), false).await.expect("lists")[0];
    assert_eq!((row.kind.as_str(), row.object_id.as_str()), ("foreign_transfer", transfer.as_str()));
}

async fn look_at_charge(world: &World, funding: &Funding) {
    let job = escrow::jobs::SyncCharge { org: world.owner.org, payment: funding.payment.id };
    world.service.sync_charge(job).await.expect("looks");
}

/// The only open alarm: kind, what it is about, and what it says.
async fn only(world: &World) -> (String, String, String, String) {
    let mut rows = db::alarms(&world.db.system_uow(), false).await.expect("lists");
    assert_eq!(rows.len(), 1);
    let row = rows.remove(0);
    (row.kind, row.object_type, row.object_id, row.detail)
}

#[tokio::test]
async fn a_charge_under_review_is_an_alarm_and_its_hold_ends_with_the_review() {
    let world = World::new().await;
    let (contract, funding) = world.approved().await;
    world.provider.change_charge(&funding.intent, |charge| charge.review = Some("prv_1".to_owned()));
    look_at_charge(&world, &funding).await;
    let (kind, of, about, detail) = only(&world).await;
    assert_eq!((kind.as_str(), of.as_str(), about.as_str()), ("charge_under_review", "review", "prv_1"));
    let said = format!(
        "charge ch_{} is under review at the provider; milestone {} is on hold. Settle it at the provider, then `build14 unfreeze --kind review`",
        funding.intent, contract.milestones[0].id
    );
    assert_eq!(detail, said);
    let held = world.service.release(&world.owner.ctx(), funding.payment.id).await;
    assert!(matches!(held, Err(escrow_api::Error::OnHold { kind, .. }) if kind == "review"));
    world.provider.change_charge(&funding.intent, |charge| charge.review = None);
    look_at_charge(&world, &funding).await;
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("goes on by itself");
    assert_eq!(alarms(&world).await, ["charge_under_review review open"], "until a person settles it");
}

#[tokio::test]
async fn a_charge_that_is_not_what_it_was_is_an_alarm() {
    let world = World::new().await;
    let (contract, funding) = world.approved().await;
    world.provider.change_charge(&funding.intent, |charge| charge.status = "failed".to_owned());
    for _ in 0..2 {
        look_at_charge(&world, &funding).await;
    }
    let (kind, of, about, detail) = only(&world).await;
    let charge = format!("ch_{}", funding.intent);
    assert_eq!((kind.as_str(), of.as_str(), &about), ("charge_wrong", "charge", &charge));
    let said = format!(
        "charge {charge}, which brought money, is failed; milestone {} is on hold. Settle it at the provider, then `build14 unfreeze --kind charge`",
        contract.milestones[0].id
    );
    assert_eq!(detail, said);
}

#[tokio::test]
async fn an_event_that_names_nothing_to_look_at_is_an_alarm() {
    let world = World::new().await;
    for _ in 0..2 {
        deliver(&world, &event("evt_1", "charge.refunded", json!({ "object": "charge" }))).await.expect("is taken");
        assert!(world.work().await.iter().all(|ran| ran.error().is_none()));
    }
    let (kind, of, about, detail) = only(&world).await;
    assert_eq!((kind.as_str(), of.as_str(), about.as_str()), ("nameless_event", "event", "evt_1"));
    assert_eq!(detail, "evt_1 of the kind charge.refunded names no object: a person must look");
}

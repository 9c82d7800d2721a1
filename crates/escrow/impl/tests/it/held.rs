//! Held money grows old: new funding stops after 75 days, a person must act from 85 (docs/domain/money.md).

use std::time::Duration;

use escrow_api::{Contract, MilestoneId, Payments};
use serde_json::json;

use crate::heard::Pages;
use crate::http::Web;
use crate::world::World;

const DAY: Duration = Duration::from_secs(86_400);

async fn funded(world: &World, milestone: MilestoneId) -> escrow_api::Funding {
    let funding = world.fund(milestone).await.expect("funds");
    world.pay(&funding, true);
    world.sync(&funding).await.expect("syncs");
    funding
}

async fn ask(web: &Web, contract: &Contract, milestone: usize) -> (u16, serde_json::Value) {
    web.post(&web.world.owner, "/api/escrow", json!({ "milestoneId": contract.milestones[milestone].id })).await
}

#[actix_web::test]
async fn money_held_for_more_than_75_days_stops_new_funding_of_its_contract() {
    let web = Web::over(World::new().await);
    let world = &web.world;
    let contract = world.contract(&[100_000, 200_000, 300_000]).await;
    let first = funded(world, contract.milestones[0].id).await;
    world.db.advance_clock(74 * DAY).await;
    assert_eq!(ask(&web, &contract, 1).await.0, 201, "74 days are not too long");
    // The money that comes now is new, whatever the server's own clock says.
    let second = world.fund(contract.milestones[1].id).await.expect("is taken up");
    world.pay(&second, true);
    world.sync(&second).await.expect("syncs");

    world.db.advance_clock(DAY).await;
    let payments = world.db.query("select count(*) from payments").await;
    let (status, problem) = ask(&web, &contract, 2).await;
    assert_eq!((status, &problem["code"]), (409, &json!("HELD_TOO_LONG")), "{problem:#}");
    let milestone = contract.milestones[0].id;
    assert_eq!(problem["milestoneId"], json!(milestone));
    let since = world
        .db
        .query(&format!(
            "select to_char(funded_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') from payments where milestone_id = '{milestone}'"
        ))
        .await;
    assert_eq!(problem["heldSince"], json!(since[0]));
    let detail = format!(
        "milestone 1 holds money since {}, for more than 75 days: before more comes in it must be released or refunded",
        since[0]
    );
    assert_eq!(problem["detail"], json!(detail));
    assert_eq!(world.db.query("select count(*) from payments").await, payments, "nothing was begun");

    world.submit(milestone).await.expect("submits");
    world.approve(milestone, None).await.expect("approves");
    world.service.release(&world.owner.ctx(), first.payment.id).await.expect("releases");
    world.work().await;
    assert_eq!(ask(&web, &contract, 2).await.0, 201, "what is left is a day old");
}

#[actix_web::test]
async fn another_contracts_old_money_is_no_obstacle() {
    let web = Web::over(World::new().await);
    let world = &web.world;
    world.funded().await;
    world.db.advance_clock(80 * DAY).await;
    let other = world.contract(&[100_000]).await;
    assert_eq!(ask(&web, &other, 0).await.0, 201);
}

#[tokio::test]
async fn from_60_days_on_the_doctor_warns_and_from_85_a_person_must_act() {
    let world = World::new().await;
    let pages = Pages::hear();
    let (contract, funding) = world.funded().await;
    let milestone = contract.milestones[0].id;
    world.submit(milestone).await.expect("submits");
    for (days, expected, woken) in [
        (59, vec![], vec![]),
        (1, vec!["MONEY_HELD_LONG"], vec![]),
        (24, vec!["MONEY_HELD_LONG"], vec![]),
        (1, vec!["MONEY_HELD_TOO_LONG"], vec!["money_held_too_long"]),
    ] {
        world.db.advance_clock(days * DAY).await;
        world.service.sweep().await.expect("sweeps");
        assert_eq!((world.broken().await, pages.take()), (expected, woken.into_iter().map(str::to_owned).collect()));
    }
    let found = escrow::doctor(&world.db.system_uow()).await.expect("comes");
    assert_eq!(found[0].subject, funding.payment.id.to_string());
    assert!(found[0].detail.starts_with("10000.00 EUR funded at "), "{}", found[0].detail);
    world.approve(milestone, None).await.expect("approves");
    world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases");
    world.work().await;
    world.service.sweep().await.expect("sweeps");
    assert_eq!((world.broken().await, pages.take()), (vec![], vec![]));
}

#[actix_web::test]
async fn money_that_a_release_reserved_is_as_old_until_it_has_left() {
    let web = Web::over(World::new().await);
    let world = &web.world;
    let contract = world.contract(&[100_000, 200_000]).await;
    let milestone = contract.milestones[0].id;
    let first = funded(world, milestone).await;
    world.submit(milestone).await.expect("submits");
    world.approve(milestone, Some(40_000)).await.expect("approves a part");
    world.db.advance_clock(76 * DAY).await;
    let (status, problem) = ask(&web, &contract, 1).await;
    assert_eq!((status, &problem["code"], &problem["milestoneId"]), (409, &json!("HELD_TOO_LONG"), &json!(milestone)));
    world.db.advance_clock(9 * DAY).await;
    let told = async || {
        let found = escrow::doctor(&world.db.system_uow()).await.expect("comes");
        let line =
            |finding: &escrow_api::Finding| format!("{} {}", finding.rule, finding.detail.split(" funded").next().unwrap_or(""));
        found.iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(told().await, ["MONEY_HELD_TOO_LONG 1000.00 EUR"], "what is held and what is reserved, once");
    // The part has left, the rest is reserved as a whole.
    world.service.release(&world.owner.ctx(), first.payment.id).await.expect("releases");
    world.work().await;
    assert_eq!(told().await, ["MONEY_HELD_TOO_LONG 600.00 EUR"]);
    world.submit(milestone).await.expect("submits the rest");
    world.approve(milestone, None).await.expect("approves the rest");
    assert_eq!(told().await, ["MONEY_HELD_TOO_LONG 600.00 EUR"], "reserved alone");
    let (status, problem) = ask(&web, &contract, 1).await;
    assert_eq!((status, &problem["code"]), (409, &json!("HELD_TOO_LONG")));
    world.service.release(&world.owner.ctx(), first.payment.id).await.expect("releases");
    world.work().await;
    assert_eq!(told().await, [""; 0]);
    assert_eq!(ask(&web, &contract, 1).await.0, 201);
}

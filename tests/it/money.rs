//! Money moves once: concurrent releases, lost answers, and the double payment of destination charges, which cannot happen here.

use futures::future::join_all;
use serde_json::{Value, json};
use stripe_sandbox::{Fault, FaultKind};

use crate::world::World;

#[tokio::test]
async fn no_payment_intent_pays_the_contractor_and_transfers_are_the_net_releases() {
    let world = World::new().await;
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let contract = world.contract(&owner, &acme).await;
    for milestone in &contract.milestones {
        let escrow = world.fund(&owner, milestone).await;
        world.approve(&owner, &acme, milestone).await;
        owner.http.act(&format!("/api/escrow/{escrow}/release")).await.expect(200);
        world.milestone_is(&owner, milestone, "released").await;
    }
    for request in world.sandbox.requests() {
        let asked = serde_json::to_string(&request).expect("serialises");
        for forbidden in ["transfer_data", "application_fee_amount", "on_behalf_of"] {
            assert!(!asked.contains(forbidden), "{forbidden} in {asked}");
        }
    }
    for charge in world.sandbox.payment_intents() {
        assert!(charge["transfer_data"].is_null() && charge["on_behalf_of"].is_null(), "{charge}");
    }
    let transferred: i64 = world.sandbox.transfers().iter().map(|transfer| transfer["amount"].as_i64().expect("an amount")).sum();
    let released = world.db.query("select sum(net) from releases where status = 'sent'").await;
    assert_eq!(released, [transferred.to_string()]);
    // 1665.00 less 2.5 % of each milestone, rounded half up: 16.65 + 14.57 + 10.41.
    assert_eq!(transferred, 166_500 - 1_665 - 1_457 - 1_041);
    world.end().await;
}

#[tokio::test]
async fn sixty_four_simultaneous_releases_make_one_transfer() {
    let world = World::new().await;
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let contract = world.contract(&owner, &acme).await;
    let milestone = &contract.milestones[0];
    let escrow = world.fund(&owner, milestone).await;
    world.approve(&owner, &acme, milestone).await;
    let path = format!("/api/escrow/{escrow}/release");
    let answers = join_all((0..64).map(|_| owner.http.act(&path))).await;
    let mut releases: Vec<String> = answers
        .into_iter()
        .map(|answer| {
            assert!([200, 503].contains(&answer.status), "{}", answer.body);
            answer.body["release"]["id"].as_str().unwrap_or_default().to_owned()
        })
        .filter(|id| !id.is_empty())
        .collect();
    releases.dedup();
    assert_eq!(releases.len(), 1, "every answer names the same release");
    world.milestone_is(&owner, milestone, "released").await;
    assert_eq!(world.sandbox.transfers().len(), 1);
    world.end().await;
}

#[tokio::test]
async fn an_answer_lost_after_the_effect_makes_one_transfer() {
    for kind in [FaultKind::DisconnectAfter, FaultKind::Status500After, FaultKind::DisconnectBefore, FaultKind::Status429] {
        let mut world = World::new().await;
        let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
        let contract = world.contract(&owner, &acme).await;
        let milestone = &contract.milestones[0];
        let escrow = world.fund(&owner, milestone).await;
        world.approve(&owner, &acme, milestone).await;
        // More often than the adapter repeats, so that the job itself must find out.
        world.sandbox.inject(Fault::new("POST", "/v1/transfers", kind).times(4));
        owner.http.act(&format!("/api/escrow/{escrow}/release")).await.expect(200);
        world
            .settle_until("the milestone is released", async || {
                jobs::make_due(&world.db.system_uow()).await.expect("the queue answers");
                let milestone = owner.http.get(&format!("/api/milestones/{milestone}")).await.expect(200);
                (milestone.body["status"] == "released").then_some(())
            })
            .await;
        assert_eq!(world.sandbox.transfers().len(), 1, "{kind:?}");
        assert_eq!(build14::services::doctor(&world.db.system_url().await).await.expect("the doctor comes"), [], "{kind:?}");
        // `make_due` pulled timers of the far future forward as well.
        world.leave_work();
        world.end().await;
    }
}

#[tokio::test]
async fn a_declined_card_leaves_the_milestone_to_be_funded_again() {
    let world = World::new().await;
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let contract = world.contract(&owner, &acme).await;
    let milestone = &contract.milestones[0];
    let funding = owner.http.post("/api/escrow", json!({"milestoneId": milestone})).await.expect(201);
    let declined = world.pay(&funding.text("/paymentIntent/id"), "pm_card_chargeDeclined").await;
    assert_eq!(declined["error"]["code"], "card_declined");
    world.settle().await;
    let paid: Value = world.pay(&funding.text("/paymentIntent/id"), "pm_card_bypassPending").await;
    assert_eq!(paid["status"], "succeeded", "another card does it");
    world.milestone_is(&owner, milestone, "funded").await;
    world.end().await;
}

#[tokio::test]
async fn paid_is_not_available() {
    let world = World::new().await;
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let contract = world.contract(&owner, &acme).await;
    let milestone = &contract.milestones[0];
    let funding = owner.http.post("/api/escrow", json!({"milestoneId": milestone})).await.expect(201);
    world.pay(&funding.text("/paymentIntent/id"), "pm_card_visa").await;
    let escrow = format!("/api/escrow/{}", funding.text("/escrow/id"));
    world
        .settle_until("the payment has succeeded", async || {
            let escrow = owner.http.get(&escrow).await.expect(200);
            (escrow.body["status"] == "succeeded").then_some(())
        })
        .await;
    let held = owner.http.get(&format!("/api/milestones/{milestone}")).await.expect(200);
    assert_eq!(held.text("/status"), "funding", "two days until the card's money is there");
    acme.http.post(&format!("/api/milestones/{milestone}/submit"), json!({"note": "early"})).await.expect(409);
    world.sandbox.advance(3 * 24 * 3600);
    world.milestone_is(&owner, milestone, "funded").await;
    world.end().await;
}

#[tokio::test]
async fn one_500_of_stripe_that_its_key_repeats_stops_neither_onboarding_nor_funding() {
    for kind in [FaultKind::Status500, FaultKind::Status500After] {
        let world = World::new().await;
        let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
        world.sandbox.inject(Fault::new("POST", "/v1/accounts", kind));
        world.sandbox.inject(Fault::new("POST", "/v1/payment_intents", kind));
        let contract = world.contract(&owner, &acme).await;
        world.fund(&owner, &contract.milestones[0]).await;
        let payable = world.sandbox.payment_intents().into_iter().filter(|intent| intent["status"] != "canceled").count();
        assert_eq!(payable, 1, "{kind:?}");
        world.end().await;
    }
}

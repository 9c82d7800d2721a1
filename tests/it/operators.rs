//! What an operator has to settle, and what becomes of payees that leave or cannot be made: the real routes and jobs against the sandbox.

use build14::services::Resolution;
use serde_json::json;
use stripe_sandbox::{Fault, FaultKind};

use crate::world::World;

fn by() -> kernel::Decision {
    kernel::Decision {
        operator: "Ada Lovelace".parse().expect("a name"),
        reason: Some("looked at the dashboard".parse().expect("a reason")),
    }
}

async fn healthy(world: &World) {
    assert_eq!(build14::services::doctor(&world.db.system_url().await).await.expect("the doctor comes"), []);
}

#[tokio::test]
async fn a_payee_that_leaves_the_platform_with_money_held_gets_it_at_its_new_account_and_nobody_else_does() {
    let world = World::new().await;
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let contract = world.contract(&owner, &acme).await;
    let milestone = &contract.milestones[0];
    let escrow = world.fund(&owner, milestone).await;
    world.approve(&owner, &acme, milestone).await;
    let old = world.db.query("select account from payee_accounts").await.remove(0);
    let url = format!("{}/_sandbox/accounts/{old}/deauthorize", world.sandbox.base_url());
    let left = world.anonymous().request("POST", &url).json(&json!({}));
    world.anonymous().send(left).await.expect(200);
    world
        .settle_until("its account is closed", async || {
            let payee = acme.http.get("/api/payee-account").await.expect(200);
            (payee.body["status"] == "closed").then_some(())
        })
        .await;
    let stands = async || {
        let seen = owner.http.get(&format!("/api/contracts/{}", contract.id)).await.expect(200);
        (seen.text("/status"), seen.text("/milestones/0/status"))
    };
    assert_eq!(stands().await, ("suspended".to_owned(), "approved".to_owned()));
    let release = async || owner.http.act(&format!("/api/escrow/{escrow}/release")).await;
    release().await.expect(409);
    owner.http.post("/api/escrow", json!({"milestoneId": contract.milestones[1]})).await.expect(409);
    world.settle().await;
    assert!(world.sandbox.transfers().is_empty(), "to nobody");

    world.onboard(&acme).await;
    world.settle().await;
    assert_eq!(stands().await.0, "active");
    release().await.expect(200);
    world.milestone_is(&owner, milestone, "released").await;
    let new = world.db.query("select account from payee_accounts").await.remove(0);
    assert_ne!(new, old);
    let transfers = world.sandbox.transfers();
    assert_eq!(transfers.iter().map(|transfer| &transfer["destination"]).collect::<Vec<_>>(), [&json!(new)]);
    healthy(&world).await;
    world.end().await;
}

#[tokio::test]
async fn an_account_whose_making_failed_is_made_once() {
    for kind in [FaultKind::Status500, FaultKind::Status500After, FaultKind::DisconnectBefore, FaultKind::DisconnectAfter] {
        let world = World::new().await;
        let acme = world.register("Acme").await;
        world.sandbox.inject(Fault::new("POST", "/v1/accounts", kind));
        let first = acme.http.act("/api/payee-account").await;
        assert!([200, 502, 503].contains(&first.status), "{kind:?}: {}", first.body);
        world.onboard(&acme).await;
        let made = world.sandbox.accounts();
        let known = world.db.query("select account || ' ' || status from payee_accounts").await;
        let usable = made.iter().filter(|account| known[0] == format!("{} active", account["id"].as_str().expect("an id")));
        assert_eq!(
            (usable.count(), made.len(), known.len()),
            (1, 1, 1),
            "{kind:?}: one account, and it is the one that is known"
        );
        world.end().await;
    }
}

/// A release that nobody knows the end of, past the day for which its key lives.
async fn unknown(world: &World, fault: FaultKind) -> (crate::world::Party, String, escrow_api::ReleaseId) {
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let contract = world.contract(&owner, &acme).await;
    let escrow = world.fund(&owner, &contract.milestones[0]).await;
    world.approve(&owner, &acme, &contract.milestones[0]).await;
    world.sandbox.inject(Fault::new("POST", "/v1/transfers", fault));
    let release = owner.http.act(&format!("/api/escrow/{escrow}/release")).await.expect(200).text("/release/id");
    // What would tell of the transfer does not come.
    let hold = world.anonymous().request("POST", &format!("{}/_sandbox/webhooks", world.sandbox.base_url()));
    world.anonymous().send(hold.json(&json!({"hold": true}))).await.expect(200);
    world
        .settle_until("nobody knows", async || (world.db.query("select status from releases").await == ["unknown"]).then_some(()))
        .await;
    world
        .db
        .run_sql(
            "set session_replication_role = replica; delete from graphile_worker._private_jobs;
             update releases set maybe_sent_at = maybe_sent_at - interval '25 hours'",
        )
        .await;
    (owner, escrow, release.parse().expect("an id"))
}

#[tokio::test]
async fn a_release_that_was_sent_is_settled_with_its_transfer_and_with_no_other_word() {
    let mut world = World::new().await;
    world.leave_work();
    let (_, _, release) = unknown(&world, FaultKind::DisconnectAfter).await;
    let settle = async |what: Resolution| world.services.resolve_release(release, &what, &by()).await;
    let transfer = world.sandbox.transfers()[0]["id"].as_str().expect("an id").to_owned();
    settle(Resolution::NotSent).await.expect_err("the provider has it");
    settle(Resolution::Sent("tr_invented".to_owned())).await.expect_err("the provider does not know it");
    assert_eq!(world.db.query("select status from releases").await, ["unknown"]);
    let settled = settle(Resolution::Sent(transfer.clone())).await.expect("settles");
    assert_eq!((settled.status.name(), settled.transfer.as_deref()), ("sent", Some(transfer.as_str())));
    settle(Resolution::NotSent).await.expect_err("it is settled");
    assert_eq!(world.sandbox.transfers().len(), 1);
    assert_eq!(world.db.query("select resolved_by from releases").await, ["Ada Lovelace"]);
    healthy(&world).await;
}

#[tokio::test]
async fn one_that_was_not_sent_is_void_and_released_anew_once() {
    let mut world = World::new().await;
    world.leave_work();
    let (owner, escrow, release) = unknown(&world, FaultKind::DisconnectBefore).await;
    assert!(world.sandbox.transfers().is_empty());
    let settle = async |what: Resolution| world.services.resolve_release(release, &what, &by()).await;
    settle(Resolution::Sent("tr_invented".to_owned())).await.expect_err("there is none");
    assert_eq!(settle(Resolution::NotSent).await.expect("settles").status.name(), "failed");
    settle(Resolution::NotSent).await.expect_err("it is settled");
    owner.http.act(&format!("/api/escrow/{escrow}/release")).await.expect(200);
    world
        .settle_until("it is sent", async || {
            (world.db.query("select status from releases order by seq").await == ["failed", "sent"]).then_some(())
        })
        .await;
    assert_eq!(world.sandbox.transfers().len(), 1);
}

#[tokio::test]
async fn tries_of_an_account_stay_limited_where_rate_limits_are_off() {
    let world = World::new().await;
    let (ada, bob) = (world.register("Ada").await, world.register("Bob").await);
    let sign_in = async |email: &str, password: &str| {
        world.anonymous().post("/api/auth/login", json!({"email": email, "password": password})).await
    };
    for _ in 0..10 {
        sign_in(&ada.email, "not the password").await.expect(401);
    }
    let limited = sign_in(&ada.email, crate::world::PASSWORD).await;
    assert!(limited.header("retry-after").parse::<u64>().expect("seconds") > 0);
    assert_eq!(limited.problem(429, "RATE_LIMITED").text("/limit"), "attempts", "the right one has to wait as well");
    sign_in(&bob.email, crate::world::PASSWORD).await.expect(200);
    world.end().await;
}

//! The main job of the product: from sign-up to a released milestone.

use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn from_sign_up_to_a_released_milestone() {
    let world = World::new().await;
    let (owner, acme, stone) =
        (world.register("Villa Developments").await, world.register("Acme").await, world.register("Stone").await);
    world.onboard(&acme).await;
    let tender = world.tender(&owner).await;
    let bid = world.bid(&acme, &tender, "10.00").await;
    world.bid(&stone, &tender, "11.00").await;

    // Sealed: not a row, not a count, for the owner; its own for each bidder.
    let sealed = owner.http.get(&format!("/api/tenders/{}/bids", tender.id)).await.expect(200);
    let seen: Vec<&String> = sealed.body.as_object().expect("an object").keys().collect();
    assert_eq!(seen, ["data", "nextCursor", "sealed", "serverTime"], "nothing else, above all no count");
    assert_eq!(
        (&sealed.body["data"], &sealed.body["sealed"], &sealed.body["nextCursor"]),
        (&json!([]), &json!(true), &json!(null))
    );
    owner.http.get(&format!("/api/bids/{bid}")).await.problem(404, "NOT_FOUND");
    stone.http.get(&format!("/api/bids/{bid}")).await.problem(404, "NOT_FOUND");
    owner.http.act(&format!("/api/tenders/{}/open", tender.id)).await.expect(409);

    world.open(&owner, &tender).await;
    let opened = owner.http.get(&format!("/api/tenders/{}/bids", tender.id)).await.expect(200);
    // 100 × 10 + 40.5 × 10 + 1 × 10 + the provisional sum of 250 = 1665; the option does not count.
    assert_eq!(totals(&opened.body), [("1665.00".to_owned(), 1), ("1806.50".to_owned(), 2)]);

    let awarded = owner.http.post(&format!("/api/tenders/{}/award", tender.id), json!({"bidId": bid})).await.expect(200);
    let contract = awarded.text("/contract/id");
    stone.http.get(&format!("/api/contracts/{contract}")).await.problem(404, "NOT_FOUND");
    for party in [&owner, &acme] {
        let shown = party.http.get(&format!("/api/contracts/{contract}")).await.expect(200);
        let body = json!({"sha256": shown.text("/documentSha256")});
        party.http.post(&format!("/api/contracts/{contract}/sign"), body).await.expect(200);
    }
    world.settle().await;
    let shown = owner.http.get(&format!("/api/contracts/{contract}")).await.expect(200);
    assert_eq!((shown.text("/status"), shown.text("/total/amount")), ("active".to_owned(), "1665.00".to_owned()));
    for n in 0..3 {
        for part in ["id", "status"] {
            let pointer = format!("/milestones/{n}/{part}");
            assert_eq!(awarded.text(&format!("/contract{pointer}")), shown.text(&pointer), "the award names what can be funded");
        }
    }
    let amounts: Vec<_> = (0..3).map(|n| shown.text(&format!("/milestones/{n}/amount/amount"))).collect();
    assert_eq!(amounts, ["666.00", "582.75", "416.25"]);
    let tender_now = owner.http.get(&format!("/api/tenders/{}", tender.id)).await.expect(200);
    assert_eq!(tender_now.text("/status"), "complete");

    let milestone = shown.text("/milestones/0/id");
    let escrow = world.fund(&owner, &milestone).await;
    world.approve(&owner, &acme, &milestone).await;
    let released = owner.http.act(&format!("/api/escrow/{escrow}/release")).await.expect(200);
    let part = |name: &str| released.text(&format!("/release/{name}/amount"));
    assert_eq!((part("gross"), part("fee"), part("net")), ("666.00".to_owned(), "16.65".to_owned(), "649.35".to_owned()));
    world.milestone_is(&owner, &milestone, "released").await;

    let statement = owner.http.get(&format!("/api/contracts/{contract}/statement")).await.expect(200);
    let theirs = acme.http.get(&format!("/api/contracts/{contract}/statement")).await.expect(200);
    assert_eq!(statement.body["transactions"], theirs.body["transactions"]);
    let kinds: Vec<_> =
        statement.body["transactions"].as_array().into_iter().flatten().map(|t| t["kind"].as_str().unwrap_or_default()).collect();
    assert_eq!(kinds, ["payment_received", "processing_fee_kept", "funds_available", "release_reserved", "release_sent"]);
    for party in [&owner, &acme] {
        let verified = party.http.get("/api/audit/verify").await.expect(200);
        assert_eq!(verified.body["valid"], true, "{}", verified.body);
    }
    assert_eq!(build14::services::doctor(&world.db.system_url().await).await.expect("the doctor comes"), []);
    world.end().await;
}

fn totals(bids: &Value) -> Vec<(String, i64)> {
    let bids = bids["data"].as_array().into_iter().flatten();
    let mut totals: Vec<_> = bids
        .map(|bid| (bid["total"]["amount"].as_str().unwrap_or_default().to_owned(), bid["rank"].as_i64().unwrap_or_default()))
        .collect();
    totals.sort_by_key(|(_, rank)| *rank);
    totals
}

#[tokio::test]
async fn the_last_member_does_not_leave_an_organisation_with_live_business() {
    let world = World::new().await;
    let (owner, acme, free) =
        (world.register("Villa Developments").await, world.register("Acme").await, world.register("Free").await);
    let tender = world.tender(&owner).await;
    let refused = owner.http.delete("/api/user").await.problem(409, "ORGANIZATION_IN_USE");
    assert!(
        refused.text("/detail").contains(&format!("the tender \"Construction\" ({}, published)", tender.id)),
        "{}",
        refused.body
    );
    owner.http.post(&format!("/api/tenders/{}/cancel", tender.id), json!({"reason": "No demand"})).await.expect(200);

    let contract = world.contract(&owner, &acme).await;
    for party in [&owner, &acme] {
        let refused = party.http.delete("/api/user").await.problem(409, "ORGANIZATION_IN_USE");
        assert!(refused.text("/detail").contains(&format!("the contract {} (active)", contract.id)), "{}", refused.body);
    }
    free.http.delete("/api/user").await.expect(204);
    world.end().await;
}

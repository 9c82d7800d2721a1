//! Leaving across domains: what binds is named, what others must prove stays to the cent, what was one's own alone is gone.

use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn what_others_must_prove_stays_to_the_cent_when_an_organisation_is_forgotten() {
    let world = World::with(&[("BUILD14__LEAVING__GRACE", "0s")]).await;
    let (owner, acme) = (world.register("Villa Developments").await, world.register("Acme").await);
    let contract = world.contract(&owner, &acme).await;
    for party in [&owner, &acme] {
        let refused = party.http.delete("/api/organization").await.problem(409, "ORGANIZATION_IN_USE");
        assert!(refused.text("/detail").contains(&format!("the contract {} (active)", contract.id)), "{}", refused.body);
    }
    for milestone in &contract.milestones {
        let escrow = world.fund(&owner, milestone).await;
        world.approve(&owner, &acme, milestone).await;
        owner.http.act(&format!("/api/escrow/{escrow}/release")).await.expect(200);
        world.milestone_is(&owner, milestone, "released").await;
    }
    owner.http.act(&format!("/api/contracts/{}/complete", contract.id)).await.expect(200);
    world.settle().await;
    owner.http.post("/api/projects", json!({"name": "Never tendered", "currency": "EUR"})).await.expect(201);

    let (agreed, statement) = (format!("/api/contracts/{}", contract.id), format!("/api/contracts/{}/statement", contract.id));
    let before = (acme.http.get(&agreed).await.expect(200).body, acme.http.get(&statement).await.expect(200).body);
    let ledger = "select string_agg(e::text, '|' order by e::text) from ledger_entries e";
    let posted = world.db.query(ledger).await;
    let trails = "select string_agg(l::text, '|' order by l.org_id, l.sequence) from audit_links l where l.org_id = ";
    let trail = world.db.query(&format!("{trails}'{}'", acme.org)).await;
    owner.http.delete("/api/organization").await.expect(204);
    assert_eq!(owner.http.get("/api/user").await.status, 401);

    let after = (acme.http.get(&agreed).await.expect(200).body, acme.http.get(&statement).await.expect(200).body);
    assert_eq!(after, before, "the other party sees what it saw");
    assert_eq!(world.db.query(ledger).await, posted, "no posting changed");
    assert_eq!(world.db.query(&format!("{trails}'{}'", acme.org)).await, trail, "nor a link of its trail");
    let left = format!(
        "select name || ' ' || (select count(*) from memberships m where m.org_id = o.org_id)
        || ' ' || (select count(*) from projects p where p.org_id = o.org_id) from organizations o where org_id = '{}'",
        owner.org
    );
    assert_eq!(
        world.db.query(&left).await,
        ["Villa Developments 0 1"],
        "its name and what was tendered, nobody and nothing else"
    );
    let verified = acme.http.get("/api/audit/verify").await.expect(200);
    assert_eq!(verified.body["valid"], true);
    assert_eq!(
        build14::services::doctor(&world.db.system_url().await).await.expect("the doctor comes"),
        [],
        "every chain, every sum"
    );

    acme.http.delete("/api/organization").await.expect(204);
    assert_eq!(build14::services::doctor(&world.db.system_url().await).await.expect("the doctor comes"), [], "of both");
    let sum = "select coalesce(sum(minor), 0) from (select sum(amount) as minor from ledger_entries group by currency) s where minor <> 0";
    assert_eq!(world.db.query(sum).await, ["0"]);
    world.end().await;
}

#[tokio::test]
async fn an_organisation_with_a_live_bid_does_not_leave() {
    let world = World::new().await;
    let (owner, contractor) = (world.register("Owner").await, world.register("Contractor").await);
    let tender = world.tender(&owner).await;
    let bid = world.bid(&contractor, &tender, "12.00").await;
    let refused = contractor.http.delete("/api/organization").await.problem(409, "ORGANIZATION_IN_USE");
    assert!(
        refused.text("/detail").contains(&format!("the bid for the tender \"Construction\" ({})", tender.id)),
        "{}",
        refused.body
    );
    contractor.http.delete(&format!("/api/bids/{bid}")).await.expect(200);
    contractor.http.delete("/api/organization").await.expect(204);
    world.end().await;
}

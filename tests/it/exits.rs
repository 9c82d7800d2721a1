//! What cannot go on has an exit: contracts end by agreement, awards fall.

use serde_json::json;

use crate::world::{Party, World};

impl World {
    /// Two bids of which the first was awarded: the tender, the contract, the bids.
    async fn awarded(&self, owner: &Party, first: &Party, second: &Party) -> (String, String, [String; 2]) {
        let tender = self.tender(owner).await;
        let bids = [self.bid(first, &tender, "10.00").await, self.bid(second, &tender, "11.00").await];
        self.open(owner, &tender).await;
        let awarded = owner.http.post(&format!("/api/tenders/{}/award", tender.id), json!({"bidId": bids[0]})).await.expect(200);
        (format!("/api/tenders/{}", tender.id), format!("/api/contracts/{}", awarded.text("/contract/id")), bids)
    }

    async fn trail(&self, of: &Party, action: &str) -> usize {
        let sql = format!("select count(*) from audit_entries where org_id = '{}' and action = '{action}'", of.org);
        self.db.query(&sql).await[0].parse().expect("a number")
    }

    async fn healthy(&self, parties: &[&Party]) {
        for party in parties {
            assert_eq!(party.http.get("/api/audit/verify").await.expect(200).body["valid"], true);
        }
        assert_eq!(build14::services::doctor(&self.db.system_url().await).await.expect("the doctor comes"), []);
    }
}

#[tokio::test]
async fn a_contract_ends_by_agreement_and_its_tender_is_repeated() {
    let mut world = World::new().await;
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let contract = world.contract(&owner, &acme).await;
    let path = format!("/api/contracts/{}", contract.id);
    let (terminate, withdraw) = (format!("{path}/terminate"), format!("{path}/withdraw-termination"));
    let why = json!({"reason": "The site cannot be built on"});

    let none = owner.http.post(&terminate, json!({})).await.problem(422, "INVALID");
    assert_eq!(none.faults(), ["/reason REQUIRED"]);
    let proposed = owner.http.post(&terminate, why.clone()).await.expect(202);
    assert_eq!((proposed.text("/status"), proposed.text("/termination/party")), ("active".to_owned(), "owner".to_owned()));
    owner.http.post(&terminate, json!({"reason": "Another"})).await.expect(202);
    assert_eq!(acme.http.get(&path).await.expect(200).text("/termination/reason"), "The site cannot be built on");
    acme.http.act(&withdraw).await.problem(409, "STATE_CONFLICT");
    assert!(owner.http.act(&withdraw).await.expect(200).body["termination"].is_null());
    owner.http.act(&withdraw).await.problem(409, "STATE_CONFLICT");
    acme.http.post(&terminate, why.clone()).await.expect(202);

    // A payment that was started and not made stands in nobody's way, and can be made no more.
    let funding = owner.http.post("/api/escrow", json!({"milestoneId": contract.milestones[0]})).await.expect(201);
    let over = owner.http.act(&terminate).await.expect(200);
    assert_eq!((over.text("/status"), over.text("/termination/agreedBy")), ("terminated".to_owned(), owner.user.clone()));
    assert_eq!(over.text("/cancelReason"), "The site cannot be built on");
    for n in 0..3 {
        assert_eq!(over.text(&format!("/milestones/{n}/status")), "cancelled");
    }
    let late = world.pay(&funding.text("/paymentIntent/id"), "pm_card_bypassPending").await;
    assert_eq!(late["error"]["code"], "payment_intent_unexpected_state", "{late}");
    owner.http.post("/api/escrow", json!({"milestoneId": contract.milestones[1]})).await.problem(409, "STATE_CONFLICT");
    acme.http.post(&terminate, why).await.problem(409, "STATE_CONFLICT");
    for party in [&owner, &acme] {
        assert_eq!(
            (world.trail(party, "contracts.propose_termination").await, world.trail(party, "contracts.terminate").await),
            (2, 1)
        );
    }

    world.settle().await;
    let tender = format!("/api/tenders/{}", over.text("/tenderId"));
    assert_eq!(owner.http.get(&tender).await.expect(200).text("/status"), "unsuccessful");
    let again = json!({"submissionDeadline": world.instant(7200).await});
    owner.http.post(&format!("{tender}/retender"), again).await.expect(201);
    world.healthy(&[&owner, &acme]).await;
    world.leave_work();
    world.end().await;
}

#[tokio::test]
async fn a_contract_whose_money_is_held_does_not_end() {
    let world = World::new().await;
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let contract = world.contract(&owner, &acme).await;
    let terminate = format!("/api/contracts/{}/terminate", contract.id);
    let why = json!({"reason": "No demand"});
    acme.http.post(&terminate, why.clone()).await.expect(202);
    let escrow = world.fund(&owner, &contract.milestones[0]).await;
    let held = owner.http.post(&terminate, why.clone()).await.problem(409, "MONEY_HELD");
    let said = "milestone 1 (Structure) is funded and 666.00 EUR are held for it: release or refund them first";
    assert!(held.text("/detail").contains(said), "{}", held.body);
    world.approve(&owner, &acme, &contract.milestones[0]).await;
    owner.http.post(&terminate, why.clone()).await.problem(409, "MONEY_HELD");
    owner.http.act(&format!("/api/escrow/{escrow}/release")).await.expect(200);
    world.milestone_is(&owner, &contract.milestones[0], "released").await;
    // What was done is paid; the rest is not to be done.
    let over = owner.http.act(&terminate).await.expect(200);
    let states: Vec<_> = (0..3).map(|n| over.text(&format!("/milestones/{n}/status"))).collect();
    assert_eq!(
        (over.text("/status"), states),
        ("terminated".to_owned(), ["released", "cancelled", "cancelled"].map(str::to_owned).into())
    );
    world.settle().await;
    world.healthy(&[&owner, &acme]).await;
    world.end().await;
}

#[tokio::test]
async fn funding_and_the_end_of_a_contract_exclude_each_other() {
    let world = World::new().await;
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    for _ in 0..3 {
        let contract = world.contract(&owner, &acme).await;
        let terminate = format!("/api/contracts/{}/terminate", contract.id);
        acme.http.post(&terminate, json!({"reason": "No demand"})).await.expect(202);
        let fund = async |n: usize| owner.http.post("/api/escrow", json!({"milestoneId": contract.milestones[n]})).await;
        let (ended, one, two) = futures::join!(owner.http.act(&terminate), fund(0), fund(1));
        let live = format!(
            "select count(*) from payments where contract_id = '{}' and status in ('created', 'requires_action', 'processing')",
            contract.id
        );
        let live = world.db.query(&live).await.remove(0);
        let status = owner.http.get(&format!("/api/contracts/{}", contract.id)).await.expect(200).text("/status");
        match ended.status {
            200 => assert_eq!((status.as_str(), live.as_str()), ("terminated", "0"), "{} {}", one.body, two.body),
            409 => assert_eq!(status, "active", "{}", ended.body),
            other => panic!("{other}: {}", ended.body),
        }
        for funding in [one, two] {
            assert!([201, 409].contains(&funding.status), "{}", funding.body);
        }
    }
    world.settle().await;
    world.end().await;
}

#[tokio::test]
async fn a_contract_in_signing_ends_by_agreement_of_two_persons() {
    let world = World::new().await;
    let (owner, acme, stone) = (world.register("Owner").await, world.register("Acme").await, world.register("Stone").await);
    let (tender, contract, _) = world.awarded(&owner, &acme, &stone).await;
    let terminate = format!("{contract}/terminate");
    let why = json!({"reason": "We agree that it is too much"});
    stone.http.post(&terminate, why.clone()).await.problem(404, "NOT_FOUND");
    let member = world.colleague(&owner, "member").await;
    member.http.post(&terminate, why.clone()).await.problem(403, "PERMISSION_DENIED");
    acme.http.post(&terminate, why).await.expect(202);
    // Somebody of both parties agrees with themselves to nothing.
    let double = world.colleague(&acme, "admin").await;
    world.joins(&double, &owner, "admin").await;
    let switched = double.http.post("/api/auth/switch-organization", json!({"organizationId": owner.org})).await.expect(200);
    world.anonymous().with_token(&switched.text("/accessToken")).act(&terminate).await.problem(409, "SAME_PERSON");
    let over = owner.http.act(&terminate).await.expect(200);
    assert_eq!(over.text("/status"), "cancelled");
    world.settle().await;
    let now = owner.http.get(&tender).await.expect(200);
    assert_eq!((now.text("/status"), &now.body["contractId"]), ("evaluation".to_owned(), &json!(null)));
    owner.http.post(&format!("{tender}/cancel"), json!({"reason": "No demand"})).await.expect(200);
    world.healthy(&[&owner, &acme]).await;
    world.end().await;
}

#[tokio::test]
async fn the_winner_refuses_and_the_next_is_awarded() {
    let world = World::new().await;
    let (owner, acme, stone) = (world.register("Owner").await, world.register("Acme").await, world.register("Stone").await);
    let (tender, contract, bids) = world.awarded(&owner, &acme, &stone).await;
    let refuse = |bid: &str| format!("/api/bids/{bid}/refuse-award");
    let why = json!({"reason": "No capacity any more"});
    stone.http.post(&refuse(&bids[1]), why.clone()).await.problem(409, "STATE_CONFLICT");
    owner.http.post(&refuse(&bids[0]), why.clone()).await.problem(404, "NOT_FOUND");
    acme.http.post(&refuse(&bids[0]), json!({"reason": " "})).await.problem(422, "INVALID");
    for _ in 0..2 {
        assert_eq!(acme.http.post(&refuse(&bids[0]), why.clone()).await.expect(200).text("/status"), "forfeited");
    }
    let cancelled = owner.http.get(&contract).await.expect(200);
    assert_eq!(
        (cancelled.text("/status"), cancelled.text("/cancelReason")),
        ("cancelled".to_owned(), "No capacity any more".to_owned())
    );
    assert_eq!(owner.http.get(&tender).await.expect(200).text("/status"), "evaluation");
    for party in [&owner, &acme] {
        assert_eq!(world.trail(party, "bids.refuse_award").await, 1);
    }
    let told = world.db.query("select payload ->> 'forfeited' from outbox where kind = 'tenders.award_fell'").await;
    assert_eq!(told, ["true"]);
    owner.http.post(&format!("{tender}/award"), json!({"bidId": bids[0]})).await.problem(409, "STATE_CONFLICT");
    let next = owner.http.post(&format!("{tender}/award"), json!({"bidId": bids[1]})).await.expect(200);
    assert_eq!(next.text("/contract/status"), "signing");
    world.settle().await;
    world.healthy(&[&owner, &acme, &stone]).await;
    world.end().await;
}

#[tokio::test]
async fn an_award_that_is_not_signed_in_time_falls_and_one_in_force_does_not() {
    let mut world = World::with(&[("BUILD14__TENDERS__SIGNATURE_PERIOD", "1h")]).await;
    let (owner, acme, stone) = (world.register("Owner").await, world.register("Acme").await, world.register("Stone").await);
    world.onboard(&acme).await;
    let (tender, contract, bids) = world.awarded(&owner, &acme, &stone).await;
    assert!(acme.http.get(&tender).await.expect(200).body["signBy"].is_string());
    world.advance(std::time::Duration::from_secs(3_601)).await;
    jobs::make_due(&world.db.system_uow()).await.expect("the queue answers");
    world.settle().await;
    assert_eq!(owner.http.get(&tender).await.expect(200).text("/status"), "evaluation");
    assert_eq!(acme.http.get(&format!("/api/bids/{}", bids[0])).await.expect(200).text("/status"), "forfeited");
    assert_eq!(owner.http.get(&contract).await.expect(200).text("/status"), "cancelled");
    for party in [&owner, &acme] {
        assert_eq!(world.trail(party, "tenders.award_falls").await, 1);
    }

    let active = world.contract(&owner, &acme).await;
    world.advance(std::time::Duration::from_secs(3_601)).await;
    jobs::make_due(&world.db.system_uow()).await.expect("the queue answers");
    world.settle().await;
    let active = owner.http.get(&format!("/api/contracts/{}", active.id)).await.expect(200);
    assert_eq!(active.text("/status"), "active");
    let cancel = format!("/api/tenders/{}/cancel-award", active.text("/tenderId"));
    owner.http.post(&cancel, json!({"reason": "Late"})).await.problem(409, "STATE_CONFLICT");
    world.healthy(&[&owner, &acme, &stone]).await;
    world.leave_work();
    world.end().await;
}

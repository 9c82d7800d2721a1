//! Money that leaves, or comes back, at the provider without us: the real routes, jobs and commands against the sandbox.

use serde_json::{Value, json};

use crate::world::World;

/// What somebody does at the provider's dashboard.
async fn at_stripe(world: &World, path: &str, form: &str) -> Value {
    let request = world
        .anonymous()
        .request("POST", &format!("{}{path}", world.sandbox.base_url()))
        .bearer_auth("sk_test_sandbox")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.to_owned());
    let answer = world.anonymous().send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

async fn sweep(world: &World) {
    assert_eq!(jobs::run_sweep(&world.services.registry(), "escrow.sweep").await, Ok(true));
}

async fn open_alarms(world: &World) -> Vec<String> {
    world.db.query("select kind || ' ' || object_id from alarms where settled_at is null order by raised_at, kind").await
}

fn by() -> kernel::Decision {
    kernel::Decision {
        operator: "Ada Lovelace".parse().expect("a name"),
        reason: Some("looked at it".parse().expect("a reason")),
    }
}

#[tokio::test]
async fn a_payout_of_everything_stops_its_currency_until_the_money_is_back() {
    let world = World::new().await;
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let contract = world.contract(&owner, &acme).await;
    let escrow = world.fund(&owner, &contract.milestones[0]).await;
    world.approve(&owner, &acme, &contract.milestones[0]).await;
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, [""; 0]);

    let all: i64 = world
        .sandbox
        .balance_transactions()
        .iter()
        .filter(|t| t["currency"] == "eur")
        .map(|t| t["net"].as_i64().expect("an amount"))
        .sum();
    let held: i64 = world.db.query("select sum(balance) from ledger_balances where account in (1000, 1010)").await[0]
        .parse()
        .expect("a number");
    assert_eq!(all, held, "the books are right");
    let payout =
        at_stripe(&world, "/v1/payouts", &format!("amount={all}&currency=eur")).await["id"].as_str().expect("an id").to_owned();
    world
        .settle_until("the payout stops the money, without a sweep", async || {
            (open_alarms(&world).await.len() == 2).then_some(())
        })
        .await;
    assert_eq!(open_alarms(&world).await, [format!("payout {payout}"), "balance_short EUR".to_owned()]);
    let second = json!({"milestoneId": contract.milestones[1]});
    owner.http.post("/api/escrow", second.clone()).await.problem(503, "COVERAGE_SHORT");
    let waits = owner.http.act(&format!("/api/escrow/{escrow}/release")).await.expect(200);
    assert_eq!(waits.body["release"]["status"], "sending");
    world.settle().await;
    sweep(&world).await;
    world.settle().await;
    assert!(world.sandbox.transfers().is_empty());
    let short = "select string_agg(currency, ',') from platform_coverage where app.coverage_is_short(currency)";
    assert_eq!(world.db.query(short).await, ["EUR"]);

    world.sandbox.top_up(all, "eur");
    sweep(&world).await;
    // The payout itself a person has yet to look at.
    assert_eq!(open_alarms(&world).await, [format!("payout {payout}")]);
    world.milestone_is(&owner, &contract.milestones[0], "released").await;
    owner.http.post("/api/escrow", second).await.expect(201);
    world.end().await;
}

#[tokio::test]
async fn a_reversed_transfer_stops_its_contract_and_no_other_until_it_is_settled() {
    let world = World::new().await;
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let contract = world.contract(&owner, &acme).await;
    let milestone = &contract.milestones[0];
    let escrow = world.fund(&owner, milestone).await;
    world.approve(&owner, &acme, milestone).await;
    let release = owner.http.act(&format!("/api/escrow/{escrow}/release")).await.expect(200).text("/release/id");
    world.milestone_is(&owner, milestone, "released").await;
    let transfer = world.sandbox.transfers()[0]["id"].as_str().expect("an id").to_owned();

    at_stripe(&world, &format!("/v1/transfers/{transfer}/reversals"), "amount=10000").await;
    let shown = async |status: &str, amount: &str| {
        world
            .settle_until(&format!("the release is {status}"), async || {
                let escrow = acme.http.get(&format!("/api/escrow/{escrow}")).await.expect(200);
                (escrow.text("/release/status") == status).then_some(escrow.text("/release/reversed/amount"))
            })
            .await
            == amount
    };
    assert!(shown("part_reversed", "100.00").await);
    owner.http.post("/api/escrow", json!({"milestoneId": contract.milestones[1]})).await.problem(409, "STATE_CONFLICT");
    let found = build14::services::doctor(&world.db.system_url().await).await.expect("the doctor comes");
    assert_eq!(found.iter().map(|finding| finding.rule).collect::<Vec<_>>(), ["ALARM"], "one line for it");
    // Another contract is not concerned.
    let other = world.contract(&world.register("Other").await, &world.register("Builder").await).await;
    sweep(&world).await;
    assert_eq!(open_alarms(&world).await, [format!("transfer_reversed {release}")], "money that is back is no shortfall");
    drop(other);

    at_stripe(&world, &format!("/v1/transfers/{transfer}/reversals"), "").await;
    assert!(shown("reversed", "649.35").await);
    let id: uuid::Uuid = release.parse().expect("an id");
    world.services.settle_reversal(id.into(), &build14::services::Settlement::HeldAgain, &by()).await.expect("settles");
    let milestone_now = owner.http.get(&format!("/api/milestones/{milestone}")).await.expect(200);
    assert_eq!((milestone_now.text("/status"), milestone_now.text("/held/amount")), ("funded".to_owned(), "666.00".to_owned()));
    owner.http.post("/api/escrow", json!({"milestoneId": contract.milestones[1]})).await.expect(201);
    for party in [&owner, &acme] {
        let trail = party.http.get("/api/audit").await.expect(200);
        let told = trail.body["data"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|entry| entry["action"] == "escrow.reversal_settled")
            .count();
        assert_eq!(told, 1, "{}", trail.body);
        assert_eq!(party.http.get("/api/audit/verify").await.expect(200).body["valid"], true);
    }
    assert_eq!(build14::services::doctor(&world.db.system_url().await).await.expect("the doctor comes"), []);
    world.end().await;
}

#[tokio::test]
async fn what_was_paid_twice_is_given_back_by_a_command_and_both_parties_are_told() {
    let world = World::new().await;
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let contract = world.contract(&owner, &acme).await;
    let escrow = world.fund(&owner, &contract.milestones[0]).await;
    let card = "currency=eur&payment_method=pm_card_bypassPending&confirm=true";
    at_stripe(&world, "/v1/payment_intents", &format!("amount=50000&{card}&metadata[payment_id]={escrow}")).await;
    let waits = "select id from payments where status = 'suspense'";
    let second = world.settle_until("it waits in suspense", async || world.db.query(waits).await.pop()).await;
    sweep(&world).await;
    let mut kinds = world.db.query("select kind from alarms where settled_at is null order by kind").await;
    assert_eq!(kinds, ["coverage_short", "payment_in_suspense", "payment_twice"], "its fee is within the reserve");

    let id: uuid::Uuid = second.parse().expect("an id");
    let given = world.services.refund_suspense(id.into(), &by()).await.expect("gives back");
    assert_eq!((given.refunds.len(), given.waiting.minor()), (1, 0));
    world.settle().await;
    sweep(&world).await;
    let refunds = world.sandbox.refunds();
    assert_eq!((refunds.len(), &refunds[0]["amount"], &refunds[0]["id"]), (1, &json!(50_000), &json!(given.refunds[0])));
    kinds = world.db.query("select kind from alarms where settled_at is null order by kind").await;
    assert_eq!(kinds, ["coverage_short", "payment_twice"]);
    assert_eq!(world.db.query("select sum(balance) from ledger_balances where account = 2090").await, ["0"]);
    world.services.refund_suspense(id.into(), &by()).await.expect_err("nothing waits any more");
    for party in [&owner, &acme] {
        let trail = party.http.get("/api/audit?action=escrow.suspense_refunded").await.expect(200);
        let told = trail.body["data"].as_array().cloned().unwrap_or_default();
        assert_eq!(told.len(), 1, "{}", trail.body);
        assert_eq!(
            (&told[0]["after"]["operator"], &told[0]["after"]["reason"]),
            (&json!("Ada Lovelace"), &json!("looked at it"))
        );
        assert_eq!(party.http.get("/api/audit/verify").await.expect(200).body["valid"], true);
    }
    let found = build14::services::doctor(&world.db.system_url().await).await.expect("the doctor comes");
    assert_eq!(found.iter().map(|finding| finding.rule).collect::<Vec<_>>(), ["ALARM", "ALARM"]);
    world.end().await;
}

//! A dispute at Stripe, over sockets: told by webhook or by nobody, before or after the money is available, before or after approval.

use serde_json::{Value, json};

use crate::world::{Party, World};

impl World {
    /// What the payer's bank, the card's network or Radar does.
    async fn befall(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/_sandbox/{path}", self.sandbox.base_url());
        let request = self.anonymous().request("POST", &url).json(&body);
        self.anonymous().send(request).await.expect(200).body
    }

    async fn charge_of(&self, escrow: &str) -> String {
        self.db.query(&format!("select charge from payments where id = '{escrow}'")).await.remove(0)
    }

    async fn frozen(&self, party: &Party, milestone: &str) -> Option<Value> {
        let seen = party.http.get(&format!("/api/milestones/{milestone}")).await.expect(200);
        (seen.body["frozen"] == true).then(|| seen.body["holds"].clone())
    }

    async fn open_alarms(&self) -> Vec<String> {
        self.db.query("select kind from alarms where settled_at is null order by kind").await
    }
}

/// A contract whose first milestone is paid with `method`; its escrow.
async fn paid(world: &World, method: &str) -> (Party, Party, String, String) {
    let (owner, contractor) = (world.register("Owner").await, world.register("Builder").await);
    let contract = world.contract(&owner, &contractor).await;
    let milestone = contract.milestones[0].clone();
    let funding = owner.http.post("/api/escrow", json!({"milestoneId": milestone})).await.expect(201);
    world.pay(&funding.text("/paymentIntent/id"), method).await;
    let escrow = funding.text("/escrow/id");
    world
        .settle_until("it is paid", async || {
            let seen = owner.http.get(&format!("/api/escrow/{escrow}")).await.expect(200);
            matches!(seen.body["status"].as_str(), Some("succeeded" | "available")).then_some(())
        })
        .await;
    (owner, contractor, milestone, escrow)
}

#[tokio::test]
async fn a_dispute_before_the_money_is_available_stops_it_for_good() {
    let world = World::new().await;
    let (owner, contractor, milestone, escrow) = paid(&world, "pm_card_visa").await;
    let dispute = world.befall("disputes", json!({"charge": world.charge_of(&escrow).await})).await;
    let holds = world.settle_until("both see it", async || world.frozen(&contractor, &milestone).await).await;
    assert_eq!(
        (&holds[0]["kind"], &holds[0]["scope"], holds[0].as_object().map(serde_json::Map::len)),
        (&json!("dispute"), &json!("milestone"), Some(3))
    );
    world.sandbox.advance(30 * 24 * 3600);
    world.milestone_is(&owner, &milestone, "funded").await;
    contractor.http.post(&format!("/api/milestones/{milestone}/submit"), json!({})).await.expect(200);
    let approve = async || owner.http.post(&format!("/api/milestones/{milestone}/approve"), json!({})).await;
    let refused = approve().await.expect(409);
    assert_eq!(
        (&refused.body["code"], &refused.body["holdKind"], &refused.body["holdOn"]),
        (&json!("ON_HOLD"), &json!("dispute"), &json!("milestone"))
    );
    let id = dispute["id"].as_str().expect("an id").to_owned();
    world.befall(&format!("disputes/{id}/close"), json!({"won": false})).await;
    world
        .settle_until("its end is known", async || {
            (world.db.query("select state from charge_incidents").await == ["lost"]).then_some(())
        })
        .await;
    approve().await.expect(409);
    assert_eq!(world.open_alarms().await, ["dispute"]);
    assert_eq!(world.db.query("select count(*) from releases").await, ["0"]);
    world.end().await;
}

#[tokio::test]
async fn a_dispute_that_no_webhook_tells_of_is_found_before_the_transfer_leaves() {
    let world = World::new().await;
    let (owner, contractor, milestone, escrow) = paid(&world, "pm_card_bypassPending").await;
    world.milestone_is(&owner, &milestone, "funded").await;
    world.approve(&owner, &contractor, &milestone).await;
    world.befall("webhooks", json!({"hold": true})).await;
    world.befall("disputes", json!({"charge": world.charge_of(&escrow).await})).await;
    owner.http.act(&format!("/api/escrow/{escrow}/release")).await.expect(200);
    world.settle().await;
    assert_eq!(world.db.query("select status || ' ' || coalesce(transfer, 'none') from releases").await, ["sending none"]);
    let refused = owner.http.act(&format!("/api/escrow/{escrow}/release")).await.expect(409);
    assert_eq!(refused.body["code"], "ON_HOLD");
    assert!(world.frozen(&owner, &milestone).await.is_some());
    assert_eq!(world.open_alarms().await, ["dispute"]);
    let transfers = world
        .anonymous()
        .send(
            world
                .anonymous()
                .request("GET", &format!("{}/v1/transfers", world.sandbox.base_url()))
                .bearer_auth("sk_test_sandbox"),
        )
        .await;
    assert_eq!(transfers.body["data"], json!([]));
    world.end().await;
}

#[tokio::test]
async fn a_dispute_that_is_won_lets_the_release_go_on_by_itself() {
    let world = World::new().await;
    let (owner, contractor, milestone, escrow) = paid(&world, "pm_card_bypassPending").await;
    world.milestone_is(&owner, &milestone, "funded").await;
    world.approve(&owner, &contractor, &milestone).await;
    // Other money, so that the one that is taken back does not leave the balance empty.
    world.befall("topups", json!({"amount": 10_000_000, "currency": "eur"})).await;
    let dispute = world.befall("disputes", json!({"charge": world.charge_of(&escrow).await})).await;
    world.settle_until("it is frozen", async || world.frozen(&owner, &milestone).await).await;
    owner.http.act(&format!("/api/escrow/{escrow}/release")).await.expect(409);
    let id = dispute["id"].as_str().expect("an id").to_owned();
    world.befall(&format!("disputes/{id}/close"), json!({"won": true})).await;
    world.settle_until("it is free", async || world.frozen(&owner, &milestone).await.is_none().then_some(())).await;
    owner.http.act(&format!("/api/escrow/{escrow}/release")).await.expect(200);
    world.milestone_is(&owner, &milestone, "released").await;
    world.end().await;
}

#[tokio::test]
async fn one_after_the_money_left_stops_the_whole_contract() {
    let world = World::new().await;
    let (owner, contractor, milestone, escrow) = paid(&world, "pm_card_bypassPending").await;
    world.milestone_is(&owner, &milestone, "funded").await;
    world.approve(&owner, &contractor, &milestone).await;
    owner.http.act(&format!("/api/escrow/{escrow}/release")).await.expect(200);
    world.milestone_is(&owner, &milestone, "released").await;
    world.befall("early_fraud_warnings", json!({"charge": world.charge_of(&escrow).await})).await;
    let holds = world.settle_until("it is frozen", async || world.frozen(&owner, &milestone).await).await;
    assert_eq!((&holds[0]["kind"], &holds[0]["scope"]), (&json!("fraud_warning"), &json!("contract")));
    let contract = owner.http.get(&format!("/api/milestones/{milestone}")).await.expect(200).text("/contractId");
    let seen = contractor.http.get(&format!("/api/contracts/{contract}")).await.expect(200);
    assert_eq!((&seen.body["frozen"], &seen.body["holds"][0]["kind"]), (&json!(true), &json!("fraud_warning")));
    let other = seen.body["milestones"][1]["id"].clone();
    let refused = owner.http.post("/api/escrow", json!({"milestoneId": other})).await.expect(409);
    assert_eq!((&refused.body["code"], &refused.body["holdOn"]), (&json!("ON_HOLD"), &json!("contract")));
    world.end().await;
}

#[tokio::test]
async fn a_refund_past_us_and_a_review_stop_the_money_too() {
    for (kind, path) in [("review", "reviews"), ("refund", "")] {
        let world = World::new().await;
        let (owner, _, milestone, escrow) = paid(&world, "pm_card_bypassPending").await;
        let charge = world.charge_of(&escrow).await;
        if path.is_empty() {
            let url = format!("{}/v1/refunds", world.sandbox.base_url());
            let request = world.anonymous().request("POST", &url).bearer_auth("sk_test_sandbox");
            let request =
                request.header("content-type", "application/x-www-form-urlencoded").body(format!("charge={charge}&amount=1"));
            world.anonymous().send(request).await.expect(200);
        } else {
            world.befall(path, json!({"charge": charge})).await;
        }
        let holds = world.settle_until("it is frozen", async || world.frozen(&owner, &milestone).await).await;
        assert_eq!(holds[0]["kind"], kind);
        assert_eq!(world.open_alarms().await.len(), 1);
        world.end().await;
    }
}

#[tokio::test]
async fn a_payer_who_only_authorises_is_told_and_the_milestone_funded_anew() {
    let world = World::new().await;
    let (owner, contractor) = (world.register("Owner").await, world.register("Builder").await);
    let contract = world.contract(&owner, &contractor).await;
    let milestone = &contract.milestones[0];
    let fund = async || owner.http.post("/api/escrow", json!({"milestoneId": milestone})).await.expect(201);
    let first = fund().await;
    let url = format!("{}/v1/payment_intents/{}/confirm", world.sandbox.base_url(), first.text("/paymentIntent/id"));
    let form = format!(
        "payment_method=pm_card_visa&capture_method=manual&return_url=https%3A%2F%2Fexample.com&client_secret={}",
        first.text("/paymentIntent/clientSecret")
    );
    let confirm = world.anonymous().request("POST", &url).bearer_auth("pk_test_sandbox");
    let confirm = confirm.header("content-type", "application/x-www-form-urlencoded").body(form);
    let confirmed = world.anonymous().send(confirm).await.expect(200);
    assert_eq!(confirmed.body["status"], "requires_capture");
    let second = fund().await;
    assert_ne!(second.text("/escrow/id"), first.text("/escrow/id"));
    world.settle().await;
    let told = owner.http.get(&format!("/api/escrow/{}", first.text("/escrow/id"))).await.expect(200);
    assert_eq!(told.body["status"], "canceled");
    assert!(told.text("/lastError").contains("capture_method=manual"), "{}", told.body);
    world.pay(&second.text("/paymentIntent/id"), "pm_card_bypassPending").await;
    world.milestone_is(&owner, milestone, "funded").await;
    world.end().await;
}

#[tokio::test]
async fn a_warning_of_fraud_before_the_release_stops_it_until_a_person_lifts_the_hold() {
    let world = World::new().await;
    let (owner, contractor, milestone, escrow) = paid(&world, "pm_card_bypassPending").await;
    world.milestone_is(&owner, &milestone, "funded").await;
    world.approve(&owner, &contractor, &milestone).await;
    world.befall("early_fraud_warnings", json!({"charge": world.charge_of(&escrow).await})).await;
    let holds = world.settle_until("it is frozen", async || world.frozen(&owner, &milestone).await).await;
    assert_eq!((&holds[0]["kind"], &holds[0]["scope"]), (&json!("fraud_warning"), &json!("milestone")));
    assert_eq!(world.open_alarms().await, ["fraud_warning"]);
    let release = async || owner.http.act(&format!("/api/escrow/{escrow}/release")).await;
    let refused = release().await.expect(409);
    assert_eq!((&refused.body["code"], &refused.body["holdKind"]), (&json!("ON_HOLD"), &json!("fraud_warning")));
    world.settle().await;
    assert!(world.sandbox.transfers().is_empty());

    let place = build14::services::HoldPlace::Milestone(milestone.parse().expect("an id"));
    let by = kernel::Decision {
        operator: "Ada Lovelace".parse().expect("a name"),
        reason: Some("the payer confirmed the charge".parse().expect("a reason")),
    };
    let lifted = build14::services::unfreeze(&world.db.system_url().await, place, "fraud_warning", &by).await.expect("lifts");
    assert_eq!((lifted.kinds, lifted.remaining), (vec!["fraud_warning".to_owned()], vec![]));
    release().await.expect(200);
    world.milestone_is(&owner, &milestone, "released").await;
    assert_eq!(world.sandbox.transfers().len(), 1);
    world.end().await;
}

//! Contracts in force, money that is there.

use serde_json::{Value, json};

use super::Party;
use crate::world::World;

/// An active contract of two parties.
#[derive(Clone)]
pub struct Contract {
    /// Its id.
    pub id: String,
    /// Its milestones' ids, in order.
    pub milestones: Vec<String>,
    /// The winning bid.
    pub bid: String,
}

impl World {
    /// Onboards the party's organisation for payouts.
    pub async fn onboard(&self, contractor: &Party) {
        let account = contractor.http.act("/api/payee-account").await.expect(200);
        let url = account.text("/onboardingUrl");
        let finished = self.anonymous().act(&url).await;
        assert!(finished.status < 400, "{}", String::from_utf8_lossy(&finished.bytes));
        self.settle_until("the payee account is active", async || {
            let account = contractor.http.get("/api/payee-account").await.expect(200);
            (account.body["status"] == "active").then_some(())
        })
        .await;
    }

    /// An active contract: tendered, bid at 10.00 per line, awarded, signed by both.
    pub async fn contract(&self, owner: &Party, contractor: &Party) -> Contract {
        self.onboard(contractor).await;
        let tender = self.tender(owner).await;
        let bid = self.bid(contractor, &tender, "10.00").await;
        self.open(owner, &tender).await;
        let awarded = owner.http.post(&format!("/api/tenders/{}/award", tender.id), json!({"bidId": bid})).await.expect(200);
        let id = awarded.text("/contract/id");
        for party in [owner, contractor] {
            let contract = party.http.get(&format!("/api/contracts/{id}")).await.expect(200);
            let body = json!({"sha256": contract.text("/documentSha256")});
            party.http.post(&format!("/api/contracts/{id}/sign"), body).await.expect(200);
        }
        self.settle().await;
        let contract = owner.http.get(&format!("/api/contracts/{id}")).await.expect(200);
        assert_eq!(contract.body["status"], "active");
        let milestones = contract.body["milestones"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|m| m["id"].as_str().unwrap_or_default().to_owned())
            .collect();
        Contract { id, milestones, bid }
    }

    /// Funds a milestone with a test card; returns the escrow's id once the money is available.
    pub async fn fund(&self, owner: &Party, milestone: &str) -> String {
        let funding = owner.http.post("/api/escrow", json!({"milestoneId": milestone})).await.expect(201);
        self.pay(&funding.text("/paymentIntent/id"), "pm_card_bypassPending").await;
        self.milestone_is(owner, milestone, "funded").await;
        funding.text("/escrow/id")
    }

    /// Confirms a payment intent at the sandbox.
    pub async fn pay(&self, intent: &str, method: &str) -> Value {
        let form = format!("payment_method={method}&return_url=https%3A%2F%2Fexample.com");
        let url = format!("{}/v1/payment_intents/{intent}/confirm", self.sandbox.base_url());
        let request = self
            .anonymous()
            .request("POST", &url)
            .bearer_auth("sk_test_sandbox")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        self.anonymous().send(request).await.body
    }

    /// Settles until a milestone has a status.
    pub async fn milestone_is(&self, party: &Party, milestone: &str, status: &str) {
        self.settle_until(&format!("the milestone is {status}"), async || {
            let milestone = party.http.get(&format!("/api/milestones/{milestone}")).await.expect(200);
            (milestone.body["status"] == status).then_some(())
        })
        .await;
    }

    /// The contractor submits, the owner approves.
    pub async fn approve(&self, owner: &Party, contractor: &Party, milestone: &str) {
        contractor.http.post(&format!("/api/milestones/{milestone}/submit"), json!({"note": "done"})).await.expect(200);
        owner.http.post(&format!("/api/milestones/{milestone}/approve"), json!({})).await.expect(200);
    }
}

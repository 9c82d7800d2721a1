//! Scenes to start from: a signed-in party, a published tender, an active contract, a funded milestone.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Client, World};

/// A password that every party uses.
pub const PASSWORD: &str = "correct horse battery";

/// A signed-in person of an organisation.
#[derive(Clone)]
pub struct Party {
    /// Their client.
    pub http: Client,
    /// Their email.
    pub email: String,
    /// Their id.
    pub user: String,
    /// Their organisation's id.
    pub org: String,
}

/// A published tender.
#[derive(Clone)]
pub struct Tender {
    /// Its id.
    pub id: String,
    /// Its project.
    pub project: String,
    /// Its schedule of quantities.
    pub soq: String,
    /// The ids of its payable lines.
    pub lines: Vec<String>,
}

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
    /// Registers a person with an organisation.
    pub async fn register(&self, organization: &str) -> Party {
        let email = format!(
            "{}@{}.example",
            uuid::Uuid::now_v7().simple(),
            organization.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "-")
        );
        let body = json!({"email": email, "password": PASSWORD, "name": format!("Owner of {organization}"), "organizationName": organization});
        let answer = self.anonymous().post("/api/auth/register", body).await.expect(201);
        Party {
            http: self.anonymous().with_token(&answer.text("/accessToken")),
            email,
            user: answer.text("/user/id"),
            org: answer.text("/organization/id"),
        }
    }

    /// Adds another person to the party's organisation, signed in there.
    pub async fn colleague(&self, party: &Party, role: &str) -> Party {
        // The person has an account (and organisation) of their own first; then the organisation takes them in.
        let person = self.register("Own Company").await;
        let invited = party.http.post("/api/users", json!({"email": person.email, "name": "Colleague"})).await.expect(201);
        person.http.act(&format!("/api/invitations/{}/accept", invited.text("/id"))).await.expect(200);
        if role != "member" {
            party.http.put(&format!("/api/users/{}", person.user), json!({"role": role})).await.expect(200);
        }
        let switched = person.http.post("/api/auth/switch-organization", json!({"organizationId": party.org})).await.expect(200);
        Party { http: self.anonymous().with_token(&switched.text("/accessToken")), org: party.org.clone(), ..person }
    }

    /// A project.
    pub async fn project(&self, owner: &Party) -> String {
        owner.http.post("/api/projects", json!({"name": "Villa", "currency": "EUR"})).await.expect(201).text("/id")
    }

    /// A frozen schedule: a heading, measured lines at 100 × 12.50 and 40.5 × 20.00, a lump sum of 500.00, a provisional sum of 250.00, an option.
    pub async fn frozen_soq(&self, owner: &Party, project: &str) -> String {
        let soq = owner
            .http
            .post("/api/soq", json!({"projectId": project, "title": "All trades", "lines": schedule()}))
            .await
            .expect(201)
            .text("/id");
        owner.http.act(&format!("/api/soq/{soq}/freeze")).await.expect(200);
        soq
    }

    /// The instant by the clock that decides deadlines, plus `seconds`.
    pub async fn instant(&self, seconds: i64) -> String {
        let sql = format!(
            "select to_char((app.now() + interval '{seconds} seconds') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
        );
        self.db.query(&sql).await.remove(0)
    }

    /// A draft tender of a fresh project, its deadline in two hours.
    pub async fn draft_tender(&self, owner: &Party) -> Tender {
        let project = self.project(owner).await;
        let soq = self.frozen_soq(owner, &project).await;
        let body = json!({"projectId": project, "soqId": soq, "title": "Construction", "procurementMethod": "open",
            "submissionDeadline": self.instant(7200).await,
            "milestones": [{"title": "Structure", "percent": "40"}, {"title": "Closed", "percent": "35"}, {"title": "Done", "percent": "25"}]});
        let id = owner.http.post("/api/tenders", body).await.expect(201).text("/id");
        let lines = owner.http.get(&format!("/api/soq/{soq}")).await.expect(200);
        let lines = lines.body["lines"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|line| !["heading", "text"].contains(&line["kind"].as_str().unwrap_or_default()));
        let lines = lines.map(|line| line["id"].as_str().unwrap_or_default().to_owned()).collect();
        Tender { id, project, soq, lines }
    }

    /// A published tender.
    pub async fn tender(&self, owner: &Party) -> Tender {
        let tender = self.draft_tender(owner).await;
        owner.http.act(&format!("/api/tenders/{}/publish", tender.id)).await.expect(200);
        tender
    }

    /// A published tender that only one contractor may see.
    pub async fn limited_tender(&self, owner: &Party, invited: &Party) -> Tender {
        let mut tender = self.draft_tender(owner).await;
        let body = json!({"projectId": tender.project, "soqId": tender.soq, "title": "By invitation", "procurementMethod": "limited",
            "submissionDeadline": self.instant(7200).await, "milestones": [{"title": "All", "percent": "100"}]});
        tender.id = owner.http.post("/api/tenders", body).await.expect(201).text("/id");
        let invitations = format!("/api/tenders/{}/invitations", tender.id);
        owner.http.post(&invitations, json!({"organizationId": invited.org})).await.expect(201);
        owner.http.act(&format!("/api/tenders/{}/publish", tender.id)).await.expect(200);
        tender
    }

    /// The body of a bid at `rate` for every line but the provisional sum, which stands as it is.
    pub async fn bid_body(&self, tender: &Tender, rate: &str) -> Value {
        let lines: Vec<Value> = tender
            .lines
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != 3)
            .map(|(_, line)| json!({"soqLineId": line, "rate": rate}))
            .collect();
        json!({"lines": lines, "validUntil": "2099-12-31"})
    }

    /// A submitted bid.
    pub async fn bid(&self, bidder: &Party, tender: &Tender, rate: &str) -> String {
        let body = self.bid_body(tender, rate).await;
        bidder.http.post(&format!("/api/tenders/{}/bids", tender.id), body).await.expect(201).text("/id")
    }

    /// Lets the deadline pass and opens the bids.
    pub async fn open(&self, owner: &Party, tender: &Tender) {
        self.advance(Duration::from_secs(7201)).await;
        owner.http.act(&format!("/api/tenders/{}/open", tender.id)).await.expect(200);
    }

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

/// The lines of [`World::frozen_soq`].
pub fn schedule() -> Value {
    json!([
        {"code": "1", "description": "Works", "kind": "heading"},
        {"code": "1.1", "description": "Excavation", "kind": "measured", "unitCode": "m3", "quantity": "100", "estimateRate": "12.50"},
        {"code": "1.2", "description": "Masonry", "kind": "measured", "unitCode": "m2", "quantity": "40.5", "estimateRate": "20.00"},
        {"code": "1.3", "description": "Site set-up", "kind": "lump_sum", "unitCode": "psch", "quantity": "1", "estimateRate": "500.00"},
        {"code": "1.4", "description": "Connections", "kind": "provisional_defined", "unitCode": "psch", "quantity": "1", "estimateRate": "250.00"},
        {"code": "1.5", "description": "Garden", "kind": "optional", "unitCode": "psch", "quantity": "1", "estimateRate": "900.00"}
    ])
}

//! Tenders in every state, and bids.

use std::time::Duration;

use serde_json::{Value, json};

use super::Party;
use crate::world::World;

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

impl World {
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
}

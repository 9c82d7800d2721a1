//! The whole journey over HTTP, narrated: from sign-up to a released milestone, and what both parties can check afterwards.

mod client;

use std::io::Write;
use std::time::{Duration, Instant};

use rust_decimal::Decimal;
use serde_json::{Value, json};

pub use client::{Client, DemoError};

const VILLA: &str = include_str!("demo/villa.json");

/// Where the journey is played and how it is told.
pub struct Stage<'a> {
    /// The API's base URL.
    pub base: &'a str,
    /// The Stripe sandbox's base URL.
    pub stripe: &'a str,
    /// Machine-readable instead of narrated.
    pub json: bool,
}

/// A party of the journey.
struct Party {
    name: &'static str,
    http: Client,
    email: String,
}

struct Narrator {
    json: bool,
    steps: Vec<Value>,
}

impl Narrator {
    fn narrate(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.json {
            line(&text);
        }
        self.steps.push(Value::String(text));
    }
}

fn line(text: &str) {
    // A closed pipe (`demo | head`) ends the narration, not the journey.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Plays the journey.
///
/// # Errors
/// Where it stopped, and on what answer.
pub async fn play(stage: &Stage<'_>) -> Result<(), DemoError> {
    let mut n = Narrator { json: stage.json, steps: Vec::new() };
    let anonymous = Client::new(stage.base);
    let run = uuid::Uuid::now_v7().simple().to_string();
    let run = &run[20..];

    n.narrate("1. Three organisations register");
    let owner = register(&anonymous, "Villa Developments", "ada", run).await?;
    let acme = register(&anonymous, "Acme Construction", "ben", run).await?;
    let stone = register(&anonymous, "Stone & Sons", "cleo", run).await?;
    for party in [&owner, &acme, &stone] {
        n.narrate(format!("   {} ({})", party.name, party.email));
    }

    n.narrate("2. The contractors onboard for payouts at Stripe");
    for contractor in [&acme, &stone] {
        onboard(contractor).await?;
        n.narrate(format!("   {}: payee account active", contractor.name));
    }

    n.narrate("3. Villa Developments creates a project with units, writes the schedule of quantities and freezes it");
    let (project_id, soq) = villa(&owner.http).await?;
    let soq_id = text(&soq, "/id")?;
    owner.http.post(&format!("/api/soq/{soq_id}/freeze"), json!({}), 200).await?;
    n.narrate(format!(
        "   project {project_id}, 2 units, {} lines, estimate {}",
        count(&soq, "/lines"),
        money(&soq, "/estimateTotal")
    ));

    n.narrate("4. A tender with three milestones is published; the bids will be sealed");
    let server_time = owner.http.get("/api/time").await?;
    let deadline = deadline_after(&text(&server_time, "/serverTime")?, Duration::from_secs(5))?;
    let tender = owner
        .http
        .post(
            "/api/tenders",
            json!({"projectId": project_id, "soqId": soq_id, "title": "Construction of Villa Anfa", "procurementMethod": "open",
                   "submissionDeadline": deadline, "minBids": 2,
                   "milestones": [{"title": "Structure complete", "percent": "40"}, {"title": "Weathertight", "percent": "35"}, {"title": "Handed over", "percent": "25"}]}),
            201,
        )
        .await?;
    let tender_id = text(&tender, "/id")?;
    owner.http.post(&format!("/api/tenders/{tender_id}/publish"), json!({}), 200).await?;
    n.narrate(format!("   tender {tender_id}, deadline {deadline}"));

    n.narrate("5. Both contractors bid under seal");
    let acme_bid = bid(&acme, &tender_id, "0.97").await?;
    let stone_bid = bid(&stone, &tender_id, "1.04").await?;
    for (party, bid) in [(&acme, &acme_bid), (&stone, &stone_bid)] {
        n.narrate(format!("   {}: total {}, receipt {}", party.name, money(bid, "/total"), text(bid, "/receipt/sha256")?));
    }
    let sealed = owner.http.get(&format!("/api/tenders/{tender_id}/bids")).await?;
    expect(sealed["sealed"] == true && count(&sealed, "/data") == 0, "the owner sees nothing before the deadline", &sealed)?;
    n.narrate("   the owner sees: sealed, no bids, no count");

    n.narrate("6. After the deadline the bids open, the owner compares and awards");
    n.narrate("   waiting until the deadline has passed, some 5 s");
    until("the deadline passes", async || {
        let tender = owner.http.get(&format!("/api/tenders/{tender_id}")).await?;
        Ok((tender["status"] != "published").then_some(()))
    })
    .await?;
    owner.http.post(&format!("/api/tenders/{tender_id}/open"), json!({}), 200).await?;
    let opened = owner.http.get(&format!("/api/tenders/{tender_id}/bids")).await?;
    expect(count(&opened, "/data") == 2, "two bids are open", &opened)?;
    for bid in opened["data"].as_array().into_iter().flatten() {
        n.narrate(format!("   rank {}: {}", bid["rank"], money(bid, "/total")));
    }
    let awarded =
        owner.http.post(&format!("/api/tenders/{tender_id}/award"), json!({"bidId": text(&acme_bid, "/id")?}), 200).await?;
    let contract_id = text(&awarded, "/contract/id")?;
    n.narrate(format!("   awarded to {}: contract {contract_id}", acme.name));

    n.narrate("7. Both parties sign the same document");
    for party in [&owner, &acme] {
        let contract = party.http.get(&format!("/api/contracts/{contract_id}")).await?;
        let sha256 = text(&contract, "/documentSha256")?;
        party.http.post(&format!("/api/contracts/{contract_id}/sign"), json!({"sha256": sha256}), 200).await?;
        n.narrate(format!("   {} signs {}", party.name, &sha256[..16]));
    }
    let contract = owner.http.get(&format!("/api/contracts/{contract_id}")).await?;
    expect(contract["status"] == "active", "the contract is active", &contract)?;
    let milestone_id = text(&contract, "/milestones/0/id")?;

    n.narrate("8. The first milestone is funded with a test card");
    let funding = owner.http.post("/api/escrow", json!({"milestoneId": milestone_id}), 201).await?;
    let escrow_id = text(&funding, "/escrow/id")?;
    let intent = text(&funding, "/paymentIntent/id")?;
    let secret = text(&funding, "/paymentIntent/clientSecret")?;
    owner.http.confirm_payment(stage.stripe, &intent, &secret, "pm_card_bypassPending").await?;
    n.narrate(format!(
        "   held for the milestone: {}, charged {} (processing costs included)",
        money(&funding, "/escrow/amount"),
        money(&funding, "/escrow/charged")
    ));
    n.narrate("   waiting until the provider says that the money is available");
    milestone_is(&owner, &milestone_id, "funded").await?;
    n.narrate("   paid and available: safe to start");

    n.narrate("9. The contractor submits the work, the owner approves, the money is released");
    acme.http
        .post(
            &format!("/api/milestones/{milestone_id}/submit"),
            json!({"note": "Structure complete, photographs attached", "evidence": ["photo-001.jpg", "photo-002.jpg"]}),
            200,
        )
        .await?;
    owner.http.post(&format!("/api/milestones/{milestone_id}/approve"), json!({}), 200).await?;
    let released = owner.http.post(&format!("/api/escrow/{escrow_id}/release"), json!({}), 200).await?;
    n.narrate(format!(
        "   gross {}, fee {}, net {}",
        money(&released, "/release/gross"),
        money(&released, "/release/fee"),
        money(&released, "/release/net")
    ));
    n.narrate("   waiting until it is transferred");
    milestone_is(&owner, &milestone_id, "released").await?;
    n.narrate("   transferred to the contractor's account");

    n.narrate("10. Both parties print the same statement");
    let statement = owner.http.get(&format!("/api/contracts/{contract_id}/statement")).await?;
    let theirs = acme.http.get(&format!("/api/contracts/{contract_id}/statement")).await?;
    expect(statement["transactions"] == theirs["transactions"], "both parties see the same postings", &theirs)?;
    let mut sum = Decimal::ZERO;
    for transaction in statement["transactions"].as_array().into_iter().flatten() {
        n.narrate(format!("   {} {}", text(transaction, "/kind")?, text(transaction, "/sourceId")?));
        for entry in transaction["entries"].as_array().into_iter().flatten() {
            let amount: Decimal = text(entry, "/amount/amount")?.parse().map_err(|e| DemoError::Broken(format!("{e}")))?;
            sum += amount;
            n.narrate(format!("        {} {:<22} {amount:>14}", entry["account"], text(entry, "/name")?));
        }
    }
    expect(sum.is_zero(), "the postings sum to zero", &statement)?;
    n.narrate(format!("   sum of all postings: {sum}"));
    for party in [&owner, &acme] {
        let audit = party.http.get("/api/audit/verify").await?;
        expect(audit["valid"] == true, "the audit chain verifies", &audit)?;
        n.narrate(format!("   {}: {} audit entries, head {}", party.name, audit["entries"], text(&audit, "/headHash")?));
    }
    n.narrate("audit: valid");
    if stage.json {
        let result =
            json!({"steps": n.steps, "contractId": contract_id, "tenderId": tender_id, "statement": statement, "audit": "valid"});
        line(&result.to_string());
    }
    Ok(())
}

/// Creates the villa: a project with two units and the draft of its schedule of quantities. Answers the project's id and the schedule.
///
/// # Errors
/// If the server does not answer as it should.
pub async fn villa(owner: &Client) -> Result<(String, Value), DemoError> {
    let project =
        json!({"name": "Villa Anfa", "description": "A villa with pool on six levels", "currency": "EUR", "budget": "400000.00"});
    let project = text(&owner.post("/api/projects", project, 201).await?, "/id")?;
    let units = json!({"units": [
        {"unitNumber": "V1", "totalFloorArea": "372.60", "numberOfFloors": 2, "numberOfRooms": 9, "numberOfBathrooms": 4,
         "floors": [{"floorNumber": 0, "floorArea": "198.40"}, {"floorNumber": 1, "floorArea": "174.20"}]},
        {"unitNumber": "GH", "totalFloorArea": "48.00", "numberOfFloors": 1, "numberOfRooms": 2, "numberOfBathrooms": 1,
         "floors": [{"floorNumber": 0, "floorArea": "48.00"}]}]});
    owner.post(&format!("/api/projects/{project}/units"), units, 201).await?;
    let lines: Value = serde_json::from_str(VILLA).map_err(|e| DemoError::Broken(e.to_string()))?;
    let soq = json!({"projectId": project, "title": "Villa Anfa, all trades", "lines": lines});
    let soq = owner.post("/api/soq", soq, 201).await?;
    Ok((project, soq))
}

async fn register(anonymous: &Client, name: &'static str, person: &str, run: &str) -> Result<Party, DemoError> {
    let email = format!("{person}.{run}@demo.example");
    let body = json!({"email": email, "password": "a fine demo passphrase", "name": person, "organizationName": name});
    let answer = anonymous.post("/api/auth/register", body, 201).await?;
    Ok(Party { name, http: anonymous.with_token(&text(&answer, "/accessToken")?), email })
}

async fn onboard(contractor: &Party) -> Result<(), DemoError> {
    let account = contractor.http.send("POST", "/api/payee-account", Some(json!({})), 200).await?;
    contractor.http.post(&text(&account, "/onboardingUrl")?, json!({}), 200).await?;
    until("the payee account is active", async || {
        let account = contractor.http.get("/api/payee-account").await?;
        Ok((account["status"] == "active").then_some(()))
    })
    .await
}

/// Bids on every payable line: the sums as they stand, the rest at `factor` times a rate of the bidder's own estimating.
async fn bid(bidder: &Party, tender: &str, factor: &str) -> Result<Value, DemoError> {
    let factor: Decimal = factor.parse().map_err(|e| DemoError::Broken(format!("{e}")))?;
    let seen = bidder.http.get(&format!("/api/tenders/{tender}")).await?;
    let rates: Value = serde_json::from_str(VILLA).map_err(|e| DemoError::Broken(e.to_string()))?;
    let mut lines = Vec::new();
    for (line, own) in seen["lines"].as_array().into_iter().flatten().zip(rates.as_array().into_iter().flatten()) {
        let kind = text(line, "/kind")?;
        if kind == "heading" || kind == "text" || kind.starts_with("provisional") {
            continue;
        }
        let rate: Decimal = text(own, "/estimateRate")?.parse().map_err(|e| DemoError::Broken(format!("{e}")))?;
        lines.push(json!({"soqLineId": text(line, "/id")?, "rate": (rate * factor).round_dp(2).to_string()}));
    }
    let valid_until = (chrono::Utc::now() + chrono::TimeDelta::days(60)).date_naive();
    bidder
        .http
        .post(
            &format!("/api/tenders/{tender}/bids"),
            json!({"lines": lines, "validUntil": valid_until, "note": "Start within two weeks"}),
            201,
        )
        .await
}

async fn milestone_is(party: &Party, milestone: &str, status: &str) -> Result<(), DemoError> {
    until(&format!("the milestone is {status}"), async || {
        let milestone = party.http.get(&format!("/api/milestones/{milestone}")).await?;
        Ok((milestone["status"] == status).then_some(()))
    })
    .await
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> Result<Option<()>, DemoError>) -> Result<(), DemoError> {
    let started = Instant::now();
    while condition().await?.is_none() {
        if started.elapsed() > Duration::from_secs(60) {
            return Err(DemoError::Broken(format!("waited 60 s in vain until {what}")));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn deadline_after(now: &str, by: Duration) -> Result<String, DemoError> {
    let now = chrono::DateTime::parse_from_rfc3339(now).map_err(|e| DemoError::Broken(e.to_string()))?;
    Ok((now + by).to_utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}

fn text(value: &Value, pointer: &str) -> Result<String, DemoError> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| DemoError::Broken(format!("there is no text at {pointer} of {value}")))
}

fn money(value: &Value, pointer: &str) -> String {
    let part = |name: &str| value.pointer(&format!("{pointer}/{name}")).and_then(Value::as_str).unwrap_or("?");
    format!("{} {}", part("amount"), part("currency"))
}

fn count(value: &Value, pointer: &str) -> usize {
    value.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len)
}

fn expect(holds: bool, what: &str, seen: &Value) -> Result<(), DemoError> {
    if holds { Ok(()) } else { Err(DemoError::Broken(format!("it does not hold that {what}: {seen}"))) }
}

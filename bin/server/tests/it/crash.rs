//! Money survives crashes (docs/QUALITY.md): the server is killed at random points of fund → approve → release, again and again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use stripe_sandbox::{Config, Endpoint, EndpointKind, Sandbox};
use testkit::Database;

use crate::process::{free_address, serve};

/// How often the server is killed at least.
const KILLS: u32 = 100;
const MILESTONES: usize = 25;

#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    address: SocketAddr,
}

impl Api {
    pub fn new(address: SocketAddr) -> Self {
        Self { http: reqwest::Client::new(), address }
    }

    /// One call; `None` if the server died under it or was not there.
    pub async fn call(&self, method: Method, path: &str, token: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let mut request = self.http.request(method, format!("http://{}{path}", self.address)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let body = serde_json::from_slice(&response.bytes().await.ok()?).unwrap_or(Value::Null);
        assert!(status < 500 || status == 503, "{path} answered {status}: {body}");
        Some((status, body))
    }

    pub async fn expect(&self, method: Method, path: &str, token: &str, body: Option<&Value>, expected: u16) -> Value {
        let (status, body) = self.call(method, path, token, body).await.expect("the server is there");
        assert_eq!(status, expected, "{path}: {body}");
        body
    }
}

pub fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no text at {pointer} of {value}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_release_has_exactly_one_transfer_whenever_the_server_is_killed() {
    let db = Database::fresh().await;
    let data = tempfile::tempdir().expect("a folder");
    let address = free_address();
    let sandbox = Sandbox::start(Config {
        webhook_endpoints: [EndpointKind::Platform, EndpointKind::Connect]
            .map(|kind| Endpoint { url: format!("http://{address}/api/webhooks/stripe"), secret: "whsec_crash".to_owned(), kind })
            .to_vec(),
        webhook_base_delay: Duration::from_millis(50),
        webhook_max_delay: Duration::from_millis(500),
        ..Config::default()
    })
    .await
    .expect("the sandbox starts");
    let environment = [
        ("BUILD14__DATABASE__URL", db.app_url().await.expose_secret().to_owned()),
        ("BUILD14__DATABASE__SYSTEM_URL", db.system_url().await.expose_secret().to_owned()),
        ("BUILD14__DATABASE__OWNER_URL", db.superuser_url().await.expose_secret().to_owned()),
        ("BUILD14__STRIPE__API_BASE", sandbox.base_url()),
        ("BUILD14__STRIPE__SECRET_KEY", "sk_test_sandbox".to_owned()),
        ("BUILD14__STRIPE__WEBHOOK_SECRET", "whsec_crash".to_owned()),
        ("BUILD14__TENDERS__MINIMUM_SUBMISSION_PERIOD", "1h".to_owned()),
        ("BUILD14__SERVER__WORKERS", "1".to_owned()),
    ];
    let api = Api::new(address);

    let mut server = serve(address, data.path(), &environment).await.expect("the server starts");
    let (owner, contractor, milestones) = active_contract(&api, &db).await;

    // Somebody works on the milestones, whatever answers; somebody else kills the server.
    let done = Arc::new(AtomicBool::new(false));
    let kills = Arc::new(AtomicU32::new(0));
    let work = tokio::spawn(play(
        api.clone(),
        sandbox.base_url(),
        owner.clone(),
        contractor,
        milestones.clone(),
        Arc::clone(&done),
        Arc::clone(&kills),
    ));
    let mut random = StdRng::seed_from_u64(14);
    let started = Instant::now();
    while !done.load(Ordering::Relaxed) {
        if started.elapsed() > Duration::from_secs(900) {
            let milestones = db.query("select status || ' ' || count(*) from milestones group by status").await;
            let open = db.query("select 'payment ' || status || ' ' || id from payments where status not in ('available') union all select 'release ' || status || ' ' || id from releases where status <> 'sent'").await;
            let jobs = db.query("select task_identifier || ' attempts ' || attempts || ' run_at ' || run_at || ' locked ' || coalesce(locked_by, '-') || ' ' || coalesce(last_error, '') from graphile_worker.jobs order by run_at limit 20").await;
            panic!("no end after {} kills: {milestones:?} {open:?} {jobs:#?}", kills.load(Ordering::Relaxed));
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(0..250))).await;
        if kills.load(Ordering::Relaxed) < KILLS + 10 {
            server.kill().await.expect("SIGKILL");
            kills.fetch_add(1, Ordering::Relaxed);
            server = serve(address, data.path(), &environment).await.expect("the server starts again");
        }
    }
    work.await.expect("the work ends");
    assert!(kills.load(Ordering::Relaxed) >= KILLS);

    // One transfer per release, each of the net amount; nothing paid out twice, nothing lost.
    let releases: Vec<String> = db.query("select net from releases where status = 'sent' order by net").await;
    assert_eq!(releases.len(), MILESTONES);
    let mut transfers: Vec<i64> =
        sandbox.transfers().iter().map(|transfer| transfer["amount"].as_i64().expect("an amount")).collect();
    transfers.sort_unstable();
    assert_eq!(transfers, releases.iter().map(|net| net.parse::<i64>().expect("a number")).collect::<Vec<_>>());
    assert_eq!(db.query("select coalesce(sum(amount), 0) from ledger_entries").await, ["0"]);
    let succeeded = sandbox.payment_intents().iter().filter(|intent| intent["status"] == "succeeded").count();
    assert_eq!(succeeded, MILESTONES, "each milestone was paid once");
    let findings = build14::services::doctor(&db.system_url().await).await.expect("the doctor comes");
    assert_eq!(findings, [], "every invariant holds");
    server.kill().await.expect("ends");
    sandbox.stop().await;
}

/// Plays fund → submit → approve → release for every milestone, by what its status asks for, until all are released.
async fn play(
    api: Api,
    stripe: String,
    owner: String,
    contractor: String,
    milestones: Vec<String>,
    done: Arc<AtomicBool>,
    kills: Arc<AtomicU32>,
) {
    let mut next = 0;
    while next < milestones.len() {
        // Spread the work over the kills: the last milestone begins when all but the last few kills have happened.
        if next * KILLS as usize > kills.load(Ordering::Relaxed) as usize * (milestones.len() - 1) {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        }
        let id = &milestones[next];
        let Some((200, milestone)) = api.call(Method::GET, &format!("/api/milestones/{id}"), &owner, None).await else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        match milestone["status"].as_str().unwrap_or_default() {
            "planned" | "funding" => {
                let body = json!({"milestoneId": id});
                if let Some((201, funding)) = api.call(Method::POST, "/api/escrow", &owner, Some(&body)).await {
                    let intent = text(&funding, "/paymentIntent/id");
                    let form = "payment_method=pm_card_bypassPending&return_url=https%3A%2F%2Fexample.com";
                    let request =
                        api.http.post(format!("{stripe}/v1/payment_intents/{intent}/confirm")).bearer_auth("sk_test_sandbox");
                    let _paid_before =
                        request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await;
                }
            }
            "funded" => {
                let body = json!({"note": "done"});
                api.call(Method::POST, &format!("/api/milestones/{id}/submit"), &contractor, Some(&body)).await;
            }
            "in_review" => {
                api.call(Method::POST, &format!("/api/milestones/{id}/approve"), &owner, Some(&json!({}))).await;
            }
            "approved" => {
                let Some((status, payments)) = api.call(Method::GET, "/api/escrow?limit=100", &owner, None).await else {
                    continue;
                };
                assert_eq!(status, 200, "{payments}");
                let mine =
                    payments["data"].as_array().into_iter().flatten().find(|payment| payment["milestoneId"] == id.as_str());
                let escrow = text(mine.unwrap_or_else(|| panic!("no payment of {id}")), "/id");
                api.call(Method::POST, &format!("/api/escrow/{escrow}/release"), &owner, None).await;
            }
            "released" => next += 1,
            other => panic!("milestone {id} is {other}"),
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    done.store(true, Ordering::Relaxed);
}

/// An active contract of many milestones, made before anything is killed.
pub async fn active_contract(api: &Api, db: &Database) -> (String, String, Vec<String>) {
    let mut tokens = Vec::new();
    for name in ["owner", "contractor"] {
        let body = json!({"email": format!("{name}@crash.example"), "password": "correct horse battery", "name": name, "organizationName": name});
        tokens.push(text(&api.expect(Method::POST, "/api/auth/register", "", Some(&body), 201).await, "/accessToken"));
    }
    let (owner, contractor) = (tokens[0].clone(), tokens[1].clone());
    let account = api.expect(Method::POST, "/api/payee-account", &contractor, None, 200).await;
    api.http.post(text(&account, "/onboardingUrl")).send().await.expect("the sandbox answers");
    testkit::until("the payee is active", async || {
        let (_, account) = api.call(Method::GET, "/api/payee-account", &contractor, None).await?;
        (account["status"] == "active").then_some(())
    })
    .await;
    let project = text(
        &api.expect(Method::POST, "/api/projects", &owner, Some(&json!({"name": "Villa", "currency": "EUR"})), 201).await,
        "/id",
    );
    let lines = json!([{"code": "1", "description": "All works", "kind": "measured", "unitCode": "m2", "quantity": "1000", "estimateRate": "100"}]);
    let soq = api
        .expect(Method::POST, "/api/soq", &owner, Some(&json!({"projectId": project, "title": "All", "lines": lines})), 201)
        .await;
    let (soq_id, line) = (text(&soq, "/id"), text(&soq, "/lines/0/id"));
    api.expect(Method::POST, &format!("/api/soq/{soq_id}/freeze"), &owner, None, 200).await;
    let deadline = db
        .query("select to_char((now() + interval '2 hours') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
        .await
        .remove(0);
    let parts: Vec<Value> = (1..=MILESTONES).map(|n| json!({"title": format!("Part {n}"), "percent": "4"})).collect();
    let tender = json!({"projectId": project, "soqId": soq_id, "title": "Works", "procurementMethod": "open", "submissionDeadline": deadline, "milestones": parts});
    let tender = text(&api.expect(Method::POST, "/api/tenders", &owner, Some(&tender), 201).await, "/id");
    api.expect(Method::POST, &format!("/api/tenders/{tender}/publish"), &owner, None, 200).await;
    let bid = json!({"lines": [{"soqLineId": line, "rate": "99.37"}], "validUntil": "2099-12-31"});
    let bid = text(&api.expect(Method::POST, &format!("/api/tenders/{tender}/bids"), &contractor, Some(&bid), 201).await, "/id");
    db.advance_clock(Duration::from_secs(7201)).await;
    api.expect(Method::POST, &format!("/api/tenders/{tender}/open"), &owner, None, 200).await;
    let awarded =
        api.expect(Method::POST, &format!("/api/tenders/{tender}/award"), &owner, Some(&json!({"bidId": bid})), 200).await;
    let contract = text(&awarded, "/contract/id");
    for token in [&owner, &contractor] {
        let shown = api.expect(Method::GET, &format!("/api/contracts/{contract}"), token, None, 200).await;
        let body = json!({"sha256": text(&shown, "/documentSha256")});
        api.expect(Method::POST, &format!("/api/contracts/{contract}/sign"), token, Some(&body), 200).await;
    }
    let shown = api.expect(Method::GET, &format!("/api/contracts/{contract}"), &owner, None, 200).await;
    let milestones = shown["milestones"].as_array().expect("milestones").iter().map(|milestone| text(milestone, "/id")).collect();
    (owner, contractor, milestones)
}

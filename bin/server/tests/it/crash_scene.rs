//! A server that is killed again and again, with its database and its payment provider, which live on.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use stripe_sandbox::{Config, Endpoint, EndpointKind, Sandbox};
use tempfile::TempDir;
use testkit::Database;
use tokio::process::Child;

use crate::process::{free_address, serve};

/// How many milestones a contract of [`Scene::active_contract`] has.
pub const MILESTONES: usize = 25;

#[derive(Clone)]
pub struct Api {
    pub http: reqwest::Client,
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

/// What a crash leaves alone, and the server.
pub struct Scene {
    pub db: Database,
    pub sandbox: Sandbox,
    pub api: Api,
    /// For commands, too.
    pub environment: Vec<(&'static str, String)>,
    address: SocketAddr,
    data: TempDir,
    server: Child,
}

impl Scene {
    /// The server over a new database and a new sandbox, which `prepare` sees before it; with more settings.
    pub async fn start(settings: &[(&'static str, &str)], prepare: impl FnOnce(&Sandbox)) -> Self {
        let db = Database::fresh().await;
        let data = tempfile::tempdir().expect("a folder");
        let address = free_address();
        let endpoint =
            |kind| Endpoint { url: format!("http://{address}/api/webhooks/stripe"), secret: "whsec_crash".to_owned(), kind };
        let sandbox = Sandbox::start(Config {
            webhook_endpoints: [EndpointKind::Platform, EndpointKind::Connect].map(endpoint).to_vec(),
            webhook_base_delay: Duration::from_millis(50),
            webhook_max_delay: Duration::from_millis(500),
            ..Config::default()
        })
        .await
        .expect("the sandbox starts");
        prepare(&sandbox);
        let mut environment = vec![
            ("BUILD14__DATABASE__URL", db.app_url().await.expose_secret().to_owned()),
            ("BUILD14__DATABASE__SYSTEM_URL", db.system_url().await.expose_secret().to_owned()),
            ("BUILD14__DATABASE__OWNER_URL", db.superuser_url().await.expose_secret().to_owned()),
            ("BUILD14__DATA_DIR", data.path().display().to_string()),
            ("BUILD14__STRIPE__API_BASE", sandbox.base_url()),
            ("BUILD14__STRIPE__SECRET_KEY", "sk_test_sandbox".to_owned()),
            ("BUILD14__STRIPE__WEBHOOK_SECRET", "whsec_crash".to_owned()),
            ("BUILD14__TENDERS__MINIMUM_SUBMISSION_PERIOD", "1h".to_owned()),
            ("BUILD14__SERVER__WORKERS", "1".to_owned()),
            ("BUILD14__LOG__FILTER", "error".to_owned()),
        ];
        environment.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let server = serve(address, data.path(), &environment).await.expect("the server starts");
        Self { db, sandbox, api: Api::new(address), environment, address, data, server }
    }

    /// Kills the server: SIGKILL.
    pub async fn kill(&mut self) {
        self.server.kill().await.expect("SIGKILL");
    }

    /// Starts the server that was killed.
    pub async fn start_again(&mut self) {
        self.server = serve(self.address, self.data.path(), &self.environment).await.expect("the server starts again");
    }

    /// Ends all of it.
    pub async fn end(mut self) {
        // It may have been killed before.
        let _over = self.server.kill().await;
        self.sandbox.stop().await;
    }

    /// An active contract of many milestones, made before anything is killed: the tokens of both parties, and the milestones.
    pub async fn active_contract(&self) -> (String, String, Vec<String>) {
        let (api, db) = (&self.api, &self.db);
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
        let bid =
            text(&api.expect(Method::POST, &format!("/api/tenders/{tender}/bids"), &contractor, Some(&bid), 201).await, "/id");
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
        let milestones =
            shown["milestones"].as_array().expect("milestones").iter().map(|milestone| text(milestone, "/id")).collect();
        (owner, contractor, milestones)
    }
}

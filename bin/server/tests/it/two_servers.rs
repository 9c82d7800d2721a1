//! Two servers over one database: what changes or ends on one counts on the other within a second.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Database, until};
use tokio::process::Child;

use crate::command_line::run_over;
use crate::process::{free_address, serve};

const PASSWORD: &str = "correct horse battery";

/// What is felt later is not at once.
const AT_ONCE: Duration = Duration::from_secs(1);

struct Server {
    address: SocketAddr,
    http: Client,
}

/// What two servers stand on, which end with it.
struct Two {
    // First, so that they end first.
    _running: Vec<Child>,
    folders: [TempDir; 2],
    environment: Vec<(&'static str, String)>,
    database: Database,
}

impl Two {
    async fn start() -> (Self, [Server; 2]) {
        let database = Database::fresh().await;
        let environment = vec![
            ("BUILD14__DATABASE__URL", database.superuser_url().await.expose_secret().to_owned()),
            ("BUILD14__SERVER__WORKERS", "1".to_owned()),
        ];
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let addresses = [free_address(), free_address()];
        let mut running = Vec::new();
        for (address, folder) in addresses.iter().zip(&folders) {
            running.push(serve(*address, folder.path(), &environment).await.expect("the server starts"));
        }
        let servers = addresses.map(|address| Server { address, http: Client::new() });
        (Self { _running: running, folders, environment, database }, servers)
    }
}

struct Somebody {
    token: String,
    user: String,
    org: String,
}

impl Server {
    async fn call(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> (u16, Value) {
        let mut request = self.http.request(method, format!("http://{}{path}", self.address));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("answers");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    async fn done(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Value {
        let (status, answer) = self.call(method.clone(), path, token, body).await;
        assert!(status < 300, "{method} {path}: {status} {answer}");
        answer
    }

    async fn register(&self, name: &str) -> Somebody {
        let body =
            json!({ "email": format!("{name}@two.example"), "password": PASSWORD, "name": name, "organizationName": name });
        somebody(&self.done(Method::POST, "/api/auth/register", None, Some(body)).await)
    }

    async fn login(&self, name: &str) -> Somebody {
        let body = json!({ "email": format!("{name}@two.example"), "password": PASSWORD });
        somebody(&self.done(Method::POST, "/api/auth/login", None, Some(body)).await)
    }

    async fn status(&self, path: &str, token: &str) -> u16 {
        self.call(Method::GET, path, Some(token), None).await.0
    }

    /// Waits until the server answers so to a token that it knew before, which must not take long.
    async fn feels(&self, path: &str, token: &str, status: u16) {
        let since = Instant::now();
        until("it is felt", async || (self.status(path, token).await == status).then_some(())).await;
        assert!(since.elapsed() <= AT_ONCE, "{path} was {status} only after {:?}", since.elapsed());
    }
}

fn somebody(answer: &Value) -> Somebody {
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{answer}")).to_owned();
    Somebody { token: text("/accessToken"), user: text("/user/id"), org: text("/organization/id") }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_or_changes_on_one_server_does_so_on_the_other_within_a_second() {
    let (two, [a, b]) = Two::start().await;
    let (ada, bob) = (a.register("ada").await, a.register("bob").await);

    // Bob works in Ada's organisation, and every session is known to the other server, which then asks nobody.
    two.database.run_sql("update users set email_verified = true where email like '%@two.example'").await;
    let invited = a.done(Method::POST, "/api/users", Some(&ada.token), Some(json!({ "email": "bob@two.example" }))).await;
    let accept = format!("/api/invitations/{}/accept", invited["id"].as_str().expect("an id"));
    a.done(Method::POST, &accept, Some(&bob.token), None).await;
    let to = json!({ "organizationId": ada.org });
    let there = somebody(&b.done(Method::POST, "/api/auth/switch-organization", Some(&bob.token), Some(to)).await);
    assert_eq!((b.status("/api/audit", &there.token).await, b.status("/api/user", &bob.token).await), (403, 200));

    let membership = format!("/api/users/{}", bob.user);
    a.done(Method::PUT, &membership, Some(&ada.token), Some(json!({ "role": "admin" }))).await;
    b.feels("/api/audit", &there.token, 200).await;
    a.done(Method::PUT, &membership, Some(&ada.token), Some(json!({ "role": "member" }))).await;
    b.feels("/api/audit", &there.token, 403).await;

    let auditor = json!({ "slug": "auditor", "name": "Auditor", "permissions": ["audit.read"] });
    let auditor = a.done(Method::POST, "/api/roles", Some(&ada.token), Some(auditor)).await;
    let auditor = auditor["id"].as_str().expect("an id").to_owned();
    let roles = format!("{membership}/roles");
    a.done(Method::PUT, &roles, Some(&ada.token), Some(json!({ "roles": [auditor] }))).await;
    b.feels("/api/audit", &there.token, 200).await;
    let (its, less) = (format!("/api/roles/{auditor}"), json!({ "permissions": ["projects.read"] }));
    a.done(Method::PATCH, &its, Some(&ada.token), Some(less)).await;
    b.feels("/api/audit", &there.token, 403).await;
    a.done(Method::PATCH, &its, Some(&ada.token), Some(json!({ "permissions": ["audit.read"] }))).await;
    b.feels("/api/audit", &there.token, 200).await;
    a.done(Method::PUT, &roles, Some(&ada.token), Some(json!({ "roles": [] }))).await;
    b.feels("/api/audit", &there.token, 403).await;

    a.done(Method::DELETE, &membership, Some(&ada.token), None).await;
    b.feels("/api/user", &there.token, 401).await;
    assert_eq!(b.status("/api/user", &bob.token).await, 200, "in his own organisation he goes on");

    let other = b.login("bob").await;
    assert_eq!(b.status("/api/user", &other.token).await, 200);
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "another good password" });
    a.done(Method::PUT, "/api/user/password", Some(&bob.token), Some(change)).await;
    b.feels("/api/user", &other.token, 401).await;
    assert_eq!(b.status("/api/user", &bob.token).await, 200, "the session that changed it goes on");

    a.done(Method::DELETE, "/api/user", Some(&bob.token), None).await;
    b.feels("/api/user", &bob.token, 401).await;

    let other = b.login("ada").await;
    assert_eq!(b.status("/api/user", &other.token).await, 200);
    a.done(Method::POST, "/api/auth/logout-everywhere", Some(&ada.token), None).await;
    b.feels("/api/user", &other.token, 401).await;
    b.feels("/api/user", &ada.token, 401).await;

    let ada = b.login("ada").await;
    assert_eq!(b.status("/api/audit", &ada.token).await, 200);
    a.done(Method::DELETE, "/api/organization", Some(&ada.token), None).await;
    b.feels("/api/audit", &ada.token, 401).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organisation_that_an_operator_suspends_acts_on_no_server_until_it_is_resumed() {
    let (two, [a, b]) = Two::start().await;
    let (ada, bob) = (a.register("ada").await, a.register("bob").await);
    let key = json!({ "name": "K", "scopes": ["organization.read"] });
    let key = a.done(Method::POST, "/api/api-keys", Some(&ada.token), Some(key)).await;
    let key = key["secret"].as_str().expect("a key").to_owned();
    for server in [&a, &b] {
        for token in [&ada.token, &key] {
            assert_eq!(server.status("/api/organization", token).await, 200);
        }
    }
    // As beside the first server, whose keys it has.
    let mut beside = two.environment;
    beside.push(("BUILD14__DATA_DIR", two.folders[0].path().to_string_lossy().into_owned()));
    let decide = async |verb: &str| {
        let arguments = ["organizations", verb, "--id", &ada.org, "--operator", "Olga Operator", "--reason", "unpaid"];
        run_over(&beside, &arguments).await
    };
    let (code, said, complained) = decide("suspend").await;
    assert!(code == Some(0) && said.contains("is suspended"), "{said}{complained}");
    for server in [&a, &b] {
        for token in [&ada.token, &key] {
            server.feels("/api/organization", token, 403).await;
            let (_, refused) = server.call(Method::GET, "/api/organization", Some(token), None).await;
            assert_eq!(refused["code"], "ORGANIZATION_SUSPENDED");
        }
        assert_eq!(server.status("/api/organization", &bob.token).await, 200, "others go on");
    }
    let (code, _, complained) = decide("suspend").await;
    assert!(code == Some(1) && complained.contains("suspended already"), "{complained}");
    let (code, said, complained) = decide("resume").await;
    assert!(code == Some(0) && said.contains("may act again"), "{said}{complained}");
    for server in [&a, &b] {
        for token in [&ada.token, &key] {
            server.feels("/api/organization", token, 200).await;
        }
    }
    let trail = b.done(Method::GET, "/api/audit", Some(&ada.token), None).await;
    let actions: Vec<_> = trail["data"].as_array().into_iter().flatten().take(2).map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, ["organizations.resume", "organizations.suspend"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn support_reads_on_both_servers_until_the_consent_is_taken_back() {
    const ACCESS: &str = "/api/organization/support-access";
    let (two, [a, b]) = Two::start().await;
    let ada = a.register("ada").await;
    // As beside the first server, whose keys it has.
    let mut beside = two.environment;
    beside.push(("BUILD14__DATA_DIR", two.folders[0].path().to_string_lossy().into_owned()));
    let start = ["support", "start", "--organization", &ada.org, "--operator", "Olga Operator", "--reason", "Ticket 4711"];
    let (code, said, complained) = run_over(&beside, &start).await;
    assert!(code == Some(1) && said.is_empty() && complained.contains("does not consent"), "{said}{complained}");
    let (code, _, complained) = run_over(&beside, &[&start[..], &["--minutes", "61"]].concat()).await;
    assert!(code == Some(2) && complained.contains("1..=60"), "{complained}");

    a.done(Method::POST, ACCESS, Some(&ada.token), Some(json!({ "reason": "A list is empty" }))).await;
    let (code, said, complained) = run_over(&beside, &start).await;
    let token = said.trim();
    assert!(code == Some(0) && token.starts_with("b14_support_") && !token.contains('\n'), "{said}{complained}");
    assert!(complained.contains("Its owners are told") && !complained.contains(token), "{complained}");
    for server in [&a, &b] {
        assert_eq!(server.status("/api/organization", token).await, 200);
        let project = json!({ "name": "Support's own", "currency": "EUR" });
        let (status, refused) = server.call(Method::POST, "/api/projects", Some(token), Some(project)).await;
        assert_eq!((status, &refused["code"]), (403, &json!("NOT_FOR_SUPPORT")));
    }
    let (code, listed, complained) = run_over(&beside, &["support", "list", "--json"]).await;
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let session = &listed["sessions"][0];
    assert_eq!((code, &session["organizationId"]), (Some(0), &json!(ada.org)), "{complained}");
    assert_eq!((&session["reads"], &session["refusals"], &session["live"]), (&json!(2), &json!(2), &json!(true)));
    assert!(!listed.to_string().contains(token), "it is told once");

    b.done(Method::DELETE, ACCESS, Some(&ada.token), None).await;
    for server in [&a, &b] {
        server.feels("/api/organization", token, 401).await;
    }
    let id = session["id"].as_str().expect("an id");
    let (code, _, complained) = run_over(&beside, &["support", "end", "--id", id, "--operator", "Olga Operator"]).await;
    assert!(code == Some(1) && complained.contains("no support session"), "{complained}");
}

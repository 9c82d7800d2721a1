//! A rolling restart under load: nobody is cut off, nobody is refused.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use reqwest::header::CONNECTION;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use testkit::{Database, until};
use tokio::process::Child;
use uuid::Uuid;

use crate::process::{free_address, is_ready, serve};

const CLIENTS: usize = 6;

/// A client as a load balancer is one: keeps connections alive, and asks only who says that it is ready.
#[derive(Clone)]
struct Balanced {
    http: reqwest::Client,
    servers: [SocketAddr; 2],
    token: String,
    answered: Arc<[AtomicUsize; 2]>,
    enough: Arc<AtomicBool>,
}

impl Balanced {
    async fn server(&self, first: usize) -> usize {
        loop {
            for server in [first % 2, (first + 1) % 2] {
                if is_ready(self.servers[server]).await {
                    return server;
                }
            }
        }
    }

    /// Reads and writes in turn; the names of the projects that it made.
    async fn work(self, first: usize) -> Vec<String> {
        let mut names = Vec::new();
        for turn in first.. {
            if self.enough.load(Ordering::Relaxed) {
                break;
            }
            let server = self.server(turn).await;
            let url = format!("http://{}/api/projects", self.servers[server]);
            let request = if turn % 3 == 0 {
                let name = Uuid::now_v7().to_string();
                names.push(name.clone());
                let body = json!({ "name": name, "currency": "EUR" });
                self.http.post(url).header("Idempotency-Key", &name).json(&body)
            } else {
                self.http.get(url)
            };
            let answer = request.bearer_auth(&self.token).send().await.unwrap_or_else(|error| panic!("cut off: {error:?}"));
            let status = answer.status();
            let text = answer.text().await.unwrap_or_else(|error| panic!("cut off half-way: {error:?}"));
            assert!(status == 200 || status == 201, "refused: {status} {text}");
            self.answered[server].fetch_add(1, Ordering::Relaxed);
        }
        names
    }

    async fn until_answered(&self, server: usize, more: usize) {
        let before = self.answered[server].load(Ordering::Relaxed);
        until("requests are answered", async || (self.answered[server].load(Ordering::Relaxed) >= before + more).then_some(()))
            .await;
    }
}

async fn start(database: &Database, address: SocketAddr, data: &Path, drain: &str) -> Child {
    let environment = [
        ("BUILD14__DATABASE__URL", database.superuser_url().await.expose_secret().to_owned()),
        ("BUILD14__SERVER__WORKERS", "1".to_owned()),
        ("BUILD14__SERVER__DRAIN_PERIOD", drain.to_owned()),
        ("BUILD14__DATABASE__WAIT", "60s".to_owned()),
    ];
    serve(address, data, &environment).await.expect("the server starts")
}

async fn terminate(server: &Child) {
    let id = server.id().expect("it runs").to_string();
    assert!(tokio::process::Command::new("kill").args(["-TERM", &id]).status().await.expect("kill runs").success());
}

async fn register(http: &reqwest::Client, address: SocketAddr) -> String {
    let body =
        json!({ "email": "a@rolling.example", "password": "correct horse battery", "name": "A", "organizationName": "Rolling" });
    let registered = http.post(format!("http://{address}/api/auth/register")).json(&body).send().await.expect("answers");
    assert_eq!(registered.status(), 201);
    let registered: Value = registered.json().await.expect("JSON");
    registered["accessToken"].as_str().expect("a token").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_under_load_cuts_and_refuses_nobody() {
    let database = Database::fresh().await;
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let servers = [free_address(), free_address()];
    let mut running = Vec::new();
    for (address, folder) in servers.iter().zip(&folders) {
        running.push(start(&database, *address, folder.path(), "5s").await);
    }
    let http = reqwest::Client::new();
    let token = register(&http, servers[0]).await;
    let balanced = Balanced { http: http.clone(), servers, token, answered: Arc::default(), enough: Arc::default() };
    let clients: Vec<_> = (0..CLIENTS).map(|n| tokio::spawn(balanced.clone().work(n))).collect();
    for restarted in [0, 1] {
        balanced.until_answered(restarted, 20).await;
        terminate(&running[restarted]).await;
        // The other one carries on alone.
        balanced.until_answered(1 - restarted, 20).await;
        let status = running[restarted].wait().await.expect("ends");
        assert!(status.success(), "{status}");
        running[restarted] = start(&database, servers[restarted], folders[restarted].path(), "5s").await;
    }
    balanced.until_answered(1, 20).await;
    balanced.enough.store(true, Ordering::Relaxed);
    let mut made = Vec::new();
    for client in clients {
        made.extend(client.await.expect("nobody was cut off or refused"));
    }
    let mut there = database.query("select name from projects where name like '________-____-%' order by name").await;
    made.sort();
    there.sort();
    assert_eq!(there, made, "each project is there once");
}

#[tokio::test]
async fn a_server_that_drains_serves_politely_until_it_stops() {
    let database = Database::fresh().await;
    let folder = tempfile::tempdir().expect("a folder");
    let address = free_address();
    let mut server = start(&database, address, folder.path(), "1h").await;
    let http = reqwest::Client::new();
    let live = async || http.get(format!("http://{address}/health/live")).send().await.expect("answers");
    assert_eq!(live().await.headers().get(CONNECTION), None, "connections are kept");
    terminate(&server).await;
    until("it says that it is about to stop", async || (!is_ready(address).await).then_some(())).await;
    let ready = http.get(format!("http://{address}/health/ready")).send().await.expect("answers");
    assert_eq!(ready.status(), 503);
    assert_eq!(ready.json::<Value>().await.expect("JSON")["detail"], "not ready: this server is about to stop; ask another one");
    let token = register(&http, address).await;
    let projects = http.get(format!("http://{address}/api/projects")).bearer_auth(token).send().await.expect("answers");
    assert_eq!(
        (projects.status().as_u16(), projects.headers().get(CONNECTION).map(|value| value.as_bytes())),
        (200, Some(&b"close"[..]))
    );
    assert_eq!(server.try_wait().expect("asked"), None, "it still drains");
    terminate(&server).await;
    assert_eq!(server.wait().await.expect("ends").code(), Some(130), "asked again it ends at once");
}

//! PostgreSQL goes away under load and comes back (docs/QUALITY.md): only 503 with Retry-After in between, nothing lost, nothing twice.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use embedded_postgres::{Cluster, Config};
use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::process::{free_address, serve};

const WRITERS: usize = 4;

#[derive(Clone)]
struct Office {
    http: reqwest::Client,
    address: SocketAddr,
    token: String,
    made: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
    enough: Arc<AtomicBool>,
}

impl Office {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Makes projects one after the other, repeating each with its key until it is there; returns their names.
    async fn write(self) -> Vec<String> {
        let mut names = Vec::new();
        while !self.enough.load(Ordering::Relaxed) {
            let name = Uuid::now_v7().to_string();
            let body = json!({ "name": name, "currency": "EUR" });
            loop {
                let request = self.http.post(self.url("/api/projects")).bearer_auth(&self.token).header("Idempotency-Key", &name);
                let answer = request.json(&body).send().await.expect("the server itself stays");
                if answer.status() == 201 {
                    self.made.fetch_add(1, Ordering::Relaxed);
                    break;
                }
                self.refused(&answer);
            }
            names.push(name);
        }
        names
    }

    async fn read(self) {
        while !self.enough.load(Ordering::Relaxed) {
            let request = self.http.get(self.url("/api/projects")).bearer_auth(&self.token);
            let answer = request.send().await.expect("the server itself stays");
            if answer.status() != 200 {
                self.refused(&answer);
            }
        }
    }

    #[track_caller]
    fn refused(&self, answer: &reqwest::Response) {
        assert_eq!(answer.status(), 503);
        assert!(answer.headers().contains_key(RETRY_AFTER), "{answer:?}");
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(self.url(path)).bearer_auth(&self.token).send().await.expect("answers");
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.expect("JSON")
    }

    async fn until_made(&self, more: usize) {
        let before = self.made.load(Ordering::Relaxed);
        testkit::until("projects are made", async || (self.made.load(Ordering::Relaxed) >= before + more).then_some(())).await;
    }
}

/// A development server that cannot seed its demo logins ends: waits until the last is there.
async fn seeded(url: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("connects");
    tokio::spawn(connection);
    testkit::until("the demo logins are there", async || {
        let last = "select from users where email = 'rival@demo.example'";
        client.query_opt(last, &[]).await.expect("answers").map(|_| ())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_restarts_under_load_costs_nothing_but_503s() {
    let (cluster_folder, data) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let config = Config::new(cluster_folder.path());
    let mut cluster = Cluster::start(&config).await.expect("PostgreSQL starts");
    let url = cluster.url(cluster.superuser(), "postgres");
    let address = free_address();
    let environment = [("BUILD14__DATABASE__URL", url.clone()), ("BUILD14__SERVER__WORKERS", "2".to_owned())];
    let mut server = serve(address, data.path(), &environment).await.expect("the server starts");

    seeded(&url).await;

    let http = reqwest::Client::new();
    let registration =
        json!({ "email": "a@outage.example", "password": "correct horse battery", "name": "A", "organizationName": "Outage" });
    let registered = http.post(format!("http://{address}/api/auth/register")).json(&registration).send().await.expect("answers");
    assert_eq!(registered.status(), 201);
    let registered: Value = registered.json().await.expect("JSON");
    let office = Office {
        http,
        address,
        token: registered["accessToken"].as_str().expect("a token").to_owned(),
        made: Arc::default(),
        refused: Arc::default(),
        enough: Arc::default(),
    };
    let writers: Vec<_> = (0..WRITERS).map(|_| tokio::spawn(office.clone().write())).collect();
    let reader = tokio::spawn(office.clone().read());

    for _ in 0..2 {
        office.until_made(20).await;
        let refused = office.refused.load(Ordering::Relaxed);
        cluster.stop().await.expect("PostgreSQL stops");
        testkit::until("somebody notices", async || (office.refused.load(Ordering::Relaxed) > refused).then_some(())).await;
        cluster = Cluster::start(&config).await.expect("PostgreSQL starts again");
        assert_eq!(cluster.url(cluster.superuser(), "postgres"), url);
    }
    office.until_made(20).await;
    office.enough.store(true, Ordering::Relaxed);
    reader.await.expect("only 503s");
    let mut names = BTreeSet::new();
    for writer in writers {
        names.extend(writer.await.expect("only 503s"));
    }

    let (mut listed, mut page) = (Vec::new(), "/api/projects?limit=100".to_owned());
    loop {
        let body = office.get(&page).await;
        listed.extend(body["data"].as_array().expect("rows").iter().map(|row| row["name"].as_str().expect("a name").to_owned()));
        match body["nextCursor"].as_str() {
            Some(cursor) => page = format!("/api/projects?limit=100&cursor={cursor}"),
            None => break,
        }
    }
    listed.sort();
    assert_eq!(listed, names.into_iter().collect::<Vec<_>>(), "each project is there once");
    assert_eq!(office.get("/api/audit/verify").await["valid"], true);
    testkit::until("the worker is back too", async || {
        let ready = office.http.get(office.url("/health/ready")).send().await.expect("answers");
        (ready.status() == 200).then_some(())
    })
    .await;
    server.kill().await.expect("ends");
}

//! The commands as an operator types them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use testkit::Database;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::ChildStdout;

pub use crate::process::production;
use crate::process::{binary, free_address, is_ready, serve};

pub async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = binary();
    command.args(arguments).envs(environment.iter().copied());
    let output = tokio::time::timeout(Duration::from_secs(120), command.output()).await.expect("it ends").expect("it runs");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[tokio::test]
async fn every_fault_of_the_configuration_is_reported_at_once() {
    let (code, _, said) = run(
        &["serve"],
        &[
            ("BUILD14__SERVER__ADDRESS", "localhost"),
            ("BUILD14__SERVER__ADRESS", "127.0.0.1:1"),
            ("BUILD14__DATABASE__WAIT", "two seconds"),
            ("BUILD14__STRIPE__API_BASE", "https://api.stripe.com"),
            ("BUILD14__SERVER__PUBLIC_URL", "api.example.com"),
            ("BUILD14__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, proxy"),
            ("BUILD14__TENDERS__SEAL_KEY", "c2hvcnQ="),
            ("BUILD14__AUDIT__SIGNING_KEY", "c2hvcnQ="),
            ("BUILD14__AUDIT__PREVIOUS_PUBLIC_KEYS", "abc"),
            ("BUILD14__AUDIT__SIGN_EVERY", "1s"),
            ("BUILD14__LOG__FILTER", "web=loud"),
            ("BUILD14__SERVER__DOCS", "yes"),
            ("BUILD14__JOBS__CONCURRENCY", "many"),
            ("BUILD14__ESCROW__FEE_BASIS_POINTS", "5001"),
            ("BUILD14__DATABASE__OWNER_URL", "postgres://u:hunter2@h/d?sslmode=verify-full"),
        ],
    )
    .await;
    assert_eq!(code, Some(1));
    for fault in [
        "server.address: \"localhost\" should be an address and a port",
        "server.adress: there is no such setting",
        "database.wait: \"two seconds\" should be a duration",
        "stripe.secret_key: is needed together with stripe.api_base",
        "BUILD14__STRIPE__SECRET_KEY",
        "server.public_url: \"api.example.com\" should be a URL",
        "server.trusted_proxies: \"proxy\" is not a network",
        "tenders.seal_key: must be 32 bytes, base64",
        "audit.signing_key: must be 32 bytes, base64",
        "audit.previous_public_keys: each must be 64 hexadecimal digits",
        "audit.sign_every: 1s must be from 10s to 1d",
        "log.filter: \"web=loud\" should be like",
        "server.docs: \"yes\" should be true or false",
        "jobs.concurrency: \"many\" should be a whole number, like 4",
        "escrow.fee_basis_points: must be at most 5000",
        "database.owner_url: should be a libpq URL",
    ] {
        assert!(said.contains(fault), "{fault:?} is missing in:\n{said}");
    }
    assert!(!said.contains("c2hvcnQ=") && !said.contains("hunter2"), "no secret is printed:\n{said}");
}

#[tokio::test]
async fn production_embeds_nothing_and_prints_no_secret() {
    let (code, _, said) =
        run(&["serve"], &[("BUILD14__PROFILE", "production"), ("BUILD14__STRIPE__SECRET_KEY", "sk_live_topsecret")]).await;
    assert_eq!(code, Some(1));
    for key in
        ["server.public_url", "database.url", "database.system_url", "stripe.api_base", "tenders.seal_key", "audit.signing_key"]
    {
        assert!(said.contains(&format!("{key}: must be given in production")), "{key} is missing in:\n{said}");
    }
    assert!(!said.contains("topsecret"));
}

#[tokio::test]
async fn the_openapi_document_needs_nothing() {
    let (code, document, _) = run(&["openapi"], &[("BUILD14__SERVER__ADDRESS", "nonsense")]).await;
    assert_eq!(code, Some(0));
    let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/api/escrow/{id}/release"]["post"].is_object());
}

#[tokio::test]
async fn a_missing_database_says_how_to_start_one() {
    let data = tempfile::tempdir().expect("a folder");
    let (code, _, said) = run(&["database-url"], &[("BUILD14__DATA_DIR", &data.path().to_string_lossy())]).await;
    assert_eq!(code, Some(1));
    assert!(said.contains("start it with `build14 serve`"), "{said}");
}

#[tokio::test]
async fn only_our_own_variables_must_be_text() {
    let data = tempfile::tempdir().expect("a folder");
    let run = async |name: &'static str| {
        let mut command = binary();
        command.arg("database-url").env("BUILD14__DATA_DIR", data.path()).env(name, OsStr::from_bytes(b"\xff"));
        let output = command.output().await.expect("it runs");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(run("SOMEBODY_ELSES").await.contains("no database: none is configured"));
    let said = run("BUILD14__LOG__FORMAT").await;
    assert!(said.contains("BUILD14__LOG__FORMAT: the variable is not UTF-8"), "{said}");
}

pub async fn run_over(environment: &[(&'static str, String)], arguments: &[&str]) -> (Option<i32>, String, String) {
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    run(arguments, &environment).await
}

#[tokio::test]
async fn the_owner_alone_migrates() {
    let database = Database::fresh().await;
    let owner = database.owner_url().await;
    db::revert_all(&owner).await.expect("reverts");
    let environment =
        [("BUILD14__PROFILE", "production".to_owned()), ("BUILD14__DATABASE__OWNER_URL", owner.expose_secret().to_owned())];
    let (code, said, complained) = run_over(&environment, &["migrate"]).await;
    assert_eq!((code, complained.as_str()), (Some(0), ""), "{said}");
    assert!(said.contains("applied: ") && said.ends_with("the schema is up to date\n"), "{said}");
    let checked = run_over(&environment, &["migrate", "--check"]).await;
    assert_eq!(checked, (Some(0), "the schema is up to date\n".to_owned(), String::new()));
}

#[tokio::test]
async fn what_a_superuser_migrates_belongs_to_the_owner() {
    let database = Database::fresh().await;
    db::revert_all(&database.owner_url().await).await.expect("reverts");
    let mut environment = production(&database).await;
    environment.push(("BUILD14__DATABASE__OWNER_URL", database.superuser_url().await.expose_secret().to_owned()));
    let (code, _, complained) = run_over(&environment, &["migrate"]).await;
    assert_eq!((code, complained.as_str()), (Some(0), ""));
    let owners = "select distinct tableowner from pg_tables where schemaname in ('public', 'app')";
    assert_eq!(database.query(owners).await, ["build14_owner"]);
}

#[tokio::test]
async fn a_worker_refuses_what_a_server_refuses() {
    let database = Database::fresh().await;
    let mut environment = production(&database).await;
    environment.push(("BUILD14__JOBS__CONCURRENCY", "100000".to_owned()));
    let (code, _, said) = run_over(&environment, &["worker"]).await;
    assert_eq!(code, Some(1));
    assert!(said.contains("the pools may open 200"), "{said}");

    let newest = "version = (select max(version) from __diesel_schema_migrations)";
    database.run_sql(&format!("delete from __diesel_schema_migrations where {newest}")).await;
    for command in ["worker", "serve"] {
        let (code, _, said) = run_over(&environment, &[command]).await;
        assert_eq!(code, Some(1), "{command}");
        assert!(said.contains("the database's schema lacks 1 migration,"), "{command}: {said}");
    }
}

/// An address that is taken, and where nobody listens: neither this process, nor another one by chance.
struct Held(tokio::net::TcpSocket);

impl Held {
    fn new() -> Self {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        Self(socket)
    }

    /// The address; any free one for what is to listen.
    fn unless(&self, on: bool) -> String {
        if on { "127.0.0.1:0".to_owned() } else { self.0.local_addr().expect("bound").to_string() }
    }
}

/// The first lines that a process says.
async fn first(lines: &mut Lines<BufReader<ChildStdout>>, count: usize) -> Vec<String> {
    let mut said = Vec::new();
    while said.len() < count {
        said.push(lines.next_line().await.expect("reads").expect("it says so before it ends"));
    }
    said
}

/// Whether metrics are told where a process says so; if it says nothing, the connection is refused where it was told to listen.
async fn tells_metrics(said: &[String], held: &Held) -> bool {
    match said.iter().find_map(|line| line.split_once("metrics ")) {
        Some((_, url)) => {
            assert_eq!(reqwest::get(url.trim()).await.expect("answers").status(), 200);
            true
        }
        None => {
            let refused = reqwest::get(format!("http://{}/metrics", held.unless(false))).await.expect_err("nobody listens");
            assert!(refused.is_connect(), "{refused:?}");
            false
        }
    }
}

#[tokio::test]
async fn a_worker_listens_nowhere_if_its_metrics_are_off() {
    let database = Database::fresh().await;
    let held = Held::new();
    for on in [true, false] {
        let mut environment = production(&database).await;
        environment.retain(|(name, _)| *name != "BUILD14__METRICS__ADDRESS");
        environment.push(("BUILD14__METRICS__ENABLED", on.to_string()));
        environment.push(("BUILD14__METRICS__ADDRESS", held.unless(on)));
        let mut worker = binary().arg("worker").envs(environment).stdout(Stdio::piped()).spawn().expect("it runs");
        let mut lines = BufReader::new(worker.stdout.take().expect("piped")).lines();
        let said = first(&mut lines, if on { 2 } else { 1 }).await;
        assert_eq!(said[0], "14Build works");
        assert_eq!(tells_metrics(&said, &held).await, on);
        worker.kill().await.expect("ends");
    }
}

#[tokio::test]
async fn a_worker_tells_its_metrics() {
    let database = Database::fresh().await;
    let environment = production(&database).await;
    database.run_sql("select app.raise_alarm('release_refused', 'release', 'r1', null, 'x')").await;
    let mut worker = binary().arg("worker").envs(environment).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(worker.stdout.take().expect("piped")).lines();
    let url = loop {
        let line = lines.next_line().await.expect("reads").expect("it tells where its metrics are before it ends");
        if let Some((_, url)) = line.split_once("metrics ") {
            break url.trim().to_owned();
        }
    };
    testkit::until("the queue's length is told", async || {
        let text = reqwest::get(&url).await.expect("answers").text().await.expect("reads");
        let all = ["\njobs_waiting 0\n", "\nalarms_open{kind=\"release_refused\"} 1\n"];
        all.iter().all(|line| text.contains(line)).then_some(())
    })
    .await;
    worker.kill().await.expect("ends");
}

/// Reads the limits of a process that began with few open files.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_takes_as_many_open_files_as_it_may() {
    let database = Database::fresh().await;
    let (data, address) = (tempfile::tempdir().expect("a folder"), free_address());
    let mut environment = production(&database).await;
    environment.retain(|(name, _)| *name != "BUILD14__SERVER__ADDRESS");
    environment.push(("BUILD14__SERVER__ADDRESS", address.to_string()));
    environment.push(("BUILD14__DATA_DIR", data.path().display().to_string()));
    environment.push(("BUILD14__LOG__FILTER", "error".to_owned()));
    let mut few = tokio::process::Command::new("sh");
    few.args(["-c", "ulimit -S -n 256 && exec \"$0\" serve", env!("CARGO_BIN_EXE_build14")]);
    let mut server = few.envs(environment).stdout(Stdio::null()).kill_on_drop(true).spawn().expect("it runs");
    testkit::until("it is ready", async || is_ready(address).await.then_some(())).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.id().expect("it runs"))).expect("reads");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("is there");
    let words: Vec<_> = line.split_whitespace().skip(3).collect();
    assert_eq!(words[0], words[1], "soft and hard: {line}");
    assert_ne!(words[0], "256", "the hard limit leaves room to show it");
    server.kill().await.expect("ends");
}

/// What a person sees who goes to the server with a browser.
async fn page(address: std::net::SocketAddr) -> String {
    let http = reqwest::Client::new();
    let answer = http.get(format!("http://{address}/")).header("accept", "text/html,*/*;q=0.8").send().await.expect("answers");
    assert_eq!((answer.status().as_u16(), answer.headers()["content-type"].as_bytes()), (200, &b"text/html; charset=utf-8"[..]));
    answer.text().await.expect("a page")
}

#[tokio::test]
async fn documents_and_metrics_can_be_switched_off() {
    let database = Database::fresh().await;
    let (data, address) = (tempfile::tempdir().expect("a folder"), free_address());
    let mut environment = production(&database).await;
    environment.retain(|(name, _)| !["BUILD14__SERVER__ADDRESS", "BUILD14__METRICS__ADDRESS"].contains(name));
    environment.push(("BUILD14__SERVER__ADDRESS", address.to_string()));
    environment.push(("BUILD14__DATA_DIR", data.path().join("data").display().to_string()));
    environment.push(("BUILD14__LOG__FILTER", "error".to_owned()));
    let held = Held::new();
    for on in [true, false] {
        let mut environment = environment.clone();
        environment.push(("BUILD14__SERVER__DOCS", on.to_string()));
        environment.push(("BUILD14__METRICS__ENABLED", on.to_string()));
        environment.push(("BUILD14__METRICS__ADDRESS", held.unless(on)));
        let mut server = binary().arg("serve").envs(environment).stdout(Stdio::piped()).spawn().expect("it runs");
        let mut lines = BufReader::new(server.stdout.take().expect("piped")).lines();
        let mut said = first(&mut lines, if on { 3 } else { 1 }).await;
        testkit::until("it is ready", async || is_ready(address).await.then_some(())).await;
        for path in ["/docs/", "/api/openapi.json"] {
            let status = reqwest::get(format!("http://{address}{path}")).await.expect("answers").status();
            assert_eq!(status, if on { 200 } else { 404 }, "{path}");
        }
        let page = page(address).await;
        assert_eq!(page.contains("/docs/"), on, "{page}");
        for untold in ["demo.example", "fourteen-build-demo", "/metrics", "Stripe sandbox", "development", "/dev/mailbox"] {
            assert!(!page.contains(untold), "production tells nobody of {untold}: {page}");
        }
        assert_eq!(tells_metrics(&said, &held).await, on);
        server.kill().await.expect("ends");
        while let Some(line) = lines.next_line().await.expect("reads") {
            said.push(line);
        }
        let said = said.join("\n");
        assert_eq!((said.contains("/docs"), said.contains("/metrics")), (on, on), "{said}");
    }
    let mode = |path: &std::path::Path| path.metadata().expect("is there").permissions().mode() & 0o777;
    assert_eq!(mode(&data.path().join("data/server.address")), 0o600);
    // Root's server runs as another account, which must pass through.
    assert!([0o700, 0o711].contains(&mode(&data.path().join("data"))));
}

#[tokio::test]
async fn production_says_what_protects_the_way_to_another_host() {
    let database = Database::fresh().await;
    for (url, refused) in [
        ("postgres://build14_app@db.example.com/build14", true),
        ("postgres://build14_app@db.example.com/build14?sslmode=prefer", true),
        ("postgres://build14_app@db.example.com/build14?sslmode=require", false),
        ("postgres://build14_app@10.0.0.7/build14?sslmode=disable", false),
        ("postgres://build14_app@127.0.0.1/build14", false),
    ] {
        let mut environment = production(&database).await;
        environment.retain(|(name, _)| *name != "BUILD14__DATABASE__URL");
        environment.push(("BUILD14__DATABASE__URL", url.to_owned()));
        let (_, _, said) = run_over(&environment, &["database-url"]).await;
        let expected = if refused { "must say what protects the way to another host" } else { "" };
        assert!(said.contains(expected) && said.is_empty() != refused, "{url}: {said}");
    }
}

#[tokio::test]
async fn a_person_settles_only_what_is_there_to_settle() {
    let database = Database::fresh().await;
    let environment = production(&database).await;
    let id = "0193b1c0-0000-7000-8000-000000000001";
    let (code, said, complained) =
        run_over(&environment, &["release-settle", "--release", id, "--sent", "tr_1", "--operator", "Ada"]).await;
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(complained.contains("there is no such release"), "{complained}");
    let (code, _, complained) = run_over(&environment, &["release-settle", "--release", id, "--operator", "Ada"]).await;
    assert_eq!(code, Some(2));
    assert!(complained.contains("--sent") && complained.contains("--not-sent"), "{complained}");
    let (code, _, complained) =
        run_over(&environment, &["release-settle", "--release", "x", "--not-sent", "--operator", "Ada"]).await;
    assert_eq!(code, Some(2));
    assert!(
        complained.contains("invalid value 'x' for '--release <RELEASE>': it should be an id, such as 0193b1c0-"),
        "{complained}"
    );
    // The name that it had before.
    let (code, _, complained) = run_over(&environment, &["release-resolve", "--release", id, "--not-sent"]).await;
    assert!(code == Some(2) && complained.contains("--operator"), "{complained}");
}

#[tokio::test]
async fn alarms_are_listed_by_the_doctor_until_a_named_person_settles_them() {
    let database = Database::fresh().await;
    let environment = production(&database).await;
    let doctor = async |arguments: &[&str]| run_over(&environment, arguments).await;
    let (code, said, _) = doctor(&["doctor"]).await;
    assert_eq!((code, said.as_str()), (Some(0), "every invariant holds, no alarm is open\n"));
    let (code, said, checked) = doctor(&["doctor", "--json"]).await;
    assert_eq!((code, said.as_str()), (Some(0), "[]\n"));
    assert!(checked.starts_with("checked ") && checked.contains(" rules over 0 organisations, "), "{checked}");
    database.run_sql("select app.raise_alarm('release_refused', 'release', 'r1', null, 'the account is closed')").await;
    let id = database.query("select id from alarms").await.remove(0);
    let since = database
        .query("select to_char(raised_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from alarms")
        .await
        .remove(0);

    let told = format!("release_refused since {since}, seen 1 time, id {id}: the account is closed");
    let (code, said, checked) = doctor(&["doctor"]).await;
    assert_eq!((code, said), (Some(1), format!("ALARM: release r1: {told}\n")));
    assert!(checked.contains(" tables: 1 finding\n"), "{checked}");
    let (code, said, _) = doctor(&["doctor", "--json"]).await;
    let found: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, found.as_array().map(Vec::len)), (Some(1), Some(1)));
    assert_eq!(
        (&found[0]["rule"], &found[0]["subject"], &found[0]["detail"]),
        (&"ALARM".into(), &"release r1".into(), &told.into())
    );
    assert_eq!((&found[0]["alarm"]["kind"], &found[0]["alarm"]["id"]), (&"release_refused".into(), &id.as_str().into()));
    let (_, listed, _) = doctor(&["alarms", "list", "--json"]).await;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&listed).expect("JSON")[0], found[0]["alarm"]);

    for (operator, note, complaint) in
        [("", "paid by hand", "the operator must be the name of the person"), ("Ada", " ", "the reason must say why")]
    {
        let (code, _, said) = doctor(&["alarms", "settle", "--id", &id, "--operator", operator, "--note", note]).await;
        assert_eq!(code, Some(2));
        assert!(said.contains(complaint), "{said}");
    }
    let (code, _, said) = doctor(&["alarms", "settle", "--id", &id, "--note", "paid by hand"]).await;
    assert!(code == Some(2) && said.contains("--operator"), "{said}");
    let settle = ["alarms", "settle", "--id", &id, "--operator", "Ada Lovelace", "--note", "paid by hand"];
    let (code, said, _) = doctor(&settle).await;
    assert!(
        code == Some(0) && said.starts_with("settled: release r1: ") && said.contains("by Ada Lovelace: paid by hand]"),
        "{said}"
    );
    let (code, said, _) = doctor(&["alarms", "settle", "--id", &id, "--operator", "Bob", "--note", "me too"]).await;
    assert!(
        code == Some(0) && said.starts_with("it was settled before, nothing changed: ") && said.contains("by Ada Lovelace"),
        "{said}"
    );
    let (code, _, said) =
        doctor(&["alarms", "settle", "--id", "00000000-0000-0000-0000-000000000000", "--operator", "Bob", "--note", "x"]).await;
    assert!(code == Some(1) && said.contains("there is no alarm 00000000"), "{said}");
    assert_eq!(doctor(&["alarms", "list"]).await.1, "no alarm is open\n");
    assert!(doctor(&["alarms", "list", "--all"]).await.1.contains("by Ada Lovelace: paid by hand]"));
    assert_eq!(doctor(&["doctor"]).await.0, Some(0));
}

#[tokio::test]
async fn what_came_back_is_settled_by_name_and_reason() {
    let database = Database::fresh().await;
    let environment = production(&database).await;
    let id = "0193b1c0-0000-7000-8000-000000000001";
    let settle = ["reversal-settle", "--release", id];
    let (code, _, complained) = run_over(&environment, &settle).await;
    assert!(code == Some(2) && complained.contains("--paid-with") && complained.contains("--operator"), "{complained}");
    let outside = [&settle[..], &["--paid-outside", "SEPA 17", "--operator", "Ada", "--reason", "unpaid work"]].concat();
    let (code, _, complained) = run_over(&environment, &outside).await;
    assert!(code == Some(2) && complained.contains("--amount"), "how much was paid outside is said: {complained}");
    let held = [&settle[..], &["--held-again", "--operator", "Ada"]].concat();
    let (code, _, complained) = run_over(&environment, &held).await;
    assert!(code == Some(2) && complained.contains("--reason"), "{complained}");
    let (code, _, complained) = run_over(&environment, &[&held[..], &["--reason", "unpaid work"]].concat()).await;
    assert!(code == Some(1) && complained.contains("there is no such release"), "{complained}");
}

#[tokio::test]
async fn whoever_waits_for_a_development_server_finds_the_demo_logins() {
    let (data, address) = (tempfile::tempdir().expect("a folder"), free_address());
    let mut server = serve(address, data.path(), &[]).await.expect("it runs");
    let http = reqwest::Client::new();
    let page = page(address).await;
    for told in [
        "owner@demo.example",
        "contractor@demo.example",
        "Demo Stone &amp; Sons",
        "fourteen-build-demo",
        "/metrics",
        "Stripe sandbox",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    let login = json!({ "email": "owner@demo.example", "password": "fourteen-build-demo" });
    let answer = http.post(format!("http://{address}/api/auth/login")).json(&login).send().await.expect("answers");
    assert_eq!(answer.status(), 200);
    let token = answer.json::<Value>().await.expect("JSON")["accessToken"].as_str().expect("a token").to_owned();
    let projects = http.get(format!("http://{address}/api/projects")).bearer_auth(token).send().await.expect("answers");
    assert_eq!(projects.json::<Value>().await.expect("JSON")["data"].as_array().map(Vec::len), Some(1));
    // A second one on its data is refused, with the process that has them, whether their addresses collide or not.
    let (path, process) = (data.path().display().to_string(), format!("process {}", server.id().expect("it runs")));
    for (second, said) in [("127.0.0.1:0".to_owned(), "is already run by"), (address.to_string(), "works on")] {
        let environment = [
            ("BUILD14__DATA_DIR", path.as_str()),
            ("BUILD14__SERVER__ADDRESS", second.as_str()),
            ("BUILD14__METRICS__ADDRESS", "127.0.0.1:0"),
            ("BUILD14__STRIPE__SANDBOX__ADDRESS", "127.0.0.1:0"),
        ];
        let (code, _, complained) = run(&["serve"], &environment).await;
        assert!(code == Some(1) && complained.contains(&process) && complained.contains(said), "{complained}");
    }
    assert_eq!(std::fs::read_to_string(data.path().join("server.address")).ok(), Some(address.to_string()), "it is undisturbed");
    server.kill().await.expect("ends");
}

//! What somebody meets who has just installed it and mistypes.

use std::process::Stdio;

use secrecy::ExposeSecret;
use testkit::Database;

use crate::command_line::run;
use crate::process::{binary, free_address, is_ready};

/// Addresses that nobody has.
const ANYWHERE: [(&str, &str); 3] = [
    ("BUILD14__SERVER__ADDRESS", "127.0.0.1:0"),
    ("BUILD14__METRICS__ADDRESS", "127.0.0.1:0"),
    ("BUILD14__STRIPE__SANDBOX__ADDRESS", "127.0.0.1:0"),
];

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_data_directory_that_will_not_do_is_told_before_anything_is_made() {
    // Nobody writes to /proc, root neither.
    for (path, said) in [
        ("/etc/passwd/x", "cannot create the data directory /etc/passwd/x: Not a directory"),
        ("/proc", "cannot write into the data directory /proc: "),
    ] {
        let (code, _, complained) = run(&["serve"], &[&ANYWHERE[..], &[("BUILD14__DATA_DIR", path)]].concat()).await;
        assert!(code == Some(1) && complained.contains(said), "{complained}");
        assert_eq!(complained.matches("BUILD14__DATA_DIR").count(), 1, "{complained}");
    }
}

#[tokio::test]
async fn the_demo_says_what_it_waits_for_and_leaves_nothing_behind() {
    let parent = tempfile::tempdir().expect("a folder");
    let data = parent.path().join("data");
    let (code, said, complained) = run(&["demo"], &[("BUILD14__DATA_DIR", &data.display().to_string())]).await;
    assert_eq!(code, Some(0), "{complained}");
    for waited in ["waiting until the deadline has passed", "waiting until the provider says", "waiting until it is transferred"]
    {
        assert!(said.contains(waited), "{waited} is missing in {said}");
    }
    for waited in ["making a private PostgreSQL, once", "bringing the schema up to date"] {
        assert!(complained.contains(waited), "{waited} is missing in {complained}");
    }
    assert!(!data.exists(), "nothing is left");
    // Root's server cannot reach a private folder of tests.
    if let Some((_, place)) = complained.split_once(" is in /var/tmp/") {
        let name = place.split_whitespace().next().expect("a name");
        assert!(!std::path::Path::new("/var/tmp").join(name).exists(), "{complained}");
    }
}

#[tokio::test]
async fn a_url_alone_never_means_the_embedded_database() {
    let parent = tempfile::tempdir().expect("a folder");
    let data = parent.path().join("data");
    let path = data.display().to_string();
    let dead = "postgres://x@127.0.0.1:1/x";
    let owner = [("BUILD14__DATA_DIR", path.as_str()), ("BUILD14__DATABASE__OWNER_URL", dead)];
    let (code, said, complained) = run(&["migrate"], &owner).await;
    assert_eq!((code, said.as_str()), (Some(1), ""), "{complained}");
    assert!(complained.contains("migrating needs a connection: cannot connect to 127.0.0.1:1"), "{complained}");
    let system = [("BUILD14__DATA_DIR", path.as_str()), ("BUILD14__DATABASE__SYSTEM_URL", dead)];
    for (command, environment) in [("doctor", system), ("doctor", owner), ("serve", owner), ("database-url", system)] {
        let (code, said, complained) = run(&[command], &environment).await;
        assert_eq!((code, said.as_str()), (Some(1), ""), "{command}: {complained}");
        assert!(complained.contains("database.url: must be given together with"), "{command}: {complained}");
    }
    assert!(!data.exists(), "nothing was made");
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_told_without_places_of_the_standard_library() {
    let data = tempfile::tempdir().expect("a folder");
    let path = data.path().display().to_string();
    for (command, variable) in
        [("doctor", "BUILD14__DATABASE__URL"), ("serve", "BUILD14__DATABASE__URL"), ("serve", "DATABASE_URL")]
    {
        let environment =
            [&ANYWHERE[..], &[("BUILD14__DATA_DIR", path.as_str()), (variable, "postgres://x@127.0.0.1:1/x")]].concat();
        let (code, _, complained) = run(&[command], &environment).await;
        assert_eq!(code, Some(1), "{complained}");
        assert_eq!(complained.matches("cannot connect to 127.0.0.1:1").count(), 1, "{complained}");
        assert!(
            complained.contains(&format!("the database that {variable} names: ")) && !complained.contains("rustc"),
            "{complained}"
        );
    }
}

#[tokio::test]
async fn mistyped_variables_are_told() {
    let (code, _, complained) = run(&["doctor"], &[("BUILD14_DATA_DIR", "x")]).await;
    assert!(code == Some(1) && complained.contains("did you mean BUILD14__DATA_DIR?"), "{complained}");
    let (code, _, complained) = run(&["doctor"], &[("DATABASE_URL", "nonsense")]).await;
    assert!(code == Some(1) && complained.contains("  DATABASE_URL: should be a libpq URL"), "{complained}");
    let (code, _, complained) = run(&["serve"], &[("BUILD14__DATA_DIR", "/etc/passwd")]).await;
    assert!(code == Some(1) && complained.contains("/etc/passwd is a file: it must name a directory"), "{complained}");
}

#[tokio::test]
async fn a_filter_of_the_log_that_is_none_is_refused_with_the_name_of_what_gave_it() {
    let data = [("BUILD14__DATA_DIR", "/nowhere/at/all")];
    let (code, _, complained) =
        run(&["doctor"], &[data[0], ("RUST_LOG", "web=loud"), ("BUILD14__JOBS__CONCURRENCY", "many")]).await;
    assert_eq!(code, Some(1), "{complained}");
    for said in ["  RUST_LOG: \"web=loud\" should be like info", "  jobs.concurrency: \"many\" should be"] {
        assert!(complained.contains(said), "{said} is missing in {complained}");
    }
    let (code, _, complained) = run(&["doctor"], &[data[0], ("BUILD14__LOG__FILTER", "web=loud")]).await;
    assert!(code == Some(1) && complained.contains("  log.filter: \"web=loud\" should be like info"), "{complained}");
}

#[tokio::test]
async fn help_says_where_settings_come_from() {
    let (code, said, _) = run(&["--help"], &[]).await;
    assert_eq!(code, Some(0));
    for part in [
        "BUILD14__DATA_DIR",
        "config/default.toml",
        "BUILD14__PROFILE",
        "rotates them",
        "build14 config",
        "127.0.0.1:8080",
        "/docs",
        "Exit codes",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (code, said, _) = run(&["doctor", "--help"], &[]).await;
    assert!(code == Some(0) && said.contains("Exit codes: 0 nothing was found; 1 something was found"), "{said}");
}

#[tokio::test]
async fn every_setting_is_shown_with_its_source_and_no_secret() {
    let environment = [
        ("BUILD14__SERVER__ADDRESS", "127.0.0.1:0"),
        ("BUILD14__DATABASE__URL", "postgres://u:hunter2@h/d"),
        ("BUILD14_POSTGRES_BIN", "/nowhere"),
    ];
    let (code, said, complained) = run(&["config"], &environment).await;
    assert_eq!((code, complained.as_str()), (Some(0), ""), "{said}");
    let line = |key: &str| {
        let found = said.lines().find(|line| line.split_whitespace().next() == Some(key)).expect("is there");
        found.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("profile"), "development default");
    assert_eq!(line("server.address"), "127.0.0.1:0 BUILD14__SERVER__ADDRESS (default 127.0.0.1:8080)");
    assert_eq!(line("database.url"), "(given, not shown) BUILD14__DATABASE__URL (default (empty))");
    assert_eq!(line("BUILD14_POSTGRES_BIN"), "/nowhere BUILD14_POSTGRES_BIN (default (empty))");
    let (code, said, complained) = run(&["config", "--json"], &[environment[1], ("BUILD14__JOBS__CONCURRENCY", "many")]).await;
    assert!(code == Some(1) && complained.contains("  jobs.concurrency: \"many\" should be"), "{complained}");
    let shown: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let of = |key: &str| shown.as_array().into_iter().flatten().find(|shown| shown["key"] == key).expect("is there").clone();
    let told =
        serde_json::json!({"key": "jobs.concurrency", "value": "many", "source": "BUILD14__JOBS__CONCURRENCY", "default": "4"});
    assert_eq!(of("jobs.concurrency"), told);
    assert!(!said.contains("hunter2") && of("database.url")["value"] == "(given, not shown)", "{said}");
}

#[tokio::test]
async fn a_restart_registers_no_demo_login_again() {
    let (database, data) = (Database::fresh().await, tempfile::tempdir().expect("a folder"));
    let url = database.superuser_url().await.expose_secret().to_owned();
    let log = data.path().join("log");
    let start = async || {
        let address = free_address();
        let mut server = binary()
            .arg("serve")
            .env("BUILD14__SERVER__ADDRESS", address.to_string())
            .env("BUILD14__METRICS__ADDRESS", "127.0.0.1:0")
            .env("BUILD14__STRIPE__SANDBOX__ADDRESS", "127.0.0.1:0")
            .env("BUILD14__DATA_DIR", data.path())
            .env("BUILD14__DATABASE__URL", &url)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).expect("a file"))
            .spawn()
            .expect("it runs");
        testkit::until("it is ready", async || is_ready(address).await.then_some(())).await;
        server.kill().await.expect("ends");
        std::fs::read_to_string(&log).expect("reads")
    };
    let first = start().await;
    assert!(first.contains("/api/auth/register"), "{first}");
    let second = start().await;
    assert!(!second.contains("/api/auth/register"), "{second}");
}

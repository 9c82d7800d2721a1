//! `build14 float`, `payout` and `cost` as an operator types them, against the sandbox; and what commands reach without a configured database.

use std::path::Path;

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use stripe_sandbox::{Config, Sandbox};
use testkit::Database;

use crate::command_line::{run, run_over};
use crate::process::{free_address, serve};

/// Development over this database and this sandbox.
async fn development(database: &Database, base: &str, data: &Path) -> Vec<(&'static str, String)> {
    vec![
        ("BUILD14__DATABASE__URL", database.superuser_url().await.expose_secret().to_owned()),
        ("BUILD14__DATA_DIR", data.display().to_string()),
        ("BUILD14__STRIPE__API_BASE", base.to_owned()),
        ("BUILD14__STRIPE__SECRET_KEY", "sk_test_sandbox".to_owned()),
        ("BUILD14__STRIPE__WEBHOOK_SECRET", "whsec_0123456789abcdefghijklmn".to_owned()),
        ("BUILD14__LOG__FILTER", "error".to_owned()),
    ]
}

async fn sent(request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.expect("answers");
    assert_eq!(answer.status(), 200);
    answer.json().await.expect("JSON")
}

/// What Stripe lets nobody control.
async fn control(base: &str, path: &str, body: Value) -> Value {
    sent(reqwest::Client::new().post(format!("{base}/_sandbox/{path}")).json(&body)).await
}

async fn stripe(base: &str, path: &str, body: String) -> Value {
    let request = reqwest::Client::new().post(format!("{base}/v1/{path}")).bearer_auth("sk_test_sandbox");
    sent(request.header("Content-Type", "application/x-www-form-urlencoded").body(body)).await
}

fn id(object: &Value) -> String {
    object["id"].as_str().expect("an id").to_owned()
}

const ROWS: &str = "select concat_ws(', ', source_object, amount, currency, provider_status, operator, reason) from platform_float order by created_at";

#[tokio::test]
async fn the_platforms_own_money_is_posted_exactly_as_stripe_shows_it() {
    let (database, data) = (Database::fresh().await, tempfile::tempdir().expect("a folder"));
    let sandbox = Sandbox::start(Config::default()).await.expect("starts");
    let base = sandbox.base_url();
    let environment = development(&database, &base, data.path()).await;
    let top_up = async |amount: i64| id(&control(&base, "topups", json!({ "amount": amount, "currency": "eur" })).await);
    let ada = ["--operator", "Ada Lovelace", "--reason", "to cover fees"];
    let post = async |verb: &str, source: &str, more: &[&str]| {
        let arguments = [&[verb, "--source", source][..], &ada, more].concat();
        run_over(&environment, &arguments).await
    };

    let first = top_up(5_000).await;
    let (code, _, complained) = run_over(&environment, &["float", "--source", &first]).await;
    assert!(code == Some(2) && complained.contains("--operator"), "{complained}");
    let (code, _, complained) = post("float", &first, &["--amount", "50.01", "--currency", "EUR"]).await;
    assert_eq!(code, Some(1));
    assert!(complained.contains("is over 50.00 EUR at the provider, not 50.01 EUR: nothing was posted"), "{complained}");
    let (code, _, complained) = post("float", &first, &["--amount", "50.00"]).await;
    assert!(code == Some(2) && complained.contains("--currency"), "{complained}");
    let (code, said, complained) = post("float", &first, &[]).await;
    assert_eq!((code, complained.as_str()), (Some(0), ""), "{said}");
    assert!(said.starts_with(&format!("float {first}, succeeded at the provider\n")), "{said}");
    assert!(said.ends_with("EUR is covered, with a surplus of 50.00 EUR; 0 waiting releases go on\n"), "{said}");
    let (code, said, complained) = run_over(&environment, &["float", "--source", &first, "--operator", "Bob"]).await;
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(complained.contains(&format!("{first} was posted before, on 2")), "{complained}");
    assert!(complained.contains("by Ada Lovelace, as 50.00 EUR: nothing is posted twice"), "{complained}");
    let (code, _, complained) = post("float", "tu_invented", &[]).await;
    assert!(code == Some(1) && complained.contains("No such topup"), "{complained}");
    let usual: Vec<_> = environment.iter().filter(|(name, _)| *name != "BUILD14__LOG__FILTER").cloned().collect();
    let (code, _, complained) = run_over(&usual, &["float", "--source", "tu_invented", "--operator", "Ada"]).await;
    assert!(code == Some(1) && !complained.contains("WARN"), "the command says it, once: {complained}");
    let pending = id(&control(&base, "topups", json!({ "amount": 700, "currency": "eur", "pending": true })).await);
    let (code, _, complained) = post("float", &pending, &[]).await;
    assert!(code == Some(1) && complained.contains(&format!("{pending} is pending at the provider")), "{complained}");

    let _not_posted = top_up(2_000).await;
    let pay_out = async |amount: &str| id(&stripe(&base, "payouts", format!("amount={amount}&currency=eur")).await);
    let own = pay_out("3000").await;
    let (code, said, complained) = post("payout", &own, &[]).await;
    assert_eq!((code, complained.as_str()), (Some(0), ""), "{said}");
    let tenants = pay_out("4000").await;
    let (code, said, complained) = post("payout", &tenants, &[]).await;
    assert_eq!((code, said.as_str()), (Some(1), ""));
    let told = "paid out 40.00 EUR, but of the platform's own there are 20.00 EUR: 20.00 EUR of it are owed to tenants";
    assert!(complained.contains(told), "{complained}");
    control(&base, &format!("payouts/{own}/move"), json!({ "status": "failed" })).await;
    let (code, _, complained) = post("payout", &own, &[]).await;
    assert!(code == Some(1) && complained.contains("is failed at the provider"), "{complained}");

    let card = "amount=100000&currency=eur&payment_method=pm_card_bypassPending&confirm=true".to_owned();
    let paid = stripe(&base, "payment_intents", card).await;
    let dispute = control(&base, "disputes", json!({ "charge": paid["latest_charge"] })).await;
    let (code, _, complained) = post("cost", &id(&dispute), &[]).await;
    assert!(code == Some(1) && complained.contains("of the balance transaction that took it, such as txn_"), "{complained}");
    let taken = id(&dispute["balance_transactions"][0]);
    let (code, said, complained) = post("cost", &taken, &["--amount", "15.00", "--currency", "EUR"]).await;
    assert_eq!((code, complained.as_str()), (Some(0), ""), "{said}");
    assert!(
        said.starts_with(&format!("cost {taken}, available at the provider\n")) && said.contains("5010 dispute_and_loss"),
        "{said}"
    );
    assert_eq!(
        database.query(ROWS).await,
        [
            format!("{first}, 5000, EUR, succeeded, Ada Lovelace, to cover fees"),
            format!("{own}, -3000, EUR, paid, Ada Lovelace, to cover fees"),
            format!("{taken}, -1500, EUR, available, Ada Lovelace, to cover fees"),
        ]
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn beside_a_development_server_and_after_it_commands_reach_the_same_database_and_sandbox() {
    let (data, address) = (tempfile::tempdir().expect("a folder"), free_address());
    let mut server = serve(address, data.path(), &[]).await.expect("it runs");
    let environment = [("BUILD14__DATA_DIR", data.path().display().to_string()), ("BUILD14__LOG__FILTER", "error".to_owned())];
    let base = std::fs::read_to_string(data.path().join("stripe-sandbox.url")).expect("it says where");
    let top_up = async |amount: i64| id(&control(&base, "topups", json!({ "amount": amount, "currency": "eur" })).await);
    let (now, later) = (top_up(5_000).await, top_up(700).await);
    let release = "0193b1c0-0000-7000-8000-000000000001";
    let resolve = ["release-settle", "--release", release, "--not-sent", "--operator", "Ada"];
    let settle = ["reversal-settle", "--release", release, "--held-again", "--operator", "Ada", "--reason", "why"];
    let refund = ["suspense-refund", "--payment", release, "--operator", "Ada", "--reason", "why"];
    let loss = ["loss", "--amount", "1.00", "--currency", "EUR", "--operator", "Ada", "--reason", "why"];
    let recovery =
        ["recovery", "--loss", release, "--amount", "1.00", "--currency", "EUR", "--operator", "Ada", "--reason", "why"];
    let looked = async |source: &str, surplus: &str| {
        let (code, said, complained) = run_over(&environment, &["float", "--source", source, "--operator", "Ada"]).await;
        assert_eq!((code, complained.as_str()), (Some(0), ""), "{said}");
        assert!(said.contains(&format!("a surplus of {surplus} EUR")), "{said}");
        for (arguments, expected) in [
            (&resolve[..], "there is no such release"),
            (&settle[..], "there is no such release"),
            (&refund[..], "there is no such payment"),
            (&loss[..], "nothing of EUR is missing at the provider: nothing was posted"),
            (&recovery[..], "no loss is open. Nothing was posted"),
        ] {
            let (code, _, complained) = run_over(&environment, arguments).await;
            assert!(code == Some(1) && complained.contains(expected), "{arguments:?}: {complained}");
        }
        let (code, _, complained) = run_over(&environment, &["worker"]).await;
        assert!(code == Some(1) && complained.contains("which runs a worker itself"), "{complained}");
    };
    looked(&now, "50.00").await;
    assert_eq!(run_over(&environment, &["migrate", "--check"]).await.0, Some(0));
    let stopped = tokio::process::Command::new("kill").arg(server.id().expect("it runs").to_string()).status().await;
    assert!(stopped.expect("kill runs").success());
    assert!(server.wait().await.expect("ends").success());
    looked(&later, "57.00").await;
    let (code, _, complained) = run_over(&environment, &["migrate", "--check"]).await;
    assert!(code == Some(1) && complained.contains("or the embedded one while a server runs"), "{complained}");
}

#[tokio::test]
async fn a_mistyped_data_directory_is_told_and_nothing_is_made() {
    let parent = tempfile::tempdir().expect("a folder");
    let (typo, empty) = (parent.path().join("typo"), parent.path().join("empty"));
    std::fs::create_dir(&empty).expect("makes it");
    let id = "0193b1c0-0000-7000-8000-000000000001";
    let by = ["--operator", "Ada", "--reason", "why"];
    let commands: [(&[&str], bool); 15] = [
        (&["migrate"], false),
        (&["doctor"], false),
        (&["doctor", "--json"], false),
        (&["alarms", "list"], false),
        (&["alarms", "settle", "--id", id, "--operator", "Ada", "--note", "seen"], false),
        (&["security-events"], false),
        (&["seal", "status"], false),
        (&["seal", "rotate"], true),
        (&["jobs", "list"], false),
        (&["jobs", "retry", "--id", "1"], true),
        (&["float", "--source", "tu_1"], true),
        (&["release-settle", "--release", id, "--not-sent"], true),
        (&["reversal-settle", "--release", id, "--held-again"], true),
        (&["freeze", "--milestone", id], true),
        (&["unfreeze", "--contract", id], true),
    ];
    for directory in [&typo, &empty] {
        let path = directory.display().to_string();
        for (command, named) in commands {
            let arguments = if named { [command, &by[..]].concat() } else { command.to_vec() };
            let (code, said, complained) = run(&arguments, &[("BUILD14__DATA_DIR", &path)]).await;
            assert_eq!((code, said.as_str()), (Some(1), ""), "{arguments:?}: {complained}");
            let told = format!("build14: no 14Build data in {path}: BUILD14__DATA_DIR names the directory");
            assert!(complained.starts_with(&told), "{arguments:?}: {complained}");
        }
    }
    assert!(!typo.exists(), "nothing was made");
    assert_eq!(std::fs::read_dir(&empty).expect("is there").count(), 0, "nor in what was there");
}

#[tokio::test]
async fn every_address_that_is_taken_is_told_at_once_with_its_setting() {
    let data = tempfile::tempdir().expect("a folder");
    let taken: Vec<_> = (0..3).map(|_| std::net::TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    let addresses: Vec<String> = taken.iter().map(|one| one.local_addr().expect("has one").to_string()).collect();
    let path = data.path().display().to_string();
    let start = async |sandbox: &str| {
        let environment = [
            ("BUILD14__DATA_DIR", path.as_str()),
            ("BUILD14__SERVER__ADDRESS", addresses[0].as_str()),
            ("BUILD14__METRICS__ADDRESS", addresses[1].as_str()),
            ("BUILD14__STRIPE__SANDBOX__ADDRESS", sandbox),
        ];
        run(&["serve"], &environment).await
    };
    let (code, _, complained) = start(&addresses[2]).await;
    assert_eq!(code, Some(1));
    for (address, key, variable) in [
        (&addresses[0], "server.address", "BUILD14__SERVER__ADDRESS"),
        (&addresses[1], "metrics.address", "BUILD14__METRICS__ADDRESS"),
        (&addresses[2], "stripe.sandbox.address", "BUILD14__STRIPE__SANDBOX__ADDRESS"),
    ] {
        let line = complained.lines().find(|line| line.contains(&format!("cannot listen on {address} ({key}): ")));
        assert!(
            line.is_some_and(|line| line.contains(&format!("choose another address with {variable}"))),
            "{key}: {complained}"
        );
    }
    assert_eq!(complained.lines().count(), 3, "{complained}");
    let (_, _, complained) = start("127.0.0.1:0").await;
    assert_eq!(complained.lines().count(), 2, "{complained}");
}

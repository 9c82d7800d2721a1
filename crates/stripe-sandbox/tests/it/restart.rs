//! What survives: everything that was answered.

use crate::world::{Receiver, World, eventually, id};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use std::path::PathBuf;
use std::time::Duration;
use stripe_sandbox::{Config, Endpoint, EndpointKind, Fault, FaultKind, Sandbox};

fn config(file: &std::path::Path) -> Config {
    Config { state_file: Some(file.to_owned()), webhook_base_delay: Duration::from_millis(5), ..Config::default() }
}

const PAYMENT: &[(&str, &str)] =
    &[("amount", "1000"), ("currency", "eur"), ("payment_method", "pm_card_visa"), ("confirm", "true")];

#[tokio::test]
async fn objects_keys_clock_and_faults_survive() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("stripe/state.json");
    let world = World::with(config(&file)).await;
    let payee = world.payee().await;
    world.post("/v1/payment_intents", PAYMENT).await.ok();
    let now = world.sandbox.advance(3 * 86_400);
    let first = world.post_once("k1", "/v1/payment_intents", PAYMENT).await.ok();
    world.sandbox.inject(Fault::new("POST", "/v1/refunds", FaultKind::Status429));
    let requests = world.sandbox.requests().len();
    world.sandbox.stop().await;

    let world = World::with(config(&file)).await;
    let again = world.post_once("k1", "/v1/payment_intents", PAYMENT).await;
    assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", &first));
    assert!(world.sandbox.now() >= now);
    assert_eq!(world.balance(None, "eur").await, (941, 941));
    assert_eq!(world.get(&format!("/v1/accounts/{payee}")).await.ok()["capabilities"]["transfers"], "active");
    assert_eq!(world.post("/v1/refunds", &[("payment_intent", id(&first))]).await.status, 429);
    assert!(world.sandbox.requests().len() > requests);
}

#[tokio::test]
async fn a_kill_loses_nothing_that_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let (file, copy) = (dir.path().join("state.json"), dir.path().join("killed/state.json"));
    let world = World::with(config(&file)).await;
    for i in 0..20 {
        world.post_once(&format!("k{i}"), "/v1/payment_intents", PAYMENT).await.ok();
    }
    // What lies on the disk at this moment is what a SIGKILL would leave.
    std::fs::create_dir(copy.parent().unwrap()).unwrap();
    for suffix in ["", ".log"] {
        let of = |path: &std::path::Path| PathBuf::from(format!("{}{suffix}", path.display()));
        std::fs::copy(of(&file), of(&copy)).unwrap();
    }
    let survivor = World::with(config(&copy)).await;
    assert_eq!(survivor.sandbox.payment_intents(), world.sandbox.payment_intents());
    assert_eq!(survivor.sandbox.events().len(), 60);
    for i in 0..20 {
        assert_eq!(
            survivor.post_once(&format!("k{i}"), "/v1/payment_intents", PAYMENT).await.header("idempotent-replayed"),
            "true"
        );
    }
}

/// Not a test: the process that the next test kills.
#[tokio::test]
#[ignore = "run by a_sigkill_under_load_loses_nothing_that_was_answered"]
async fn host() {
    let Ok(file) = std::env::var("SANDBOX_STATE_FILE") else { return };
    let file = PathBuf::from(file);
    let sandbox = Sandbox::start(config(&file)).await.unwrap();
    let (fresh, address) = (file.with_extension("tmp"), file.with_extension("address"));
    std::fs::write(&fresh, sandbox.base_url()).unwrap();
    std::fs::rename(fresh, address).unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_sigkill_under_load_loses_nothing_that_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("state.json");
    let address = file.with_extension("address");
    let mut answered: Vec<(String, serde_json::Value)> = Vec::new();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for round in 0..4 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "restart::host", "--ignored"])
            .env("SANDBOX_STATE_FILE", &file)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        eventually("the host is up", || address.exists()).await;
        let url = format!("{}/v1/payment_intents", std::fs::read_to_string(&address).unwrap());
        std::fs::remove_file(&address).unwrap();
        let body = serde_urlencoded::to_string(PAYMENT).unwrap();
        let pay = |key: String| {
            let request =
                http.post(&url).header("Authorization", "Bearer sk_test_x").header("Idempotency-Key", &key).body(body.clone());
            async move { crate::world::send(request).await.map(|answer| (key, answer)) }
        };
        for (key, body) in &answered {
            let (_, again) = pay(key.clone()).await.unwrap();
            assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", body), "{key}");
        }
        // The child dies while requests are under way.
        let load = async {
            let mut done = Vec::new();
            let mut alive = true;
            for i in 0.. {
                let mut batch: FuturesUnordered<_> = (0..8).map(|n| pay(format!("r{round}-{i}-{n}"))).collect();
                while let Some(result) = batch.next().await {
                    match result {
                        Ok((key, answer)) => done.push((key, answer.ok())),
                        Err(_) => alive = false,
                    }
                    if i == 4 + round && batch.len() == 5 {
                        child.kill().unwrap();
                    }
                }
                if !alive {
                    break;
                }
            }
            done
        };
        answered.extend(load.await);
        child.wait().unwrap();
    }
    let survivor = Sandbox::start(config(&file)).await.unwrap();
    let known: std::collections::HashSet<_> = survivor.payment_intents().iter().map(|i| id(i).to_owned()).collect();
    assert!(answered.len() > 100, "{}", answered.len());
    assert!(answered.iter().all(|(_, body)| known.contains(id(body))));
}

#[tokio::test]
async fn webhooks_in_flight_go_to_the_new_address() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("state.json");
    let endpoint = |url: &str| Endpoint { url: url.into(), secret: "whsec_1".into(), kind: EndpointKind::Platform };
    let (down, up) = (Receiver::start().await, Receiver::start().await);
    down.answer(503);
    let world = World::with(config(&file)).await;
    world.sandbox.add_webhook_endpoint(&endpoint(&down.url));
    world.post("/v1/payment_intents", PAYMENT).await.ok();
    eventually("attempts", || down.received().len() >= 3).await;
    drop(world);

    let before = down.received().len();
    let sandbox = Sandbox::start(config(&file)).await.unwrap();
    sandbox.add_webhook_endpoint(&endpoint(&up.url));
    eventually("three events", || up.received().len() == 3).await;
    assert_eq!(down.received().len(), before, "the old address is not bothered");
    eventually("all delivered", || sandbox.deliveries().iter().all(|d| d["status"] == "delivered")).await;
}

#[tokio::test]
async fn a_broken_state_file_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("state.json");
    std::fs::write(&file, "{nonsense").unwrap();
    let error = Sandbox::start(config(&file)).await.unwrap_err().to_string();
    assert!(error.contains("state.json") && error.contains("Move it away"), "{error}");
}

#[tokio::test]
async fn a_taken_address_is_explained() {
    let world = World::new().await;
    let error = Sandbox::start(Config { address: world.sandbox.address(), ..Config::default() }).await.unwrap_err();
    assert!(error.to_string().contains("cannot listen on"), "{error}");
}

#[test]
fn it_starts_within_an_actix_system() {
    actix_web::rt::System::new().block_on(async {
        let sandbox = Sandbox::start(Config::default()).await.unwrap();
        let answer = reqwest::get(format!("{}/_sandbox", sandbox.base_url())).await.unwrap();
        assert_eq!(answer.status(), 200);
        sandbox.stop().await;
    });
}

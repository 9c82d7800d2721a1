//! Schemathesis makes requests up from the document, right ones and wrong ones, and compares the answers with it: as an owner and as a contractor.

use std::time::Duration;

use serde_json::{Value, json};

use super::peers::{peers, run};
use super::{Server, workshop};

/// Seconds for both, if none are said.
const SECONDS: u64 = 120;

async fn token(server: &Server, email: &str) -> String {
    let body = json!({ "email": email, "password": "fourteen-build-demo" });
    let url = format!("http://{}/api/auth/login", server.address);
    let told: Value = testkit::until("the demo logins are there", async || {
        let answer = reqwest::Client::new().post(&url).json(&body).send().await.ok()?;
        if answer.status() == 200 { answer.json().await.ok() } else { None }
    })
    .await;
    told["accessToken"].as_str().expect("a token").to_owned()
}

#[tokio::test]
#[ignore = "takes as long as it is told: run by `just fuzz`"]
async fn made_up_requests_are_answered_as_documented() {
    let Some(peers) = peers("made-up requests are answered as documented") else { return };
    let seconds = std::env::var("FUZZ_SECONDS").map_or(SECONDS, |given| given.parse().expect("FUZZ_SECONDS is a number"));
    let (shop, server) = (workshop(peers), Server::start().await);
    for email in ["owner@demo.example", "contractor@demo.example"] {
        let authorization = format!("Authorization: Bearer {}", token(&server, email).await);
        let mut schemathesis = peers.python("st");
        schemathesis.args(["--config-file", "schemathesis.toml", "run", "openapi.json", "--no-color"]);
        schemathesis.args(["--url", &format!("http://{}", server.address), "--header", &authorization]);
        schemathesis.args(["--max-time", &(seconds / 2).max(1).to_string()]).current_dir(&shop);
        if let Ok(seed) = std::env::var("FUZZ_SEED") {
            schemathesis.args(["--seed", &seed]);
        }
        eprintln!("{email}:\n{}", run(&mut schemathesis));
    }
    let ready = reqwest::Client::new().get(format!("http://{}/health/ready", server.address)).timeout(Duration::from_secs(10));
    assert_eq!(ready.send().await.expect("the server still answers").status(), 200);
}

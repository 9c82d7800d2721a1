//! Other people's judges of SCIM, each over the whole of it and by its strictest rules: `scim2-tester`, as `scim2 test` runs it, and `scim-sanity`.

use serde_json::{Value, json};

use super::Server;
use super::peers::{peers, run};

/// A server with the key of a directory.
async fn directory() -> (Server, String, String) {
    let server = Server::start().await;
    let base = format!("http://{}", server.address);
    let client = reqwest::Client::new();
    let account = json!({
        "email": "ada@directory.example", "password": "correct horse battery", "name": "Ada", "organizationName": "Acme Construction"
    });
    let registered = client.post(format!("{base}/api/auth/register")).json(&account).send().await.expect("it answers");
    let registered: Value = registered.json().await.expect("JSON");
    let token = registered["accessToken"].as_str().expect("a token");
    // As if she had read her mail: people are invited in her name.
    server._database.run_sql("update users set email_verified = true where email = 'ada@directory.example'").await;
    let key = json!({ "name": "Directory", "scopes": ["directory.manage"] });
    let made = client.post(format!("{base}/api/api-keys")).bearer_auth(token).json(&key).send().await.expect("it answers");
    let made: Value = made.json().await.expect("JSON");
    let key = made["secret"].as_str().unwrap_or_else(|| panic!("no key: {made}")).to_owned();
    (server, format!("{base}/scim/v2"), key)
}

#[tokio::test]
async fn every_check_of_scim2_tester_succeeds() {
    let Some(peers) = peers("scim2-tester finds what it looks for") else { return };
    let (_server, url, key) = directory().await;
    let mut judge = peers.python("scim2");
    judge.args(["--url", &url, "test", "--verbose"]).env("SCIM_CLI_HEADERS", format!("Authorization: Bearer {key}"));
    let said = run(&mut judge);
    assert!(said.matches("SUCCESS").count() > 40, "the checks are made: {said}");
}

#[tokio::test]
async fn scim_sanity_finds_nothing_as_strict_as_it_can_be() {
    let Some(peers) = peers("scim-sanity finds nothing") else { return };
    let (_server, url, key) = directory().await;
    for profile in [&["--profile", "entra"][..], &[]] {
        let mut judge = peers.python("scim-sanity");
        judge.args(["probe", &url, "--token", &key, "--strict", "--i-accept-side-effects", "--json-output"]).args(profile);
        let said = run(&mut judge);
        let told: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
        let results = told["results"].as_array().expect("results");
        let faults: Vec<_> =
            results.iter().filter(|result| !["pass", "skip"].contains(&result["status"].as_str().unwrap_or_default())).collect();
        assert!(faults.is_empty(), "{faults:#?}");
        assert!(results.len() > 25, "the probes are made: {said}");
    }
}

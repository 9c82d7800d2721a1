//! The commands as an operator types them.

use std::time::Duration;

use crate::process::binary;

async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
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
    ] {
        assert!(said.contains(fault), "{fault:?} is missing in:\n{said}");
    }
}

#[tokio::test]
async fn production_embeds_nothing_and_prints_no_secret() {
    let (code, _, said) =
        run(&["serve"], &[("BUILD14__PROFILE", "production"), ("BUILD14__STRIPE__SECRET_KEY", "sk_live_topsecret")]).await;
    assert_eq!(code, Some(1));
    for key in ["database.url", "database.system_url", "stripe.api_base", "tenders.seal_key"] {
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

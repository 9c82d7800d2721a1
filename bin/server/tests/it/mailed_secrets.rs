//! What is mailed lets whoever has it in: neither logs nor metrics hold it, whatever is done with it.

use std::path::Path;

use serde_json::{Value, json};

use crate::sealed::serve;

/// What a mail of this kind says, once it was kept: the digits and what the link holds.
async fn mailed(data: &Path, page: &str) -> (String, String) {
    testkit::until("the mail is kept", async || {
        let entries = std::fs::read_dir(data.join("outbox")).ok()?;
        let mut texts = entries.filter_map(|entry| {
            let mail: Value = serde_json::from_slice(&std::fs::read(entry.ok()?.path()).ok()?).ok()?;
            mail["text"].as_str().map(str::to_owned)
        });
        let text = texts.find(|text| text.contains(page))?;
        let (_, rest) = text.split_once("token=")?;
        let token: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
        let code = text.lines().map(str::trim).find(|line| line.len() == 8 && line.bytes().all(|byte| byte.is_ascii_digit()))?;
        Some((token, code.to_owned()))
    })
    .await
}

#[tokio::test]
async fn neither_logs_nor_metrics_hold_what_was_mailed() {
    let place = tempfile::tempdir().expect("a folder");
    let (data, log) = (place.path().join("data"), place.path().join("log"));
    let (mut server, base, metrics) = serve(&data, &log).await;
    let http = reqwest::Client::new();
    let post = async |path: &str, body: Value| {
        let answer = http.post(format!("{base}{path}")).json(&body).send().await.expect("answers");
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap_or_default())
    };
    let account =
        json!({ "email": "ada@mailed.example", "password": "correct horse battery", "name": "Ada", "organizationName": "Works" });
    let (status, registered) = post("/api/auth/register", account).await;
    assert_eq!(status, 201, "{registered}");
    let (token, code) = mailed(&data, "/auth/verify").await;

    let page = format!("{base}/auth/verify?token={token}");
    assert_eq!(http.head(&page).send().await.expect("answers").status(), 200);
    assert_eq!(http.get(&page).send().await.expect("answers").status(), 200);
    let form = http.post(format!("{base}/auth/verify")).header("content-type", "application/x-www-form-urlencoded");
    let pressed = form.body(format!("token={token}")).send().await.expect("answers");
    assert_eq!(pressed.status(), 200);
    assert_eq!(http.get(&page).send().await.expect("answers").status(), 410);
    assert_eq!(post("/api/auth/verification/confirm", json!({ "token": token })).await.0, 409);
    // Misspelt, and where nothing is.
    assert_eq!(http.get(format!("{base}/auth/verifi?token={token}")).send().await.expect("answers").status(), 404);

    let (status, asked) = post("/api/auth/password-reset", json!({ "email": "ada@mailed.example" })).await;
    assert_eq!(status, 202, "{asked}");
    let (reset, digits) = mailed(&data, "/auth/reset").await;
    let request = asked["requestId"].as_str().expect("a text");
    let by_code = json!({ "requestId": request, "code": digits, "password": "incorrect zebra capacitor" });
    assert_eq!(post("/api/auth/password-reset/confirm", by_code.clone()).await.0, 204);
    assert_eq!(post("/api/auth/password-reset/confirm", by_code).await.0, 409);

    let labels = reqwest::get(&metrics).await.expect("answers").text().await.expect("reads");
    server.kill().await.expect("ends");
    let text = std::fs::read_to_string(&log).expect("the log");
    assert!(text.contains("/auth/verify"), "requests are logged");
    let first = registered["verification"]["requestId"].as_str().expect("a text");
    for secret in [token.as_str(), reset.as_str(), first, request] {
        assert!(!labels.contains(secret), "a label holds it");
        let line = text.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{line:?}");
    }
    // Eight digits may stand in a longer number by chance.
    for digits in [&code, &digits] {
        let line = text.lines().find(|line| line.contains(&format!("\"{digits}\"")));
        assert!(line.is_none(), "{line:?}");
    }
}

//! Reports of leaked keys, over sockets: the reporter's public keys are fetched from where the deployment says.

use serde_json::json;
use testkit::Scanner;

use crate::world::World;

#[tokio::test]
async fn a_report_is_believed_by_the_keys_that_the_reporter_shows() {
    let scanner = Scanner::start().await;
    let world = World::with(&[("BUILD14__API_KEYS__LEAK_REPORTER_URL", scanner.url.as_str())]).await;
    let owner = world.register("Owner").await;
    let made = owner.http.post("/api/api-keys", json!({"name": "Books", "scopes": ["projects.read"]})).await.expect(201);
    let key = world.anonymous().with_token(&made.text("/secret"));
    key.get("/api/projects").await.expect(200);
    let report = json!([{"token": made.text("/secret"), "type": "build14_api_key"}]).to_string();
    let reporter = world.anonymous();
    let request = reporter.request("POST", "/api/webhooks/leaked-keys").header("content-type", "application/json");
    let request = request.header("github-public-key-identifier", scanner.identifier);
    let request = request.header("github-public-key-signature", scanner.sign(report.as_bytes()));
    let answer = reporter.send(request.body(report)).await.expect(200);
    assert_eq!(answer.text("/0/label"), "true_positive");
    key.get("/api/projects").await.problem(401, "NOT_AUTHENTICATED");
    assert_eq!(scanner.asked(), 1);
    world.end().await;
}

#[tokio::test]
async fn where_nobody_is_listened_to_there_is_nothing() {
    let world = World::new().await;
    world.anonymous().post("/api/webhooks/leaked-keys", json!([])).await.problem(404, "NOT_FOUND");
    world.end().await;
}

//! What an organisation is told of what was refused in it: through the real server.

use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn a_refusal_is_told_to_the_organisation_of_a_member_and_of_a_key() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let member = world.colleague(&owner, "member").await;
    member.http.get("/api/audit").await.problem(403, "PERMISSION_DENIED");
    let made = owner.http.post("/api/api-keys", json!({"name": "Books", "scopes": ["projects.read"]})).await.expect(201);
    let key = world.anonymous().with_token(&made.text("/secret"));
    key.get("/api/audit").await.problem(403, "PERMISSION_DENIED");

    let events = owner.http.get("/api/security-events?kind=access_denied").await.expect(200);
    let told = |place: usize| {
        let event = &events.body["data"][place];
        (event["userId"].clone(), event["apiKeyId"].clone(), event["permission"].clone())
    };
    let audit = json!("audit.read");
    assert_eq!(told(0), (Value::Null, json!(made.text("/apiKey/id")), audit.clone()), "a key is no person");
    assert_eq!(told(1), (json!(member.user), Value::Null, audit));
    assert!(events.body["data"][2].is_null(), "{}", events.body);
    let other = world.register("Other").await;
    let none = other.http.get("/api/security-events?kind=access_denied").await.expect(200);
    assert_eq!(none.body["data"], json!([]));
    world.end().await;
}

//! API keys: with what programs sign in.

use serde_json::json;

use super::super::{Cases, FORBIDDEN, HIDDEN, ONESELF, OWN, Scene};
use crate::walk::Walk;
use crate::world::Party;

/// A key, and what becomes of those of leavers.
pub async fn things(scene: &mut Scene) {
    let key = scene.owner.http.post("/api/api-keys", json!({"name": "Books", "scopes": ["projects.read"]})).await.expect(201);
    scene.keep("API key", key.text("/apiKey/id"));
    let kept = json!({"apiKeysOfLeavers": "keep"});
    scene.owner.http.put("/api/organization/api-key-settings", kept).await.expect(200);
}

/// How the routes of keys are called.
pub fn cases(scene: &Scene, cases: &mut Cases) {
    let new = json!({"name": "N", "scopes": ["projects.read"]});
    cases.add("GET /api/api-keys", "/api/api-keys", None, OWN, FORBIDDEN);
    cases.add("POST /api/api-keys", "/api/api-keys", Some(new), &[201], FORBIDDEN);
    let key = format!("/api/api-keys/{}", scene.id("API key"));
    cases.add("GET /api/api-keys/{id}", key.clone(), None, HIDDEN, FORBIDDEN);
    cases.add("PATCH /api/api-keys/{id}", key.clone(), Some(json!({"name": "X"})), HIDDEN, FORBIDDEN);
    cases.add("DELETE /api/api-keys/{id}", key.clone(), None, HIDDEN, FORBIDDEN);
    let rotation = json!({"overlapHours": 1});
    cases.add("POST /api/api-keys/{id}/rotate", format!("{key}/rotate"), Some(rotation), HIDDEN, FORBIDDEN);
    let settings = "/api/organization/api-key-settings";
    cases.add("GET /api/organization/api-key-settings", settings, None, ONESELF, FORBIDDEN);
    let revoked = json!({"apiKeysOfLeavers": "revoke"});
    cases.add("PUT /api/organization/api-key-settings", settings, Some(revoked), ONESELF, FORBIDDEN);
}

/// A key is made, looked at, changed, replaced and revoked.
pub async fn walk(walk: &mut Walk, owner: &Party) {
    let key = walk.send(&owner.http, "POST /api/api-keys", &[], &[]).await.text("/apiKey/id");
    walk.send(&owner.http, "GET /api/api-keys", &[], &[]).await;
    for operation in
        ["GET /api/api-keys/{id}", "PATCH /api/api-keys/{id}", "POST /api/api-keys/{id}/rotate", "DELETE /api/api-keys/{id}"]
    {
        walk.send(&owner.http, operation, &[&key], &[]).await;
    }
    for operation in ["GET /api/organization/api-key-settings", "PUT /api/organization/api-key-settings"] {
        walk.send(&owner.http, operation, &[], &[]).await;
    }
}

//! Roles: those that an organisation makes for itself, who has them, and what is asked about them.

use serde_json::json;

use super::super::{Cases, FORBIDDEN, HIDDEN, ONESELF, OWN, Scene};
use crate::walk::Walk;
use crate::world::Party;

/// A role that a colleague has.
pub async fn things(scene: &mut Scene, colleague: &Party) {
    let new = json!({"slug": "reader", "name": "Reader", "permissions": ["projects.read"]});
    let role = scene.owner.http.post("/api/roles", new).await.expect(201).text("/id");
    scene.owner.http.put(&format!("/api/users/{}/roles", colleague.user), json!({"roles": [role]})).await.expect(200);
    scene.keep("role", role);
}

/// How the routes of roles are called.
pub fn cases(scene: &Scene, cases: &mut Cases) {
    let new = json!({"slug": "another", "name": "N", "permissions": ["projects.read"]});
    cases.add("GET /api/roles", "/api/roles", None, OWN, FORBIDDEN);
    cases.add("POST /api/roles", "/api/roles", Some(new), &[201], FORBIDDEN);
    let role = format!("/api/roles/{}", scene.id("role"));
    cases.add("GET /api/roles/{id}", role.clone(), None, HIDDEN, FORBIDDEN);
    cases.add("PATCH /api/roles/{id}", role.clone(), Some(json!({"name": "X"})), HIDDEN, FORBIDDEN);
    cases.add("DELETE /api/roles/{id}", role, None, HIDDEN, FORBIDDEN);
    let of_member = format!("/api/users/{}/roles", scene.owner.user);
    cases.add("GET /api/users/{id}/roles", of_member.clone(), None, HIDDEN, OWN);
    cases.add("PUT /api/users/{id}/roles", of_member, Some(json!({"roles": []})), HIDDEN, FORBIDDEN);
    cases.add("GET /api/authz/permissions", "/api/authz/permissions", None, ONESELF, ONESELF);
    let explain = format!("/api/authz/explain?permission=projects.read&resource=project:{}", scene.id("project"));
    cases.add("GET /api/authz/explain", explain, None, HIDDEN, OWN);
    let preview = json!({"roleId": scene.id("role"), "permissions": ["projects.read"]});
    cases.add("POST /api/authz/preview", "/api/authz/preview", Some(preview), HIDDEN, FORBIDDEN);
}

/// A role is made, looked at, given, previewed and changed; another one, which nobody has, is removed.
pub async fn walk(walk: &mut Walk, owner: &Party, colleague: &Party) {
    let role = walk.send(&owner.http, "POST /api/roles", &[], &[]).await.text("/id");
    walk.send(&owner.http, "GET /api/roles", &[], &[]).await;
    walk.send(&owner.http, "GET /api/roles/{id}", &[&role], &[]).await;
    walk.send(&owner.http, "PUT /api/users/{id}/roles", &[&colleague.user], &[("/roles/0", &role)]).await;
    walk.send(&owner.http, "GET /api/users/{id}/roles", &[&colleague.user], &[]).await;
    walk.send(&owner.http, "POST /api/authz/preview", &[], &[("/roleId", &role)]).await;
    walk.send(&owner.http, "PATCH /api/roles/{id}", &[&role], &[]).await;
    walk.send(&owner.http, "GET /api/authz/permissions", &[], &[]).await;
    let explained = owner.http.get("/api/authz/explain?permission=milestones.approve").await;
    walk.met("GET /api/authz/explain", &explained);
    let unused = json!({"slug": "unused", "name": "Unused", "permissions": ["projects.read"]});
    let unused = owner.http.post("/api/roles", unused).await.expect(201).text("/id");
    walk.send(&owner.http, "DELETE /api/roles/{id}", &[&unused], &[]).await;
}

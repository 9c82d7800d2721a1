//! Support: whom of the platform an organisation lets look at it.

use serde_json::json;

use super::super::{Cases, FORBIDDEN, ONESELF, OWN, Scene};
use crate::walk::Walk;
use crate::world::Party;

const ACCESS: &str = "/api/organization/support-access";

/// A consent.
pub async fn things(scene: &mut Scene) {
    let consent = scene.owner.http.post(ACCESS, json!({"reason": "A contract is missing"})).await.expect(201);
    scene.keep("consent to support", consent.text("/id"));
}

/// How the routes of support are called.
pub fn cases(cases: &mut Cases) {
    cases.add("GET /api/organization/support-access", ACCESS, None, OWN, FORBIDDEN);
    cases.add("POST /api/organization/support-access", ACCESS, Some(json!({"reason": "R"})), &[201], FORBIDDEN);
    cases.add("DELETE /api/organization/support-access", ACCESS, None, ONESELF, FORBIDDEN);
}

/// A consent is given, looked at and taken back.
pub async fn walk(walk: &mut Walk, owner: &Party) {
    for method in ["POST", "GET", "DELETE"] {
        walk.send(&owner.http, &format!("{method} {ACCESS}"), &[], &[]).await;
    }
}

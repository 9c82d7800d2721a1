//! Tokens for other services, and the keys by which these believe them.

use serde_json::json;

use super::super::{Cases, ONESELF};
use crate::walk::Walk;

/// How a token is asked for: it tells of nobody but the caller.
pub fn cases(cases: &mut Cases) {
    let body = json!({"audience": "https://other.example"});
    cases.add("POST /api/auth/token", "/api/auth/token", Some(body), ONESELF, ONESELF);
}

/// The owner, whose address is proven, is given one.
pub async fn walk(walk: &mut Walk) {
    let (owner, service) = (walk.owner.clone(), walk.world.anonymous());
    walk.send(&owner.http, "POST /api/auth/token", &[], &[]).await;
    walk.send(&service, "GET /.well-known/jwks.json", &[], &[]).await;
}

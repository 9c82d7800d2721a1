//! Organisations: the settings of one's own.

use futures::future::LocalBoxFuture;
use serde_json::json;

use super::{Cases, Domain, FORBIDDEN, ONESELF, OWN, Scene};
use crate::walk::Walk;

pub const DOMAIN: Domain = Domain { calls: &["auth", "audit"], cases, walk, ..Domain::named("tenants") };

fn cases(_: &Scene, cases: &mut Cases) {
    cases.add("GET /api/organization", "/api/organization", None, ONESELF, OWN);
    cases.add("PATCH /api/organization", "/api/organization", Some(json!({"name": "X"})), ONESELF, FORBIDDEN);
    cases.add("GET /api/organizations", "/api/organizations", None, ONESELF, ONESELF);
    cases.add("POST /api/organizations", "/api/organizations", Some(json!({"name": "Y"})), ONESELF, ONESELF);
}

fn walk(walk: &mut Walk) -> LocalBoxFuture<'_, ()> {
    Box::pin(async move {
        let owner = walk.owner.clone();
        for of_oneself in
            ["POST /api/organizations", "GET /api/organizations", "GET /api/organization", "PATCH /api/organization"]
        {
            walk.send(&owner.http, of_oneself, &[], &[]).await;
        }
    })
}

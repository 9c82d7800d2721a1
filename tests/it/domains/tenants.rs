//! Organisations: the settings of one's own.

use serde_json::json;

use super::{Cases, Domain, FORBIDDEN, ONESELF, OWN, Scene};

pub const DOMAIN: Domain = Domain { calls: &["auth", "audit"], cases, ..Domain::named("tenants") };

fn cases(_: &Scene, cases: &mut Cases) {
    cases.add("GET /api/organization", "/api/organization", None, ONESELF, OWN);
    cases.add("PATCH /api/organization", "/api/organization", Some(json!({"name": "X"})), ONESELF, FORBIDDEN);
    cases.add("GET /api/organizations", "/api/organizations", None, ONESELF, ONESELF);
    cases.add("POST /api/organizations", "/api/organizations", Some(json!({"name": "Y"})), ONESELF, ONESELF);
}

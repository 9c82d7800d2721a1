//! The audit trail: read by whom the tenant lets.

use futures::future::LocalBoxFuture;

use super::{Cases, Domain, FORBIDDEN, OWN, Scene};
use crate::walk::Walk;

/// Everyone asks the `Authorizer`, the trail too.
pub const DOMAIN: Domain = Domain {
    calls: &["auth"],
    rows: "insert into audit_rounds values (1, 1, sha256(''), now(), 'test', decode(repeat('ab', 64), 'hex'));
        insert into audit_checkpoints select org_id, 1, sha256(''), 1, now(), 'test', decode(repeat('ab', 64), 'hex') from organizations
            on conflict do nothing",
    cases,
    walk,
    ..Domain::named("audit")
};

fn cases(_: &Scene, cases: &mut Cases) {
    cases.add("GET /api/audit", "/api/audit", None, OWN, FORBIDDEN);
    cases.add("GET /api/audit/head", "/api/audit/head", None, OWN, FORBIDDEN);
    cases.add("GET /api/audit/verify", "/api/audit/verify", None, OWN, FORBIDDEN);
}

fn walk(walk: &mut Walk) -> LocalBoxFuture<'_, ()> {
    Box::pin(async move {
        let owner = walk.owner.clone();
        for read in ["GET /api/audit", "GET /api/audit/head", "GET /api/audit/verify", "GET /api/audit/keys"] {
            walk.send(&owner.http, read, &[], &[]).await;
        }
    })
}

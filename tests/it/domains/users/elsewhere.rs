//! Sign-in elsewhere, and what is linked.

use serde_json::json;

use super::super::{Cases, ONESELF};
use crate::walk::Walk;

/// How the routes are called that somebody is signed in for. No provider is there by default.
pub fn cases(cases: &mut Cases) {
    let path = "/api/user/identities";
    cases.add("GET /api/user/identities", path, None, ONESELF, ONESELF);
    cases.add("POST /api/user/identities", path, Some(json!({"provider": "oidc"})), &[404], &[403, 404]);
    let none = "/api/user/identities/00000000-0000-7000-8000-000000000000";
    cases.add("DELETE /api/user/identities/{id}", none, None, &[404], &[403, 404]);
}

/// The owner, who has proven their address, links an identity and unlinks it.
pub async fn walk(walk: &mut Walk) {
    let (owner, nobody) = (walk.owner.clone(), walk.world.anonymous());
    walk.send(&nobody, "GET /api/auth/providers", &[], &[]).await;
    walk.send(&nobody, "POST /api/auth/oauth/{provider}/start", &["oidc"], &[]).await;
    let begun = walk.send(&owner.http, "POST /api/user/identities", &[], &[]).await;
    let back = walk.issuer.visit(&begun.text("/authorizationUrl"));
    let cookie = begun.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    let linked = nobody.send(nobody.request("GET", &back).header("cookie", cookie)).await.expect(303);
    assert_eq!(linked.header("location"), "/settings", "as the example of the body has it");
    let identity = walk.send(&owner.http, "GET /api/user/identities", &[], &[]).await.text("/data/0/id");
    walk.send(&owner.http, "DELETE /api/user/identities/{id}", &[&identity], &[]).await;
}

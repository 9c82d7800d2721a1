//! Single sign-on: an organisation's own issuer.

use serde_json::json;
use testkit::issuer::{CLIENT_ID, CLIENT_SECRET, Script};

use super::super::{Cases, FORBIDDEN};
use crate::walk::Walk;
use crate::world::Party;

/// How the routes are called. Each is about the caller's own organisation: a stranger reaches nobody's.
pub fn cases(cases: &mut Cases) {
    let path = "/api/organization/single-sign-on";
    cases.add("GET /api/organization/single-sign-on", path, None, &[200, 404], FORBIDDEN);
    let body = json!({
        "issuer": "https://login.stranger.example", "clientId": "14build", "clientSecret": "secret", "joinsOnSignIn": false,
        "trustsSecondFactor": false, "breakGlassOwners": []
    });
    cases.add("PUT /api/organization/single-sign-on", path, Some(body), &[200], FORBIDDEN);
    let tested = "POST /api/organization/single-sign-on/test";
    cases.add(tested, format!("{path}/test"), None, &[200, 404, 503], FORBIDDEN);
    let mode = Some(json!({"mode": "off"}));
    cases.add("PUT /api/organization/single-sign-on/mode", format!("{path}/mode"), mode, &[200, 404], FORBIDDEN);
    cases.add("DELETE /api/organization/single-sign-on", path, None, &[204, 404], FORBIDDEN);
}

/// The owner, whose organisation has proven the domain of the examples, sets it up, tests it, turns it on, and removes it.
pub async fn walk(walk: &mut Walk, owner: &Party) {
    let nobody = walk.world.anonymous();
    let path = "/api/organization/single-sign-on";
    walk.send(&owner.http, "PUT /api/organization/single-sign-on", &[], &[]).await;
    // Nobody answers at the one of the example.
    let real = json!({
        "issuer": walk.issuer.url, "clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET, "joinsOnSignIn": true, "trustsSecondFactor": false,
        "breakGlassOwners": []
    });
    owner.http.put(path, real).await.expect(200);
    walk.issuer.play(Script::of("7", "edith@nordbau.example"));
    let begun = walk.send(&owner.http, "POST /api/organization/single-sign-on/test", &[], &[]).await;
    let back = walk.issuer.visit(&begun.text("/authorizationUrl"));
    let cookie = begun.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    nobody.send(nobody.request("GET", &back).header("cookie", cookie)).await.expect(200);
    walk.issuer.play(Script::of("248289761001", "ada@example.com"));
    walk.send(&owner.http, "PUT /api/organization/single-sign-on/mode", &[], &[]).await;
    walk.send(&owner.http, "GET /api/organization/single-sign-on", &[], &[]).await;
    walk.send(&nobody, "POST /api/auth/single-sign-on/look", &[], &[]).await;
    walk.send(&nobody, "POST /api/auth/single-sign-on/{id}/start", &[&owner.org], &[]).await;
    walk.send(&owner.http, "DELETE /api/organization/single-sign-on", &[], &[]).await;
}

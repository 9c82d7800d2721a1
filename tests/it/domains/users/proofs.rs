//! What goes by mail: proving an address, a new password, signing in without one, another address.

use serde_json::json;

use super::super::{Cases, ONESELF, Scene};
use crate::walk::Walk;

/// How the routes are called that somebody is signed in for.
pub fn cases(scene: &Scene, cases: &mut Cases) {
    cases.add("POST /api/auth/verification", "/api/auth/verification", None, &[202, 409], &[202, 409]);
    let change = json!({"email": format!("other-{}@x.example", scene.owner.org), "password": "wrong password"});
    cases.add("POST /api/user/email", "/api/user/email", Some(change), ONESELF, ONESELF);
}

/// The owner proves their address, is given a password and signs in by mail; somebody else moves to another address.
pub async fn walk(walk: &mut Walk) {
    let (owner, nobody) = (walk.owner.clone(), walk.world.anonymous());
    walk.send(&owner.http, "POST /api/auth/verification", &[], &[]).await;
    let token = walk.world.mailed_token(&owner.email).await;
    walk.send(&owner.http, "POST /api/auth/verification/confirm", &[], &[("/token", token.as_str())]).await;

    // Every session ends with it, the walk's own too.
    walk.send(&nobody, "POST /api/auth/password-reset", &[], &[]).await;
    let token = walk.world.mailed_token(&owner.email).await;
    walk.send(&nobody, "POST /api/auth/password-reset/confirm", &[], &[("/token", token.as_str())]).await;
    walk.send(&nobody, "POST /api/auth/magic-link", &[], &[]).await;
    let token = walk.world.mailed_token(&owner.email).await;
    let signed_in = walk.send(&nobody, "POST /api/auth/magic-link/confirm", &[], &[("/token", token.as_str())]).await;
    walk.owner.http = nobody.with_token(&signed_in.text("/accessToken"));

    let mover = json!({"email": "mover@acme.example", "password": "correct horse battery staple", "name": "Mover",
        "organizationName": "Moving Works"});
    let registered = nobody.post("/api/auth/register", mover).await.expect(201);
    let mover = nobody.with_token(&registered.text("/accessToken"));
    walk.send(&mover, "POST /api/user/email", &[], &[]).await;
    let token = walk.world.mailed_token("ada.lovelace@example.com").await;
    walk.send(&nobody, "POST /api/user/email/confirm", &[], &[("/token", token.as_str())]).await;
}

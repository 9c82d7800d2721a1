//! Second factors: an authenticator, recovery codes, and signing in by them.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::super::{Cases, HIDDEN, ONESELF, Scene};
use crate::walk::Walk;
use crate::world::{PASSWORD, World};

/// What an authenticator with this secret shows so many half minutes from now.
fn code(secret: &str, later: u64) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).expect("base32");
    let totp = totp_rs::Builder::new().with_secret(secret).build().expect("an authenticator");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    totp.generate(now + 30 * later).to_string()
}

/// The owner, who has a passkey, sets up an authenticator too, and has a sign-in that waits for either.
pub async fn things(world: &World, scene: &Scene) {
    let owner = &scene.owner;
    owner.http.post("/api/user/factors/totp", json!({})).await.expect(200);
    let login = json!({"email": owner.email, "password": PASSWORD});
    world.anonymous().post("/api/auth/login", login).await.expect(202);
}

/// How the routes are called that somebody is signed in for.
pub fn cases(cases: &mut Cases) {
    cases.add("GET /api/user/factors", "/api/user/factors", None, ONESELF, ONESELF);
    // Only of whoever has proven their address.
    cases.add("POST /api/user/factors/totp", "/api/user/factors/totp", None, &[200, 403], &[200, 403]);
    let wrong = json!({"code": "no code"});
    let confirm = "/api/user/factors/totp/confirm";
    cases.add("POST /api/user/factors/totp/confirm", confirm, Some(wrong), &[404, 422], &[404, 422]);
    cases.add("DELETE /api/user/factors/totp", "/api/user/factors/totp", None, HIDDEN, HIDDEN);
    cases.add("POST /api/user/factors/recovery-codes", "/api/user/factors/recovery-codes", None, HIDDEN, HIDDEN);
}

/// Somebody sets up an authenticator, signs in by it, and removes it.
pub async fn walk(walk: &mut Walk) {
    let nobody = walk.world.anonymous();
    let careful = walk.register("careful@acme.example", "Careful Works").await;
    walk.world.prove(&careful).await;
    let secret = walk.send(&careful.http, "POST /api/user/factors/totp", &[], &[]).await.text("/secret");
    let shown = code(&secret, 0);
    walk.send(&careful.http, "POST /api/user/factors/totp/confirm", &[], &[("/code", shown.as_str())]).await;
    walk.send(&careful.http, "GET /api/user/factors", &[], &[]).await;
    walk.send(&careful.http, "POST /api/user/factors/recovery-codes", &[], &[]).await;
    let login = json!({"email": careful.email, "password": PASSWORD});
    let token = nobody.post("/api/auth/login", login).await.expect(202).text("/mfaToken");
    // Of the next half minute: no code counts twice.
    let shown = code(&secret, 1);
    let finished = [("/mfaToken", token.as_str()), ("/code", shown.as_str())];
    let signed_in = walk.send(&nobody, "POST /api/auth/mfa", &[], &finished).await.text("/accessToken");
    walk.send(&nobody.with_token(&signed_in), "DELETE /api/user/factors/totp", &[], &[]).await;
}

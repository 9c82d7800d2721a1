//! Leaving the platform, and what takes that back.

use serde_json::json;

use super::super::{Cases, FORBIDDEN, HIDDEN, ONESELF, Scene};
use crate::walk::Walk;
use crate::world::PASSWORD;

/// Departures that were taken back: those of the scene go on.
pub const ROWS: &str =
    "insert into departures (id, user_id, asked_by, asked_at, leaves_at, token_hash, language, state, updated_at)
    select gen_random_uuid(), id, id, now(), now(), sha256(id::text::bytea), 'en', 'kept', now() from users";

/// Whoever leaves does so with their own.
pub fn cases(scene: &Scene, cases: &mut Cases) {
    cases.add("DELETE /api/organization", "/api/organization", None, &[204], FORBIDDEN);
    cases.add("GET /api/organizations/leaving", "/api/organizations/leaving", None, ONESELF, ONESELF);
    let restore = format!("/api/organizations/{}/restore", scene.owner.org);
    cases.add("POST /api/organizations/{id}/restore", restore, None, HIDDEN, HIDDEN);
}

/// An account leaves and is kept; an organisation does, from elsewhere.
pub async fn walk(walk: &mut Walk) {
    let nobody = walk.world.anonymous();
    let gone = walk.register("gone@acme.example", "Leaver & Sons").await;
    walk.send(&gone.http, "DELETE /api/user", &[], &[]).await;
    let token = walk.world.mailed_token(&gone.email).await;
    walk.send(&nobody, "POST /api/user/restore", &[], &[("/token", token.as_str())]).await;

    let owner = walk.register("closing@acme.example", "Closing & Sons").await;
    walk.send(&owner.http, "DELETE /api/organization", &[], &[]).await;
    let login = json!({"email": owner.email, "password": PASSWORD});
    let signed_in = nobody.post("/api/auth/login", login).await.expect(200);
    let elsewhere = nobody.with_token(&signed_in.text("/accessToken"));
    walk.send(&elsewhere, "GET /api/organizations/leaving", &[], &[]).await;
    walk.send(&elsewhere, "POST /api/organizations/{id}/restore", &[&owner.org], &[]).await;
}

//! Leaving the platform, and what takes that back.

use serde_json::json;

use super::super::{Cases, FORBIDDEN, HIDDEN, ONESELF, Scene};
use crate::walk::Walk;
use crate::world::PASSWORD;

/// Departures that were taken back: those of the scene go on. And archives.
pub const ROWS: &str =
    "insert into departures (id, user_id, asked_by, asked_at, leaves_at, token_hash, language, state, updated_at)
    select gen_random_uuid(), id, id, now(), now(), sha256(id::text::bytea), 'en', 'kept', now() from users;
    insert into exports (id, user_id, language, state, size, digest, asked_at, expires_at, updated_at)
        select gen_random_uuid(), id, 'en', 'ready', 32, sha256('x'), now(), now() + interval '1 day', now() from users;
    insert into export_parts (export_id, position, content) select id, 0, sha256('x') from exports";

/// Whoever leaves does so with their own.
pub fn cases(scene: &Scene, cases: &mut Cases) {
    cases.add("DELETE /api/organization", "/api/organization", None, &[204], FORBIDDEN);
    cases.add("GET /api/organizations/leaving", "/api/organizations/leaving", None, ONESELF, ONESELF);
    let restore = format!("/api/organizations/{}/restore", scene.owner.org);
    cases.add("POST /api/organizations/{id}/restore", restore, None, HIDDEN, HIDDEN);
    cases.add("POST /api/organization/export", "/api/organization/export", None, &[202], FORBIDDEN);
    cases.add("POST /api/user/export", "/api/user/export", None, &[202], &[202]);
    cases.add("GET /api/user/exports", "/api/user/exports", None, ONESELF, ONESELF);
}

/// The owner takes things along; an account leaves and is kept; an organisation does, from elsewhere.
pub async fn walk(walk: &mut Walk) {
    let (nobody, owner) = (walk.world.anonymous(), walk.owner.clone());
    for asked in ["POST /api/organization/export", "POST /api/user/export", "GET /api/user/exports"] {
        walk.send(&owner.http, asked, &[], &[]).await;
    }
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

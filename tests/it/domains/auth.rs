//! Sign-in and authorisation: its endpoints are those of `users`.

use futures::future::LocalBoxFuture;
use serde_json::json;

use super::{Domain, Scene};
use crate::world::World;

/// Everyone writes to the trail, sign-in too, and addresses are proven by mail.
pub const DOMAIN: Domain = Domain { calls: &["audit", "mail"], things, ..Domain::named("auth") };

fn things<'a>(world: &'a World, scene: &'a mut Scene) -> LocalBoxFuture<'a, ()> {
    Box::pin(async move {
        let wrong = json!({"email": scene.owner.email, "password": "not the password"});
        world.anonymous().post("/api/auth/login", wrong).await.expect(401);
    })
}

//! Passwords that are known from breaches of others, where the deployment has that asked: over a socket.

use serde_json::json;
use testkit::Ranges;

use crate::world::{Answer, World};

async fn register(world: &World, name: &str, password: &str) -> Answer {
    let body = json!({"email": format!("{name}@x.example"), "password": password, "name": name, "organizationName": "Works"});
    world.anonymous().post("/api/auth/register", body).await
}

const KNOWN: &str = "seventeen zebras dance";
const PADDING: &str = "eighteen zebras dance";
const OTHER: &str = "nineteen zebras dance";

#[tokio::test]
async fn a_password_that_a_breach_made_known_is_refused_and_nobody_learns_it() {
    let known = Ranges::start(&[(KNOWN, 2), (PADDING, 0)]).await;
    let world = World::with(&[("BUILD14__SIGN_IN__BREACHED_PASSWORDS_URL", known.url.as_str())]).await;
    assert_eq!(register(&world, "ada", KNOWN).await.problem(422, "INVALID").faults(), ["/password BREACHED"]);
    register(&world, "ada", PADDING).await.expect(201);
    let bob = register(&world, "bob", OTHER).await.expect(201);
    let bob = world.anonymous().with_token(&bob.text("/accessToken"));
    let change = json!({"currentPassword": OTHER, "newPassword": KNOWN});
    assert_eq!(bob.put("/api/user/password", change).await.problem(422, "INVALID").faults(), ["/newPassword BREACHED"]);
    world.anonymous().post("/api/auth/password-reset", json!({"email": "bob@x.example"})).await.expect(202);
    let reset = json!({"token": world.mailed_token("bob@x.example").await, "password": KNOWN});
    let refused = world.anonymous().post("/api/auth/password-reset/confirm", reset).await.problem(422, "INVALID");
    assert_eq!(refused.faults(), ["/password BREACHED"]);
    let asked = known.asked();
    assert_eq!(asked.len(), 5);
    for head in asked {
        let path = head.split(' ').nth(1).expect("a path");
        assert_eq!(path.len(), "/range/".len() + 5, "{head}");
    }

    // That others are down keeps nobody out.
    drop(known);
    register(&world, "cleo", KNOWN).await.expect(201);
    world.settle().await;
    world.end().await;
}

#[tokio::test]
async fn nobody_is_asked_where_the_deployment_does_not_say_so() {
    let world = World::new().await;
    register(&world, "ada", KNOWN).await.expect(201);
    world.settle().await;
    world.end().await;
}

//! Every limit of requests that is spent is a security event: one row for each key and window.

use serde_json::json;
use testkit::until;

use crate::world::{Client, World};

/// Asks until a limit is spent, and on.
async fn spend(client: &Client, method: &str, path: &str) -> String {
    let mut limit = None;
    let (mut times, mut asked) = (0, 0);
    while times < 5 {
        asked += 1;
        assert!(asked < 1000, "no limit of {path} is spent");
        let answer = client.call(method, path, (method == "POST").then(|| json!({})).as_ref()).await;
        if answer.status == 429 {
            times += 1;
            limit = Some(answer.text("/limit"));
        }
    }
    limit.expect("it is spent")
}

#[tokio::test]
async fn each_limit_that_is_spent_is_one_row() {
    let world = World::with(&[
        ("BUILD14__RATE_LIMITS__ENABLED", "true"),
        ("BUILD14__RATE_LIMITS__PER_ADDRESS", "100"),
        ("BUILD14__RATE_LIMITS__PER_USER", "40"),
        ("BUILD14__RATE_LIMITS__PER_ORGANIZATION", "60"),
        ("BUILD14__RATE_LIMITS__SIGN_IN_PER_ADDRESS", "20"),
    ])
    .await;
    let owner = world.register("Owner").await;
    let colleague = world.colleague(&owner, "member").await;
    let rows = "select concat_ws(' ', kind, user_id, organization, address) from security_events order by id";
    let expected = [
        format!("requests_limited {} 127.0.0.1", owner.user),
        format!("organization_limited {} 127.0.0.1", owner.org),
        "sign_in_address_limited 127.0.0.1".to_owned(),
        "address_limited 127.0.0.1".to_owned(),
    ];
    let nobody = world.anonymous();
    for (n, (client, method, path, limit)) in [
        (&owner.http, "GET", "/api/user", "user"),
        (&colleague.http, "GET", "/api/user", "organization"),
        (&nobody, "POST", "/api/auth/login", "auth"),
        (&nobody, "GET", "/api/user", "address"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(spend(client, method, path).await, limit);
        until(limit, async || (world.db.query(rows).await == expected[..=n]).then_some(())).await;
    }
    // The person's own is theirs to see, and nobody else's.
    let own = "select string_agg(kind, ' ') from security_events where user_id is not null";
    assert_eq!(world.db.query(own).await, ["requests_limited"]);
    world.end().await;
}

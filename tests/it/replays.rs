//! A repetition under the same `Idempotency-Key`: the permission is asked for again, and nothing secret waits in the database.

use serde_json::json;

use crate::world::{Answer, Client, World};

async fn keyed(client: &Client, path: &str, key: &str, body: serde_json::Value) -> Answer {
    client.send(client.request("POST", path).header("idempotency-key", key.to_owned()).json(&body)).await
}

#[tokio::test]
async fn a_demoted_admin_gets_no_payers_secret_again_and_none_is_stored() {
    let world = World::new().await;
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let contract = world.contract(&owner, &acme).await;
    let admin = world.colleague(&owner, "admin").await;
    let fund = async || keyed(&admin.http, "/api/escrow", "fund-1", json!({"milestoneId": contract.milestones[0]})).await;
    let first = fund().await.expect(201);
    let secret = first.text("/paymentIntent/clientSecret");
    assert!(secret.contains("_secret_"), "{secret}");
    let again = fund().await.expect(201);
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first.body));

    let role = async |role: &str| owner.http.put(&format!("/api/users/{}", admin.user), json!({"role": role})).await.expect(200);
    role("member").await;
    let refused = fund().await.problem(403, "PERMISSION_DENIED");
    assert_eq!(refused.body["missingPermission"], "milestones.fund");
    assert!(!refused.body.to_string().contains(&secret));
    role("admin").await;
    assert_eq!(fund().await.expect(201).body, first.body);

    let link = keyed(&acme.http, "/api/payee-account", "onboard-1", json!({})).await.expect(200).text("/onboardingUrl");
    let stored =
        world.db.query("select encode(body, 'escape') || headers::text from idempotency_keys where body is not null").await;
    assert!(!stored.is_empty());
    for answer in &stored {
        for clear in ["clientSecret", "onboardingUrl", "milestoneId", "/api/", secret.as_str(), link.as_str()] {
            assert!(!answer.contains(clear), "{clear} in {answer}");
        }
    }
    let tables = world
        .db
        .query("select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables where schemaname in ('public', 'graphile_worker')")
        .await;
    assert!(tables.len() > 20);
    for table in tables {
        let found = world
            .db
            .query(&format!("select count(*) from {table} t where t::text like '%{secret}%' or t::text like '%{link}%'"))
            .await;
        assert_eq!(found, ["0"], "{table}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_permission_in_one_project_is_asked_for_again_in_that_project() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let (member, other) = (world.colleague(&owner, "member").await, world.colleague(&owner, "member").await);
    let project = world.project(&owner).await;
    let members = format!("/api/projects/{project}/members");
    for user in [&member.user, &other.user] {
        owner.http.post(&members, json!({"userId": user, "role": "project_owner"})).await.expect(201);
    }
    let soq =
        json!({"projectId": project, "title": "Masonry", "lines": [{"code": "1", "description": "Works", "kind": "heading"}]});
    let make = async || keyed(&member.http, "/api/soq", "soq-1", soq.clone()).await;
    let first = make().await.expect(201);
    assert_eq!(make().await.expect(201).body, first.body);
    owner.http.delete(&format!("{members}/{}", member.user)).await.expect(204);
    let refused = make().await;
    assert!([403, 404].contains(&refused.status) && refused.body["id"].is_null(), "{}", refused.body);
    world.end().await;
}

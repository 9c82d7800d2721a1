//! What a directory cannot reach, and how much it may ask for.

use serde_json::json;

use super::{GROUP, create, new_user, organization, patch, refused, scim};
use crate::world::World;

#[tokio::test]
async fn a_directory_stays_in_its_organisation_and_within_bounds() {
    let world = World::new().await;
    let (_, directory) = organization(&world, "Acme").await;
    let (other_owner, other) = organization(&world, "Other").await;
    let theirs = create(&other, "ada@other.example").await;
    let own = create(&directory, "bob@acme.example").await;
    let user = format!("/Users/{theirs}");
    refused(&directory.get(&format!("/scim/v2{user}")).await, 404, None);
    refused(&scim(&directory, "PUT", &user, new_user("x@y.example")).await, 404, None);
    refused(&patch(&directory, &user, json!([{"op": "replace", "path": "active", "value": false}])).await, 404, None);
    refused(&scim(&directory, "DELETE", &user, json!({})).await, 404, None);
    // A group may name what is not here; what that is, is told to nobody.
    let group = json!({"schemas": [GROUP], "displayName": "G", "members": [{"value": theirs}, {"value": other_owner.user}]});
    let group = scim(&directory, "POST", "/Groups", group).await.expect(201);
    assert!(!group.body.to_string().contains("other.example"), "{}", group.body);
    assert!(other.get(&format!("/scim/v2{user}")).await.expect(200).body.get("groups").is_none());
    // The key of a directory is for that alone.
    directory.get("/api/users").await.problem(403, "PERMISSION_DENIED");

    let filtered = async |filter: &str| {
        let encoded: String = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
        directory.get(&format!("/scim/v2/Users?filter={encoded}")).await
    };
    for injected in [
        "userName eq \"x\" or 1=1",
        "userName eq \"x\"; drop table directory_users",
        "userName eq 'x' or ''=''",
        "org_id pr",
        "d.org_id eq \"x\"",
        "person pr",
        "userName eq \"x",
    ] {
        refused(&filtered(injected).await, 400, Some("invalidFilter"));
    }
    for quoted in ["userName eq \"' or true --\"", "userName co \"%\"", "userName sw \"_\"", "emails.value ew \"') or (1=1\""] {
        assert_eq!(filtered(quoted).await.expect(200).body["totalResults"], 0, "{quoted}");
    }
    for (found, filter) in [
        (1, "userName pr"),
        (1, "not (userName eq \"x\")"),
        (1, "active eq true and emails[type eq \"work\" and value co \"ACME\"]"),
        (1, "emails.value ew \"@acme.example\" or displayName eq \"nobody\""),
        (0, "active eq false"),
        (1, "externalId eq \"bob-at-acme.example\""),
        (0, "externalId eq \"BOB-at-acme.example\""),
        (0, "name.familyName pr"),
        (1, "name.familyName ne \"x\""),
        (1, "meta.lastModified gt \"2000-01-01T00:00:00Z\""),
        (0, "meta.created lt \"2000-01-01T00:00:00+01:00\""),
        (1, format!("id eq \"{own}\"").as_str()),
        (0, format!("id eq \"{theirs}\"").as_str()),
    ] {
        assert_eq!(filtered(filter).await.expect(200).body["totalResults"], found, "{filter}");
    }
    refused(&filtered(&format!("{}userName pr{}", "(".repeat(500), ")".repeat(500))).await, 400, Some("invalidFilter"));
    refused(&filtered(&["userName pr"; 100].join(" or ")).await, 400, Some("invalidFilter"));

    let page = directory.get("/scim/v2/Users?count=99999999999999999999&startIndex=-5").await.expect(200);
    assert_eq!((&page.body["startIndex"], &page.body["itemsPerPage"]), (&json!(1), &json!(1)));
    let page = directory.get("/scim/v2/Users?startIndex=9223372036854775807").await.expect(200);
    assert_eq!((&page.body["totalResults"], &page.body["Resources"]), (&json!(1), &json!([])));
    assert_eq!(directory.get("/scim/v2/Users?count=0").await.expect(200).body["Resources"], json!([]));
    refused(&directory.get("/scim/v2/Users?count=many").await, 400, Some("invalidValue"));

    let bomb = |many: usize| json!(vec![json!({"op": "replace", "path": "displayName", "value": "x"}); many]);
    refused(&patch(&directory, &format!("/Users/{own}"), bomb(101)).await, 400, Some("tooMany"));
    refused(&patch(&directory, &format!("/Users/{own}"), json!([])).await, 400, Some("invalidSyntax"));
    let emails: Vec<_> = (0..21).map(|n| json!({"value": format!("a{n}@b.example"), "primary": true})).collect();
    let flood = json!([{"op": "add", "path": "emails", "value": emails}]);
    refused(&patch(&directory, &format!("/Users/{own}"), flood).await, 400, Some("tooMany"));
    let members: Vec<_> = (0..10_001).map(|n| json!({"value": n.to_string()})).collect();
    let crowd = json!({"schemas": [GROUP], "displayName": "Crowd", "members": members});
    refused(&scim(&directory, "POST", "/Groups", crowd).await, 400, Some("invalidValue"));
    world.end().await;
}

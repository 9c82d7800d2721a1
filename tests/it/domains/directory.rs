//! What an organisation's directory says of its people.

use futures::future::LocalBoxFuture;
use serde_json::{Value, json};

use super::{Cases, Domain, FORBIDDEN, HIDDEN, OWN, Scene};
use crate::walk::Walk;
use crate::world::World;

pub const DOMAIN: Domain =
    Domain { calls: &["users", "auth", "audit", "mail"], things, cases, walk, ..Domain::named("directory") };

fn user(name: &str) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name})
}

fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
    json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members})
}

fn patch() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "Replace", "path": "displayName", "value": "Another"}],
    })
}

fn things<'a>(world: &'a World, scene: &'a mut Scene) -> LocalBoxFuture<'a, ()> {
    Box::pin(async move {
        world.prove(&scene.owner).await;
        let new = user(&format!("in-the-directory-of-{}@x.example", scene.owner.org));
        let user = scene.owner.http.post("/scim/v2/Users", new).await.expect(201).text("/id");
        let group = scene.owner.http.post("/scim/v2/Groups", group("Site managers", &[&user])).await.expect(201).text("/id");
        scene.keep("directory user", user);
        scene.keep("directory group", group);
    })
}

fn cases(scene: &Scene, cases: &mut Cases) {
    cases.add("GET /scim/v2/Users", "/scim/v2/Users", None, OWN, FORBIDDEN);
    cases.add("POST /scim/v2/Users", "/scim/v2/Users", Some(user("new@x.example")), &[201], FORBIDDEN);
    let path = format!("/scim/v2/Users/{}", scene.id("directory user"));
    cases.add("GET /scim/v2/Users/{id}", path.clone(), None, HIDDEN, FORBIDDEN);
    cases.add("PUT /scim/v2/Users/{id}", path.clone(), Some(user("other@x.example")), HIDDEN, FORBIDDEN);
    cases.add("PATCH /scim/v2/Users/{id}", path.clone(), Some(patch()), HIDDEN, FORBIDDEN);
    cases.add("DELETE /scim/v2/Users/{id}", path, None, HIDDEN, FORBIDDEN);
    cases.add("GET /scim/v2/Groups", "/scim/v2/Groups", None, OWN, FORBIDDEN);
    cases.add("POST /scim/v2/Groups", "/scim/v2/Groups", Some(group("New", &[])), &[201], FORBIDDEN);
    let path = format!("/scim/v2/Groups/{}", scene.id("directory group"));
    cases.add("GET /scim/v2/Groups/{id}", path.clone(), None, HIDDEN, FORBIDDEN);
    cases.add("PUT /scim/v2/Groups/{id}", path.clone(), Some(group("Other", &[])), HIDDEN, FORBIDDEN);
    cases.add("PATCH /scim/v2/Groups/{id}", path.clone(), Some(patch()), HIDDEN, FORBIDDEN);
    cases.add("DELETE /scim/v2/Groups/{id}", path, None, HIDDEN, FORBIDDEN);
    let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]});
    cases.add("POST /scim/v2/.search", "/scim/v2/.search", Some(search), OWN, FORBIDDEN);
}

fn walk(walk: &mut Walk) -> LocalBoxFuture<'_, ()> {
    Box::pin(async move {
        let (owner, nobody) = (walk.owner.clone(), walk.world.anonymous());
        for of_everybody in ["GET /scim/v2/ServiceProviderConfig", "GET /scim/v2/ResourceTypes", "GET /scim/v2/Schemas"] {
            walk.send(&nobody, of_everybody, &[], &[]).await;
        }
        walk.send(&nobody, "GET /scim/v2/ResourceTypes/{id}", &["User"], &[]).await;
        walk.send(&nobody, "GET /scim/v2/Schemas/{id}", &["urn:ietf:params:scim:schemas:core:2.0:Group"], &[]).await;
        for kind in ["Users", "Groups"] {
            let of_all = format!("/scim/v2/{kind}");
            let made = walk.send(&owner.http, &format!("POST {of_all}"), &[], &[]).await.text("/id");
            walk.send(&owner.http, &format!("GET {of_all}"), &[], &[]).await;
            for method in ["GET", "PUT", "PATCH"] {
                walk.send(&owner.http, &format!("{method} {of_all}/{{id}}"), &[&made], &[]).await;
            }
            walk.send(&owner.http, "POST /scim/v2/.search", &[], &[]).await;
            walk.send(&owner.http, &format!("DELETE {of_all}/{{id}}"), &[&made], &[]).await;
        }
    })
}

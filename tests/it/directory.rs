//! A directory speaks SCIM as Entra and Okta really do: it lets people in and out, takes nobody over, and learns nothing.

mod bounds;

use serde_json::{Value, json};

use crate::world::{Answer, Client, Party, World};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// An organisation whose owner has proven their address, and its directory.
async fn organization(world: &World, name: &str) -> (Party, Client) {
    let owner = world.register(name).await;
    world.prove(&owner).await;
    let directory = key(world, &owner).await;
    (owner, directory)
}

/// A directory with a key of this person.
async fn key(world: &World, by: &Party) -> Client {
    let new = json!({"name": "Directory", "scopes": ["directory.manage"]});
    let made = by.http.post("/api/api-keys", new).await.expect(201);
    world.anonymous().with_token(&made.text("/secret"))
}

async fn scim(directory: &Client, method: &str, path: &str, body: Value) -> Answer {
    let request =
        directory.request(method, &format!("/scim/v2{path}")).header("content-type", "application/scim+json; charset=utf-8");
    let answer = directory.send(request.body(body.to_string())).await;
    if answer.status != 204 {
        assert_eq!(answer.header("content-type"), "application/scim+json", "{}", answer.body);
    }
    answer
}

async fn patch(directory: &Client, path: &str, operations: Value) -> Answer {
    scim(directory, "PATCH", path, json!({"schemas": [PATCH], "Operations": operations})).await
}

/// Asserts a refusal in the words of SCIM.
#[track_caller]
fn refused(answer: &Answer, status: u16, scim_type: Option<&str>) {
    let told = (&answer.body["schemas"][0], &answer.body["status"], answer.body.get("scimType").and_then(Value::as_str));
    let expected = (&json!("urn:ietf:params:scim:api:messages:2.0:Error"), &json!(status.to_string()), scim_type);
    assert_eq!((answer.status, told), (status, expected), "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/scim+json");
}

fn new_user(email: &str) -> Value {
    let external = email.replace('@', "-at-");
    json!({"schemas": [USER], "userName": email, "externalId": external, "displayName": "Ada", "active": true,
        "emails": [{"value": email, "type": "work", "primary": true}]})
}

async fn create(directory: &Client, email: &str) -> String {
    scim(directory, "POST", "/Users", new_user(email)).await.expect(201).text("/id")
}

/// Whoever was invited accepts and goes there.
async fn come(world: &World, person: &Party, org: &str) -> Party {
    let waiting = person.http.get("/api/invitations").await.expect(200);
    let id = waiting.text("/data/0/id");
    person.http.act(&format!("/api/invitations/{id}/accept")).await.expect(200);
    enter(world, person, org).await
}

async fn enter(world: &World, person: &Party, org: &str) -> Party {
    let switched = person.http.post("/api/auth/switch-organization", json!({"organizationId": org})).await.expect(200);
    Party { http: world.anonymous().with_token(&switched.text("/accessToken")), org: org.to_owned(), ..person.clone() }
}

async fn person(world: &World) -> Party {
    let person = world.register("Own Company").await;
    world.prove(&person).await;
    person
}

fn without_own(mut body: Value) -> Value {
    for own in ["id", "meta", "userName", "externalId", "emails"] {
        body.as_object_mut().expect("an object").remove(own);
    }
    body
}

#[tokio::test]
async fn whoever_is_new_is_invited_and_nobody_learns_whether_they_have_an_account() {
    let world = World::new().await;
    let (owner, directory) = organization(&world, "Acme").await;
    let ada = person(&world).await;
    let known = scim(&directory, "POST", "/Users", new_user(&ada.email)).await.expect(201);
    let unknown = scim(&directory, "POST", "/Users", new_user("nobody@nowhere.example")).await.expect(201);
    assert_eq!(without_own(known.body.clone()), without_own(unknown.body.clone()));
    assert_eq!(known.header("location"), known.text("/meta/location"));
    assert!(known.header("location").ends_with(&format!("/scim/v2/Users/{}", known.text("/id"))));
    assert_eq!(known.header("etag"), known.text("/meta/version"));

    let profile = ada.http.get("/api/user").await.expect(200);
    assert_eq!(profile.body["name"], "Owner of Own Company", "no directory renames anybody");
    assert_eq!(owner.http.get("/api/users").await.expect(200).body["data"].as_array().map(Vec::len), Some(1), "nobody came yet");
    assert!(world.mailed(&ada.email).await.contains("Acme"));
    let there = come(&world, &ada, &owner.org).await;
    let member = owner.http.get(&format!("/api/users/{}", ada.user)).await.expect(200);
    assert_eq!(member.body["role"], "member");
    there.http.get("/api/organization").await.expect(200);

    // In the trail stands which key did it, and no address.
    let trail = owner.http.get("/api/audit?action=directory.manage").await.expect(200);
    let entry = &trail.body["data"][0];
    assert_eq!((&entry["entityType"], &entry["actorId"]), (&json!("directory_user"), &json!(owner.user)));
    assert!(entry["apiKeyId"].is_string() && !entry.to_string().contains('@'), "{entry}");
    world.end().await;
}

#[tokio::test]
async fn whoever_is_deactivated_is_out_at_once_and_comes_back_as_a_plain_member() {
    let world = World::new().await;
    let (owner, directory) = organization(&world, "Acme").await;
    let ada = person(&world).await;
    let user = format!("/Users/{}", create(&directory, &ada.email).await);
    let there = come(&world, &ada, &owner.org).await;
    owner.http.put(&format!("/api/users/{}", ada.user), json!({"role": "admin"})).await.expect(200);
    let hers = key(&world, &there).await;
    hers.get("/scim/v2/Users").await.expect(200);
    // Whatever address she has by now: the record means her.
    world
        .db
        .run_sql(&format!(
            "update users set email = 'x@y.example', email_key = 'x@y.example', email_look = null where id = '{}'",
            ada.user
        ))
        .await;

    let off = json!([{"op": "Replace", "path": "active", "value": "False"}]);
    let told = patch(&directory, &user, off.clone()).await.expect(200);
    assert_eq!(told.body["active"], false);
    there.http.get("/api/organization").await.problem(401, "NOT_AUTHENTICATED");
    refused(&hers.get("/scim/v2/Users").await, 401, None);
    owner.http.get(&format!("/api/users/{}", ada.user)).await.expect(404);
    ada.http.get("/api/user").await.expect(200);
    patch(&directory, &user, off).await.expect(200);

    // No other way leads in.
    world.db.run_sql(&format!("update users set email = '{0}', email_key = '{0}' where id = '{1}'", ada.email, ada.user)).await;
    let invited = owner.http.post("/api/users", json!({"email": ada.email})).await.expect(201).text("/id");
    let accept = format!("/api/invitations/{invited}/accept");
    ada.http.act(&accept).await.problem(409, "NOT_LET_IN");

    let on = json!([{"op": "replace", "value": {"active": true}}]);
    patch(&directory, &user, on).await.expect(200);
    let member = owner.http.get(&format!("/api/users/{}", ada.user)).await.expect(200);
    assert_eq!(member.body["role"], "member", "what she was before, a person gives");
    refused(&hers.get("/scim/v2/Users").await, 401, None);
    let again = ada.http.post("/api/auth/switch-organization", json!({"organizationId": owner.org})).await;
    assert_eq!(again.status, 409, "she signs in anew: {}", again.body);

    scim(&directory, "DELETE", &user, json!({})).await.expect(204);
    owner.http.get(&format!("/api/users/{}", ada.user)).await.expect(404);
    refused(&directory.get(&format!("/scim/v2{user}")).await, 404, None);
    world.end().await;
}

#[tokio::test]
async fn whoever_leaves_with_the_account_is_made_a_member_by_no_directory() {
    let world = World::new().await;
    let (owner, directory) = organization(&world, "Acme").await;
    let ada = person(&world).await;
    let user = format!("/Users/{}", create(&directory, &ada.email).await);
    come(&world, &ada, &owner.org).await;
    let active = |active: bool| json!([{"op": "replace", "path": "active", "value": active}]);
    patch(&directory, &user, active(false)).await.expect(200);
    ada.http.delete("/api/user").await.expect(204);
    patch(&directory, &user, active(true)).await.expect(200);
    let members = format!("select user_id from memberships where org_id = '{}'", owner.org);
    assert_eq!(world.db.query(&members).await, [owner.user.as_str()], "she is invited, as anybody else");
    let invited = owner.http.get("/api/organization/invitations").await.expect(200);
    assert_eq!(invited.body["data"][0]["email"], ada.email);
    world.end().await;
}

#[tokio::test]
async fn whoever_left_by_themself_is_asked_again_and_a_record_without_an_invitation_waits_for_nobody() {
    let world = World::new().await;
    let (owner, directory) = organization(&world, "Acme").await;
    let ada = person(&world).await;
    let user = format!("/Users/{}", create(&directory, &ada.email).await);
    let there = come(&world, &ada, &owner.org).await;
    there.http.delete(&format!("/api/users/{}", ada.user)).await.expect(204);
    for active in [false, true] {
        patch(&directory, &user, json!([{"op": "replace", "path": "active", "value": active}])).await.expect(200);
    }
    owner.http.get(&format!("/api/users/{}", ada.user)).await.expect(404);
    come(&world, &ada, &owner.org).await;

    // Who moves to another address before they came is invited there, and nowhere else.
    let (old, new) = (person(&world).await, person(&world).await);
    let moving = format!("/Users/{}", create(&directory, &old.email).await);
    let operations = json!([{"op": "replace", "path": "emails[primary eq true].value", "value": new.email}]);
    patch(&directory, &moving, operations).await.expect(200);
    let waiting =
        async |person: &Party| person.http.get("/api/invitations").await.expect(200).body["data"].as_array().map(Vec::len);
    assert_eq!((waiting(&old).await, waiting(&new).await), (Some(0), Some(1)));
    patch(&directory, &moving, json!([{"op": "replace", "path": "active", "value": false}])).await.expect(200);
    assert_eq!(waiting(&new).await, Some(0));
    world.end().await;
}

#[tokio::test]
async fn the_last_owner_stays_and_an_owner_goes_in_the_name_of_an_owner_alone() {
    let world = World::new().await;
    let (owner, directory) = organization(&world, "Acme").await;
    let admin = world.colleague(&owner, "admin").await;
    let of_admin = key(&world, &admin).await;
    let user = format!("/Users/{}", create(&directory, &owner.email).await);
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    refused(&patch(&directory, &user, off.clone()).await, 409, None);
    refused(&scim(&directory, "DELETE", &user, json!({})).await, 409, None);
    owner.http.get("/api/organization").await.expect(200);

    let second = world.colleague(&owner, "owner").await;
    let theirs = format!("/Users/{}", create(&directory, &second.email).await);
    let denied = patch(&of_admin, &theirs, off.clone()).await;
    refused(&denied, 403, None);
    assert_eq!(denied.body["missingPermission"], "members.manage_owners");
    second.http.get("/api/organization").await.expect(200);
    patch(&directory, &theirs, off).await.expect(200);
    second.http.get("/api/organization").await.problem(401, "NOT_AUTHENTICATED");
    world.end().await;
}

#[tokio::test]
async fn entra_is_understood_as_it_writes() {
    let world = World::new().await;
    let (_, directory) = organization(&world, "Acme").await;
    // As its public documentation shows them, with what it sends besides.
    let new = json!({
        "schemas": [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef", "userName": "Test_User_ab6490ee@acme.example", "active": "True",
        "displayName": "lennay", "emails": [{"primary": true, "type": "work", "value": "Test_User_ab6490ee@acme.example"}],
        "meta": {"resourceType": "User"}, "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
        "roles": [], "password": "never told", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "bob"}
    });
    let made = scim(&directory, "POST", "/Users?aadOptscim062020", new).await.expect(201);
    assert!(made.body.get("password").is_none() && made.body["active"] == true, "{}", made.body);
    let user = format!("/Users/{}", made.text("/id"));
    let found = directory.get("/scim/v2/Users?filter=userName%20eq%20%22test_user_AB6490EE%40acme.example%22").await.expect(200);
    assert_eq!((&found.body["totalResults"], &found.body["Resources"][0]["id"]), (&json!(1), &made.body["id"]));
    let found = directory.get("/scim/v2/Users?filter=userName+eq+%22non-existent+user%22").await.expect(200);
    assert_eq!((&found.body["totalResults"], &found.body["Resources"]), (&json!(0), &json!([])));

    let changed = patch(
        &directory,
        &user,
        json!([
            {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "updated@acme.example"},
            {"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"},
            {"op": "Add", "path": "emails[type eq \"home\"].value", "value": "home@acme.example"}
        ]),
    )
    .await
    .expect(200);
    let emails = json!([
        {"value": "updated@acme.example", "type": "work", "primary": true}, {"value": "home@acme.example", "type": "home"}
    ]);
    assert_eq!((&changed.body["emails"], &changed.body["name"]["familyName"]), (&emails, &json!("updatedFamilyName")));
    // Dotted names and whole paths as names, in a value without a path.
    let dotted = json!([{"op": "Replace", "value": {"name.givenName": "Dotted", "emails[type eq \"home\"].value": "other@acme.example",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "left aside"}}]);
    let changed = patch(&directory, &user, dotted).await.expect(200);
    assert_eq!(
        (&changed.body["name"]["givenName"], &changed.body["emails"][1]["value"]),
        (&json!("Dotted"), &json!("other@acme.example"))
    );
    let renamed =
        patch(&directory, &user, json!([{"op": "Replace", "path": "userName", "value": "5b50642d@acme.example"}])).await;
    assert_eq!(renamed.expect(200).body["userName"], "5b50642d@acme.example");

    // Groups, with their members in the value.
    let group = json!({"schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0", "displayName": "displayName", "meta": {"resourceType": "Group"}});
    let group = format!("/Groups/{}", scim(&directory, "POST", "/Groups", group).await.expect(201).text("/id"));
    let id = made.text("/id");
    let members = |op: &str| json!([{"op": op, "path": "members", "value": [{"$ref": null, "value": id}]}]);
    let told = patch(&directory, &group, members("Add")).await.expect(200);
    assert_eq!(told.body["members"], json!([{"value": id}]));
    let shown = directory.get(&format!("/scim/v2{user}")).await.expect(200);
    assert_eq!(shown.body["groups"], json!([{"value": group.trim_start_matches("/Groups/"), "display": "displayName"}]));
    let without = directory.get(&format!("/scim/v2{group}?excludedAttributes=members")).await.expect(200);
    assert!(without.body.get("members").is_none());
    patch(&directory, &group, members("Remove")).await.expect(200);
    refused(&patch(&directory, &group, members("Remove")).await, 400, Some("noTarget"));
    world.end().await;
}

#[tokio::test]
async fn okta_is_understood_as_it_writes() {
    let world = World::new().await;
    let (_, directory) = organization(&world, "Acme").await;
    let new = json!({
        "schemas": [USER], "userName": "test.user@okta.example", "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": true, "value": "test.user@okta.example", "type": "work"}], "displayName": "Test User", "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7", "groups": [], "password": "1mz050nq", "active": true
    });
    let made = scim(&directory, "POST", "/Users", new.clone()).await.expect(201);
    let user = format!("/Users/{}", made.text("/id"));
    refused(&scim(&directory, "POST", "/Users", new).await, 409, Some("uniqueness"));
    let page = directory.get("/scim/v2/Users?startIndex=1&count=2").await.expect(200);
    let told = (&page.body["totalResults"], &page.body["startIndex"], &page.body["itemsPerPage"]);
    assert_eq!(told, (&json!(1), &json!(1), &json!(1)));
    // It reads, changes and puts back the whole.
    let mut whole = directory.get(&format!("/scim/v2{user}")).await.expect(200).body;
    whole["name"]["familyName"] = json!("McQueen");
    whole["active"] = json!(false);
    let put = scim(&directory, "PUT", &user, whole.clone()).await.expect(200);
    assert_eq!((&put.body["name"]["familyName"], &put.body["active"]), (&json!("McQueen"), &json!(false)));
    let back = patch(&directory, &user, json!([{"op": "replace", "value": {"active": true}}])).await.expect(200);
    assert_eq!(back.body["active"], true);

    let group = json!({"schemas": [GROUP], "displayName": "Test SCIMv2", "members": [{"value": made.text("/id"), "display": "test.user@okta.example"}]});
    let group = scim(&directory, "POST", "/Groups", group).await.expect(201);
    let id = group.text("/id");
    let path = format!("/Groups/{id}");
    let renamed =
        patch(&directory, &path, json!([{"op": "replace", "value": {"id": id, "displayName": "Test SCIMv2 renamed"}}])).await;
    assert_eq!(renamed.expect(200).body["displayName"], "Test SCIMv2 renamed");
    let member = made.text("/id");
    let gone =
        patch(&directory, &path, json!([{"op": "remove", "path": format!("members[value eq \"{member}\"]")}])).await.expect(200);
    assert!(gone.body.get("members").is_none(), "{}", gone.body);
    let both = patch(
        &directory,
        &path,
        json!([{"op": "add", "path": "members", "value": [{"value": member}, {"value": "not-here-yet"}]}]),
    );
    assert_eq!(both.await.expect(200).body["members"].as_array().map(Vec::len), Some(2));
    let found =
        directory.get(&format!("/scim/v2/Groups?filter=members.value+eq+%22{member}%22+and+displayName+sw+%22test%22")).await;
    assert_eq!(found.expect(200).body["totalResults"], 1);
    scim(&directory, "DELETE", &user, json!({})).await.expect(204);
    let left = directory.get(&format!("/scim/v2{path}")).await.expect(200);
    assert_eq!(left.body["members"], json!([{"value": "not-here-yet"}]));
    world.end().await;
}

#[tokio::test]
async fn a_change_goes_by_what_was_seen_and_what_finds_nothing_is_refused() {
    let world = World::new().await;
    let (_, directory) = organization(&world, "Acme").await;
    let made = scim(&directory, "POST", "/Users", new_user("ada@acme.example")).await.expect(201);
    let path = format!("/scim/v2/Users/{}", made.text("/id"));
    let user = format!("/Users/{}", made.text("/id"));
    let etag = made.header("etag").to_owned();
    let seen = directory.send(directory.request("GET", &path).header("if-none-match", &etag)).await;
    assert_eq!((seen.status, seen.bytes.len()), (304, 0));
    let named = json!({"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": "B"}]});
    let by_tag = async |tag: &str| {
        let request = directory.request("PATCH", &path).header("if-match", tag).header("content-type", "application/scim+json");
        directory.send(request.body(named.to_string())).await
    };
    by_tag(&etag).await.expect(200);
    refused(&by_tag(&etag).await, 412, None);

    for (operation, scim_type) in [
        (json!({"op": "replace", "path": "emails[type eq \"other\"].value", "value": "x@y.example"}), "noTarget"),
        (json!({"op": "remove", "path": "emails[type eq \"other\"]"}), "noTarget"),
        (json!({"op": "remove"}), "noTarget"),
        (json!({"op": "replace", "value": {"title": "left aside"}}), "noTarget"),
        (json!({"op": "replace", "path": "title", "value": "x"}), "invalidPath"),
        (json!({"op": "replace", "path": "emails[type eq", "value": "x"}), "invalidPath"),
        (json!({"op": "replace", "path": "emails[nothing eq \"x\"].value", "value": "x"}), "invalidFilter"),
        (json!({"op": "replace", "path": "id", "value": "x"}), "mutability"),
        (json!({"op": "replace", "path": "groups", "value": []}), "mutability"),
        (json!({"op": "remove", "path": "userName"}), "mutability"),
        (json!({"op": "remove", "path": "active"}), "mutability"),
        (json!({"op": "replace", "path": "active", "value": "perhaps"}), "invalidValue"),
        (json!({"op": "replace", "path": "userName", "value": 7}), "invalidValue"),
        (json!({"op": "add", "path": "emails", "value": [{"type": "work"}]}), "invalidValue"),
        (json!({"op": "add", "path": "emails", "value": [{"value": "no address"}]}), "invalidValue"),
        (json!({"op": "add", "path": "displayName"}), "invalidValue"),
        (json!({"op": "move", "path": "displayName", "value": "x"}), "invalidSyntax"),
    ] {
        let answer = patch(&directory, &user, json!([{"op": "replace", "path": "displayName", "value": "C"}, operation])).await;
        refused(&answer, 400, Some(scim_type));
    }
    assert_eq!(directory.get(&path).await.expect(200).body["displayName"], "B", "all of a patch or nothing");
    for body in
        [json!({}), json!({"schemas": [USER]}), json!({"schemas": [GROUP], "userName": "x"}), json!([]), json!({"not": "scim"})]
    {
        assert_eq!(scim(&directory, "POST", "/Users", body.clone()).await.status, 400, "{body}");
    }
    let plain = directory.request("POST", "/scim/v2/Users").header("content-type", "text/plain").body("{}");
    refused(&directory.send(plain).await, 415, None);
    refused(&directory.get("/scim/v2/nothing").await, 404, None);
    refused(&directory.get("/scim/v2/Users/no-uuid").await, 404, None);
    refused(&directory.call("PUT", "/scim/v2/Schemas", None).await, 405, None);
    refused(&world.anonymous().get("/scim/v2/Users").await, 401, None);
    world.end().await;
}

#[tokio::test]
async fn an_address_is_one_users_and_a_search_goes_over_both_kinds() {
    let world = World::new().await;
    let (owner, directory) = organization(&world, "Acme").await;
    create(&directory, "ada@acme.example").await;
    let twin = json!({"schemas": [USER], "userName": "ada", "emails": [{"value": "ADA@acme.example"}]});
    refused(&scim(&directory, "POST", "/Users", twin).await, 409, Some("uniqueness"));
    // Who is a member already is the one who is meant, and stays it.
    create(&directory, &owner.email).await;
    assert_eq!(owner.http.get("/api/organization/invitations").await.expect(200).body["data"].as_array().map(Vec::len), Some(1));
    scim(&directory, "POST", "/Groups", json!({"schemas": [GROUP], "displayName": "Ada"})).await.expect(201);
    let search = |more: Value| {
        let mut body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "attributes": ["displayName"]});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };
    let all = scim(&directory, "POST", "/.search", search(json!({}))).await.expect(200);
    assert_eq!(all.body["totalResults"], 3);
    let last = scim(&directory, "POST", "/.search", search(json!({"startIndex": 3, "count": 1}))).await.expect(200);
    let resources = last.body["Resources"].as_array().expect("a list");
    assert_eq!((resources.len(), &resources[0]["schemas"][0], &resources[0]["displayName"]), (1, &json!(GROUP), &json!("Ada")));
    assert!(resources[0].get("meta").is_none());
    let users = scim(&directory, "POST", "/.search", search(json!({"filter": "userName pr"}))).await.expect(200);
    assert_eq!(users.body["totalResults"], 2);
    let wrong = scim(&directory, "POST", "/.search", search(json!({"filter": "password pr"}))).await;
    refused(&wrong, 400, Some("invalidFilter"));
    world.end().await;
}

#[tokio::test]
async fn nobody_speaks_for_a_directory_who_may_not_invite() {
    let world = World::new().await;
    let owner = world.register("Acme").await;
    let directory = key(&world, &owner).await;
    let answer = scim(&directory, "POST", "/Users", new_user("ada@acme.example")).await;
    refused(&answer, 403, None);
    assert_eq!(directory.get("/scim/v2/Users").await.expect(200).body["totalResults"], 0);
    let other = json!({"name": "Books", "scopes": ["members.read"]});
    let books = world.anonymous().with_token(&owner.http.post("/api/api-keys", other).await.expect(201).text("/secret"));
    let denied = books.get("/scim/v2/Users").await;
    refused(&denied, 403, None);
    assert_eq!(denied.body["missingPermission"], "directory.manage");
    world.end().await;
}

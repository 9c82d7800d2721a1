//! `/api/projects`.

use actix_web::http::Method;
use kernel::OrgRole;
use serde_json::{Value, json};

use crate::world::World;

fn names(body: &Value) -> Vec<&str> {
    body["data"].as_array().unwrap().iter().map(|project| project["name"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn a_project_is_made_read_and_listed() {
    let world = World::new().await;
    let body = json!({
        "name": " Villa ", "description": "Two houses", "address": "Seestraße 1", "currency": "EUR", "budget": 1250000,
        "startsOn": "2027-03-01", "endsOn": "2028-06-30"
    });
    let made = world.post(world.owner, "/api/projects", body).await.expect(201);
    let id = made.id();
    assert_eq!(made.header("location"), format!("/api/projects/{id}"));
    for (member, value) in [
        ("name", json!("Villa")),
        ("status", json!("planning")),
        ("budget", json!("1250000.00")),
        ("currency", json!("EUR")),
        ("ownerId", json!(world.owner.user)),
        ("startsOn", json!("2027-03-01")),
        ("tenderedAt", Value::Null),
    ] {
        assert_eq!(made.body[member], value, "{member}");
    }
    let read = world.get(world.owner, &format!("/api/projects/{id}")).await.expect(200);
    assert_eq!(read.body, made.body);
    assert_eq!(read.header("etag"), made.header("etag"));
    let list = world.get(world.owner, "/api/projects").await.expect(200);
    assert_eq!(list.body, json!({ "data": [made.body], "nextCursor": null }));
    assert_eq!(world.audited(), ["projects.create"]);
    assert!(world.tokens.forgotten.lock().unwrap().is_empty(), "an owner's sessions hold no roles in teams");
    let team = world.get(world.owner, &format!("/api/projects/{id}/members")).await.expect(200);
    assert_eq!(team.body["data"][0]["userId"], json!(world.owner.user));
    assert_eq!(team.body["data"][0]["role"], "project_owner");
}

#[actix_web::test]
async fn every_fault_of_a_project_is_told_at_once() {
    let world = World::new().await;
    let body = json!({ "name": "  ", "currency": "EUR", "budget": "1.001", "startsOn": "2027-03-02", "endsOn": "2027-03-01" });
    let faults = world.post(world.owner, "/api/projects", body).await.expect(422).faults();
    let expected = [("/budget", "TOO_MANY_DECIMALS"), ("/name", "REQUIRED"), ("/endsOn", "BEFORE_START")];
    assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    for body in [
        json!({ "name": "x" }),
        json!({ "name": "x", "currency": "XXX" }),
        json!({ "name": "x", "currency": "EUR", "budget": "-1" }),
        json!({ "name": "x", "currency": "EUR", "budget": "99999999999999999" }),
        json!({ "name": "x", "currency": "EUR", "startsOn": "2027-02-30" }),
        json!({ "name": "x", "currency": "EUR", "organizationId": world.owner.org }),
        json!({ "name": "x".repeat(201), "currency": "EUR" }),
    ] {
        world.post(world.owner, "/api/projects", body).await.expect(422);
    }
    assert_eq!(world.db.query("select count(*) from projects").await, ["0"]);
}

#[actix_web::test]
async fn a_repeated_post_makes_one_project() {
    let world = World::new().await;
    let key = [("Idempotency-Key", "k1")];
    let body = json!({ "name": "Villa", "currency": "EUR" });
    let first = world.send(world.owner, Method::POST, "/api/projects", &key, Some(body.clone())).await.expect(201);
    let again = world.send(world.owner, Method::POST, "/api/projects", &key, Some(body)).await.expect(201);
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(world.db.query("select count(*) from projects").await, ["1"]);
}

#[actix_web::test]
async fn members_see_the_projects_of_their_teams_only() {
    let world = World::new().await;
    let (admin, member) = (world.person(OrgRole::Admin).await, world.person(OrgRole::Member).await);
    let (one, two) = (world.project().await, world.project().await);
    assert_eq!(world.get(member, "/api/projects").await.expect(200).body["data"], json!([]));
    assert_eq!(names(&world.get(admin, "/api/projects").await.expect(200).body).len(), 2);
    let denied = world.get(member, &format!("/api/projects/{one}")).await.refused(403, "PERMISSION_DENIED");
    assert_eq!(denied.body["missingPermission"], "projects.read");
    world.post(member, "/api/projects", json!({ "name": "x", "currency": "EUR" })).await.refused(403, "PERMISSION_DENIED");

    let join = json!({ "userId": member.user, "role": "in_house_user" });
    world.post(world.owner, &format!("/api/projects/{one}/members"), join).await.expect(201);
    let list = world.get(member, "/api/projects").await.expect(200);
    assert_eq!(list.body["data"][0]["id"], json!(one));
    assert_eq!(names(&list.body).len(), 1);
    world.get(member, &format!("/api/projects/{one}")).await.expect(200);
    world.patch(member, &format!("/api/projects/{one}"), json!({ "name": "y" })).await.refused(403, "PERMISSION_DENIED");
    world.get(member, &format!("/api/projects/{two}")).await.refused(403, "PERMISSION_DENIED");
}

#[actix_web::test]
async fn of_a_member_of_very_many_teams_lists_show_the_same() {
    let world = World::new().await;
    let member = world.person(OrgRole::Member).await;
    let (org, user, owner) = (world.owner.org, member.user, world.owner.user);
    let other = world.project().await;
    // Of the newest thousand every second one is the member's.
    world
        .db
        .run_sql(&format!(
            "insert into projects (org_id, id, owner_id, name, currency, created_at)
                select '{org}', gen_random_uuid(), '{owner}', 'Project ' || n, 'EUR', now() + n * interval '1 second' from generate_series(1, 1010) n;
             insert into project_members (org_id, project_id, user_id, role)
                select org_id, id, '{user}', 'in_house_user' from projects where name like 'Project %' and right(name, 1)::int % 2 = 0"
        ))
        .await;
    let (mut seen, mut path) = (Vec::new(), "/api/projects?limit=100".to_owned());
    loop {
        let page = world.get(member, &path).await.expect(200).body;
        seen.extend(names(&page).into_iter().map(str::to_owned));
        let Some(next) = page["nextCursor"].as_str() else { break };
        path = format!("/api/projects?limit=100&cursor={next}");
    }
    let expected: Vec<_> = (1..=505).rev().map(|n| format!("Project {}", 2 * n)).collect();
    assert_eq!(seen, expected);
    let soq = json!({ "projectId": other, "title": "Not the member's", "lines": [] });
    world.post(world.owner, "/api/soq", soq).await.expect(201);
    assert_eq!(world.get(member, "/api/soq").await.expect(200).body["data"], json!([]));
    assert_eq!(world.get(world.owner, "/api/soq").await.expect(200).body["data"].as_array().map(Vec::len), Some(1));
}

#[actix_web::test]
async fn another_organisation_finds_nothing() {
    let world = World::new().await;
    let stranger = world.stranger().await;
    let id = world.project().await;
    let (path, unknown) = (format!("/api/projects/{id}"), format!("/api/projects/{}", kernel::ProjectId::new()));
    let user = world.owner.user;
    let change = json!({ "name": "x", "currency": "EUR" });
    for path in [path, unknown, "/api/projects/nonsense".to_owned()] {
        world.get(stranger, &path).await.refused(404, "NOT_FOUND");
        world.put(stranger, &path, change.clone()).await.refused(404, "NOT_FOUND");
        world.patch(stranger, &path, json!({ "name": "x" })).await.refused(404, "NOT_FOUND");
        world.delete(stranger, &path).await.refused(404, "NOT_FOUND");
        world.get(stranger, &format!("{path}/members")).await.refused(404, "NOT_FOUND");
        let join = json!({ "userId": stranger.user, "role": "project_owner" });
        world.post(stranger, &format!("{path}/members"), join).await.refused(404, "NOT_FOUND");
        world
            .put(stranger, &format!("{path}/members/{user}"), json!({ "role": "in_house_user" }))
            .await
            .refused(404, "NOT_FOUND");
        world.delete(stranger, &format!("{path}/members/{user}")).await.refused(404, "NOT_FOUND");
        world.get(stranger, &format!("{path}/units")).await.refused(404, "NOT_FOUND");
    }
    assert_eq!(world.get(stranger, "/api/projects").await.expect(200).body["data"], json!([]));
    assert_eq!(world.db.query("select name from projects").await, ["Villa"]);
}

#[actix_web::test]
async fn lists_are_walked_by_cursor_and_narrowed_by_status() {
    let world = World::new().await;
    for name in ["a", "b", "c", "d", "e"] {
        world.post(world.owner, "/api/projects", json!({ "name": name, "currency": "EUR" })).await.expect(201);
    }
    // Rows of one instant are told apart by their ids.
    world.db.run_sql("alter table projects disable trigger user; update projects set created_at = now()").await;
    let (mut seen, mut path) = (Vec::new(), "/api/projects?limit=2".to_owned());
    loop {
        let page = world.get(world.owner, &path).await.expect(200);
        seen.extend(names(&page.body).into_iter().map(str::to_owned));
        let Some(cursor) = page.body["nextCursor"].as_str() else { break };
        path = format!("/api/projects?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["e", "d", "c", "b", "a"]);

    let id = world.get(world.owner, "/api/projects?limit=1").await.body["data"][0]["id"].as_str().unwrap().to_owned();
    world.patch(world.owner, &format!("/api/projects/{id}"), json!({ "status": "archived" })).await.expect(200);
    assert_eq!(names(&world.get(world.owner, "/api/projects?status=archived").await.body), ["e"]);
    assert_eq!(names(&world.get(world.owner, "/api/projects?status=planning").await.body), ["d", "c", "b", "a"]);
    for query in ["status=lost", "color=red", "limit=0", "limit=101", "cursor=x"] {
        world.get(world.owner, &format!("/api/projects?{query}")).await.refused(422, "INVALID");
    }
}

#[actix_web::test]
async fn changes_honour_if_match() {
    let world = World::new().await;
    let path = format!("/api/projects/{}", world.project().await);
    let tag = world.get(world.owner, &path).await.header("etag").to_owned();
    let change = json!({ "name": "Tower", "currency": "EUR", "budget": "5" });
    let changed = world.send(world.owner, Method::PUT, &path, &[("If-Match", &tag)], Some(change.clone())).await.expect(200);
    assert_eq!((changed.text("name"), changed.text("budget")), ("Tower".to_owned(), "5.00".to_owned()));
    assert_eq!(changed.header("etag"), world.get(world.owner, &path).await.header("etag"));

    for (method, body) in [(Method::PUT, Some(change)), (Method::PATCH, Some(json!({ "name": "x" }))), (Method::DELETE, None)] {
        world.send(world.owner, method, &path, &[("If-Match", &tag)], body).await.expect(412);
    }
    let fresh = changed.header("etag").to_owned();
    let patch = json!({ "budget": null, "description": "new" });
    let patched = world.send(world.owner, Method::PATCH, &path, &[("If-Match", &fresh)], Some(patch)).await.expect(200);
    assert_eq!((&patched.body["budget"], patched.text("description")), (&Value::Null, "new".to_owned()));
    assert_eq!(patched.text("name"), "Tower");
    world.patch(world.owner, &path, json!({ "name": null })).await.expect(422);
    world.patch(world.owner, &path, json!({ "ownerId": world.owner.user })).await.expect(422);
    world.delete(world.owner, &path).await.expect(204);
    world.get(world.owner, &path).await.expect(404);
}

#[actix_web::test]
async fn what_is_so_already_is_not_changed() {
    let world = World::new().await;
    let path = format!("/api/projects/{}", world.project().await);
    world.patch(world.owner, &path, json!({ "description": "Two houses", "budget": "5" })).await.expect(200);
    let before = world.get(world.owner, &path).await;
    let trail = world.audited();
    let whole = json!({ "name": before.body["name"], "description": " Two houses ", "currency": "EUR", "budget": "5.00", "status": before.body["status"] });
    for (method, body) in [
        (Method::PATCH, json!({})),
        (Method::PATCH, json!({ "budget": 5, "address": null, "status": before.body["status"] })),
        (Method::PUT, whole),
    ] {
        let same = world.send(world.owner, method, &path, &[("If-Match", before.header("etag"))], Some(body)).await.expect(200);
        assert_eq!((&same.body, same.header("etag")), (&before.body, before.header("etag")));
    }
    assert_eq!(world.get(world.owner, &path).await.body, before.body);
    assert_eq!(world.audited(), trail, "nothing happened");
}

#[actix_web::test]
async fn of_two_changes_of_one_state_one_wins() {
    let world = World::new().await;
    let path = format!("/api/projects/{}", world.project().await);
    let tag = world.get(world.owner, &path).await.header("etag").to_owned();
    let header = [("If-Match", tag.as_str())];
    let put = |name: &str| Some(json!({ "name": name, "currency": "EUR" }));
    let answers = futures::future::join_all(
        ["a", "b", "c", "d"].map(|name| world.send(world.owner, Method::PUT, &path, &header, put(name))),
    )
    .await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412]);

    // Patches that name no state all apply, each to the newest.
    let patches = [json!({ "name": "n" }), json!({ "address": "a" }), json!({ "description": "d" })];
    let answers = futures::future::join_all(patches.map(|patch| world.patch(world.owner, &path, patch))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let now = world.get(world.owner, &path).await;
    assert_eq!((now.text("name"), now.text("address"), now.text("description")), ("n".into(), "a".into(), "d".into()));
}

#[actix_web::test]
async fn the_currency_stays_under_a_schedule() {
    let world = World::new().await;
    let id = world.project().await;
    let path = format!("/api/projects/{id}");
    world.patch(world.owner, &path, json!({ "currency": "JPY", "budget": "100" })).await.expect(200);
    assert_eq!(world.get(world.owner, &path).await.text("budget"), "100");
    world.patch(world.owner, &path, json!({ "budget": "100.5" })).await.expect(422);
    world.post(world.owner, "/api/soq", json!({ "projectId": id, "title": "Shell", "lines": [] })).await.expect(201);
    world.patch(world.owner, &path, json!({ "currency": "EUR" })).await.refused(409, "CURRENCY_FIXED");
    world.patch(world.owner, &path, json!({ "name": "Tower" })).await.expect(200);
}

#[actix_web::test]
async fn a_tendered_project_stays_and_is_active() {
    let world = World::new().await;
    let id = world.project().await;
    let path = format!("/api/projects/{id}");
    world.patch(world.owner, &path, json!({ "status": "completed" })).await.refused(409, "STATE_CONFLICT");
    world.tender(&id).await;
    world.tender(&id).await;
    let project = world.get(world.owner, &path).await.expect(200);
    assert_eq!(project.text("status"), "active");
    assert!(project.body["tenderedAt"].is_string());
    let refused = world.delete(world.owner, &path).await.refused(409, "PROJECT_TENDERED");
    assert_eq!(refused.body["currentState"], "tendered");
    let refused = world.patch(world.owner, &path, json!({ "status": "planning" })).await.refused(409, "STATE_CONFLICT");
    assert_eq!(refused.body["currentState"], "active");
    world.patch(world.owner, &path, json!({ "status": "archived" })).await.expect(200);
    assert_eq!(world.audited(), ["projects.create", "projects.mark_tendered", "projects.update"]);
}

#[actix_web::test]
async fn deleting_a_project_takes_everything_with_it() {
    let world = World::new().await;
    let id = world.project().await;
    let unit = json!({ "units": [{
        "unitNumber": "A1", "totalFloorArea": "10", "numberOfFloors": 1, "numberOfRooms": 1, "numberOfBathrooms": 1,
        "floors": [{ "floorNumber": 0, "floorArea": "10" }]
    }] });
    let unit =
        world.post(world.owner, &format!("/api/projects/{id}/units"), unit).await.expect(201).body["data"][0]["id"].clone();
    let line = json!({ "code": "1", "description": "x", "kind": "lump_sum", "unitId": unit });
    let soq = json!({ "projectId": id, "title": "Shell", "lines": [line] });
    let soq = world.post(world.owner, "/api/soq", soq).await.expect(201).id();
    world.act(world.owner, &format!("/api/soq/{soq}/freeze")).await.expect(200);
    world.act(world.owner, &format!("/api/soq/{soq}/versions")).await.expect(201);
    world.delete(world.owner, &format!("/api/projects/{id}")).await.expect(204);
    for table in ["projects", "project_members", "units", "unit_floors", "soqs", "soq_lines"] {
        assert_eq!(world.db.query(&format!("select count(*) from {table}")).await, ["0"], "{table}");
    }
}

#[actix_web::test]
async fn no_new_project_is_made_in_a_currency_that_ended_or_does_not_settle_but_one_that_is_there_goes_on() {
    let world = World::new().await;
    let day = |day: &str| format!("update app.clock set advance = timestamptz '{day}' - now()");
    let lev = json!({ "name": "Plovdiv", "currency": "BGN", "budget": "5" });
    world.db.run_sql(&day("2025-12-31 12:00Z")).await;
    let old = world.post(world.owner, "/api/projects", lev.clone()).await.expect(201).id();

    world.db.run_sql(&day("2026-01-01 00:00:01Z")).await;
    for (currency, instead) in [("BGN", "EUR replaced it on 2026-01-01; use EUR"), ("MAD", "does not settle in it; use EUR")] {
        let body = json!({ "name": "New", "currency": currency });
        let refused = world.post(world.owner, "/api/projects", body).await.expect(422);
        assert_eq!(refused.faults(), [("/currency".to_owned(), "CURRENCY_ENDED".to_owned())]);
        let detail = refused.body["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.ends_with(instead), "{detail}");
    }
    // What is there may be changed, in its currency; nothing is moved into an ended one.
    let path = format!("/api/projects/{old}");
    world.patch(world.owner, &path, json!({ "name": "Plovdiv II", "budget": "7" })).await.expect(200);
    world.patch(world.owner, &path, json!({ "currency": "EUR" })).await.expect(200);
    let back = world.patch(world.owner, &path, json!({ "currency": "BGN" })).await.expect(422);
    assert_eq!(back.faults(), [("/currency".to_owned(), "CURRENCY_ENDED".to_owned())]);
}

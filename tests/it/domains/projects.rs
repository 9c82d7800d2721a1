//! Projects, their teams and units, schedules of quantities.

use futures::future::LocalBoxFuture;
use serde_json::json;

use super::{Cases, Domain, FORBIDDEN, HIDDEN, OWN, Scene};
use crate::walk::Walk;
use crate::world::{Party, World, schedule};

pub const DOMAIN: Domain =
    Domain { calls: &["tenants", "auth", "audit", "users"], things, cases, walk, ..Domain::named("projects") };

fn things<'a>(world: &'a World, scene: &'a mut Scene) -> LocalBoxFuture<'a, ()> {
    Box::pin(async move {
        let project = world.project(&scene.owner).await;
        let frozen = world.frozen_soq(&scene.owner, &project).await;
        let draft = json!({"projectId": project, "title": "Draft", "lines": schedule()});
        let draft = scene.owner.http.post("/api/soq", draft).await.expect(201);
        let units = json!({"units": [{"unitNumber": "A1", "totalFloorArea": "80", "numberOfFloors": 1, "numberOfRooms": 3,
            "numberOfBathrooms": 1, "floors": [{"floorNumber": 0, "floorArea": "80"}]}]});
        scene.owner.http.post(&format!("/api/projects/{project}/units"), units).await.expect(201);
        scene.keep("project", project);
        scene.keep("frozen schedule", frozen);
        scene.keep("draft schedule", draft.text("/id"));
    })
}

fn cases(scene: &Scene, cases: &mut Cases) {
    let new = json!({"name": "P", "currency": "EUR"});
    cases.add("GET /api/projects", "/api/projects", None, OWN, OWN);
    cases.add("POST /api/projects", "/api/projects", Some(new.clone()), &[201], FORBIDDEN);
    let project = format!("/api/projects/{}", scene.id("project"));
    cases.add("GET /api/projects/{id}", project.clone(), None, HIDDEN, FORBIDDEN);
    cases.add("PUT /api/projects/{id}", project.clone(), Some(new), HIDDEN, FORBIDDEN);
    cases.add("PATCH /api/projects/{id}", project.clone(), Some(json!({"name": "X"})), HIDDEN, FORBIDDEN);
    cases.add("DELETE /api/projects/{id}", project.clone(), None, HIDDEN, FORBIDDEN);

    cases.add("GET /api/projects/{id}/members", format!("{project}/members"), None, HIDDEN, FORBIDDEN);
    let member = json!({"userId": scene.owner.user, "role": "in_house_user"});
    cases.add("POST /api/projects/{id}/members", format!("{project}/members"), Some(member), HIDDEN, FORBIDDEN);
    let (one, role) = (format!("{project}/members/{}", scene.owner.user), json!({"role": "in_house_user"}));
    cases.add("PUT /api/projects/{id}/members/{userId}", one.clone(), Some(role), HIDDEN, FORBIDDEN);
    cases.add("DELETE /api/projects/{id}/members/{userId}", one, None, HIDDEN, FORBIDDEN);

    cases.add("GET /api/projects/{id}/units", format!("{project}/units"), None, HIDDEN, FORBIDDEN);
    let units = json!({"units": [{"unitNumber": "1", "totalFloorArea": "50", "numberOfFloors": 1, "numberOfRooms": 2, "numberOfBathrooms": 1,
        "floors": [{"floorNumber": 0, "floorArea": "50"}]}]});
    cases.add("POST /api/projects/{id}/units", format!("{project}/units"), Some(units), HIDDEN, FORBIDDEN);

    cases.add("GET /api/soq", "/api/soq", None, OWN, OWN);
    let new = json!({"projectId": scene.id("project"), "title": "T", "lines": schedule()});
    cases.add("POST /api/soq", "/api/soq", Some(new), HIDDEN, FORBIDDEN);
    let soq = format!("/api/soq/{}", scene.id("draft schedule"));
    cases.add("GET /api/soq/{id}", soq.clone(), None, HIDDEN, FORBIDDEN);
    cases.add("PUT /api/soq/{id}", soq.clone(), Some(json!({"title": "T", "lines": schedule()})), HIDDEN, FORBIDDEN);
    cases.add("DELETE /api/soq/{id}", soq.clone(), None, HIDDEN, FORBIDDEN);
    cases.add("POST /api/soq/{id}/freeze", format!("{soq}/freeze"), None, HIDDEN, FORBIDDEN);
    let versions = format!("/api/soq/{}/versions", scene.id("frozen schedule"));
    cases.add("POST /api/soq/{id}/versions", versions, None, HIDDEN, FORBIDDEN);
}

fn walk(walk: &mut Walk) -> LocalBoxFuture<'_, ()> {
    Box::pin(async move {
        let owner = walk.owner.clone();
        let given_up = walk.send(&owner.http, "POST /api/projects", &[], &[]).await.text("/id");
        walk.send(&owner.http, "DELETE /api/projects/{id}", &[&given_up], &[]).await;
        let project = walk.send(&owner.http, "POST /api/projects", &[], &[]).await.text("/id");
        for operation in ["PUT /api/projects/{id}", "PATCH /api/projects/{id}", "GET /api/projects/{id}"] {
            walk.send(&owner.http, operation, &[&project], &[]).await;
        }
        walk.send(&owner.http, "GET /api/projects", &[], &[]).await;

        let grace = walk.person("colleague").user;
        walk.send(&owner.http, "POST /api/projects/{id}/members", &[&project], &[("/userId", grace.as_str())]).await;
        walk.send(&owner.http, "GET /api/projects/{id}/members", &[&project], &[]).await;
        for operation in ["PUT /api/projects/{id}/members/{userId}", "DELETE /api/projects/{id}/members/{userId}"] {
            walk.send(&owner.http, operation, &[&project, &grace], &[]).await;
        }
        walk.send(&owner.http, "POST /api/projects/{id}/units", &[&project], &[]).await;
        walk.send(&owner.http, "GET /api/projects/{id}/units", &[&project], &[]).await;
        schedules(walk, &owner, &project).await;
        walk.keep("project", project);
    })
}

/// A schedule is written, changed and frozen; a next version of it is given up.
async fn schedules(walk: &mut Walk, owner: &Party, project: &str) {
    let soq = walk.send(&owner.http, "POST /api/soq", &[], &[("/projectId", project)]).await.text("/id");
    walk.send(&owner.http, "PUT /api/soq/{id}", &[&soq], &[]).await;
    let frozen = walk.send(&owner.http, "POST /api/soq/{id}/freeze", &[&soq], &[]).await;
    // The example of a bid prices the two lines that are no heading.
    walk.keep("concrete", frozen.text("/lines/1/id"));
    walk.keep("site installation", frozen.text("/lines/2/id"));
    let next = walk.send(&owner.http, "POST /api/soq/{id}/versions", &[&soq], &[]).await.text("/id");
    walk.send(&owner.http, "GET /api/soq", &[], &[]).await;
    walk.send(&owner.http, "GET /api/soq/{id}", &[&soq], &[]).await;
    walk.send(&owner.http, "DELETE /api/soq/{id}", &[&next], &[]).await;
    walk.keep("schedule", soq);
}

//! People across domains: two approvals are two persons', addresses tell nothing, and nobody leaves a live bid behind.

use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn an_admin_publishes_with_no_second_account_of_their_own_making() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    owner.http.patch("/api/organization", json!({"approvalThreshold": {"amount": "1", "currency": "EUR"}})).await.expect(200);
    let admin = world.colleague(&owner, "admin").await;
    let second = world.colleague(&admin, "admin").await;
    let publish = format!("/api/tenders/{}/publish", world.draft_tender(&owner).await.id);
    admin.http.act(&publish).await.expect(202);
    let refused = second.http.act(&publish).await.expect(409);
    assert_eq!(refused.text("/code"), "APPROVER_NOT_YET");
    assert!(refused.text("/detail").contains("PUT /api/users/{id}"), "{}", refused.body);
    assert!(!refused.text("/until").is_empty());
    // An owner confirms the role by giving it anew.
    owner.http.put(&format!("/api/users/{}", second.user), json!({"role": "admin"})).await.expect(200);
    second.http.act(&publish).await.expect(200);
    let trail = owner.http.get("/api/audit?action=approvals.second").await.expect(200);
    assert_eq!(trail.body["data"][0]["actorId"], json!(second.user));
    assert_eq!(trail.body["data"][0]["after"]["madeApproverBy"], json!(owner.user));
    world.end().await;
}

#[tokio::test]
async fn a_project_owner_of_an_admins_making_waits_as_well() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    owner.http.patch("/api/organization", json!({"approvalThreshold": {"amount": "1", "currency": "EUR"}})).await.expect(200);
    let admin = world.colleague(&owner, "admin").await;
    let second = world.colleague(&admin, "member").await;
    let tender = world.draft_tender(&owner).await;
    let team = format!("/api/projects/{}/members", tender.project);
    admin.http.post(&team, json!({"userId": second.user, "role": "project_owner"})).await.expect(201);
    let publish = format!("/api/tenders/{}/publish", tender.id);
    assert_eq!(second.http.act(&publish).await.expect(409).text("/code"), "APPROVER_NOT_YET");
    owner.http.put(&format!("{team}/{}", second.user), json!({"role": "project_owner"})).await.expect(200);
    second.http.act(&publish).await.expect(202);
    admin.http.act(&publish).await.expect(200);
    world.end().await;
}

#[tokio::test]
async fn the_last_of_an_organisation_leaves_no_live_bid_behind() {
    let world = World::new().await;
    let (owner, contractor) = (world.register("Owner").await, world.register("Contractor").await);
    let tender = world.tender(&owner).await;
    let bid = world.bid(&contractor, &tender, "12.00").await;
    let refused = contractor.http.delete("/api/user").await.expect(409);
    assert_eq!(refused.text("/code"), "ORGANIZATION_IN_USE");
    assert!(refused.text("/detail").contains("the bid for the tender \"Construction\""), "{}", refused.body);
    contractor.http.get("/api/user").await.expect(200);
    // With somebody else there to answer for the bid, its author may go.
    let other = world.colleague(&contractor, "owner").await;
    contractor.http.delete("/api/user").await.expect(204);
    other.http.delete("/api/user").await.expect(409);
    other.http.delete(&format!("/api/bids/{bid}")).await.expect(200);
    other.http.delete("/api/user").await.expect(204);
    world.end().await;
}

#[tokio::test]
async fn names_and_titles_of_every_route_are_visible_text() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let draft = world.draft_tender(&owner).await;
    let tender = json!({"projectId": draft.project, "soqId": draft.soq, "title": "\u{200b}", "procurementMethod": "open",
        "submissionDeadline": "2099-01-01T00:00:00Z", "milestones": [{"title": "\u{3164}", "percent": "100"}]});
    let unit = json!({"units": [{"unitNumber": "\u{202e}1", "totalFloorArea": "80", "numberOfFloors": 1, "numberOfRooms": 3,
        "numberOfBathrooms": 1, "floors": [{"floorNumber": 0, "floorArea": "80"}]}]});
    let line = json!({"code": "1", "description": "\u{200b}", "kind": "measured", "unitCode": "m2", "quantity": "1", "estimateRate": "1"});
    let calls = [
        ("/api/projects".to_owned(), json!({"name": "\u{200b}", "currency": "EUR"}), "/name"),
        ("/api/organizations".to_owned(), json!({"name": "A\u{ad}B"}), "/name"),
        ("/api/users".to_owned(), json!({"email": "x@x.example", "name": "\u{feff}"}), "/name"),
        ("/api/users".to_owned(), json!({"email": "x\u{200d}@x.example"}), "/email"),
        (format!("/api/projects/{}/units", draft.project), unit, "/units/0/unitNumber"),
        ("/api/soq".to_owned(), json!({"projectId": draft.project, "title": "\u{2800}", "lines": []}), "/title"),
        ("/api/soq".to_owned(), json!({"projectId": draft.project, "title": "T", "lines": [line]}), "/lines/0/description"),
        ("/api/tenders".to_owned(), tender, "/title"),
        (format!("/api/tenders/{}/invitations", draft.id), json!({"email": "Ada <ada@x.example>"}), "/email"),
    ];
    for (path, body, pointer) in calls {
        let refused = owner.http.post(&path, body.clone()).await;
        let pointers: Vec<_> =
            refused.body["errors"].as_array().into_iter().flatten().map(|fault| fault["pointer"].clone()).collect();
        assert!(refused.status == 422 && pointers.contains(&json!(pointer)), "{path} {body}: {}", refused.body);
    }
    world.end().await;
}

//! People across domains: two approvals are two persons', addresses tell nothing, and nobody leaves a live bid behind.

use secrecy::ExposeSecret;
use serde_json::json;
use testkit::until;
use tokio_postgres::NoTls;

use crate::world::{PASSWORD, World};

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

#[tokio::test]
async fn an_organisation_that_somebody_founds_besides_begins_its_own_trail_with_that() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let made = owner.http.post("/api/organizations", json!({"name": "Besides"})).await.expect(201).text("/id");
    let trail = format!(
        "select concat_ws(' ', e.action, e.actor_id, e.entity_id, e.after ->> 'slug', l.sequence)
         from audit_entries e join audit_links l on l.org_id = e.org_id and l.entry_id = e.id where e.org_id = '{made}'"
    );
    assert_eq!(world.db.query(&trail).await, [format!("organizations.create {} {made} besides 1", owner.user)]);
    assert_eq!(build14::services::doctor(&world.db.system_url().await).await.expect("the doctor comes"), [], "no trail is empty");
    world.end().await;
}

#[tokio::test]
async fn who_leaves_the_organisation_leaves_its_teams() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let (removed, gone) = (world.colleague(&owner, "member").await, world.colleague(&owner, "member").await);
    let team = format!("/api/projects/{}/members", world.draft_tender(&owner).await.project);
    for person in [&removed, &gone] {
        owner.http.post(&team, json!({"userId": person.user, "role": "project_owner"})).await.expect(201);
    }
    owner.http.delete(&format!("/api/users/{}", removed.user)).await.expect(204);
    gone.http.delete("/api/user").await.expect(204);
    let left = owner.http.get(&team).await.expect(200);
    let left: Vec<_> = left.body["data"].as_array().expect("a page").iter().map(|member| member["userId"].clone()).collect();
    assert_eq!(left, [json!(owner.user)]);
    let trail = owner.http.get("/api/audit?action=users.leave_team").await.expect(200);
    assert_eq!(trail.body["data"].as_array().map(Vec::len), Some(2));
    world.end().await;
}

#[tokio::test]
async fn nobody_joins_a_team_while_they_are_removed_from_the_organisation() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let member = world.colleague(&owner, "member").await;
    let team = format!("/api/projects/{}/members", world.draft_tender(&owner).await.project);
    let url = world.db.system_url().await;
    let (removing, connection) = tokio_postgres::connect(url.expose_secret(), NoTls).await.expect("connects");
    tokio::spawn(connection);
    let delete = format!("begin; delete from memberships where user_id = '{}'", member.user);
    removing.batch_execute(&delete).await.expect("deletes");
    let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
        and query like '%memberships%'";
    let (joined, ()) = tokio::join!(owner.http.post(&team, json!({"userId": member.user, "role": "in_house_user"})), async {
        until("the request waits", async || (world.db.query(waiting).await == ["1"]).then_some(())).await;
        removing.batch_execute("commit").await.expect("commits");
    });
    assert_eq!(joined.expect(422).faults(), ["/userId NOT_A_MEMBER"]);
    let roles = format!("select count(*) from project_members where user_id = '{}'", member.user);
    assert_eq!(world.db.query(&roles).await, ["0"]);
    world.end().await;
}

#[tokio::test]
async fn who_is_removed_takes_nothing_out_of_the_organisation() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let leaver = world.colleague(&owner, "admin").await;
    let made = world.draft_tender(&leaver).await;
    let invited = leaver.http.post("/api/users", json!({"email": "somebody@x.example"})).await.expect(201).text("/id");
    let rows = |table: &str| {
        format!(
            "select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {table} t where org_id = '{}'",
            owner.org
        )
    };
    let mut before = Vec::new();
    let tables = ["projects", "soqs", "soq_lines", "tenders", "tender_milestones"];
    for table in tables {
        before.push(world.db.query(&rows(table)).await);
    }
    owner.http.delete(&format!("/api/users/{}", leaver.user)).await.expect(204);
    for (table, before) in tables.iter().zip(&before) {
        assert_eq!(&world.db.query(&rows(table)).await, before, "{table}");
    }
    for (path, id) in [("projects", &made.project), ("soq", &made.soq), ("tenders", &made.id)] {
        owner.http.get(&format!("/api/{path}/{id}")).await.expect(200);
    }
    owner.http.patch(&format!("/api/projects/{}", made.project), json!({"name": "Goes on"})).await.expect(200);
    // What waited for an answer in their name does not, and the person has nothing there any more.
    owner.http.get(&format!("/api/organization/invitations/{invited}")).await.expect(404);
    leaver.http.get("/api/projects").await.expect(401);
    let trail = owner.http.get(&format!("/api/audit?actorId={}", leaver.user)).await.expect(200);
    assert!(
        trail.body["data"].as_array().is_some_and(|entries| entries.iter().any(|entry| entry["action"] == "projects.create"))
    );
    world.end().await;
}

#[tokio::test]
async fn whoever_has_chosen_a_language_is_written_to_in_it() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    world.prove(&owner).await;
    assert!(world.mailed(&owner.email).await.starts_with("Hello"), "until then in that of the request");
    let chosen = owner.http.patch("/api/user", json!({"locale": "de"})).await.expect(200);
    assert_eq!(chosen.body["locale"], "de");
    let passwords = json!({"currentPassword": PASSWORD, "newPassword": "another good password"});
    owner.http.put("/api/user/password", passwords).await.expect(204);
    let mail = world.mailed(&owner.email).await;
    assert!(mail.starts_with("Guten Tag"), "{mail}");
    world.end().await;
}

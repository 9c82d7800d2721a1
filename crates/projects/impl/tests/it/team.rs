//! `/api/projects/{id}/members`.

use std::sync::Arc;

use kernel::{OrgRole, ProjectId, ProjectRole, UserId};
use projects_api::{Error, NewTeamMember, Projects};
use serde_json::json;

use crate::world::World;

#[actix_web::test]
async fn people_join_change_and_leave() {
    let world = World::new().await;
    let id = world.project().await;
    let (path, member) = (format!("/api/projects/{id}/members"), world.person(OrgRole::Member).await);
    let join = json!({ "userId": member.user, "role": "in_house_user" });
    let joined = world.post(world.owner, &path, join.clone()).await.expect(201);
    assert_eq!(joined.header("location"), format!("{path}/{}", member.user));
    assert_eq!(joined.body["role"], "in_house_user");
    world.post(world.owner, &path, join).await.refused(409, "ALREADY_IN_TEAM");

    let team = world.get(member, &path).await.expect(200);
    let users: Vec<_> = team.body["data"].as_array().unwrap().iter().map(|m| m["userId"].clone()).collect();
    assert_eq!(users, [json!(member.user), json!(world.owner.user)], "newest first");
    world.delete(member, &format!("{path}/{}", world.owner.user)).await.refused(403, "PERMISSION_DENIED");

    let one = format!("{path}/{}", member.user);
    world.put(world.owner, &one, json!({ "userId": world.owner.user, "role": "project_owner" })).await.expect(422);
    let changed = world.put(world.owner, &one, json!({ "role": "project_owner" })).await.expect(200);
    assert_eq!(changed.body["role"], "project_owner");
    world.delete(member, &format!("{path}/{}", world.owner.user)).await.expect(204);
    world.delete(member, &format!("{path}/{}", world.owner.user)).await.refused(404, "NOT_FOUND");
    let forgotten = world.tokens.forgotten.lock().unwrap().clone();
    assert_eq!(forgotten, [member.user, member.user, world.owner.user], "making it is nothing to an owner's sessions");
    assert_eq!(*world.memberships.voided.lock().unwrap(), [member.user, world.owner.user], "whose role changed or went");
    let actions = ["projects.create", "projects.members_manage", "projects.members_manage", "projects.members_manage"];
    assert_eq!(world.audited(), actions);
}

#[actix_web::test]
async fn the_same_role_again_changes_nothing_unless_an_owner_confirms_it() {
    let world = World::new().await;
    let path = format!("/api/projects/{}/members", world.project().await);
    let (admin, member) = (world.person(OrgRole::Admin).await, world.person(OrgRole::Member).await);
    let joined = world.post(world.owner, &path, json!({ "userId": member.user, "role": "in_house_user" })).await.expect(201);
    let (one, trail) = (format!("{path}/{}", member.user), world.audited());
    let same = world.put(admin, &one, json!({ "role": "in_house_user" })).await.expect(200);
    assert_eq!((&same.body, world.audited()), (&joined.body, trail.clone()));
    assert!(world.memberships.voided.lock().unwrap().is_empty(), "approvals stay");
    world.put(world.owner, &one, json!({ "role": "in_house_user" })).await.expect(200);
    assert_eq!(world.audited().len(), trail.len() + 1, "a grant by an owner counts for more");
}

#[actix_web::test]
async fn only_members_of_the_organisation_join() {
    let world = World::new().await;
    let path = format!("/api/projects/{}/members", world.project().await);
    let stranger = world.stranger().await;
    let answer = world.post(world.owner, &path, json!({ "userId": stranger.user, "role": "in_house_user" })).await.expect(422);
    assert_eq!(answer.faults(), [("/userId".to_owned(), "NOT_A_MEMBER".to_owned())]);
    world.post(world.owner, &path, json!({ "userId": stranger.user, "role": "owner" })).await.expect(422);
}

#[actix_web::test]
async fn the_last_project_owner_stays_also_in_a_race() {
    let world = World::new().await;
    let id = world.project().await;
    let path = format!("/api/projects/{id}/members");
    let own = format!("{path}/{}", world.owner.user);
    world.delete(world.owner, &own).await.refused(409, "LAST_PROJECT_OWNER");
    world.put(world.owner, &own, json!({ "role": "in_house_user" })).await.refused(409, "LAST_PROJECT_OWNER");
    world.put(world.owner, &own, json!({ "role": "project_owner" })).await.expect(200);

    let mut paths = vec![own];
    for _ in 0..3 {
        let other = world.person(OrgRole::Member).await;
        world.post(world.owner, &path, json!({ "userId": other.user, "role": "project_owner" })).await.expect(201);
        paths.push(format!("{path}/{}", other.user));
    }
    let answers = futures::future::join_all(paths.iter().enumerate().map(async |(n, path)| match n % 2 {
        0 => world.delete(world.owner, path).await.status,
        _ => world.put(world.owner, path, json!({ "role": "in_house_user" })).await.status,
    }))
    .await;
    assert_eq!(answers.iter().filter(|status| **status == 409).count(), 1, "{answers:?}");
    assert_eq!(world.db.query("select count(*) from project_members where role = 'project_owner'").await, ["1"]);
}

#[actix_web::test]
async fn who_leaves_the_organisation_is_taken_out_of_its_teams() {
    use auth_api::Teams as _;
    let world = World::new().await;
    let org = world.owner.org;
    let mut both = [world.project().await, world.project().await];
    both.sort_unstable();
    let (member, other) = (world.person(OrgRole::Member).await, world.person(OrgRole::Member).await);
    for project in &both {
        for person in [member, other] {
            let path = format!("/api/projects/{project}/members");
            world.post(world.owner, &path, json!({ "userId": person.user, "role": "in_house_user" })).await.expect(201);
        }
    }
    let roles: Vec<_> = both.iter().map(|id| (id.parse::<ProjectId>().unwrap(), ProjectRole::InHouseUser)).collect();
    // By the organisation, and by the platform where the account goes.
    let lost = world.db.uow().write(&world.owner.ctx(), async |tx| projects::Teams.leave_in(tx, org, member.user).await).await;
    assert_eq!(lost.unwrap(), roles);
    let lost = world.db.system_uow().write(async |tx| projects::Teams.leave_in(tx, org, other.user).await).await;
    assert_eq!(lost.unwrap(), roles);
    let left = world.db.query("select distinct user_id::text from project_members").await;
    assert_eq!(left, [world.owner.user.to_string()]);
}

#[actix_web::test]
async fn the_doctor_finds_a_role_in_a_team_that_outlived_the_membership() {
    let world = World::new().await;
    let project = world.project().await;
    let member = world.person(OrgRole::Member).await;
    let path = format!("/api/projects/{project}/members");
    world.post(world.owner, &path, json!({ "userId": member.user, "role": "in_house_user" })).await.expect(201);
    let system = world.db.system_uow();
    assert_eq!((projects::MODULE.doctor)(&system).await.unwrap(), []);
    world.db.run_sql(&format!("delete from memberships where user_id = '{}'", member.user)).await;
    let found = (projects::MODULE.doctor)(&system).await.unwrap();
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!((finding.rule, &finding.subject), ("TEAM_OF_NO_MEMBER", &project));
    assert!(finding.detail.contains(&member.user.to_string()), "{}", finding.detail);
    world.delete(world.owner, &format!("{path}/{}", member.user)).await.expect(204);
    assert_eq!((projects::MODULE.doctor)(&system).await.unwrap(), []);
}

#[actix_web::test]
async fn who_lost_the_role_meanwhile_does_not_take_it_back() {
    let world = World::new().await;
    let id = world.project().await;
    let (path, member) = (format!("/api/projects/{id}/members"), world.person(OrgRole::Member).await);
    let one = format!("{path}/{}", member.user);
    world.post(world.owner, &path, json!({ "userId": member.user, "role": "project_owner" })).await.expect(201);
    // As the request began, and so as it was permitted.
    let project: ProjectId = id.parse().unwrap();
    let mut ctx = member.ctx();
    ctx.projects = Arc::new([(project, ProjectRole::ProjectOwner)].into());
    let back = NewTeamMember { user: member.user, role: ProjectRole::ProjectOwner };
    world.put(world.owner, &one, json!({ "role": "in_house_user" })).await.expect(200);
    let restored = world.service.set_member_role(&ctx, project, back, None).await;
    assert!(matches!(restored, Err(Error::Denied(_))), "{restored:?}");
    world.delete(world.owner, &one).await.expect(204);
    let restored = world.service.add_member(&ctx, project, back).await;
    assert!(matches!(restored, Err(Error::Denied(_))), "{restored:?}");
    let removed = world.service.remove_member(&ctx, project, world.owner.user, None).await;
    assert!(matches!(removed, Err(Error::Denied(_))), "{removed:?}");
    assert_eq!(world.db.query("select user_id::text from project_members").await, [world.owner.user.to_string()]);
}

#[actix_web::test]
async fn sign_in_reads_the_roles_that_it_names() {
    use auth_api::Teams as _;
    let world = World::new().await;
    let mut projects: Vec<ProjectId> = Vec::new();
    for _ in 0..3 {
        projects.push(world.project().await.parse().unwrap());
    }
    let (org, owner, stranger) = (world.owner.org, world.owner.user, world.stranger().await);
    let unknown = ProjectId::new();
    let among = async |user: UserId, asked: &[ProjectId]| {
        let system = world.db.system_uow();
        system.read(async |tx| projects::Teams.roles_among(tx, org, user, asked).await).await.unwrap()
    };
    let mut read = among(owner, &[projects[0], projects[2], unknown]).await;
    read.sort();
    let runs = |project| (project, ProjectRole::ProjectOwner);
    assert_eq!(read, [runs(projects[0]), runs(projects[2])]);
    assert!(among(stranger.user, &projects).await.is_empty() && among(owner, &[]).await.is_empty());
}

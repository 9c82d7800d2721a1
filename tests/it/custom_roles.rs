//! Custom roles across domains: what they add counts at once and ends at once, nobody raises themself by one, and two approvals stay two persons'.

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use testkit::until;
use tokio_postgres::NoTls;

use crate::world::{PASSWORD, Party, World};

/// A role of this slug that allows this.
async fn role(by: &Party, slug: &str, permissions: &[&str]) -> String {
    let new = json!({"slug": slug, "name": slug, "permissions": permissions});
    by.http.post("/api/roles", new).await.expect(201).text("/id")
}

/// The person has these custom roles and no other.
async fn give(by: &Party, to: &Party, roles: &[&str]) {
    by.http.put(&format!("/api/users/{}/roles", to.user), json!({"roles": roles})).await.expect(200);
}

async fn holds(by: &Party, role: &str, permissions: &[&str]) {
    by.http.patch(&format!("/api/roles/{role}"), json!({"permissions": permissions})).await.expect(200);
}

/// An organisation whose every amount takes two persons, and a draft that is to be published.
async fn two_persons(world: &World) -> (Party, String) {
    let owner = world.register("Owner").await;
    owner.http.patch("/api/organization", json!({"approvalThreshold": {"amount": "1", "currency": "EUR"}})).await.expect(200);
    let publish = format!("/api/tenders/{}/publish", world.draft_tender(&owner).await.id);
    (owner, publish)
}

async fn voided(owner: &Party) -> usize {
    let trail = owner.http.get("/api/audit?action=approvals.void").await.expect(200);
    trail.body["data"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn what_a_role_holds_counts_and_ends_at_once_for_whoever_has_it() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let member = world.colleague(&owner, "member").await;
    let project = world.project(&owner).await;
    let sees =
        async || (member.http.get("/api/audit").await.status, member.http.get(&format!("/api/projects/{project}")).await.status);
    assert_eq!(sees().await, (403, 403));
    let auditor = role(&owner, "auditor", &["audit.read"]).await;
    assert_eq!(sees().await, (403, 403), "nobody has it yet");
    give(&owner, &member, &[&auditor]).await;
    assert_eq!(sees().await, (200, 403));
    let listed = member.http.get("/api/auth/session").await.expect(200);
    assert!(listed.body["permissions"].as_array().is_some_and(|all| all.contains(&json!("audit.read"))), "{}", listed.body);
    holds(&owner, &auditor, &["projects.read"]).await;
    assert_eq!(sees().await, (403, 200), "in every project");
    give(&owner, &member, &[]).await;
    assert_eq!(sees().await, (403, 403));
    let trail = owner.http.get("/api/audit?action=members.set_roles").await.expect(200);
    let told = |at: usize| (trail.body["data"][at]["before"]["roles"].clone(), trail.body["data"][at]["after"]["roles"].clone());
    assert_eq!((told(1), told(0)), ((json!([]), json!(["auditor"])), (json!(["auditor"]), json!([]))));
    let trail = owner.http.get("/api/audit?action=roles.change").await.expect(200);
    let changed = &trail.body["data"][0];
    assert_eq!(
        (&changed["before"]["permissions"], &changed["after"]["permissions"]),
        (&json!(["audit.read"]), &json!(["projects.read"]))
    );
    world.end().await;
}

#[tokio::test]
async fn nobody_raises_themself_or_others_by_a_role() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let (admin, member) = (world.colleague(&owner, "admin").await, world.colleague(&owner, "member").await);
    // What is an owner's alone, wants a person's word or leads to more stands in no role, whoever makes it.
    for (permission, code) in [
        ("members.manage_owners", "PERSON_REQUIRED"),
        ("organization.set_threshold", "PERSON_REQUIRED"),
        ("payee_account.replace", "PERSON_REQUIRED"),
        ("members.manage", "PERSON_REQUIRED"),
        ("roles.manage", "PERSON_REQUIRED"),
        ("projects.members_manage", "PERSON_REQUIRED"),
        ("projects.create", "BUILT_IN_ONLY"),
        ("nobody.heard_of", "NOT_ONE_OF"),
    ] {
        let new = json!({"slug": "raised", "name": "Raised", "permissions": ["projects.read", permission]});
        for by in [&admin, &owner] {
            let refused = by.http.post("/api/roles", new.clone()).await.expect(422);
            assert_eq!(refused.faults(), [format!("/permissions/1 {code}")], "{permission}");
        }
    }
    // Whoever sees roles neither makes, changes, gives nor takes one.
    let reader = role(&admin, "reader", &["roles.read"]).await;
    give(&admin, &member, &[&reader]).await;
    let (its, own) = (format!("/api/roles/{reader}"), format!("/api/users/{}/roles", member.user));
    member.http.get("/api/roles").await.expect(200);
    let more = json!({"permissions": ["roles.read", "audit.read"]});
    let new = json!({"slug": "mine", "name": "Mine", "permissions": ["audit.read"]});
    for (refused, missing) in [
        (member.http.post("/api/roles", new).await, "roles.manage"),
        (member.http.patch(&its, more.clone()).await, "roles.manage"),
        (member.http.delete(&its).await, "roles.manage"),
        (member.http.post("/api/authz/preview", more.clone()).await, "roles.manage"),
        (member.http.put(&own, json!({"roles": [reader]})).await, "members.manage"),
        (member.http.put(&format!("/api/users/{}", member.user), json!({"role": "admin"})).await, "members.manage"),
    ] {
        assert_eq!(refused.problem(403, "PERMISSION_DENIED").text("/missingPermission"), missing);
    }
    let refused = admin.http.patch(&its, json!({"permissions": ["members.manage_owners"]})).await.expect(422);
    assert_eq!(refused.faults(), ["/permissions/0 PERSON_REQUIRED"]);
    // To touch an owner takes an owner.
    let to_owner = admin.http.put(&format!("/api/users/{}/roles", owner.user), json!({"roles": [reader]})).await;
    assert_eq!(to_owner.problem(403, "PERMISSION_DENIED").text("/missingPermission"), "members.manage_owners");
    // Nor does it help whoever writes it into the table.
    let all = "('members.manage'), ('members.manage_owners'), ('organization.set_threshold'), ('payee_account.replace'), ('roles.manage'), ('projects.create')";
    let injected = format!(
        "insert into custom_role_permissions (org_id, role_id, permission) select '{}', '{reader}', p from (values {all}) v(p)",
        owner.org
    );
    world.db.run_sql(&injected).await;
    give(&owner, &member, &[]).await;
    give(&owner, &member, &[&reader]).await;
    let threshold = json!({"approvalThreshold": {"amount": "1000000", "currency": "EUR"}});
    for (refused, missing) in [
        (member.http.put(&format!("/api/users/{}", owner.user), json!({"role": "member"})).await, "members.manage"),
        (member.http.put(&own, json!({"roles": []})).await, "members.manage"),
        (
            member.http.post("/api/roles", json!({"slug": "mine", "name": "M", "permissions": ["audit.read"]})).await,
            "roles.manage",
        ),
        (member.http.post("/api/projects", json!({"name": "P", "currency": "EUR"})).await, "projects.create"),
        (member.http.patch("/api/organization", threshold).await, "organization.update"),
    ] {
        assert_eq!(refused.problem(403, "PERMISSION_DENIED").text("/missingPermission"), missing);
    }
    world.end().await;
}

#[tokio::test]
async fn another_organisations_role_is_none() {
    let world = World::new().await;
    let (owner, other) = (world.register("Owner").await, world.register("Other").await);
    let member = world.colleague(&owner, "member").await;
    let theirs = role(&other, "auditor", &["audit.read"]).await;
    let refused = owner.http.put(&format!("/api/users/{}/roles", member.user), json!({"roles": [theirs]})).await.expect(422);
    assert_eq!(refused.faults(), ["/roles/0 NOT_ONE_OF"]);
    let its = format!("/api/roles/{theirs}");
    owner.http.get(&its).await.problem(404, "NOT_FOUND");
    owner.http.patch(&its, json!({"permissions": ["projects.read"]})).await.problem(404, "NOT_FOUND");
    owner.http.delete(&its).await.problem(404, "NOT_FOUND");
    owner
        .http
        .post("/api/authz/preview", json!({"roleId": theirs, "permissions": ["audit.read"]}))
        .await
        .problem(404, "NOT_FOUND");
    owner.http.get(&format!("/api/users/{}/roles", other.user)).await.problem(404, "NOT_FOUND");
    owner.http.put(&format!("/api/users/{}/roles", other.user), json!({"roles": []})).await.problem(404, "NOT_FOUND");
    // The same slug is free here, and the other's own stays.
    role(&owner, "auditor", &["projects.read"]).await;
    assert_eq!(other.http.get(&its).await.expect(200).body["permissions"], json!(["audit.read"]));
    world.end().await;
}

#[tokio::test]
async fn who_approves_by_a_custom_role_waits_as_well() {
    let world = World::new().await;
    let (owner, publish) = two_persons(&world).await;
    let admin = world.colleague(&owner, "admin").await;
    let second = world.colleague(&admin, "member").await;
    let publisher = role(&admin, "publisher", &["tenders.read", "tenders.publish"]).await;
    give(&admin, &second, &[&publisher]).await;
    admin.http.act(&publish).await.expect(202);
    let refused = second.http.act(&publish).await.problem(409, "APPROVER_NOT_YET");
    assert!(!refused.text("/until").is_empty());
    // The same given again by who gave it changes nothing; by an owner it counts.
    give(&admin, &second, &[&publisher]).await;
    second.http.act(&publish).await.problem(409, "APPROVER_NOT_YET");
    give(&owner, &second, &[&publisher]).await;
    second.http.act(&publish).await.expect(200);
    let trail = owner.http.get("/api/audit?action=approvals.second").await.expect(200);
    let entry = &trail.body["data"][0];
    assert_eq!((&entry["actorId"], &entry["after"]["madeApproverBy"]), (&json!(second.user), &json!(owner.user)));
    assert_eq!(entry["after"]["madeApproverAs"], json!("owner"));
    world.end().await;
}

#[tokio::test]
async fn a_role_that_an_owner_gave_and_an_admin_makes_one_that_approves_waits() {
    let world = World::new().await;
    let (owner, publish) = two_persons(&world).await;
    let admin = world.colleague(&owner, "admin").await;
    let second = world.colleague(&admin, "member").await;
    let reader = role(&owner, "reader", &["tenders.read"]).await;
    give(&owner, &second, &[&reader]).await;
    admin.http.act(&publish).await.expect(202);
    holds(&admin, &reader, &["tenders.read", "tenders.publish"]).await;
    second.http.act(&publish).await.problem(409, "APPROVER_NOT_YET");
    // An owner who gives it anew gives what it holds by now.
    give(&owner, &second, &[&reader]).await;
    second.http.act(&publish).await.expect(200);
    world.end().await;
}

#[tokio::test]
async fn a_permission_that_goes_makes_void_what_was_asked_for_first_by_it() {
    let world = World::new().await;
    let (owner, publish) = two_persons(&world).await;
    let member = world.colleague(&owner, "member").await;
    let publisher = role(&owner, "publisher", &["soq.read", "tenders.publish", "tenders.read"]).await;
    give(&owner, &member, &[&publisher]).await;
    let waits = async || member.http.act(&publish).await.expect(202);
    waits().await;
    holds(&owner, &publisher, &["tenders.publish", "tenders.read"]).await;
    assert_eq!(voided(&owner).await, 0, "they may still");
    holds(&owner, &publisher, &["tenders.read"]).await;
    assert_eq!(voided(&owner).await, 1);
    let missing = member.http.act(&publish).await.problem(403, "PERMISSION_DENIED");
    assert_eq!(missing.text("/missingPermission"), "tenders.publish");
    // The owner asks first now: what the member said counts no more.
    owner.http.act(&publish).await.expect(202);
    holds(&owner, &publisher, &["tenders.publish", "tenders.read"]).await;
    // And so does a role that is taken.
    let another = format!("/api/tenders/{}/publish", world.draft_tender(&owner).await.id);
    member.http.act(&another).await.expect(202);
    give(&owner, &member, &[]).await;
    assert_eq!(voided(&owner).await, 2);
    world.end().await;
}

#[tokio::test]
async fn a_role_that_is_changed_while_somebody_approves_by_it_lets_them_no_more() {
    let world = World::new().await;
    let (owner, publish) = two_persons(&world).await;
    let member = world.colleague(&owner, "member").await;
    let publisher = role(&owner, "publisher", &["tenders.publish", "tenders.read"]).await;
    give(&owner, &member, &[&publisher]).await;
    let url = world.db.superuser_url().await;
    for (held, change) in [
        (
            "custom_role_permissions",
            format!("delete from custom_role_permissions where role_id = '{publisher}' and permission = 'tenders.publish'"),
        ),
        ("member_custom_roles", format!("delete from member_custom_roles where user_id = '{}'", member.user)),
    ] {
        let (changing, connection) = tokio_postgres::connect(url.expose_secret(), NoTls).await.expect("connects");
        tokio::spawn(connection);
        changing.batch_execute(&format!("begin; {change}")).await.unwrap_or_else(|error| panic!("{held}: {error}"));
        let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
            and query like '%member_custom_roles%'";
        let (published, ()) = tokio::join!(member.http.act(&publish), async {
            until("the request waits", async || (world.db.query(waiting).await == ["1"]).then_some(())).await;
            changing.batch_execute("commit").await.expect("commits");
        });
        published.problem(503, "UNAVAILABLE");
        assert_eq!(world.db.query("select count(*) from approvals").await, ["0"], "{held}");
        // As it was, for the other change.
        holds(&owner, &publisher, &["tenders.read"]).await;
        holds(&owner, &publisher, &["tenders.publish", "tenders.read"]).await;
    }
    world.end().await;
}

#[tokio::test]
async fn a_role_that_somebody_has_stays_and_one_that_changed_is_read_again_first() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let member = world.colleague(&owner, "member").await;
    let reader = role(&owner, "reader", &["projects.read"]).await;
    let its = format!("/api/roles/{reader}");
    let taken = json!({"slug": "reader", "name": "Another", "permissions": ["projects.read"]});
    owner.http.post("/api/roles", taken).await.problem(409, "ROLE_SLUG_TAKEN");
    let built_in = json!({"slug": "admin", "name": "Another", "permissions": ["projects.read"]});
    owner.http.post("/api/roles", built_in).await.problem(409, "ROLE_SLUG_TAKEN");
    give(&owner, &member, &[&reader]).await;
    let refused = owner.http.delete(&its).await.problem(409, "ROLE_IN_USE");
    assert_eq!((refused.text("/members"), refused.text("/currentState")), ("1".to_owned(), "in use".to_owned()));
    let before = owner.http.get(&its).await.expect(200).header("etag").to_owned();
    holds(&owner, &reader, &["projects.read", "soq.read"]).await;
    let stale =
        owner.http.request("PATCH", &its).header("if-match", &before).header("content-type", "application/merge-patch+json");
    owner.http.send(stale.body(json!({"name": "Older"}).to_string())).await.problem(412, "PRECONDITION_FAILED");
    let of_member = format!("/api/users/{}/roles", member.user);
    let had = owner.http.get(&of_member).await.expect(200).header("etag").to_owned();
    give(&owner, &member, &[]).await;
    let stale = owner.http.request("PUT", &of_member).header("if-match", &had).json(&json!({"roles": [reader]}));
    owner.http.send(stale).await.problem(412, "PRECONDITION_FAILED");
    let stale = owner.http.request("DELETE", &its).header("if-match", &before);
    owner.http.send(stale).await.problem(412, "PRECONDITION_FAILED");
    owner.http.delete(&its).await.expect(204);
    owner.http.get(&its).await.problem(404, "NOT_FOUND");
    let trail = owner.http.get("/api/audit?action=roles.remove").await.expect(200);
    assert_eq!(trail.body["data"][0]["before"]["slug"], json!("reader"));
    let many = format!(
        "insert into custom_roles (org_id, id, slug, name, description) select '{}', gen_random_uuid(), 'r_' || n, 'R', '' from generate_series(1, 50) n",
        owner.org
    );
    world.db.run_sql(&many).await;
    let one_more = json!({"slug": "one_more", "name": "One more", "permissions": ["projects.read"]});
    owner.http.post("/api/roles", one_more).await.problem(409, "TOO_MANY_ROLES");
    world.end().await;
}

#[tokio::test]
async fn who_leaves_takes_no_role_along() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let (member, gone) = (world.colleague(&owner, "member").await, world.colleague(&owner, "member").await);
    let auditor = role(&owner, "auditor", &["audit.read"]).await;
    for person in [&member, &gone] {
        give(&owner, person, &[&auditor]).await;
    }
    owner.http.delete(&format!("/api/users/{}", member.user)).await.expect(204);
    gone.http.delete("/api/user").await.expect(204);
    assert_eq!(world.db.query("select count(*) from member_custom_roles").await, ["0"]);
    // Nor finds one waiting when they come back: nobody who is no member is given one.
    let given = format!(
        "do $$ begin insert into member_custom_roles (org_id, user_id, role_id) values ('{}', '{}', '{auditor}');
         raise exception 'given'; exception when insufficient_privilege then null; end $$",
        owner.org, member.user
    );
    world.db.run_sql(&given).await;
    let signed_in =
        world.anonymous().post("/api/auth/login", json!({"email": member.email, "password": PASSWORD})).await.expect(200);
    let member = Party { http: world.anonymous().with_token(&signed_in.text("/accessToken")), ..member };
    world.joins(&member, &owner, "member").await;
    let roles = owner.http.get(&format!("/api/users/{}/roles", member.user)).await.expect(200);
    assert_eq!((&roles.body["role"], &roles.body["customRoles"]), (&json!("member"), &json!([])));
    world.end().await;
}

#[tokio::test]
async fn who_is_made_a_member_keeps_no_role_that_they_gave_themself() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let admin = world.colleague(&owner, "admin").await;
    let everything = role(&admin, "everything", &["audit.read", "escrow.release", "milestones.approve", "projects.read"]).await;
    give(&admin, &admin, &[&everything]).await;
    let membership = format!("/api/users/{}", admin.user);
    owner.http.put(&membership, json!({"role": "member"})).await.expect(200);
    admin.http.get("/api/audit").await.problem(403, "PERMISSION_DENIED");
    let roles = format!("{membership}/roles");
    assert_eq!(owner.http.get(&roles).await.expect(200).body["customRoles"], json!([]));
    let trail = owner.http.get("/api/audit?action=members.set_roles").await.expect(200);
    let taken = &trail.body["data"][0];
    assert_eq!((&taken["actorId"], &taken["before"]["roles"]), (&json!(owner.user), &json!(["everything"])));
    // The same role confirmed takes nothing.
    give(&owner, &admin, &[&everything]).await;
    owner.http.put(&membership, json!({"role": "member"})).await.expect(200);
    admin.http.get("/api/audit").await.expect(200);
    world.end().await;
}

#[tokio::test]
async fn a_key_may_what_its_creators_roles_allow_custom_ones_among_them() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let admin = world.colleague(&owner, "admin").await;
    let made = admin.http.post("/api/api-keys", json!({"name": "Books", "scopes": ["audit.read"]})).await.expect(201);
    let key = world.anonymous().with_token(&made.text("/secret"));
    let reads = async |path: &str| key.get(path).await.status;
    assert_eq!(reads("/api/audit").await, 200);
    owner.http.put(&format!("/api/users/{}", admin.user), json!({"role": "member"})).await.expect(200);
    assert_eq!(reads("/api/audit").await, 403);
    let auditor = role(&owner, "auditor", &["audit.read", "roles.read"]).await;
    give(&owner, &admin, &[&auditor]).await;
    assert_eq!((reads("/api/audit").await, reads("/api/roles").await), (200, 403), "no more than its scopes");
    holds(&owner, &auditor, &["roles.read"]).await;
    assert_eq!(reads("/api/audit").await, 403);
    world.end().await;
}

#[tokio::test]
async fn what_is_asked_about_roles_is_answered_by_what_there_is() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let (member, other) = (world.colleague(&owner, "member").await, world.register("Other").await);
    let project = world.project(&owner).await;
    let approver = role(&owner, "approver", &["milestones.approve", "projects.read"]).await;
    let explain = async |by: &Party, query: &str| by.http.get(&format!("/api/authz/explain?permission={query}")).await;
    let slugs = |answer: &Value, member: &str| -> Vec<String> {
        let all = answer[member].as_array().cloned().unwrap_or_default();
        all.iter()
            .map(|rule| format!("{} {}", rule["kind"].as_str().unwrap_or(""), rule["slug"].as_str().unwrap_or("")))
            .collect()
    };
    let why = explain(&member, "milestones.approve").await.expect(200).body;
    assert_eq!((&why["allowed"], slugs(&why, "allowedBy")), (&json!(false), vec![]));
    assert_eq!(slugs(&why, "missing"), ["built_in owner", "built_in admin", "custom approver"]);
    let in_project = format!("milestones.approve&resource=project:{project}");
    let why = explain(&member, &in_project).await.expect(200).body;
    assert_eq!(slugs(&why, "missing"), ["built_in owner", "built_in admin", "team project_owner", "custom approver"]);
    let team = format!("/api/projects/{project}/members");
    owner.http.post(&team, json!({"userId": member.user, "role": "project_owner"})).await.expect(201);
    give(&owner, &member, &[&approver]).await;
    let why = explain(&owner, &format!("{in_project}&userId={}", member.user)).await.expect(200).body;
    assert_eq!(
        (&why["allowed"], slugs(&why, "allowedBy")),
        (&json!(true), vec!["team project_owner".to_owned(), "custom approver".to_owned()])
    );
    assert_eq!(slugs(&why, "missing"), [""; 0]);
    // Of others only whoever manages members is told; of strangers, strange projects and what is no permission nobody.
    let refused = explain(&member, &format!("projects.read&userId={}", owner.user)).await.problem(403, "PERMISSION_DENIED");
    assert_eq!(refused.text("/missingPermission"), "members.manage");
    explain(&owner, &format!("projects.read&userId={}", other.user)).await.problem(404, "NOT_FOUND");
    explain(&other, &in_project).await.problem(404, "NOT_FOUND");
    assert_eq!(explain(&owner, "nobody.heard_of").await.expect(422).faults(), ["?permission NOT_ONE_OF"]);

    // Who gains and loses what, before it is so; what another role allows is neither gained nor lost.
    let reader = role(&owner, "reader", &["soq.read"]).await;
    give(&owner, &member, &[&approver, &reader]).await;
    let preview = json!({"roleId": reader, "permissions": ["milestones.approve", "units.read"]});
    let effect = owner.http.post("/api/authz/preview", preview).await.expect(200).body;
    assert_eq!((&effect["added"], &effect["taken"]), (&json!(["milestones.approve", "units.read"]), &json!(["soq.read"])));
    assert_eq!((&effect["holders"], &effect["affected"]), (&json!(1), &json!(1)));
    assert_eq!(effect["members"][0]["userId"], json!(member.user));
    assert_eq!((&effect["members"][0]["gains"], &effect["members"][0]["loses"]), (&json!(["units.read"]), &json!(["soq.read"])));
    assert_eq!(
        owner.http.get(&format!("/api/roles/{reader}")).await.expect(200).body["permissions"],
        json!(["soq.read"]),
        "nothing changed"
    );
    let refused = owner.http.post("/api/authz/preview", json!({"permissions": ["members.manage"]})).await.expect(422);
    assert_eq!(refused.faults(), ["/permissions/0 PERSON_REQUIRED"]);
    let all = member.http.get("/api/authz/permissions").await.expect(200);
    let one = all.body["data"].as_array().into_iter().flatten().find(|one| one["name"] == "milestones.approve").cloned();
    let expected = json!({"name": "milestones.approve", "description": "Approve submitted work.", "personsOnly": false, "customRoles": true,
        "roles": ["owner", "admin"], "teamRoles": ["project_owner"]});
    assert_eq!(one, Some(expected));
    world.end().await;
}

//! Who may do what, asked of the compiled table.

use std::collections::HashMap;
use std::sync::Arc;

use auth::{Policy, PolicyError};
use auth_api::{Authorizer, MfaPolicy, Reach};
use kernel::{
    Actor, AddedPermissions, ApiKeyId, Ctx, Denied, KeyUse, Missing, OrgId, OrgRole, Permission, ProjectId, ProjectRole,
    ProjectRoles, RequestId, Scope, SupportSessionId, UserId,
};

const MODEL: &str = include_str!("../../../../../config/authz/model.conf");
const SHIPPED: &str = include_str!("../../../../../config/authz/matrix.txt");

/// Every permission that the shipped matrix names.
fn named() -> Vec<Permission> {
    let held = auth_api::matrix::held(SHIPPED).unwrap();
    let mut names: Vec<&'static str> = held.into_iter().map(|held| held.permission).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(Permission).collect()
}

async fn shipped() -> Policy {
    Policy::embedded(&[&named()]).await.unwrap()
}

fn ctx(role: OrgRole, projects: &[(ProjectId, ProjectRole)]) -> Ctx {
    let projects: ProjectRoles = Arc::new(projects.iter().copied().collect::<HashMap<_, _>>());
    Ctx::user(OrgId::new(), UserId::new(), role, projects, RequestId::generate())
}

#[tokio::test]
async fn the_matrix() {
    let policy = shipped().await;
    let holders = |permission: Permission| {
        let org = OrgRole::ALL.iter().filter(|role| policy.org_role_holds(**role, permission)).map(|role| role.name());
        let project =
            ProjectRole::ALL.iter().filter(|role| policy.project_role_holds(**role, permission)).map(|role| role.name());
        format!("{permission}: {}", org.chain(project).collect::<Vec<_>>().join(" "))
    };
    let matrix: Vec<String> = named().into_iter().map(holders).collect();
    assert_eq!(
        matrix,
        [
            "api_keys.manage: owner admin",
            "api_keys.read: owner admin",
            "audit.read: owner admin",
            "bids.read_opened: owner admin project_owner",
            "bids.read_own: owner admin",
            "bids.submit: owner admin",
            "contracts.complete: owner admin project_owner",
            "contracts.read: owner admin project_owner in_house_user",
            "contracts.sign_contractor: owner admin",
            "contracts.sign_owner: owner admin project_owner",
            "contracts.terminate: owner admin project_owner",
            "directory.manage: owner admin",
            "escrow.read: owner admin project_owner in_house_user",
            "escrow.release: owner admin project_owner",
            "members.manage: owner admin",
            "members.manage_owners: owner",
            "members.read: owner admin member",
            "milestones.approve: owner admin project_owner",
            "milestones.fund: owner admin project_owner",
            "milestones.read: owner admin project_owner in_house_user",
            "milestones.request_changes: owner admin project_owner in_house_user",
            "milestones.submit_work: owner admin",
            "organization.delete: owner",
            "organization.export: owner",
            "organization.read: owner admin member",
            "organization.set_threshold: owner",
            "organization.update: owner admin",
            "organizations.create: owner admin member",
            "payee_account.manage: owner admin",
            "payee_account.read: owner admin",
            "payee_account.replace: owner",
            "projects.create: owner admin",
            "projects.delete: owner admin project_owner",
            "projects.members_manage: owner admin project_owner",
            "projects.members_read: owner admin project_owner in_house_user",
            "projects.read: owner admin project_owner in_house_user",
            "projects.update: owner admin project_owner",
            "roles.manage: owner admin",
            "roles.read: owner admin",
            "security.read: owner admin",
            "single_sign_on.manage: owner",
            "single_sign_on.read: owner admin",
            "soq.edit: owner admin project_owner in_house_user",
            "soq.freeze: owner admin project_owner",
            "soq.read: owner admin project_owner in_house_user",
            "statement.read: owner admin project_owner",
            "support_access.manage: owner admin",
            "support_access.read: owner admin",
            "tenders.award: owner admin project_owner",
            "tenders.browse: owner admin member",
            "tenders.cancel: owner admin project_owner",
            "tenders.edit: owner admin project_owner in_house_user",
            "tenders.evaluate: owner admin project_owner",
            "tenders.extend: owner admin project_owner",
            "tenders.invite: owner admin project_owner",
            "tenders.open: owner admin project_owner",
            "tenders.publish: owner admin project_owner",
            "tenders.read: owner admin project_owner in_house_user",
            "units.edit: owner admin project_owner",
            "units.read: owner admin project_owner in_house_user",
        ]
    );
}

#[tokio::test]
async fn support_reads_what_is_listed_for_it_and_nothing_else() {
    let policy = shipped().await;
    let ctx = Ctx { actor: Actor::Support(SupportSessionId::new()), ..Ctx::system(OrgId::new(), RequestId::generate()) };
    let listed = auth_api::read_by_support();
    assert_eq!(listed.len(), 12, "{listed:?}");
    for permission in named() {
        let allowed = listed.contains(&permission.name());
        let project = Scope::Project(ProjectId::new());
        for scope in [Scope::Organization, project, Scope::AnyProject] {
            assert_eq!(policy.check(&ctx, permission, scope).is_ok(), allowed, "{permission}");
        }
        let reach = if allowed { Reach::All } else { Reach::Teams(Vec::new()) };
        assert_eq!(policy.reach(&ctx, permission), reach, "{permission}");
        // Each looks, and none is more than an administrator's.
        if allowed {
            assert!(permission.name().ends_with("read") && !auth_api::needs_person(permission), "{permission}");
            assert!(policy.org_role_holds(OrgRole::Admin, permission), "{permission}");
        }
    }
    let mut held: Vec<_> = policy.permissions(&ctx).into_iter().map(|permission| permission.name()).collect();
    let mut listed = listed.to_vec();
    held.sort_unstable();
    listed.sort_unstable();
    assert_eq!(held, listed);
}

#[tokio::test]
async fn a_project_role_counts_in_its_project_alone() {
    let policy = shipped().await;
    let (ours, other) = (ProjectId::new(), ProjectId::new());
    let award = Permission("tenders.award");
    let member = ctx(OrgRole::Member, &[(ours, ProjectRole::ProjectOwner), (other, ProjectRole::InHouseUser)]);
    assert_eq!(policy.check(&member, award, Scope::Project(ours)), Ok(()));
    assert_eq!(policy.check(&member, award, Scope::Project(other)), Err(Denied { permission: award, project: Some(other) }));
    assert_eq!(policy.check(&member, award, Scope::Organization), Err(Denied { permission: award, project: None }));
    assert_eq!(policy.check(&member, award, Scope::AnyProject), Ok(()));
    let teams = Reach::Teams(vec![ProjectRole::ProjectOwner]);
    assert_eq!(policy.reach(&member, award), teams);
    assert_eq!(teams.projects(&member), Some(vec![ours]));
    assert_eq!(policy.reach(&ctx(OrgRole::Admin, &[]), award), Reach::All);
    assert_eq!(Reach::All.projects(&member), None);
    assert_eq!(teams.projects(&ctx(OrgRole::Member, &[])), Some(vec![]));
    assert_eq!(policy.check(&ctx(OrgRole::Owner, &[]), award, Scope::Project(other)), Ok(()));
}

#[tokio::test]
async fn whoever_lacks_a_second_factor_lacks_what_it_is_asked_for() {
    let policy = shipped().await;
    let owner = |policy: Option<MfaPolicy>| {
        let ctx = ctx(OrgRole::Owner, &[]);
        Ctx { missing: Missing { second_factor: policy.map(MfaPolicy::without_factor), ..ctx.missing }, ..ctx }
    };
    let (read, release) = (Permission("escrow.read"), Permission("escrow.release"));
    let all = policy.permissions(&owner(None)).len();
    for asks in [None, Some(MfaPolicy::Off)] {
        assert_eq!(policy.check(&owner(asks), release, Scope::Organization), Ok(()));
        assert_eq!(policy.permissions(&owner(asks)).len(), all);
    }
    let privileged = owner(Some(MfaPolicy::Privileged));
    assert_eq!(policy.check(&privileged, read, Scope::Organization), Ok(()));
    assert_eq!(policy.check(&privileged, release, Scope::Organization), Err(Denied { permission: release, project: None }));
    assert_eq!((policy.reach(&privileged, read), policy.reach(&privileged, release)), (Reach::All, Reach::Teams(vec![])));
    assert_eq!(policy.permissions(&privileged).len(), all - auth_api::privileged().len());
    let everyone = owner(Some(MfaPolicy::Everyone));
    assert!(policy.check(&everyone, read, Scope::Organization).is_err());
    assert_eq!(policy.permissions(&everyone), []);
    let project = ProjectId::new();
    let runs = ctx(OrgRole::Member, &[(project, ProjectRole::ProjectOwner)]);
    let asks = Some(MfaPolicy::Privileged.without_factor());
    let runs = Ctx { missing: Missing { second_factor: asks, ..runs.missing }, ..runs };
    assert!(policy.check(&runs, release, Scope::Project(project)).is_err(), "by a role in a team neither");
}

#[tokio::test]
async fn a_key_has_what_its_scopes_and_its_creators_role_have_in_common_and_nothing_of_persons() {
    let policy = shipped().await;
    let project = ProjectId::new();
    let by_key = |role: OrgRole, projects: &[(ProjectId, ProjectRole)], scopes: &[&str]| {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let key = KeyUse { id: ApiKeyId::new(), scopes, of_leaver: false };
        Ctx { key: Some(Arc::new(key)), ..ctx(role, projects) }
    };
    let (read, edit) = (Permission("projects.read"), Permission("tenders.edit"));
    let admins = by_key(OrgRole::Admin, &[], &["projects.read"]);
    assert_eq!(policy.check(&admins, read, Scope::Organization), Ok(()));
    assert_eq!(policy.check(&admins, edit, Scope::Organization), Err(Denied { permission: edit, project: None }));
    assert_eq!((policy.reach(&admins, read), policy.reach(&admins, edit)), (Reach::All, Reach::Teams(vec![])));
    assert_eq!(policy.permissions(&admins), [read]);
    let members =
        by_key(OrgRole::Member, &[(project, ProjectRole::InHouseUser)], &["projects.read", "tenders.edit", "audit.read"]);
    assert_eq!(policy.check(&members, edit, Scope::Project(project)), Ok(()));
    assert!(policy.check(&members, edit, Scope::Organization).is_err(), "the creator does not hold it there");
    assert!(policy.check(&members, Permission("audit.read"), Scope::Organization).is_err());
    let owners = by_key(OrgRole::Owner, &[], auth_api::wanting_persons());
    for name in auth_api::wanting_persons() {
        assert!(policy.check(&owners, Permission(name), Scope::Organization).is_err(), "{name}");
        assert_eq!(policy.check(&ctx(OrgRole::Owner, &[]), Permission(name), Scope::Organization), Ok(()), "{name}");
    }
}

#[test]
fn every_permission_of_the_matrix_is_told_in_words() {
    let silent: Vec<_> = named().into_iter().filter(|permission| auth_api::described(*permission).is_empty()).collect();
    assert!(silent.is_empty(), "a line for each in config/authz/permissions.txt: people make roles of them: {silent:?}");
}

#[tokio::test]
async fn a_custom_role_adds_what_custom_roles_can_hold_whatever_stands_in_it() {
    let policy = shipped().await;
    let stays: Vec<&str> =
        named().into_iter().filter(|permission| !policy.is_addable(*permission)).map(Permission::name).collect();
    assert_eq!(
        stays,
        [
            "api_keys.manage",
            "contracts.sign_contractor",
            "contracts.sign_owner",
            "contracts.terminate",
            "directory.manage",
            "members.manage",
            "members.manage_owners",
            "organization.delete",
            "organization.export",
            "organization.set_threshold",
            "organizations.create",
            "payee_account.manage",
            "payee_account.replace",
            "projects.create",
            "projects.members_manage",
            "roles.manage",
            "single_sign_on.manage",
            "support_access.manage",
        ]
    );
    let everything: AddedPermissions = named().iter().map(|permission| permission.name().to_owned()).collect();
    let member = Ctx { added: everything, ..ctx(OrgRole::Member, &[]) };
    for permission in named() {
        let holds = policy.org_role_holds(OrgRole::Member, permission) || policy.is_addable(permission);
        assert_eq!(policy.check(&member, permission, Scope::Organization).is_ok(), holds, "{permission}");
        assert_eq!(policy.reach(&member, permission) == Reach::All, holds, "{permission}");
        assert_eq!(policy.permissions(&member).contains(&permission), holds, "{permission}");
        assert!(policy.org_role_holds(OrgRole::Owner, permission) || !policy.is_addable(permission), "{permission}");
    }
    let award = Permission("tenders.award");
    assert_eq!(policy.check(&member, award, Scope::Project(ProjectId::new())), Ok(()), "in every project");
    assert!(policy.check(&auth_api::without_added(&member), award, Scope::AnyProject).is_err());
    let key = KeyUse { id: ApiKeyId::new(), scopes: vec!["audit.read".into()], of_leaver: false };
    let by_key = Ctx { key: Some(Arc::new(key)), ..member };
    assert_eq!(policy.permissions(&by_key), [Permission("audit.read")], "no more than the key's scopes");
}

#[tokio::test]
async fn the_platform_holds_everything_and_nobody_what_is_not_in_the_policy() {
    let policy = shipped().await;
    let system = Ctx::system(OrgId::new(), RequestId::generate());
    let unheard = Permission("nobody.heard_of");
    assert_eq!(policy.check(&system, unheard, Scope::Organization), Ok(()));
    assert!(policy.check(&ctx(OrgRole::Owner, &[]), unheard, Scope::Organization).is_err());
    assert_eq!(policy.permissions(&system).len(), named().len());
    let member: Vec<_> = policy.permissions(&ctx(OrgRole::Member, &[])).into_iter().map(Permission::name).collect();
    assert_eq!(member, ["members.read", "organization.read", "organizations.create", "tenders.browse"]);
}

#[tokio::test]
async fn what_nobody_declares_is_refused_at_load() {
    let refused = async |policy: &str| match Policy::load(MODEL, policy, &[&[Permission("a.read")]]).await {
        Err(PolicyError::Unknown(names)) => names.join("; "),
        Err(error) => panic!("{error}"),
        Ok(_) => "taken".to_owned(),
    };
    assert_eq!(refused("p, owner, organization, a.read").await, "taken");
    assert_eq!(refused("p, owner, organization, a.raed").await, "the permission a.raed");
    assert_eq!(refused("p, boss, organization, a.read").await, "the role boss in the domain organization");
    assert_eq!(refused("p, owner, project, a.read").await, "the role owner in the domain project");
    assert_eq!(
        refused("p, owner, organization, a.read\ng, boss, owner, organization").await,
        r#"the inheritance ["boss", "owner", "organization"]"#
    );
}

#[tokio::test]
async fn inheritance_is_followed_within_its_domain() {
    let read = Permission("a.read");
    let text = "p, member, organization, a.read\ng, admin, member, organization";
    let policy = Policy::load(MODEL, text, &[&[read]]).await.unwrap();
    assert!(policy.org_role_holds(OrgRole::Admin, read) && policy.org_role_holds(OrgRole::Member, read));
    assert!(!policy.org_role_holds(OrgRole::Owner, read) && !policy.project_role_holds(ProjectRole::ProjectOwner, read));
}

#[tokio::test]
async fn a_policy_is_replaced_whole_or_not_at_all() {
    let read = Permission("a.read");
    let policy = Policy::load(MODEL, "p, owner, organization, a.read", &[&[read]]).await.unwrap();
    assert!(policy.replace("p, owner, organization, b.read").await.is_err());
    assert!(policy.org_role_holds(OrgRole::Owner, read));
    policy.replace("p, admin, organization, a.read").await.unwrap();
    assert!(!policy.org_role_holds(OrgRole::Owner, read) && policy.org_role_holds(OrgRole::Admin, read));
}

#[tokio::test]
async fn roles_in_teams_add_nothing_to_whom_they_are_not_looked_up_for() {
    let policy = shipped().await;
    for role in OrgRole::ALL.iter().filter(|role| !role.needs_teams()) {
        for permission in named() {
            let in_a_team = ProjectRole::ALL.iter().any(|role| policy.project_role_holds(*role, permission));
            assert!(
                !in_a_team || policy.org_role_holds(*role, permission),
                "{role} lacks {permission}, which a team's member holds"
            );
        }
    }
}

//! The golden matrix: which role holds which permission. Review every line that changes (docs/domain/roles.md).

use build14::modules::{permissions, routes};
use kernel::{OrgRole, ProjectRole};

#[tokio::test]
async fn matrix() {
    let policy = auth::Policy::embedded(&permissions()).await.expect("the policy fits the permissions");
    let mut permissions = permissions().concat();
    permissions.sort();
    let before = permissions.len();
    permissions.dedup();
    assert_eq!(before, permissions.len(), "two permissions share a name");
    let mut lines = vec![format!("{:<28} owner  admin  member | project_owner  in_house_user", "permission")];
    for permission in permissions {
        let organization = OrgRole::ALL.iter().map(|role| policy.org_role_holds(*role, permission));
        let project = ProjectRole::ALL.iter().map(|role| policy.project_role_holds(*role, permission));
        let marks: Vec<&str> = organization.chain(project).map(|holds| if holds { "Y" } else { "-" }).collect();
        lines.push(format!(
            "{:<28} {:<6} {:<6} {:<6} | {:<14} {}",
            permission.name(),
            marks[0],
            marks[1],
            marks[2],
            marks[3],
            marks[4]
        ));
    }
    insta::assert_snapshot!("authorisation_matrix", lines.join("\n"));
}

#[test]
fn every_route_names_its_guard() {
    let routes: Vec<String> =
        routes().catalogue().iter().map(|r| format!("{:<7} {:<46} {}", r.method.as_str(), r.path, r.guard)).collect();
    insta::assert_snapshot!("routes", routes.join("\n"));
}

#[test]
fn every_route_of_tenders_and_bids_is_sealed_in_logs_and_metrics() {
    let routes = routes();
    let open: Vec<_> = routes
        .catalogue()
        .into_iter()
        .filter(|route| ["/api/tenders", "/api/bids"].iter().any(|about| route.path.starts_with(about)))
        .filter(|route| !routes.is_sealed(&route.path))
        .collect();
    assert_eq!(open, [], "`sealed()` behind the `tag` of their group");
    assert!(!routes.is_sealed("/api/projects"), "not everything is");
}

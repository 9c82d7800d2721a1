//! As docs/QUALITY.md wants it measured: one permission decision, whatever the number of people, roles and projects.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use auth_api::Authorizer;
use bench::Figure;
use build14::modules::permissions;
use kernel::{Ctx, OrgId, OrgRole, Permission, ProjectId, ProjectRole, ProjectRoles, RequestId, Scope, UserId};

use crate::output::print_line;

const DECISIONS: usize = 2_000_000;

/// Measures the slowest of the kinds of decision.
///
/// # Errors
/// If the policy does not fit the permissions.
pub async fn run() -> anyhow::Result<Vec<Figure>> {
    let permissions = permissions();
    let policy: Arc<dyn Authorizer> = Arc::new(auth::Policy::embedded(&permissions).await?);
    let permissions = permissions.concat();
    let mut slowest = 0.0_f64;
    for projects in [0, 10, 10_000] {
        let ids: Vec<_> = (0..projects).map(|_| ProjectId::new()).collect();
        let roles: ProjectRoles = Arc::new(ids.iter().map(|id| (*id, ProjectRole::InHouseUser)).collect());
        for role in OrgRole::ALL {
            let ctx = Ctx::user(OrgId::new(), UserId::new(), *role, Arc::clone(&roles), RequestId::generate());
            let scope = ids.last().map_or(Scope::Organization, |id| Scope::Project(*id));
            let nanoseconds = decide(&*policy, &ctx, &permissions, scope);
            print_line(&format!("{:<6} in {projects:>6} project teams: {nanoseconds:.0} ns", role.name()));
            slowest = slowest.max(nanoseconds);
        }
    }
    Ok(vec![Figure { name: "permission_decision", value: slowest, unit: "ns", goal: "≤ 1000" }])
}

fn decide(policy: &dyn Authorizer, ctx: &Ctx, permissions: &[Permission], scope: Scope) -> f64 {
    let started = Instant::now();
    for permission in permissions.iter().cycle().take(DECISIONS) {
        let _decided = black_box(policy.check(black_box(ctx), black_box(*permission), scope));
    }
    started.elapsed().as_nanos() as f64 / DECISIONS as f64
}

//! As docs/QUALITY.md wants it measured: one permission decision, whatever the number of people, roles and projects.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use auth_api::Authorizer;
use bench::{Figure, Goal};
use build14::modules::permissions;
use kernel::{Ctx, OrgId, OrgRole, Permission, ProjectId, ProjectRole, ProjectRoles, RequestId, Scope, UserId};

use crate::output::print_line;

/// What is measured.
#[derive(clap::Args)]
pub struct Plan {
    /// Decisions of each kind
    #[arg(long, default_value_t = 2_000_000)]
    pub decisions: usize,
}

/// Measures the slowest of the kinds of decision.
///
/// # Errors
/// If the policy does not fit the permissions.
pub async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
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
            let nanoseconds = decide(&*policy, &ctx, (&permissions, scope), plan.decisions);
            print_line(&format!("{:<6} in {projects:>6} project teams: {nanoseconds:.0} ns", role.name()));
            slowest = slowest.max(nanoseconds);
        }
    }
    Ok(vec![Figure { name: "permission_decision", value: slowest, unit: "ns", goal: Goal::AtMost(1000.0) }])
}

fn decide(policy: &dyn Authorizer, ctx: &Ctx, (permissions, scope): (&[Permission], Scope), decisions: usize) -> f64 {
    let started = Instant::now();
    for permission in permissions.iter().cycle().take(decisions) {
        let _decided = black_box(policy.check(black_box(ctx), black_box(*permission), scope));
    }
    started.elapsed().as_nanos() as f64 / decisions as f64
}

//! For tests: the real matrix without the crate that compiles it. A plain module: behind a feature every `cargo test -p` would build anew what
//! the last one built.

use std::collections::HashSet;

use kernel::{Actor, Ctx, Denied, OrgRole, Permission, ProjectRole, Scope};

use crate::{Authorizer, Reach, factor_allows, is_added, key_allows, matrix, stays_built_in, support_allows};

const MATRIX: &str = include_str!("../../../../config/authz/matrix.txt");

/// Decides as the server does.
pub struct Policy(HashSet<matrix::Held<'static>>);

impl Policy {
    /// The one that is shipped.
    ///
    /// # Panics
    /// If the matrix cannot be read.
    #[must_use]
    pub fn shipped() -> Self {
        Self(matrix::held(MATRIX).unwrap_or_else(|fault| panic!("{fault}")).into_iter().collect())
    }

    fn in_organization(&self, ctx: &Ctx, permission: Permission) -> bool {
        match ctx.actor {
            Actor::System => true,
            Actor::Support(_) => support_allows(permission),
            Actor::User(_, role) => {
                self.holds(role.name(), "organization", permission) || is_added(ctx, permission) && self.is_addable(permission)
            }
        }
    }

    fn in_team(&self, role: ProjectRole, permission: Permission) -> bool {
        self.holds(role.name(), "project", permission)
    }

    fn holds(&self, role: &'static str, domain: &'static str, permission: Permission) -> bool {
        self.0.contains(&matrix::Held { role, domain, permission: permission.name() })
    }
}

impl Authorizer for Policy {
    fn check(&self, ctx: &Ctx, permission: Permission, scope: Scope) -> Result<(), Denied> {
        let (project, team) = match scope {
            Scope::Organization => (None, false),
            Scope::Project(id) => (Some(id), ctx.projects.get(&id).is_some_and(|role| self.in_team(*role, permission))),
            Scope::AnyProject => (None, ctx.projects.values().any(|role| self.in_team(*role, permission))),
        };
        let held =
            key_allows(ctx, permission) && factor_allows(ctx, permission) && (self.in_organization(ctx, permission) || team);
        if held { Ok(()) } else { Err(Denied { permission, project }) }
    }

    fn reach(&self, ctx: &Ctx, permission: Permission) -> Reach {
        if !(key_allows(ctx, permission) && factor_allows(ctx, permission)) {
            return Reach::Teams(Vec::new());
        }
        if self.in_organization(ctx, permission) {
            return Reach::All;
        }
        Reach::Teams(ProjectRole::ALL.iter().copied().filter(|role| self.in_team(*role, permission)).collect())
    }

    fn permissions(&self, _: &Ctx) -> Vec<Permission> {
        Vec::new()
    }

    fn is_addable(&self, permission: Permission) -> bool {
        self.holds(OrgRole::Admin.name(), "organization", permission) && !stays_built_in(permission)
    }
}

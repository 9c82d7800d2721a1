//! The verbs: authorise → load → pure rule → save → audit, one transaction each.

mod belongings;
mod exports;
mod port;
mod projects;
mod soqs;
mod team;
mod units;

use std::sync::Arc;

use audit_api::Audit;
use auth_api::{Authorizer, Reach, Sessions};
use kernel::{Ctx, Currency};
use projects_api::{Error, Precondition};
use tenants_api::Tenants;
use uow::Uow;

use crate::repo;

/// What the service stands on.
pub struct Dependencies {
    /// The tenants' door.
    pub uow: Uow,
    /// Who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// Which roles in teams are looked up anew.
    pub sessions: Arc<dyn Sessions>,
    /// Organisations and their members.
    pub tenants: Arc<dyn Tenants>,
    /// The trail.
    pub audit: Arc<dyn Audit>,
    /// New projects are made in these only; without them in any.
    pub currencies: Option<Vec<Currency>>,
}

/// Projects, units and schedules of quantities: implements `Projects`, `Units`, `Soqs`, `ProjectsPort` and
/// `Belongings`.
pub struct Service {
    uow: Uow,
    authorizer: Arc<dyn Authorizer>,
    sessions: Arc<dyn Sessions>,
    tenants: Arc<dyn Tenants>,
    audit: Arc<dyn Audit>,
    currencies: Option<Vec<Currency>>,
}

impl Service {
    /// Over what it stands on.
    #[must_use]
    pub fn new(dependencies: Dependencies) -> Self {
        let Dependencies { uow, authorizer, sessions, tenants, audit, currencies } = dependencies;
        Self { uow, authorizer, sessions, tenants, audit, currencies }
    }
}

/// Of so many projects a list binds the ids; of more it asks each row's team.
const FEW: usize = 500;

/// The projects that a list of what is within `reach` is of; `None` if there are none.
fn teams<'a>(ctx: &Ctx, reach: &'a Reach) -> Option<repo::Teams<'a>> {
    let Reach::Teams(roles) = reach else { return Some(repo::Teams::All) };
    // Who is no person is in no team.
    let user = ctx.user_id()?;
    if ctx.projects.len() > FEW {
        return Some(repo::Teams::Many(user, roles));
    }
    let projects = reach.projects(ctx).unwrap_or_default();
    (!projects.is_empty()).then_some(repo::Teams::Few(projects))
}

/// Passes if the thing is still as the caller wants it to be.
fn still<T>(unchanged: Option<Precondition<'_, T>>, now: &T) -> Result<(), Error> {
    if unchanged.is_none_or(|unchanged| unchanged(now)) { Ok(()) } else { Err(Error::Stale) }
}

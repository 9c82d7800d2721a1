//! The verbs: authorise → load → pure rule → save → audit, one transaction each.

mod port;
mod projects;
mod soqs;
mod team;
mod units;

use std::sync::Arc;

use audit_api::Audit;
use auth_api::{Authorizer, Sessions};
use kernel::Currency;
use projects_api::{Error, Precondition};
use tenants_api::Tenants;
use uow::Uow;

/// Projects, units and schedules of quantities: implements `Projects`, `Units`, `Soqs` and `ProjectsPort`.
pub struct Service {
    uow: Uow,
    authz: Arc<dyn Authorizer>,
    sessions: Arc<dyn Sessions>,
    tenants: Arc<dyn Tenants>,
    audit: Arc<dyn Audit>,
    currencies: Option<Vec<Currency>>,
}

impl Service {
    /// Over the tenants' door and the domains below.
    pub fn new(
        uow: Uow,
        authz: Arc<dyn Authorizer>,
        sessions: Arc<dyn Sessions>,
        tenants: Arc<dyn Tenants>,
        audit: Arc<dyn Audit>,
    ) -> Self {
        Self { uow, authz, sessions, tenants, audit, currencies: None }
    }

    /// Makes new projects in these currencies only.
    #[must_use]
    pub fn offering(self, currencies: Vec<Currency>) -> Self {
        Self { currencies: Some(currencies), ..self }
    }
}

/// Passes if the thing is still as the caller wants it to be.
fn still<T>(unchanged: Option<Precondition<'_, T>>, now: &T) -> Result<(), Error> {
    if unchanged.is_none_or(|unchanged| unchanged(now)) { Ok(()) } else { Err(Error::Stale) }
}

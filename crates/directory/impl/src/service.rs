//! The verbs of directories.

mod groups;
mod records;
mod users;

use std::sync::Arc;

use audit_api::Audit;
use auth_api::Authorizer;
use directory_api::{Error, perm};
use kernel::{Ctx, Scope};
use uow::{Tx, Uow};
use users_api::Staff;

pub use records::Records;

/// What the service stands on.
pub struct Dependencies {
    /// The tenants' door: a directory writes for its own organisation alone.
    pub uow: Uow,
    /// Who is let in, and out.
    pub staff: Arc<dyn Staff>,
    /// Who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// The trail.
    pub audit: Arc<dyn Audit>,
    /// Where this server is reached, without a `/` at its end: places of resources are told whole.
    pub public_url: String,
}

/// Directories over PostgreSQL.
pub struct Service {
    uow: Uow,
    staff: Arc<dyn Staff>,
    authorizer: Arc<dyn Authorizer>,
    audit: Arc<dyn Audit>,
    public_url: String,
}

impl Service {
    /// Over what it stands on.
    #[must_use]
    pub fn new(dependencies: Dependencies) -> Self {
        let Dependencies { uow, staff, authorizer, audit, public_url } = dependencies;
        Self { uow, staff, authorizer, audit, public_url }
    }

    /// Where this server is reached.
    pub(crate) fn public_url(&self) -> &str {
        &self.public_url
    }

    fn check(&self, ctx: &Ctx) -> Result<(), Error> {
        Ok(self.authorizer.check(ctx, perm::MANAGE, Scope::Organization)?)
    }

    /// Locks the organisation, and passes if the context still has the role by which it was let in.
    async fn begin_in(&self, tx: &mut Tx, ctx: &Ctx) -> Result<(), Error> {
        Ok(self.staff.begin_in(tx, ctx, perm::MANAGE).await?)
    }
}

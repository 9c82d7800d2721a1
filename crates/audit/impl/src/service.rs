//! The trail's verbs.

use std::sync::Arc;

use async_trait::async_trait;
use audit_api::{Audit, Entry, Error, Filter, NewEntry, Verification, perm};
use auth_api::Authorizer;
use kernel::{Ctx, Denied, Fault, OrgId, Page, PageRequest, Position, Scope};
use serde_json::json;
use uow::{SystemUow, Tx, Uow};

use crate::repo;

/// The trail over PostgreSQL.
pub struct Service {
    uow: Uow,
    authz: Arc<dyn Authorizer>,
}

impl Service {
    /// The trail of the tenants behind `uow`.
    #[must_use]
    pub fn new(uow: Uow, authz: Arc<dyn Authorizer>) -> Self {
        Self { uow, authz }
    }

    fn authorise(&self, ctx: &Ctx) -> Result<(), Error> {
        self.authz.check(ctx, perm::READ, Scope::Organization).map_err(Error::Denied)
    }
}

#[async_trait]
impl Audit for Service {
    async fn record_in(&self, tx: &mut Tx, ctx: &Ctx, entry: NewEntry) -> Result<(), Fault> {
        repo::insert(tx, ctx, &entry, false).await
    }

    async fn record_denial(&self, ctx: &Ctx, denied: &Denied, route: &str) -> Result<(), Fault> {
        let (kind, id) = match denied.project {
            Some(project) => ("project", project.0),
            None => ("organization", ctx.org.0),
        };
        let entry = NewEntry::of(denied.permission, kind, id).after(json!({ "route": route }));
        // The refused verb's idempotency key stays free: nothing was done under it.
        let ctx = Ctx { once: None, ..ctx.clone() };
        self.uow.write(&ctx, async |tx| repo::insert(tx, &ctx, &entry, true).await).await
    }

    async fn list(&self, ctx: &Ctx, filter: &Filter, page: PageRequest) -> Result<Page<Entry>, Error> {
        self.authorise(ctx)?;
        let rows = self.uow.read_one(ctx, async |tx| repo::list(tx, ctx.org, filter, page).await).await?;
        Ok(Page::cut(rows, page, |entry| Position { created_at: entry.at, id: entry.id.0 }))
    }

    async fn verify(&self, ctx: &Ctx) -> Result<Verification, Error> {
        self.authorise(ctx)?;
        Ok(self.uow.read(ctx, async |tx| repo::verify(tx, ctx.org).await).await?)
    }
}

/// One organisation's chain, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Whose it is.
    pub org: OrgId,
    /// What was found.
    pub verification: Verification,
}

/// Verifies the chain of every organisation, as the platform: for `build14 doctor`.
///
/// # Errors
/// A fault of the database.
pub async fn verify_all(system: &SystemUow) -> Result<Vec<Chain>, Fault> {
    let organizations = system.read(async |tx| repo::organizations(tx).await).await?;
    let mut chains = Vec::with_capacity(organizations.len());
    for org in organizations {
        // A transaction each, so that a long look at many chains holds back nothing.
        let verification = system.read(async |tx| repo::verify(tx, org).await).await?;
        chains.push(Chain { org, verification });
    }
    Ok(chains)
}

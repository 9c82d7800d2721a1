//! The trail's verbs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use audit_api::{Audit, Entry, Error, Filter, NewEntry, Place, Proof, PublicKey, SignedHead, Verification, perm};
use auth_api::Authorizer;
use chrono::SubsecRound;
use kernel::{Actor, Clock, Ctx, Denied, Fault, OrgId, Page, PageRequest, Position, Scope, SystemClock};
use serde_json::json;
use uow::{SystemUow, Tx, Uow};

use crate::Settings;
use crate::repo::trail as repo;
use crate::signing::{Signer, head_statement};

/// What the service stands on.
pub struct Dependencies {
    /// The tenants' door.
    pub uow: Uow,
    /// The platform's door: the heads of all chains.
    pub system: SystemUow,
    /// Who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// The key that signs heads; without one there is no [`Proof::head`], and no job signs.
    pub signer: Option<Arc<Signer>>,
    /// How often it signs.
    pub settings: Settings,
}

/// The trail over PostgreSQL.
pub struct Service {
    uow: Uow,
    authorizer: Arc<dyn Authorizer>,
    signing: Option<Arc<Signing>>,
}

/// What it takes to sign the heads of all chains from time to time.
pub(crate) struct Signing {
    pub(crate) system: SystemUow,
    pub(crate) signer: Arc<Signer>,
    pub(crate) every: Duration,
}

impl Service {
    /// Over what it stands on.
    #[must_use]
    pub fn new(dependencies: Dependencies) -> Self {
        let Dependencies { uow, system, authorizer, signer, settings } = dependencies;
        let signing = signer.map(|signer| Arc::new(Signing { system, signer, every: settings.sign_every }));
        Self { uow, authorizer, signing }
    }

    fn signer(&self) -> Option<&Signer> {
        self.signing.as_deref().map(|signing| &*signing.signer)
    }

    pub(crate) fn signing(&self) -> Option<Arc<Signing>> {
        self.signing.clone()
    }

    fn authorise(&self, ctx: &Ctx) -> Result<(), Error> {
        Ok(self.authorizer.check(ctx, perm::READ, Scope::Organization)?)
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
        let mut after = json!({ "route": route });
        // The refused verb's idempotency key stays free: nothing was done under it. Who only reads writes nothing, not even this: the platform notes it.
        let ctx = match ctx.actor {
            Actor::Support(session) => {
                after["supportSession"] = json!(session);
                Ctx::system(ctx.org, ctx.request.clone())
            }
            Actor::User(..) | Actor::System => Ctx { once: None, ..ctx.clone() },
        };
        let entry = NewEntry::of(denied.permission, kind, id).after(after);
        self.uow.write(&ctx, async |tx| repo::insert(tx, &ctx, &entry, true).await).await
    }

    async fn list(&self, ctx: &Ctx, filter: &Filter, page: PageRequest) -> Result<Page<Entry>, Error> {
        self.authorise(ctx)?;
        let rows = self.uow.read_one(ctx, async |tx| repo::list(tx, ctx.org, filter, page).await).await?;
        Ok(Page::cut(rows, page, |entry| Position { created_at: entry.at, id: entry.id.0 }))
    }
}

#[async_trait]
impl Proof for Service {
    async fn verify(&self, ctx: &Ctx, from: Place, most: u32) -> Result<Verification, Error> {
        self.authorise(ctx)?;
        Ok(self.uow.read(ctx, async |tx| repo::verify(tx, ctx.org, from, most).await).await?)
    }

    async fn head(&self, ctx: &Ctx) -> Result<SignedHead, Error> {
        self.authorise(ctx)?;
        let signer = self.signer().ok_or_else(|| Fault::internal("no key signs heads"))?;
        let (sequence, hash) = self.uow.read(ctx, async |tx| repo::head(tx, ctx.org).await).await?;
        let signed_at = SystemClock.now().trunc_subsecs(6);
        let statement = head_statement(ctx.org, sequence, &hash, signed_at);
        let signature = signer.sign(&statement);
        Ok(SignedHead { org: ctx.org, sequence, hash, signed_at, statement, key_id: signer.id().to_owned(), signature })
    }

    fn keys(&self) -> Vec<PublicKey> {
        self.signer().map(|signer| signer.keys().to_vec()).unwrap_or_default()
    }
}

/// Links or entries per transaction.
const PAGE: u32 = 10_000;

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
        let (mut from, mut looked) = (Place::BEGINNING, 0);
        let verification = loop {
            // A transaction each, so that a long look at many chains holds back nothing.
            let found = system.read(async |tx| repo::verify(tx, org, from, PAGE).await).await?;
            looked += found.looked;
            match found.next {
                Some(next) => from = next,
                None => break Verification { looked, ..found },
            }
        };
        chains.push(Chain { org, verification });
    }
    Ok(chains)
}

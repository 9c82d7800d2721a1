//! The verbs: authorise → load → pure rule → save → audit → emit. One transaction each, save where the provider stands in between.
//!
//! Lock order: contract (shared, unless it changes) → milestone → payment → release → balances.

mod alarms;
mod asked;
mod charges;
mod contracts;
mod coverage;
mod doctor;
mod exports;
mod fees;
mod float;
mod funding;
mod hearing;
mod holds;
mod intents;
mod looks;
mod losses;
mod milestones;
mod obligations;
mod payees;
mod recoveries;
mod refunds;
mod releases;
mod resolve;
mod reversals;
mod sweep;
mod sync;
mod terminations;
mod transfers;
mod untold;
mod withdrawals;

use std::sync::Arc;

use audit_api::{Audit, NewEntry};
use auth_api::Authorizer;
use db::Voucher;
use escrow_api::{Error, Party, PaymentProvider};
use kernel::{Clock, Ctx, Denied, Fault, Permission, Scope, Timestamp};
use tenants_api::Tenants;
use uow::{SystemUow, Tx, Uow};
use uuid::Uuid;

use crate::ledger::Posting;
use crate::model::stored::{Place, StoredContract};
use crate::repo;
use crate::repo::contracts::Visible;
use crate::settings::Settings;

pub use doctor::doctor;
pub use float::{Float, FloatError, FloatPosted, Own, post_float};
pub(crate) use hearing::SUBJECTS;
pub use holds::{HoldError, HoldPlace, Lifted, freeze, unfreeze};
pub use losses::{LossError, post_loss};
pub use recoveries::{RecoveryError, post_recovery};
pub use refunds::{GivenBack, NotGivenBack};
pub use resolve::Resolution;
pub use reversals::{SettledReversal, Settlement, Unsettled};

/// What the service stands on.
pub struct Dependencies {
    /// The tenants' door.
    pub uow: Uow,
    /// The platform's door: events of the provider, sweeping.
    pub system: SystemUow,
    /// Who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// The trail.
    pub audit: Arc<dyn Audit>,
    /// Organisations and second approvals.
    pub tenants: Arc<dyn Tenants>,
    /// Through which money moves.
    pub provider: Arc<dyn PaymentProvider>,
    /// For looks and their intervals; deadlines go by the database's clock.
    pub clock: Arc<dyn Clock>,
    /// Terms and intervals.
    pub settings: Settings,
}

/// Contracts, milestones, protected payments and the ledger.
pub struct Service {
    uow: Uow,
    system: SystemUow,
    authorizer: Arc<dyn Authorizer>,
    audit: Arc<dyn Audit>,
    tenants: Arc<dyn Tenants>,
    provider: Arc<dyn PaymentProvider>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    asked: asked::Asked,
    voucher: Voucher,
}

impl Service {
    /// Over what it stands on.
    #[must_use]
    pub fn new(dependencies: Dependencies) -> Self {
        let Dependencies { uow, system, authorizer, audit, tenants, provider, clock, settings } = dependencies;
        let (asked, voucher) = (asked::Asked::default(), Voucher::new(system.clone()));
        Self { uow, system, authorizer, audit, tenants, provider, clock, settings, asked, voucher }
    }

    /// Passes if the context's organisation is that side of the contract and the person may do it.
    fn check_side(&self, ctx: &Ctx, contract: &StoredContract, side: Party, permission: Permission) -> Result<(), Error> {
        if contract.side_of(ctx.org) != side {
            return Err(Denied { permission, project: None }.into());
        }
        self.check_own_side(ctx, contract, permission)
    }

    /// Passes if the person may do it for whichever side the context's organisation is: the owner's teams work by project, to the
    /// contractor the owner's project means nothing.
    fn check_own_side(&self, ctx: &Ctx, contract: &StoredContract, permission: Permission) -> Result<(), Error> {
        let scope = match contract.side_of(ctx.org) {
            Party::Owner => Scope::Project(contract.project),
            Party::Contractor => Scope::Organization,
        };
        Ok(self.authorizer.check(ctx, permission, scope)?)
    }

    /// What a list with `permission` shows to the context.
    fn visible(&self, ctx: &Ctx, permission: Permission) -> Result<Visible, Error> {
        self.authorizer.check(ctx, permission, Scope::AnyProject)?;
        let as_contractor = self.authorizer.check(ctx, permission, Scope::Organization).is_ok();
        let projects = self.authorizer.reach(ctx, permission).projects(ctx);
        Ok(Visible { org: ctx.org, projects, as_contractor })
    }

    async fn record_in(&self, tx: &mut Tx, ctx: &Ctx, entry: NewEntry) -> Result<(), Fault> {
        self.audit.record_in(tx, ctx, entry).await
    }

    /// Fetches, once, what postings are vouched for with. Goes before a transaction that posts: none opens inside another.
    async fn ready_to_post(&self) -> Result<(), Fault> {
        self.voucher.ready().await
    }

    /// Posts, once per source. Says whether this call did it.
    async fn post_in(&self, tx: &mut Tx, place: Place, posting: &Posting, reverses: Option<Uuid>) -> Result<(Uuid, bool), Fault> {
        repo::ledger::post(tx, &self.voucher, place, posting, reverses).await
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// The context without its idempotency key: for the steps before the one that gives the answer.
fn without_idempotency_key(ctx: &Ctx) -> Ctx {
    Ctx { once: None, ..ctx.clone() }
}

/// The error of a neighbour: its faults are faults, its refusals should not have happened here.
fn tenants_fault(error: tenants_api::Error) -> Error {
    match error {
        tenants_api::Error::Fault(fault) => Error::Fault(fault),
        other => Error::Fault(Fault::internal(other)),
    }
}

fn conflict(what: &'static str, state: impl ToString, hint: impl Into<String>) -> Error {
    let hint: String = hint.into();
    Error::state(what, state.to_string(), hint)
}

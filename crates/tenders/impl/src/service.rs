//! The verbs: authorise, load, pure rule, save, audit, emit.

mod award;
mod bidding;
mod drafting;
mod exports;
mod falls;
mod obligations;
mod opening;
mod platform;
mod procedure;

use std::sync::Arc;

use audit_api::{Audit, NewEntry};
use auth_api::Authorizer;
use chrono::TimeDelta;
use db::{PgRead, Voucher};
use escrow_api::ContractsPort;
use kernel::{Ctx, Currency, Fault, Money, Permission, ProjectId, Scope, TenderId, Timestamp};
use projects_api::ProjectsPort;
use tenants_api::{ApprovalRequest, Verdict};
use tenders_api::{Approval, Error, Tender, TenderStatus};
use uow::{SystemUow, Tx, Uow};
use uuid::Uuid;

use crate::model::{draft, merkle};
use crate::repo;
use crate::seal::SealKey;
use crate::settings::Settings;

/// What the service stands on.
pub struct Dependencies {
    /// The tenants' door.
    pub uow: Uow,
    /// The platform's door: sweeps.
    pub system: SystemUow,
    /// Who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// The trail.
    pub audit: Arc<dyn Audit>,
    /// Organisations and second approvals.
    pub tenants: Arc<dyn tenants_api::Tenants>,
    /// Projects and schedules of quantities.
    pub projects: Arc<dyn ProjectsPort>,
    /// Where an award becomes a contract.
    pub contracts: Arc<dyn ContractsPort>,
    /// Wraps the key of each tender.
    pub key: SealKey,
    /// Those that did so before and still unwrap (`tenders.previous_seal_keys`).
    pub previous_keys: Vec<SealKey>,
    /// What is configured.
    pub settings: Settings,
}

/// Tenders and bids; implements [`tenders_api::Tenders`].
pub struct Service {
    uow: Uow,
    system: SystemUow,
    authorizer: Arc<dyn Authorizer>,
    audit: Arc<dyn Audit>,
    tenants: Arc<dyn tenants_api::Tenants>,
    projects: Arc<dyn ProjectsPort>,
    contracts: Arc<dyn ContractsPort>,
    keys: SealKey,
    voucher: Voucher,
    minimum_submission_period: TimeDelta,
    standstill: TimeDelta,
    signature_period: TimeDelta,
}

impl Service {
    /// Over what it stands on.
    #[must_use]
    pub fn new(dependencies: Dependencies) -> Self {
        let Dependencies { uow, system, authorizer, audit, tenants, projects, contracts, key, previous_keys, settings } =
            dependencies;
        let keys = previous_keys.into_iter().fold(key, SealKey::with_previous);
        let voucher = Voucher::new(system.clone());
        let delta = |duration| TimeDelta::from_std(duration).unwrap_or(TimeDelta::days(36_500));
        let minimum_submission_period = delta(settings.minimum_submission_period);
        let standstill = delta(settings.standstill);
        let signature_period = delta(settings.signature_period);
        Self {
            uow,
            system,
            authorizer,
            audit,
            tenants,
            projects,
            contracts,
            keys,
            voucher,
            minimum_submission_period,
            standstill,
            signature_period,
        }
    }

    /// A tender as the caller may see it; one whose deadline has passed is closed first. Nobody waits here for a bid that is
    /// being stored: its tender is shown as it was.
    async fn current_tender(&self, ctx: &Ctx, id: TenderId) -> Result<(Tender, Timestamp), Error> {
        let (tender, now) = self.uow.read(ctx, async |tx| repo::tenders::get(tx.pg(), id).await).await?;
        if !is_due(&tender, now) {
            return Ok((tender, now));
        }
        self.close(&Ctx::system(tender.org, ctx.request.clone()), id, false).await?;
        self.uow.read(ctx, async |tx| repo::tenders::get(tx.pg(), id).await).await
    }

    /// A tender of the caller's own organisation on which the caller holds `permission`.
    async fn owned(&self, ctx: &Ctx, id: TenderId, permission: Permission) -> Result<Tender, Error> {
        let (tender, _) = self.current_tender(ctx, id).await?;
        self.check_owner(ctx, &tender, permission)?;
        Ok(tender)
    }

    fn check_owner(&self, ctx: &Ctx, tender: &Tender, permission: Permission) -> Result<(), Error> {
        if tender.org != ctx.org {
            return Err(Error::NotFound("tender"));
        }
        Ok(self.authorizer.check(ctx, permission, Scope::Project(tender.project))?)
    }

    /// The permission by the side of the caller: `owner` in the project, `bidder` in the organisation.
    fn check_side(&self, ctx: &Ctx, tender: &Tender, owner: Permission, bidder: Permission) -> Result<(), Error> {
        if tender.org == ctx.org {
            return Ok(self.authorizer.check(ctx, owner, Scope::Project(tender.project))?);
        }
        Ok(self.authorizer.check(ctx, bidder, Scope::Organization)?)
    }

    /// Nobody who acts for a bidder decides about bids for the owner.
    async fn not_of_a_bidder_in(&self, tx: &mut Tx, ctx: &Ctx, tender: TenderId) -> Result<(), Error> {
        match ctx.user_id() {
            Some(user) if repo::ties::acts_for_a_bidder(tx, ctx.org, tender, user).await? => Err(Error::SamePerson),
            _ => Ok(()),
        }
    }

    /// At or above the organisation's threshold two persons must ask for the very same thing.
    async fn approve_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        permission: Permission,
        (project, subject): (ProjectId, Uuid),
        detail: String,
        amount: Money,
    ) -> Result<Approval, Error> {
        let request = ApprovalRequest { action: permission.name(), subject, project: Some(project), detail, amount };
        Ok(match self.tenants.approve_in(tx, ctx, &request).await? {
            Verdict::Waiting { first } => Approval::Waiting { first },
            Verdict::Complete { first, second } => Approval::Complete { first, second },
            Verdict::NotYet(why) => return Err(Error::ApproverNotYet(why)),
        })
    }

    /// What decides whether a second person is needed before the bids are known.
    async fn amount_at_stake_in(&self, tx: &mut Tx, tender: &Tender) -> Result<Money, Error> {
        Ok(draft::amount_at_stake(&self.projects.soq_in(tx, tender.org, tender.soq).await.map_err(from_projects)?))
    }

    /// Records that the first of two persons asked, and for what.
    async fn record_waiting_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        permission: Permission,
        (entity, id): (&'static str, Uuid),
        mut asked: serde_json::Value,
    ) -> Result<(), Fault> {
        asked["approval"] = "waiting".into();
        self.audit.record_in(tx, ctx, NewEntry::of(permission, entity, id).after(asked)).await
    }

    /// Records a change of state.
    async fn record_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        action: &str,
        (entity, id): (&'static str, Uuid),
        before: &str,
        after: serde_json::Value,
    ) -> Result<(), Fault> {
        let entry = NewEntry::named(action, entity, id).before(serde_json::json!({ "status": before })).after(after);
        self.audit.record_in(tx, ctx, entry).await
    }
}

/// What stands for a reason in what two persons agree to: both give the same.
fn digest(reason: Option<&str>) -> String {
    reason.map_or_else(|| "-".to_owned(), |reason| hex::encode(merkle::sha256(&[reason.as_bytes()])))
}

/// Whether the deadline has passed without the tender having been closed.
fn is_due(tender: &Tender, now: Timestamp) -> bool {
    tender.status == TenderStatus::Published && now >= tender.submission_deadline
}

/// Who approved, for the opening record and the award.
fn persons(ctx: &Ctx, approval: Approval) -> Vec<kernel::UserId> {
    match approval {
        Approval::Complete { first, second: Some(second) } => vec![first, second],
        Approval::Complete { first, second: None } | Approval::Waiting { first } => vec![ctx.user_id().unwrap_or(first)],
    }
}

/// What projects refuse, in the words of this domain.
fn from_projects(error: projects_api::Error) -> Error {
    use projects_api::Error as P;
    match error {
        P::NotFound(what) => Error::NotFound(what),
        P::Invalid(faults) => Error::Invalid(faults),
        P::Denied(denied) => Error::Denied(denied),
        P::Fault(fault) => Error::Fault(fault),
        other => Error::Fault(Fault::internal(other)),
    }
}

/// What contracts refuse, in the words of this domain.
impl Service {
    /// Passes if each of these milestones, by their places, could be paid by one charge: else the plan is good for nothing, and nobody should
    /// bid on it, win it or sign it.
    fn payable(
        &self,
        currency: Currency,
        amounts: impl IntoIterator<Item = (usize, Money)>,
        at: impl Fn(usize) -> String,
    ) -> Result<(), Error> {
        let faults = self.contracts.milestone_bounds(currency).map_err(from_contracts)?.faults(amounts, at);
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }
}

fn from_contracts(error: escrow_api::Error) -> Error {
    use escrow_api::Error as E;
    match error {
        E::State { what, state, hint } => Error::State { what, state, hint },
        E::Invalid(faults) => Error::Invalid(faults),
        E::Denied(denied) => Error::Denied(denied),
        E::Fault(fault) => Error::Fault(fault),
        other => Error::Fault(Fault::internal(other)),
    }
}

/// The permission's name as an audit action.
const fn action(permission: Permission) -> &'static str {
    permission.name()
}

/// The action under which the platform's own closing is recorded.
const CLOSE: &str = "tenders.close";

/// The action under which the platform's own completion is recorded.
const COMPLETE: &str = "tenders.complete";

#[cfg(test)]
mod tests {
    use kernel::{DomainError, FieldFault};

    use super::*;

    #[test]
    fn what_contracts_find_wrong_is_not_a_fault_of_ours() {
        let faults = vec![FieldFault::new("/milestones/0/amount", "OUT_OF_RANGE", "too little")];
        let error = from_contracts(escrow_api::Error::Invalid(faults.clone()));
        assert_eq!((error.code(), error.fields()), ("INVALID", faults));
    }
}

//! The tasks of this domain, and who does them.

use std::sync::Arc;
use std::time::Duration;

use escrow_api::{ContractActivated, ContractEnded};
use jobs::Registry;
use kernel::TenderId;
use serde::{Deserialize, Serialize};
use tenders_api::BidSubmitted;
use uow::Task;

use crate::Service;

/// How often what hangs is taken up again.
const SWEEP: Duration = Duration::from_secs(60);

/// The names of all tasks.
pub(crate) const TASKS: &[&str] = &[Close::NAME, FinishStandstill::NAME, FallAward::NAME];

/// Closes a tender at its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Close {
    /// The tender.
    pub tender: TenderId,
}

impl Task for Close {
    const NAME: &'static str = "tenders.close";

    fn subject(&self) -> Option<String> {
        Some(self.tender.to_string())
    }
}

/// Opens the contract of an award that nobody can challenge any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishStandstill {
    /// The tender.
    pub tender: TenderId,
}

impl Task for FinishStandstill {
    const NAME: &'static str = "tenders.finish_standstill";

    fn subject(&self) -> Option<String> {
        Some(self.tender.to_string())
    }
}

/// Lets an award fall whose contract is not signed in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FallAward {
    /// The tender.
    pub tender: TenderId,
}

impl Task for FallAward {
    const NAME: &'static str = "tenders.fall_award";

    fn subject(&self) -> Option<String> {
        Some(self.tender.to_string())
    }
}

/// Registers what does the tasks, hears contracts and sweeps.
pub(crate) fn register(service: &Arc<Service>, registry: &mut Registry) {
    registry.on_job(service, |tenders, job, task: Close| async move { tenders.close_due(job.tenant()?, task).await });
    registry.on_job(service, |tenders, job, task: FinishStandstill| async move {
        tenders.finish_standstill(job.tenant()?, task).await
    });
    registry.on_job(service, |tenders, job, task: FallAward| async move { tenders.fall_unsigned(job.tenant()?, task).await });
    registry.on_event("tenders", service, |tenders, ctx, id, event: ContractActivated| async move {
        tenders.contract_activated(&ctx, id, &event).await
    });
    registry.on_event("tenders_contract_ended", service, |tenders, ctx, id, event: ContractEnded| async move {
        tenders.contract_ended(&ctx, id, &event).await
    });
    registry.every("tenders.sweep", SWEEP, service, |tenders| async move { tenders.sweep().await.map(drop) });
    registry.every("tenders.sweep_unsigned", SWEEP, service, |tenders| async move { tenders.sweep_unsigned().await.map(drop) });
    registry.seal::<BidSubmitted>();
}

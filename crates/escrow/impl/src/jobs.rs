//! The tasks of this domain, and who does them. Each names its organisation itself, whoever enqueued it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use escrow_api::{MilestoneId, PaymentId, ReleaseId};
use jobs::Registry;
use kernel::{OrgId, Timestamp};
use serde::{Deserialize, Serialize};
use uow::{Job, Task};

use crate::Service;

/// How often what hangs is taken up again.
const SWEEP: Duration = Duration::from_secs(60);

/// The names of all tasks.
pub const TASKS: &[&str] = &[
    SyncPayment::NAME,
    AdoptIntent::NAME,
    SyncCharge::NAME,
    SendRelease::NAME,
    SyncTransfer::NAME,
    SyncAccount::NAME,
    Escalate::NAME,
];

/// Looks at a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncPayment {
    /// The owner's side.
    pub org: OrgId,
    /// The payment.
    pub payment: PaymentId,
}

impl Task for SyncPayment {
    const NAME: &'static str = "escrow.sync_payment";

    fn subject(&self) -> Option<String> {
        Some(self.payment.to_string())
    }
}

/// Looks at what befell a payment's charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncCharge {
    /// The owner's side.
    pub org: OrgId,
    /// The payment.
    pub payment: PaymentId,
}

impl Task for SyncCharge {
    const NAME: &'static str = "escrow.sync_charge";

    fn subject(&self) -> Option<String> {
        Some(self.payment.to_string())
    }
}

/// Looks at an intent that names a payment without being its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdoptIntent {
    /// The owner's side.
    pub org: OrgId,
    /// The payment that it names.
    pub payment: PaymentId,
    /// The provider's payment intent.
    pub intent: String,
}

impl Task for AdoptIntent {
    const NAME: &'static str = "escrow.adopt_intent";

    fn subject(&self) -> Option<String> {
        Some(self.intent.clone())
    }
}

/// Sends a release, or finds out what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendRelease {
    /// The owner's side.
    pub org: OrgId,
    /// The release.
    pub release: ReleaseId,
}

impl Task for SendRelease {
    const NAME: &'static str = "escrow.send_release";

    fn subject(&self) -> Option<String> {
        Some(self.release.to_string())
    }
}

/// Looks at a transfer that belongs to a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncTransfer {
    /// The owner's side.
    pub org: OrgId,
    /// The release.
    pub release: ReleaseId,
    /// The provider's transfer.
    pub transfer: String,
}

impl Task for SyncTransfer {
    const NAME: &'static str = "escrow.sync_transfer";

    fn subject(&self) -> Option<String> {
        Some(self.transfer.clone())
    }
}

/// Looks at the payee account of an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncAccount {
    /// The payee.
    pub org: OrgId,
}

impl Task for SyncAccount {
    const NAME: &'static str = "escrow.sync_account";

    fn subject(&self) -> Option<String> {
        Some(self.org.to_string())
    }
}

/// Escalates the review of a milestone that takes too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalate {
    /// The owner's side.
    pub org: OrgId,
    /// The milestone under review.
    pub milestone: MilestoneId,
}

impl Task for Escalate {
    const NAME: &'static str = "escrow.escalate";

    fn subject(&self) -> Option<String> {
        Some(self.milestone.to_string())
    }
}

/// Registers what does the tasks, and the sweep, over this service.
pub(crate) fn register(service: &Arc<Service>, registry: &mut Registry) {
    registry.on_job(service, |escrow, _, task: SyncPayment| async move { escrow.sync_payment(task).await });
    registry.on_job(service, |escrow, _, task: SyncCharge| async move { escrow.sync_charge(task).await });
    registry.on_job(service, |escrow, _, task: AdoptIntent| async move { escrow.adopt_intent(task).await });
    registry.on_job(service, |escrow, _, task: SendRelease| async move { escrow.send_release(task).await });
    registry.on_job(service, |escrow, _, task: SyncTransfer| async move { escrow.sync_transfer(task).await });
    registry.on_job(service, |escrow, _, task: SyncAccount| async move { escrow.sync_account(task).await });
    registry.on_job(service, |escrow, _, task: Escalate| async move { escrow.escalate(task).await });
    let started = Arc::new(AtomicBool::new(false));
    registry.every("escrow.sweep", SWEEP, service, move |escrow| {
        let started = Arc::clone(&started);
        async move {
            // Whatever was told while nobody listened.
            if !started.load(Ordering::Relaxed) {
                escrow.look_at_all().await?;
                started.store(true, Ordering::Relaxed);
            }
            escrow.sweep().await.map(drop)
        }
    });
}

pub(crate) fn sync_payment(org: OrgId, payment: PaymentId) -> Job {
    Job::of(&SyncPayment { org, payment })
}

pub(crate) fn sync_charge(org: OrgId, payment: PaymentId) -> Job {
    Job::of(&SyncCharge { org, payment })
}

/// A look planned for later: it never moves the look that an event asks for now.
pub(crate) fn sync_payment_at(org: OrgId, payment: PaymentId, at: Timestamp) -> Job {
    sync_payment(org, payment).apart("later").at(at)
}

pub(crate) fn adopt_intent(org: OrgId, payment: PaymentId, intent: String) -> Job {
    Job::of(&AdoptIntent { org, payment, intent })
}

pub(crate) fn send_release(org: OrgId, release: ReleaseId) -> Job {
    Job::of(&SendRelease { org, release })
}

pub(crate) fn sync_transfer(org: OrgId, release: ReleaseId, transfer: String) -> Job {
    Job::of(&SyncTransfer { org, release, transfer })
}

pub(crate) fn sync_account(org: OrgId) -> Job {
    Job::of(&SyncAccount { org })
}

pub(crate) fn escalate(org: OrgId, milestone: MilestoneId) -> Job {
    Job::of(&Escalate { org, milestone })
}

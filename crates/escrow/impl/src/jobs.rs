//! The jobs of this domain: their names and what they carry. Each names its organisation itself, whoever enqueued it.

use kernel::{MilestoneId, OrgId, PaymentId, ReleaseId, Timestamp};
use serde::{Deserialize, Serialize};
use uow::Job;

/// Looks at a payment: [`PaymentJob`] → `Service::sync_payment`.
pub const SYNC_PAYMENT: &str = "escrow.sync_payment";
/// Looks at an intent that names a payment without being its own: [`IntentJob`] → `Service::adopt_intent`.
pub const ADOPT_INTENT: &str = "escrow.adopt_intent";
/// Looks at what befell a payment's charge: [`PaymentJob`] → `Service::sync_charge`.
pub const SYNC_CHARGE: &str = "escrow.sync_charge";
/// Sends a release, or finds out what became of it: [`ReleaseJob`] → `Service::send_release`.
pub const SEND_RELEASE: &str = "escrow.send_release";
/// Looks at a transfer: [`TransferJob`] → `Service::sync_transfer`.
pub const SYNC_TRANSFER: &str = "escrow.sync_transfer";
/// Looks at a payee account: [`AccountJob`] → `Service::sync_account`.
pub const SYNC_ACCOUNT: &str = "escrow.sync_account";
/// Routes an event of the inbox: [`WebhookJob`] → `Service::route_event`.
pub const WEBHOOK: &str = "escrow.webhook";
/// Escalates a review that takes too long: [`ReviewJob`] → `Service::escalate`.
pub const ESCALATE: &str = "escrow.escalate";

/// Every job name.
pub const ALL: &[&str] = &[SYNC_PAYMENT, ADOPT_INTENT, SYNC_CHARGE, SEND_RELEASE, SYNC_TRANSFER, SYNC_ACCOUNT, WEBHOOK, ESCALATE];

/// A payment of an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentJob {
    /// The owner's side.
    pub org: OrgId,
    /// The payment.
    pub payment: PaymentId,
}

/// An intent that names a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentJob {
    /// The owner's side.
    pub org: OrgId,
    /// The payment that it names.
    pub payment: PaymentId,
    /// The provider's payment intent.
    pub intent: String,
}

/// A release of an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseJob {
    /// The owner's side.
    pub org: OrgId,
    /// The release.
    pub release: ReleaseId,
}

/// A transfer that belongs to a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferJob {
    /// The owner's side.
    pub org: OrgId,
    /// The release.
    pub release: ReleaseId,
    /// The provider's transfer.
    pub transfer: String,
}

/// The payee account of an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountJob {
    /// The payee.
    pub org: OrgId,
}

/// An event of the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookJob {
    /// Its id, `evt_…`.
    pub event: String,
}

/// A milestone under review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewJob {
    /// The owner's side.
    pub org: OrgId,
    /// The milestone.
    pub milestone: MilestoneId,
}

pub(crate) fn sync_payment(org: OrgId, payment: PaymentId) -> Job {
    Job::new(SYNC_PAYMENT, PaymentJob { org, payment }).keyed(format!("{SYNC_PAYMENT}:{payment}"))
}

pub(crate) fn sync_charge(org: OrgId, payment: PaymentId) -> Job {
    Job::new(SYNC_CHARGE, PaymentJob { org, payment }).keyed(format!("{SYNC_CHARGE}:{payment}"))
}

/// A look planned for later, under a key of its own: it never moves the look that an event asks for now.
pub(crate) fn sync_payment_at(org: OrgId, payment: PaymentId, at: Timestamp) -> Job {
    Job::new(SYNC_PAYMENT, PaymentJob { org, payment }).keyed(format!("{SYNC_PAYMENT}:{payment}:later")).at(at)
}

pub(crate) fn adopt_intent(org: OrgId, payment: PaymentId, intent: String) -> Job {
    let key = format!("{ADOPT_INTENT}:{intent}");
    Job::new(ADOPT_INTENT, IntentJob { org, payment, intent }).keyed(key)
}

pub(crate) fn send_release(org: OrgId, release: ReleaseId) -> Job {
    Job::new(SEND_RELEASE, ReleaseJob { org, release }).keyed(format!("{SEND_RELEASE}:{release}"))
}

pub(crate) fn sync_transfer(org: OrgId, release: ReleaseId, transfer: String) -> Job {
    let key = format!("{SYNC_TRANSFER}:{transfer}");
    Job::new(SYNC_TRANSFER, TransferJob { org, release, transfer }).keyed(key)
}

pub(crate) fn sync_account(org: OrgId) -> Job {
    Job::new(SYNC_ACCOUNT, AccountJob { org }).keyed(format!("{SYNC_ACCOUNT}:{org}"))
}

pub(crate) fn webhook(event: String) -> Job {
    let key = format!("{WEBHOOK}:{event}");
    Job::new(WEBHOOK, WebhookJob { event }).keyed(key)
}

pub(crate) fn escalate(org: OrgId, milestone: MilestoneId) -> Job {
    Job::new(ESCALATE, ReviewJob { org, milestone }).keyed(format!("{ESCALATE}:{milestone}"))
}

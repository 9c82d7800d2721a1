//! Payments and releases as they are kept, and what is noted of them: money on its way in and out.

use escrow_api::{ContractId, MilestoneId, PaymentId, PaymentStatus, Release, ReleaseId, ReleaseStatus};
use kernel::{Currency, Money, OrgId, Timestamp, UserId};

use super::stored::Place;

/// A protected payment as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct StoredPayment {
    pub(crate) owner: OrgId,
    pub(crate) id: PaymentId,
    pub(crate) contract: ContractId,
    pub(crate) milestone: MilestoneId,
    pub(crate) status: PaymentStatus,
    pub(crate) amount: Money,
    pub(crate) fee: Money,
    pub(crate) charged: Money,
    pub(crate) intent: Option<String>,
    pub(crate) charge: Option<String>,
    pub(crate) available_on: Option<Timestamp>,
    pub(crate) funded_at: Option<Timestamp>,
    pub(crate) last_error: Option<String>,
    pub(crate) next_poll_at: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) key_no: i32,
    pub(crate) looks: i32,
    pub(crate) looked_at: Option<Timestamp>,
}

impl StoredPayment {
    /// Where its ledger is.
    pub(crate) fn place(&self) -> Place {
        Place { org: self.owner, contract: self.contract }
    }
}

/// A payment to be.
pub(crate) struct NewPayment {
    pub(crate) id: PaymentId,
    pub(crate) fee: Money,
    pub(crate) charged: Money,
    pub(crate) by: Option<UserId>,
    pub(crate) poll_at: Timestamp,
}

/// What was learnt of a payment.
pub(crate) struct PaymentChange {
    pub(crate) status: PaymentStatus,
    pub(crate) intent: Option<String>,
    pub(crate) charge: Option<String>,
    pub(crate) balance_transaction: Option<String>,
    pub(crate) available_on: Option<Timestamp>,
    pub(crate) funded_at: Option<Timestamp>,
    /// As it is now: none clears it.
    pub(crate) last_error: Option<String>,
    pub(crate) next_poll_at: Timestamp,
    pub(crate) looks: i32,
    pub(crate) looked_at: Option<Timestamp>,
}

/// A release as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct StoredRelease {
    pub(crate) owner: OrgId,
    pub(crate) id: ReleaseId,
    pub(crate) contract: ContractId,
    pub(crate) milestone: MilestoneId,
    pub(crate) payment: PaymentId,
    pub(crate) seq: u32,
    pub(crate) status: ReleaseStatus,
    pub(crate) gross: Money,
    pub(crate) fee: Money,
    pub(crate) net: Money,
    pub(crate) requested_by: Option<UserId>,
    pub(crate) approved_by: Option<UserId>,
    pub(crate) destination: Option<String>,
    pub(crate) transfer: Option<String>,
    pub(crate) attempts: i32,
    pub(crate) maybe_sent_at: Option<Timestamp>,
    pub(crate) last_error: Option<String>,
    pub(crate) sent_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) reversed: Money,
    pub(crate) reversal_settled: Money,
    pub(crate) returned: Money,
    pub(crate) returned_fee: Money,
    /// Whether its transfer names no charge to draw on.
    pub(crate) without_source: bool,
}

impl StoredRelease {
    pub(crate) fn currency(&self) -> Currency {
        self.net.currency()
    }

    /// So many minor units of its currency.
    pub(crate) fn money(&self, minor: i64) -> Money {
        Money::from_minor(minor, self.currency())
    }

    /// Where its ledger is.
    pub(crate) fn place(&self) -> Place {
        Place { org: self.owner, contract: self.contract }
    }

    /// As parties are shown it.
    pub(crate) fn view(&self) -> Release {
        Release {
            id: self.id,
            payment: self.payment,
            milestone: self.milestone,
            seq: self.seq,
            status: self.status,
            gross: self.gross,
            fee: self.fee,
            net: self.net,
            transfer: self.transfer.clone(),
            reversed: self.reversed,
            unsettled: self.money(self.reversed.minor() - self.reversal_settled.minor()),
            last_error: self.last_error.clone(),
            created_at: self.created_at,
            sent_at: self.sent_at,
        }
    }
}

/// A step of a release: what it names changes, the rest stays.
#[derive(Default)]
pub(crate) struct ReleaseChange {
    pub(crate) status: Option<ReleaseStatus>,
    pub(crate) destination: Option<String>,
    pub(crate) transfer: Option<String>,
    pub(crate) attempts: Option<i32>,
    pub(crate) sending_since: Option<Timestamp>,
    pub(crate) maybe_sent_at: Option<Timestamp>,
    pub(crate) last_error: Option<Option<String>>,
    pub(crate) sent_at: Option<Timestamp>,
    pub(crate) resolved_by: Option<String>,
    pub(crate) resolved_reason: Option<String>,
    pub(crate) reversed: Option<Money>,
    pub(crate) reversal_settled: Option<Money>,
    pub(crate) returned: Option<Money>,
    pub(crate) returned_fee: Option<Money>,
    pub(crate) without_source: Option<bool>,
}

/// A transfer by which a payee was paid again what had come back of a release.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replacement {
    pub(crate) amount: Money,
    /// How much of it came back itself.
    pub(crate) reversed: Money,
}

/// What a charge brought otherwise than asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Suspended {
    /// Its posting.
    pub(crate) transaction: uuid::Uuid,
    /// What it brought.
    pub(crate) gross: Money,
    /// What of it was not given back, nor withdrawn.
    pub(crate) waiting: Money,
    /// What of it the payer's bank took back.
    pub(crate) withdrawn: Money,
}

/// Who asked for a refund.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) operator: String,
    pub(crate) reason: Option<String>,
    /// Since when the command runs, or ran.
    pub(crate) since: kernel::Timestamp,
}

/// A payment whose money is still held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aged {
    pub(crate) payment: PaymentId,
    pub(crate) funded_at: Timestamp,
    /// How much.
    pub(crate) held: Money,
}

//! The states of docs/domain/contracts.md and docs/domain/money.md, spelled as the API and the database spell them.

kernel::named! {
    /// Where a contract stands.
    pub enum ContractStatus {
        /// Being put together.
        Draft = "draft" unreached,
        /// Sent out for both signatures.
        Signing = "signing",
        /// Signed by both.
        Active = "active",
        /// Halted: nothing is released.
        Suspended = "suspended",
        /// The works are done; the defects period runs.
        PracticallyComplete = "practically_complete",
        /// Settled.
        Closed = "closed" unreached,
        /// Never came into force.
        Cancelled = "cancelled",
        /// Ended early.
        Terminated = "terminated",
    }
    /// Where a milestone stands.
    pub enum MilestoneStatus {
        /// Not funded.
        Planned = "planned",
        /// A payment is under way.
        Funding = "funding",
        /// The money is held and available.
        Funded = "funded",
        /// Work was submitted.
        InReview = "in_review",
        /// The review took too long.
        Escalated = "escalated",
        /// Approved; its money is reserved for the contractor.
        Approved = "approved",
        /// Paid out.
        Released = "released",
        /// In dispute.
        Disputed = "disputed" unreached,
        /// A refund is under way.
        RefundPending = "refund_pending" unreached,
        /// Refunded.
        Refunded = "refunded" unreached,
        /// Never to be done.
        Cancelled = "cancelled",
    }
    /// Where a protected payment stands.
    pub enum PaymentStatus as "EscrowStatus" {
        /// Waiting for the payer.
        Created = "created",
        /// The payer must do something (3-D Secure).
        RequiresAction = "requires_action",
        /// On its way.
        Processing = "processing",
        /// Paid, not yet available.
        Succeeded = "succeeded",
        /// Paid and available.
        Available = "available",
        /// The attempt failed.
        Failed = "failed",
        /// Cancelled.
        Canceled = "canceled",
        /// Paid, but not what was asked for: the money waits for a named person.
        Suspense = "suspense",
    }
    /// Where a release stands.
    pub enum ReleaseStatus {
        /// Its money is reserved.
        Requested = "requested" unreached,
        /// May be sent.
        Approved = "approved",
        /// Being sent.
        Sending = "sending",
        /// Nobody knows whether it was sent.
        Unknown = "unknown",
        /// Sent.
        Sent = "sent",
        /// Refused by the provider; the reservation is void.
        Failed = "failed",
        /// Partly taken back.
        PartReversed = "part_reversed",
        /// Taken back.
        Reversed = "reversed",
    }
    /// Whose object a ledger transaction comes from.
    pub enum LedgerSource {
        /// The payment provider's.
        Stripe = "stripe",
        /// One of ours, such as a release.
        Platform = "14build",
    }
    /// What a ledger transaction tells.
    pub enum TransactionKind {
        /// The payment came as asked.
        PaymentReceived = "payment_received",
        /// The provider kept its fee.
        ProcessingFeeKept = "processing_fee_kept",
        /// What was left became available.
        FundsAvailable = "funds_available",
        /// A release was approved, its money reserved.
        ReleaseReserved = "release_reserved",
        /// The reservation is void.
        ReleaseVoided = "release_voided",
        /// The transfer was made.
        ReleaseSent = "release_sent",
        /// A transfer came back, whole or in part.
        TransferReversed = "transfer_reversed",
        /// What came back is held for the milestone again.
        ReversalHeldAgain = "reversal_held_again",
        /// What came back was paid to the payee with another transfer.
        ReversalPaidAgain = "reversal_paid_again",
        /// What came back was paid to the payee outside of the provider.
        ReversalPaidOutside = "reversal_paid_outside",
        /// Money came otherwise than asked for.
        PaymentInSuspense = "payment_in_suspense",
        /// What came otherwise than asked for was given back to its payer.
        SuspenseRefunded = "suspense_refunded",
        /// What was given back did not reach its payer, and waits again.
        SuspenseRefundFailed = "suspense_refund_failed",
        /// The payer's bank took back what came otherwise than asked for.
        SuspenseWithdrawn = "suspense_withdrawn",
        /// The payer's bank gave back what it had taken, and it waits again.
        SuspenseReinstated = "suspense_reinstated",
    }
    /// What was said about submitted work.
    pub enum ReviewKind {
        /// The contractor submitted it.
        Submitted = "submitted",
        /// The owner asked for changes.
        ChangesRequested = "changes_requested",
        /// The owner approved it.
        Approved = "approved",
        /// The owner was silent for too long.
        Escalated = "escalated",
    }
    /// Where a payee account stands.
    pub enum PayeeStatus as "PayeeAccountStatus" {
        /// There is none.
        None = "none",
        /// Being set up.
        Onboarding = "onboarding",
        /// Can receive transfers.
        Active = "active",
        /// Cannot receive transfers now.
        Restricted = "restricted",
        /// Gone.
        Closed = "closed",
    }
    /// Who bears the provider's processing cost.
    pub enum CostBearer {
        /// The owner: the charge is grossed up.
        Owner = "owner",
        /// The platform.
        Platform = "platform",
    }
    /// A side of a contract.
    pub enum Party as "ContractParty" {
        /// The owner's side.
        Owner = "owner",
        /// The contractor's side.
        Contractor = "contractor",
    }
}

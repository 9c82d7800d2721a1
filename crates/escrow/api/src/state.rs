//! The states of docs/domain/contracts.md and docs/domain/money.md, spelled as the API and the database spell them.

use std::fmt;

use serde::Serialize;

macro_rules! states {
    ($($(#[$doc:meta])* $name:ident { $($(#[$state_doc:meta])* $variant:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$state_doc])* $variant,)* }

        impl $name {
            /// Every state.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The state of that name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|state| state.name() == name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }
    )*};
}

states! {
    /// Where a contract stands.
    ContractStatus {
        /// Being put together.
        Draft = "draft",
        /// Sent out for both signatures.
        Signing = "signing",
        /// Signed by both.
        Active = "active",
        /// Halted: nothing is released.
        Suspended = "suspended",
        /// The works are done; the defects period runs.
        PracticallyComplete = "practically_complete",
        /// Settled.
        Closed = "closed",
        /// Never came into force.
        Cancelled = "cancelled",
        /// Ended early.
        Terminated = "terminated",
    }
    /// Where a milestone stands.
    MilestoneStatus {
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
        Disputed = "disputed",
        /// A refund is under way.
        RefundPending = "refund_pending",
        /// Refunded.
        Refunded = "refunded",
        /// Never to be done.
        Cancelled = "cancelled",
    }
    /// Where a funding payment stands.
    PaymentStatus {
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
    ReleaseStatus {
        /// Its money is reserved.
        Requested = "requested",
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
    /// Where an organisation's payee account stands.
    PayeeStatus {
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
    /// Who bears the provider's processing cost (docs/domain/money.md).
    CostBearer {
        /// The owner: the charge is grossed up.
        Owner = "owner",
        /// The platform.
        Platform = "platform",
    }
    /// A side of a contract.
    Party {
        /// The owner's side.
        Owner = "owner",
        /// The contractor's side.
        Contractor = "contractor",
    }
}

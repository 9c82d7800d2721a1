//! Why contracts and protected payments refuse.

use chrono::SecondsFormat;
use std::time::Duration;

use kernel::{Currency, Fault, Timestamp};

use crate::{Hold, MilestoneId, ProviderError};

kernel::refusals! {
    /// Why this domain refuses (docs/domain/contracts.md: a transition that is not listed is a `State`).
    #[derive(Debug, thiserror::Error)]
    pub enum Error {
        /// The signed hash is not the document's.
        #[error("the signed sha256 is not that of the contract document: read the contract again")]
        DocumentMismatch = Invalid("DOCUMENT_MISMATCH"),
        /// The contractor cannot receive money yet.
        #[error("the contractor's payee account cannot receive transfers yet: it must complete onboarding")]
        PayeeNotActive = Conflict("PAYEE_NOT_ACTIVE"),
        /// The same person cannot act for both sides or twice.
        #[error("another person must do this: nobody acts for both sides of a contract, nor twice where two are needed")]
        SamePerson = Conflict("SAME_PERSON"),
        /// It takes two persons, and the caller does not count as one of them yet.
        #[error("{0}")]
        ApproverNotYet(tenants_api::NotYet) = Conflict(tenants_api::NotYet::CODE),
        /// What the platform holds in this currency does not cover what it owes (docs/domain/money.md): a person is woken, new money must wait.
        #[error("new funding in {0} is paused: nothing was charged; try again later")]
        CoverageShort(Currency) = Unavailable("COVERAGE_SHORT"),
        /// The contract holds money that is too old for more to be added (docs/domain/money.md).
        #[error(
            "milestone {position} holds money since {}, for more than {days} days: before more comes in it must be released or refunded",
            time(.since)
        )]
        HeldTooLong {
            /// The milestone.
            milestone: MilestoneId,
            /// Its place, from 1.
            position: u32,
            /// Since when.
            since: Timestamp,
            /// The limit.
            days: u16,
        } = Conflict("HELD_TOO_LONG"),
        /// A hold is open on the milestone or on its whole contract: no money moves there until it is lifted.
        #[error("the {what} is on hold since {} ({kind}): nothing is funded, approved or released until the hold is lifted", time(.since))]
        OnHold {
            /// `milestone` or `contract`.
            what: &'static str,
            /// What for.
            kind: String,
            /// Since when.
            since: Timestamp,
        } = Conflict("ON_HOLD"),
        /// The contract cannot end while money is held or under way; what must be settled first.
        #[error("the contract cannot end before its money is settled: {}", .0.join("; "))]
        MoneyHeld(Vec<String>) = Conflict("MONEY_HELD"),
        /// The provider refused.
        #[error("{message}")]
        ProviderRefused {
            /// The provider's code.
            code: String,
            /// The provider's words.
            message: String,
        } = Invalid("PROVIDER_REFUSED"),
    }
    extra {
        Self::HeldTooLong { milestone, since, .. } => vec![("milestoneId", milestone.to_string()), ("heldSince", time(since))],
        Self::OnHold { what, kind, since } => {
            vec![("holdOn", (*what).to_owned()), ("holdKind", kind.clone()), ("holdSince", time(since))]
        }
        Self::ApproverNotYet(why) => why.extra(),
    }
    retry_after {
        // What is covered is added up anew once a minute.
        Self::CoverageShort(_) => Some(Duration::from_secs(60)),
    }
}

fn time(at: &Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

impl Error {
    /// Refused because of this hold.
    #[must_use]
    pub fn held(hold: &Hold) -> Self {
        let what = if hold.whole_contract { "contract" } else { "milestone" };
        Self::OnHold { what, kind: hold.kind.clone(), since: hold.since }
    }
}

impl From<ProviderError> for Error {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Refused { code, message } => Self::ProviderRefused { code, message },
            ProviderError::Unavailable(_) | ProviderError::Unknown(_) | ProviderError::KeySpent(_) => {
                Self::Fault(Fault::unavailable(error))
            }
            ProviderError::Unexpected(_) => Self::Fault(Fault::internal(error)),
        }
    }
}

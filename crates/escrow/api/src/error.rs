//! Why contracts and protected payments refuse.

use chrono::SecondsFormat;
use std::time::Duration;

use kernel::{Currency, Denied, DomainError, Fault, FieldFault, Kind, Timestamp};

use crate::{Hold, MilestoneId, ProviderError};

/// Why this domain refuses.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such thing here.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Its state does not allow it (docs/domain/contracts.md: a transition not listed is refused).
    #[error("the {what} is {state}: {hint}")]
    State {
        /// What it is.
        what: &'static str,
        /// Its state.
        state: String,
        /// What would have to be.
        hint: String,
    },
    /// The signed hash is not the document's.
    #[error("the signed sha256 is not that of the contract document: read the contract again")]
    DocumentMismatch,
    /// The contractor cannot receive money yet.
    #[error("the contractor's payee account cannot receive transfers yet: it must complete onboarding")]
    PayeeNotActive,
    /// The same person cannot act for both sides or twice.
    #[error("another person must do this: nobody acts for both sides of a contract, nor twice where two are needed")]
    SamePerson,
    /// It takes two persons, and the caller does not count as one of them yet.
    #[error("{0}")]
    ApproverNotYet(tenants_api::NotYet),
    /// What the platform holds in this currency does not cover what it owes (docs/domain/money.md): a person is woken, new money must wait.
    #[error("new funding in {0} is paused: nothing was charged; try again later")]
    CoverageShort(Currency),
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
    },
    /// A hold is open on the milestone or on its whole contract: no money moves there until it is lifted.
    #[error("the {what} is on hold since {} ({kind}): nothing is funded, approved or released until the hold is lifted", time(.since))]
    OnHold {
        /// `milestone` or `contract`.
        what: &'static str,
        /// What for.
        kind: String,
        /// Since when.
        since: Timestamp,
    },
    /// The contract cannot end while money is held or under way; what must be settled first.
    #[error("the contract cannot end before its money is settled: {}", .0.join("; "))]
    MoneyHeld(Vec<String>),
    /// The provider refused.
    #[error("{message}")]
    ProviderRefused {
        /// The provider's code.
        code: String,
        /// The provider's words.
        message: String,
    },
    /// Faults of the input.
    #[error("the input is invalid")]
    Invalid(Vec<FieldFault>),
    /// The permission is missing.
    #[error("{0}")]
    Denied(Denied),
    /// Nobody's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
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

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
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

impl DomainError for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound(_) => Kind::NotFound,
            Self::State { .. }
            | Self::PayeeNotActive
            | Self::SamePerson
            | Self::ApproverNotYet(_)
            | Self::HeldTooLong { .. }
            | Self::OnHold { .. }
            | Self::MoneyHeld(_) => Kind::Conflict,
            Self::CoverageShort(_) => Kind::Unavailable,
            Self::DocumentMismatch | Self::Invalid(_) | Self::ProviderRefused { .. } => Kind::Invalid,
            Self::Denied(_) => Kind::Forbidden,
            Self::Fault(fault) => DomainError::kind(fault),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "NOT_FOUND",
            Self::State { .. } => "STATE_CONFLICT",
            Self::DocumentMismatch => "DOCUMENT_MISMATCH",
            Self::PayeeNotActive => "PAYEE_NOT_ACTIVE",
            Self::SamePerson => "SAME_PERSON",
            Self::ApproverNotYet(_) => tenants_api::NotYet::CODE,
            Self::CoverageShort(_) => "COVERAGE_SHORT",
            Self::HeldTooLong { .. } => "HELD_TOO_LONG",
            Self::OnHold { .. } => "ON_HOLD",
            Self::MoneyHeld(_) => "MONEY_HELD",
            Self::ProviderRefused { .. } => "PROVIDER_REFUSED",
            Self::Invalid(_) => "INVALID",
            Self::Denied(_) => "PERMISSION_DENIED",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn fields(&self) -> Vec<FieldFault> {
        if let Self::Invalid(faults) = self { faults.clone() } else { Vec::new() }
    }

    fn current_state(&self) -> Option<String> {
        if let Self::State { state, .. } = self { Some(state.clone()) } else { None }
    }

    fn denied(&self) -> Option<&Denied> {
        if let Self::Denied(denied) = self { Some(denied) } else { None }
    }

    fn extra(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::HeldTooLong { milestone, since, .. } => {
                vec![("milestoneId", milestone.to_string()), ("heldSince", time(since))]
            }
            Self::OnHold { what, kind, since } => {
                vec![("holdOn", (*what).to_owned()), ("holdKind", kind.clone()), ("holdSince", time(since))]
            }
            Self::ApproverNotYet(why) => why.extra(),
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        // What is covered is added up anew once a minute.
        matches!(self, Self::CoverageShort(_)).then_some(Duration::from_secs(60))
    }

    fn fault(&self) -> Option<&Fault> {
        if let Self::Fault(fault) = self { Some(fault) } else { None }
    }
}

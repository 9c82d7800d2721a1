//! Why contracts and protected payments refuse.

use kernel::{Denied, DomainError, Fault, FieldFault, Kind};

use crate::ProviderError;

/// Why this domain refuses.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such thing here.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Its state does not allow it (domain.md §3: a transition not listed is refused).
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
    #[error("another person must do this")]
    SamePerson,
    /// A webhook whose signature does not hold.
    #[error("the webhook's signature does not hold: {0}")]
    BadSignature(&'static str),
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

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<ProviderError> for Error {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Refused { code, message } => Self::ProviderRefused { code, message },
            ProviderError::Unavailable(_) | ProviderError::Unknown(_) => Self::Fault(Fault::unavailable(error)),
            ProviderError::Unexpected(_) => Self::Fault(Fault::internal(error)),
        }
    }
}

impl DomainError for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound(_) => Kind::NotFound,
            Self::State { .. } | Self::PayeeNotActive | Self::SamePerson => Kind::Conflict,
            Self::DocumentMismatch | Self::Invalid(_) | Self::ProviderRefused { .. } => Kind::Invalid,
            Self::BadSignature(_) => Kind::Invalid,
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
            Self::BadSignature(_) => "BAD_SIGNATURE",
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

    fn fault(&self) -> Option<&Fault> {
        if let Self::Fault(fault) = self { Some(fault) } else { None }
    }
}

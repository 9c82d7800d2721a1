//! Why projects, units or schedules of quantities refuse.

use kernel::{Denied, DomainError, Fault, FieldFault, Kind};

/// Why this domain refuses.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such thing here.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// A unit's number is taken in its project.
    #[error("the project has a unit {0:?} already")]
    UnitNumberTaken(String),
    /// A tender of the project was published.
    #[error("a project cannot be deleted once a tender of it was published: archive it instead")]
    AlreadyTendered,
    /// The person is in the team already.
    #[error("this person is in the project's team already")]
    AlreadyInTeam,
    /// A project needs someone who runs it.
    #[error("a project needs a project owner: make another member of its team project owner first")]
    LastProjectOwner,
    /// The schedule is frozen.
    #[error("a frozen schedule of quantities does not change: make a new version of it")]
    SoqFrozen,
    /// Its state does not allow it, such as a draft where a frozen schedule is needed.
    #[error("the {what} is {state}: {hint}")]
    State {
        /// What it is.
        what: &'static str,
        /// Its state.
        state: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A newer version of the schedule is there already.
    #[error("version {version} follows this one already: change that, or delete it first")]
    SoqSuperseded {
        /// The newer version's number.
        version: u32,
    },
    /// Something of another domain that stays, such as a published tender, stands on the project.
    #[error("something that stays, such as a published tender, belongs to the project: archive it instead")]
    ProjectInUse,
    /// The project has schedules of quantities, whose amounts are in its currency.
    #[error("the currency of a project cannot change once it has a schedule of quantities")]
    CurrencyFixed,
    /// The schedule is used by a tender.
    #[error("the schedule of quantities is used by a tender")]
    SoqInUse,
    /// The representation changed since it was read.
    #[error("it changed since you read it: read it again")]
    Stale,
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

impl DomainError for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound(_) => Kind::NotFound,
            Self::UnitNumberTaken(_)
            | Self::AlreadyTendered
            | Self::AlreadyInTeam
            | Self::LastProjectOwner
            | Self::SoqFrozen
            | Self::State { .. }
            | Self::SoqSuperseded { .. }
            | Self::ProjectInUse
            | Self::CurrencyFixed
            | Self::SoqInUse => Kind::Conflict,
            Self::Stale => Kind::Stale,
            Self::Invalid(_) => Kind::Invalid,
            Self::Denied(_) => Kind::Forbidden,
            Self::Fault(fault) => DomainError::kind(fault),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "NOT_FOUND",
            Self::UnitNumberTaken(_) => "UNIT_NUMBER_TAKEN",
            Self::AlreadyTendered => "PROJECT_TENDERED",
            Self::AlreadyInTeam => "ALREADY_IN_TEAM",
            Self::LastProjectOwner => "LAST_PROJECT_OWNER",
            Self::SoqFrozen => "SOQ_FROZEN",
            Self::State { .. } => "STATE_CONFLICT",
            Self::SoqInUse => "SOQ_IN_USE",
            Self::SoqSuperseded { .. } => "SOQ_SUPERSEDED",
            Self::ProjectInUse => "PROJECT_IN_USE",
            Self::CurrencyFixed => "CURRENCY_FIXED",
            Self::Stale => "STALE",
            Self::Invalid(_) => "INVALID",
            Self::Denied(_) => "PERMISSION_DENIED",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn fields(&self) -> Vec<FieldFault> {
        if let Self::Invalid(faults) = self { faults.clone() } else { Vec::new() }
    }

    fn current_state(&self) -> Option<String> {
        match self {
            Self::SoqFrozen | Self::SoqSuperseded { .. } => Some("frozen".to_owned()),
            Self::State { state, .. } => Some((*state).to_owned()),
            Self::AlreadyTendered => Some("tendered".to_owned()),
            _ => None,
        }
    }

    fn denied(&self) -> Option<&Denied> {
        if let Self::Denied(denied) = self { Some(denied) } else { None }
    }

    fn fault(&self) -> Option<&Fault> {
        if let Self::Fault(fault) = self { Some(fault) } else { None }
    }
}

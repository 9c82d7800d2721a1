//! Why the domain of people refuses.

use kernel::{Denied, DomainError, Fault, FieldFault, Kind};

/// Why the domain of people refuses.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such person here.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The last owner cannot leave, be demoted or remove the account.
    #[error("an organisation needs an owner: make another member owner first")]
    LastOwner,
    /// The account is the last member of an organisation that others still count on: by what, in words.
    #[error("your organisation has no other member and is still bound by {}: settle that, or make somebody else its owner first", .0.join(", "))]
    OrganizationInUse(Vec<String>),
    /// The person is a member already.
    #[error("this person is a member already")]
    AlreadyMember,
    /// The email waits for an answer already.
    #[error("this email is invited already: withdraw that invitation to send another")]
    AlreadyInvited,
    /// The representation changed since it was read.
    #[error("the resource changed since you read it: read it again and repeat the change")]
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

impl From<tenants_api::Error> for Error {
    fn from(error: tenants_api::Error) -> Self {
        use tenants_api::Error as Theirs;
        match error {
            Theirs::NotFound(what) => Self::NotFound(what),
            Theirs::LastOwner => Self::LastOwner,
            Theirs::AlreadyMember => Self::AlreadyMember,
            Theirs::Stale => Self::Stale,
            Theirs::Invalid(faults) => Self::Invalid(faults),
            Theirs::Denied(denied) => Self::Denied(denied),
            Theirs::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl DomainError for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound(_) => Kind::NotFound,
            Self::LastOwner | Self::OrganizationInUse(_) | Self::AlreadyMember | Self::AlreadyInvited => Kind::Conflict,
            Self::Stale => Kind::Stale,
            Self::Invalid(_) => Kind::Invalid,
            Self::Denied(_) => Kind::Forbidden,
            Self::Fault(fault) => DomainError::kind(fault),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "NOT_FOUND",
            Self::LastOwner => "LAST_OWNER",
            Self::OrganizationInUse(_) => "ORGANIZATION_IN_USE",
            Self::AlreadyMember => "ALREADY_MEMBER",
            Self::AlreadyInvited => "ALREADY_INVITED",
            Self::Stale => "PRECONDITION_FAILED",
            Self::Invalid(_) => "INVALID",
            Self::Denied(_) => "PERMISSION_DENIED",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn fields(&self) -> Vec<FieldFault> {
        if let Self::Invalid(faults) = self { faults.clone() } else { Vec::new() }
    }

    fn denied(&self) -> Option<&Denied> {
        if let Self::Denied(denied) = self { Some(denied) } else { None }
    }

    fn fault(&self) -> Option<&Fault> {
        if let Self::Fault(fault) = self { Some(fault) } else { None }
    }
}

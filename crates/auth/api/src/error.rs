//! Why authentication or authorisation refuses.

use std::time::Duration;

use kernel::{Denied, DomainError, Fault, FieldFault, Kind, Spent};

/// Why authentication or authorisation refuses.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No token, or not a live one.
    #[error("sign in first: send `Authorization: Bearer <accessToken>` or the session cookie")]
    NotAuthenticated,
    /// Email or password is wrong; which one is not told.
    #[error("the email or the password is wrong")]
    WrongCredentials,
    /// The email, or one that nobody tells apart from it, belongs to an account already.
    #[error("an account with this email, or with one that looks the same, exists already: sign in instead")]
    EmailTaken,
    /// The person is not a member of the organisation.
    #[error("you are not a member of that organisation")]
    NotAMember,
    /// Faults of the input.
    #[error("the input is invalid")]
    Invalid(Vec<FieldFault>),
    /// The permission is missing.
    #[error("{0}")]
    Denied(Denied),
    /// No live session of the person has this id.
    #[error("you have no such live session")]
    NoSuchSession,
    /// So many passwords wait to be checked that another would wait too long: for about this time.
    #[error("too many sign-ins are under way: try again after Retry-After seconds")]
    Busy(Duration),
    /// Too many passwords were tried for one email, whether it is known or not.
    #[error("too many sign-ins with this email: try again after Retry-After seconds")]
    TooManyAttempts(Spent),
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
            Self::NotAuthenticated | Self::WrongCredentials => Kind::Unauthenticated,
            Self::EmailTaken => Kind::Conflict,
            Self::NotAMember | Self::NoSuchSession => Kind::NotFound,
            Self::Invalid(_) => Kind::Invalid,
            Self::Denied(_) => Kind::Forbidden,
            Self::Busy(_) => Kind::Unavailable,
            Self::TooManyAttempts(_) => Kind::TooMany,
            Self::Fault(fault) => DomainError::kind(fault),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotAuthenticated => "NOT_AUTHENTICATED",
            Self::WrongCredentials => "WRONG_CREDENTIALS",
            Self::EmailTaken => "EMAIL_TAKEN",
            Self::NotAMember | Self::NoSuchSession => "NOT_FOUND",
            Self::Invalid(_) => "INVALID",
            Self::Denied(_) => "PERMISSION_DENIED",
            Self::Busy(_) => "UNAVAILABLE",
            Self::TooManyAttempts(_) => "RATE_LIMITED",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn fields(&self) -> Vec<FieldFault> {
        if let Self::Invalid(faults) = self { faults.clone() } else { Vec::new() }
    }

    fn denied(&self) -> Option<&Denied> {
        if let Self::Denied(denied) = self { Some(denied) } else { None }
    }

    fn retry_after(&self) -> Option<Duration> {
        if let Self::Busy(wait) = self { Some(*wait) } else { None }
    }

    fn spent(&self) -> Option<Spent> {
        if let Self::TooManyAttempts(spent) = self { Some(*spent) } else { None }
    }

    fn fault(&self) -> Option<&Fault> {
        if let Self::Fault(fault) = self { Some(fault) } else { None }
    }
}

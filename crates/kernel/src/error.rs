//! The two kinds of error: a domain error, which the caller can act on, and a fault, which is nobody's.

use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use crate::{Answer, Permission};

/// What a domain error means to whoever asked. `web` alone maps it to a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Who are you? (401)
    Unauthenticated,
    /// Known, but not permitted. (403)
    Forbidden,
    /// Absent, or another tenant's: never told apart. (404)
    NotFound,
    /// The state does not allow it. (409)
    Conflict,
    /// The representation changed since the caller read it. (412)
    Stale,
    /// Understood, but wrong in itself. (422)
    Invalid,
    /// Too often. (429)
    TooMany,
    /// Something we need does not answer; try again. (503)
    Unavailable,
    /// Ours to mend; nothing about it is shown. (500)
    Internal,
}

/// The most faults that one answer tells: what is wrong in thousands of places is told so for the first hundred.
pub const MOST_FAULTS: usize = 100;

/// A fault of one field of the input, found by a rule of the domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// JSON pointer (RFC 6901) into the request's body, such as `/units/0/floors`.
    pub pointer: String,
    /// Stable code, SCREAMING_SNAKE.
    pub code: &'static str,
    /// What is wrong and what would be right.
    pub detail: String,
}

impl FieldFault {
    /// A fault at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into() }
    }
}

/// A refused permission, to be told to the caller and written to the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// What was missing.
    pub permission: Permission,
    /// The project it was asked for, if it was asked for one.
    pub project: Option<crate::ProjectId>,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the permission {} is missing", self.permission)
    }
}

/// What every error enum of an api crate answers about itself.
pub trait DomainError: StdError + Send + Sync + 'static {
    /// What it means to the caller.
    fn kind(&self) -> Kind;

    /// Its stable, unique code, SCREAMING_SNAKE (docs/API.md).
    fn code(&self) -> &'static str;

    /// The faults of single fields, all at once.
    fn fields(&self) -> Vec<FieldFault> {
        Vec::new()
    }

    /// For a conflict: the state that is in the way.
    fn current_state(&self) -> Option<String> {
        None
    }

    /// For a refusal: what was missing.
    fn denied(&self) -> Option<&Denied> {
        None
    }

    /// Further members of the problem body, such as `deadline` and `serverTime`.
    fn extra(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// When asking again can help, if that is known better than 'in a moment'. For [`Kind::Unavailable`].
    fn retry_after(&self) -> Option<Duration> {
        None
    }

    /// Which limit was spent. For [`Kind::TooMany`].
    fn spent(&self) -> Option<Spent> {
        None
    }

    /// The fault inside, if this is the enum's wrapper of one.
    fn fault(&self) -> Option<&Fault> {
        None
    }
}

/// A limit that a caller has spent: what it allows, and when it allows more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// Its name, such as `attempts`.
    pub limit: &'static str,
    /// So many requests …
    pub requests: u32,
    /// … in so many seconds.
    pub seconds: u32,
    /// How long until the next.
    pub wait: Duration,
}

/// What sort of fault it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// A bug or a broken machine: 500.
    Internal,
    /// A dependency is down or overloaded, or the transaction lost a race: 503, try again.
    Unavailable,
    /// The idempotency key was used before for the same request: this is its answer.
    Replayed(Answer),
    /// The idempotency key is being used by a request that is still running: 409.
    InFlight,
    /// The idempotency key was used for another request: 422.
    KeyReused,
    /// What the permission allows wants a natural person here, and an API key asks: 403.
    PersonRequired(Permission),
    /// What is asked for wants a fresh proof of who the person is, and theirs is too old: 403.
    StepUpRequired,
}

/// What is nobody's fault that could act on it: logged with its source and location, never shown.
#[derive(Debug)]
pub struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: FaultKind,
    source: Box<dyn StdError + Send + Sync>,
    location: &'static Location<'static>,
}

impl Fault {
    /// A fault of `kind`.
    #[track_caller]
    pub fn new(kind: FaultKind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Box::new(Inner { kind, source: source.into(), location: Location::caller() }))
    }

    /// A bug or a broken machine.
    #[track_caller]
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(FaultKind::Internal, source)
    }

    /// Something we need does not answer.
    #[track_caller]
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(FaultKind::Unavailable, source)
    }

    /// What sort of fault it is.
    #[must_use]
    pub fn kind(&self) -> &FaultKind {
        &self.0.kind
    }

    /// Where it was noticed.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.0.location
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A constructor that is passed on, as to `map_err`, is called by the standard library: that place tells nobody anything.
        if self.0.location.file().starts_with('/') {
            return write!(f, "{}", self.0.source);
        }
        write!(f, "{} (noticed at {})", self.0.source, self.0.location)
    }
}

impl StdError for Fault {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0.source)
    }
}

impl DomainError for Fault {
    fn kind(&self) -> Kind {
        match self.0.kind {
            FaultKind::Internal | FaultKind::Replayed(_) => Kind::Internal,
            FaultKind::Unavailable => Kind::Unavailable,
            FaultKind::InFlight => Kind::Conflict,
            FaultKind::KeyReused => Kind::Invalid,
            FaultKind::PersonRequired(_) | FaultKind::StepUpRequired => Kind::Forbidden,
        }
    }

    fn code(&self) -> &'static str {
        match self.0.kind {
            FaultKind::Internal | FaultKind::Replayed(_) => "INTERNAL",
            FaultKind::Unavailable => "UNAVAILABLE",
            FaultKind::InFlight => "IDEMPOTENCY_KEY_IN_FLIGHT",
            FaultKind::KeyReused => "IDEMPOTENCY_KEY_REUSED",
            FaultKind::PersonRequired(_) => "PERSON_REQUIRED",
            FaultKind::StepUpRequired => "STEP_UP_REQUIRED",
        }
    }

    fn fault(&self) -> Option<&Fault> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Fault;

    #[test]
    fn a_fault_names_a_place_of_ours_and_none_of_the_standard_library() {
        let here = Fault::internal("gone").to_string();
        assert!(here.starts_with("gone (noticed at ") && here.contains("error.rs:"), "{here}");
        let gone: Result<(), &str> = Err("gone");
        assert_eq!(gone.map_err(Fault::internal).expect_err("it is one").to_string(), "gone");
    }
}

//! From diesel's errors to faults and, where a named constraint or a missing row means something, to domain errors.

use diesel::result::{DatabaseErrorKind, Error};
use kernel::{Fault, FaultKind};

/// What the driver says, in the only language it has, when the connection is gone.
const GONE: [&str; 2] = ["connection closed", "error communicating with the server"];

/// The fault that a database error is. Races that PostgreSQL resolved against us, time-outs and lost connections are worth another
/// try (503): their SQLSTATE is read on the wire and told to diesel as a serialization failure (`wire`). Anything else is a bug (500).
#[track_caller]
#[must_use]
pub fn fault_of(error: Error) -> Fault {
    let transient = match &error {
        Error::DatabaseError(DatabaseErrorKind::SerializationFailure | DatabaseErrorKind::ClosedConnection, _)
        | Error::BrokenTransactionManager => true,
        Error::DatabaseError(DatabaseErrorKind::UnableToSendCommand, information) => {
            GONE.iter().any(|known| information.message().starts_with(known))
        }
        _ => false,
    };
    Fault::new(if transient { FaultKind::Unavailable } else { FaultKind::Internal }, error)
}

/// What call sites say about the result of a statement.
pub trait DbResult<T>: Sized {
    /// Any error is a fault.
    ///
    /// # Errors
    /// The fault.
    fn fault(self) -> Result<T, Fault>;

    /// A missing row means `absent`, any other error is a fault.
    ///
    /// # Errors
    /// `absent`, or the fault.
    fn not_found<E: From<Fault>>(self, absent: impl FnOnce() -> E) -> Result<T, E>;

    /// A violation of the constraint (or unique index) `name` means `meaning`, any other error is a fault.
    ///
    /// # Errors
    /// `meaning`, or the fault.
    fn on_constraint<E: From<Fault>>(self, name: &str, meaning: impl FnOnce() -> E) -> Result<T, E>;
}

impl<T> DbResult<T> for Result<T, Error> {
    #[track_caller]
    fn fault(self) -> Result<T, Fault> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(fault_of(error)),
        }
    }

    #[track_caller]
    fn not_found<E: From<Fault>>(self, absent: impl FnOnce() -> E) -> Result<T, E> {
        match self {
            Ok(value) => Ok(value),
            Err(Error::NotFound) => Err(absent()),
            Err(error) => Err(fault_of(error).into()),
        }
    }

    #[track_caller]
    fn on_constraint<E: From<Fault>>(self, name: &str, meaning: impl FnOnce() -> E) -> Result<T, E> {
        match self {
            Ok(value) => Ok(value),
            Err(Error::DatabaseError(_, information)) if information.constraint_name() == Some(name) => Err(meaning()),
            Err(error) => Err(fault_of(error).into()),
        }
    }
}

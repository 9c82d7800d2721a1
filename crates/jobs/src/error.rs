//! What can go wrong with the worker itself, as opposed to the work.

use graphile_worker_database::DbError;
use graphile_worker_queries::errors::GraphileWorkerError;
use kernel::Fault;

/// Why the worker cannot do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused a statement.
    #[error("the queue's database: {0}")]
    Connection(#[from] tokio_postgres::Error),
    /// There is no session with the database.
    #[error("the queue's database: {0}")]
    Connect(#[from] db::ConnectError),
    /// The pool of the queue's connections cannot be made.
    #[error("the queue's pool: {0}")]
    Pool(#[from] deadpool_postgres::BuildError),
    /// A statement of the queue failed.
    #[error("the queue: {0}")]
    Queue(#[from] GraphileWorkerError),
    /// A statement of the queue was not answered.
    #[error("the queue's database does not answer")]
    TimedOut,
    /// The queue's own schema cannot be brought up to date.
    #[error("the queue's schema cannot be migrated: {0}")]
    Migrate(String),
    /// A fault of the unit of work.
    #[error("{0}")]
    Fault(#[from] Fault),
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        Self::Queue(error.into())
    }
}

impl From<Error> for Fault {
    #[track_caller]
    fn from(error: Error) -> Self {
        match error {
            Error::Fault(fault) => fault,
            other => Self::unavailable(other),
        }
    }
}

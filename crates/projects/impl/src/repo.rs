//! SQL of this domain: functions on `&mut Tx` or `&ReadTx<'_>`. Each names the organisation, which is the way to its shard; row-level security
//! keeps them inside the transaction's tenant, whatever they name.

pub(crate) mod exports;
pub(crate) mod project;
pub(crate) mod soq;
pub(crate) mod soq_lines;
pub(crate) mod team;
pub(crate) mod unit;

use diesel::result::{DatabaseErrorKind, Error as Diesel};
use kernel::{ProjectId, ProjectRole, UserId};
use projects_api::Error;

/// The projects that a list is of.
pub(crate) enum Teams<'a> {
    /// Every one of the organisation.
    All,
    /// These.
    Few(Vec<ProjectId>),
    /// Those in whose team this person has one of these roles.
    Many(UserId, &'a [ProjectRole]),
}

/// A row that another domain still refers to means `meaning`, any other error is a fault.
pub(crate) fn referred_to<T>(result: Result<T, Diesel>, meaning: Error) -> Result<T, Error> {
    match result {
        Err(Diesel::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => Err(meaning),
        other => db::DbResult::fault(other).map_err(Error::from),
    }
}

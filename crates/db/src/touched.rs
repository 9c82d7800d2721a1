//! When a row was changed: the server's clock, read beforehand and bound.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{Fault, Timestamp};
use uow::{ReadTx, Tx};

use crate::{DbResult, Pg, PgRead};

mod functions {
    //! A function of the database as an expression: a statement with it is kept prepared, unlike one with a literal of SQL.
    #![allow(missing_docs)]

    #[diesel::declare_sql_function]
    extern "SQL" {
        /// The server's clock, which moves within a transaction.
        fn clock_timestamp() -> diesel::sql_types::Timestamptz;
    }
}

/// The instant to note on a row that is changed now, as its `updated_at`, `decided_at`, `voided_at` and the like. Not `now()`, the transaction's
/// beginning: it may have waited for the row's lock, and what tells the last change never goes back, nor is it the same for two changes of
/// one transaction. To be bound: what a distributed engine would compute once per shard it refuses (decision 34).
///
/// # Errors
/// A fault of the database.
pub async fn touched(tx: &mut Tx) -> Result<Timestamp, Fault> {
    clock(tx.pg()).await
}

/// The same clock, for a transaction that only reads: to be compared with what [`touched`] noted.
///
/// # Errors
/// A fault of the database.
pub async fn instant(tx: &ReadTx<'_>) -> Result<Timestamp, Fault> {
    clock(tx.pg()).await
}

pub(crate) async fn clock(mut connection: &AsyncPgConnection) -> Result<Timestamp, Fault> {
    diesel::select(functions::clock_timestamp()).get_result(&mut connection).await.fault()
}

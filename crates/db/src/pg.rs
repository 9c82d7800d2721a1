//! The way from a transaction to its connection, for `impl` crates alone.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{Fault, Timestamp};
use uow::{ReadTx, Tx};

use crate::DbResult;
use crate::read::Reading;
use crate::write::WriteTx;

/// `tx.pg()`: the connection inside a writing transaction.
pub trait Pg {
    /// The connection on which the transaction runs.
    fn pg(&mut self) -> &mut AsyncPgConnection;
}

impl Pg for Tx {
    fn pg(&mut self) -> &mut AsyncPgConnection {
        match self.backend_any().downcast_mut::<WriteTx>() {
            Some(tx) => tx.connection(),
            None => unreachable!("only `db` implements TxBackend"),
        }
    }
}

/// `&mut tx.pg()`: the connection inside a reading transaction; shared, so that queries polled together are pipelined.
pub trait PgRead<'a> {
    /// The connection on which the transaction runs.
    fn pg(&self) -> &'a AsyncPgConnection;
}

impl<'a> PgRead<'a> for ReadTx<'a> {
    fn pg(&self) -> &'a AsyncPgConnection {
        match self.backend_any().downcast_ref::<Reading>() {
            Some(reading) => reading.connection(),
            None => unreachable!("only `db` implements ReadBackend"),
        }
    }
}

mod functions {
    //! A function of the database as an expression: a statement with it is kept prepared, unlike one with a literal of SQL.
    #![allow(missing_docs)]

    #[diesel::declare_sql_function]
    extern "SQL" {
        /// The server's clock, which moves within a transaction.
        fn clock_timestamp() -> diesel::sql_types::Timestamptz;
    }
}

/// The instant by the server's clock, for a row that is changed now. Not `now()`, the transaction's beginning: it may have waited for the
/// row's lock, and what tells the last change never goes back. To be bound: what a distributed engine would compute once per shard it
/// refuses (decision 34).
///
/// # Errors
/// A fault of the database.
pub async fn instant(tx: &mut Tx) -> Result<Timestamp, Fault> {
    diesel::select(functions::clock_timestamp()).get_result(tx.pg()).await.fault()
}

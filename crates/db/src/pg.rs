//! The way from a transaction to its connection, for `impl` crates alone.

use diesel_async::AsyncPgConnection;
use uow::{ReadTx, Tx};

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

//! The server's clock, which moves within a transaction.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{Fault, Timestamp};

use crate::error::DbResult;

mod functions {
    //! A function of the database as an expression: a statement with it is kept prepared, unlike one with a literal of SQL.
    #![allow(missing_docs)]

    #[diesel::declare_sql_function]
    extern "SQL" {
        /// The server's clock.
        fn clock_timestamp() -> diesel::sql_types::Timestamptz;
    }
}

/// What it shows now.
pub(crate) async fn read(mut connection: &AsyncPgConnection) -> Result<Timestamp, Fault> {
    diesel::select(functions::clock_timestamp()).get_result(&mut connection).await.fault()
}

//! SQL. What reads takes a connection, so that reading and writing transactions share it; what writes takes the transaction.

pub mod awards;
pub mod bids;
pub mod drafts;
pub mod exports;
pub mod platform;
pub mod rotation;
pub mod tenders;
pub mod ties;

use db::prelude::*;
use diesel_async::AsyncPgConnection;
use kernel::{Fault, Timestamp};

use crate::model::merkle::Hash;

/// A connection inside a transaction.
pub type Conn = AsyncPgConnection;

mod functions {
    //! Functions of the database, as expressions. Not SQL literals: a statement with one is never kept prepared, and `Uow::read_one`
    //! would send what ends the transaction ahead of it.
    #![allow(missing_docs)]

    #[diesel::declare_sql_function]
    extern "SQL" {
        /// The clock that decides deadlines.
        #[sql_name = "app.now"]
        fn clock() -> diesel::sql_types::Timestamptz;
    }
}

pub use functions::clock;

/// The clock that decides deadlines.
pub async fn now(mut conn: &Conn) -> Result<Timestamp, Fault> {
    diesel::select(clock()).get_result(&mut conn).await.fault()
}

/// A hash column.
fn hash(bytes: &[u8]) -> Result<Hash, Fault> {
    bytes.try_into().map_err(Fault::internal)
}

fn hashes(rows: &[Vec<u8>]) -> Result<Vec<Hash>, Fault> {
    rows.iter().map(|row| hash(row)).collect()
}

fn number(value: i32) -> u32 {
    u32::try_from(value).unwrap_or_default()
}

fn signed(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use diesel::prelude::*;
    use kernel::{PageRequest, Position};

    use crate::schema::bids;

    #[test]
    fn the_cursor_bounds_the_index_scan() {
        let after = Some(Position { created_at: kernel::Timestamp::UNIX_EPOCH, id: uuid::Uuid::nil() });
        let page = PageRequest { after, ..PageRequest::first(20) };
        let query = db::after!(bids::table.select(bids::id).into_boxed::<diesel::pg::Pg>(), page, bids::created_at, bids::id);
        let sql = diesel::debug_query::<diesel::pg::Pg, _>(&query).to_string();
        let expected = r#"WHERE (("bids"."created_at" <= $1) AND (("bids"."created_at" < $2) OR ("bids"."id" < $3)))"#;
        assert!(sql.contains(expected), "{sql}");
    }
}

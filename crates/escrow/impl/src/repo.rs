//! SQL of this crate. What either party gives an id of is found by it (each `row`): row-level security shows those of the two parties and nobody
//! else's. Everything after that names the owner's organisation too, which is the way to its shard.

pub(crate) mod contracts;
pub(crate) mod coverage;
pub(crate) mod doctor;
pub(crate) mod exports;
pub(crate) mod held;
pub(crate) mod holds;
pub(crate) mod incidents;
pub(crate) mod ledger;
pub(crate) mod losses;
pub(crate) mod milestones;
pub(crate) mod openings;
pub(crate) mod parties;
pub(crate) mod payees;
pub(crate) mod payments;
pub(crate) mod refund_orders;
pub(crate) mod releases;
pub(crate) mod replacements;
mod rows;
pub(crate) mod statement;
pub(crate) mod sweep;
pub(crate) mod terminations;
pub(crate) mod whose;

use diesel_async::AsyncPgConnection;
use kernel::{Fault, Timestamp};
use uow::Tx;

/// A connection to read from, whether the transaction writes or not.
pub(crate) type Reader<'a> = &'a AsyncPgConnection;

/// The reading side of a writing transaction.
pub(crate) fn reader(tx: &mut Tx) -> Reader<'_> {
    db::Pg::pg(tx)
}

pub(crate) fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

#[derive(diesel::QueryableByName)]
struct Now {
    #[diesel(sql_type = diesel::sql_types::Timestamptz)]
    now: Timestamp,
}

/// The clock that decides deadlines.
pub(crate) async fn now(tx: &mut Tx) -> Result<Timestamp, Fault> {
    use db::prelude::*;
    let row: Now = diesel::sql_query("select app.now() as now").get_result(tx.pg()).await.fault()?;
    Ok(row.now)
}

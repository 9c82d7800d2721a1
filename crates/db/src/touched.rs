//! When a row was changed: the server's clock, read beforehand and bound.

use kernel::{Fault, Timestamp};
use uow::{ReadTx, Tx};

use crate::clock;
use crate::pg::{Pg, PgRead};

/// The instant to note on a row that is changed now, as its `updated_at`, `decided_at`, `voided_at` and the like. Not `now()`, the transaction's
/// beginning: it may have waited for the row's lock, and what tells the last change never goes back, nor is it the same for two changes of
/// one transaction. To be bound: what a distributed engine would compute once per shard it refuses (decision 34).
///
/// # Errors
/// A fault of the database.
pub async fn touched(tx: &mut Tx) -> Result<Timestamp, Fault> {
    clock::read(tx.pg()).await
}

/// The same clock, for a transaction that only reads: to be compared with what [`touched`] noted.
///
/// # Errors
/// A fault of the database.
pub async fn instant(tx: &ReadTx<'_>) -> Result<Timestamp, Fault> {
    clock::read(tx.pg()).await
}

//! The unit of work as the domains see it: `Uow` opens a transaction for a tenant, `Tx` is one that is open.
//!
//! Invariants, each with a test in `crates/db/tests`:
//! - No `Ctx`, no query: there is no way to the database around [`Uow`] and [`SystemUow`].
//! - A transaction never opens inside another one, and nobody calls out to another system inside one ([`forbid_in_transaction`]).
//! - What a transaction did is committed whole or not at all: its rows, its events ([`Tx::publish`]), its jobs ([`Tx::enqueue`]), its
//!   alarms ([`Tx::alarm`]), and the stored answer of its idempotency key.
//!
//! No SQL and no diesel here: only `db` can look into a `Tx` (its extension traits give `tx.pg()` to the `impl` crates).

mod alarm;
mod backend;
mod event;
mod guard;
mod tx;
mod unit;

pub use alarm::{Alarm, SeenAlarm};
pub use backend::{Claim, Database, ReadBackend, TxBackend};
pub use event::{DomainEvent, EventId, Job, NewEvent, Task};
pub use guard::forbid_in_transaction;
pub use tx::{ReadTx, Tx};
pub use unit::{SystemUow, Uow};

//! PostgreSQL behind the unit of work. The only crate that can look into a `Tx`, and only `impl` crates may depend on it.
//!
//! Invariants:
//! - The pool is private: there is no query without a context ([`Postgres`] hands out transactions only).
//! - The tenant is entered with `SET LOCAL` and typed ids, in the same flush as `BEGIN`.
//! - A transaction that is dropped half-way loses its connection, so its locks are free at once.
//! - A transaction in which a statement failed does not commit, even if the error was swallowed.
//! - No setting, role, cursor or channel outlives its transaction: what ends it resets the session, in the same round trip.
//! - What only the program may write carries its proof ([`Voucher`]).
//!
//! Tables owned: `outbox`, `outbox_handled`, `idempotency_keys`, `alarms`, `app.clock`.

mod after;
mod alarms;
mod catalogue;
mod clock;
mod connect;
mod connection;
mod error;
mod exported;
mod idempotency;
mod listen;
mod migrate;
mod money;
mod named;
mod patience;
mod pg;
mod pool;
mod raising;
mod read;
mod role;
mod schema;
mod settings;
mod tenant;
mod touched;
mod vouch;
mod wire;
mod write;

pub use alarms::{AlarmRow, Settled, alarming, alarms, open_alarms_by_kind, settle_alarm, settled_alarms};
pub use catalogue::{Sight, answers, moved_clock, sight, unprotected_tables};
pub use connect::{ConnectError, Messages, client_config, connect, tls};
pub use error::{DbResult, fault_of};
pub use exported::exported;
pub use listen::{Hearing, Signal, listen};
pub use migrate::{MigrateError, SchemaState, bootstrap, migrate, migrate_with, pending_migrations, revert_all, schema_state};
pub use money::{currency, money};
pub use named::named;
pub use patience::Patience;
pub use pg::{Pg, PgRead};
pub use pool::{Postgres, check_capacity};
pub use role::{Identity, Role, exposures_of, refusal, who};
pub use settings::{PoolSettings, Sharing};
pub use touched::{instant, touched};
pub use vouch::Voucher;

/// What a repository module needs, in one line.
pub mod prelude {
    pub use crate::{DbResult, Pg, PgRead};
    pub use diesel::prelude::*;
    pub use diesel_async::RunQueryDsl;
    pub use uow::{ReadTx, Tx};
}

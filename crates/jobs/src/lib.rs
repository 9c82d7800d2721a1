//! The worker: jobs with retries, domain events relayed in order, periodic sweeps.
//!
//! What a transaction leaves behind ([`uow::Tx::enqueue`], [`uow::Tx::publish`]) is done here, at least once, after its commit.
//! Handlers are put into a [`Registry`]; a [`Worker`] runs them beside a server or alone; [`run_until_idle`] does the same in tests, one
//! by one.
//!
//! Invariants:
//! - A job is kept until its handler returned `Ok`; one that used up its attempts stays as a dead job ([`dead_jobs`]), never vanishes,
//!   and raises an alarm, as does an event that does not get through.
//! - What a killed worker held runs again at once: a worker is alive exactly as long as its session holds its advisory lock, and the others
//!   give back the jobs of those that are not.
//! - Events of one aggregate are delivered one after another in the order of `outbox.seq`, whatever fails and however many relays run; an
//!   aggregate whose event fails holds up no other. No transaction is open while a subscriber runs: a relay claims by a short lease.
//!   (`seq` is given when an event is published: whoever publishes holds the aggregate's row lock, so that it is the order of the
//!   commits too.)
//! - Only the platform's role touches the queue's tables; a handler acts as the tenant that the envelope names. A tenant adds what some program
//!   does ([`announce()`]), of bounded size, and in its turn.
//!
//! Tables owned: `job_retries`, `app.job_tasks`. The schema `graphile_worker` (made by [`install()`]) is the queue's; `outbox`, `outbox_handled` and `idempotency_keys` belong to `db`.

mod alarms;
mod announce;
mod dead;
mod error;
mod execute;
mod housekeeping;
mod idle;
mod inspect;
mod install;
mod once;
mod outbox;
mod presence;
mod queue;
mod registry;
mod relay;
mod settings;
mod shared;
mod slots;
mod sweep;
mod worker;

pub use alarms::watch as watch_alarms;
pub use announce::announce;
pub use dead::{ListedJob, Retried, Which, list, retry_in};
pub use error::Error;
pub use idle::{Execution, run_sweep, run_until_idle};
pub use inspect::{DeadJob, Pending, StuckEvent, dead_jobs, make_due, pending, stuck_events};
pub use install::install;
pub use once::once;
pub use registry::{JobCtx, Registry};
pub use settings::Settings;
pub use worker::{Health, Monitor, Worker};

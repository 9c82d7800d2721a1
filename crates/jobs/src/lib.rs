//! The worker: jobs, the outbox relay, dead jobs.
mod error;
mod install;
pub use error::Error;
pub use install::install;

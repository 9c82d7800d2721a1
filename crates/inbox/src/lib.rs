//! The inbox of the payment provider's events: the endpoint that takes them in, and the jobs in which domains hear them.
//!
//! A delivery is verified, kept once and answered; for every subscriber of its kind a job is left in the same transaction. What a domain does
//! about an event is its own: it fetches the object and applies it as a state.
//!
//! Invariants:
//! - An event is kept once, however often it is delivered, and answered when it is kept.
//! - Every subscriber hears it at least once, in its own job: what fails is tried again for that one alone.
//! - It is done when nobody waits for it any more; at once if nobody hears its kind, or if it is of the other mode.
//! - What a lost job left waiting the sweep hands out again.
//! - No payload is kept, and nothing in an event is believed.
//!
//! Tables owned: `webhook_events`.

mod http;
mod module;
mod repo;
mod schema;
mod service;
mod tasks;

pub use module::MODULE;
pub use service::{Dependencies, Error, Service};

//! A stateful emulator of the part of Stripe's HTTP API that 14Build uses.
//!
//! It listens on a socket, so that the product talks to it exactly as it talks to Stripe: same paths, same form encoding,
//! same errors, signed webhooks, idempotency keys that replay failures. Besides, `/_sandbox/…` controls what Stripe does not
//! let anybody control: the clock, faults, the order of webhooks, onboarding.
//!
//! The rooms, each of which uses only those below it:
//!
//! - `sandbox` is the handle that a host holds; `config` what it is started with.
//! - `http` touches sockets: the server, the way of a request to `/v1/…`, the worker that posts webhooks.
//! - `control` is `/_sandbox/…`: faults, the log of requests, the pages that people would see.
//! - `objects` are Stripe's: what each operation accepts and does, and what time brings.
//! - `webhooks` knows who is told about events, and queues what is to be posted.
//! - `world` is what there is: tables, journal, clock, what is to happen later.
//! - `protocol` is how Stripe is asked and answers: forms, parameters, pages, errors.
//!
//! A request crosses, in this order: `http::server` (socket) → `http::api` (key, fault, idempotency) → `http::routes` (which
//! handler, which parameters) → one module of `objects` (what happens) → `objects::expand` (what is answered). All of it runs
//! under one lock and is written to the journal of `world::store` before the answer leaves, so a killed host loses nothing
//! that was answered.
//!
//! Architecture invariant: no object knows HTTP, the journal, or the delivery of webhooks.

// The objects of Stripe's API are wide: `json!` recurses once for each of their fields.
#![recursion_limit = "256"]

mod config;
mod control;
mod http;
mod objects;
mod protocol;
mod sandbox;
mod webhooks;
mod world;

pub use config::{Config, Endpoint, EndpointKind, StartError};
pub use control::faults::{Fault, FaultKind, FaultMatch};
pub use control::request_log::RequestRecord;
pub use sandbox::Sandbox;
pub use webhooks::queue::FlushOrder;
pub use webhooks::signature::sign;
pub use world::deliveries::DeliveryMode;

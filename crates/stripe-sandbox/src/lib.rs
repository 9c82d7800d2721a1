//! A stateful emulator of the part of Stripe's HTTP API that 14Build uses.
//!
//! It listens on a socket, so that the product talks to it exactly as it talks to Stripe: same paths, same form encoding,
//! same errors, signed webhooks, idempotency keys that replay failures. Besides, `/_sandbox/…` controls what Stripe does not
//! let anybody control: the clock, faults, the order of webhooks, onboarding.
//!
//! A request crosses, in this order: `server` (socket) → `api` (key, fault, idempotency) → `routes` (which handler,
//! which parameters) → one resource module (what happens) → `expand` (what is answered). All of it runs under one lock and
//! is written to the `store`'s journal before the answer leaves, so a killed host loses nothing that was answered.
//!
//! Architecture invariant: no resource module knows HTTP, the journal, or the delivery of webhooks.

// The objects of Stripe's API are wide: `json!` recurses once for each of their fields.
#![recursion_limit = "256"]

mod account_links;
mod accounts;
mod api;
mod auth;
mod authentication;
mod balance;
mod capabilities;
mod charges;
mod clock;
mod config;
mod control;
mod disputes;
mod early_fraud_warnings;
mod errors;
mod events;
mod expand;
mod faults;
mod form;
mod idempotency;
mod ids;
mod list;
mod metadata;
mod money;
mod onboarding;
mod params;
mod payment_attempts;
mod payment_intents;
mod payment_methods;
mod payouts;
mod refunds;
mod request_log;
mod reversals;
mod reviews;
mod routes;
mod sandbox;
mod schedule;
mod server;
mod signature;
mod state;
mod store;
mod topups;
mod transfers;
mod webhook_delivery;
mod webhook_endpoints;
mod webhooks;

pub use config::{Config, Endpoint, EndpointKind, StartError};
pub use faults::{Fault, FaultKind, FaultMatch};
pub use request_log::RequestRecord;
pub use sandbox::Sandbox;
pub use signature::sign;
pub use webhooks::{DeliveryMode, FlushOrder};

//! The sandbox, driven over a socket: with plain HTTP as any client would, and with async-stripe as the product does.

#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod control;
mod destination_charges;
mod faults;
mod idempotency;
mod onboarding;
mod payments;
mod protocol;
mod refunds;
mod restart;
mod sdk;
mod transfers;
mod webhooks;
mod world;

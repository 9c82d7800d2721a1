//! The trail against PostgreSQL: chains under concurrency, tampering, and who sees what.
#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod chain;
mod isolation;
mod scenery;
mod signed;
mod tampering;

//! The trail against PostgreSQL: chains under concurrency, tampering, and who sees what.

mod chain;
mod isolation;
mod scenery;
mod tampering;

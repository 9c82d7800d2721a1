//! The rules that keep transactions and tenants honest (docs/ARCHITECTURE.md), each shown by a test that fails without it.

mod alarms;
mod heard;
mod idempotency;
mod isolation;
mod languages;
mod listening;
mod migrations;
mod reads;
mod roles;
mod scenery;
mod tls;
mod transactions;

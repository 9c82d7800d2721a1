//! The rules that keep transactions and tenants honest (architecture.md §4 and §5), each shown by a test that fails without it.

mod alarms;
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

//! The audit trail: who did what to which thing, in an append-only chain of hashes per organisation.
//!
//! An entry is written in the transaction of its verb (`record_in`), so neither exists without the other. Its place in the chain is
//! given by the database, at commit: a deferred trigger locks the organisation's head row last of all, so that writers hardly wait for
//! each other and cannot fork the chain. Nobody can change or remove an entry: the serving role has no such grant, and a trigger refuses
//! it to the owner too. Whoever gets around that (a superuser, a restored backup) is found by [`verify_all`] and `GET /api/audit/verify`.
//!
//! Invariants:
//! - hash = SHA-256(canonical text of the entry, then the hash before); the first hash before is zeros.
//! - Sequences run 1, 2, 3 … without a gap, in the order of the commits; the head row holds the last.
//! - A chain whose end *and* head row were both rolled back together is sound in itself: that takes an anchor outside (later).
//!
//! Tables owned: `audit_entries`, `audit_links`, `audit_heads`.
//!
//! App data that [`routes`] expect: `web::Data<dyn Audit>`.

mod http;
mod repo;
mod schema;
mod service;

pub use http::routes;
pub use service::{Chain, Service, verify_all};

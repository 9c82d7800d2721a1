//! The audit trail: who did what to which thing, in an append-only chain of hashes per organisation.
//!
//! An entry is written in the transaction of its verb (`record_in`), so both are committed or neither. Its place in the chain is
//! given by the database, at commit: a deferred trigger locks the organisation's head row last of all, so that writers hardly wait for
//! each other and cannot fork the chain. Nobody can change or remove an entry: the serving role has no such grant, and a trigger refuses
//! it to the owner too. Whoever gets around that (a superuser, a restored backup) is found by [`verify_all`] and `GET /api/audit/verify`:
//! page by page, from any place, and compared with the organisations, none of which has an empty trail. Every few minutes the heads are
//! signed ([`sign_heads`]) by a key that the database does not have; each round is chained to the one before, and its anchor is written to
//! the log. Anybody entitled can have the head signed at any time (`GET /api/audit/head`) and keep it.
//!
//! Invariants:
//! - hash = SHA-256(canonical text of the entry, then the hash before); the first hash before is zeros.
//! - Sequences run 1, 2, 3 … without a gap, in the order of the commits; the head row holds the last.
//! - A chain that was rewritten or cut together with its head row no longer holds the heads that were signed ([`verify_checkpoints`]); if
//!   those were cut off, too, it no longer holds what the log or a tenant kept ([`verify_anchor`]).
//!
//! Tables owned: `audit_entries`, `audit_links`, `audit_heads`, `audit_checkpoints`, `audit_rounds`.
//!
//! App data that [`routes`] expect: `web::Data<dyn Audit>`, `web::Data<dyn Proof>`.

mod checkpoints;
mod http;
mod model;
mod module;
mod repo;
mod schema;
mod service;
mod settings;
mod signing;

pub use checkpoints::{Broken, Signed, is_anchor, sign_heads, verify_anchor, verify_checkpoints};
pub use http::routes;
pub use module::MODULE;
pub use service::{Chain, Dependencies, Service, verify_all};
pub use settings::Settings;
pub use signing::{NotAKey, Signer};

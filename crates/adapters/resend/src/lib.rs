//! Mail by Resend's API ([`Resend`]), and what it tells by itself of mails that it took ([`Webhooks`]).
//!
//! Invariants:
//! - Nothing is sent inside a transaction.
//! - The same mail is handed over under the same `Idempotency-Key`: Resend sends it once, for a day.
//! - An answer says `Permanent` only if the same mail would be refused again; what is wrong with our key or domain is `Ours`.
//! - A report counts only if Resend signed its very bytes within the last five minutes, and of it no more is believed than which mail, and what.

mod api;
mod signature;
mod webhooks;

pub use api::{Resend, Settings, SettingsError};
pub use signature::sign;
pub use webhooks::Webhooks;

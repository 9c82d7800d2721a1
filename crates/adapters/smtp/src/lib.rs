//! Mail as RFC 5322 has it: by SMTP ([`Smtp`]), or into a folder ([`Outbox`]).
//!
//! Invariants:
//! - Nothing is sent inside a transaction.
//! - A server that is to offer TLS and does not gets nothing.
//! - The same mail has the same `Message-ID` and the same `Date`, however often it is handed over.
//! - No name or subject becomes a header of its own, and none makes the library give up.

mod message;
mod outbox;
mod smtp;

pub use outbox::Outbox;
pub use smtp::{Protection, Settings, SettingsError, Smtp};

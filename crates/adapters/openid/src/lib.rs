//! Identity providers: Google and any other OpenID Connect issuer, and GitHub, which has a way of its own.
//!
//! Invariants:
//! - Nothing is asked inside a transaction, no answer is waited for without end, and none is read without end.
//! - What an issuer says counts if it signed it with a key of its own, for us, for this very question (nonce), and it is not over. Signatures by a shared
//!   secret, and none at all, count for nothing.
//! - A code is redeemed at the provider that was asked, by whoever asked (PKCE); the issuer that a browser names (RFC 9207) is that one.
//! - The issuers of organisations say themselves where theirs is: they are asked over TLS, at public addresses alone, whatever their names resolve to and
//!   whatever their descriptions name.
//! - An email is verified if the provider says so in so many words.

mod github;
mod guard;
mod http;
mod issuer;
mod issuers;
mod providers;
mod settings;

pub use issuers::{IssuerSettings, Issuers};
pub use providers::Providers;
pub use settings::{Kind, ProviderSettings, Settings, SettingsError};

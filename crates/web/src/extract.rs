//! Extractors: what handlers take as arguments.

mod auth;
mod body;
mod id;
mod if_match;
mod once;
mod optional;
mod query;

pub use auth::{Authed, CurrentSession, RequestInfo, SESSION_COOKIE};
pub(crate) use auth::{Caller, resolve, with_caller};
pub(crate) use body::BodyLimit;
pub use body::{Body, Patch, RawBody};
pub use id::Id;
pub use if_match::IfMatch;
pub use once::{FingerprintKey, IDEMPOTENCY_KEY, Idempotent};
pub use optional::{NoBody, OptionalBody};
pub use query::Query;

//! Extractors: what handlers take as arguments.

mod answers;
mod auth;
mod body;
mod entity_tags;
mod form;
mod id;
mod if_match;
mod listing;
mod once;
mod optional;
mod query;
mod scim;

pub use answers::IdempotencySecret;
pub use auth::{
    Authed, AuthedUntil, CurrentSession, PLAIN_SESSION_COOKIE, Presented, RequestInfo, SESSION_COOKIE, session_cookie,
};
pub(crate) use auth::{Caller, Credential, resolve, with_caller};
pub(crate) use body::BodyLimits;
pub use body::{Body, Patch, RawBody};
pub(crate) use entity_tags::EntityTags;
pub(crate) use form::PublicOrigin;
pub use form::{FormBody, parameter};
pub use id::Id;
pub use if_match::{IfMatch, Unchanged, unless_overtaken};
pub use listing::Listing;
pub(crate) use once::Authority;
pub use once::Idempotent;
pub use optional::{NoBody, OptionalBody};
pub use query::Query;
pub(crate) use query::refuse_all;
pub use scim::{ScimBody, ScimObject};

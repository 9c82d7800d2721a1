//! SQL of what directories say.

mod filter;
pub(crate) mod groups;
pub(crate) mod users;

//! The messages of SCIM (RFC 7643, 7644), read: what of them is kept, filters, patches.

pub(crate) mod attributes;
mod choice;
pub(crate) mod filter;
pub(crate) mod patch;
pub(crate) mod read;
pub(crate) mod write;

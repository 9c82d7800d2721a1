//! The policy as it is shipped, and policies that are refused.
#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod policy;

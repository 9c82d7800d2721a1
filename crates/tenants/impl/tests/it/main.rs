//! Organisations against PostgreSQL: rules, races, approvals, isolation.
#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod approvals;
mod isolation;
mod memberships;
mod organizations;
mod scenery;

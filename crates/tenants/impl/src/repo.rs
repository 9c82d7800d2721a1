//! SQL of organisations, memberships and approvals.

pub(crate) mod approvals;
pub(crate) mod memberships;
pub(crate) mod organizations;

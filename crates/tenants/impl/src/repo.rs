//! SQL of organisations, memberships, custom roles and approvals.

pub(crate) mod approvals;
pub(crate) mod custom_roles;
pub(crate) mod memberships;
pub(crate) mod organizations;

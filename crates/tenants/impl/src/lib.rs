//! Organisations, memberships, settings and second approvals.

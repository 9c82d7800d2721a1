//! SQL of the trail and of its signed heads.

pub(crate) mod checkpoints;
pub(crate) mod trail;

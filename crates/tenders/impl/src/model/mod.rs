//! The rules, pure: state machines, pricing, ranking, milestones, the Merkle tree.

pub mod draft;
pub mod machine;
pub mod merkle;
pub mod milestones;
pub mod pricing;
pub mod ranking;

/// So many faults are told at once: a schedule can be wrong in 20,000 lines.
pub const MOST_FAULTS: usize = 100;

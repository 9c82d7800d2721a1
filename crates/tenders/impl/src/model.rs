//! The rules, pure: state machines, pricing, ranking, milestones, the Merkle tree.

pub mod draft;
pub mod machine;
pub mod merkle;
pub mod milestones;
pub mod platform;
pub mod pricing;
pub mod ranking;
pub mod reason;
pub mod title;

//! Heads of chains as they are signed and kept.

use kernel::{OrgId, Timestamp};

/// A head that has moved since it was signed.
pub(crate) struct Moved {
    pub(crate) org: OrgId,
    pub(crate) sequence: i64,
    pub(crate) hash: Vec<u8>,
    /// Whether the chain still holds what was signed before.
    pub(crate) goes_on: bool,
}

/// A signed head. Hashes and signatures are as long as they were found: what is wrong with them is for the verification to tell.
#[derive(Debug, Clone)]
pub(crate) struct Checkpoint {
    pub(crate) org: OrgId,
    pub(crate) sequence: i64,
    pub(crate) hash: Vec<u8>,
    pub(crate) round: i64,
    pub(crate) signed_at: Timestamp,
    pub(crate) key_id: String,
    pub(crate) signature: Vec<u8>,
}

/// A round of signing.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    pub(crate) round: i64,
    pub(crate) heads: i32,
    pub(crate) digest: Vec<u8>,
    pub(crate) signed_at: Timestamp,
    pub(crate) key_id: String,
    pub(crate) signature: Vec<u8>,
}

/// A place in a chain.
pub(crate) struct Spot {
    pub(crate) org: OrgId,
    pub(crate) sequence: i64,
}

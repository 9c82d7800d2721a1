//! That the trail is whole: verified page by page, its head signed by a key that the database does not have.

use async_trait::async_trait;
use kernel::{Ctx, OrgId, Timestamp};
use uuid::Uuid;

use crate::Error;

/// Where a verification goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Behind this link of the chain, which must have this hash; zeros behind nothing.
    Links {
        /// Its sequence; 0 for the beginning.
        after: i64,
        /// Its hash.
        hash: [u8; 32],
    },
    /// All links are verified: looks for entries beside the chain, from this id on.
    Entries {
        /// The last id that was looked at.
        after: Uuid,
    },
}

impl Place {
    /// The first link.
    pub const BEGINNING: Self = Self::Links { after: 0, hash: [0; 32] };
}

/// What a verification of a part of one organisation's chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Whether every entry that was looked at is there, unchanged and in its place; behind the last link also whether the chain ends where
    /// its head says, and is there at all.
    pub valid: bool,
    /// How many entries the chain has by its head.
    pub entries: i64,
    /// The newest hash; zeros if there is none.
    pub head_hash: [u8; 32],
    /// The first place at which it is broken.
    pub broken_at: Option<i64>,
    /// How many links or entries were looked at.
    pub looked: i64,
    /// Where to go on; nothing at the end, or where it is broken.
    pub next: Option<Place>,
}

/// The head of an organisation's chain as the platform vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHead {
    /// Whose chain.
    pub org: OrgId,
    /// How many entries it has.
    pub sequence: i64,
    /// Its newest hash.
    pub hash: [u8; 32],
    /// When it was signed.
    pub signed_at: Timestamp,
    /// What is signed.
    pub statement: String,
    /// Under which key.
    pub key_id: String,
    /// Ed25519.
    pub signature: [u8; 64],
}

/// A key that signatures are checked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Its id.
    pub id: String,
    /// Ed25519.
    pub bytes: [u8; 32],
    /// Whether it is the one that signs now.
    pub current: bool,
}

/// Proofs about the trail.
#[async_trait]
pub trait Proof: Send + Sync {
    /// Verifies up to `most` links or entries of the organisation's chain.
    ///
    /// # Errors
    /// [`Error::Denied`] without [`crate::perm::READ`].
    async fn verify(&self, ctx: &Ctx, from: Place, most: u32) -> Result<Verification, Error>;

    /// The organisation's head as it is now, signed.
    ///
    /// # Errors
    /// [`Error::Denied`] without [`crate::perm::READ`].
    async fn head(&self, ctx: &Ctx) -> Result<SignedHead, Error>;

    /// The keys that heads are or were signed with.
    fn keys(&self) -> Vec<PublicKey>;
}

//! The key that signs heads: Ed25519, outside of the database.

use audit_api::PublicKey;
use chrono::SecondsFormat;
use kernel::{OrgId, Timestamp};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

/// What is given is not a key.
#[derive(Debug, thiserror::Error)]
#[error("the operating system has no random bytes, or the seed is not one of Ed25519")]
pub struct NotAKey;

/// Signs heads, and checks what it or a key before it has signed.
pub struct Signer {
    pair: Ed25519KeyPair,
    keys: Vec<PublicKey>,
}

impl Signer {
    /// From a seed of 32 random bytes.
    ///
    /// # Errors
    /// [`NotAKey`].
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, NotAKey> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NotAKey)?;
        let bytes = pair.public_key().as_ref().try_into().map_err(|_| NotAKey)?;
        Ok(Self { pair, keys: vec![PublicKey { id: id_of(&bytes), bytes, current: true }] })
    }

    /// Of this process alone: for tests.
    ///
    /// # Errors
    /// [`NotAKey`].
    pub fn random() -> Result<Self, NotAKey> {
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).map_err(|_| NotAKey)?;
        Self::from_seed(&seed)
    }

    /// With the public key of one that signed before.
    #[must_use]
    pub fn with_previous(mut self, bytes: [u8; 32]) -> Self {
        if self.keys.iter().all(|key| key.bytes != bytes) {
            self.keys.push(PublicKey { id: id_of(&bytes), bytes, current: false });
        }
        self
    }

    /// All keys, the one that signs first.
    #[must_use]
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// The id of the key that signs.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.keys[0].id
    }

    /// Signs a statement.
    #[must_use]
    pub fn sign(&self, statement: &str) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.pair.sign(statement.as_bytes()).as_ref());
        signature
    }

    /// Whether the key of this id signed the statement. None: there is no such key.
    #[must_use]
    pub fn verifies(&self, key_id: &str, statement: &str, signature: &[u8]) -> Option<bool> {
        let key = self.keys.iter().find(|key| key.id == key_id)?;
        Some(UnparsedPublicKey::new(&ED25519, key.bytes).verify(statement.as_bytes(), signature).is_ok())
    }
}

/// The first 16 hex digits of the SHA-256 of a public key.
fn id_of(bytes: &[u8; 32]) -> String {
    hex::encode(&sha256(bytes)[..8])
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// What is signed about the head of a chain.
pub(crate) fn head_statement(org: OrgId, sequence: i64, hash: &[u8], at: Timestamp) -> String {
    format!("14build/audit-head/1 {org} {sequence} {} {}", hex::encode(hash), time(at))
}

/// What is signed about a round of heads.
pub(crate) fn round_statement(round: i64, heads: i32, digest: &[u8], at: Timestamp) -> String {
    format!("14build/audit-round/1 {round} {heads} {} {}", hex::encode(digest), time(at))
}

fn time(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_verifies_under_its_key_alone() {
        let old = Signer::from_seed(&[1; 32]).expect("a key");
        let signature = old.sign("a");
        assert_eq!(old.verifies(old.id(), "a", &signature), Some(true));
        assert_eq!(old.verifies(old.id(), "b", &signature), Some(false));
        let new = Signer::from_seed(&[2; 32]).expect("a key");
        assert_eq!(new.verifies(old.id(), "a", &signature), None, "unknown");
        let new = new.with_previous(old.keys()[0].bytes);
        assert_eq!(new.verifies(old.id(), "a", &signature), Some(true), "rotated");
        assert_eq!(new.keys().iter().map(|key| key.current).collect::<Vec<_>>(), [true, false]);
        assert_ne!(Signer::random().expect("a key").id(), Signer::random().expect("a key").id());
    }
}

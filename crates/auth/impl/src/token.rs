//! Tokens: 256 bits from the operating system, known to their bearer alone.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Fault;
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// SHA-256 of a token: what is stored, cached and notified.
pub(crate) type TokenHash = [u8; 32];

/// The length of a token as text.
const LENGTH: usize = 43;

/// A fresh token and its hash.
pub(crate) fn fresh() -> Result<(SecretString, TokenHash), Fault> {
    let mut bytes = [0; 32];
    OsRng.try_fill_bytes(&mut bytes).map_err(Fault::internal)?;
    let text = URL_SAFE_NO_PAD.encode(bytes);
    let hash = hash(&text).ok_or_else(|| Fault::internal("a fresh token has a wrong length"))?;
    Ok((text.into(), hash))
}

/// The hash of what may be a token; `None` if it cannot be one.
pub(crate) fn hash(token: &str) -> Option<TokenHash> {
    (token.len() == LENGTH).then(|| Sha256::digest(token.as_bytes()).into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_token_leads_to_its_hash_and_two_differ() {
        let (a, hash_a) = fresh().unwrap();
        let (b, hash_b) = fresh().unwrap();
        assert_eq!(hash(a.expose_secret()), Some(hash_a));
        assert_ne!(hash_a, hash_b);
        assert_ne!(a.expose_secret(), b.expose_secret());
        assert_eq!(hash("short"), None);
    }
}

//! What the link of a mail holds: 256 bits from the operating system in hexadecimal digits, of which a hash is kept.

use kernel::Fault;
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// The length of a token as text.
const LENGTH: usize = 64;

/// A fresh token and its hash.
pub(crate) fn fresh() -> Result<(SecretString, [u8; 32]), Fault> {
    let mut bytes = [0; 32];
    OsRng.try_fill_bytes(&mut bytes).map_err(Fault::internal)?;
    let text = hex::encode(bytes);
    let hash = Sha256::digest(text.as_bytes()).into();
    Ok((text.into(), hash))
}

/// The hash of what may be a token; `None` if it cannot be one.
pub(crate) fn hash(token: &str) -> Option<[u8; 32]> {
    (token.len() == LENGTH).then(|| Sha256::digest(token.as_bytes()).into())
}

//! Tokens of support sessions as text: what they begin with, the organisation, by which they are looked for, 256 random bits, and a checksum.

use auth_api::SUPPORT_PREFIX;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Fault, OrgId};
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::token::TokenHash;

/// The bytes of a token: the organisation, what is random, and the beginning of a digest of both.
const PLACE: usize = 16;
const RANDOM: usize = 32;
const SUM: usize = 6;
/// Those of all, and their length as text.
const BYTES: usize = PLACE + RANDOM + SUM;
const LENGTH: usize = BYTES / 3 * 4;

/// A token as it is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sought {
    pub(crate) org: OrgId,
    /// SHA-256 of the text.
    pub(crate) hash: TokenHash,
}

/// A fresh token of a session in an organisation, and as what it is kept.
pub(crate) fn fresh(org: OrgId) -> Result<(SecretString, Sought), Fault> {
    let mut bytes = [0; BYTES];
    bytes[..PLACE].copy_from_slice(org.0.as_bytes());
    OsRng.try_fill_bytes(&mut bytes[PLACE..PLACE + RANDOM]).map_err(Fault::internal)?;
    let sum = checksum(&bytes[..PLACE + RANDOM]);
    bytes[PLACE + RANDOM..].copy_from_slice(&sum);
    let text = format!("{SUPPORT_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
    let sought = sought(&text).ok_or_else(|| Fault::internal("a fresh token cannot be read"))?;
    Ok((text.into(), sought))
}

/// What a text would be as a token; `None` if it cannot be one: whoever made it up without knowing the form costs no query.
pub(crate) fn sought(token: &str) -> Option<Sought> {
    let digits = token.strip_prefix(SUPPORT_PREFIX).filter(|digits| digits.len() == LENGTH)?;
    let bytes = URL_SAFE_NO_PAD.decode(digits).ok()?;
    let (said, sum) = bytes.split_at_checked(PLACE + RANDOM)?;
    if checksum(said) != sum {
        return None;
    }
    let org = Uuid::from_slice(said.get(..PLACE)?).ok()?;
    Some(Sought { org: OrgId(org), hash: Sha256::digest(token.as_bytes()).into() })
}

fn checksum(said: &[u8]) -> [u8; SUM] {
    let digest = Sha256::digest(said);
    let mut sum = [0; SUM];
    sum.copy_from_slice(&digest[..SUM]);
    sum
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_token_says_at_whom_it_looks_and_is_known_by_its_checksum() {
        let org = OrgId::new();
        let ((a, kept), (b, other)) = (fresh(org).unwrap(), fresh(org).unwrap());
        let text = a.expose_secret();
        assert!(text.starts_with("b14_support_") && text.len() == SUPPORT_PREFIX.len() + LENGTH);
        assert_eq!(sought(text), Some(kept));
        assert_eq!((kept.org, other.org), (org, org));
        assert!(kept.hash != other.hash && text != b.expose_secret());
        for at in SUPPORT_PREFIX.len()..text.len() {
            let mut changed = text.to_owned().into_bytes();
            changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
            assert_eq!(sought(&String::from_utf8(changed).unwrap()), None, "the character {at}");
        }
        for none in ["", "b14_support_", &text[1..], &text[..text.len() - 1], "b14_live_", format!("{text}A").as_str(), "ä"] {
            assert_eq!(sought(none), None, "{none:?}");
        }
    }
}

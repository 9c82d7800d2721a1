//! Tokens: 256 bits from the operating system, known to their bearer alone.

use auth_api::SwitchOnce;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{Fault, OrgId};
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret, SecretString};
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

/// The token that a switch of the organisation leads to, and its hash: the same for the same token, key and organisation, and to be found
/// by nobody who does not have the deployment's secret.
pub(crate) fn switched(secret: &SecretString, org: OrgId, once: &SwitchOnce) -> Result<(SecretString, TokenHash), Fault> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).map_err(Fault::internal)?;
    for part in [&b"14build/switched-session"[..], once.token.expose_secret().as_bytes(), once.key.as_bytes(), org.0.as_bytes()] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    let text = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    let hash = hash(&text).ok_or_else(|| Fault::internal("a derived token has a wrong length"))?;
    Ok((text.into(), hash))
}

/// A secret that dies with this process.
pub(crate) fn random_secret() -> SecretString {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()).into()
}

/// The hash of what may be a token; `None` if it cannot be one.
pub(crate) fn hash(token: &str) -> Option<TokenHash> {
    (token.len() == LENGTH).then(|| Sha256::digest(token.as_bytes()).into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_to_its_hash_and_two_differ() {
        let (a, hash_a) = fresh().unwrap();
        let (b, hash_b) = fresh().unwrap();
        assert_eq!(hash(a.expose_secret()), Some(hash_a));
        assert_ne!(hash_a, hash_b);
        assert_ne!(a.expose_secret(), b.expose_secret());
        assert_eq!(hash("short"), None);
    }

    #[test]
    fn a_switched_token_is_known_again_by_all_that_led_to_it_and_nothing_less() {
        let derived = |secret: &str, org: u128, token: &str, key: &str| {
            let once = SwitchOnce { token: token.to_owned().into(), key: key.to_owned() };
            switched(&secret.to_owned().into(), OrgId(uuid::Uuid::from_u128(org)), &once).unwrap().1
        };
        let first = derived("s", 1, "token", "key");
        assert_eq!(derived("s", 1, "token", "key"), first);
        for other in [
            derived("t", 1, "token", "key"),
            derived("s", 2, "token", "key"),
            derived("s", 1, "tokenk", "ey"),
            derived("s", 1, "token", "k"),
        ] {
            assert_ne!(other, first);
        }
    }
}

//! `FactorSecret`: under what the secrets of authenticators are sealed. Who reads the database alone makes no codes, and who writes it alone gives nobody
//! an authenticator.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, KeyInit, Mac};
use kernel::{Fault, UserId};
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

const NONCE: usize = 24;

/// Derived from the deployment's secret, for this purpose alone.
pub(crate) struct FactorSecret {
    current: XChaCha20Poly1305,
    previous: Vec<XChaCha20Poly1305>,
}

/// What was sealed.
pub(crate) struct Opened {
    pub secret: Vec<u8>,
    /// Whether a secret of before sealed it: it is to be sealed anew.
    pub is_old: bool,
}

impl FactorSecret {
    /// By the present secret, and by those before it.
    pub(crate) fn derived(current: &SecretString, previous: &[SecretString]) -> Result<Self, Fault> {
        let previous = previous.iter().map(key).collect::<Result<_, _>>()?;
        Ok(Self { current: key(current)?, previous })
    }

    /// The secret of a person's authenticator as it is stored: nobody else's.
    pub(crate) fn seal(&self, user: UserId, secret: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut nonce = [0; NONCE];
        OsRng.try_fill_bytes(&mut nonce).map_err(Fault::internal)?;
        let payload = Payload { msg: secret, aad: user.0.as_bytes() };
        let sealed =
            self.current.encrypt(&XNonce::from(nonce), payload).map_err(|_| Fault::internal("a secret is not sealed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// What was sealed for that person.
    pub(crate) fn open(&self, user: UserId, stored: &[u8]) -> Result<Opened, Fault> {
        let unreadable = || Fault::internal("the secret of an authenticator opens with no key that is configured");
        let (nonce, sealed) = stored.split_first_chunk::<NONCE>().ok_or_else(unreadable)?;
        let nonce = XNonce::from(*nonce);
        let opened = |key: &XChaCha20Poly1305| key.decrypt(&nonce, Payload { msg: sealed, aad: user.0.as_bytes() }).ok();
        if let Some(secret) = opened(&self.current) {
            return Ok(Opened { secret, is_old: false });
        }
        let secret = self.previous.iter().find_map(opened).ok_or_else(unreadable)?;
        Ok(Opened { secret, is_old: true })
    }
}

fn key(secret: &SecretString) -> Result<XChaCha20Poly1305, Fault> {
    // As others who derive keys from it take it: without what stands around it in a file.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().trim().as_bytes()).map_err(Fault::internal)?;
    mac.update(b"14build/authenticator-secret");
    Ok(XChaCha20Poly1305::new(&mac.finalize().into_bytes()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_for_its_person_and_by_its_key_alone() {
        let [one, two]: [SecretString; 2] = ["one", "two"].map(|text| text.to_owned().into());
        let (ada, bob) = (UserId::new(), UserId::new());
        let secret = FactorSecret::derived(&one, &[]).unwrap();
        let sealed = secret.seal(ada, b"twenty random bytes.").unwrap();
        assert_eq!(sealed.len(), 24 + 20 + 16);
        assert!(!sealed.windows(6).any(|part| part == b"random"));
        let opened = secret.open(ada, &sealed).unwrap();
        assert_eq!((&opened.secret[..], opened.is_old), (&b"twenty random bytes."[..], false));
        assert!(secret.open(bob, &sealed).is_err(), "turned to another person");
        assert!(secret.open(ada, b"short").is_err());
        let rotated = FactorSecret::derived(&two, &[one]).unwrap();
        assert!(rotated.open(ada, &sealed).unwrap().is_old);
        assert!(FactorSecret::derived(&two, &[]).unwrap().open(ada, &sealed).is_err());
    }
}

//! `Sealer`: seals what the program alone shall read, each for the one thing that it is of. Who reads the database alone has nothing, and who writes it
//! alone turns nothing to something else.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, KeyInit, Mac};
use kernel::Fault;
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

const NONCE: usize = 24;

/// Derived from the deployment's secret, for one purpose alone.
pub(crate) struct Sealer {
    current: XChaCha20Poly1305,
    previous: Vec<XChaCha20Poly1305>,
}

/// What was sealed.
pub(crate) struct Opened {
    pub secret: Vec<u8>,
    /// Whether a secret of before sealed it: it is to be sealed anew.
    pub is_old: bool,
}

impl Sealer {
    /// For a purpose, by the present secret, and by those before it.
    pub(crate) fn derived(purpose: &[u8], current: &SecretString, previous: &[SecretString]) -> Result<Self, Fault> {
        let previous = previous.iter().map(|secret| key(purpose, secret)).collect::<Result<_, _>>()?;
        Ok(Self { current: key(purpose, current)?, previous })
    }

    /// A secret as it is stored: of this thing, and of nothing else.
    pub(crate) fn seal(&self, of: &[u8], secret: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut nonce = [0; NONCE];
        OsRng.try_fill_bytes(&mut nonce).map_err(Fault::internal)?;
        let payload = Payload { msg: secret, aad: of };
        let sealed =
            self.current.encrypt(&XNonce::from(nonce), payload).map_err(|_| Fault::internal("a secret is not sealed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// What was sealed as this thing's.
    pub(crate) fn open(&self, of: &[u8], stored: &[u8]) -> Result<Opened, Fault> {
        let unreadable = || Fault::internal("a sealed secret opens with no key that is configured");
        let (nonce, sealed) = stored.split_first_chunk::<NONCE>().ok_or_else(unreadable)?;
        let nonce = XNonce::from(*nonce);
        let opened = |key: &XChaCha20Poly1305| key.decrypt(&nonce, Payload { msg: sealed, aad: of }).ok();
        if let Some(secret) = opened(&self.current) {
            return Ok(Opened { secret, is_old: false });
        }
        let secret = self.previous.iter().find_map(opened).ok_or_else(unreadable)?;
        Ok(Opened { secret, is_old: true })
    }
}

fn key(purpose: &[u8], secret: &SecretString) -> Result<XChaCha20Poly1305, Fault> {
    // As others who derive keys from it take it: without what stands around it in a file.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().trim().as_bytes()).map_err(Fault::internal)?;
    mac.update(purpose);
    Ok(XChaCha20Poly1305::new(&mac.finalize().into_bytes()))
}

//! `Challenge`: what an authenticator is asked, as it is kept until it answers: under the hash of what the asking program was given, and sealed, so that
//! nobody who writes into the database has a challenge of their choice answered by what they once overheard.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{Fault, Timestamp, UserId};
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use uuid::Uuid;

use crate::token::TokenHash;

const NONCE: usize = 24;

/// For so long a challenge can be answered.
const MINUTES: i64 = 5;

kernel::named! {
    /// What an answer leads to. It is worth nothing for anything else.
    pub(crate) enum AskedFor {
        /// A passkey more.
        New = "new",
        /// A session of whoever answers.
        SignIn = "sign_in",
        /// A second factor: of a sign-in that waits for it, or as a fresh proof of who somebody is.
        Factor = "factor",
    }
}

/// Who asked: a person, and the session from which.
pub(crate) type AskedBy = Option<(UserId, Uuid)>;

/// When a challenge that is made at `now` ends.
pub(crate) fn end_of(now: Timestamp) -> Timestamp {
    now + TimeDelta::minutes(MINUTES)
}

/// Under what challenges are sealed: derived from the deployment's secret, for this purpose alone.
pub(crate) struct ChallengeSecret(XChaCha20Poly1305);

impl ChallengeSecret {
    pub(crate) fn derived(secret: &SecretString) -> Result<Self, Fault> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).map_err(Fault::internal)?;
        mac.update(b"14build/passkey-challenge");
        Ok(Self(XChaCha20Poly1305::new(&mac.finalize().into_bytes())))
    }

    /// The state of a ceremony as it is stored: of this request, for this, for whom it is asked.
    pub(crate) fn seal(&self, hash: &TokenHash, asked: AskedFor, by: AskedBy, state: &str) -> Result<Vec<u8>, Fault> {
        let mut nonce = [0; NONCE];
        OsRng.try_fill_bytes(&mut nonce).map_err(Fault::internal)?;
        let (bound, nonce) = (bound(hash, asked, by), nonce);
        let payload = Payload { msg: state.as_bytes(), aad: &bound };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).map_err(|_| Fault::internal("a challenge is not sealed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// What was sealed; `None` if it was not by us for the same.
    pub(crate) fn open(&self, hash: &TokenHash, asked: AskedFor, by: AskedBy, stored: &[u8]) -> Option<String> {
        let (nonce, sealed) = stored.split_first_chunk::<NONCE>()?;
        let bound = bound(hash, asked, by);
        let opened = self.0.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &bound }).ok()?;
        String::from_utf8(opened).ok()
    }
}

fn bound(hash: &TokenHash, asked: AskedFor, by: AskedBy) -> Vec<u8> {
    let (user, from) = by.map_or((Uuid::nil(), Uuid::nil()), |(user, from)| (user.0, from));
    [&hash[..], user.as_bytes(), from.as_bytes(), asked.name().as_bytes()].concat()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_opens_for_what_it_was_asked_for_and_by_its_key_alone() {
        let secret = ChallengeSecret::derived(&"one".to_owned().into()).unwrap();
        let (hash, by) = ([1; 32], Some((UserId(Uuid::from_u128(1)), Uuid::from_u128(2))));
        let sealed = secret.seal(&hash, AskedFor::New, by, "the challenge").unwrap();
        assert!(!sealed.windows(9).any(|part| part == b"challenge"));
        assert_eq!(secret.open(&hash, AskedFor::New, by, &sealed).as_deref(), Some("the challenge"));
        assert_eq!(secret.open(&[2; 32], AskedFor::New, by, &sealed), None);
        assert_eq!(secret.open(&hash, AskedFor::Factor, by, &sealed), None);
        assert_eq!(secret.open(&hash, AskedFor::New, None, &sealed), None);
        assert_eq!(secret.open(&hash, AskedFor::New, Some((UserId(Uuid::from_u128(3)), Uuid::from_u128(2))), &sealed), None);
        assert_eq!(secret.open(&hash, AskedFor::New, by, b"the challenge"), None);
        let other = ChallengeSecret::derived(&"two".to_owned().into()).unwrap();
        assert_eq!(other.open(&hash, AskedFor::New, by, &sealed), None);
    }
}

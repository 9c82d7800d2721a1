//! `MailSecret`: what is stored of a mail shows nothing to whoever reads the database, and is nobody's to write there but the program's.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const NONCE: usize = 24;

/// The secret under which mails are sealed and events are known again: the same in every process of a deployment, and not in the database.
#[derive(Clone)]
pub struct MailSecret {
    current: Keys,
    previous: Vec<Keys>,
}

#[derive(Clone)]
struct Keys {
    events: Hmac<Sha256>,
    contents: XChaCha20Poly1305,
}

impl Keys {
    /// Keys for these two purposes alone, derived from a secret that may serve others too.
    fn derived(secret: &[u8]) -> Self {
        let purpose = |text: &[u8]| keyed(secret).chain_update(text).finalize().into_bytes();
        Self {
            events: keyed(&purpose(b"14build/mail-event")),
            contents: XChaCha20Poly1305::new(&purpose(b"14build/mail-content")),
        }
    }
}

impl MailSecret {
    /// From a secret of the deployment.
    #[must_use]
    pub fn derived(secret: &[u8]) -> Self {
        Self { current: Keys::derived(secret), previous: Vec::new() }
    }

    /// With one that was in use before: what it sealed still opens, and its events are still known.
    #[must_use]
    pub fn with_previous(mut self, secret: &[u8]) -> Self {
        self.previous.push(Keys::derived(secret));
        self
    }

    fn all(&self) -> impl Iterator<Item = &Keys> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    /// By what an event is known again, the present way first. The event itself is not told: it may name secrets or people.
    pub(crate) fn digests(&self, event: &str) -> Vec<Vec<u8>> {
        self.all().map(|keys| keys.events.clone().chain_update(event.as_bytes()).finalize().into_bytes().to_vec()).collect()
    }

    /// `plain` as it is stored beside what it is bound to; `None` if it cannot be sealed.
    pub(crate) fn seal(&self, bound: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let nonce: [u8; NONCE] = rand::random();
        let sealed = self.current.contents.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: bound }).ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    /// What was sealed; `None` if it was not by this secret beside the same.
    pub(crate) fn open(&self, bound: &[u8], stored: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = stored.split_first_chunk::<NONCE>()?;
        let nonce = XNonce::from(*nonce);
        self.all().find_map(|keys| keys.contents.decrypt(&nonce, Payload { msg: sealed, aad: bound }).ok())
    }
}

fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    match Hmac::new_from_slice(secret) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of any length (RFC 2104)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_mail_opens_beside_the_same_and_by_its_own_secret_alone() {
        let secret = MailSecret::derived(b"one");
        let sealed = secret.seal(b"beside", b"the link").expect("it is sealed");
        assert!(!sealed.windows(4).any(|part| part == b"link"));
        assert_eq!(secret.open(b"beside", &sealed).as_deref(), Some(&b"the link"[..]));
        assert_eq!(secret.open(b"elsewhere", &sealed), None);
        assert_eq!(secret.open(b"beside", b"the link"), None, "what was stored in clear is no mail of ours");
        let rotated = MailSecret::derived(b"two").with_previous(b"one");
        assert_eq!(rotated.open(b"beside", &sealed).as_deref(), Some(&b"the link"[..]));
        assert_eq!(MailSecret::derived(b"two").open(b"beside", &sealed), None);
    }

    #[test]
    fn an_event_is_known_again_after_a_rotation() {
        let (before, after) = (MailSecret::derived(b"one"), MailSecret::derived(b"two").with_previous(b"one"));
        let known = before.digests("verify-address:1");
        assert_eq!((known.len(), known[0].len()), (1, 32));
        assert_eq!(after.digests("verify-address:1")[1], known[0]);
        assert!(!after.digests("verify-address:2").contains(&known[0]));
    }
}

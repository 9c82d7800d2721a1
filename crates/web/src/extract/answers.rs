//! `IdempotencySecret`: what is stored for an idempotency key shows nothing to whoever reads the database.
//!
//! An answer may hold a payer's `clientSecret`, a link that only its receiver may follow, a token, the rates of a bid. It is stored sealed
//! (XChaCha20-Poly1305, a random nonce in front), bound to its key and request, together with the permissions that allowed it.

use actix_web::{HttpMessage, HttpRequest};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, KeyInit, Mac};
use kernel::{Answer, IdempotencyKey, Permission, ProjectId};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::body::ReadBody;

const NONCE: usize = 24;

/// The secret under which requests are fingerprinted and answers are sealed: whoever reads the database, where both are, cannot guess a body
/// (the rates of a sealed bid) by trying, nor read an answer. It is to be the same in every process of a deployment, and not in the database.
#[derive(Clone)]
pub struct IdempotencySecret {
    fingerprints: Hmac<Sha256>,
    answers: XChaCha20Poly1305,
}

/// What was kept of a first request.
#[derive(Debug)]
pub(super) struct Kept {
    pub answer: Answer,
    /// By which permissions it was allowed, by name.
    pub granted: Vec<(String, KeptScope)>,
}

/// A [`kernel::Scope`] as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KeptScope {
    Organization,
    Project(ProjectId),
    AnyProject,
}

impl From<kernel::Scope> for KeptScope {
    fn from(scope: kernel::Scope) -> Self {
        match scope {
            kernel::Scope::Organization => Self::Organization,
            kernel::Scope::Project(project) => Self::Project(project),
            kernel::Scope::AnyProject => Self::AnyProject,
        }
    }
}

impl From<KeptScope> for kernel::Scope {
    fn from(scope: KeptScope) -> Self {
        match scope {
            KeptScope::Organization => Self::Organization,
            KeptScope::Project(project) => Self::Project(project),
            KeptScope::AnyProject => Self::AnyProject,
        }
    }
}

/// What is sealed before the body.
#[derive(Serialize, Deserialize)]
struct Head {
    headers: Vec<(String, String)>,
    granted: Vec<(String, KeptScope)>,
}

impl IdempotencySecret {
    /// Keys for these two purposes alone, derived from a secret that may serve others too.
    #[must_use]
    pub fn derived(secret: &[u8]) -> Self {
        let purpose = |text: &[u8]| keyed(secret).chain_update(text).finalize().into_bytes();
        Self {
            fingerprints: keyed(&purpose(b"14build/idempotency-fingerprint")),
            answers: XChaCha20Poly1305::new(&purpose(b"14build/idempotency-answer")),
        }
    }

    /// Keys that die with this process.
    #[must_use]
    pub fn random() -> Self {
        Self::derived(&rand::random::<[u8; 32]>())
    }

    /// HMAC-SHA-256 over method, path with query, and body; lengths first, so that no part can pass for another.
    pub(super) fn fingerprint(&self, request: &HttpRequest) -> [u8; 32] {
        let path = request.uri().path_and_query().map_or(request.path(), |path| path.as_str());
        let extensions = request.extensions();
        let body = extensions.get::<ReadBody>().map_or(&[][..], |body| &body.0);
        let mut mac = self.fingerprints.clone();
        for part in [request.method().as_str().as_bytes(), path.as_bytes(), body] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The answer as it is stored; `None` if it cannot be sealed, so that it is not stored at all.
    pub(super) fn seal(&self, key: &IdempotencyKey, answer: Answer, granted: &[(Permission, kernel::Scope)]) -> Option<Answer> {
        let granted = granted.iter().map(|(permission, scope)| (permission.name().to_owned(), (*scope).into())).collect();
        let head = serde_json::to_vec(&Head { headers: answer.headers, granted }).ok()?;
        let plain = [&u32::try_from(head.len()).ok()?.to_be_bytes()[..], &head, &answer.body].concat();
        let nonce: [u8; NONCE] = rand::random();
        let bound = bound(key, answer.status);
        let sealed = self.answers.encrypt(&XNonce::from(nonce), Payload { msg: &plain, aad: &bound }).ok()?;
        Some(Answer { status: answer.status, headers: Vec::new(), body: [&nonce[..], &sealed].concat() })
    }

    /// What was sealed; `None` if it was not by this secret for this key and request.
    pub(super) fn open(&self, key: &IdempotencyKey, stored: Answer) -> Option<Kept> {
        let (nonce, sealed) = stored.body.split_first_chunk::<NONCE>()?;
        let bound = bound(key, stored.status);
        let plain = self.answers.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &bound }).ok()?;
        let (length, rest) = plain.split_first_chunk::<4>()?;
        let (head, body) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        let Head { headers, granted } = serde_json::from_slice(head).ok()?;
        Some(Kept { answer: Answer { status: stored.status, headers, body: body.to_vec() }, granted })
    }
}

/// What a sealed answer belongs to.
fn bound(key: &IdempotencyKey, status: u16) -> Vec<u8> {
    [&key.fingerprint[..], &status.to_be_bytes(), key.key.as_bytes()].concat()
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

    fn key(name: &str) -> IdempotencyKey {
        IdempotencyKey { key: name.to_owned(), fingerprint: [7; 32] }
    }

    #[test]
    fn a_sealed_answer_opens_for_its_own_key_request_and_secret_alone() {
        let secret = IdempotencySecret::derived(b"one");
        let answer = Answer {
            status: 201,
            headers: vec![("Location".to_owned(), "/api/escrow/1".to_owned())],
            body: br#"{"clientSecret":"pi_1_secret_2"}"#.to_vec(),
        };
        let granted = [(Permission("milestones.fund"), kernel::Scope::AnyProject)];
        let sealed = secret.seal(&key("k"), answer.clone(), &granted).expect("it is sealed");
        let shown = String::from_utf8_lossy(&sealed.body).into_owned();
        assert!(!shown.contains("secret") && !shown.contains("escrow") && sealed.headers.is_empty());

        let kept = secret.open(&key("k"), sealed.clone()).expect("it opens");
        assert_eq!(kept.answer, answer);
        assert_eq!(kept.granted, [("milestones.fund".to_owned(), KeptScope::AnyProject)]);
        assert!(secret.open(&key("other"), sealed.clone()).is_none());
        assert!(secret.open(&IdempotencyKey { fingerprint: [8; 32], ..key("k") }, sealed.clone()).is_none());
        assert!(secret.open(&key("k"), Answer { status: 200, ..sealed.clone() }).is_none());
        assert!(IdempotencySecret::derived(b"two").open(&key("k"), sealed).is_none());
        assert!(secret.open(&key("k"), answer).is_none(), "what was stored in clear is no answer of ours");
    }
}

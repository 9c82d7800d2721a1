//! `Proof`: what is mailed to an address, and as what it is kept: hashes, of which none leads back.

use auth_api::Purpose;
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{Fault, SessionId, Timestamp, UserId};
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::token::TokenHash;

/// For so long a link and its code count.
pub(crate) const MINUTES: u32 = 10;
/// So many wrong codes, and it counts no more.
pub(crate) const MOST_TRIES: i16 = 5;
/// So many mails of one purpose go to a mailbox that are asked for from one network …
pub(crate) const MOST_MAILS: u32 = 6;
/// … so many that are asked for from wherever …
pub(crate) const MOST_MAILS_OF_ALL: u32 = 30;
/// … in so many seconds.
pub(crate) const MAILS_WINDOW: u32 = 3600;
/// Of those that one network asked for, so many count at a time.
pub(crate) const MOST_LINKS: i64 = 3;

/// The length of a token as text: 256 bits in hexadecimal digits, which stand in any address and any mail as they are.
const LENGTH: usize = 64;
/// How many codes there are: eight digits.
const CODES: u64 = 100_000_000;

/// What leaves by mail, and what the asking program gets: known here for this one moment.
pub(crate) struct Secrets {
    pub token: SecretString,
    pub code: SecretString,
    pub request_id: SecretString,
}

/// What is kept of them.
pub(crate) struct Hashes {
    pub token: TokenHash,
    pub code: TokenHash,
    pub request: TokenHash,
}

/// A proof that still counts, as it is kept.
pub(crate) struct Proof {
    pub id: Uuid,
    /// The address that it proves, as it was written.
    pub email: String,
    pub email_key: String,
    /// Whose account it is about; nobody's, if nobody had the address.
    pub user: Option<UserId>,
    /// The session from which it was asked for.
    pub session: Option<SessionId>,
    pub code: Vec<u8>,
}

/// By what mails are counted that go to a mailbox: from one network, or from wherever. Many mail servers put what is written with something behind a
/// plus into one mailbox, so all of it counts together; whose account it is about is told by the address as it is.
pub(crate) fn count_key(purpose: Purpose, email_key: &str, from: Option<&str>) -> [u8; 32] {
    let (local, domain) = email_key.rsplit_once('@').unwrap_or((email_key, ""));
    let mailbox = local.split('+').next().filter(|mailbox| !mailbox.is_empty()).unwrap_or(local);
    let mut hash = Sha256::new();
    for part in [purpose.name(), mailbox, domain, from.unwrap_or_default()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.update([u8::from(from.is_some())]);
    hash.finalize().into()
}

/// When a proof that is made at `now` ends.
pub(crate) fn end_of(now: Timestamp) -> Timestamp {
    now + TimeDelta::minutes(i64::from(MINUTES))
}

/// Fresh secrets of the proof `id`.
pub(crate) fn fresh(pepper: &SecretString, id: Uuid) -> Result<(Secrets, Hashes), Fault> {
    let (token, request_id) = (random()?, random()?);
    let mut bytes = [0; 8];
    OsRng.try_fill_bytes(&mut bytes).map_err(Fault::internal)?;
    // Of 2⁶⁴ numbers: that some codes are likelier by a hundred-billionth helps nobody.
    let code = format!("{:08}", u64::from_be_bytes(bytes) % CODES);
    let hashes = Hashes { token: digest(&token), code: code_hash(pepper, id, &code)?, request: digest(&request_id) };
    Ok((Secrets { token: token.into(), code: code.into(), request_id: request_id.into() }, hashes))
}

/// A fresh token, and its hash, for what is told to the asking program alone.
pub(crate) fn fresh_token() -> Result<(SecretString, TokenHash), Fault> {
    let token = random()?;
    let hash = digest(&token);
    Ok((token.into(), hash))
}

/// The hash of what may be a token or a request's id; `None` if it cannot be one.
pub(crate) fn hash(text: &str) -> Option<TokenHash> {
    (text.len() == LENGTH).then(|| digest(text))
}

/// Whether a code is the one of this proof. Takes as long for every code.
pub(crate) fn is_code(pepper: &SecretString, proof: &Proof, code: &str) -> Result<bool, Fault> {
    Ok(keyed(pepper, proof.id, code)?.verify_slice(&proof.code).is_ok())
}

/// Whoever has the database alone cannot find a code by trying them all.
fn code_hash(pepper: &SecretString, id: Uuid, code: &str) -> Result<TokenHash, Fault> {
    Ok(keyed(pepper, id, code)?.finalize().into_bytes().into())
}

fn keyed(pepper: &SecretString, id: Uuid, code: &str) -> Result<Hmac<Sha256>, Fault> {
    let mut mac = Hmac::<Sha256>::new_from_slice(pepper.expose_secret().as_bytes()).map_err(Fault::internal)?;
    for part in [&b"14build/proof-code"[..], id.as_bytes(), code.as_bytes()] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    Ok(mac)
}

fn random() -> Result<String, Fault> {
    let mut bytes = [0; 32];
    OsRng.try_fill_bytes(&mut bytes).map_err(Fault::internal)?;
    Ok(hex::encode(bytes))
}

fn digest(text: &str) -> TokenHash {
    Sha256::digest(text.as_bytes()).into()
}

/// Where a link of this purpose leads.
pub(crate) fn page_of(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::VerifyAddress => "/auth/verify",
        Purpose::ResetPassword => "/auth/reset",
        Purpose::MagicLink => "/auth/magic",
        Purpose::ChangeAddress => "/auth/email",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_by_its_proof_and_the_deployments_secret_together() {
        let pepper: SecretString = "p".to_owned().into();
        let id = Uuid::from_u128(1);
        let (secrets, hashes) = fresh(&pepper, id).unwrap();
        let of = |id: Uuid| Proof {
            id,
            email: String::new(),
            email_key: String::new(),
            user: None,
            session: None,
            code: hashes.code.to_vec(),
        };
        let code = secrets.code.expose_secret();
        assert!(code.len() == 8 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        assert!(is_code(&pepper, &of(id), code).unwrap());
        assert!(!is_code(&pepper, &of(Uuid::from_u128(2)), code).unwrap());
        assert!(!is_code(&"q".to_owned().into(), &of(id), code).unwrap());
        assert!(!is_code(&pepper, &of(id), "").unwrap());
    }

    #[test]
    fn spellings_of_one_mailbox_count_together_and_networks_apart() {
        let key = |email: &str, from: Option<&str>| count_key(Purpose::MagicLink, email, from);
        assert_eq!(key("ada+1@example.com", None), key("ada@example.com", None));
        assert_eq!(key("ada+1+2@example.com", Some("n")), key("ada+x@example.com", Some("n")));
        for other in [
            key("ada@example.org", None),
            key("bob@example.com", None),
            key("+ada@example.com", None),
            key("ada@example.com", Some("")),
            key("ada@example.com", Some("n")),
            count_key(Purpose::ResetPassword, "ada@example.com", None),
        ] {
            assert_ne!(other, key("ada@example.com", None));
        }
        assert_ne!(key("+a@example.com", None), key("+b@example.com", None), "nothing stands before the plus");
    }

    #[test]
    fn a_token_leads_to_its_hash_and_what_is_none_to_nothing() {
        let (secrets, hashes) = fresh(&"p".to_owned().into(), Uuid::from_u128(1)).unwrap();
        assert_eq!(hash(secrets.token.expose_secret()), Some(hashes.token));
        assert_eq!(hash(secrets.request_id.expose_secret()), Some(hashes.request));
        assert_ne!(hashes.token, hashes.request);
        assert_eq!(hash("short"), None);
    }
}

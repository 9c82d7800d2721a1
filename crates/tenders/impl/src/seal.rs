//! The seal: a random key per tender, wrapped by the server's, and bids encrypted with it so that no database can be read early.
//!
//! XChaCha20-Poly1305 with a random nonce in front. A bid's associated data binds tender, bid, revision and bidder; a wrapped key's binds
//! the tender. What is sealed is the canonical JSON document of [`Document`]; its SHA-256 is the receipt. It carries 16 random bytes, so
//! that nobody finds a rate by trying hashes. A draft is sealed with the same key in a domain of its own: it has no receipt, and does not
//! open as an offer wherever it is put.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use kernel::{BidId, Fault, OrgId, TenderId, Timestamp};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::{Deserialize, Serialize};
use tenders_api::BidContent;

use crate::model::merkle::{Hash, sha256};

const NONCE: usize = 24;

/// The domain of what was submitted.
const BID: &[u8] = b"14build/bid/1";

/// The domain of what was only saved.
const DRAFT: &[u8] = b"14build/bid-draft/1";

/// What the configuration gives is not a key.
#[derive(Debug, thiserror::Error)]
#[error("a seal key is 32 bytes in base64: make one with `openssl rand -base64 32`")]
pub struct NotAKey;

/// The server's key that wraps the keys of tenders, with those that did so before. Its id, a digest of it, is stored beside what it wraps.
pub struct SealKey {
    id: String,
    key: SecretBox<[u8; 32]>,
    previous: Vec<SealKey>,
}

impl SealKey {
    /// From 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        let id = hex::encode(&sha256(&[b"14build/seal-key", &bytes])[..8]);
        Self { id, key: SecretBox::new(Box::new(bytes)), previous: Vec::new() }
    }

    /// From the configuration's text.
    ///
    /// # Errors
    /// [`NotAKey`].
    pub fn from_base64(text: &SecretString) -> Result<Self, NotAKey> {
        let bytes = STANDARD.decode(text.expose_secret().trim()).map_err(|_| NotAKey)?;
        Ok(Self::new(bytes.try_into().map_err(|_| NotAKey)?))
    }

    /// What tells it from others.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// With a key that was in use before and still unwraps.
    #[must_use]
    pub fn with_previous(mut self, key: SealKey) -> Self {
        self.previous.push(key);
        self
    }

    /// The ids of this key and of those before it.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self).chain(&self.previous).map(Self::id)
    }

    /// A tender's key, wrapped by this key instead of one before it.
    pub(crate) fn rewrap(&self, tender: TenderId, wrapped: &WrappedKey) -> Result<WrappedKey, Fault> {
        let key = self.unwrap(tender, wrapped)?;
        let wrapped = encrypt(&self.key, key.0.expose_secret(), tender.0.as_bytes())?;
        Ok(WrappedKey { key_id: self.id.clone(), wrapped })
    }

    /// A fresh key for a tender.
    pub(crate) fn make(&self, tender: TenderId) -> Result<WrappedKey, Fault> {
        let key = SecretBox::new(Box::new(rand::random::<[u8; 32]>()));
        let wrapped = encrypt(&self.key, key.expose_secret(), tender.0.as_bytes())?;
        Ok(WrappedKey { key_id: self.id.clone(), wrapped })
    }

    /// The key of a tender.
    pub(crate) fn unwrap(&self, tender: TenderId, wrapped: &WrappedKey) -> Result<TenderKey, Fault> {
        let mut keys = std::iter::once(self).chain(&self.previous);
        let key = keys.find(|key| key.id == wrapped.key_id);
        let key = key.ok_or_else(|| Fault::internal(format!("the seal key {} is not configured", wrapped.key_id)))?;
        let bytes = SecretBox::new(Box::new(decrypt(&key.key, &wrapped.wrapped, tender.0.as_bytes())?));
        let key = bytes.expose_secret().as_slice().try_into().map_err(Fault::internal)?;
        Ok(TenderKey(SecretBox::new(Box::new(key))))
    }
}

/// A tender's key as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct WrappedKey {
    pub key_id: String,
    pub wrapped: Vec<u8>,
}

/// A tender's key.
pub(crate) struct TenderKey(SecretBox<[u8; 32]>);

/// What a sealed offer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Place {
    pub tender: TenderId,
    pub bid: BidId,
    pub bidder: OrgId,
    pub revision: u32,
}

impl Place {
    fn aad(&self, domain: &[u8]) -> Vec<u8> {
        let revision = self.revision.to_be_bytes();
        [domain, self.tender.0.as_bytes(), self.bid.0.as_bytes(), self.bidder.0.as_bytes(), &revision].concat()
    }
}

/// What is sealed, canonical by the order of its fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document {
    format: String,
    #[serde(flatten)]
    place: Place,
    received_at: Timestamp,
    salt: String,
    content: BidContent,
}

/// A sealed offer and its receipt.
pub(crate) struct Sealed {
    pub sealed: Vec<u8>,
    pub receipt: Hash,
    pub document: String,
}

impl TenderKey {
    /// Seals an offer.
    pub(crate) fn seal(&self, place: Place, received_at: Timestamp, content: &BidContent) -> Result<Sealed, Fault> {
        let salt = hex::encode(rand::random::<[u8; 16]>());
        let document = Document { format: "14build/bid/1".into(), place, received_at, salt, content: content.clone() };
        let document = serde_json::to_string(&document).map_err(Fault::internal)?;
        let sealed = encrypt(&self.0, document.as_bytes(), &place.aad(BID))?;
        Ok(Sealed { sealed, receipt: sha256(&[document.as_bytes()]), document })
    }

    /// Opens an offer and checks it against its receipt. Answers the document too.
    pub(crate) fn open(&self, place: Place, sealed: &[u8], receipt: &Hash) -> Result<(BidContent, String), Fault> {
        let bytes = decrypt(&self.0, sealed, &place.aad(BID))?;
        if sha256(&[&bytes]) != *receipt {
            return Err(Fault::internal("a sealed offer does not match its receipt"));
        }
        let text = String::from_utf8(bytes).map_err(Fault::internal)?;
        let document: Document = serde_json::from_str(&text).map_err(Fault::internal)?;
        if document.place != place {
            return Err(Fault::internal("a sealed offer belongs elsewhere"));
        }
        Ok((document.content, text))
    }

    /// Seals a draft.
    pub(crate) fn seal_draft(&self, place: Place, content: &BidContent) -> Result<Vec<u8>, Fault> {
        let text = serde_json::to_vec(content).map_err(Fault::internal)?;
        encrypt(&self.0, &text, &place.aad(DRAFT))
    }

    /// Opens a draft.
    pub(crate) fn open_draft(&self, place: Place, sealed: &[u8]) -> Result<BidContent, Fault> {
        let bytes = decrypt(&self.0, sealed, &place.aad(DRAFT))?;
        serde_json::from_slice(&bytes).map_err(Fault::internal)
    }
}

/// The receipt of a withdrawal.
pub(crate) fn withdrawal(place: Place, received_at: Timestamp) -> Result<(Hash, String), Fault> {
    let document = serde_json::json!({
        "format": "14build/withdrawal/1", "tender": place.tender, "bid": place.bid, "bidder": place.bidder,
        "revision": place.revision, "receivedAt": received_at, "salt": hex::encode(rand::random::<[u8; 16]>()),
    });
    let text = serde_json::to_string(&document).map_err(Fault::internal)?;
    Ok((sha256(&[text.as_bytes()]), text))
}

fn encrypt(key: &SecretBox<[u8; 32]>, plain: &[u8], aad: &[u8]) -> Result<Vec<u8>, Fault> {
    let nonce = rand::random::<[u8; NONCE]>();
    let cipher = XChaCha20Poly1305::new(key.expose_secret().into());
    let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad });
    let sealed = sealed.map_err(|_| Fault::internal("encryption failed"))?;
    Ok([&nonce[..], &sealed].concat())
}

fn decrypt(key: &SecretBox<[u8; 32]>, sealed: &[u8], aad: &[u8]) -> Result<Vec<u8>, Fault> {
    let broken = || Fault::internal("what was sealed cannot be opened: wrong key, or it was changed");
    let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or_else(broken)?;
    let nonce: [u8; NONCE] = nonce.try_into().map_err(Fault::internal)?;
    let cipher = XChaCha20Poly1305::new(key.expose_secret().into());
    cipher.decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad }).map_err(|_| broken())
}

#[cfg(test)]
mod tests {
    use kernel::{Currency, Money, SoqLineId};
    use tenders_api::BidLine;

    use super::*;

    fn content() -> BidContent {
        let line = BidLine {
            soq_line: SoqLineId::new(),
            rate: "1234.5678".parse().expect("a decimal"),
            amount: Money::from_minor(1, Currency::EUR),
        };
        let valid_until = chrono::NaiveDate::from_ymd_opt(2027, 1, 1).expect("a date");
        BidContent { total: Money::from_minor(1, Currency::EUR), lines: vec![line], valid_until, note: Some("café".into()) }
    }

    fn place(revision: u32) -> Place {
        Place { tender: TenderId(uuid::Uuid::nil()), bid: BidId(uuid::Uuid::nil()), bidder: OrgId(uuid::Uuid::nil()), revision }
    }

    fn holds(bytes: &[u8], text: &str) -> bool {
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }

    #[test]
    fn what_is_sealed_opens_only_in_its_place_with_its_key() {
        let keys = SealKey::new([1; 32]);
        let wrapped = keys.make(place(1).tender).expect("made");
        let key = keys.unwrap(place(1).tender, &wrapped).expect("unwraps");
        let sealed = key.seal(place(1), Timestamp::UNIX_EPOCH, &content()).expect("seals");
        assert!(!holds(&sealed.sealed, "1234.5678") && holds(sealed.document.as_bytes(), "1234.5678"));
        let (opened, document) = key.open(place(1), &sealed.sealed, &sealed.receipt).expect("opens");
        assert_eq!(opened.lines[0].rate.to_string(), "1234.5678");
        assert_eq!((document.as_str(), sha256(&[document.as_bytes()])), (sealed.document.as_str(), sealed.receipt));
        assert!(key.open(place(2), &sealed.sealed, &sealed.receipt).is_err(), "another revision");
        assert!(key.open(place(1), &sealed.sealed, &[0; 32]).is_err(), "another receipt");
        let other = keys.make(place(1).tender).expect("made");
        assert!(keys.unwrap(place(1).tender, &other).expect("unwraps").open(place(1), &sealed.sealed, &sealed.receipt).is_err());
        assert!(keys.unwrap(TenderId::new(), &wrapped).is_err(), "another tender's key");
    }

    #[test]
    fn a_draft_never_opens_as_an_offer_nor_elsewhere() {
        let keys = SealKey::new([1; 32]);
        let wrapped = keys.make(place(1).tender).expect("made");
        let key = keys.unwrap(place(1).tender, &wrapped).expect("unwraps");
        let content = content();
        let draft = key.seal_draft(place(1), &content).expect("seals");
        assert!(!holds(&draft, "1234.5678"));
        assert_eq!(key.open_draft(place(1), &draft).expect("opens"), content);
        assert!(key.open_draft(place(2), &draft).is_err(), "another revision");
        let text = serde_json::to_vec(&content).expect("text");
        assert!(key.open(place(1), &draft, &sha256(&[&text])).is_err(), "no offer, whatever receipt is put beside it");
        let offer = key.seal(place(1), Timestamp::UNIX_EPOCH, &content).expect("seals");
        assert!(key.open_draft(place(1), &offer.sealed).is_err(), "an offer is no draft");
    }

    #[test]
    fn two_seals_of_one_offer_have_two_receipts() {
        let keys = SealKey::new([1; 32]);
        let wrapped = keys.make(place(1).tender).expect("made");
        let key = keys.unwrap(place(1).tender, &wrapped).expect("unwraps");
        let seal = || key.seal(place(1), Timestamp::UNIX_EPOCH, &content()).expect("seals").receipt;
        assert_ne!(seal(), seal());
    }

    #[test]
    fn a_rotated_server_key_still_unwraps() {
        let old = SealKey::new([1; 32]);
        let wrapped = old.make(place(1).tender).expect("made");
        let rotated = SealKey::new([2; 32]).with_previous(SealKey::new([1; 32]));
        assert!(rotated.unwrap(place(1).tender, &wrapped).is_ok());
        assert!(SealKey::new([2; 32]).unwrap(place(1).tender, &wrapped).is_err());
    }

    #[test]
    fn a_key_is_32_bytes_of_base64() {
        assert!(SealKey::from_base64(&STANDARD.encode([3; 32]).into()).is_ok());
        assert!(SealKey::from_base64(&"short".to_owned().into()).is_err());
        assert_eq!(SealKey::new([3; 32]).id().len(), 16);
    }
}

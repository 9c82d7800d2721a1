//! `Authenticator`: an authenticator with its browser, in software: makes passkeys (ES256, attestation `none`) and uses them, right or wrong in whatever a
//! test wants it to be.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

/// Flags of what an authenticator says.
const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const KEY_INCLUDED: u8 = 0x40;

/// A key that an authenticator keeps.
struct Key {
    id: Vec<u8>,
    pair: EcdsaKeyPair,
    rp_id: String,
    user_handle: Vec<u8>,
    counter: u32,
}

/// An authenticator with its browser. What it does wrong is set before it is asked.
pub struct Authenticator {
    /// The page on which it is used.
    pub origin: String,
    /// Whose keys it says that they are; as it is asked, if nothing is said here.
    pub rp_id: Option<String>,
    /// Whether it sees that it is its person.
    pub verifies: bool,
    /// Whether another site shows the page in a frame.
    pub framed: bool,
    /// Whether its keys may be, and are, on several devices.
    pub backed_up: bool,
    /// Whether it counts how often a key is used; many never do.
    pub counts: bool,
    keys: Vec<Key>,
    random: SystemRandom,
}

impl Authenticator {
    /// One without keys, on a page of this origin.
    #[must_use]
    pub fn on(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            rp_id: None,
            verifies: true,
            framed: false,
            backed_up: false,
            counts: false,
            keys: Vec::new(),
            random: SystemRandom::new(),
        }
    }

    /// Makes a key as `navigator.credentials.create` does for these options; `None` if it has one of those that are excluded.
    ///
    /// # Panics
    /// If the options are not what a server asks.
    pub fn make(&mut self, options: &Value) -> Option<Value> {
        let excluded = options["excludeCredentials"].as_array().into_iter().flatten().map(|one| bytes(&one["id"]));
        let excluded: Vec<Vec<u8>> = excluded.collect();
        if self.keys.iter().any(|key| excluded.contains(&key.id)) {
            return None;
        }
        Some(self.make_anyway(options))
    }

    /// Makes a key whatever is excluded.
    ///
    /// # Panics
    /// If the options are not what a server asks.
    pub fn make_anyway(&mut self, options: &Value) -> Value {
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &self.random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &self.random).expect("the key");
        let mut id = vec![0; 32];
        self.random.fill(&mut id).expect("random bytes");
        let rp_id = options["rp"]["id"].as_str().expect("the server's name").to_owned();
        let key = Key { id, pair, rp_id, user_handle: bytes(&options["user"]["id"]), counter: 0 };
        let made = self.made(&key, options);
        self.keys.push(key);
        made
    }

    /// Says of its last key, once more, that it was just made.
    ///
    /// # Panics
    /// If it has none.
    #[must_use]
    pub fn make_again(&self, options: &Value) -> Value {
        self.made(self.keys.last().expect("a key"), options)
    }

    fn made(&self, key: &Key, options: &Value) -> Value {
        let attestation = self.attestation(key);
        let client_data = self.client_data("webauthn.create", &options["challenge"]);
        let id = text(&key.id);
        json!({
            "id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "platform",
            "response": { "clientDataJSON": text(&client_data), "attestationObject": text(&attestation), "transports": ["internal"] },
            "clientExtensionResults": {}
        })
    }

    /// Uses a key as `navigator.credentials.get` does for these options: the last one that is allowed, or the last one of all.
    ///
    /// # Panics
    /// If it has none.
    pub fn show(&mut self, options: &Value) -> Value {
        let allowed = options["allowCredentials"].as_array().into_iter().flatten().map(|one| bytes(&one["id"]));
        let allowed: Vec<Vec<u8>> = allowed.collect();
        let at = self.keys.iter().rposition(|key| allowed.is_empty() || allowed.contains(&key.id)).expect("a key for it");
        let client_data = self.client_data("webauthn.get", &options["challenge"]);
        let counts = u32::from(self.counts);
        self.keys[at].counter += counts;
        let key = &self.keys[at];
        let authenticator_data = self.data(key, 0, &[]);
        let signed = [&authenticator_data[..], digest(&SHA256, &client_data).as_ref()].concat();
        let signature = key.pair.sign(&self.random, &signed).expect("a signature");
        let id = text(&key.id);
        json!({
            "id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "platform",
            "response": {
                "clientDataJSON": text(&client_data), "authenticatorData": text(&authenticator_data),
                "signature": text(signature.as_ref()), "userHandle": text(&key.user_handle)
            },
            "clientExtensionResults": {}
        })
    }

    /// Lets all of its keys have been used so often, as those of a copy have not.
    pub fn set_counter(&mut self, counter: u32) {
        for key in &mut self.keys {
            key.counter = counter;
        }
    }

    /// What a browser tells of the page.
    fn client_data(&self, kind: &str, challenge: &Value) -> Vec<u8> {
        json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.framed })
            .to_string()
            .into_bytes()
    }

    /// What the authenticator says: whose key it is, what was seen, how often it was used.
    fn data(&self, key: &Key, more: u8, attested: &[u8]) -> Vec<u8> {
        let verified = if self.verifies { USER_VERIFIED } else { 0 };
        let backed_up = if self.backed_up { BACKUP_ELIGIBLE | BACKED_UP } else { 0 };
        let rp_id = self.rp_id.as_deref().unwrap_or(&key.rp_id);
        let hash = digest(&SHA256, rp_id.as_bytes());
        let head: &[u8] = hash.as_ref();
        let flags = USER_PRESENT | verified | backed_up | more;
        [head, &[flags], &key.counter.to_be_bytes(), attested].concat()
    }

    /// The attestation object (CBOR): no statement, and the key.
    fn attestation(&self, key: &Key) -> Vec<u8> {
        let point: &[u8] = key.pair.public_key().as_ref();
        let length = u16::try_from(key.id.len()).expect("short").to_be_bytes();
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y}: a key of P-256 for ES256 (RFC 9053).
        let cose = [
            &[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20][..],
            &point[1..33],
            &[0x22, 0x58, 0x20],
            &point[33..65],
        ]
        .concat();
        let attested = [&[0; 16][..], &length, &key.id, &cose].concat();
        let data = self.data(key, KEY_INCLUDED, &attested);
        let length = u8::try_from(data.len()).expect("short");
        // {"fmt": "none", "attStmt": {}, "authData": …}
        let head =
            [&[0xa3, 0x63][..], b"fmt", &[0x64], b"none", &[0x67], b"attStmt", &[0xa0, 0x68], b"authData", &[0x58, length]];
        [&head.concat()[..], &data].concat()
    }
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn bytes(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().expect("base64url")).expect("base64url")
}

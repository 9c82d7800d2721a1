//! The keys of an issuer, and what it signs with them, or does not.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use super::script::{CLIENT_ID, CLIENT_SECRET, Script, Signature};

/// A key with its name.
pub(super) struct Signer {
    key: EcdsaKeyPair,
    id: String,
}

/// What nobody guesses.
pub(super) fn random() -> String {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).expect("random bytes");
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Signer {
    pub(super) fn fresh() -> Self {
        let (random_bytes, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random_bytes).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random_bytes).expect("the key");
        Self { key, id: random() }
    }

    /// The keys that the issuer shows (RFC 7517).
    pub(super) fn keys(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id, "x": x, "y": y }] })
    }

    /// What it says of somebody.
    pub(super) fn id_token(&self, script: &Script, issuer: &str, nonce: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let now = i64::try_from(now).unwrap_or_default();
        let mut claims = json!({
            "iss": script.issuer.as_deref().unwrap_or(issuer), "aud": script.audience.as_deref().unwrap_or(CLIENT_ID),
            "nonce": script.nonce.as_deref().unwrap_or(nonce), "sub": script.subject, "iat": now, "exp": now + script.lives
        });
        if script.in_token {
            script.tell(&mut claims);
        }
        let algorithm = match script.signature {
            Signature::Own | Signature::Foreign => "ES256",
            Signature::None => "none",
            Signature::SharedSecret | Signature::PublicKey => "HS256",
        };
        let head = json!({ "alg": algorithm, "kid": self.id });
        let signed = [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let by_secret =
            |secret: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes()).as_ref().to_vec();
        let by_key =
            |key: &EcdsaKeyPair| key.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature").as_ref().to_vec();
        let signature = match script.signature {
            Signature::Own => by_key(&self.key),
            Signature::Foreign => by_key(&Self::fresh().key),
            Signature::None => Vec::new(),
            Signature::SharedSecret => by_secret(CLIENT_SECRET.as_bytes()),
            Signature::PublicKey => by_secret(self.key.public_key().as_ref()),
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

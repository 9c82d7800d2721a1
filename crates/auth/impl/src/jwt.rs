//! The form of a token for other services (RFC 7515, RFC 7519), and the pairs of keys that sign them (Ed25519, RFC 8037).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Fault;
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::signature::{Ed25519KeyPair, KeyPair};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

/// What keys are derived for: of the same secret, something else is derived from another word.
const PURPOSE: &[u8] = b"14build/token-keys";

/// The pair of the key `kid`: whoever has the deployment's secret has it, and nobody else.
pub(crate) fn pair(secret: &SecretString, kid: Uuid) -> Result<Ed25519KeyPair, Fault> {
    let mut seed = [0; 32];
    let derived = Salt::new(HKDF_SHA256, PURPOSE).extract(secret.expose_secret().trim().as_bytes());
    let filled = derived.expand(&[&kid.as_bytes()[..]], HKDF_SHA256).and_then(|bytes| bytes.fill(&mut seed));
    filled.map_err(|_| Fault::internal("no key can be derived"))?;
    Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| Fault::internal("what is derived is no key"))
}

/// Its public half.
pub(crate) fn public(pair: &Ed25519KeyPair) -> &[u8] {
    pair.public_key().as_ref()
}

/// A signed token that says so.
pub(crate) fn signed(pair: &Ed25519KeyPair, kid: Uuid, claims: &Value) -> SecretString {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "alg": "EdDSA", "kid": kid, "typ": "JWT" });
    let said = format!("{}.{}", part(&header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(pair.sign(said.as_bytes()));
    format!("{said}.{signature}").into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use ring::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    fn secret(text: &str) -> SecretString {
        text.to_owned().into()
    }

    #[test]
    fn a_pair_is_found_again_by_secret_and_id_and_by_nothing_less() {
        let of = |text: &str, id: u128| public(&pair(&secret(text), Uuid::from_u128(id)).unwrap()).to_vec();
        assert_eq!(of("secret", 1), of(" secret\n", 1), "as it stands in a file");
        assert_ne!(of("secret", 1), of("secret", 2));
        assert_ne!(of("secret", 1), of("other", 1));
        assert_eq!(of("secret", 1).len(), 32);
    }

    #[test]
    fn a_token_is_believed_by_its_public_key_as_long_as_nobody_touches_it() {
        let kid = Uuid::from_u128(7);
        let pair = pair(&secret("secret"), kid).unwrap();
        let token = signed(&pair, kid, &json!({ "sub": "ada" }));
        let (said, signature) = token.expose_secret().rsplit_once('.').unwrap();
        let key = UnparsedPublicKey::new(&ED25519, public(&pair));
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(key.verify(said.as_bytes(), &signature).is_ok());
        assert!(key.verify(said.replace('.', ".x").as_bytes(), &signature).is_err());
        let parts: Vec<Value> =
            said.split('.').map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()).collect();
        assert_eq!(parts[0], json!({ "alg": "EdDSA", "kid": kid.to_string(), "typ": "JWT" }));
        assert_eq!(parts[1], json!({ "sub": "ada" }));
    }
}

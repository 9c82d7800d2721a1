//! What browsers answer, in the words of `webauthn-rs`: bytes as base64url.

use auth_api::{MadeKey, ShownKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::json;
use webauthn_rs::prelude::{PublicKeyCredential, RegisterPublicKeyCredential};

/// Bytes as browsers tell them.
pub(crate) fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key that was made; `None` if it cannot be read.
pub(crate) fn made(made: &MadeKey) -> Option<RegisterPublicKeyCredential> {
    let response = json!({
        "clientDataJSON": made.client_data, "attestationObject": made.attestation, "transports": made.transports
    });
    serde_json::from_value(json!({ "id": made.id, "rawId": made.id, "type": "public-key", "response": response })).ok()
}

/// A key that was used; `None` if it cannot be read, or the page that used it stood in another one's frame.
pub(crate) fn shown(shown: &ShownKey) -> Option<PublicKeyCredential> {
    if is_framed(&shown.client_data)? {
        return None;
    }
    let response = json!({
        "clientDataJSON": shown.client_data, "authenticatorData": shown.authenticator_data, "signature": shown.signature,
        "userHandle": shown.user_handle
    });
    serde_json::from_value(json!({ "id": shown.id, "rawId": shown.id, "type": "public-key", "response": response })).ok()
}

/// What the browser says of where the page stood.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stood {
    #[serde(default)]
    cross_origin: bool,
    top_origin: Option<String>,
}

/// Whether another site's page showed ours: the crate looks at that only when a key is made.
fn is_framed(client_data: &str) -> Option<bool> {
    let bytes = URL_SAFE_NO_PAD.decode(client_data).ok()?;
    let stood: Stood = serde_json::from_slice(&bytes).ok()?;
    Some(stood.cross_origin || stood.top_origin.is_some())
}

//! What authenticators answer, as browsers tell it: the JSON of `PublicKeyCredential.toJSON` (W3C WebAuthn).

use auth_api::{FactorShown, MadeKey, ShownKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::examples;

/// An object that the standard gives its members.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Anything(pub(super) Value);

/// By hand: a derived schema knows no object without members of its own.
impl PartialSchema for Anything {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::Object))
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
            .description(Some("An object with the members that the WebAuthn standard gives it."))
            .into()
    }
}

impl ToSchema for Anything {
    fn name() -> std::borrow::Cow<'static, str> {
        "WebauthnObject".into()
    }
}

/// How an authenticator is reached, such as `internal`, `hybrid` or `usb`.
#[derive(ToSchema)]
#[schema(max_length = 40, pattern = "^[a-z-]+$")]
#[allow(dead_code)]
struct Transport(String);

/// What `navigator.credentials.create` answered.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "browsers send more than is looked at")]
#[schema(as = MadeCredential, example = examples::made_credential)]
pub(super) struct MadeIn {
    /// What the authenticator calls the key.
    #[schema(max_length = 1400, pattern = "^[A-Za-z0-9_-]+$")]
    id: String,
    /// The same.
    #[schema(max_length = 1400, pattern = "^[A-Za-z0-9_-]+$")]
    raw_id: Option<String>,
    /// `public-key`.
    #[serde(rename = "type")]
    #[schema(max_length = 40, pattern = "^[a-z-]+$")]
    kind: Option<String>,
    /// What the authenticator and the browser say.
    response: MadeResponse,
    /// `platform` or `cross-platform`; not looked at.
    #[schema(max_length = 40, pattern = "^[a-z-]+$")]
    authenticator_attachment: Option<String>,
    /// Not looked at.
    client_extension_results: Option<Anything>,
}

/// What the authenticator and the browser say of a key that was made.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "browsers send more than is looked at")]
struct MadeResponse {
    /// What the browser saw of the page and the challenge.
    #[serde(rename = "clientDataJSON")]
    #[schema(max_length = 20000, pattern = "^[A-Za-z0-9_-]+$")]
    client_data: String,
    /// The key, and what the authenticator says of it.
    #[schema(max_length = 100000, pattern = "^[A-Za-z0-9_-]+$")]
    attestation_object: String,
    /// How the authenticator is reached.
    #[schema(max_items = 20, value_type = Option<Vec<Transport>>)]
    transports: Option<Vec<String>>,
    /// A part of the attestation object; not looked at.
    #[schema(max_length = 100000, pattern = "^[A-Za-z0-9_-]+$")]
    authenticator_data: Option<String>,
    /// A part of the attestation object; not looked at.
    #[schema(max_length = 20000, pattern = "^[A-Za-z0-9_-]+$")]
    public_key: Option<String>,
    /// A part of the attestation object; not looked at.
    #[schema(minimum = -65535, maximum = 65535)]
    public_key_algorithm: Option<i32>,
}

/// What `navigator.credentials.get` answered.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "browsers send more than is looked at")]
#[schema(as = ShownCredential, example = examples::shown_credential)]
pub(super) struct ShownIn {
    /// What the authenticator calls the key.
    #[schema(max_length = 1400, pattern = "^[A-Za-z0-9_-]+$")]
    id: String,
    /// The same.
    #[schema(max_length = 1400, pattern = "^[A-Za-z0-9_-]+$")]
    raw_id: Option<String>,
    /// `public-key`.
    #[serde(rename = "type")]
    #[schema(max_length = 40, pattern = "^[a-z-]+$")]
    kind: Option<String>,
    /// What the authenticator and the browser say.
    response: ShownResponse,
    /// `platform` or `cross-platform`; not looked at.
    #[schema(max_length = 40, pattern = "^[a-z-]+$")]
    authenticator_attachment: Option<String>,
    /// Not looked at.
    client_extension_results: Option<Anything>,
}

/// What the authenticator and the browser say of a key that was used.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "browsers send more than is looked at")]
struct ShownResponse {
    /// What the browser saw of the page and the challenge.
    #[serde(rename = "clientDataJSON")]
    #[schema(max_length = 20000, pattern = "^[A-Za-z0-9_-]+$")]
    client_data: String,
    /// What the authenticator says of this use.
    #[schema(max_length = 20000, pattern = "^[A-Za-z0-9_-]+$")]
    authenticator_data: String,
    /// Its signature over both.
    #[schema(max_length = 20000, pattern = "^[A-Za-z0-9_-]+$")]
    signature: String,
    /// Whose the key is, as the authenticator was told when it made it.
    #[schema(max_length = 1400, pattern = "^[A-Za-z0-9_-]+$")]
    user_handle: Option<String>,
    /// Not looked at.
    #[schema(max_length = 100000, pattern = "^[A-Za-z0-9_-]+$")]
    attestation_object: Option<String>,
}

impl From<MadeIn> for MadeKey {
    fn from(made: MadeIn) -> Self {
        let MadeResponse { client_data, attestation_object, transports, .. } = made.response;
        Self { id: made.id, client_data, attestation: attestation_object, transports: transports.unwrap_or_default() }
    }
}

impl From<ShownIn> for ShownKey {
    fn from(shown: ShownIn) -> Self {
        let ShownResponse { client_data, authenticator_data, signature, user_handle, .. } = shown.response;
        Self { id: shown.id, client_data, authenticator_data, signature, user_handle }
    }
}

/// A passkey that answered what it was asked.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PasskeyAnswer, example = examples::passkey_answer)]
pub(super) struct AnswerIn {
    /// The `requestId` of the call that said what to ask (`…/options`).
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub(super) request_id: String,
    /// What `navigator.credentials.get` answered.
    pub(super) credential: ShownIn,
}

impl From<AnswerIn> for FactorShown {
    fn from(AnswerIn { request_id, credential }: AnswerIn) -> Self {
        Self::Passkey { request_id: request_id.into(), shown: Box::new(credential.into()) }
    }
}

/// What was shown as a second factor: one of both.
pub(super) fn factor_of(code: Option<String>, passkey: Option<AnswerIn>) -> Option<FactorShown> {
    match (code, passkey) {
        (Some(code), None) => Some(FactorShown::Code(code.into())),
        (None, Some(passkey)) => Some(passkey.into()),
        _ => None,
    }
}

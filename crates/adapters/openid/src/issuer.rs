//! An OpenID Connect issuer: found by its own description, asked with PKCE and a nonce, and believed for what it signs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use auth_api::{Asserted, Granted, Question, Told, Untold};
use openidconnect::core::{
    CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdTokenVerifier, CoreJsonWebKeySet,
    CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, EndUserName, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IssuerUrl, LocalizedClaim, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, Scope, SignatureVerificationError, TokenResponse, UserInfoError,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::http::{Http, read};

/// So long the description of an issuer is believed, its keys too; one that it signs with and that is not among them has it read again at once.
const KEPT: Duration = Duration::from_secs(600);

/// What counts as a signature: by a key that the issuer shows. Nobody but the issuer has what it signs with, so a shared secret is none.
const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// One that can be asked.
type Described = CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// An issuer.
pub(crate) struct Issuer {
    issuer: IssuerUrl,
    client: ClientId,
    secret: SecretString,
    redirect: RedirectUrl,
    description: Kept,
}

/// The description of an issuer that was read last. Whoever is its client, it is the same.
pub(crate) type Kept = Arc<Mutex<Option<Arc<Description>>>>;

/// How an issuer describes itself.
pub(crate) struct Description {
    metadata: CoreProviderMetadata,
    /// Whether it names itself when it sends somebody back.
    names_itself: bool,
    at: Instant,
}

/// What the library does not read of a description.
#[derive(Deserialize)]
struct More {
    /// RFC 9207.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// What is told of somebody besides who they are, from one and the same source.
struct Profile {
    email: Option<String>,
    /// Whether it says that the address is the person's, or that it is not.
    email_verified: Option<bool>,
    name: Option<String>,
}

/// What says that more than one factor was asked for (RFC 8176).
const SEVERAL_FACTORS: &str = "mfa";

impl Issuer {
    pub(crate) fn new(issuer: IssuerUrl, client: String, secret: SecretString, redirect: RedirectUrl) -> Self {
        Self::sharing(issuer, client, secret, redirect, Kept::default())
    }

    /// One whose description others keep as well.
    pub(crate) fn sharing(
        issuer: IssuerUrl,
        client: String,
        secret: SecretString,
        redirect: RedirectUrl,
        description: Kept,
    ) -> Self {
        Self { issuer, client: ClientId::new(client), secret, redirect, description }
    }

    /// Its description, if that is young enough.
    async fn description(&self, http: &Http) -> Result<Arc<Description>, Untold> {
        let kept = self.description.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match kept.filter(|kept| kept.at.elapsed() < KEPT) {
            Some(kept) => Ok(kept),
            None => self.look_up(http).await,
        }
    }

    async fn look_up(&self, http: &Http) -> Result<Arc<Description>, Untold> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let body = http.get_bytes(&url, None).await?;
        let metadata: CoreProviderMetadata = read(&url, &body)?;
        let More { authorization_response_iss_parameter_supported: names_itself } = read(&url, &body)?;
        if metadata.issuer() != &self.issuer {
            return Err(Untold::Refused(format!("{url} describes another issuer")));
        }
        self.check_protected(&metadata)?;
        let keys: CoreJsonWebKeySet = http.get(metadata.jwks_uri(), None).await?;
        let description = Arc::new(Description { metadata: metadata.set_jwks(keys), names_itself, at: Instant::now() });
        *self.description.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&description));
        Ok(description)
    }

    /// An issuer that is protected on the way to it leads nobody to where nothing is, and none to what is no server: a browser goes where it says.
    fn check_protected(&self, metadata: &CoreProviderMetadata) -> Result<(), Untold> {
        let schemes = [
            Some(metadata.authorization_endpoint().url().scheme()),
            Some(metadata.jwks_uri().url().scheme()),
            metadata.token_endpoint().map(|url| url.url().scheme()),
            metadata.userinfo_endpoint().map(|url| url.url().scheme()),
        ];
        if schemes.iter().flatten().any(|scheme| !["http", "https"].contains(scheme)) {
            return Err(Untold::Refused("it has an address that is no server's".to_owned()));
        }
        let plain = schemes.into_iter().flatten().any(|scheme| scheme != "https");
        if plain && self.issuer.url().scheme() == "https" {
            return Err(Untold::Refused("it has an address that is not protected by TLS".to_owned()));
        }
        Ok(())
    }

    fn described(&self, description: &Description) -> Described {
        let metadata = description.metadata.clone();
        let methods = metadata.token_endpoint_auth_methods_supported().cloned().unwrap_or_default();
        let takes = |method: &CoreClientAuthMethod| methods.contains(method);
        let in_body = takes(&CoreClientAuthMethod::ClientSecretPost) && !takes(&CoreClientAuthMethod::ClientSecretBasic);
        let secret = ClientSecret::new(self.secret.expose_secret().to_owned());
        let client = CoreClient::from_provider_metadata(metadata, self.client.clone(), Some(secret));
        let client = client.set_redirect_uri(self.redirect.clone());
        if in_body { client.set_auth_type(AuthType::RequestBody) } else { client }
    }

    /// Where a browser is sent; `anew` to show who its person is even if they are signed in there.
    pub(crate) async fn ask(&self, http: &Http, question: &Question, anew: bool) -> Result<String, Untold> {
        let description = self.description(http).await?;
        let client = self.described(&description);
        let (state, nonce) = (CsrfToken::new(exposed(&question.state)), Nonce::new(exposed(&question.nonce)));
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(exposed(&question.verifier)));
        let request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || state, move || nonce)
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge);
        // Whoever is asked by an age has to say when it was shown.
        let request = if anew { request.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::ZERO) } else { request };
        let (url, _, _) = request.url();
        Ok(url.to_string())
    }

    /// Who came back.
    pub(crate) async fn hear(&self, http: &Http, question: &Question, granted: &Granted) -> Result<Asserted, Untold> {
        let description = self.description(http).await?;
        self.check_issuer(granted.issuer.as_deref(), description.names_itself)?;
        let client = self.described(&description);
        let redeemed = client
            .exchange_code(AuthorizationCode::new(exposed(&granted.code)))
            .map_err(|error| Untold::Refused(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(exposed(&question.verifier)))
            .request_async(http)
            .await;
        let tokens = redeemed.map_err(|error| match error {
            RequestTokenError::Request(unanswered) => Untold::Unreachable(unanswered.to_string()),
            error => Untold::Refused(error.to_string()),
        })?;
        let id_token = tokens.id_token().ok_or_else(|| Untold::Refused("it tells no ID token".to_owned()))?;
        let nonce = Nonce::new(exposed(&question.nonce));
        let claims = match id_token.claims(&self.verifier(&description), &nonce) {
            // It has other keys since.
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                let description = self.look_up(http).await?;
                id_token.claims(&self.verifier(&description), &nonce)
            }
            claims => claims,
        };
        let claims = claims.map_err(|error| Untold::Refused(unbelieved(&error)))?;
        let profile = match claims.email() {
            Some(email) => Profile {
                email: Some(email.as_str().to_owned()),
                email_verified: claims.email_verified(),
                name: claims.name().and_then(shown),
            },
            None if client.user_info_url().is_some() => {
                let asked = client.user_info(tokens.access_token().clone(), Some(claims.subject().clone()));
                let asked = asked.map_err(|error| Untold::Refused(error.to_string()))?;
                let told: Result<CoreUserInfoClaims, _> = asked.request_async(http).await;
                let told = told.map_err(|error| match error {
                    UserInfoError::Request(unanswered) => Untold::Unreachable(unanswered.to_string()),
                    error => Untold::Refused(error.to_string()),
                })?;
                Profile {
                    email: told.email().map(|email| email.as_str().to_owned()),
                    email_verified: told.email_verified(),
                    name: told.name().and_then(shown),
                }
            }
            None => Profile { email: None, email_verified: None, name: claims.name().and_then(shown) },
        };
        let Profile { email, email_verified, name } = profile;
        let subject = claims.subject().as_str().to_owned();
        let factor =
            claims.auth_method_refs().is_some_and(|methods| methods.iter().any(|method| method.as_str() == SEVERAL_FACTORS));
        let (issuer, disowned) = (self.issuer.as_str().to_owned(), email_verified == Some(false));
        let told = Told { issuer, subject, email, email_verified: email_verified == Some(true), name };
        Ok(Asserted { told, disowned, factor, shown_at: claims.auth_time() })
    }

    /// Whoever sends somebody back is who was asked: an issuer that is asked for another one's people must not pass.
    fn check_issuer(&self, said: Option<&str>, expected: bool) -> Result<(), Untold> {
        match said {
            Some(said) if said != self.issuer.as_str() => Err(Untold::Refused("another issuer sent the browser back".to_owned())),
            None if expected => Err(Untold::Refused("it names itself, and whoever sent the browser back did not".to_owned())),
            _ => Ok(()),
        }
    }

    fn verifier(&self, description: &Description) -> CoreIdTokenVerifier<'static> {
        let (issuer, keys) = (self.issuer.clone(), description.metadata.jwks().clone());
        // Not by the client's secret, which a public client's verifier does not have.
        CoreIdTokenVerifier::new_public_client(self.client.clone(), issuer, keys).set_allowed_algs(SIGNATURES)
    }
}

fn exposed(secret: &SecretString) -> String {
    secret.expose_secret().to_owned()
}

fn shown(name: &LocalizedClaim<EndUserName>) -> Option<String> {
    name.get(None).map(|name| name.as_str().to_owned())
}

/// Why claims are not believed: what it lies at is told, not who they are about.
fn unbelieved(error: &ClaimsVerificationError) -> String {
    match error {
        ClaimsVerificationError::SignatureVerification(cause) => format!("{error}: {cause}"),
        error => error.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_browser_is_sent_to_servers_alone() {
        let (name, secret) = ("http://login.example.com".to_owned(), SecretString::from("secret".to_owned()));
        let redirect = RedirectUrl::new("https://build14.example/".to_owned()).unwrap();
        let issuer = Issuer::new(IssuerUrl::new(name.clone()).unwrap(), "14build".to_owned(), secret, redirect);
        let described = |authorization: &str| -> CoreProviderMetadata {
            serde_json::from_value(json!({
                "issuer": name, "authorization_endpoint": authorization, "jwks_uri": "http://login.example.com/keys",
                "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"]
            }))
            .unwrap()
        };
        assert!(issuer.check_protected(&described("http://login.example.com/auth")).is_ok());
        for elsewhere in ["javascript:alert(1)//", "data:text/html,x", "ftp://login.example.com/"] {
            let refused = issuer.check_protected(&described(elsewhere));
            assert!(matches!(refused, Err(Untold::Refused(_))), "{elsewhere}: {refused:?}");
        }
    }
}

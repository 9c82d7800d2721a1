//! GitHub: OAuth without OpenID Connect. It is asked who has the token, and for their addresses.

use auth_api::{Granted, Question, Told, Untold};
use oauth2::basic::BasicClient;
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::http::Http;

/// GitHub, as it is asked.
type Asked = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// GitHub.
pub(crate) struct GitHub {
    base: String,
    api_base: String,
    client: Asked,
}

/// Who somebody is. Names change, and go to others; the number does not.
#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
    name: Option<String>,
}

/// An address of theirs.
#[derive(Deserialize)]
struct Address {
    email: String,
    #[serde(default)]
    primary: bool,
    #[serde(default)]
    verified: bool,
}

impl GitHub {
    /// `None` if an address is no URL.
    pub(crate) fn new(
        (base, api_base): (&str, &str),
        client: String,
        secret: &SecretString,
        redirect: RedirectUrl,
    ) -> Option<Self> {
        let (base, api_base) = (base.trim_end_matches('/').to_owned(), api_base.trim_end_matches('/').to_owned());
        let authorize = AuthUrl::new(format!("{base}/login/oauth/authorize")).ok()?;
        let token = TokenUrl::new(format!("{base}/login/oauth/access_token")).ok()?;
        let client = BasicClient::new(ClientId::new(client))
            .set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
            .set_auth_uri(authorize)
            .set_token_uri(token)
            .set_redirect_uri(redirect)
            .set_auth_type(AuthType::RequestBody);
        Some(Self { base, api_base, client })
    }

    /// Where a browser is sent.
    pub(crate) fn ask(&self, question: &Question) -> String {
        let exposed = |secret: &SecretString| secret.expose_secret().to_owned();
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(exposed(&question.verifier)));
        let (url, _) = self
            .client
            .authorize_url(|| CsrfToken::new(exposed(&question.state)))
            .add_scope(Scope::new("read:user".to_owned()))
            .add_scope(Scope::new("user:email".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        url.to_string()
    }

    /// Who came back.
    pub(crate) async fn hear(&self, http: &Http, question: &Question, granted: &Granted) -> Result<Told, Untold> {
        // It does not name itself today. Another issuer that does has sent the browser to the wrong place.
        if let Some(said) = &granted.issuer
            && !(said == &self.base || said.starts_with(&format!("{}/", self.base)))
        {
            return Err(Untold::Refused("another issuer sent the browser back".to_owned()));
        }
        let redeemed = self
            .client
            .exchange_code(AuthorizationCode::new(granted.code.expose_secret().to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(question.verifier.expose_secret().to_owned()))
            .request_async(http)
            .await;
        let tokens = redeemed.map_err(|error| match error {
            RequestTokenError::Request(unanswered) => Untold::Unreachable(unanswered.to_string()),
            // A code that it does not take it answers with 200, and no token.
            error => Untold::Refused(error.to_string()),
        })?;
        let token = tokens.access_token().secret().as_str();
        let user: User = http.get(&format!("{}/user", self.api_base), Some(token)).await?;
        let addresses: Vec<Address> = http.get(&format!("{}/user/emails", self.api_base), Some(token)).await?;
        let primary = addresses.into_iter().find(|address| address.primary);
        let email_verified = primary.as_ref().is_some_and(|address| address.verified);
        Ok(Told {
            issuer: self.base.clone(),
            subject: user.id.to_string(),
            email: primary.map(|address| address.email),
            email_verified,
            name: user.name.filter(|name| !name.trim().is_empty()).or(Some(user.login)),
        })
    }
}

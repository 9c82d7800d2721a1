//! Tokens for other services: short-lived, and believed by whoever has the public keys, without asking us.

use async_trait::async_trait;
use kernel::{Ctx, Fault, Timestamp};
use secrecy::SecretString;
use uuid::Uuid;

use crate::Error;

/// By what a caller is known for whom a token is made: it tells no more, and lives no longer.
#[derive(Debug, Clone)]
pub struct Bearer {
    /// Who asks, as what.
    pub ctx: Ctx,
    /// When the session, or the API key, ends by itself.
    pub until: Timestamp,
    /// When the person last proved who they are; of an API key nobody did.
    pub authenticated_at: Option<Timestamp>,
}

/// A token for another service.
#[derive(Debug)]
pub struct ServiceToken {
    /// The token itself: a signed JSON Web Token.
    pub token: SecretString,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A public key, by which a token is known to be ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenKey {
    /// Its id, which each token names.
    pub kid: Uuid,
    /// The key, of Ed25519.
    pub public: Vec<u8>,
}

/// Makes tokens for other services. Here they open nothing.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// A token that tells one service who the caller is, in which organisation, and as what.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a service that the deployment does not know; [`Error::EmailNotVerified`] while the person has not proven their address;
    /// [`Error::NotAuthenticated`] if the session or the key is about to end.
    async fn issue(&self, bearer: &Bearer, audience: &str) -> Result<ServiceToken, Error>;

    /// The public keys by which tokens are believed now, and those that sign soon.
    ///
    /// # Errors
    /// A fault.
    async fn keys(&self) -> Result<Vec<TokenKey>, Fault>;
}

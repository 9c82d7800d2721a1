//! Sign-in elsewhere: an identity provider, such as Google, says who somebody is.

use async_trait::async_trait;
use kernel::{Ctx, SessionId, Timestamp};
use mail_api::Language;
use secrecy::SecretString;

use crate::proof::Asking;
use crate::security::Client;
use crate::{Entered, Error};

kernel::ids! {
    /// An identity that is linked with an account.
    IdentityId;
}

/// An identity provider, as a person chooses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityProvider {
    /// How paths and settings name it, such as `google`.
    pub key: String,
    /// How people call it, such as `Google`.
    pub name: String,
}

/// What a provider is asked with. Only the browser that began can come by it again.
#[derive(Debug)]
pub struct Question {
    /// What comes back with the browser.
    pub state: SecretString,
    /// What the provider puts into what it signs.
    pub nonce: SecretString,
    /// Of what the provider is told a hash first, and what redeems the code then (PKCE).
    pub verifier: SecretString,
}

/// With what a provider sends somebody back.
#[derive(Debug)]
pub struct Granted {
    /// What the provider is asked for who it is; it counts once.
    pub code: SecretString,
    /// Who says so (`iss`, RFC 9207), if it is said.
    pub issuer: Option<String>,
}

/// Who somebody is, as a provider says. Issuer and subject together are one person, for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Who says so.
    pub issuer: String,
    /// Whom it is about, in the issuer's own terms.
    pub subject: String,
    /// An email of theirs, if one was told.
    pub email: Option<String>,
    /// Whether the provider says that it is theirs. Where it says nothing it does not.
    pub email_verified: bool,
    /// What they are called, if that was told.
    pub name: Option<String>,
}

/// Why a provider told nothing.
#[derive(Debug, thiserror::Error)]
pub enum Untold {
    /// There is no such provider.
    #[error("there is no such identity provider")]
    Unknown,
    /// It does not answer, or not in time.
    #[error("{0}")]
    Unreachable(String),
    /// What it says is not to be believed.
    #[error("{0}")]
    Refused(String),
}

/// The identity providers of a deployment. Implemented over HTTP by an adapter.
#[async_trait]
pub trait IdentityProviders: Send + Sync {
    /// All of them, in the order in which people see them.
    fn all(&self) -> Vec<IdentityProvider>;

    /// Where a browser is sent, so that its person says there who they are.
    ///
    /// # Errors
    /// [`Untold::Unknown`], [`Untold::Unreachable`].
    async fn ask(&self, provider: &str, question: &Question) -> Result<String, Untold>;

    /// Who came back.
    ///
    /// # Errors
    /// [`Untold`].
    async fn hear(&self, provider: &str, question: &Question, granted: &Granted) -> Result<Told, Untold>;
}

/// A sign-in elsewhere, or a linking, that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes now.
    pub url: String,
    /// What the browser keeps as a cookie: without, nobody goes on.
    pub browser: SecretString,
    /// Until when they may come back.
    pub expires_at: Timestamp,
}

/// With what a browser comes back.
#[derive(Debug)]
pub struct Returned {
    /// What it was sent off with.
    pub state: SecretString,
    /// What the cookie holds.
    pub browser: Option<SecretString>,
    /// What the provider grants; `None` if it does not.
    pub granted: Option<Granted>,
    /// Whether the person declined there.
    pub declined: bool,
}

/// What came of it.
#[derive(Debug)]
pub enum Arrival {
    /// The person is signed in, or asked for their second factor.
    Entered(Box<Entered>),
    /// The provider is linked with the account.
    Linked,
}

/// Somebody came back.
#[derive(Debug)]
pub struct Arrived {
    /// What came of it.
    pub arrival: Arrival,
    /// The path of this server at which they go on.
    pub return_to: String,
}

/// An identity of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its id.
    pub id: IdentityId,
    /// The key of the provider by which it was linked.
    pub provider: String,
    /// Who says who it is.
    pub issuer: String,
    /// The email that the provider told when it was linked: it tells one's identities apart, and decides nothing.
    pub email: Option<String>,
    /// Since when.
    pub linked_at: Timestamp,
    /// When somebody last signed in by it.
    pub last_used_at: Option<Timestamp>,
}

/// The verbs of sign-in elsewhere.
#[async_trait]
pub trait SignInElsewhere: Send + Sync {
    /// The providers by which one can sign in here.
    fn providers(&self) -> Vec<IdentityProvider>;

    /// Begins a sign-in, or a sign-up, at a provider. `browser` is the cookie of an earlier one; `return_to` a path of this server.
    ///
    /// # Errors
    /// [`Error::NoSuchProvider`], [`Error::ProviderUnreachable`]; [`Error::Invalid`] for a `return_to` that leads elsewhere.
    async fn begin(&self, provider: &str, return_to: Option<&str>, browser: Option<&SecretString>) -> Result<Begun, Error>;

    /// Begins to link an identity with the account of the context's person. The route sees to it that they proved a moment ago who they are.
    ///
    /// # Errors
    /// As [`SignInElsewhere::begin`]; [`Error::EmailNotVerified`].
    async fn begin_linking(
        &self,
        ctx: &Ctx,
        session: SessionId,
        provider: &str,
        return_to: Option<&str>,
        browser: Option<&SecretString>,
    ) -> Result<Begun, Error>;

    /// Ends what began: signs in whose identity it is, or asks for the second factor, links it, or makes an account for a person who has none. `device`
    /// is what a device presents on which somebody signed in before.
    ///
    /// # Errors
    /// [`Error::SignInSpent`], [`Error::SignInDeclined`], [`Error::ProviderUnreachable`], [`Error::ProviderRefused`]; where nobody has the identity
    /// [`Error::AddressNotVouched`], [`Error::AccountUnproven`], [`Error::LinkWhileSignedIn`] or [`Error::EmailTaken`]; of one that was unlinked
    /// [`Error::IdentityUnlinked`]; of a linking [`Error::IdentityTaken`], [`Error::TooManyIdentities`].
    async fn finish(
        &self,
        provider: &str,
        returned: Returned,
        asking: Asking<'_>,
        device: Option<&SecretString>,
    ) -> Result<Arrived, Error>;

    /// The identities of the context's person, the oldest first.
    ///
    /// # Errors
    /// A fault.
    async fn identities(&self, ctx: &Ctx) -> Result<Vec<Identity>, Error>;

    /// Unlinks one of them, in this session: the person's others end, and whatever waits for a second factor or was mailed. Only whoever is signed in
    /// links it again. The route sees to it that the person proved a moment ago who they are; the last way in stays.
    ///
    /// # Errors
    /// [`Error::NoSuchIdentity`], [`Error::LastWayIn`]; [`Error::NotAuthenticated`] if the session ended meanwhile.
    async fn unlink(
        &self,
        ctx: &Ctx,
        session: SessionId,
        id: IdentityId,
        client: &Client,
        language: Language,
    ) -> Result<(), Error>;
}

/// The path of this server to which a provider sends browsers back. Each has one of its own, so that none is taken for another.
#[must_use]
pub fn callback_path(provider: &str) -> String {
    format!("/auth/oauth/{provider}/callback")
}

//! Passkeys: keys that a person's devices keep for them, by which they prove who they are and tell nobody a secret.

use async_trait::async_trait;
use kernel::{Ctx, Fault, Timestamp, UserId};
use secrecy::SecretString;
use serde_json::Value;

use crate::{Asking, Error, Session, SignedIn};

kernel::ids! {
    /// A passkey of a person.
    PasskeyId;
}

/// A passkey as its person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// Its id.
    pub id: PasskeyId,
    /// What its person calls it.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last proved who its person is.
    pub last_used_at: Option<Timestamp>,
    /// Whether the key may be on several devices, as a password manager keeps it. It never changes.
    pub backup_eligible: bool,
    /// Whether it is, as far as was seen when it was last used.
    pub backed_up: bool,
}

/// A passkey that was just added.
#[derive(Debug)]
pub struct AddedPasskey {
    /// It.
    pub passkey: Passkey,
    /// Codes for whom every second factor is lost, if it is the person's first: shown once.
    pub recovery_codes: Vec<SecretString>,
}

/// What an authenticator is asked. It counts for a few minutes, once, whatever comes of it.
#[derive(Debug)]
pub struct Challenge {
    /// What has to come with the answer: an answer to what somebody else's program asked is worth nothing.
    pub request_id: SecretString,
    /// Until when an answer counts.
    pub expires_at: Timestamp,
    /// What `navigator.credentials` is given as `publicKey`, in the form of `parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON`.
    pub options: Value,
}

/// A key that an authenticator made, as browsers tell it: bytes as base64url.
#[derive(Debug, Clone, Default)]
pub struct MadeKey {
    /// What the authenticator calls it.
    pub id: String,
    /// What the browser saw of the page and the challenge.
    pub client_data: String,
    /// The key, and what the authenticator says of it.
    pub attestation: String,
    /// How the authenticator is reached.
    pub transports: Vec<String>,
}

/// A challenge that was answered, likewise.
#[derive(Debug, Clone, Default)]
pub struct ShownKey {
    /// What the authenticator calls the key.
    pub id: String,
    /// What the browser saw of the page and the challenge.
    pub client_data: String,
    /// What the authenticator says of this use.
    pub authenticator_data: String,
    /// Its signature over both.
    pub signature: String,
    /// Whose the key is, as the authenticator was told when it made it.
    pub user_handle: Option<String>,
}

/// The verbs of passkeys. What adds or removes one is for a session whose person has just proven who they are: the routes see to that.
#[async_trait]
pub trait Passkeys: Send + Sync {
    /// Asks for a key of the context's person.
    ///
    /// # Errors
    /// [`Error::EmailNotVerified`], [`Error::TooManyPasskeys`], [`Error::PasskeysUnavailable`].
    async fn ask_new(&self, ctx: &Ctx, session: &Session) -> Result<Challenge, Error>;

    /// Keeps the key that was made in answer, and tells its person by mail. If it is their first second factor, every other session of theirs ends.
    ///
    /// # Errors
    /// [`Error::ChallengeSpent`], [`Error::Invalid`], [`Error::PasskeyKnown`], [`Error::TooManyPasskeys`]; as [`Passkeys::ask_new`].
    async fn add(
        &self,
        ctx: &Ctx,
        session: &Session,
        request_id: &SecretString,
        made: MadeKey,
        name: &str,
        asking: Asking<'_>,
    ) -> Result<AddedPasskey, Error>;

    /// The passkeys of the context's person, newest first.
    ///
    /// # Errors
    /// A fault.
    async fn own(&self, ctx: &Ctx) -> Result<Vec<Passkey>, Error>;

    /// Calls one of them otherwise.
    ///
    /// # Errors
    /// [`Error::NoSuchPasskey`], [`Error::Invalid`].
    async fn rename(&self, ctx: &Ctx, passkey: PasskeyId, name: &str) -> Result<Passkey, Error>;

    /// Removes one of them, and tells its person by mail. It proves nothing any more, at once; every other session of the person ends, and with the last
    /// second factor the recovery codes.
    ///
    /// # Errors
    /// [`Error::NoSuchPasskey`], [`Error::LastWayIn`]; [`Error::SecondFactorRequired`] where an organisation of theirs asks them for one.
    async fn remove(&self, ctx: &Ctx, session: &Session, passkey: PasskeyId, asking: Asking<'_>) -> Result<(), Error>;

    /// Asks for a key of whoever wants to sign in: nobody is named, and nothing is told of anybody.
    ///
    /// # Errors
    /// [`Error::PasskeysUnavailable`].
    async fn ask_sign_in(&self) -> Result<Challenge, Error>;

    /// Signs in whose key answered. Both factors: the authenticator saw that it is its person.
    ///
    /// # Errors
    /// [`Error::WrongPasskey`], whatever is wrong with it.
    async fn sign_in(
        &self,
        request_id: &SecretString,
        shown: ShownKey,
        asking: Asking<'_>,
        device: Option<&SecretString>,
    ) -> Result<SignedIn, Error>;

    /// Asks for a key of whom a pending sign-in is, as their second factor.
    ///
    /// # Errors
    /// [`Error::PendingSpent`], [`Error::NoPasskey`], [`Error::PasskeysUnavailable`].
    async fn ask_factor(&self, pending: &SecretString) -> Result<Challenge, Error>;

    /// Asks for a key of the context's person, so that they prove again who they are.
    ///
    /// # Errors
    /// [`Error::NoPasskey`], [`Error::PasskeysUnavailable`].
    async fn ask_again(&self, ctx: &Ctx, session: &Session) -> Result<Challenge, Error>;
}

/// For whom an authenticator makes a key.
#[derive(Debug, Clone, Copy)]
pub struct KeyOwner<'a> {
    /// The person.
    pub user: UserId,
    /// Their address, by which they tell their accounts apart.
    pub email: &'a str,
    /// Their name.
    pub name: &'a str,
}

/// A ceremony that has begun.
#[derive(Debug)]
pub struct Ceremony {
    /// As [`Challenge::options`].
    pub options: Value,
    /// What the answer is compared with. It is kept where nobody else writes, and used once.
    pub state: String,
}

/// A key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptKey {
    /// What the authenticator calls it.
    pub credential_id: Vec<u8>,
    /// The public key with all that checking a signature takes; the port's own words.
    pub credential: String,
    /// How often the authenticator says that it was used. Many never count.
    pub counter: u32,
    /// As [`Passkey::backup_eligible`].
    pub backup_eligible: bool,
    /// As [`Passkey::backed_up`].
    pub backed_up: bool,
}

/// Why an answer proves nothing.
#[derive(Debug)]
pub enum Unproven {
    /// No passkeys can be made where this server is: its address has no name.
    Unavailable,
    /// It is no answer to this challenge, by this key, on a page of ours, with its person seen to.
    Refused,
    /// All of it is right, but it was counted less often than before: there is a copy of the key.
    CounterFell,
    /// Nobody's fault that could act on it.
    Fault(Fault),
}

/// What is done by the standard (W3C WebAuthn): a port, so that nobody pays for its technology who only knows of passkeys.
pub trait Ceremonies: Send + Sync {
    /// Asks for a new key of this person, who has the `known` ones.
    ///
    /// # Errors
    /// [`Unproven::Unavailable`], a fault.
    fn begin(&self, owner: KeyOwner<'_>, known: &[Vec<u8>]) -> Result<Ceremony, Unproven>;

    /// The key that was made in answer.
    ///
    /// # Errors
    /// [`Unproven::Refused`].
    fn made(&self, state: &str, made: &MadeKey) -> Result<KeptKey, Unproven>;

    /// Asks for one of the `known` keys; for any that the authenticator has of this server where none is named.
    ///
    /// # Errors
    /// [`Unproven::Unavailable`], a fault.
    fn ask(&self, known: &[Vec<u8>]) -> Result<Ceremony, Unproven>;

    /// The key of the answer, with what changed of it by this use. Always with user verification.
    ///
    /// # Errors
    /// [`Unproven::Refused`], [`Unproven::CounterFell`].
    fn shown(&self, state: &str, credential: &str, shown: &ShownKey) -> Result<KeptKey, Unproven>;
}

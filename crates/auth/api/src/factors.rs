//! Second factors: what a person shows besides a password or a mailed link, and what stands between that and a session.

use async_trait::async_trait;
use kernel::{Ctx, SessionId, Timestamp};
use secrecy::SecretString;

use crate::{Asking, Error, MfaPolicy, ShownKey, SignedIn};

kernel::named! {
    /// What a person can show as a second factor.
    pub enum FactorKind as "SecondFactor" {
        /// The code that an authenticator shows for half a minute (TOTP).
        Totp = "totp",
        /// A passkey, whose authenticator sees to its person.
        Passkey = "passkey",
        /// One of the codes that were shown once, for whom everything else is lost.
        RecoveryCode = "recovery_code",
    }
}

/// What a proof of who somebody is led to.
#[derive(Debug)]
pub enum Entered {
    /// A session.
    SignedIn(SignedIn),
    /// The person has a second factor, and shows it first ([`SecondFactors::finish`]).
    Pending(PendingSignIn),
}

/// A sign-in that wants a second factor. There is no session yet.
#[derive(Debug)]
pub struct PendingSignIn {
    /// 256 random bits in hexadecimal digits, for the program that began it; only their hash is stored. It opens nothing by itself.
    pub token: SecretString,
    /// What can be shown.
    pub factors: Vec<FactorKind>,
    /// Until when.
    pub expires_at: Timestamp,
}

/// What somebody shows as a second factor.
#[derive(Debug)]
pub enum FactorShown {
    /// What was typed: the code of an authenticator, or a recovery code.
    Code(SecretString),
    /// A passkey that answered what was asked in this request ([`crate::Passkeys::ask_factor`], [`crate::Passkeys::ask_again`]).
    Passkey {
        /// The request.
        request_id: SecretString,
        /// The answer.
        shown: Box<ShownKey>,
    },
}

/// By what a signed-in person proves again who they are.
#[derive(Debug)]
pub enum Again {
    /// Their password: of whom has no second factor.
    Password(SecretString),
    /// Their second factor.
    Factor(FactorShown),
}

/// An authenticator that is being set up: the only moment at which its secret is known.
#[derive(Debug)]
pub struct NewTotp {
    /// What is typed into an authenticator that has no camera: base32.
    pub secret: SecretString,
    /// The same with all that an authenticator must know (`otpauth://totp/…`).
    pub uri: SecretString,
    /// That as a QR code: an SVG image.
    pub qr: SecretString,
    /// Until when a code of it is to be shown.
    pub expires_at: Timestamp,
}

/// The second factors of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFactors {
    /// Since when they have an authenticator, if they have one.
    pub totp_since: Option<Timestamp>,
    /// How many passkeys they have.
    pub passkeys: u32,
    /// How many recovery codes are left.
    pub recovery_codes_left: u32,
    /// For whom the organisation of the session asks for one.
    pub policy: MfaPolicy,
}

/// The verbs of second factors. Whatever changes them is for a session whose person has just proven who they are: the routes see to that.
#[async_trait]
pub trait SecondFactors: Send + Sync {
    /// Ends a pending sign-in with a session. Few second factors are tried for it, and for a person.
    ///
    /// # Errors
    /// [`Error::PendingSpent`], [`Error::WrongSecondFactor`], [`Error::TooManyCodes`].
    async fn finish(
        &self,
        token: &SecretString,
        shown: FactorShown,
        asking: Asking<'_>,
        device: Option<&SecretString>,
    ) -> Result<SignedIn, Error>;

    /// The second factors of the context's person.
    ///
    /// # Errors
    /// A fault.
    async fn own_factors(&self, ctx: &Ctx) -> Result<OwnFactors, Error>;

    /// Begins to set up an authenticator. One that the person has goes on to count until the new one is confirmed.
    ///
    /// # Errors
    /// [`Error::EmailNotVerified`]: whoever registered with another's address would keep its owner out.
    async fn begin_totp(&self, ctx: &Ctx) -> Result<NewTotp, Error>;

    /// The authenticator that is being set up counts from now on, and no other. Answers fresh recovery codes, in the place of those there were; every other
    /// session of the person ends.
    ///
    /// # Errors
    /// [`Error::NotFound`] if none is being set up; [`Error::Invalid`] for a wrong code; [`Error::TooManyCodes`].
    async fn confirm_totp(
        &self,
        ctx: &Ctx,
        session: SessionId,
        code: SecretString,
        asking: Asking<'_>,
    ) -> Result<Vec<SecretString>, Error>;

    /// The authenticator counts no more; without another factor the recovery codes neither. Every other session of the person ends.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::SecondFactorRequired`] where an organisation of theirs asks them for one.
    async fn remove_totp(&self, ctx: &Ctx, session: SessionId, asking: Asking<'_>) -> Result<(), Error>;

    /// Fresh recovery codes, in the place of those there were.
    ///
    /// # Errors
    /// [`Error::NotFound`] without a second factor: there is nothing to recover.
    async fn renew_recovery_codes(&self, ctx: &Ctx, asking: Asking<'_>) -> Result<Vec<SecretString>, Error>;
}

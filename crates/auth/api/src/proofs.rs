//! Proofs: a mail with a link and a code, by which whoever reads it shows that the address is theirs.

use std::net::IpAddr;

use async_trait::async_trait;
use kernel::{Ctx, RequestId, SessionId, Timestamp};
use mail_api::Language;
use secrecy::SecretString;

use crate::{Error, SignedIn};

kernel::named! {
    /// What an address is proven for. A proof is worth nothing for anything else.
    pub enum Purpose {
        /// That the account's address is its person's.
        VerifyAddress = "verify_address",
        /// A new password.
        ResetPassword = "reset_password",
        /// Signing in, or up, without a password.
        MagicLink = "magic_link",
        /// That the account has this address from now on.
        ChangeAddress = "change_address",
    }
}

/// Who asks, and how they are written to.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The request, as in the log.
    pub request: &'a RequestId,
    /// The client's address.
    pub from: Option<IpAddr>,
    /// What the client calls itself.
    pub agent: Option<&'a str>,
    /// The language of the mail.
    pub language: Language,
}

/// What the asking program is told: the same, and after the same work, whoever has the address.
#[derive(Debug)]
pub struct Asked {
    /// What has to come with the code: a code that somebody else's program asked for is worth nothing.
    pub request_id: SecretString,
    /// Until when link and code count.
    pub expires_at: Timestamp,
}

/// What somebody shows who has the mail.
#[derive(Debug)]
pub enum Shown {
    /// What the link holds: from any program, since mail is read on other devices.
    Token(SecretString),
    /// What is typed, by the program that asked.
    Code {
        /// [`Asked::request_id`].
        request_id: SecretString,
        /// The digits.
        code: SecretString,
    },
}

/// The verbs that go by mail. Looking at a link does nothing ([`Proofs::address_of`]): mail is opened by machines before it is read.
#[async_trait]
pub trait Proofs: Send + Sync {
    /// Mails the context's person what proves their address.
    ///
    /// # Errors
    /// [`Error::VerifiedAlready`], [`Error::TooManyMails`].
    async fn ask_verification(&self, ctx: &Ctx, asking: Asking<'_>) -> Result<Asked, Error>;

    /// The account's address is its person's from now on.
    ///
    /// # Errors
    /// [`Error::LinkSpent`], [`Error::WrongCode`].
    async fn verify(&self, shown: Shown, asking: Asking<'_>) -> Result<(), Error>;

    /// Mails an address what lets its account have a new password; to one that no account has, that there is none.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is no address; [`Error::TooManyMails`].
    async fn ask_reset(&self, email: &str, asking: Asking<'_>) -> Result<Asked, Error>;

    /// Gives the account a new password and ends all of its sessions, everywhere. It signs nobody in.
    ///
    /// # Errors
    /// [`Error::LinkSpent`], [`Error::WrongCode`]; [`Error::Invalid`] for the password, and then nothing is used up.
    async fn reset(&self, shown: Shown, password: SecretString, asking: Asking<'_>) -> Result<(), Error>;

    /// Mails an address what signs its person in, or up.
    ///
    /// # Errors
    /// As [`Proofs::ask_reset`].
    async fn ask_magic_link(&self, email: &str, asking: Asking<'_>) -> Result<Asked, Error>;

    /// Signs in whose address it is; where nobody has it, with a new account and an organisation of their own. If the account's address was not
    /// proven before, its password and its sessions end: who knows or has them may be somebody else.
    ///
    /// # Errors
    /// [`Error::LinkSpent`], [`Error::WrongCode`], [`Error::EmailTaken`] by one that looks the same.
    async fn follow_magic_link(&self, shown: Shown, asking: Asking<'_>) -> Result<SignedIn, Error>;

    /// The context's person, who tells the password, wants another address: mails what proves it there, and tells the present one.
    ///
    /// # Errors
    /// [`Error::Invalid`], also for a wrong password; [`Error::TooManyMails`], [`Error::TooManyAttempts`], [`Error::Busy`].
    async fn ask_address_change(
        &self,
        ctx: &Ctx,
        session: SessionId,
        email: &str,
        password: SecretString,
        asking: Asking<'_>,
    ) -> Result<Asked, Error>;

    /// The account has that address from now on; its sessions end, but the one that asked.
    ///
    /// # Errors
    /// [`Error::LinkSpent`], [`Error::WrongCode`], [`Error::EmailTaken`].
    async fn change_address(&self, shown: Shown, asking: Asking<'_>) -> Result<(), Error>;

    /// Which address a link is about, if it still counts for this. It goes on to count.
    ///
    /// # Errors
    /// A fault.
    async fn address_of(&self, purpose: Purpose, token: &str) -> Result<Option<String>, Error>;
}

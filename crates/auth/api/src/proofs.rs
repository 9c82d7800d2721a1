//! `Proofs`: the verbs that go by mail.

use async_trait::async_trait;
use kernel::{Ctx, SessionId, UserId};
use secrecy::SecretString;

use crate::proof::{Asked, Asking, Purpose, SetUpBefore, Shown};
use crate::{Entered, Error, KnownDevice};

/// The verbs that go by mail. Looking at a link does nothing ([`Proofs::address_of`]): mail is opened by machines before it is read.
#[async_trait]
pub trait Proofs: Send + Sync {
    /// Mails the context's person what proves their address.
    ///
    /// # Errors
    /// [`Error::VerifiedAlready`], [`Error::TooManyMails`].
    async fn ask_verification(&self, ctx: &Ctx, asking: Asking<'_>) -> Result<Asked, Error>;

    /// The account's address is its person's from now on. What was set up before stays if a code is shown, or a link `by` a live session of the person:
    /// by a link alone, whoever registered may be somebody else, and password, sessions, keys, identities and factors end.
    ///
    /// # Errors
    /// [`Error::LinkSpent`], [`Error::WrongCode`].
    async fn verify(&self, shown: Shown, by: Option<(UserId, SessionId)>, asking: Asking<'_>) -> Result<SetUpBefore, Error>;

    /// Mails an address what lets its account have a new password; to one that no account has, that there is none.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is no address; [`Error::TooManyMails`].
    async fn ask_reset(&self, email: &str, asking: Asking<'_>) -> Result<Asked, Error>;

    /// Gives the account a new password and ends all of its sessions, everywhere. It signs nobody in; the device is known from then on, unless the
    /// person has a second factor, which was not shown.
    ///
    /// # Errors
    /// [`Error::LinkSpent`], [`Error::WrongCode`]; [`Error::Invalid`] for the password, and then nothing is used up.
    async fn reset(&self, shown: Shown, password: SecretString, asking: Asking<'_>) -> Result<Option<KnownDevice>, Error>;

    /// Mails an address what signs its person in, or up.
    ///
    /// # Errors
    /// As [`Proofs::ask_reset`].
    async fn ask_magic_link(&self, email: &str, asking: Asking<'_>) -> Result<Asked, Error>;

    /// Signs in whose address it is, or asks whoever has a second factor for it; where nobody has it, with a new account and an organisation of their own. If the account's address was not
    /// proven before, its password and its sessions end: who knows or has them may be somebody else.
    ///
    /// # Errors
    /// [`Error::LinkSpent`], [`Error::WrongCode`], [`Error::EmailTaken`] by one that looks the same.
    async fn follow_magic_link(&self, shown: Shown, asking: Asking<'_>, device: Option<&SecretString>) -> Result<Entered, Error>;

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

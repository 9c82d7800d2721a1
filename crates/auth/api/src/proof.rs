//! A proof: a mail with a link and a code, by which whoever reads it shows that the address is theirs.

use std::net::IpAddr;

use kernel::{RequestId, Timestamp};
use mail_api::Language;
use secrecy::SecretString;

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

/// What became of the password, the sessions, the keys and the factors that an account had before its address was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetUpBefore {
    /// They stay: whoever proved the address set them up, or the address was proven before.
    Kept,
    /// They have ended: whoever set them up may be somebody else.
    Ended,
}

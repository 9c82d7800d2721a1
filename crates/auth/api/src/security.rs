//! Sessions and security events as their person sees them.

use std::net::IpAddr;

use kernel::{OrgId, SessionId, Timestamp};
use uuid::Uuid;

/// A live session of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession {
    /// Its id.
    pub id: SessionId,
    /// The organisation it is in.
    pub org: OrgId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// What happened to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityEvent {
    /// Its id, which decides among those of one instant.
    pub id: Uuid,
    /// What it was.
    pub kind: SecurityEventKind,
    /// When.
    pub at: Timestamp,
    /// The client's address, if it is known.
    pub address: Option<IpAddr>,
}

/// The kinds of security events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityEventKind {
    /// A sign-in with a wrong password, or with an email that nobody has.
    SignInFailed,
    /// So many sign-ins that no more are tried for a while.
    SignInLimited,
    /// A change of the password by somebody who did not know it.
    PasswordChangeFailed,
    /// So many of them that no more are tried for a while.
    PasswordChangeLimited,
    /// The password was changed.
    PasswordChanged,
}

impl SecurityEventKind {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::SignInFailed,
        Self::SignInLimited,
        Self::PasswordChangeFailed,
        Self::PasswordChangeLimited,
        Self::PasswordChanged,
    ];

    /// The stable name, as the API and the database spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignInFailed => "sign_in_failed",
            Self::SignInLimited => "sign_in_limited",
            Self::PasswordChangeFailed => "password_change_failed",
            Self::PasswordChangeLimited => "password_change_limited",
            Self::PasswordChanged => "password_changed",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

//! `Checked`: what a second factor, or a passkey, that somebody showed turned out to be.

use auth_api::{FactorKind, PasskeyId};

/// What was shown is.
pub(crate) enum Checked {
    /// One of the person's.
    Right(FactorKind),
    /// None; perhaps the copy of one.
    Wrong(Option<Copied>),
}

/// A passkey of which there is a copy: it was right, and used less often than before.
pub(crate) struct Copied {
    /// Which.
    pub(crate) passkey: PasskeyId,
    /// What its person calls it.
    pub(crate) name: String,
}

//! Why this domain refuses.

kernel::refusals! {
    /// Why this domain refuses. What is wrong in the words of SCIM has a code for each of its words (RFC 7644, table 9).
    #[derive(Debug, thiserror::Error)]
    pub enum Error {
        /// Something that must be one of its kind is another's.
        #[error("{0}")]
        NotUnique(&'static str) = Conflict("NOT_UNIQUE"),
        /// The last owner of the organisation stays.
        #[error("an organisation needs an owner: no directory deactivates the last one. Make another member owner first")]
        LastOwner = Conflict("LAST_OWNER"),
        /// In whose name people are invited has not shown that their own address is theirs.
        #[error("who made this key has not proven their address, and invites nobody: POST /api/auth/verification mails what does")]
        EmailNotVerified = Forbidden("EMAIL_NOT_VERIFIED"),
        /// The filter cannot be read, or asks for what cannot be compared.
        #[error("{0}")]
        InvalidFilter(String) = Invalid("INVALID_FILTER"),
        /// The body is not what a message of SCIM is.
        #[error("{0}")]
        InvalidSyntax(String) = Invalid("INVALID_SYNTAX"),
        /// The path of an operation cannot be read, or names no attribute.
        #[error("{0}")]
        InvalidPath(String) = Invalid("INVALID_PATH"),
        /// A value is missing, or none that the attribute may have.
        #[error("{0}")]
        InvalidValue(String) = Invalid("INVALID_VALUE"),
        /// An operation finds nothing to be done to.
        #[error("{0}")]
        NoTarget(String) = Invalid("NO_TARGET"),
        /// An operation on what does not change, or must be there.
        #[error("{0}")]
        Mutability(String) = Invalid("MUTABILITY"),
        /// More at once than is taken.
        #[error("{0}")]
        TooMany(String) = Invalid("TOO_MANY"),
    }
}

impl From<users_api::Error> for Error {
    fn from(error: users_api::Error) -> Self {
        use users_api::Error as Theirs;
        match error {
            Theirs::LastOwner => Self::LastOwner,
            Theirs::EmailNotVerified => Self::EmailNotVerified,
            Theirs::NotFound(what) => Self::NotFound(what),
            Theirs::State { what, state, hint } => Self::State { what, state, hint },
            Theirs::Stale => Self::Stale,
            Theirs::Invalid(faults) => Self::Invalid(faults),
            Theirs::Denied(denied) => Self::Denied(denied),
            Theirs::Fault(fault) => Self::Fault(fault),
            // None of these comes of what a directory does.
            other => Self::Fault(kernel::Fault::internal(other)),
        }
    }
}

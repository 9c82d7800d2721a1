//! Why the domain of people refuses.

kernel::refusals! {
    /// Why the domain of people refuses.
    #[derive(Debug, thiserror::Error)]
    pub enum Error {
        /// The last owner cannot leave, be demoted or remove the account.
        #[error("an organisation needs an owner: make another member owner first")]
        LastOwner = Conflict("LAST_OWNER"),
        /// An organisation that would leave, or lose its last member, is one that others still count on: by what, in words.
        #[error("an organisation that would be nobody's is still bound by {}: settle that, or make somebody else its owner first", .0.join(", "))]
        OrganizationInUse(Vec<String>) = Conflict("ORGANIZATION_IN_USE"),
        /// What a link holds keeps no account any more.
        #[error("this link was used already, or the account is gone")]
        LinkSpent = Conflict("LINK_SPENT"),
        /// The person is a member already.
        #[error("this person is a member already")]
        AlreadyMember = Conflict("ALREADY_MEMBER"),
        /// The email waits for an answer already.
        #[error("this email is invited already: withdraw that invitation to send another")]
        AlreadyInvited = Conflict("ALREADY_INVITED"),
        /// What waits for an address is for whoever has shown that it is theirs.
        #[error("prove your address first: POST /api/auth/verification mails what does")]
        EmailNotVerified = Forbidden("EMAIL_NOT_VERIFIED"),
    }
}

impl From<tenants_api::Error> for Error {
    fn from(error: tenants_api::Error) -> Self {
        use tenants_api::Error as Theirs;
        match error {
            Theirs::LastOwner => Self::LastOwner,
            Theirs::AlreadyMember => Self::AlreadyMember,
            Theirs::NotFound(what) => Self::NotFound(what),
            Theirs::State { what, state, hint } => Self::State { what, state, hint },
            Theirs::Stale => Self::Stale,
            Theirs::Invalid(faults) => Self::Invalid(faults),
            Theirs::Denied(denied) => Self::Denied(denied),
            Theirs::Fault(fault) => Self::Fault(fault),
        }
    }
}

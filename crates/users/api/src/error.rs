//! Why the domain of people refuses.

use kernel::Spent;

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
        /// The platform suspended the organisation whose archive is asked for.
        #[error("this organisation is suspended: nothing of it is taken along until the platform resumes it")]
        OrganizationSuspended = Forbidden("ORGANIZATION_SUSPENDED"),
        /// What a link holds keeps no account, or not any more.
        #[error("this link keeps no account: it was used already, or its time is over")]
        KeepsNothing = Conflict("LINK_SPENT"),
        /// The person is a member already.
        #[error("this person is a member already")]
        AlreadyMember = Conflict("ALREADY_MEMBER"),
        /// The organisation's directory has deactivated the person.
        #[error("the organisation's directory does not let you in: ask who keeps it")]
        NotLetIn = Conflict("NOT_LET_IN"),
        /// The email waits for an answer already.
        #[error("this email is invited already: withdraw that invitation to send another")]
        AlreadyInvited = Conflict("ALREADY_INVITED"),
        /// Another role of the organisation has this slug.
        #[error("a role of this organisation has this slug already")]
        RoleSlugTaken = Conflict("ROLE_SLUG_TAKEN"),
        /// So many members have the role that is to be removed.
        #[error("so many members have this role: {0}; take it from them first (PUT /api/users/{{id}}/roles)")]
        RoleInUse(i64) = Conflict("ROLE_IN_USE", "in use"),
        /// The organisation has as many roles as it may have.
        #[error("an organisation has at most {0} custom roles: remove one that nobody needs")]
        TooManyRoles(usize) = Conflict("TOO_MANY_ROLES"),
        /// What waits for an address is for whoever has shown that it is theirs.
        #[error("prove your address first: POST /api/auth/verification mails what does")]
        EmailNotVerified = Forbidden("EMAIL_NOT_VERIFIED"),
        /// A link by which nobody joins, whether it was used up, taken back, too old, or never ours.
        #[error("this link counts no more: ask whoever gave it to you for another")]
        LinkSpent = Conflict("LINK_SPENT"),
        /// Who joins by the link has an address of one of its domains.
        #[error("this link is for addresses of other domains than yours")]
        DomainNotAllowed = Forbidden("DOMAIN_NOT_ALLOWED"),
        /// The organisation has as many links as it may have.
        #[error("an organisation has at most {0} links that count: take one back that is not needed")]
        TooManyLinks(u32) = Conflict("TOO_MANY_LINKS"),
        /// The organisation has said so of this domain before.
        #[error("this domain is listed already")]
        DomainListed = Conflict("DOMAIN_LISTED"),
        /// The organisation has as many domains as it may have.
        #[error("an organisation has at most {0} domains: give one up that is not needed")]
        TooManyDomains(u32) = Conflict("TOO_MANY_DOMAINS"),
        /// What proves the domain is not published under this name.
        #[error("no TXT record of {0} has the value that proves the domain: publish it, and wait until it is known everywhere")]
        DomainNotProven(String) = Conflict("DOMAIN_NOT_PROVEN"),
        /// Another organisation has proven the domain.
        #[error("another organisation has proven this domain: it gives it up first, or takes its record away and waits for a week")]
        DomainTaken = Conflict("DOMAIN_TAKEN"),
        /// Whoever has an address of it has to sign in by the organisation's own issuer.
        #[error("single sign-on is enforced for addresses of this domain: an owner ends that first (PUT /api/organization/single-sign-on/mode)")]
        DomainEnforced = Conflict("DOMAIN_ENFORCED"),
        /// The person to whom the organisation is offered is its owner.
        #[error("this person is an owner already")]
        AlreadyOwner = Conflict("ALREADY_OWNER"),
        /// The organisation is offered to somebody, who has not answered.
        #[error("the organisation is offered to somebody already: take that offer back to make another")]
        OwnershipOffered = Conflict("OWNERSHIP_OFFERED"),
        /// It was mailed just now.
        #[error("this invitation was mailed a short while ago: look for that mail, or try again after Retry-After seconds")]
        TooManyMails(Spent) = TooMany("RATE_LIMITED"),
        /// It was mailed as often as one may be.
        #[error("this invitation was mailed {0} times: take it back and invite anew, or tell the person otherwise")]
        MailedOften(u32) = Conflict("MAILED_OFTEN"),
    }
    extra {
        Self::RoleInUse(members) => vec![("members", members.to_string())],
    }
    spent {
        Self::TooManyMails(spent) => Some(*spent),
    }
}

impl From<tenants_api::Error> for Error {
    fn from(error: tenants_api::Error) -> Self {
        use tenants_api::Error as Theirs;
        match error {
            Theirs::LastOwner => Self::LastOwner,
            Theirs::AlreadyMember => Self::AlreadyMember,
            Theirs::NotLetIn => Self::NotLetIn,
            Theirs::RoleSlugTaken => Self::RoleSlugTaken,
            Theirs::RoleInUse(members) => Self::RoleInUse(members),
            Theirs::TooManyRoles(most) => Self::TooManyRoles(most),
            Theirs::NotFound(what) => Self::NotFound(what),
            Theirs::State { what, state, hint } => Self::State { what, state, hint },
            Theirs::Stale => Self::Stale,
            Theirs::Invalid(faults) => Self::Invalid(faults),
            Theirs::Denied(denied) => Self::Denied(denied),
            Theirs::Fault(fault) => Self::Fault(fault),
        }
    }
}

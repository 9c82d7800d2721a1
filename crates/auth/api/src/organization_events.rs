//! What an organisation is told of the security of its members' accounts.

use std::net::IpAddr;

use async_trait::async_trait;
use kernel::{ApiKeyId, Ctx, Page, PageRequest, Timestamp, UserId};
use uuid::Uuid;

use crate::Error;

kernel::named! {
    /// The kinds of what an organisation is told.
    pub enum OrganizationEventKind {
        /// A member signed in, in whichever way, and acts in the organisation.
        SignedIn = "signed_in",
        /// A member came from another organisation, within one sign-in.
        Entered = "entered",
        /// A member proved again who they are.
        Reauthenticated = "reauthenticated",
        /// A sign-in that would have led into the organisation failed: a wrong password.
        SignInFailed = "sign_in_failed",
        /// So many of them that no more are tried for a while.
        SignInLimited = "sign_in_limited",
        /// Somebody signed in here wanted to change a member's password and did not know it.
        PasswordChangeFailed = "password_change_failed",
        /// So many of them that no more are tried for a while.
        PasswordChangeLimited = "password_change_limited",
        /// A member changed the password.
        PasswordChanged = "password_changed",
        /// A member, who would act in the organisation, was given a new password by mail.
        PasswordReset = "password_reset",
        /// A member's account has another address.
        AddressChanged = "address_changed",
        /// A member's address was proven, and what whoever it was had set up before ended.
        UnprovenAccessEnded = "unproven_access_ended",
        /// Somebody who had passed the first step of a sign-in showed no second factor of the member.
        SecondFactorFailed = "second_factor_failed",
        /// A member has another second factor.
        SecondFactorAdded = "second_factor_added",
        /// A member has one second factor less.
        SecondFactorRemoved = "second_factor_removed",
        /// A member has other recovery codes.
        RecoveryCodesRenewed = "recovery_codes_renewed",
        /// An identity provider signs a member in from now on.
        IdentityLinked = "identity_linked",
        /// It does no more.
        IdentityUnlinked = "identity_unlinked",
        /// The organisation's own issuer told of somebody who was not let in.
        SignOnRefused = "sign_on_refused",
        /// How people sign in by the organisation's own issuer was changed.
        SignOnChanged = "sign_on_changed",
        /// A permission was refused.
        AccessDenied = "access_denied",
        /// So many requests of a member, or of an API key, in the organisation that no more are answered for a while.
        RequestsLimited = "requests_limited",
        /// So many requests in the organisation together.
        OrganizationLimited = "organization_limited",
        /// A member let operators of the platform look at the organisation, for a while.
        SupportAccessGranted = "support_access_granted",
        /// A member took that back.
        SupportAccessRevoked = "support_access_revoked",
        /// An operator of the platform began to look at the organisation.
        SupportSessionStarted = "support_session_started",
        /// That ended.
        SupportSessionEnded = "support_session_ended",
    }
}

kernel::named! {
    /// As what security events are taken along.
    pub enum EventFormat as "SecurityEventFormat" {
        /// A table with a line of names: comma-separated values (RFC 4180).
        Csv = "csv",
        /// An object of JSON a line.
        Ndjson = "ndjson",
    }
}

/// What an organisation is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationEvent {
    /// Its id, which decides among those of one instant.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// What it was.
    pub kind: OrganizationEventKind,
    /// Whose account it concerns; nobody's, if it is the organisation's.
    pub user: Option<UserId>,
    /// The API key, if one did it.
    pub api_key: Option<ApiKeyId>,
    /// What was refused.
    pub permission: Option<String>,
    /// The client's address, if it is known.
    pub address: Option<IpAddr>,
    /// The request, as in the log.
    pub request: String,
}

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Those of this kind.
    pub kind: Option<OrganizationEventKind>,
    /// Those of this person.
    pub user: Option<UserId>,
    /// Those from then on.
    pub since: Option<Timestamp>,
    /// Those before then.
    pub before: Option<Timestamp>,
}

/// What the context's organisation is told.
#[async_trait]
pub trait OrganizationEvents: Send + Sync {
    /// Those that fit, newest first.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn list(&self, ctx: &Ctx, filter: EventFilter, page: PageRequest) -> Result<Page<OrganizationEvent>, Error>;

    /// Notes in the trail that those that fit are taken along. Answers the filter of those that there are by now, which [`OrganizationEvents::list`] then tells
    /// page by page: what happens meanwhile is none of them.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn take_along(&self, ctx: &Ctx, filter: EventFilter, format: EventFormat) -> Result<EventFilter, Error>;
}

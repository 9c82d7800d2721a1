//! Sign-in, sessions and authorisation as other crates see them.
//!
//! Authentication turns a token into a [`Session`], authorisation answers whether a context may do something. Memberships and project
//! teams belong to other domains: they implement the ports [`Directory`] and [`Teams`], joined in `bin/server`.

mod added;
mod breaches;
mod elsewhere;
pub mod email;
mod error;
mod factors;
pub mod fake;
mod keys;
mod leaks;
pub mod matrix;
mod mfa_policy;
mod network;
mod organization_events;
mod passkeys;
mod persons;
mod ports;
mod proof;
mod proofs;
mod security;
mod session;
mod sign_on_paths;
mod single_sign_on;
mod support;
mod tokens;

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{
    Clock, Ctx, Denied, Fault, OrgId, OrgRole, Page, PageRequest, Permission, ProjectId, ProjectRole, ProjectRoles, RequestId,
    Scope, SessionId, SystemClock, UserId,
};
use mail_api::Language;
use uow::{ReadTx, Tx};

pub use added::{is_added, without_added};
pub use breaches::Breaches;
pub use elsewhere::{
    Arrival, Arrived, Begun, Granted, Identity, IdentityId, IdentityProvider, IdentityProviders, Question, Returned,
    SignInElsewhere, Told, Untold, callback_path,
};
pub use error::Error;
pub use factors::{Again, Entered, FactorKind, FactorShown, NewTotp, OwnFactors, PendingSignIn, SecondFactors};
pub use keys::{ApiKey, ApiKeyChange, ApiKeys, FreshKey, KEY_PREFIX, Leavers, LiveKey, NewApiKey, Revoked, Rotation};
pub use leaks::{Judged, Label, LeakReport, Leaks, ReporterKeys, Unheard};
pub use mfa_policy::{MfaPolicy, factor_allows, privileged};
pub use network::Network;
pub use organization_events::{EventFilter, EventFormat, OrganizationEvent, OrganizationEventKind, OrganizationEvents};
pub use passkeys::{
    AddedPasskey, Ceremonies, Ceremony, Challenge, KeptKey, KeyOwner, MadeKey, Passkey, PasskeyId, Passkeys, ShownKey, Unproven,
};
pub use persons::{described, key_allows, needs_person, staying_built_in, stays_built_in, wanting_persons};
pub use ports::{Account, Directory, Domains, Membership, NewAccount, Owned, Person, Proven, SessionRules, Teams};
pub use proof::{Asked, Asking, Purpose, SetUpBefore, Shown};
pub use proofs::Proofs;
pub use secrecy::SecretString;
pub use security::{Client, KnownDevice, LiveSession, SecurityEvent, SecurityEventKind, SignInMethod};
pub use session::{FactorStanding, Session, SignedIn};
pub use sign_on_paths::{sign_on_callback_path, sign_on_path};
pub use single_sign_on::{
    Asserted, Connection, ConnectionId, IssuerClient, Issuers, Landed, Landing, NewConnection, SignOnMode, SignOnRoute,
    SignOnTest, SingleSignOn,
};
pub use support::{
    NewSupportConsent, Overseen, Overseer, SUPPORT_PREFIX, SupportAccess, SupportConsent, SupportConsentId, SupportEnd,
    SupportSession, SupportVisit, read_by_support, support_allows,
};
pub use tokens::{Bearer, ServiceToken, TokenKey, Tokens};

/// Permissions of this domain (docs/domain/keys.md, docs/domain/security-events.md, docs/domain/single-sign-on.md,
/// docs/domain/support-access.md).
pub mod perm {
    use kernel::Permission;
    /// See the organisation's API keys: what they may, until when, and whether they are used.
    pub const KEYS_READ: Permission = Permission("api_keys.read");
    /// Make, change, replace and revoke them.
    pub const KEYS_MANAGE: Permission = Permission("api_keys.manage");
    /// See what happened to the security of the members' accounts in the organisation, and what was refused there.
    pub const SECURITY_READ: Permission = Permission("security.read");
    /// See how the organisation's people sign in by its own issuer.
    pub const SIGN_ON_READ: Permission = Permission("single_sign_on.read");
    /// Decide it: whoever does decides who can be signed in as an owner.
    pub const SIGN_ON_MANAGE: Permission = Permission("single_sign_on.manage");
    /// See whom of the platform the organisation lets look at it, and who did.
    pub const SUPPORT_READ: Permission = Permission("support_access.read");
    /// Let operators of the platform look at it for a while, and take that back.
    pub const SUPPORT_MANAGE: Permission = Permission("support_access.manage");
    /// All of them.
    pub const ALL: &[Permission] =
        &[KEYS_READ, KEYS_MANAGE, SECURITY_READ, SIGN_ON_READ, SIGN_ON_MANAGE, SUPPORT_READ, SUPPORT_MANAGE];
}

/// Resolves tokens. Look-ups are cached; a logout is felt on every replica at once (LISTEN/NOTIFY).
#[async_trait]
pub trait Sessions: Send + Sync {
    /// The live session of `token`.
    ///
    /// # Errors
    /// [`Error::NotAuthenticated`] for an unknown, expired or ended one.
    async fn resolve(&self, token: &str) -> Result<Arc<Session>, Error>;

    /// Whether the session's person proved who they are too long ago for what asks for a fresh proof. Whoever has a clock of their own goes by it.
    fn is_stale(&self, session: &Session) -> bool {
        session.is_stale_at(SystemClock.now())
    }

    /// What an API key, used from this address, may do now. What keeps no keys knows none.
    ///
    /// # Errors
    /// [`Error::NotAuthenticated`] for an unknown, expired, replaced or revoked one; [`Error::AddressNotAllowed`].
    async fn resolve_key(&self, _key: &str, _from: Option<IpAddr>) -> Result<Arc<LiveKey>, Error> {
        Err(Error::NotAuthenticated)
    }

    /// The live support session of a token. Asked of the database each time: what was taken back is dead with the commit, on every server. What keeps
    /// none knows none.
    ///
    /// # Errors
    /// [`Error::NotAuthenticated`] for an unknown, expired or ended one, and of an organisation that leaves; [`Error::OrganizationSuspended`].
    async fn resolve_support(&self, _token: &str) -> Result<Arc<SupportSession>, Error> {
        Err(Error::NotAuthenticated)
    }

    /// Notes what a support session asks for, before it is answered: method and route. In the organisation's trail once for each, and how often.
    ///
    /// # Errors
    /// [`Error::NotAuthenticated`] if it has ended meanwhile; a fault of the database.
    async fn note_support(
        &self,
        _session: &SupportSession,
        _request: &RequestId,
        _route: &str,
        _refused: bool,
    ) -> Result<(), Error> {
        Err(Error::NotAuthenticated)
    }

    /// Forgets what is cached about a person, everywhere, once `tx` commits: the memberships or project roles changed.
    ///
    /// # Errors
    /// A fault of the database.
    async fn forget_user_in(&self, tx: &mut Tx, user: UserId) -> Result<(), Fault>;

    /// As [`Sessions::forget_user_in`], where one role in the team of one project changed, was given or was taken away: the others need not be
    /// read again. What keeps no roles of its own forgets the person.
    ///
    /// # Errors
    /// A fault of the database.
    async fn forget_role_in(&self, tx: &mut Tx, user: UserId, _org: OrgId, _project: ProjectId) -> Result<(), Fault> {
        self.forget_user_in(tx, user).await
    }

    /// Forgets what this process keeps of every session in an organisation, once `tx` commits: what a custom role holds there changed. The other
    /// servers are told by the database itself. What keeps no sessions has nothing to forget.
    ///
    /// # Errors
    /// A fault of the database.
    async fn forget_organization_in(&self, _tx: &mut Tx, _org: OrgId) -> Result<(), Fault> {
        Ok(())
    }

    /// Ends a person's sessions in one organisation, once `tx` commits: the membership is gone.
    ///
    /// # Errors
    /// A fault of the database.
    async fn end_sessions_in(&self, tx: &mut Tx, user: UserId, org: OrgId) -> Result<(), Fault>;
}

/// Somebody who has just registered.
#[derive(Debug)]
pub struct Registered {
    /// Signed in.
    pub signed_in: SignedIn,
    /// What was mailed to prove the address.
    pub verification: Asked,
}

/// By what a switch of the organisation is known again: the token that it came with and the client's `Idempotency-Key`.
#[derive(Debug)]
pub struct SwitchOnce {
    /// The token that the request carried.
    pub token: SecretString,
    /// The client's key.
    pub key: String,
}

/// A session in another organisation.
#[derive(Debug)]
pub struct Switched {
    /// It, with its token.
    pub signed_in: SignedIn,
    /// Whether it is the one of an earlier call with the same token and key.
    pub again: bool,
}

/// The verbs of sign-in.
#[async_trait]
pub trait SignIn: Send + Sync {
    /// Creates a person with an organisation of their own, signs them in, and mails them what proves their address, in this language. `request`
    /// goes into the trail; `from` is the client's address.
    ///
    /// # Errors
    /// [`Error::EmailTaken`], [`Error::Invalid`].
    async fn register(
        &self,
        request: &RequestId,
        account: NewAccount,
        password: SecretString,
        client: &Client,
        language: Language,
    ) -> Result<Registered, Error>;

    /// Signs in, or asks whoever has a second factor for it. Unknown email and wrong password take the same time and look the same. A failure is a security event; `device` is what
    /// [`SignedIn::device`] gave to an earlier sign-in on it. Of more sign-ins than a person may have the oldest end.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`], [`Error::TooManyAttempts`], [`Error::Busy`].
    async fn login(
        &self,
        request: &RequestId,
        email: &str,
        password: SecretString,
        client: &Client,
        device: Option<&SecretString>,
    ) -> Result<Entered, Error>;

    /// The context's person proves again who they are: a session with another token, authenticated now, takes the place of `session`. Who has a second
    /// factor shows that.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a wrong password or second factor, or the password where there is a second factor; [`Error::TooManyAttempts`],
    /// [`Error::TooManyCodes`], [`Error::Busy`].
    async fn reauthenticate(&self, ctx: &Ctx, session: SessionId, again: Again, client: &Client) -> Result<SignedIn, Error>;

    /// Ends the session at once, everywhere, and those into which the organisation was switched since the same sign-in.
    ///
    /// # Errors
    /// A fault.
    async fn logout(&self, ctx: &Ctx, session: SessionId) -> Result<(), Error>;

    /// Ends every session of the context's person at once, everywhere.
    ///
    /// # Errors
    /// A fault.
    async fn logout_everywhere(&self, ctx: &Ctx) -> Result<(), Error>;

    /// Changes the password of the context's person, who tells the present one, ends all their sessions but `session`, everywhere, and mails
    /// them that it was changed.
    ///
    /// # Errors
    /// [`Error::Invalid`] also for a wrong present password; [`Error::TooManyAttempts`], [`Error::Busy`].
    async fn change_password(
        &self,
        ctx: &Ctx,
        session: SessionId,
        current: SecretString,
        new: SecretString,
        from: Option<IpAddr>,
        language: Language,
    ) -> Result<(), Error>;

    /// The live sessions of the context's person, newest first.
    ///
    /// # Errors
    /// A fault.
    async fn sessions(&self, ctx: &Ctx) -> Result<Vec<LiveSession>, Error>;

    /// Ends a session of the context's person at once, everywhere.
    ///
    /// # Errors
    /// [`Error::NoSuchSession`].
    async fn end_session(&self, ctx: &Ctx, session: SessionId) -> Result<(), Error>;

    /// Ends every session of the context's person but `session`.
    ///
    /// # Errors
    /// A fault.
    async fn end_other_sessions(&self, ctx: &Ctx, session: SessionId) -> Result<(), Error>;

    /// What lately happened to the account of the context's person, such as failed sign-ins, newest first.
    ///
    /// # Errors
    /// A fault.
    async fn security_events(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<SecurityEvent>, Error>;

    /// Starts a session in another organisation of the same person. This one goes on: what is open in it stays in its organisation. The new one is
    /// as old as the sign-in. With a `once`, a repetition is given the same session, as long as that is live.
    ///
    /// # Errors
    /// [`Error::NotAMember`]; [`Error::AuthenticateAgain`] if the sign-in is older than the organisation lets one be; [`Error::SingleSignOnRequired`],
    /// [`Error::SingleSignOnSession`].
    async fn switch(
        &self,
        ctx: &Ctx,
        session: &Session,
        org: OrgId,
        client: &Client,
        once: Option<&SwitchOnce>,
    ) -> Result<Switched, Error>;
}

/// What the domain of people needs of sign-in: whether somebody registered, and what ends when they leave an organisation or are removed.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Whether a member of `org`, this tenant transaction's organisation, has registered: until then the email may be anybody's.
    ///
    /// # Errors
    /// A fault of the database.
    async fn is_registered_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<bool, Fault>;

    /// Whether a person comes into an organisation by its own issuer alone: none of their own sessions, wherever it is, takes anything out of it.
    ///
    /// # Errors
    /// A fault of the database.
    async fn comes_by_issuer_alone(&self, tx: &ReadTx<'_>, org: OrgId, user: UserId) -> Result<bool, Fault>;

    /// Takes the person out of the teams of the organisation's projects, in the transaction that ends the membership; answers which roles
    /// they had. The membership is locked by now, so that nobody gives them another one meanwhile.
    ///
    /// # Errors
    /// A fault of the database.
    async fn leave_teams_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<Vec<(ProjectId, ProjectRole)>, Fault>;

    /// Revokes the API keys that a person who has just left the context's organisation made there, unless that keeps them, and records it: in
    /// the transaction that ends the membership, once it is ended there.
    ///
    /// # Errors
    /// A fault of the database.
    async fn leave_keys_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId, role: OrgRole) -> Result<(), Fault>;

    /// Ends a member's sessions in this tenant's organisation. They sign in again before they have another one there, wherever they come from.
    ///
    /// # Errors
    /// A fault.
    async fn sign_out_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<(), Fault>;

    /// Ends every session of a person and whatever was mailed to them, once `tx`, a transaction of the platform, commits: the account leaves. The password
    /// stays, should that be taken back.
    ///
    /// # Errors
    /// A fault of the database.
    async fn shut_out_in(&self, tx: &mut Tx, user: UserId) -> Result<(), Fault>;

    /// Ends every session in the context's organisation and revokes all of its API keys, with a record of each, once `tx`, a transaction of the platform
    /// that has locked the organisation, commits: it leaves.
    ///
    /// # Errors
    /// A fault of the database.
    async fn close_organization_in(&self, tx: &mut Tx, ctx: &Ctx) -> Result<(), Fault>;

    /// Ends every session of a person and forgets the password, once `tx`, a transaction of the platform, commits: the account is removed.
    ///
    /// # Errors
    /// A fault of the database.
    async fn remove_in(&self, tx: &mut Tx, user: UserId) -> Result<(), Fault>;
}

/// The projects in which a context holds a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Every project of the organisation.
    All,
    /// Those in whose team the person has one of these roles.
    Teams(Vec<ProjectRole>),
}

impl Reach {
    /// The projects, `None` for all, taken from the context: for domains that cannot join the table of teams, which belongs to projects.
    #[must_use]
    pub fn projects(&self, ctx: &Ctx) -> Option<Vec<ProjectId>> {
        match self {
            Self::All => None,
            Self::Teams(roles) => Some(ctx.projects.iter().filter(|(_, role)| roles.contains(role)).map(|(id, _)| *id).collect()),
        }
    }
}

/// Answers whether a context may do something. A look-up in a table that was compiled from the policy: at most a microsecond.
pub trait Authorizer: Send + Sync {
    /// Passes if the context holds `permission` in `scope`. [`kernel::Actor::System`] holds every permission.
    ///
    /// # Errors
    /// [`Denied`], naming what is missing. Services wrap it in their error; the web layer tells the caller and writes the audit entry.
    fn check(&self, ctx: &Ctx, permission: Permission, scope: Scope) -> Result<(), Denied>;

    /// In which projects the context holds `permission`.
    fn reach(&self, ctx: &Ctx, permission: Permission) -> Reach;

    /// Every permission that the context holds in the organisation as a whole, sorted by name.
    fn permissions(&self, ctx: &Ctx) -> Vec<Permission>;

    /// Whether a custom role can hold the permission: administrators do, and it is none of those that stay with the built-in roles
    /// ([`stays_built_in`]). An owner's own stay the owners'.
    fn is_addable(&self, permission: Permission) -> bool {
        let (org, user) = (OrgId(uuid::Uuid::nil()), UserId(uuid::Uuid::nil()));
        let admin = Ctx::user(org, user, OrgRole::Admin, ProjectRoles::default(), RequestId::generate());
        !stays_built_in(permission) && self.check(&admin, permission, Scope::Organization).is_ok()
    }
}

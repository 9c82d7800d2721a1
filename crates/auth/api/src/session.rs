//! Sessions: who acts, in which organisation, and when they last proved who they are.

use std::sync::Arc;

use kernel::{AddedPermissions, Ctx, Missing, OrgId, OrgRole, ProjectRoles, RequestId, SessionId, Timestamp, UserId};
use secrecy::SecretString;

use crate::{KnownDevice, MfaPolicy};

/// A signed-in session, resolved: who, in which organisation, in which roles.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// The person.
    pub user: UserId,
    /// The organisation chosen at sign-in or by switching.
    pub org: OrgId,
    /// The person's role in it.
    pub role: OrgRole,
    /// The person's roles in teams of the organisation's projects; empty for whom the role in the organisation lets do all that they do
    /// ([`OrgRole::needs_teams`]).
    pub projects: ProjectRoles,
    /// What the person's custom roles allow besides; empty for the same people.
    pub added: AddedPermissions,
    /// When it ends by itself, by the platform's bound and the organisation's.
    pub expires_at: Timestamp,
    /// When the person last proved who they are: at sign-in or by [`crate::SignIn::reauthenticate`], not by switching the organisation. What asks for a fresh
    /// proof asks this.
    pub authenticated_at: Timestamp,
    /// How the person stands to second factors there.
    pub factor: FactorStanding,
    /// Whether the organisation's own issuer signed the person in. Then the session is for the organisation alone, not for what is the person's own.
    pub bound: bool,
}

impl Session {
    /// What asks for a fresh proof of who somebody is asks for one that is not older, in seconds.
    pub const FRESH_FOR: i64 = 300;

    /// The context of a request of this session.
    #[must_use]
    pub fn ctx(&self, request: RequestId) -> Ctx {
        let ctx = Ctx::user(self.org, self.user, self.role, Arc::clone(&self.projects), request);
        Ctx { added: self.added.clone(), missing: Missing { own_session: self.bound, ..self.factor.missing() }, ..ctx }
    }

    /// Whether the person proved who they are so long ago that what asks for a fresh proof asks them again.
    #[must_use]
    pub fn is_stale_at(&self, now: Timestamp) -> bool {
        (now - self.authenticated_at).num_seconds() > Self::FRESH_FOR
    }
}

/// How a person stands to second factors in one organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactorStanding {
    /// Whether they have one.
    pub has: bool,
    /// For whom the organisation asks for one.
    pub policy: MfaPolicy,
}

impl FactorStanding {
    /// What the person is missing by that, and nothing else.
    pub(crate) fn missing(self) -> Missing {
        Missing { second_factor: (!self.has).then(|| self.policy.without_factor()), ..Missing::default() }
    }
}

impl Default for FactorStanding {
    /// Nobody has one, and nobody asks.
    fn default() -> Self {
        Self { has: false, policy: MfaPolicy::Off }
    }
}

/// A fresh session with its secret: the only moment at which the token is known.
#[derive(Debug)]
pub struct SignedIn {
    /// The bearer token: 256 random bits; only its hash is stored.
    pub token: SecretString,
    /// The session.
    pub session: Session,
    /// For whoever told the password: by what the device is known again.
    pub device: Option<KnownDevice>,
}

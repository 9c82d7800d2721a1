//! `Ctx`: who asks, for which organisation, in which request. It is the only ticket into the database.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{ApiKeyId, OrgId, OrgRole, Permission, ProjectId, ProjectRole, Scope, SupportSessionId, UserId};

/// The id that ties a response, its log lines and its audit entries together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// A fresh id.
    #[must_use]
    pub fn generate() -> Self {
        Self(uuid::Uuid::now_v7().simple().to_string().into())
    }

    /// Keeps an id that came from outside if it is a sane token: 1 to 64 letters, digits, `-`, `_` or `.`.
    #[must_use]
    pub fn accept(text: &str) -> Option<Self> {
        let sane = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        sane.then(|| Self(text.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in person with a role in the organisation of the context.
    User(UserId, OrgRole),
    /// An operator of the platform, whom the organisation lets look at it. Nobody's role: it reads what is listed for it, and writes nothing.
    Support(SupportSessionId),
    /// The platform itself on behalf of an organisation: a job, a timer, a webhook. It holds every permission.
    System,
}

/// The API key by which its creator acts: no more than its scopes, whatever the role allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// Which one.
    pub id: ApiKeyId,
    /// The names of the permissions that it was given.
    pub scopes: Vec<String>,
    /// Whether the creator has left, and the organisation keeps the key: the context's role is nobody's membership.
    pub of_leaver: bool,
}

/// What the caller's custom roles allow in the organisation besides the built-in one: names of permissions. Whether a custom role can hold one at all
/// is the policy's to say, as what each built-in role holds.
pub type AddedPermissions = Arc<[String]>;

/// What is missing of the proof of who the person of a context is. Nothing is where no session asks: there is nobody who could prove more.
#[derive(Debug, Clone, Copy, Default)]
pub struct Missing {
    /// They proved it longer ago than what asks for a fresh proof lets it be.
    pub fresh_proof: bool,
    /// They have no second factor: whether they may do what the permission allows all the same.
    pub second_factor: Option<fn(Permission) -> bool>,
    /// They are here by the word of the organisation's own issuer, in no session of their own.
    pub own_session: bool,
}

/// The caller's roles in the teams of projects.
pub type ProjectRoles = Arc<HashMap<ProjectId, ProjectRole>>;

/// Who asks, for which organisation, in which request. Made by authentication (or by a worker), never from client input.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The tenant: everything read or written in this context is seen with its eyes.
    pub org: OrgId,
    /// Who acts.
    pub actor: Actor,
    /// Roles in project teams.
    pub projects: ProjectRoles,
    /// What custom roles allow besides, in the organisation.
    pub added: AddedPermissions,
    /// The request, for logs and audit.
    pub request: RequestId,
    /// The client's idempotency key, if this request carries one and its effect is still to come.
    pub once: Option<Arc<Once>>,
    /// The API key, if the person acts by one.
    pub key: Option<Arc<KeyUse>>,
    /// What is missing of the proof of who the person is.
    pub missing: Missing,
}

impl Ctx {
    /// A signed-in person.
    #[must_use]
    pub fn user(org: OrgId, user: UserId, role: OrgRole, projects: ProjectRoles, request: RequestId) -> Self {
        Self { actor: Actor::User(user, role), projects, ..Self::system(org, request) }
    }

    /// The platform itself, on behalf of `org`.
    #[must_use]
    pub fn system(org: OrgId, request: RequestId) -> Self {
        let (projects, added) = (ProjectRoles::default(), AddedPermissions::default());
        Self { org, actor: Actor::System, projects, added, request, once: None, key: None, missing: Missing::default() }
    }

    /// The person who acts, if it is one.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        match self.actor {
            Actor::User(user, _) => Some(user),
            Actor::Support(_) | Actor::System => None,
        }
    }

    /// The natural person who acts, if it is one: an API key is none.
    #[must_use]
    pub fn person(&self) -> Option<UserId> {
        self.user_id().filter(|_| self.key.is_none())
    }

    /// The membership that gives the context its role. A leaver's key has a role without one.
    #[must_use]
    pub fn membership(&self) -> Option<(UserId, OrgRole)> {
        match self.actor {
            Actor::User(user, role) if !self.key.as_ref().is_some_and(|key| key.of_leaver) => Some((user, role)),
            _ => None,
        }
    }

    /// The same context, its next write to be done at most once under `once`.
    #[must_use]
    pub fn with_once(mut self, once: Arc<Once>) -> Self {
        self.once = Some(once);
        self
    }
}

/// A client's `Idempotency-Key` together with a digest of what was asked, so that a key used for another request is noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The header's value.
    pub key: String,
    /// SHA-256 over method, path and body.
    pub fingerprint: [u8; 32],
}

/// A stored HTTP answer, replayed byte by byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Headers that belong to the answer (`Location`, `ETag`), name and value.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

type Render = dyn Fn(&dyn Any, &[(Permission, Scope)]) -> Option<Answer> + Send + Sync;

/// 'Do this at most once': an idempotency key and how the verb's result becomes the answer that a repetition gets.
///
/// The unit of work claims the key in the transaction of the effect and stores the answer there too (docs/API.md). A verb of several
/// transactions claims it in the first; the answer is stored by the one whose result is of the type that the handler renders.
pub struct Once {
    /// The key.
    pub key: IdempotencyKey,
    render: Box<Render>,
    state: Mutex<OnceState>,
}

#[derive(Debug, Default, Clone)]
struct OnceState {
    claimed: bool,
    answer: Option<Answer>,
    granted: Vec<(Permission, Scope)>,
}

impl Once {
    /// A key whose effect yields a `T`, rendered by `render` as it is stored.
    pub fn new<T: 'static>(key: IdempotencyKey, render: impl Fn(&T) -> Answer + Send + Sync + 'static) -> Self {
        Self::with_granted(key, move |value, _| Some(render(value)))
    }

    /// As [`Once::new`], for a `render` that keeps with the answer by which permissions the verb was allowed, or finds that it cannot.
    pub fn with_granted<T: 'static>(
        key: IdempotencyKey,
        render: impl Fn(&T, &[(Permission, Scope)]) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let render =
            Box::new(move |value: &dyn Any, granted: &[(Permission, Scope)]| render(value.downcast_ref::<T>()?, granted));
        Self { key, render, state: Mutex::default() }
    }

    /// Whether an earlier transaction of this verb claimed the key already.
    #[must_use]
    pub fn is_claimed(&self) -> bool {
        self.state().claimed
    }

    /// Notes that the key is claimed.
    pub fn set_claimed(&self) {
        self.state().claimed = true;
    }

    /// The answer for `value`, if it is of the rendered type.
    #[must_use]
    pub fn render(&self, value: &dyn Any) -> Option<Answer> {
        let granted = self.granted();
        (self.render)(value, &granted)
    }

    /// Notes the answer that was stored with the effect.
    pub fn set_answer(&self, answer: Answer) {
        self.state().answer = Some(answer);
    }

    /// The answer that was stored with the effect.
    #[must_use]
    pub fn answer(&self) -> Option<Answer> {
        self.state().answer.clone()
    }

    /// Notes that the verb was allowed by this permission: whoever asks for the answer again must still hold it.
    pub fn note_granted(&self, permission: Permission, scope: Scope) {
        let mut state = self.state();
        if !state.granted.contains(&(permission, scope)) {
            state.granted.push((permission, scope));
        }
    }

    /// The permissions by which the verb was allowed so far.
    #[must_use]
    pub fn granted(&self) -> Vec<(Permission, Scope)> {
        self.state().granted.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, OnceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").field("key", &self.key.key).field("state", &*self.state()).finish_non_exhaustive()
    }
}

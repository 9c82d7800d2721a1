//! Support: an organisation lets operators of the platform look at it, for a while. They read what `config/authz/support.txt` lists, and do nothing.

use std::sync::LazyLock;

use async_trait::async_trait;
use kernel::{Actor, Ctx, OrgId, Page, PageRequest, Permission, RequestId, SessionId, SupportSessionId, Timestamp, UserId};

use crate::Error;
use crate::persons::lines;

/// With what every token of a support session begins: no key does, and no token of a person's session.
pub const SUPPORT_PREFIX: &str = "b14_support_";

static READ: LazyLock<Vec<&str>> = LazyLock::new(|| lines(include_str!("../../../../config/authz/support.txt")));

/// Every permission that a support session has, by name.
#[must_use]
pub fn read_by_support() -> &'static [&'static str] {
    &READ
}

/// Whether a support session has the permission.
#[must_use]
pub fn support_allows(permission: Permission) -> bool {
    READ.contains(&permission.name())
}

kernel::ids! {
    /// A consent to be looked at.
    SupportConsentId;
}

kernel::named! {
    /// Why it ended: its time was `over`, the organisation took it back (`revoked`), the `operator` had seen enough, the organisation is `leaving` the platform, or its token was found in public (`leak`).
    pub enum SupportEnd {
        /// Its time was over.
        Over = "over",
        /// The organisation took it back.
        Revoked = "revoked",
        /// The operator ended it.
        Operator = "operator",
        /// The organisation leaves the platform.
        Leaving = "leaving",
        /// Its token was found in public.
        Leak = "leak",
    }
}

/// A support session that lives, resolved: who looks, at which organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportSession {
    /// Its id.
    pub id: SupportSessionId,
    /// At whom.
    pub org: OrgId,
    /// Who, by name.
    pub operator: String,
    /// When it ends by itself.
    pub until: Timestamp,
}

impl SupportSession {
    /// The context of a request of this session.
    #[must_use]
    pub fn ctx(&self, request: RequestId) -> Ctx {
        Ctx { actor: Actor::Support(self.id), ..Ctx::system(self.org, request) }
    }
}

/// A consent to be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSupportConsent {
    /// What the operators are to look at.
    pub reason: String,
    /// For how many hours.
    pub hours: u32,
}

impl NewSupportConsent {
    /// Unless told otherwise.
    pub const USUAL_HOURS: u32 = 8;
    /// At most.
    pub const MOST_HOURS: u32 = 72;
}

/// A consent as the organisation sees it, with who looked by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportConsent {
    /// Its id.
    pub id: SupportConsentId,
    /// What the operators are to look at.
    pub reason: String,
    /// Who gave it.
    pub granted_by: UserId,
    /// When.
    pub granted_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it ended, and why.
    pub ended: Option<(Timestamp, SupportEnd)>,
    /// Whether an operator can begin to look by it now.
    pub live: bool,
    /// Who looked by it, the first first.
    pub sessions: Vec<SupportVisit>,
}

/// A support session as the organisation sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportVisit {
    /// Its id, which the trail names.
    pub id: SupportSessionId,
    /// Who looks, by name.
    pub operator: String,
    /// Why.
    pub reason: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it ended, and why.
    pub ended: Option<(Timestamp, SupportEnd)>,
    /// Whether it lives.
    pub live: bool,
    /// How often it read something.
    pub reads: u64,
    /// How often it was refused something.
    pub refusals: u64,
}

/// An organisation as whoever looks after it from outside sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overseen {
    /// What it is called.
    pub name: String,
    /// Whether the platform suspended it.
    pub suspended: bool,
    /// Whether it leaves the platform, or has left it.
    pub leaving: bool,
    /// Who answers for it.
    pub owners: Vec<Overseer>,
}

/// An owner, to whom what concerns the organisation is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overseer {
    /// Their id.
    pub user: UserId,
    /// Their address.
    pub address: String,
    /// Their name.
    pub name: String,
}

/// Whom of the platform the context's organisation lets look at it.
#[async_trait]
pub trait SupportAccess: Send + Sync {
    /// Lets operators look, in this session of the context's. One consent at a time.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Invalid`]; [`Error::State`] while another one lives; [`Error::NotAuthenticated`] if the session has ended meanwhile.
    async fn grant(&self, ctx: &Ctx, session: SessionId, new: NewSupportConsent) -> Result<SupportConsent, Error>;

    /// All consents that there are and were, newest first, with who looked.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn consents(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<SupportConsent>, Error>;

    /// Takes the consent back that lives, if one does, and ends every session by it, at once.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn revoke(&self, ctx: &Ctx) -> Result<(), Error>;
}

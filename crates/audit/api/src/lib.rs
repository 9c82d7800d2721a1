//! The audit trail as other crates see it: every mutating verb and every denial, in an append-only hash chain per organisation.
//!
//! `record_in` runs in the transaction of the verb, so that what a verb did and its entry are committed together or not at all; that the verb calls it, its test sees to.

pub mod fake;
mod proof;

use async_trait::async_trait;
use kernel::{Actor, Ctx, Denied, Fault, Page, PageRequest, Permission, Timestamp};
use serde::Serialize;
use serde_json::Value;
use uow::Tx;
use uuid::Uuid;

pub use proof::{Place, Proof, PublicKey, SignedHead, Verification};

/// Permissions of this domain.
pub mod perm {
    use kernel::Permission;
    /// Read the organisation's trail and verify it.
    pub const READ: Permission = Permission("audit.read");
    /// All of them.
    pub const ALL: &[Permission] = &[READ];
}

kernel::ids! {
    /// An entry of the audit trail.
    AuditId;
}

/// What is to be recorded; who, where, when and in which request come from the context.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// The verb: the name of its permission, such as `tenders.award`, or of a system transition, such as `tenders.close`.
    pub action: String,
    /// The kind of thing it was done to, such as `tender`.
    pub entity_type: &'static str,
    /// Which one.
    pub entity_id: Uuid,
    /// What it was like before; `None` if it was made.
    pub before: Option<Value>,
    /// What it is like now; `None` if it is gone.
    pub after: Option<Value>,
}

impl NewEntry {
    /// `permission` was used on an entity.
    pub fn of(permission: Permission, entity_type: &'static str, entity_id: impl Into<Uuid>) -> Self {
        Self::named(permission.name(), entity_type, entity_id)
    }

    /// Something happened to an entity that no permission names.
    pub fn named(action: impl Into<String>, entity_type: &'static str, entity_id: impl Into<Uuid>) -> Self {
        Self { action: action.into(), entity_type, entity_id: entity_id.into(), before: None, after: None }
    }

    /// What it was like before. Never put secrets, sealed rates or file contents in here.
    #[must_use]
    pub fn before(mut self, state: impl Serialize) -> Self {
        self.before = serde_json::to_value(state).ok();
        self
    }

    /// What it is like now. Never put secrets, sealed rates or file contents in here.
    #[must_use]
    pub fn after(mut self, state: impl Serialize) -> Self {
        self.after = serde_json::to_value(state).ok();
        self
    }
}

/// An entry of the trail.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its id.
    pub id: AuditId,
    /// When it was recorded.
    pub at: Timestamp,
    /// Who acted; `None` for the platform itself, and for its operators, whom what is recorded names.
    pub actor_id: Option<kernel::UserId>,
    /// The API key of theirs by which they did.
    pub api_key: Option<kernel::ApiKeyId>,
    /// The verb.
    pub action: String,
    /// Whether it was done or refused.
    pub denied: bool,
    /// The kind of thing.
    pub entity_type: String,
    /// Which one.
    pub entity_id: Uuid,
    /// The request.
    pub request_id: String,
    /// State before.
    pub before: Option<Value>,
    /// State after.
    pub after: Option<Value>,
    /// Place in the organisation's chain, from 1.
    pub sequence: i64,
    /// SHA-256 over this entry and the previous hash.
    pub hash: [u8; 32],
    /// The hash before; zeros for the first.
    pub previous_hash: [u8; 32],
}

/// Narrows a list of entries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Of this kind of thing.
    pub entity_type: Option<String>,
    /// Of this very thing.
    pub entity_id: Option<Uuid>,
    /// By this person.
    pub actor_id: Option<kernel::UserId>,
    /// With this verb.
    pub action: Option<String>,
}

kernel::refusals! {
    /// Why the trail refuses.
    #[derive(Debug, thiserror::Error)]
    pub enum Error {}
}

/// The trail.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Records what this transaction does. The chain's head is taken at commit, so writers of one organisation hardly wait for each other.
    ///
    /// # Errors
    /// A fault of the database.
    async fn record_in(&self, tx: &mut Tx, ctx: &Ctx, entry: NewEntry) -> Result<(), Fault>;

    /// Records a denial, in a transaction of its own: the refused verb left none.
    ///
    /// # Errors
    /// A fault of the database.
    async fn record_denial(&self, ctx: &Ctx, denied: &Denied, route: &str) -> Result<(), Fault>;

    /// The organisation's entries, newest first.
    ///
    /// # Errors
    /// [`Error::Denied`] without [`perm::READ`].
    async fn list(&self, ctx: &Ctx, filter: &Filter, page: PageRequest) -> Result<Page<Entry>, Error>;
}

/// The actor as the trail stores it.
#[must_use]
pub fn actor_id(ctx: &Ctx) -> Option<kernel::UserId> {
    match ctx.actor {
        Actor::User(user, _) => Some(user),
        Actor::Support(_) | Actor::System => None,
    }
}

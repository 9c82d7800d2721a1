//! Organisations over a database of one's own; authorisation and audit are stand-ins.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use audit_api::{Audit, Entry, Filter, NewEntry};
use auth_api::{Authorizer, Reach};
use kernel::{Actor, Ctx, Denied, Fault, OrgRole, Page, PageRequest, Permission, Scope};
use tenants::{Dependencies, Service, Settings};
use tenants_api::perm;
use testkit::Database;
use uow::Tx;

/// Owners everything, admins all but the threshold, members reading.
struct Roles;

impl Authorizer for Roles {
    fn check(&self, ctx: &Ctx, permission: Permission, _: Scope) -> Result<(), Denied> {
        let allowed = match ctx.actor {
            Actor::System | Actor::User(_, OrgRole::Owner) => true,
            Actor::User(_, OrgRole::Admin) => permission != perm::SET_THRESHOLD,
            Actor::User(_, OrgRole::Member) => [perm::READ, perm::CREATE].contains(&permission),
            Actor::Support(_) => permission == perm::READ,
        };
        if allowed { Ok(()) } else { Err(Denied { permission, project: None }) }
    }

    fn reach(&self, _: &Ctx, _: Permission) -> Reach {
        Reach::All
    }

    fn permissions(&self, _: &Ctx) -> Vec<Permission> {
        Vec::new()
    }
}

/// Remembers the actions it was told, and the last of what was said after one.
#[derive(Default)]
pub struct Notes {
    pub actions: Mutex<Vec<String>>,
    pub last: Mutex<serde_json::Value>,
}

#[async_trait]
impl Audit for Notes {
    async fn record_in(&self, _: &mut Tx, _: &Ctx, entry: NewEntry) -> Result<(), Fault> {
        self.actions.lock().unwrap().push(entry.action);
        *self.last.lock().unwrap() = entry.after.unwrap_or_default();
        Ok(())
    }

    async fn record_denial(&self, _: &Ctx, _: &Denied, _: &str) -> Result<(), Fault> {
        Ok(())
    }

    async fn list(&self, _: &Ctx, _: &Filter, _: PageRequest) -> Result<Page<Entry>, audit_api::Error> {
        Ok(Page { items: Vec::new(), next: None })
    }
}

pub struct Scene {
    pub db: Database,
    pub notes: Arc<Notes>,
    pub tenants: Arc<Service>,
}

impl Scene {
    pub async fn new() -> Self {
        let db = Database::fresh().await;
        let notes = Arc::new(Notes::default());
        let tenants = Arc::new(Service::new(Dependencies {
            uow: db.uow(),
            system: db.system_uow(),
            authorizer: Arc::new(Roles),
            audit: notes.clone(),
            settings: Settings::default(),
        }));
        Self { db, notes, tenants }
    }

    pub fn actions(&self) -> Vec<String> {
        self.notes.actions.lock().unwrap().clone()
    }
}

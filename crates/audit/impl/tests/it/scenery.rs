//! A trail over a database of its own.

use std::sync::Arc;

use audit::{Dependencies, Service, Settings, Signer};
use audit_api::{Audit, NewEntry, Place, Proof, Verification};
use auth_api::{Authorizer, Reach};
use kernel::{Ctx, Denied, Fault, OrgId, OrgRole, Permission, ProjectRoles, RequestId, Scope, UserId};
use serde_json::json;
use testkit::Database;
use uuid::Uuid;

/// Allows owners everything, others nothing.
struct OwnersOnly;

impl Authorizer for OwnersOnly {
    fn check(&self, ctx: &Ctx, permission: Permission, _: Scope) -> Result<(), Denied> {
        match ctx.actor {
            kernel::Actor::User(_, OrgRole::Owner) | kernel::Actor::System => Ok(()),
            kernel::Actor::User(..) | kernel::Actor::Support(_) => Err(Denied { permission, project: None }),
        }
    }

    fn reach(&self, _: &Ctx, _: Permission) -> Reach {
        Reach::All
    }

    fn permissions(&self, _: &Ctx) -> Vec<Permission> {
        Vec::new()
    }
}

pub struct Scene {
    pub db: Database,
    pub audit: Arc<Service>,
    pub signer: Arc<Signer>,
}

impl Scene {
    pub async fn new() -> Self {
        let db = Database::fresh().await;
        let signer = Arc::new(Signer::from_seed(&[7; 32]).unwrap());
        let audit = Arc::new(Service::new(Dependencies {
            uow: db.uow(),
            system: db.system_uow(),
            authorizer: Arc::new(OwnersOnly),
            signer: Some(Arc::clone(&signer)),
            settings: Settings::default(),
        }));
        Self { db, audit, signer }
    }

    /// The whole of a small chain.
    pub async fn verify(&self, ctx: &Ctx) -> Verification {
        let found = self.audit.verify(ctx, Place::BEGINNING, 1_000).await.unwrap();
        assert_eq!(found.next, None, "it is small");
        found
    }

    /// Records `count` entries, each in a transaction of its own.
    pub async fn record(&self, ctx: &Ctx, count: usize) {
        for number in 0..count {
            record(&self.audit, &self.db.uow(), ctx, number).await.unwrap();
        }
    }
}

pub async fn record(audit: &Service, uow: &uow::Uow, ctx: &Ctx, number: usize) -> Result<(), Fault> {
    uow.write(ctx, async |tx| {
        let entry = NewEntry::named("notes.write", "note", Uuid::now_v7()).after(json!({ "number": number, "price": 1.50 }));
        audit.record_in(tx, ctx, entry).await
    })
    .await
}

pub fn ctx(role: OrgRole) -> Ctx {
    Ctx::user(OrgId::new(), UserId::new(), role, ProjectRoles::default(), RequestId::generate())
}

//! The other domains, in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use audit_api::{Audit, Entry, Filter, NewEntry};
use auth_api::{Authorizer, Reach};
use escrow_api::{ContractId, ContractsPort, MilestoneId, NewContract, OpenedContract, Party};
use kernel::*;
use projects_api::{Project, ProjectStatus, ProjectsPort, Soq, SoqId};
use tenants_api::{ApprovalRequest, Organization, Tenants, Verdict};
use uow::Tx;

/// Allows everything that is not forbidden.
#[derive(Default)]
pub struct FakeAuthorizer {
    pub forbidden: Mutex<Vec<Permission>>,
}

impl Authorizer for FakeAuthorizer {
    fn check(&self, _: &Ctx, permission: Permission, scope: Scope) -> Result<(), Denied> {
        let project = if let Scope::Project(project) = scope { Some(project) } else { None };
        if self.forbidden.lock().unwrap().contains(&permission) { Err(Denied { permission, project }) } else { Ok(()) }
    }
    fn reach(&self, _: &Ctx, _: Permission) -> Reach {
        Reach::All
    }
    fn permissions(&self, _: &Ctx) -> Vec<Permission> {
        Vec::new()
    }
}

/// Keeps entries by organisation.
#[derive(Default)]
pub struct FakeAudit {
    pub entries: Mutex<Vec<(OrgId, NewEntry)>>,
    /// Entries about bids wait for it: it holds their transactions open.
    pub gate: Mutex<Option<Arc<tokio::sync::Semaphore>>>,
    /// How many came to it.
    pub arrived: AtomicUsize,
}

impl FakeAudit {
    /// What was noted after each action of that name.
    pub fn after(&self, action: &str) -> Vec<serde_json::Value> {
        let entries = self.entries.lock().unwrap();
        entries.iter().filter(|(_, entry)| entry.action == action).filter_map(|(_, entry)| entry.after.clone()).collect()
    }

    pub fn actions(&self, org: OrgId) -> Vec<String> {
        self.entries.lock().unwrap().iter().filter(|(of, _)| *of == org).map(|(_, entry)| entry.action.clone()).collect()
    }
}

#[async_trait]
impl Audit for FakeAudit {
    async fn record_in(&self, _: &mut Tx, ctx: &Ctx, entry: NewEntry) -> Result<(), Fault> {
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate.filter(|_| entry.action.starts_with("bids.")) {
            self.arrived.fetch_add(1, Ordering::SeqCst);
            drop(gate.acquire().await);
        }
        self.entries.lock().unwrap().push((ctx.org, entry));
        Ok(())
    }
    async fn record_denial(&self, _: &Ctx, _: &Denied, _: &str) -> Result<(), Fault> {
        Ok(())
    }
    async fn list(&self, _: &Ctx, _: &Filter, _: PageRequest) -> Result<Page<Entry>, audit_api::Error> {
        unreachable!()
    }
}

/// Knows organisations and asks for a second person at or above a threshold.
#[derive(Default)]
pub struct FakeTenants {
    pub known: Mutex<Vec<OrgId>>,
    pub threshold: Mutex<Option<i64>>,
    waiting: Mutex<HashMap<(String, uuid::Uuid, String), UserId>>,
}

#[async_trait]
impl Tenants for FakeTenants {
    async fn organization_in(&self, _: &mut Tx, _: OrgId) -> Result<Organization, tenants_api::Error> {
        unreachable!()
    }
    async fn exists_in(&self, _: &mut Tx, org: OrgId) -> Result<bool, Fault> {
        Ok(self.known.lock().unwrap().contains(&org))
    }
    async fn role_in(&self, _: &mut Tx, _: OrgId, _: UserId) -> Result<Option<OrgRole>, Fault> {
        unreachable!()
    }
    async fn approve_in(&self, _: &mut Tx, ctx: &Ctx, request: &ApprovalRequest) -> Result<Verdict, Fault> {
        let user = ctx.user_id().unwrap();
        if self.threshold.lock().unwrap().is_none_or(|threshold| request.amount.minor() < threshold) {
            return Ok(Verdict::Complete { first: user, second: None });
        }
        let key = (request.action.to_owned(), request.subject, request.detail.clone());
        let mut waiting = self.waiting.lock().unwrap();
        let first = *waiting.entry(key.clone()).or_insert(user);
        if first == user {
            return Ok(Verdict::Waiting { first });
        }
        waiting.remove(&key);
        Ok(Verdict::Complete { first, second: Some(user) })
    }
}

/// One project with its schedules.
pub struct FakeProjects {
    pub project: Project,
    pub soqs: Mutex<Vec<Soq>>,
}

impl FakeProjects {
    pub fn new(project: ProjectId, owner: &testkit::Party) -> Self {
        let now = Timestamp::UNIX_EPOCH;
        let project = Project {
            id: project,
            org: owner.org,
            owner: owner.user,
            name: "Villa Anfa".into(),
            description: None,
            address: None,
            status: ProjectStatus::Planning,
            currency: Currency::EUR,
            budget: None,
            starts_on: None,
            ends_on: None,
            tendered_at: None,
            created_at: now,
            updated_at: now,
        };
        Self { project, soqs: Mutex::default() }
    }
}

#[async_trait]
impl ProjectsPort for FakeProjects {
    async fn project_in(&self, _: &mut Tx, _: OrgId, project: ProjectId) -> Result<Project, projects_api::Error> {
        if project == self.project.id { Ok(self.project.clone()) } else { Err(projects_api::Error::NotFound("project")) }
    }
    async fn soq_in(&self, _: &mut Tx, _: OrgId, soq: SoqId) -> Result<Soq, projects_api::Error> {
        let soqs = self.soqs.lock().unwrap();
        soqs.iter().find(|one| one.id == soq).cloned().ok_or(projects_api::Error::NotFound("schedule of quantities"))
    }
    async fn mark_tendered_in(&self, _: &mut Tx, _: &Ctx, _: ProjectId) -> Result<(), projects_api::Error> {
        Ok(())
    }
}

/// Remembers the contracts.
#[derive(Default)]
pub struct FakeContracts {
    pub opened: Mutex<Vec<(ContractId, NewContract)>>,
    pub cancelled: Mutex<Vec<ContractId>>,
    pub signed: Mutex<Vec<Party>>,
    pub in_force: Mutex<bool>,
}

#[async_trait]
impl ContractsPort for FakeContracts {
    fn milestone_bounds(&self, currency: Currency) -> Result<escrow_api::MilestoneBounds, escrow_api::Error> {
        let bearer = escrow_api::CostBearer::Owner;
        Ok(escrow_api::Terms { fee_bps: 250, bearer, processing_bps: 290, processing_fixed: 30 }.milestone_bounds(currency))
    }
    async fn ready(&self) -> Result<(), escrow_api::Error> {
        Ok(())
    }
    async fn open_in(&self, _: &mut Tx, _: &Ctx, new: &NewContract) -> Result<OpenedContract, escrow_api::Error> {
        if new.milestones.iter().any(|milestone| milestone.amount.minor() <= 0) {
            return Err(escrow_api::Error::invalid("/milestones", "OUT_OF_RANGE", "a milestone needs an amount above zero"));
        }
        let id = ContractId::new();
        self.opened.lock().unwrap().push((id, new.clone()));
        Ok(OpenedContract {
            id,
            document_sha256: "ab".repeat(32),
            milestones: new.milestones.iter().map(|_| MilestoneId::new()).collect(),
        })
    }
    async fn cancel_in(&self, _: &mut Tx, _: &Ctx, contract: ContractId, _: &str) -> Result<(), escrow_api::Error> {
        if *self.in_force.lock().unwrap() {
            return Err(escrow_api::Error::state("contract", "active", "it is in force"));
        }
        self.cancelled.lock().unwrap().push(contract);
        Ok(())
    }
    async fn signed_by_in(&self, _: &mut Tx, _: ContractId) -> Result<Vec<Party>, escrow_api::Error> {
        Ok(self.signed.lock().unwrap().clone())
    }
}

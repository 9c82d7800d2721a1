//! The domains below, as far as these tests need them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use auth_api::{FactorStanding, Session, Sessions};
use kernel::{Ctx, Fault, OrgId, OrgRole, ProjectId, ProjectRole, SessionId, Timestamp, UserId};
use tenants_api::{ApprovalRequest, OrgKind, Organization, Tenants, Verdict};
use uow::Tx;

/// A person with their place, as the sign-in would know it.
#[derive(Debug, Clone)]
pub struct Person {
    pub user: UserId,
    pub org: OrgId,
    pub role: OrgRole,
    pub projects: Vec<(ProjectId, ProjectRole)>,
}

impl Person {
    pub fn new(org: OrgId, role: OrgRole) -> Self {
        Self { user: UserId::new(), org, role, projects: Vec::new() }
    }

    pub fn ctx(&self) -> Ctx {
        let projects = Arc::new(self.projects.iter().copied().collect());
        Ctx::user(self.org, self.user, self.role, projects, kernel::RequestId::generate())
    }
}

/// A token is a person's id.
#[derive(Default)]
pub struct Tokens(pub Mutex<Vec<Person>>);

#[async_trait]
impl Sessions for Tokens {
    async fn resolve(&self, token: &str) -> Result<Arc<Session>, auth_api::Error> {
        let people = self.0.lock().expect("not poisoned");
        let person = people.iter().find(|person| person.user.to_string() == token).ok_or(auth_api::Error::NotAuthenticated)?;
        let projects = Arc::new(person.projects.iter().copied().collect());
        let (user, org, role) = (person.user, person.org, person.role);
        let (expires_at, authenticated_at) = (Timestamp::MAX_UTC, kernel::Clock::now(&kernel::SystemClock));
        let (added, factor) = (kernel::AddedPermissions::default(), FactorStanding::default());
        let (id, bound) = (SessionId::new(), false);
        Ok(Arc::new(Session { id, user, org, role, projects, added, expires_at, authenticated_at, factor, bound }))
    }

    async fn forget_user_in(&self, _: &mut Tx, _: UserId) -> Result<(), Fault> {
        Ok(())
    }

    async fn end_sessions_in(&self, _: &mut Tx, _: UserId, _: OrgId) -> Result<(), Fault> {
        Ok(())
    }
}

/// Organisations that need a second person from a threshold on, if there is one.
#[derive(Default)]
pub struct Organizations {
    pub threshold: Mutex<Option<i64>>,
    waiting: Mutex<HashMap<(uuid::Uuid, String), UserId>>,
}

#[async_trait]
impl Tenants for Organizations {
    async fn organization_in(&self, _: &mut Tx, org: OrgId) -> Result<Organization, tenants_api::Error> {
        let at = Timestamp::UNIX_EPOCH;
        Ok(Organization {
            id: org,
            name: format!("Organisation {org}"),
            slug: org.to_string(),
            kind: OrgKind::Both,
            categories: Vec::new(),
            approval_threshold: None,
            timezone: "Europe/Berlin".to_owned(),
            session_rules: tenants_api::SessionRules::default(),
            logo_url: None,
            suspended_at: None,
            created_at: at,
            updated_at: at,
        })
    }

    async fn exists_in(&self, _: &mut Tx, _: OrgId) -> Result<bool, Fault> {
        Ok(true)
    }

    async fn role_in(&self, _: &mut Tx, _: OrgId, _: UserId) -> Result<Option<OrgRole>, Fault> {
        Ok(None)
    }

    async fn approve_in(&self, _: &mut Tx, ctx: &Ctx, request: &ApprovalRequest) -> Result<Verdict, Fault> {
        let user = ctx.user_id().unwrap_or(UserId(uuid::Uuid::nil()));
        if self.threshold.lock().expect("not poisoned").is_none_or(|threshold| request.amount.minor() < threshold) {
            return Ok(Verdict::Complete { first: user, second: None });
        }
        let mut waiting = self.waiting.lock().expect("not poisoned");
        let first = *waiting.entry((request.subject, request.detail.clone())).or_insert(user);
        Ok(if first == user { Verdict::Waiting { first } } else { Verdict::Complete { first, second: Some(user) } })
    }
}

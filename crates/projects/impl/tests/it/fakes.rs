//! The domains below, as far as these tests need them. The policy is the real one.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use audit_api::{Audit, Entry, Filter, NewEntry};
use auth_api::{Authorizer, Reach, Session, Sessions, Teams};
use db::prelude::*;
use kernel::{
    Actor, Ctx, Denied, Fault, OrgId, OrgRole, Page, PageRequest, Permission, ProjectRole, Scope, SessionId, Timestamp, UserId,
};
use tenants_api::{ApprovalRequest, Organization, Tenants, Verdict};
use uow::SystemUow;

pub struct Policy(HashSet<(String, String, String)>);

impl Policy {
    pub fn real() -> Self {
        let text = include_str!("../../../../../config/authz/policy.csv");
        let rows = text.lines().filter_map(|line| line.strip_prefix("p, "));
        let split = |row: &str| {
            let mut parts = row.split(',').map(|part| part.trim().to_owned());
            (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap())
        };
        Self(rows.map(split).collect())
    }

    fn holds(&self, role: &str, domain: &str, permission: Permission) -> bool {
        self.0.contains(&(role.to_owned(), domain.to_owned(), permission.name().to_owned()))
    }

    fn in_org(&self, ctx: &Ctx, permission: Permission) -> bool {
        match ctx.actor {
            Actor::System => true,
            Actor::User(_, role) => self.holds(role.name(), "organization", permission),
        }
    }

    fn in_team(&self, role: ProjectRole, permission: Permission) -> bool {
        self.holds(role.name(), "project", permission)
    }
}

impl Authorizer for Policy {
    fn check(&self, ctx: &Ctx, permission: Permission, scope: Scope) -> Result<(), Denied> {
        let (project, team) = match scope {
            Scope::Organization => (None, false),
            Scope::Project(id) => (Some(id), ctx.projects.get(&id).is_some_and(|role| self.in_team(*role, permission))),
            Scope::AnyProject => (None, ctx.projects.values().any(|role| self.in_team(*role, permission))),
        };
        if self.in_org(ctx, permission) || team { Ok(()) } else { Err(Denied { permission, project }) }
    }

    fn reach(&self, ctx: &Ctx, permission: Permission) -> Reach {
        if self.in_org(ctx, permission) {
            return Reach::All;
        }
        Reach::Only(ctx.projects.iter().filter(|(_, role)| self.in_team(**role, permission)).map(|(id, _)| *id).collect())
    }

    fn permissions(&self, _: &Ctx) -> Vec<Permission> {
        Vec::new()
    }
}

/// A token is a person's id; roles are looked up anew for every request, the teams' ones through the port that sign-in uses.
pub struct Tokens {
    pub system: SystemUow,
    pub people: Mutex<Vec<(UserId, OrgId, OrgRole)>>,
    pub forgotten: Mutex<Vec<UserId>>,
}

#[async_trait]
impl Sessions for Tokens {
    async fn resolve(&self, token: &str) -> Result<Arc<Session>, auth_api::Error> {
        let found = self.people.lock().unwrap().iter().find(|(user, _, _)| user.to_string() == token).copied();
        let (user, org, role) = found.ok_or(auth_api::Error::NotAuthenticated)?;
        let roles = self.system.read(async |tx| projects::Teams.roles(tx, org, user).await).await?;
        let projects = Arc::new(roles.into_iter().collect());
        Ok(Arc::new(Session { id: SessionId::new(), user, org, role, projects, expires_at: Timestamp::MAX_UTC }))
    }

    async fn forget_user_in(&self, _: &mut Tx, user: UserId) -> Result<(), Fault> {
        self.forgotten.lock().unwrap().push(user);
        Ok(())
    }

    async fn end_sessions_in(&self, _: &mut Tx, _: UserId, _: OrgId) -> Result<(), Fault> {
        Ok(())
    }
}

#[derive(Default)]
pub struct Memberships {
    pub voided: Mutex<Vec<UserId>>,
}

#[derive(diesel::QueryableByName)]
struct RoleRow {
    #[diesel(sql_type = diesel::sql_types::Text)]
    role: String,
}

#[async_trait]
impl Tenants for Memberships {
    async fn organization_in(&self, _: &mut Tx, _: OrgId) -> Result<Organization, tenants_api::Error> {
        Err(tenants_api::Error::NotFound("organisation"))
    }

    async fn exists_in(&self, _: &mut Tx, _: OrgId) -> Result<bool, Fault> {
        Ok(false)
    }

    async fn role_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<Option<OrgRole>, Fault> {
        let rows: Vec<RoleRow> = diesel::sql_query("select role from memberships where org_id = $1 and user_id = $2")
            .bind::<diesel::sql_types::Uuid, _>(org.0)
            .bind::<diesel::sql_types::Uuid, _>(user.0)
            .load(tx.pg())
            .await
            .fault()?;
        Ok(rows.as_slice().first().and_then(|row| OrgRole::from_name(&row.role)))
    }

    async fn approve_in(&self, _: &mut Tx, _: &Ctx, _: &ApprovalRequest) -> Result<Verdict, Fault> {
        Err(Fault::internal("not asked here"))
    }

    async fn void_approvals_in(&self, _: &mut Tx, _: &Ctx, user: UserId) -> Result<(), Fault> {
        self.voided.lock().unwrap().push(user);
        Ok(())
    }
}

#[derive(Default)]
pub struct Trail(pub Mutex<Vec<NewEntry>>);

#[async_trait]
impl Audit for Trail {
    async fn record_in(&self, _: &mut Tx, _: &Ctx, entry: NewEntry) -> Result<(), Fault> {
        self.0.lock().unwrap().push(entry);
        Ok(())
    }

    async fn record_denial(&self, _: &Ctx, _: &Denied, _: &str) -> Result<(), Fault> {
        Ok(())
    }

    async fn list(&self, _: &Ctx, _: &Filter, _: PageRequest) -> Result<Page<Entry>, audit_api::Error> {
        Ok(Page { items: Vec::new(), next: None })
    }
}

//! The domains below, as far as these tests need them.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use auth_api::{FactorStanding, Session, Sessions, Teams};
use db::prelude::*;
use kernel::{Ctx, Fault, OrgId, OrgRole, SessionId, Timestamp, UserId};
use tenants_api::{ApprovalRequest, Organization, Tenants, Verdict};
use uow::SystemUow;

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
        let (expires_at, authenticated_at) = (Timestamp::MAX_UTC, kernel::Clock::now(&kernel::SystemClock));
        let (added, factor) = (kernel::AddedPermissions::default(), FactorStanding::default());
        let (id, bound) = (SessionId::new(), false);
        Ok(Arc::new(Session { id, user, org, role, projects, added, expires_at, authenticated_at, factor, bound }))
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

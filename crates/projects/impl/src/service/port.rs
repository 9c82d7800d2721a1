//! What the domains above ask, inside their own transactions.

use async_trait::async_trait;
use audit_api::NewEntry;
use kernel::{Ctx, OrgId, ProjectId};
use projects_api::{Error, Project, ProjectStatus, ProjectsPort, Soq, SoqId};
use uow::Tx;

use super::Service;
use crate::repo;

#[async_trait]
impl ProjectsPort for Service {
    async fn project_in(&self, tx: &mut Tx, org: OrgId, project: ProjectId) -> Result<Project, Error> {
        repo::project::find(tx, org, project).await
    }

    async fn soq_in(&self, tx: &mut Tx, org: OrgId, soq: SoqId) -> Result<Soq, Error> {
        let head = repo::soq::lock_shared(tx, org, soq).await?;
        let lines = repo::soq_lines::of(tx, org, &head).await?;
        Ok(repo::soq::whole(head, lines))
    }

    async fn mark_tendered_in(&self, tx: &mut Tx, ctx: &Ctx, project: ProjectId) -> Result<(), Error> {
        let before = repo::project::lock(tx, ctx.org, project).await?;
        if before.tendered_at.is_some() && before.status == ProjectStatus::Active {
            return Ok(());
        }
        let after = repo::project::mark_tendered(tx, &before).await?;
        let entry = NewEntry::named("projects.mark_tendered", "project", project).before(&before).after(&after);
        self.audit.record_in(tx, ctx, entry).await?;
        Ok(())
    }
}

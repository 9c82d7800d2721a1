//! Roles in project teams, as sign-in asks for them.

use async_trait::async_trait;
use kernel::{Fault, OrgId, ProjectId, ProjectRole, UserId};
use uow::{ReadTx, Tx};

use crate::repo;

/// Tells a person's roles in the teams of an organisation's projects. Reads as the platform: sign-in knows no tenant yet. Whoever leaves the
/// organisation is taken out of them by this, too.
#[derive(Debug, Clone, Copy, Default)]
pub struct Teams;

#[async_trait]
impl auth_api::Teams for Teams {
    async fn roles(&self, tx: &ReadTx<'_>, org: OrgId, user: UserId) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
        repo::team::roles(tx, org, user).await
    }

    async fn roles_among(
        &self,
        tx: &ReadTx<'_>,
        org: OrgId,
        user: UserId,
        projects: &[ProjectId],
    ) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
        repo::team::roles_among(tx, org, user, projects).await
    }

    async fn has_project(&self, tx: &ReadTx<'_>, org: OrgId, project: ProjectId) -> Result<bool, Fault> {
        repo::project::is_there(tx, org, project).await
    }

    async fn leave_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
        repo::team::leave(tx, org, user).await
    }
}

//! The verbs on a project's team: one after another, under the project's lock, so that its last owner cannot slip away in a race.

use std::sync::Arc;

use audit_api::NewEntry;
use kernel::{Actor, Ctx, Denied, OrgRole, Page, PageRequest, Position, ProjectId, Scope, UserId};
use projects_api::{Error, NewTeamMember, Precondition, TeamMember, perm};
use uow::Tx;

use super::{Service, still};
use crate::model::project::{keeps_owner, not_a_member};
use crate::repo;

impl Service {
    /// Passes if the actor may manage the team, by their roles when the request began and by those of now: who lost theirs while it was
    /// under way does not take them back. To be asked under the project's lock.
    async fn manages_in(&self, tx: &mut Tx, ctx: &Ctx, project: ProjectId) -> Result<(), Error> {
        let (permission, scope) = (perm::MEMBERS_MANAGE, Scope::Project(project));
        self.authorizer.check(ctx, permission, scope)?;
        let Actor::User(user, _) = ctx.actor else { return Ok(()) };
        let role = self.tenants.role_in(tx, ctx.org, user).await?.ok_or(Denied { permission, project: Some(project) })?;
        let here = repo::team::role_in(tx, ctx.org, project, user).await?.map(|role| (project, role));
        let now = Ctx { actor: Actor::User(user, role), projects: Arc::new(here.into_iter().collect()), ..ctx.clone() };
        Ok(self.authorizer.check(&now, permission, scope)?)
    }

    pub(super) async fn team_page(&self, ctx: &Ctx, project: ProjectId, page: PageRequest) -> Result<Page<TeamMember>, Error> {
        let rows = self
            .uow
            .read(ctx, async |tx| {
                repo::project::exists_read(tx, ctx.org, project).await?;
                self.authorizer.check(ctx, perm::MEMBERS_READ, Scope::Project(project))?;
                repo::team::page(tx, ctx.org, project, page).await.map_err(Error::from)
            })
            .await?;
        Ok(Page::cut(rows, page, |member: &TeamMember| Position { created_at: member.created_at, id: member.user.0 }))
    }

    pub(super) async fn join_team(&self, ctx: &Ctx, project: ProjectId, new: NewTeamMember) -> Result<TeamMember, Error> {
        self.uow
            .write(ctx, async |tx| {
                repo::project::lock(tx, ctx.org, project).await?;
                self.manages_in(tx, ctx, project).await?;
                if self.tenants.hold_role_in(tx, ctx.org, new.user).await?.is_none() {
                    return Err(not_a_member());
                }
                let member = repo::team::insert(tx, ctx.org, project, new).await?;
                self.sessions.forget_role_in(tx, new.user, ctx.org, project).await?;
                self.audit.record_in(tx, ctx, NewEntry::of(perm::MEMBERS_MANAGE, "project", project).after(&member)).await?;
                Ok(member)
            })
            .await
    }

    pub(super) async fn change_role(
        &self,
        ctx: &Ctx,
        project: ProjectId,
        change: NewTeamMember,
        unchanged: Option<Precondition<'_, TeamMember>>,
    ) -> Result<TeamMember, Error> {
        self.uow
            .write(ctx, async |tx| {
                repo::project::lock(tx, ctx.org, project).await?;
                self.manages_in(tx, ctx, project).await?;
                let before = repo::team::find(tx, ctx.org, project, change.user).await?;
                still(unchanged, &before)?;
                // The same role given again changes nothing, unless by an owner of the organisation, who confirms it.
                if before.role == change.role && !matches!(ctx.actor, Actor::User(_, OrgRole::Owner)) {
                    return Ok(before);
                }
                keeps_owner(before.role, Some(change.role), repo::team::owners(tx, ctx.org, project).await?)?;
                let after = repo::team::set_role(tx, ctx.org, project, change).await?;
                self.tenants.void_approvals_in(tx, ctx, change.user).await?;
                self.sessions.forget_role_in(tx, change.user, ctx.org, project).await?;
                let entry = NewEntry::of(perm::MEMBERS_MANAGE, "project", project).before(&before).after(&after);
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(after)
            })
            .await
    }

    pub(super) async fn leave_team(
        &self,
        ctx: &Ctx,
        project: ProjectId,
        user: UserId,
        unchanged: Option<Precondition<'_, TeamMember>>,
    ) -> Result<(), Error> {
        self.uow
            .write(ctx, async |tx| {
                repo::project::lock(tx, ctx.org, project).await?;
                self.manages_in(tx, ctx, project).await?;
                let before = repo::team::find(tx, ctx.org, project, user).await?;
                still(unchanged, &before)?;
                keeps_owner(before.role, None, repo::team::owners(tx, ctx.org, project).await?)?;
                repo::team::delete(tx, ctx.org, project, user).await?;
                self.tenants.void_approvals_in(tx, ctx, user).await?;
                self.sessions.forget_role_in(tx, user, ctx.org, project).await?;
                self.audit.record_in(tx, ctx, NewEntry::of(perm::MEMBERS_MANAGE, "project", project).before(&before)).await?;
                Ok(())
            })
            .await
    }
}

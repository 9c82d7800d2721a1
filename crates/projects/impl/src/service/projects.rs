//! The verbs on projects and their teams.

use async_trait::async_trait;
use audit_api::NewEntry;
use kernel::{Actor, Ctx, Denied, Fault, Page, PageRequest, Position, ProjectId, ProjectRole, Scope, UserId};
use projects_api::{
    Error, NewTeamMember, Precondition, Project, ProjectChange, ProjectDetails, ProjectStatus, Projects, TeamMember, perm,
};

use super::{Service, still, teams};
use crate::model::project as rules;
use crate::repo;

#[async_trait]
impl Projects for Service {
    async fn create(&self, ctx: &Ctx, new: ProjectDetails) -> Result<Project, Error> {
        self.authorizer.check(ctx, perm::CREATE, Scope::Organization)?;
        let new = rules::checked(new)?;
        let owner = ctx.user_id().ok_or_else(|| Fault::internal("a project is made by a person"))?;
        self.uow
            .write(ctx, async |tx| {
                rules::offered(new.currency, self.currencies.as_deref(), repo::project::today(tx).await?)?;
                let project = repo::project::insert(tx, ctx.org, owner, &new).await?;
                let gone = Denied { permission: perm::CREATE, project: None };
                self.tenants.hold_role_in(tx, ctx.org, owner).await?.ok_or(gone)?;
                let runs_it = NewTeamMember { user: owner, role: ProjectRole::ProjectOwner };
                repo::team::insert(tx, ctx.org, project.id, runs_it).await?;
                // Whom the role in the organisation lets do everything there has nothing new to be looked up.
                if matches!(ctx.actor, Actor::User(_, role) if role.needs_teams()) {
                    self.sessions.forget_role_in(tx, owner, ctx.org, project.id).await?;
                }
                self.audit.record_in(tx, ctx, NewEntry::of(perm::CREATE, "project", project.id).after(&project)).await?;
                Ok(project)
            })
            .await
    }

    async fn list(&self, ctx: &Ctx, status: Option<ProjectStatus>, page: PageRequest) -> Result<Page<Project>, Error> {
        let reach = self.authorizer.reach(ctx, perm::READ);
        let Some(teams) = teams(ctx, &reach) else { return Ok(Page { items: Vec::new(), next: None }) };
        let rows = self.uow.read_one(ctx, async |tx| repo::project::page(tx, ctx.org, &teams, status, page).await).await?;
        Ok(Page::cut(rows, page, |project: &Project| Position { created_at: project.created_at, id: project.id.0 }))
    }

    async fn get(&self, ctx: &Ctx, id: ProjectId) -> Result<Project, Error> {
        let project = self.uow.read_one(ctx, async |tx| repo::project::get(tx, ctx.org, id).await).await?;
        self.authorizer.check(ctx, perm::READ, Scope::Project(id))?;
        Ok(project)
    }

    async fn changeable(&self, ctx: &Ctx, id: ProjectId) -> Result<Project, Error> {
        let project = self.uow.read_one(ctx, async |tx| repo::project::get(tx, ctx.org, id).await).await?;
        self.authorizer.check(ctx, perm::UPDATE, Scope::Project(id))?;
        Ok(project)
    }

    async fn update(
        &self,
        ctx: &Ctx,
        id: ProjectId,
        change: ProjectChange,
        unchanged: Option<Precondition<'_, Project>>,
    ) -> Result<Project, Error> {
        self.uow
            .write(ctx, async |tx| {
                let before = repo::project::lock(tx, ctx.org, id).await?;
                self.authorizer.check(ctx, perm::UPDATE, Scope::Project(id))?;
                still(unchanged, &before)?;
                let details = rules::checked(change.details)?;
                if details.currency != before.currency {
                    rules::offered(details.currency, self.currencies.as_deref(), repo::project::today(tx).await?)?;
                }
                let status = rules::step(&before, change.status)?;
                if rules::is_so_already(&before, &details, status) {
                    return Ok(before);
                }
                let after = repo::project::update(tx, ctx.org, id, &details, status).await?;
                let entry = NewEntry::of(perm::UPDATE, "project", id).before(&before).after(&after);
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(after)
            })
            .await
    }

    async fn delete(&self, ctx: &Ctx, id: ProjectId, unchanged: Option<Precondition<'_, Project>>) -> Result<(), Error> {
        self.uow
            .write(ctx, async |tx| {
                let before = repo::project::lock(tx, ctx.org, id).await?;
                self.authorizer.check(ctx, perm::DELETE, Scope::Project(id))?;
                still(unchanged, &before)?;
                if before.tendered_at.is_some() {
                    return Err(Error::AlreadyTendered);
                }
                for user in repo::team::users(tx, ctx.org, id).await? {
                    self.sessions.forget_role_in(tx, user, ctx.org, id).await?;
                }
                repo::project::delete(tx, ctx.org, id).await?;
                self.audit.record_in(tx, ctx, NewEntry::of(perm::DELETE, "project", id).before(&before)).await?;
                Ok(())
            })
            .await
    }

    async fn members(&self, ctx: &Ctx, project: ProjectId, page: PageRequest) -> Result<Page<TeamMember>, Error> {
        self.team_page(ctx, project, page).await
    }

    async fn add_member(&self, ctx: &Ctx, project: ProjectId, new: NewTeamMember) -> Result<TeamMember, Error> {
        self.join_team(ctx, project, new).await
    }

    async fn set_member_role(
        &self,
        ctx: &Ctx,
        project: ProjectId,
        change: NewTeamMember,
        unchanged: Option<Precondition<'_, TeamMember>>,
    ) -> Result<TeamMember, Error> {
        self.change_role(ctx, project, change, unchanged).await
    }

    async fn remove_member(
        &self,
        ctx: &Ctx,
        project: ProjectId,
        user: UserId,
        unchanged: Option<Precondition<'_, TeamMember>>,
    ) -> Result<(), Error> {
        self.leave_team(ctx, project, user, unchanged).await
    }
}

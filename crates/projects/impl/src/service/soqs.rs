//! The verbs on schedules of quantities.

use std::collections::HashSet;

use async_trait::async_trait;
use audit_api::NewEntry;
use kernel::{Ctx, Page, PageRequest, Position, Scope};
use projects_api::{Error, LineDraft, NewSoq, Precondition, Soq, SoqChange, SoqFilter, SoqId, SoqStatus, SoqSummary, Soqs, perm};
use uow::Tx;

use super::{Service, still, teams};
use crate::model::soq::{Known, checked, freezable};
use crate::repo;

/// What the trail keeps of a version: its head. Twenty thousand lines are not for the trail.
const ENTITY: &str = "soq";

#[async_trait]
impl Soqs for Service {
    async fn create(&self, ctx: &Ctx, new: NewSoq) -> Result<Soq, Error> {
        self.uow
            .write(ctx, async |tx| {
                let project = repo::project::lock_shared(tx, ctx.org, new.project).await?;
                self.authorizer.check(ctx, perm::SOQ_EDIT, Scope::Project(project.id))?;
                let units = known_units_in(tx, ctx.org, project.id, &new.lines).await?;
                let content = checked(&new.title, new.lines, project.currency, &Known { units, ..Known::default() })?;
                let head = repo::soq::insert(tx, ctx.org, project.id, &content).await?;
                repo::soq_lines::insert(tx, ctx.org, &head, &content.lines).await?;
                self.audit.record_in(tx, ctx, NewEntry::of(perm::SOQ_EDIT, ENTITY, head.id).after(&head)).await?;
                Ok(repo::soq::whole(head, content.lines))
            })
            .await
    }

    async fn new_version(&self, ctx: &Ctx, previous: SoqId) -> Result<Soq, Error> {
        self.uow
            .write(ctx, async |tx| {
                let previous = repo::soq::lock_shared(tx, ctx.org, previous).await?;
                self.authorizer.check(ctx, perm::SOQ_EDIT, Scope::Project(previous.project))?;
                if previous.status != SoqStatus::Frozen {
                    let hint = "a draft needs no new version: change it, or freeze it first";
                    return Err(Error::state("schedule of quantities", previous.status.name(), hint));
                }
                let head = repo::soq::insert_next(tx, ctx.org, &previous).await?;
                repo::soq_lines::copy(tx, ctx.org, previous.id, head.id).await?;
                let lines = repo::soq_lines::of(tx, ctx.org, &head).await?;
                self.audit.record_in(tx, ctx, NewEntry::of(perm::SOQ_EDIT, ENTITY, head.id).after(&head)).await?;
                Ok(repo::soq::whole(head, lines))
            })
            .await
    }

    async fn list(&self, ctx: &Ctx, filter: SoqFilter, page: PageRequest) -> Result<Page<SoqSummary>, Error> {
        let reach = self.authorizer.reach(ctx, perm::SOQ_READ);
        let Some(teams) = teams(ctx, &reach) else { return Ok(Page { items: Vec::new(), next: None }) };
        let rows = self.uow.read_one(ctx, async |tx| repo::soq::page(tx, ctx.org, &teams, filter, page).await).await?;
        Ok(Page::cut(rows, page, |soq: &SoqSummary| Position { created_at: soq.created_at, id: soq.id.0 }))
    }

    async fn get(&self, ctx: &Ctx, id: SoqId) -> Result<Soq, Error> {
        self.uow
            .read(ctx, async |tx| {
                let head = repo::soq::get(tx, ctx.org, id).await?;
                self.authorizer.check(ctx, perm::SOQ_READ, Scope::Project(head.project))?;
                let lines = repo::soq_lines::read(tx, ctx.org, &head).await?;
                Ok(repo::soq::whole(head, lines))
            })
            .await
    }

    async fn update(
        &self,
        ctx: &Ctx,
        id: SoqId,
        change: SoqChange,
        unchanged: Option<Precondition<'_, Soq>>,
    ) -> Result<Soq, Error> {
        self.uow
            .write(ctx, async |tx| {
                let before = self.draft_in(tx, ctx, id, unchanged).await?;
                if change.project.is_some_and(|project| project != before.project) {
                    return Err(Error::invalid("/projectId", "IMMUTABLE", "a schedule stays in its project: leave it out"));
                }
                let units = known_units_in(tx, ctx.org, before.project, &change.lines).await?;
                let lines = repo::soq_lines::known(tx, ctx.org, &before).await?;
                let currency = before.estimate_total.currency();
                let content = checked(&change.title, change.lines, currency, &Known { lines, units })?;
                let as_many = u32::try_from(content.lines.len()) == Ok(before.line_count);
                if as_many && content.title == before.title && content.total == before.estimate_total {
                    let now = repo::soq_lines::of(tx, ctx.org, &before).await?;
                    if now == content.lines {
                        return Ok(repo::soq::whole(before, now));
                    }
                }
                repo::soq_lines::clear(tx, ctx.org, id).await?;
                let after = repo::soq::update(tx, ctx.org, id, &content).await?;
                repo::soq_lines::insert(tx, ctx.org, &after, &content.lines).await?;
                let entry = NewEntry::of(perm::SOQ_EDIT, ENTITY, id).before(&before).after(&after);
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(repo::soq::whole(after, content.lines))
            })
            .await
    }

    async fn delete(&self, ctx: &Ctx, id: SoqId, unchanged: Option<Precondition<'_, Soq>>) -> Result<(), Error> {
        self.uow
            .write(ctx, async |tx| {
                let before = self.draft_in(tx, ctx, id, unchanged).await?;
                repo::soq::delete(tx, ctx.org, id).await?;
                self.audit.record_in(tx, ctx, NewEntry::of(perm::SOQ_EDIT, ENTITY, id).before(&before)).await?;
                Ok(())
            })
            .await
    }

    async fn freeze(&self, ctx: &Ctx, id: SoqId) -> Result<Soq, Error> {
        self.uow
            .write(ctx, async |tx| {
                let before = repo::soq::lock(tx, ctx.org, id).await?;
                self.authorizer.check(ctx, perm::SOQ_FREEZE, Scope::Project(before.project))?;
                let lines = repo::soq_lines::of(tx, ctx.org, &before).await?;
                freezable(before.status, &lines)?;
                let after = repo::soq::freeze(tx, ctx.org, id).await?;
                let entry = NewEntry::of(perm::SOQ_FREEZE, ENTITY, id).before(&before).after(&after);
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(repo::soq::whole(after, lines))
            })
            .await
    }
}

impl Service {
    /// A draft that the caller may change, locked.
    async fn draft_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        id: SoqId,
        unchanged: Option<Precondition<'_, Soq>>,
    ) -> Result<SoqSummary, Error> {
        let head = repo::soq::lock(tx, ctx.org, id).await?;
        self.authorizer.check(ctx, perm::SOQ_EDIT, Scope::Project(head.project))?;
        if unchanged.is_some() {
            let lines = repo::soq_lines::of(tx, ctx.org, &head).await?;
            still(unchanged, &repo::soq::whole(head.clone(), lines))?;
        }
        if head.status == SoqStatus::Frozen {
            return Err(Error::SoqFrozen);
        }
        Ok(head)
    }
}

async fn known_units_in(
    tx: &mut Tx,
    org: kernel::OrgId,
    project: kernel::ProjectId,
    lines: &[LineDraft],
) -> Result<HashSet<projects_api::UnitId>, kernel::Fault> {
    let named: HashSet<_> = lines.iter().filter_map(|line| line.unit_id).collect();
    repo::unit::of_project(tx, org, project, &named).await
}

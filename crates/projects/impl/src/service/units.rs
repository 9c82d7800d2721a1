//! The verbs on units.

use async_trait::async_trait;
use audit_api::NewEntry;
use kernel::{Ctx, Page, PageRequest, Position, ProjectId, Scope};
use projects_api::{Error, NewUnit, Unit, Units, perm};
use serde_json::json;

use super::Service;
use crate::model::unit as rules;
use crate::repo;

#[async_trait]
impl Units for Service {
    async fn add(&self, ctx: &Ctx, project: ProjectId, new: Vec<NewUnit>) -> Result<Vec<Unit>, Error> {
        self.uow
            .write(ctx, async |tx| {
                repo::project::lock_shared(tx, ctx.org, project).await?;
                self.authorizer.check(ctx, perm::UNITS_EDIT, Scope::Project(project))?;
                let new = rules::checked(new)?;
                if let Some(number) = repo::unit::taken(tx, ctx.org, project, &new).await? {
                    return Err(Error::UnitNumberTaken(number));
                }
                let units = repo::unit::insert(tx, ctx.org, project, new).await?;
                let after: Vec<_> = units.iter().map(|unit| json!({ "id": unit.id, "unitNumber": unit.unit_number })).collect();
                let entry = NewEntry::of(perm::UNITS_EDIT, "project", project).after(json!({ "units": after }));
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(units)
            })
            .await
    }

    async fn list(&self, ctx: &Ctx, project: ProjectId, page: PageRequest) -> Result<Page<Unit>, Error> {
        let rows = self
            .uow
            .read(ctx, async |tx| {
                repo::project::exists_read(tx, ctx.org, project).await?;
                self.authorizer.check(ctx, perm::UNITS_READ, Scope::Project(project))?;
                repo::unit::page(tx, ctx.org, project, page).await.map_err(Error::from)
            })
            .await?;
        Ok(Page::cut(rows, page, |unit: &Unit| Position { created_at: unit.created_at, id: unit.id.0 }))
    }
}

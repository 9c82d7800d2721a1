//! Groups: named sets of users. They give nobody any right.

use async_trait::async_trait;
use audit_api::NewEntry;
use directory_api::{
    Change, DirectoryGroup, DirectoryGroupId, DirectoryGroups, Error, Found, GroupRecord, Query, Unchanged, perm,
};
use kernel::Ctx;
use serde_json::{Value, json};
use uow::Tx;

use super::Service;
use crate::repo::groups as repo;

/// What of a group stands in the trail.
fn told(record: &GroupRecord) -> Value {
    json!({ "displayName": record.display_name, "externalId": record.external_id, "members": record.members.len() })
}

impl Service {
    async fn locked_group_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        id: DirectoryGroupId,
        unchanged: Option<&Unchanged<'_, DirectoryGroup>>,
    ) -> Result<DirectoryGroup, Error> {
        self.begin_in(tx, ctx).await?;
        let group = repo::lock(tx, ctx.org, id).await?;
        if unchanged.is_some_and(|unchanged| !unchanged(&group)) {
            return Err(Error::Stale);
        }
        Ok(group)
    }
}

#[async_trait]
impl DirectoryGroups for Service {
    async fn create_group(&self, ctx: &Ctx, new: GroupRecord) -> Result<DirectoryGroup, Error> {
        self.check(ctx)?;
        self.uow
            .write(ctx, async |tx| {
                self.begin_in(tx, ctx).await?;
                let group = repo::insert(tx, ctx.org, &new).await?;
                let entry = NewEntry::of(perm::MANAGE, "directory_group", group.id).after(told(&new));
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(group)
            })
            .await
    }

    async fn group(&self, ctx: &Ctx, id: DirectoryGroupId) -> Result<DirectoryGroup, Error> {
        self.check(ctx)?;
        self.uow.read(ctx, async |tx| repo::get(tx, ctx.org, id).await).await
    }

    async fn groups(&self, ctx: &Ctx, query: &Query) -> Result<Found<DirectoryGroup>, Error> {
        self.check(ctx)?;
        Ok(self.uow.read(ctx, async |tx| repo::list(tx, ctx.org, query).await).await?)
    }

    async fn change_group(
        &self,
        ctx: &Ctx,
        id: DirectoryGroupId,
        change: &Change<'_, GroupRecord>,
        unchanged: Option<&Unchanged<'_, DirectoryGroup>>,
    ) -> Result<DirectoryGroup, Error> {
        self.check(ctx)?;
        self.uow
            .write(ctx, async |tx| {
                let before = self.locked_group_in(tx, ctx, id, unchanged).await?;
                let new = change(&before.record)?;
                if new == before.record {
                    return Ok(before);
                }
                let group = repo::save(tx, ctx.org, &before, &new).await?;
                let entry = NewEntry::of(perm::MANAGE, "directory_group", id).before(told(&before.record)).after(told(&new));
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(group)
            })
            .await
    }

    async fn remove_group(
        &self,
        ctx: &Ctx,
        id: DirectoryGroupId,
        unchanged: Option<&Unchanged<'_, DirectoryGroup>>,
    ) -> Result<(), Error> {
        self.check(ctx)?;
        self.uow
            .write(ctx, async |tx| {
                let before = self.locked_group_in(tx, ctx, id, unchanged).await?;
                repo::delete(tx, ctx.org, id).await?;
                let entry = NewEntry::of(perm::MANAGE, "directory_group", id).before(told(&before.record));
                Ok(self.audit.record_in(tx, ctx, entry).await?)
            })
            .await
    }
}

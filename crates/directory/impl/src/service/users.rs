//! Users: what a directory says of a person, and what becomes of their membership by that.

use async_trait::async_trait;
use audit_api::NewEntry;
use auth_api::email::Email;
use directory_api::{Change, DirectoryUser, DirectoryUserId, DirectoryUsers, Error, Found, Query, Unchanged, UserRecord, perm};
use kernel::{Ctx, UserId};
use mail_api::Language;
use serde_json::{Value, json};
use uow::Tx;

use super::Service;
use crate::repo::users as repo;
use crate::repo::users::Kept;

/// What of a user stands in the trail: by what the directory knows them, and whether they are let in. Names and addresses stay out of what never changes.
fn told(id: DirectoryUserId, record: &UserRecord) -> Value {
    json!({ "id": id, "externalId": record.external_id, "active": record.active })
}

/// The address that is invited, if there is one.
fn address(record: &UserRecord) -> Option<&str> {
    Some(record.address()).filter(|address| Email::parse(address).is_ok())
}

impl Service {
    /// Lets somebody in: whoever the directory let out before is a member again, whoever is one stays it, everybody else is invited. Whether somebody has an
    /// account of the address makes no difference here.
    async fn let_in_in(&self, tx: &mut Tx, ctx: &Ctx, kept: &Kept) -> Result<(), Error> {
        if let Some(person) = repo::restore(tx, ctx.org, kept.user.id).await? {
            return Ok(self.staff.came_back_in(tx, ctx, person).await?);
        }
        if let Some(person) = kept.person
            && self.staff.is_member_in(tx, ctx, person).await?
        {
            return Ok(());
        }
        let record = &kept.user.record;
        let Some(address) = address(record) else { return Ok(()) };
        if self.staff.member_by_email_in(tx, ctx, address).await?.is_some() {
            return Ok(());
        }
        let language = Language::accepted(record.preferred_language.as_deref());
        Ok(self.staff.invite_in(tx, ctx, address, record.name(), language).await?)
    }

    /// Lets somebody out: what waits for their address is taken back, and if they are a member, they are none any more.
    async fn let_out_in(&self, tx: &mut Tx, ctx: &Ctx, kept: &Kept) -> Result<(), Error> {
        if let Some(address) = address(&kept.user.record) {
            self.staff.withdraw_in(tx, ctx, address).await?;
        }
        let Some(person) = kept.person else { return Ok(()) };
        if repo::note_end(tx, ctx.org, kept.user.id).await? {
            self.staff.end_membership_in(tx, ctx, person).await?;
        }
        Ok(())
    }

    /// Who a record means, if it is not known yet: the member of its address.
    async fn meant_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        known: Option<UserId>,
        record: &UserRecord,
    ) -> Result<Option<UserId>, Error> {
        match (known, address(record)) {
            (None, Some(address)) => Ok(self.staff.member_by_email_in(tx, ctx, address).await?),
            (known, _) => Ok(known),
        }
    }

    /// A user under its lock, if it still is as its caller saw it.
    async fn locked_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        id: DirectoryUserId,
        unchanged: Option<&Unchanged<'_, DirectoryUser>>,
    ) -> Result<Kept, Error> {
        self.begin_in(tx, ctx).await?;
        let mut kept = repo::lock(tx, ctx.org, id).await?;
        kept.user.groups = repo::groups_in(tx, ctx.org, id).await?;
        if unchanged.is_some_and(|unchanged| !unchanged(&kept.user)) {
            return Err(Error::Stale);
        }
        Ok(kept)
    }
}

#[async_trait]
impl DirectoryUsers for Service {
    async fn create(&self, ctx: &Ctx, new: UserRecord) -> Result<DirectoryUser, Error> {
        self.check(ctx)?;
        self.uow
            .write(ctx, async |tx| {
                self.begin_in(tx, ctx).await?;
                let person = self.meant_in(tx, ctx, None, &new).await?;
                let kept = repo::insert(tx, ctx.org, &new, person).await?;
                if new.active {
                    self.let_in_in(tx, ctx, &kept).await?;
                } else {
                    self.let_out_in(tx, ctx, &kept).await?;
                }
                let entry = NewEntry::of(perm::MANAGE, "directory_user", kept.user.id).after(told(kept.user.id, &new));
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(kept.user)
            })
            .await
    }

    async fn get(&self, ctx: &Ctx, id: DirectoryUserId) -> Result<DirectoryUser, Error> {
        self.check(ctx)?;
        self.uow.read(ctx, async |tx| repo::get(tx, ctx.org, id).await).await
    }

    async fn list(&self, ctx: &Ctx, query: &Query) -> Result<Found<DirectoryUser>, Error> {
        self.check(ctx)?;
        Ok(self.uow.read(ctx, async |tx| repo::list(tx, ctx.org, query).await).await?)
    }

    async fn change(
        &self,
        ctx: &Ctx,
        id: DirectoryUserId,
        change: &Change<'_, UserRecord>,
        unchanged: Option<&Unchanged<'_, DirectoryUser>>,
    ) -> Result<DirectoryUser, Error> {
        self.check(ctx)?;
        self.uow
            .write(ctx, async |tx| {
                let before = self.locked_in(tx, ctx, id, unchanged).await?;
                let was = &before.user.record;
                let new = change(was)?;
                let person = self.meant_in(tx, ctx, before.person, &new).await?;
                let is_same = new == *was && person == before.person;
                let mut kept = if is_same {
                    Kept { user: before.user.clone(), person }
                } else {
                    repo::save(tx, ctx.org, id, &new, person).await?
                };
                kept.user.groups.clone_from(&before.user.groups);
                // What waits for an address that is no longer theirs waits for somebody else.
                let moved = address(was).filter(|old| Some(*old) != address(&new));
                if let Some(old) = moved {
                    self.staff.withdraw_in(tx, ctx, old).await?;
                }
                if !new.active {
                    // Said once more, it is done once more: somebody may have let them in by another way.
                    self.let_out_in(tx, ctx, &kept).await?;
                } else if !was.active || (moved.is_some() && person.is_none()) {
                    self.let_in_in(tx, ctx, &kept).await?;
                }
                if new != *was {
                    let entry = NewEntry::of(perm::MANAGE, "directory_user", id).before(told(id, was)).after(told(id, &new));
                    self.audit.record_in(tx, ctx, entry).await?;
                }
                Ok(kept.user)
            })
            .await
    }

    async fn remove(
        &self,
        ctx: &Ctx,
        id: DirectoryUserId,
        unchanged: Option<&Unchanged<'_, DirectoryUser>>,
    ) -> Result<(), Error> {
        self.check(ctx)?;
        self.uow
            .write(ctx, async |tx| {
                let kept = self.locked_in(tx, ctx, id, unchanged).await?;
                if let Some(address) = address(&kept.user.record) {
                    self.staff.withdraw_in(tx, ctx, address).await?;
                }
                if let Some(person) = self.meant_in(tx, ctx, kept.person, &kept.user.record).await? {
                    self.staff.end_membership_in(tx, ctx, person).await?;
                }
                repo::delete(tx, ctx.org, id).await?;
                let entry = NewEntry::of(perm::MANAGE, "directory_user", id).before(told(id, &kept.user.record));
                Ok(self.audit.record_in(tx, ctx, entry).await?)
            })
            .await
    }
}

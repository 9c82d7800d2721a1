//! Custom roles: their rows, and what follows from them for approvals.

use async_trait::async_trait;
use audit_api::NewEntry;
use auth_api::{is_added, without_added};
use kernel::{Ctx, Fault, OrgId, OrgRole, Permission, Scope, UserId};
use serde_json::json;
use tenants_api::{
    ApprovalRequest, CustomRole, CustomRoleDetails, CustomRoleId, CustomRoles, Error, GivenChange, GivenRole, NewCustomRole,
    NotYet,
};
use uow::{ReadTx, Tx};
use uuid::Uuid;

use super::{Service, contributed};
use crate::model::{self, Waiting};
use crate::repo::{approvals, custom_roles as repo};

impl Service {
    /// Whether somebody whom custom roles alone let approve counts as one of two; nothing if what they approve by is another role. What they have it
    /// by is held until the transaction ends: who lost it meanwhile approves nothing.
    pub(super) async fn standing_by_custom_role_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        request: &ApprovalRequest,
        present: UserId,
        first: Option<&Waiting>,
    ) -> Result<Option<Result<serde_json::Value, NotYet>>, Fault> {
        let permission = Permission(request.action);
        let scope = request.project.map_or(Scope::Organization, Scope::Project);
        if !is_added(ctx, permission) || self.authorizer.check(&without_added(ctx), permission, scope).is_ok() {
            return Ok(None);
        }
        let (grants, now) = repo::hold_grants(tx, ctx.org, present, request.action).await?;
        let first = first.map(|waiting| (waiting.first, waiting.asked_at));
        match model::added_counts(&grants, now, self.approver_wait, first) {
            Ok(grant) => Ok(Some(Ok(contributed(request, grant)))),
            Err(Some(why)) => Ok(Some(Err(why))),
            Err(None) => Err(Fault::unavailable("the role by which they approve was changed or taken while they did")),
        }
    }

    /// Takes every custom role from somebody who is made less than they were, and records it: while they managed members they could give themself any,
    /// and it would have shown nowhere.
    pub(super) async fn take_all_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<(), Fault> {
        let had = repo::of_member(repo::writing(tx), ctx.org, user).await?;
        if had.is_empty() {
            return Ok(());
        }
        let all = repo::list(repo::writing(tx), ctx.org).await?;
        let slugs: Vec<&str> =
            all.iter().filter(|role| had.iter().any(|given| given.role == role.id)).map(|role| role.slug.as_str()).collect();
        repo::take_all(tx, ctx.org, user).await?;
        let entry =
            NewEntry::named("members.set_roles", "member", user).before(json!({ "roles": slugs })).after(json!({ "roles": [] }));
        self.audit.record_in(tx, ctx, entry).await
    }

    /// What these people asked for first by verbs that they may no more is void.
    async fn void_verbs_in(&self, tx: &mut Tx, ctx: &Ctx, people: &[Uuid], verbs: &[&str]) -> Result<(), Fault> {
        if people.is_empty() || verbs.is_empty() {
            return Ok(());
        }
        for (first, void) in approvals::void_verbs(tx, ctx.org, people, verbs).await? {
            self.record_void_in(tx, ctx, first, &void).await?;
        }
        Ok(())
    }
}

/// What is in `all` and not in `but`.
fn without<'a>(all: &'a [String], but: &[String]) -> Vec<&'a str> {
    all.iter().filter(|one| !but.contains(one)).map(String::as_str).collect()
}

#[async_trait]
impl CustomRoles for Service {
    async fn list(&self, tx: &ReadTx<'_>, org: OrgId) -> Result<Vec<CustomRole>, Fault> {
        repo::list(repo::reading(tx), org).await
    }

    async fn get(&self, tx: &ReadTx<'_>, org: OrgId, id: CustomRoleId) -> Result<CustomRole, Error> {
        repo::get(repo::reading(tx), org, id).await
    }

    async fn given(&self, tx: &ReadTx<'_>, org: OrgId) -> Result<Vec<(UserId, OrgRole, CustomRoleId)>, Fault> {
        repo::all_given(repo::reading(tx), org).await
    }

    async fn of_member(&self, tx: &ReadTx<'_>, org: OrgId, user: UserId) -> Result<Vec<GivenRole>, Fault> {
        repo::of_member(repo::reading(tx), org, user).await
    }

    async fn list_in(&self, tx: &mut Tx, org: OrgId) -> Result<Vec<CustomRole>, Fault> {
        repo::list(repo::writing(tx), org).await
    }

    async fn of_member_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<Vec<GivenRole>, Fault> {
        repo::of_member(repo::writing(tx), org, user).await
    }

    async fn insert_in(&self, tx: &mut Tx, org: OrgId, new: &NewCustomRole) -> Result<CustomRole, Error> {
        repo::insert(tx, org, new).await
    }

    async fn change_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        before: &CustomRole,
        after: &CustomRoleDetails,
    ) -> Result<CustomRole, Error> {
        let added = without(&after.permissions, &before.permissions);
        let taken = without(&before.permissions, &after.permissions);
        let changed = repo::save(tx, ctx.org, before.id, after, (&added[..], &taken[..])).await?;
        let holders = repo::holders(tx, ctx.org, before.id).await?;
        // Once they are taken: what somebody asked for by them until this moment is there by now.
        self.void_verbs_in(tx, ctx, &holders, &taken).await?;
        Ok(changed)
    }

    async fn remove_in(&self, tx: &mut Tx, org: OrgId, id: CustomRoleId) -> Result<(), Error> {
        let holders = repo::holders(tx, org, id).await?;
        if holders.is_empty() {
            return repo::delete(tx, org, id).await;
        }
        Err(Error::RoleInUse(i64::try_from(holders.len()).unwrap_or(i64::MAX)))
    }

    async fn give_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId, change: &GivenChange<'_>) -> Result<(), Error> {
        let ids = |roles: &[CustomRoleId]| roles.iter().map(|role| role.0).collect::<Vec<_>>();
        let taken: Vec<Uuid> = change.taken.iter().map(|role| role.id.0).collect();
        repo::take(tx, ctx.org, user, &taken).await?;
        repo::give(tx, ctx.org, user, &change.given).await?;
        repo::confirm(tx, ctx.org, user, &ids(&change.confirmed)).await?;
        let lost: Vec<&str> = change.taken.iter().flat_map(|role| &role.permissions).map(String::as_str).collect();
        Ok(self.void_verbs_in(tx, ctx, &[user.0], &lost).await?)
    }
}

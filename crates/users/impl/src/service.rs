//! The verbs of people.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use audit_api::{Audit, NewEntry};
use auth_api::{Accounts, Authorizer, Sessions};
use kernel::{Ctx, Denied, Fault, OrgRole, Page, PageRequest, Scope, Timestamp, UserId};
use serde_json::json;
use tenants_api::{Member, Memberships, perm};
use uow::{ReadTx, SystemUow, Tx, Uow};
use users_api::{Error, MemberUser, NewMember, ProfileChange, User, Users};

use crate::{model, repo};

/// People over PostgreSQL.
pub struct Service {
    uow: Uow,
    system: SystemUow,
    memberships: Arc<dyn Memberships>,
    sessions: Arc<dyn Sessions>,
    accounts: Arc<dyn Accounts>,
    authz: Arc<dyn Authorizer>,
    audit: Arc<dyn Audit>,
}

impl Service {
    /// The people of one database.
    #[must_use]
    pub fn new(
        uow: Uow,
        system: SystemUow,
        memberships: Arc<dyn Memberships>,
        sessions: Arc<dyn Sessions>,
        accounts: Arc<dyn Accounts>,
        authz: Arc<dyn Authorizer>,
        audit: Arc<dyn Audit>,
    ) -> Self {
        Self { uow, system, memberships, sessions, accounts, authz, audit }
    }

    async fn member_user(&self, tx: &ReadTx<'_>, ctx: &Ctx, user: UserId) -> Result<MemberUser, Error> {
        let member = self.memberships.member(tx, ctx.org, user).await?;
        let user = repo::get(tx, user).await?;
        let organization = self.memberships.organization(tx, ctx.org).await?;
        Ok(MemberUser { user, role: member.role, organization })
    }

    /// Who was removed while the request was under way learns nothing about emails any more.
    async fn still_a_member_in(&self, tx: &mut Tx, ctx: &Ctx) -> Result<(), Error> {
        let denied = || Error::Denied(Denied { permission: perm::MEMBERS_MANAGE, project: None });
        match self.memberships.lock_in(tx, ctx.org, person(ctx)?).await {
            Err(tenants_api::Error::NotFound(_)) => Err(denied()),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }

    /// Whoever touches an owner, or makes one, needs more than to manage members.
    fn authorise_roles(&self, ctx: &Ctx, roles: &[OrgRole]) -> Result<(), Error> {
        if roles.contains(&OrgRole::Owner) {
            self.authz.check(ctx, perm::OWNERS_MANAGE, Scope::Organization)?;
        }
        Ok(())
    }
}

fn person(ctx: &Ctx) -> Result<UserId, Error> {
    ctx.user_id().ok_or_else(|| Fault::internal("only a person has a profile").into())
}

fn unchanged(seen: Option<OrgRole>, now: &Member) -> Result<(), Error> {
    if seen.is_some_and(|seen| seen != now.role) { Err(Error::Stale) } else { Ok(()) }
}

#[async_trait]
impl Users for Service {
    async fn profile(&self, ctx: &Ctx) -> Result<MemberUser, Error> {
        let user = person(ctx)?;
        self.uow.read(ctx, async |tx| self.member_user(tx, ctx, user).await).await
    }

    async fn update_profile(&self, ctx: &Ctx, change: ProfileChange, seen: Option<Timestamp>) -> Result<User, Error> {
        let user = person(ctx)?;
        let change = model::checked_profile(change).map_err(Error::Invalid)?;
        self.uow
            .write(ctx, async |tx| {
                let before = repo::lock(tx, user).await?;
                if seen.is_some_and(|seen| seen != before.updated_at) {
                    return Err(Error::Stale);
                }
                let after = repo::save(tx, user, &change).await?;
                let entry = NewEntry::named("users.update_profile", "user", user)
                    .before(json!({ "name": before.name, "image": before.image }))
                    .after(json!({ "name": after.name, "image": after.image }));
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(after)
            })
            .await
    }

    async fn remove_account(&self, ctx: &Ctx) -> Result<(), Error> {
        let user = person(ctx)?;
        self.system
            .write(async |tx| {
                let left = self.memberships.leave_all_in(tx, user).await?;
                self.accounts.remove_in(tx, user).await?;
                repo::anonymise(tx, user).await?;
                for member in left {
                    let ctx = Ctx { org: member.org, once: None, ..ctx.clone() };
                    let entry = NewEntry::named("users.remove_account", "user", user).before(json!({ "role": member.role }));
                    self.audit.record_in(tx, &ctx, entry).await?;
                }
                Ok(())
            })
            .await
    }

    async fn members(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<MemberUser>, Error> {
        self.authz.check(ctx, perm::MEMBERS_READ, Scope::Organization)?;
        self.uow
            .read(ctx, async |tx| {
                let members = self.memberships.list(tx, ctx.org, page).await?;
                let organization = self.memberships.organization(tx, ctx.org).await?;
                let ids: Vec<UserId> = members.items.iter().map(|member| member.user).collect();
                let mut people: HashMap<UserId, User> =
                    repo::by_ids(tx, &ids).await?.into_iter().map(|user| (user.id, user)).collect();
                let items = members.items.into_iter().filter_map(|member| {
                    let user = people.remove(&member.user)?;
                    Some(MemberUser { user, role: member.role, organization: organization.clone() })
                });
                Ok(Page { items: items.collect(), next: members.next })
            })
            .await
    }

    async fn member(&self, ctx: &Ctx, user: UserId) -> Result<MemberUser, Error> {
        self.authz.check(ctx, perm::MEMBERS_READ, Scope::Organization)?;
        self.uow.read(ctx, async |tx| self.member_user(tx, ctx, user).await).await
    }

    async fn add_member(&self, ctx: &Ctx, new: NewMember) -> Result<MemberUser, Error> {
        self.authz.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        self.authorise_roles(ctx, &[new.role])?;
        let new = model::checked_member(new).map_err(Error::Invalid)?;
        self.uow
            .write(ctx, async |tx| {
                let organization = self.memberships.lock_organization_in(tx, ctx.org).await?;
                self.still_a_member_in(tx, ctx).await?;
                let id = repo::person_for(tx, &new).await?;
                let member = self.memberships.add_in(tx, ctx.org, id, new.role).await?;
                let user = repo::get_in(tx, id).await?;
                let entry = NewEntry::of(perm::MEMBERS_MANAGE, "member", id).after(json!({ "role": member.role }));
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(MemberUser { user, role: member.role, organization })
            })
            .await
    }

    async fn set_role(&self, ctx: &Ctx, user: UserId, role: OrgRole, seen: Option<OrgRole>) -> Result<MemberUser, Error> {
        self.authz.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        self.uow
            .write(ctx, async |tx| {
                let organization = self.memberships.lock_organization_in(tx, ctx.org).await?;
                let before = self.memberships.lock_in(tx, ctx.org, user).await?;
                self.authorise_roles(ctx, &[before.role, role])?;
                unchanged(seen, &before)?;
                let after = self.memberships.set_role_in(tx, ctx.org, user, role).await?;
                let person = repo::get_in(tx, user).await?;
                let entry = NewEntry::of(perm::MEMBERS_MANAGE, "member", user)
                    .before(json!({ "role": before.role }))
                    .after(json!({ "role": after.role }));
                self.audit.record_in(tx, ctx, entry).await?;
                self.sessions.forget_user_in(tx, user).await?;
                Ok(MemberUser { user: person, role: after.role, organization })
            })
            .await
    }

    async fn remove_member(&self, ctx: &Ctx, user: UserId, seen: Option<OrgRole>) -> Result<(), Error> {
        let oneself = ctx.user_id() == Some(user);
        if !oneself {
            self.authz.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        }
        self.uow
            .write(ctx, async |tx| {
                let before = self.memberships.lock_in(tx, ctx.org, user).await?;
                if !oneself {
                    self.authorise_roles(ctx, &[before.role])?;
                }
                unchanged(seen, &before)?;
                self.memberships.remove_in(tx, ctx.org, user).await?;
                let entry = NewEntry::of(perm::MEMBERS_MANAGE, "member", user).before(json!({ "role": before.role }));
                self.audit.record_in(tx, ctx, entry).await?;
                Ok::<_, Error>(self.sessions.end_sessions_in(tx, user, ctx.org).await?)
            })
            .await
    }

    async fn people(&self, tx: &ReadTx<'_>, ids: &[UserId]) -> Result<Vec<User>, Fault> {
        repo::by_ids(tx, ids).await
    }
}

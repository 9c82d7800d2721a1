//! `Roles`: the verbs on custom roles, and on who has them.
//!
//! Custom roles are made, changed, given and taken under the organisation's lock, by somebody whose built-in role holds whatever is given: what one
//! holds by a custom role alone is given on to nobody. So no chain of roles leads anywhere.

mod asking;
mod rules;

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use async_trait::async_trait;
use audit_api::{Audit, NewEntry};
use auth_api::{Authorizer, Sessions, Teams, without_added};
use kernel::{Ctx, Denied, OrgRole, Permission, ProjectId, Scope, Timestamp, UserId};
use module::Wired;
use serde_json::json;
use tenants_api::{
    CustomRole, CustomRoleDetails, CustomRoleId, CustomRoles, GivenChange, MOST_CUSTOM_ROLES, MOST_ROLES_OF_A_MEMBER,
    Memberships, NewCustomRole, perm,
};
use uow::{Tx, Uow};
use users_api::{CataloguedPermission, Error, Explanation, MemberRoles, RoleEffect, RolePreview};

use crate::repo;
use rules::Known;

/// What the roles stand on.
pub struct RolesDependencies {
    /// The tenants' door.
    pub uow: Uow,
    /// Who belongs to which organisation.
    pub memberships: Arc<dyn Memberships>,
    /// The rows of custom roles.
    pub roles: Arc<dyn CustomRoles>,
    /// Who is in which project's team.
    pub teams: Arc<dyn Teams>,
    /// Who looks at sessions anew.
    pub sessions: Arc<dyn Sessions>,
    /// Who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// The trail.
    pub audit: Arc<dyn Audit>,
}

/// Roles over PostgreSQL.
pub struct Roles {
    uow: Uow,
    memberships: Arc<dyn Memberships>,
    roles: Arc<dyn CustomRoles>,
    teams: Arc<dyn Teams>,
    sessions: Arc<dyn Sessions>,
    authorizer: Arc<dyn Authorizer>,
    audit: Arc<dyn Audit>,
}

impl Roles {
    /// Over what they stand on.
    #[must_use]
    pub fn new(dependencies: RolesDependencies) -> Self {
        let RolesDependencies { uow, memberships, roles, teams, sessions, authorizer, audit } = dependencies;
        Self { uow, memberships, roles, teams, sessions, authorizer, audit }
    }

    /// Every permission that there is, and whether a custom role can hold it.
    fn known(&self, ctx: &Ctx) -> Vec<Known> {
        let all = self.authorizer.permissions(&Ctx::system(ctx.org, ctx.request.clone()));
        let known = |permission: Permission| Known { permission, is_addable: self.authorizer.is_addable(permission) };
        all.into_iter().map(known).collect()
    }

    /// Passes if the context's built-in role holds each of these permissions: nobody gives what they have not got, nor what a role that may be taken
    /// from them at this moment lets them do.
    fn check_held<'a>(&self, ctx: &Ctx, permissions: impl IntoIterator<Item = &'a String>) -> Result<(), Error> {
        let (own, known) = (without_added(ctx), self.known(ctx));
        for name in permissions {
            // What is no permission any more, or none of custom roles, allows nothing.
            if let Some(known) = known.iter().find(|known| known.is_addable && known.permission.name() == name) {
                self.authorizer.check(&own, known.permission, Scope::Organization)?;
            }
        }
        Ok(())
    }

    /// Locks the organisation and passes if the actor's role is still the one that the request was permitted with.
    async fn lock_in(&self, tx: &mut Tx, ctx: &Ctx, permission: Permission) -> Result<(), Error> {
        self.memberships.lock_organization_in(tx, ctx.org).await?;
        let Some((user, role)) = ctx.membership() else { return Ok(()) };
        match self.memberships.lock_in(tx, ctx.org, user).await {
            Ok(member) if member.role == role => Ok(()),
            Ok(_) | Err(tenants_api::Error::NotFound(_)) => Err(Denied { permission, project: None }.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// A role that is still as it was at `seen`.
    async fn find_in(&self, tx: &mut Tx, ctx: &Ctx, id: CustomRoleId, seen: Option<Timestamp>) -> Result<CustomRole, Error> {
        let all = self.roles.list_in(tx, ctx.org).await?;
        let role = all.into_iter().find(|role| role.id == id).ok_or(Error::NotFound("role"))?;
        if seen.is_some_and(|seen| seen != role.updated_at) { Err(Error::Stale) } else { Ok(role) }
    }

    async fn member_roles(&self, ctx: &Ctx, user: UserId) -> Result<MemberRoles, Error> {
        self.uow
            .read(ctx, async |tx| {
                let member = self.memberships.member(tx, ctx.org, user).await?;
                let all = self.roles.list(tx, ctx.org).await?;
                let given = self.roles.of_member(tx, ctx.org, user).await?;
                Ok(rules::member_roles(user, member.role, &all, &given))
            })
            .await
    }

    /// Whoever gives roles has shown that their address is theirs, and so has whoever is given one.
    async fn proven_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<(), Error> {
        if let Some(giver) = ctx.user_id()
            && !repo::get_in(tx, giver).await?.email_verified
        {
            return Err(Error::EmailNotVerified);
        }
        if repo::get_in(tx, user).await?.email_verified {
            return Ok(());
        }
        let detail = "they have not proven their address yet: give the role once they have";
        Err(Error::invalid("/roles", "EMAIL_NOT_VERIFIED", detail))
    }
}

/// A role, as the trail tells it.
fn told(role: &CustomRole) -> serde_json::Value {
    json!({ "slug": role.slug, "name": role.name, "description": role.description, "permissions": role.permissions })
}

#[async_trait]
impl users_api::Roles for Roles {
    async fn list(&self, ctx: &Ctx) -> Result<Vec<CustomRole>, Error> {
        self.authorizer.check(ctx, perm::ROLES_READ, Scope::Organization)?;
        Ok(self.uow.read(ctx, async |tx| self.roles.list(tx, ctx.org).await).await?)
    }

    async fn get(&self, ctx: &Ctx, id: CustomRoleId) -> Result<CustomRole, Error> {
        self.authorizer.check(ctx, perm::ROLES_READ, Scope::Organization)?;
        Ok(self.uow.read(ctx, async |tx| self.roles.get(tx, ctx.org, id).await).await?)
    }

    async fn changeable(&self, ctx: &Ctx, id: CustomRoleId) -> Result<CustomRole, Error> {
        self.authorizer.check(ctx, perm::ROLES_MANAGE, Scope::Organization)?;
        Ok(self.uow.read(ctx, async |tx| self.roles.get(tx, ctx.org, id).await).await?)
    }

    async fn create(&self, ctx: &Ctx, new: NewCustomRole) -> Result<CustomRole, Error> {
        self.authorizer.check(ctx, perm::ROLES_MANAGE, Scope::Organization)?;
        let new = rules::checked_new(new, &self.known(ctx))?;
        self.uow
            .write(ctx, async |tx| {
                self.lock_in(tx, ctx, perm::ROLES_MANAGE).await?;
                self.check_held(ctx, &new.details.permissions)?;
                if self.roles.list_in(tx, ctx.org).await?.len() >= MOST_CUSTOM_ROLES {
                    return Err(Error::TooManyRoles(MOST_CUSTOM_ROLES));
                }
                let made = self.roles.insert_in(tx, ctx.org, &new).await?;
                self.audit.record_in(tx, ctx, NewEntry::named("roles.create", "role", made.id).after(told(&made))).await?;
                Ok(made)
            })
            .await
    }

    async fn change(
        &self,
        ctx: &Ctx,
        id: CustomRoleId,
        details: CustomRoleDetails,
        seen: Option<Timestamp>,
    ) -> Result<CustomRole, Error> {
        self.authorizer.check(ctx, perm::ROLES_MANAGE, Scope::Organization)?;
        let details = rules::checked_details(details, &self.known(ctx))?;
        self.uow
            .write(ctx, async |tx| {
                self.lock_in(tx, ctx, perm::ROLES_MANAGE).await?;
                let before = self.find_in(tx, ctx, id, seen).await?;
                self.check_held(ctx, details.permissions.iter().filter(|name| !before.permissions.contains(name)))?;
                if rules::is_so_already(&before, &details) {
                    return Ok(before);
                }
                let after = self.roles.change_in(tx, ctx, &before, &details).await?;
                let entry = NewEntry::named("roles.change", "role", id).before(told(&before)).after(told(&after));
                self.audit.record_in(tx, ctx, entry).await?;
                self.sessions.forget_organization_in(tx, ctx.org).await?;
                Ok(after)
            })
            .await
    }

    async fn remove(&self, ctx: &Ctx, id: CustomRoleId, seen: Option<Timestamp>) -> Result<(), Error> {
        self.authorizer.check(ctx, perm::ROLES_MANAGE, Scope::Organization)?;
        self.uow
            .write(ctx, async |tx| {
                self.lock_in(tx, ctx, perm::ROLES_MANAGE).await?;
                let before = self.find_in(tx, ctx, id, seen).await?;
                self.roles.remove_in(tx, ctx.org, id).await?;
                let entry = NewEntry::named("roles.remove", "role", id).before(told(&before));
                Ok::<_, Error>(self.audit.record_in(tx, ctx, entry).await?)
            })
            .await
    }

    async fn of_member(&self, ctx: &Ctx, user: UserId) -> Result<MemberRoles, Error> {
        self.authorizer.check(ctx, perm::MEMBERS_READ, Scope::Organization)?;
        self.member_roles(ctx, user).await
    }

    async fn changeable_of_member(&self, ctx: &Ctx, user: UserId) -> Result<MemberRoles, Error> {
        self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        self.member_roles(ctx, user).await
    }

    async fn give(
        &self,
        ctx: &Ctx,
        user: UserId,
        roles: Vec<CustomRoleId>,
        seen: Option<MemberRoles>,
    ) -> Result<MemberRoles, Error> {
        self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        if roles.len() > MOST_ROLES_OF_A_MEMBER {
            return Err(Error::invalid("/roles", "TOO_MANY", format!("must be at most {MOST_ROLES_OF_A_MEMBER} roles")));
        }
        self.uow
            .write(ctx, async |tx| {
                self.lock_in(tx, ctx, perm::MEMBERS_MANAGE).await?;
                let member = self.memberships.lock_in(tx, ctx.org, user).await?;
                if member.role == OrgRole::Owner {
                    self.authorizer.check(ctx, perm::OWNERS_MANAGE, Scope::Organization)?;
                }
                let all = self.roles.list_in(tx, ctx.org).await?;
                let before = rules::member_roles(user, member.role, &all, &self.roles.of_member_in(tx, ctx.org, user).await?);
                if seen.as_ref().is_some_and(|seen| *seen != before) {
                    return Err(Error::Stale);
                }
                let confirms = matches!(ctx.membership(), Some((_, OrgRole::Owner)));
                let change = rules::change_of(&all, &before, &roles, confirms)?;
                if change == rules::NOTHING {
                    return Ok(before);
                }
                if !change.given.is_empty() || !change.confirmed.is_empty() {
                    self.proven_in(tx, ctx, user).await?;
                }
                for role in change.given.iter().chain(&change.confirmed) {
                    let held = all.iter().filter(|known| known.id == *role);
                    self.check_held(ctx, held.flat_map(|role| &role.permissions))?;
                }
                self.give_in(tx, ctx, user, &change).await?;
                let after = rules::member_roles(user, member.role, &all, &self.roles.of_member_in(tx, ctx.org, user).await?);
                let confirmed: Vec<&str> = after
                    .custom
                    .iter()
                    .filter(|held| change.confirmed.contains(&held.given.role))
                    .map(|held| held.slug.as_str())
                    .collect();
                let entry = NewEntry::named("members.set_roles", "member", user)
                    .before(json!({ "roles": rules::slugs(&before) }))
                    .after(json!({ "roles": rules::slugs(&after), "confirmed": confirmed }));
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(after)
            })
            .await
    }

    fn catalogue(&self, ctx: &Ctx) -> Vec<CataloguedPermission> {
        self.all_permissions(ctx)
    }

    async fn explain(
        &self,
        ctx: &Ctx,
        permission: &str,
        project: Option<ProjectId>,
        user: Option<UserId>,
    ) -> Result<Explanation, Error> {
        self.explain_to(ctx, permission, project, user).await
    }

    async fn preview(&self, ctx: &Ctx, preview: RolePreview) -> Result<RoleEffect, Error> {
        self.effect_of(ctx, preview).await
    }
}

impl Roles {
    async fn give_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId, change: &GivenChange<'_>) -> Result<(), Error> {
        self.roles.give_in(tx, ctx, user, change).await?;
        Ok(self.sessions.forget_user_in(tx, user).await?)
    }
}

impl Wired for Roles {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self as Arc<dyn users_api::Roles>));
    }
}

//! What an organisation's directory has done about its members.

use async_trait::async_trait;
use audit_api::NewEntry;
use auth_api::email::{self, Email};
use kernel::{Actor, Ctx, Denied, OrgRole, Permission, UserId};
use mail_api::Language;
use serde_json::json;
use tenants_api::perm;
use uow::Tx;
use users_api::{Error, Staff};

use super::{Service, person};
use crate::repo;

#[async_trait]
impl Staff for Service {
    async fn begin_in(&self, tx: &mut Tx, ctx: &Ctx, permission: Permission) -> Result<(), Error> {
        self.memberships.lock_organization_in(tx, ctx.org).await?;
        // The key of a leaver has a role without a membership; whether it still has is asked with each request.
        let Some((user, role)) = ctx.membership() else { return Ok(()) };
        match self.memberships.lock_in(tx, ctx.org, user).await {
            Ok(member) if member.role == role => Ok(()),
            Ok(_) | Err(tenants_api::Error::NotFound(_)) => Err(Error::Denied(Denied { permission, project: None })),
            Err(error) => Err(error.into()),
        }
    }

    async fn member_by_email_in(&self, tx: &mut Tx, ctx: &Ctx, email: &str) -> Result<Option<UserId>, Error> {
        let Some(user) = repo::invitations::person_of_email(tx, &email::key(email)).await? else { return Ok(None) };
        // Who made the key sees themself, member or not.
        Ok(self.is_member_in(tx, ctx, user).await?.then_some(user))
    }

    async fn is_member_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<bool, Error> {
        match self.memberships.lock_in(tx, ctx.org, user).await {
            Ok(_) => Ok(true),
            Err(tenants_api::Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn invite_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        email: &str,
        name: Option<String>,
        language: Language,
    ) -> Result<(), Error> {
        let email = Email::parse(email).map_err(|flaw| Error::Invalid(vec![flaw.at("/emails")]))?;
        let by = person(ctx)?;
        self.proven_in(tx, ctx).await?;
        if repo::invitations::waits_for(tx, ctx.org, email.key()).await? {
            return Ok(());
        }
        let organization = self.memberships.lock_organization_in(tx, ctx.org).await?;
        let made = repo::invitations::insert(tx, ctx, by, &email, name.as_deref()).await?;
        let entry = NewEntry::named("members.invite", "invitation", made.id).after(json!({ "role": OrgRole::Member }));
        self.audit.record_in(tx, ctx, entry).await?;
        let key = format!("member-invitation:{}", made.id);
        self.mail_invitation_in(tx, by, organization.name, &made, (key, language)).await
    }

    async fn withdraw_in(&self, tx: &mut Tx, ctx: &Ctx, email: &str) -> Result<(), Error> {
        if let Some(id) = repo::invitations::lock_for_email(tx, ctx.org, &email::key(email)).await? {
            repo::invitations::withdraw(tx, ctx.org, id).await?;
            self.audit.record_in(tx, ctx, NewEntry::named("members.withdraw_invitation", "invitation", id)).await?;
        }
        Ok(())
    }

    async fn end_membership_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<(), Error> {
        let before = match self.memberships.lock_in(tx, ctx.org, user).await {
            Ok(before) => before,
            Err(tenants_api::Error::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        // No permission that a key is given lets anybody touch owners, so it goes by the role of who made the key.
        if before.role == OrgRole::Owner && !matches!(ctx.actor, Actor::User(_, OrgRole::Owner)) {
            return Err(Error::Denied(Denied { permission: perm::OWNERS_MANAGE, project: None }));
        }
        self.accounts.sign_out_in(tx, ctx.org, user).await?;
        self.end_in(tx, ctx, &before).await
    }

    async fn came_back_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<(), Error> {
        let entry = NewEntry::named("members.come_back", "member", user).after(json!({ "role": OrgRole::Member }));
        self.audit.record_in(tx, ctx, entry).await?;
        Ok(self.sessions.forget_user_in(tx, user).await?)
    }
}

//! Invitations into an organisation, by address: sent by who manages its members, answered by who has shown that the address is theirs.
//!
//! The organisation learns nothing of the address: not whether somebody has it, not what they are called, until they accept. The person's
//! side runs as the platform, since no tenant sees another's invitations.

use audit_api::NewEntry;
use chrono::TimeDelta;
use kernel::{Ctx, OrgRole, Page, PageRequest, Position, ProjectRoles, Scope, UserId};
use mail_api::{Content, Language, Link, Mail, Recipient};
use serde_json::json;
use tenants_api::perm;
use uow::Tx;
use users_api::{Error, MemberInvitation, MemberUser, NewInvitation, OwnInvitation};
use uuid::Uuid;

use super::{Service, person};
use crate::model::{self, InvitationStatus, Leaver};
use crate::{link_rules, repo};

/// An invitation that was answered is kept for so long: who asks again by it is answered the same, and who sent it sees what came of it.
const KEPT_ANSWERED: TimeDelta = TimeDelta::days(90);

impl Service {
    pub(super) async fn invite_person(&self, ctx: &Ctx, new: NewInvitation) -> Result<MemberInvitation, Error> {
        self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        let language = new.language;
        let (email, name) = model::checked_invitation(new).map_err(Error::Invalid)?;
        let by = person(ctx)?;
        self.uow
            .write(ctx, async |tx| {
                let organization = self.lock_for_manager_in(tx, ctx).await?;
                self.proven_in(tx, ctx).await?;
                if repo::invitations::is_members(tx, &email).await? {
                    return Err(Error::AlreadyMember);
                }
                let made = repo::invitations::insert(tx, ctx, by, &email, name.as_deref()).await?;
                let entry = NewEntry::named("members.invite", "invitation", made.id).after(json!({ "role": OrgRole::Member }));
                self.audit.record_in(tx, ctx, entry).await?;
                let key = format!("member-invitation:{}", made.id);
                self.mail_invitation_in(tx, by, organization.name, &made, (key, language)).await?;
                Ok(made)
            })
            .await
    }

    pub(super) async fn resend(&self, ctx: &Ctx, id: Uuid, language: Language) -> Result<MemberInvitation, Error> {
        self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        let by = person(ctx)?;
        self.uow
            .write(ctx, async |tx| {
                let organization = self.lock_for_manager_in(tx, ctx).await?;
                self.proven_in(tx, ctx).await?;
                let (invitation, mailed, last, now) = repo::invitations::lock_mailed(tx, ctx.org, id).await?;
                link_rules::mailed_again(mailed, last, now)?;
                repo::invitations::note_mailed(tx, ctx.org, id, mailed + 1).await?;
                let entry = NewEntry::named("members.resend_invitation", "invitation", id).after(json!({ "mailed": mailed + 1 }));
                self.audit.record_in(tx, ctx, entry).await?;
                let key = format!("member-invitation:{id}:{}", mailed + 1);
                self.mail_invitation_in(tx, by, organization.name, &invitation, (key, language)).await?;
                Ok(invitation)
            })
            .await
    }

    pub(super) async fn mail_invitation_in(
        &self,
        tx: &mut Tx,
        by: UserId,
        organization: String,
        invitation: &MemberInvitation,
        (key, language): (String, Language),
    ) -> Result<(), Error> {
        let inviter = repo::get_in(tx, by).await?.name;
        let link = Link::to("/invitation").with("id", &invitation.id.to_string());
        let content = Content::MemberInvitation { inviter, organization, link, until: None };
        let to = Recipient { address: invitation.email.clone(), name: invitation.name.clone() };
        self.mails.send_in(tx, Mail { key, to, language, content }).await?;
        Ok(())
    }

    pub(super) async fn list_invitations(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<MemberInvitation>, Error> {
        self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        let rows = self.uow.read_one(ctx, async |tx| repo::invitations::page(tx, ctx.org, page).await).await?;
        Ok(Page::cut(rows, page, |one| Position { created_at: one.created_at, id: one.id }))
    }

    pub(super) async fn one_invitation(&self, ctx: &Ctx, id: Uuid) -> Result<MemberInvitation, Error> {
        self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        self.uow.read_one(ctx, async |tx| repo::invitations::get(tx, ctx.org, id).await).await
    }

    pub(super) async fn withdraw(&self, ctx: &Ctx, id: Uuid) -> Result<(), Error> {
        self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        self.uow
            .write(ctx, async |tx| {
                self.lock_for_manager_in(tx, ctx).await?;
                repo::invitations::withdraw(tx, ctx.org, id).await?;
                Ok(self.audit.record_in(tx, ctx, NewEntry::named("members.withdraw_invitation", "invitation", id)).await?)
            })
            .await
    }

    pub(super) async fn invitations_of(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<OwnInvitation>, Error> {
        let user = person(ctx)?;
        self.system
            .read(async |tx| {
                if !repo::get(tx, user).await?.email_verified {
                    return Err(Error::EmailNotVerified);
                }
                let rows = repo::invitations::of_person(tx, user, page).await?;
                let Page { items, next } = Page::cut(rows, page, |one| Position { created_at: one.created_at, id: one.id });
                let mut all = Vec::new();
                for one in items {
                    let organization = self.memberships.organization(tx, one.org).await?;
                    let invited_by = repo::get(tx, one.invited_by).await?.name;
                    all.push(OwnInvitation { id: one.id, organization, invited_by, created_at: one.created_at });
                }
                Ok(Page { items: all, next })
            })
            .await
    }

    /// Forgets whom organisations invited, and by which address, a while after that was answered.
    pub(crate) async fn purge_invitations(&self) -> Result<(), Error> {
        self.system.write(async |tx| repo::invitations::purge(tx, KEPT_ANSWERED).await).await?;
        Ok(())
    }

    pub(super) async fn accept(&self, ctx: &Ctx, id: Uuid) -> Result<MemberUser, Error> {
        let user = person(ctx)?;
        let (org, role) = self
            .system
            .write(async |tx| {
                let invitation = repo::invitations::lock_of_person(tx, user, id).await?;
                let org = invitation.org;
                if invitation.status == InvitationStatus::Accepted {
                    // Again, by who did not hear the answer. Whoever has left meanwhile does not come back by this.
                    let members = self.memberships.of_person_in(tx, user).await?;
                    let member = members.into_iter().find(|member| member.org == org);
                    return member.map(|member| (org, member.role)).ok_or(Error::NotFound("invitation"));
                }
                let member = self.memberships.join_in(tx, org, user, invitation.invited_by).await?;
                // Which has locked it: whoever has it leave withdraws all invitations but those that are being accepted.
                if repo::departures::has_left(tx, Leaver::Organization(org)).await? {
                    return Err(Error::NotFound("invitation"));
                }
                repo::invitations::decide(tx, org, id, InvitationStatus::Accepted).await?;
                let there = Ctx::user(org, user, member.role, ProjectRoles::default(), ctx.request.clone());
                let entry = NewEntry::named("members.join", "member", user)
                    .after(json!({ "role": member.role, "invitation": id, "invitedBy": invitation.invited_by }));
                self.audit.record_in(tx, &there, entry).await?;
                Ok::<_, Error>((org, member.role))
            })
            .await?;
        let there = Ctx::user(org, user, role, ProjectRoles::default(), ctx.request.clone());
        self.uow.read(&there, async |tx| self.member_user(tx, &there, user).await).await
    }

    pub(super) async fn decline(&self, ctx: &Ctx, id: Uuid) -> Result<(), Error> {
        let user = person(ctx)?;
        self.system
            .write(async |tx| {
                let org = repo::invitations::lock_of_person(tx, user, id).await?.org;
                repo::invitations::decide(tx, org, id, InvitationStatus::Declined).await?;
                // Not by whom: a person who says no to an organisation stays unknown to it.
                let entry = NewEntry::named("members.decline_invitation", "invitation", id);
                self.audit.record_in(tx, &Ctx::system(org, ctx.request.clone()), entry).await?;
                Ok(())
            })
            .await
    }
}

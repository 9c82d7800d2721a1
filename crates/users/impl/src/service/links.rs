//! Invitations by a link: made by who manages the members, used by whoever has one and a proven address of its domains.
//!
//! Who joins runs as the platform. Locked are the person, the organisation, the link, in this order: who takes a link back, or leaves, has the
//! organisation as well.

use async_trait::async_trait;
use audit_api::NewEntry;
use kernel::{Ctx, Page, PageRequest, Position, ProjectRoles, Scope, UserId};
use mail_api::{Content, Language, Mail, Recipient};
use serde_json::json;
use tenants_api::{Organization, perm};
use uow::Tx;
use users_api::{Error, FreshInvitationLink, InvitationLink, InvitationLinks, MemberUser, NewInvitationLink};
use uuid::Uuid;

use super::{Service, person};
use crate::model::Leaver;
use crate::{link_rules, repo};

impl Service {
    /// Tells who made a link who joined by it, if they can still be told.
    async fn tell_of_joining_in(
        &self,
        tx: &mut Tx,
        organization: &Organization,
        (link, user): (&InvitationLink, UserId),
        language: Language,
    ) -> Result<(), Error> {
        let (maker, joined) = (repo::get_in(tx, link.created_by).await?, repo::get_in(tx, user).await?);
        let told = Mail {
            key: format!("member-joined:{}:{user}:{}", link.id, link.uses),
            to: Recipient::at(&*maker.email).named(&*maker.name),
            language,
            content: Content::MemberJoined {
                member: joined.name,
                address: joined.email,
                organization: organization.name.clone(),
                label: link.label.clone(),
                domain: None,
            },
        };
        self.mails.send_in(tx, told).await?;
        Ok(())
    }
}

#[async_trait]
impl InvitationLinks for Service {
    async fn make(&self, ctx: &Ctx, new: NewInvitationLink) -> Result<FreshInvitationLink, Error> {
        self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        let new = link_rules::checked(new).map_err(Error::Invalid)?;
        let by = person(ctx)?;
        let (token, sought) = link_rules::fresh(ctx.org)?;
        let link = self
            .uow
            .write(ctx, async |tx| {
                self.lock_for_manager_in(tx, ctx).await?;
                self.proven_in(tx, ctx).await?;
                if repo::links::count_live(tx, ctx.org).await? >= i64::from(link_rules::MOST_LINKS) {
                    return Err(Error::TooManyLinks(link_rules::MOST_LINKS));
                }
                let link = repo::links::insert(tx, ctx, by, &new, &sought.hash).await?;
                let InvitationLink { id, domains, most_uses, expires_at, .. } = &link;
                let entry = NewEntry::named("members.make_invitation_link", "invitation_link", *id)
                    .after(json!({ "domains": domains, "maxUses": most_uses, "expiresAt": expires_at }));
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(link)
            })
            .await?;
        Ok(FreshInvitationLink { token, link })
    }

    async fn links(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<InvitationLink>, Error> {
        self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        let rows = self.uow.read_one(ctx, async |tx| repo::links::page(tx, ctx.org, page).await).await?;
        Ok(Page::cut(rows, page, |link| Position { created_at: link.created_at, id: link.id }))
    }

    async fn link(&self, ctx: &Ctx, id: Uuid) -> Result<InvitationLink, Error> {
        self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        self.uow.read_one(ctx, async |tx| repo::links::get(tx, ctx.org, id).await).await
    }

    async fn revoke_link(&self, ctx: &Ctx, id: Uuid) -> Result<(), Error> {
        self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        self.uow
            .write(ctx, async |tx| {
                self.lock_for_manager_in(tx, ctx).await?;
                if repo::links::revoke(tx, ctx.org, id).await? {
                    let entry = NewEntry::named("members.revoke_invitation_link", "invitation_link", id);
                    self.audit.record_in(tx, ctx, entry).await?;
                }
                Ok(())
            })
            .await
    }

    async fn leads_to(&self, token: &str) -> Result<Organization, Error> {
        let sought = link_rules::sought(token).ok_or(Error::LinkSpent)?;
        self.system
            .read(async |tx| {
                let found = repo::links::find(tx, &sought).await?;
                if !found.is_some_and(|(link, now)| link.counts(now)) {
                    return Err(Error::LinkSpent);
                }
                let organization = self.memberships.organization(tx, sought.org).await?;
                if organization.suspended_at.is_some() { Err(Error::LinkSpent) } else { Ok(organization) }
            })
            .await
    }

    async fn join_by_link(&self, ctx: &Ctx, token: &str, language: Language) -> Result<MemberUser, Error> {
        let user = person(ctx)?;
        let sought = link_rules::sought(token);
        let (org, role) = self
            .system
            .write(async |tx| {
                // Before anything is said about the link.
                let address = repo::links::proven_address(tx, user).await?.ok_or(Error::EmailNotVerified)?;
                let sought = sought.ok_or(Error::LinkSpent)?;
                // Whoever guesses locks nobody's organisation.
                if !repo::links::is_known(tx, &sought).await? {
                    return Err(Error::LinkSpent);
                }
                let organization = self.memberships.lock_organization_in(tx, sought.org).await?;
                let (link, now) = repo::links::lock(tx, &sought).await?.ok_or(Error::LinkSpent)?;
                if !link.counts(now) {
                    return Err(Error::LinkSpent);
                }
                if !link_rules::lets_in(&link.domains, &address) {
                    return Err(Error::DomainNotAllowed);
                }
                let joined = self.memberships.join_in(tx, sought.org, user, link.created_by).await;
                let member = joined.map_err(|error| match error {
                    // Who made it may not invite any more, or the organisation is suspended.
                    tenants_api::Error::NotFound(_) => Error::LinkSpent,
                    other => other.into(),
                })?;
                if repo::departures::has_left(tx, Leaver::Organization(sought.org)).await? {
                    return Err(Error::LinkSpent);
                }
                repo::links::was_used(tx, sought.org, &link).await?;
                let there = Ctx::user(sought.org, user, member.role, ProjectRoles::default(), ctx.request.clone());
                let entry = NewEntry::named("members.join", "member", user)
                    .after(json!({ "role": member.role, "invitationLink": link.id, "invitedBy": link.created_by }));
                self.audit.record_in(tx, &there, entry).await?;
                self.tell_of_joining_in(tx, &organization, (&link, user), language).await?;
                Ok::<_, Error>((sought.org, member.role))
            })
            .await?;
        let there = Ctx::user(org, user, role, ProjectRoles::default(), ctx.request.clone());
        self.uow.read(&there, async |tx| self.member_user(tx, &there, user).await).await
    }
}

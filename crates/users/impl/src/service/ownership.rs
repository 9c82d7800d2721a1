//! The transfer of an organisation. Who accepts does so as the platform, which says that the role is the other owner's gift: so it counts at once where two
//! persons are needed.
//!
//! Locked are the organisation and the offer, in this order.

use async_trait::async_trait;
use audit_api::NewEntry;
use kernel::{Ctx, OrgRole, Page, PageRequest, Position, Scope, UserId};
use mail_api::{Content, Language, Link, Mail, Recipient};
use serde_json::json;
use tenants_api::perm;
use uow::Tx;
use users_api::{Error, MemberUser, Ownership, OwnershipOffer};
use uuid::Uuid;

use super::{Service, person};
use crate::model::InvitationStatus;
use crate::repo;

impl Service {
    /// An offer to the context's person, locked with the organisation.
    async fn own_offer_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId, id: Uuid) -> Result<OwnershipOffer, Error> {
        self.memberships.lock_organization_in(tx, ctx.org).await?;
        let offer = repo::ownership::lock(tx, ctx.org, id).await?;
        if offer.offered_to == user { Ok(offer) } else { Err(Error::NotFound("ownership offer")) }
    }

    /// Tells both that the organisation has passed from one to the other.
    async fn tell_of_transfer_in(&self, tx: &mut Tx, ctx: &Ctx, offer: &OwnershipOffer, language: Language) -> Result<(), Error> {
        let organization = self.memberships.lock_organization_in(tx, ctx.org).await?.name;
        let owner = repo::get_in(tx, offer.offered_to).await?;
        let former = repo::get_in(tx, offer.offered_by).await?;
        for told in [&owner, &former] {
            let content = Content::OwnershipMoved {
                organization: organization.clone(),
                owner: owner.name.clone(),
                former: former.name.clone(),
            };
            let mail = Mail {
                key: format!("ownership-moved:{}:{}", offer.id, told.id),
                to: Recipient::at(&*told.email).named(&*told.name),
                language,
                content,
            };
            self.mails.send_in(tx, mail).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Ownership for Service {
    async fn offer_ownership(&self, ctx: &Ctx, to: UserId, language: Language) -> Result<OwnershipOffer, Error> {
        self.authorizer.check(ctx, perm::OWNERS_MANAGE, Scope::Organization)?;
        let by = person(ctx)?;
        self.uow
            .write(ctx, async |tx| {
                let organization = self.lock_for_manager_in(tx, ctx).await?;
                self.proven_in(tx, ctx).await?;
                let member = self.memberships.lock_in(tx, ctx.org, to).await?;
                if member.role == OrgRole::Owner {
                    return Err(Error::AlreadyOwner);
                }
                let asked = repo::get_in(tx, to).await?;
                if !asked.email_verified {
                    let detail = "they have not proven their address yet: offer it once they have";
                    return Err(Error::invalid("/userId", "EMAIL_NOT_VERIFIED", detail));
                }
                let offer = repo::ownership::insert(tx, ctx.org, by, to).await?;
                let entry = NewEntry::named("members.offer_ownership", "ownership_offer", offer.id)
                    .after(json!({ "offeredTo": to, "expiresAt": offer.expires_at }));
                self.audit.record_in(tx, ctx, entry).await?;
                let content = Content::OwnershipOffered {
                    owner: repo::get_in(tx, by).await?.name,
                    organization: organization.name,
                    link: Link::to("/ownership-offer").with("id", &offer.id.to_string()),
                    until: offer.expires_at,
                };
                let to = Recipient::at(asked.email).named(asked.name);
                self.mails.send_in(tx, Mail { key: format!("ownership-offered:{}", offer.id), to, language, content }).await?;
                Ok(offer)
            })
            .await
    }

    async fn ownership_offers(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<OwnershipOffer>, Error> {
        self.authorizer.check(ctx, perm::MEMBERS_READ, Scope::Organization)?;
        let rows = self.uow.read(ctx, async |tx| repo::ownership::page(tx, ctx.org, page).await).await?;
        Ok(Page::cut(rows, page, |offer| Position { created_at: offer.created_at, id: offer.id }))
    }

    async fn withdraw_ownership_offer(&self, ctx: &Ctx, id: Uuid) -> Result<(), Error> {
        self.authorizer.check(ctx, perm::OWNERS_MANAGE, Scope::Organization)?;
        self.uow
            .write(ctx, async |tx| {
                self.lock_for_manager_in(tx, ctx).await?;
                repo::ownership::lock(tx, ctx.org, id).await?;
                repo::ownership::decide(tx, ctx.org, id, InvitationStatus::Withdrawn).await?;
                let entry = NewEntry::named("members.withdraw_ownership_offer", "ownership_offer", id);
                Ok(self.audit.record_in(tx, ctx, entry).await?)
            })
            .await
    }

    async fn accept_ownership(&self, ctx: &Ctx, id: Uuid, language: Language) -> Result<MemberUser, Error> {
        let user = person(ctx)?;
        self.system
            .write(async |tx| {
                let offer = self.own_offer_in(tx, ctx, user, id).await?;
                if !repo::get_in(tx, user).await?.email_verified {
                    return Err(Error::EmailNotVerified);
                }
                // Whoever has left and come back is not the member who was asked.
                if self.memberships.lock_in(tx, ctx.org, user).await?.created_at > offer.created_at {
                    return Err(Error::NotFound("ownership offer"));
                }
                self.memberships.hand_over_in(tx, ctx, offer.offered_by, user).await?;
                repo::ownership::decide(tx, ctx.org, id, InvitationStatus::Accepted).await?;
                let entry = NewEntry::named("members.transfer_ownership", "ownership_offer", id)
                    .before(json!({ "owner": offer.offered_by }))
                    .after(json!({ "owner": user, "formerOwnerIs": OrgRole::Admin }));
                self.audit.record_in(tx, ctx, entry).await?;
                for whose in [user, offer.offered_by] {
                    self.sessions.forget_user_in(tx, whose).await?;
                }
                self.tell_of_transfer_in(tx, ctx, &offer, language).await
            })
            .await?;
        self.uow.read(ctx, async |tx| self.member_user(tx, ctx, user).await).await
    }

    async fn decline_ownership(&self, ctx: &Ctx, id: Uuid) -> Result<(), Error> {
        let user = person(ctx)?;
        self.uow
            .write(ctx, async |tx| {
                self.own_offer_in(tx, ctx, user, id).await?;
                repo::ownership::decide(tx, ctx.org, id, InvitationStatus::Declined).await?;
                let entry = NewEntry::named("members.decline_ownership", "ownership_offer", id);
                Ok(self.audit.record_in(tx, ctx, entry).await?)
            })
            .await
    }
}

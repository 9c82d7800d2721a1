//! The verbs of people.

mod exporting;
mod farewell;
mod invitations;
mod leaving;
mod links;
mod ownership;
mod removal;
mod staff;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use audit_api::{Audit, NewEntry};
use auth_api::{Accounts, Authorizer, Sessions, SignIn};
use kernel::{Actor, Clock, Ctx, Fault, OrgId, OrgRole, Page, PageRequest, RequestId, Scope, Timestamp, UserId};
use mail_api::{Language, Mails};
use serde_json::json;
use tenants_api::{Member, Memberships, Organization, perm};
use uow::{ReadTx, SystemUow, Tx, Uow};
use users_api::{
    Belongings, Departure, Error, Export, Exported, Exports, Leaving, LeavingOrganization, MemberInvitation, MemberUser,
    NewInvitation, Obligations, OwnInvitation, ProfileChange, User, Users,
};
use uuid::Uuid;

use crate::{CookieSettings, Settings, managers, model, repo};

/// What the service stands on.
pub struct Dependencies {
    /// The tenants' door.
    pub uow: Uow,
    /// The platform's door: what a person may do in several organisations at once.
    pub system: SystemUow,
    /// Who belongs to which organisation.
    pub memberships: Arc<dyn Memberships>,
    /// Whose sessions end or are looked up anew.
    pub sessions: Arc<dyn Sessions>,
    /// Passwords and roles in teams, as far as people are concerned.
    pub accounts: Arc<dyn Accounts>,
    /// Who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// The trail.
    pub audit: Arc<dyn Audit>,
    /// Who is invited is written to.
    pub mails: Arc<dyn Mails>,
    /// Each is asked before an organisation leaves, or its last member with it.
    pub obligations: Vec<Arc<dyn Obligations>>,
    /// What goes with an organisation.
    pub belongings: Vec<Arc<dyn Belongings>>,
    /// What an organisation takes along.
    pub exported: Vec<Arc<dyn Exported>>,
    /// What a person does of their sessions.
    pub sign_in: Arc<dyn SignIn>,
    /// When whoever leaves is gone.
    pub clock: Arc<dyn Clock>,
    /// What a deployment decides about that.
    pub settings: Settings,
    /// How session cookies are sent.
    pub cookies: CookieSettings,
}

/// People over PostgreSQL.
pub struct Service {
    uow: Uow,
    system: SystemUow,
    memberships: Arc<dyn Memberships>,
    sessions: Arc<dyn Sessions>,
    accounts: Arc<dyn Accounts>,
    authorizer: Arc<dyn Authorizer>,
    audit: Arc<dyn Audit>,
    mails: Arc<dyn Mails>,
    obligations: Vec<Arc<dyn Obligations>>,
    belongings: Vec<Arc<dyn Belongings>>,
    exported: Vec<Arc<dyn Exported>>,
    sign_in: Arc<dyn SignIn>,
    clock: Arc<dyn Clock>,
    grace: Duration,
    export_kept: Duration,
    export_most_bytes: usize,
    cookies: CookieSettings,
}

impl Service {
    /// Over what it stands on.
    #[must_use]
    pub fn new(dependencies: Dependencies) -> Self {
        let Dependencies { uow, system, memberships, sessions, accounts, authorizer, audit, mails, .. } = dependencies;
        let Dependencies { obligations, belongings, exported, sign_in, clock, settings, cookies, .. } = dependencies;
        let Settings { grace, export_kept, export_most_bytes } = settings;
        Self {
            uow,
            system,
            memberships,
            sessions,
            accounts,
            authorizer,
            audit,
            mails,
            obligations,
            belongings,
            exported,
            sign_in,
            clock,
            grace,
            export_kept,
            export_most_bytes,
            cookies,
        }
    }

    pub(crate) fn cookies(&self) -> &CookieSettings {
        &self.cookies
    }

    async fn member_user(&self, tx: &ReadTx<'_>, ctx: &Ctx, user: UserId) -> Result<MemberUser, Error> {
        let member = self.memberships.member(tx, ctx.org, user).await?;
        let user = repo::get(tx, user).await?;
        let organization = self.memberships.organization(tx, ctx.org).await?;
        Ok(MemberUser { user, role: member.role, organization })
    }

    /// Locks the organisation and passes if the actor's role is still the one that the request was permitted with: who was demoted or
    /// removed meanwhile neither takes it back nor learns anything about emails.
    async fn lock_for_manager_in(&self, tx: &mut Tx, ctx: &Ctx) -> Result<Organization, Error> {
        managers::lock_for_manager_in(&*self.memberships, tx, ctx).await
    }

    /// Whoever acts has shown that their email is theirs. Somebody who registered with another's email would else leave a person behind who has a hold on
    /// what is the other's as soon as these prove it.
    async fn proven_in(&self, tx: &mut Tx, ctx: &Ctx) -> Result<(), Error> {
        let Actor::User(user, _) = ctx.actor else { return Ok(()) };
        if repo::get_in(tx, user).await?.email_verified { Ok(()) } else { Err(Error::EmailNotVerified) }
    }

    /// Whoever has not shown that the email is theirs may be anybody, so they are given no role that manages. (Such members are from before
    /// invitations were for proven emails.)
    async fn trusted_in(&self, tx: &mut Tx, user: UserId, role: OrgRole) -> Result<(), Error> {
        if role == OrgRole::Member || repo::get_in(tx, user).await?.email_verified {
            return Ok(());
        }
        let detail = "they have not proven their address yet: give the role once they have";
        Err(Error::invalid("/role", "EMAIL_NOT_VERIFIED", detail))
    }

    /// Takes away the roles in teams of projects that end with a membership, which is locked, and records them.
    async fn leave_teams_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<(), Fault> {
        for (project, role) in self.accounts.leave_teams_in(tx, ctx.org, user).await? {
            let entry =
                NewEntry::named("users.leave_team", "project", project).before(json!({ "user": user, "role": role.name() }));
            self.audit.record_in(tx, ctx, entry).await?;
        }
        Ok(())
    }

    /// Ends a membership, which is locked, with all that hangs on it, and records it.
    async fn end_in(&self, tx: &mut Tx, ctx: &Ctx, before: &Member) -> Result<(), Error> {
        self.leave_teams_in(tx, ctx, before.user).await?;
        self.memberships.remove_in(tx, ctx, before.user).await?;
        // The sessions first: a key that is on its way in one of them is made before the keys are revoked, or not at all.
        self.sessions.end_sessions_in(tx, before.user, ctx.org).await?;
        self.accounts.leave_keys_in(tx, ctx, before.user, before.role).await?;
        self.withdraw_invitations_in(tx, ctx, before.user).await?;
        self.withdraw_offers_in(tx, ctx, before.user, (true, true)).await?;
        let entry = NewEntry::of(perm::MEMBERS_MANAGE, "member", before.user).before(json!({ "role": before.role }));
        Ok(self.audit.record_in(tx, ctx, entry).await?)
    }

    /// Whoever may no longer invite has invited nobody: what they sent out must not bring them back under another address.
    async fn withdraw_invitations_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<(), Fault> {
        let withdrawn = repo::invitations::withdraw_of(tx, ctx.org, user).await?;
        let revoked = repo::links::revoke_of(tx, ctx.org, user).await?;
        for (action, count) in [("members.withdraw_invitations", withdrawn), ("members.revoke_invitation_links", revoked)] {
            if count > 0 {
                let entry = NewEntry::named(action, "member", user).after(json!({ "count": count }));
                self.audit.record_in(tx, ctx, entry).await?;
            }
        }
        Ok(())
    }

    /// Whoever is no owner any more has `made` no offer of the organisation, and whom it was `asked` of as what they are no more is asked by nobody: an offer
    /// outlives neither.
    async fn withdraw_offers_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId, (made, asked): (bool, bool)) -> Result<(), Fault> {
        for offer in repo::ownership::withdraw_of(tx, ctx.org, user, (made, asked)).await? {
            let entry =
                NewEntry::named("members.withdraw_ownership_offer", "ownership_offer", offer).after(json!({ "member": user }));
            self.audit.record_in(tx, ctx, entry).await?;
        }
        Ok(())
    }

    /// Whoever touches an owner, or makes one, needs more than to manage members.
    fn authorise_roles(&self, ctx: &Ctx, roles: &[OrgRole]) -> Result<(), Error> {
        if roles.contains(&OrgRole::Owner) {
            self.authorizer.check(ctx, perm::OWNERS_MANAGE, Scope::Organization)?;
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
                if (&change.name, &change.image, change.language) == (&before.name, &before.image, before.language) {
                    return Ok(before);
                }
                let after = repo::save(tx, user, &change).await?;
                // Not what it was or is: the trail is kept when the person is forgotten.
                let entry = NewEntry::named("users.update_profile", "user", user)
                    .after(json!({ "changed": model::changed(&before, &change) }));
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(after)
            })
            .await
    }

    async fn members(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<MemberUser>, Error> {
        self.authorizer.check(ctx, perm::MEMBERS_READ, Scope::Organization)?;
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
        self.authorizer.check(ctx, perm::MEMBERS_READ, Scope::Organization)?;
        self.uow.read(ctx, async |tx| self.member_user(tx, ctx, user).await).await
    }

    async fn changeable_member(&self, ctx: &Ctx, user: UserId) -> Result<MemberUser, Error> {
        if ctx.person() != Some(user) {
            self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        }
        self.member(ctx, user).await
    }

    async fn invite(&self, ctx: &Ctx, new: NewInvitation) -> Result<MemberInvitation, Error> {
        self.invite_person(ctx, new).await
    }

    async fn invitations(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<MemberInvitation>, Error> {
        self.list_invitations(ctx, page).await
    }

    async fn invitation(&self, ctx: &Ctx, id: Uuid) -> Result<MemberInvitation, Error> {
        self.one_invitation(ctx, id).await
    }

    async fn resend_invitation(&self, ctx: &Ctx, id: Uuid, language: Language) -> Result<MemberInvitation, Error> {
        self.resend(ctx, id, language).await
    }

    async fn withdraw_invitation(&self, ctx: &Ctx, id: Uuid) -> Result<(), Error> {
        self.withdraw(ctx, id).await
    }

    async fn own_invitations(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<OwnInvitation>, Error> {
        self.invitations_of(ctx, page).await
    }

    async fn accept_invitation(&self, ctx: &Ctx, id: Uuid) -> Result<MemberUser, Error> {
        self.accept(ctx, id).await
    }

    async fn decline_invitation(&self, ctx: &Ctx, id: Uuid) -> Result<(), Error> {
        self.decline(ctx, id).await
    }

    async fn set_role(&self, ctx: &Ctx, user: UserId, role: OrgRole, seen: Option<OrgRole>) -> Result<MemberUser, Error> {
        self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        self.uow
            .write(ctx, async |tx| {
                let organization = self.lock_for_manager_in(tx, ctx).await?;
                let before = self.memberships.lock_in(tx, ctx.org, user).await?;
                self.authorise_roles(ctx, &[before.role, role])?;
                self.proven_in(tx, ctx).await?;
                unchanged(seen, &before)?;
                // The same role given again changes nothing, unless by an owner, who confirms it.
                if before.role == role && !matches!(ctx.actor, Actor::User(_, OrgRole::Owner)) {
                    return Ok(MemberUser { user: repo::get_in(tx, user).await?, role, organization });
                }
                // Roles stand in their order, that of who may most first: what is less than before is given to anybody.
                if role <= before.role {
                    self.trusted_in(tx, user, role).await?;
                }
                let after = self.memberships.set_role_in(tx, ctx, user, role).await?;
                if role == OrgRole::Member {
                    self.withdraw_invitations_in(tx, ctx, user).await?;
                }
                // Who may less than when they were asked is asked no more, nor who is an owner by now.
                let is_asked_no_more = role > before.role || role == OrgRole::Owner;
                self.withdraw_offers_in(tx, ctx, user, (role != OrgRole::Owner, is_asked_no_more)).await?;
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

    async fn end_sessions(&self, ctx: &Ctx, user: UserId) -> Result<(), Error> {
        self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        self.uow
            .write(ctx, async |tx| {
                self.lock_for_manager_in(tx, ctx).await?;
                let member = self.memberships.lock_in(tx, ctx.org, user).await?;
                self.authorise_roles(ctx, &[member.role])?;
                let entry = NewEntry::named("members.end_sessions", "member", user).after(json!({ "role": member.role }));
                self.audit.record_in(tx, ctx, entry).await?;
                Ok::<_, Error>(self.accounts.sign_out_in(tx, ctx.org, user).await?)
            })
            .await
    }

    async fn remove_member(&self, ctx: &Ctx, user: UserId, seen: Option<OrgRole>) -> Result<(), Error> {
        let oneself = ctx.person() == Some(user);
        if !oneself {
            self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        }
        self.uow
            .write(ctx, async |tx| {
                if !oneself {
                    self.lock_for_manager_in(tx, ctx).await?;
                }
                let before = self.memberships.lock_in(tx, ctx.org, user).await?;
                // An owner goes by no issuer's word either.
                if !oneself || ctx.missing.own_session {
                    self.authorise_roles(ctx, &[before.role])?;
                }
                unchanged(seen, &before)?;
                self.end_in(tx, ctx, &before).await
            })
            .await
    }
}

#[async_trait]
impl Leaving for Service {
    async fn leave_organization(&self, ctx: &Ctx, language: Language) -> Result<Departure, Error> {
        self.have_organization_leave(ctx, language).await
    }

    async fn leaving_organizations(&self, ctx: &Ctx) -> Result<Vec<LeavingOrganization>, Error> {
        self.leaving_of(ctx).await
    }

    async fn restore_organization(&self, ctx: &Ctx, org: OrgId) -> Result<Organization, Error> {
        self.take_organization_back(ctx, org).await
    }

    async fn remove_account(&self, ctx: &Ctx, language: Language) -> Result<Departure, Error> {
        self.have_account_leave(ctx, language).await
    }

    async fn kept_by(&self, token: &str) -> Result<Option<String>, Error> {
        self.address_kept_by(token).await
    }

    async fn restore_account(&self, token: &str, request: &RequestId) -> Result<(), Error> {
        self.take_account_back(token, request).await
    }
}

#[async_trait]
impl Exports for Service {
    async fn export_organization(&self, ctx: &Ctx, language: Language) -> Result<Export, Error> {
        self.ask_for_organization(ctx, language).await
    }

    async fn export_person(&self, ctx: &Ctx, language: Language) -> Result<Export, Error> {
        self.ask_for_person(ctx, language).await
    }

    async fn exports(&self, ctx: &Ctx) -> Result<Vec<Export>, Error> {
        self.own_exports(ctx).await
    }

    async fn export(&self, ctx: &Ctx, id: Uuid) -> Result<Export, Error> {
        self.own_export(ctx, id).await
    }

    async fn piece(&self, ctx: &Ctx, id: Uuid, position: i32) -> Result<Option<Vec<u8>>, Error> {
        self.own_piece(ctx, id, position).await
    }
}

//! A person leaves the platform with the account, and keeps it after all.
//!
//! Organisations that others belong to are left at once: nobody counts on somebody who leaves. Those that are theirs alone leave along, and are kept
//! along. Nobody signs in to the account meanwhile ([`auth_api::Directory::admits_in`]), so the link of the mail is what keeps it.

use audit_api::NewEntry;
use kernel::{Ctx, Fault, OrgId, OrgRole, ProjectRoles, RequestId, UserId};
use mail_api::{Content, Language, Link, Mail, Recipient};
use secrecy::ExposeSecret;
use serde_json::json;
use uow::{Job, Tx};
use users_api::{Departure, Error};
use uuid::Uuid;

use super::leaving::suspension;
use super::{Service, person};
use crate::jobs::EndDeparture;
use crate::model::{Leaver, StoredDeparture};
use crate::{repo, token};

/// Why an account does not leave in a transaction.
enum NotRemoved {
    /// Nobody else is in these organisations: what binds them is to be asked first.
    LastMemberOf(Vec<OrgId>),
    /// It is refused.
    Refused(Error),
}

impl From<Error> for NotRemoved {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<Fault> for NotRemoved {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault.into())
    }
}

impl From<tenants_api::Error> for NotRemoved {
    fn from(error: tenants_api::Error) -> Self {
        Self::Refused(error.into())
    }
}

impl Service {
    pub(super) async fn have_account_leave(&self, ctx: &Ctx, language: Language) -> Result<Departure, Error> {
        let user = person(ctx)?;
        let mut free = Vec::new();
        loop {
            let last_of = match self.system.write(async |tx| self.depart_in(tx, ctx, user, &free, language).await).await {
                Ok((departure, along)) => {
                    self.end_without_grace(&along).await?;
                    self.end_without_grace(&[departure.id]).await?;
                    return Ok(departure);
                }
                Err(NotRemoved::Refused(error)) => return Err(error),
                Err(NotRemoved::LastMemberOf(organizations)) => organizations,
            };
            // A contract needs this person's signature to come into force, so none does meanwhile.
            for org in last_of {
                let bonds = self.bonds(org, &ctx.request).await?;
                if !bonds.is_empty() {
                    return Err(Error::OrganizationInUse(bonds));
                }
                free.push(org);
            }
        }
    }

    /// Has an account leave unless it is the last of an organisation that is not known to be `free` of obligations; with it the departures of those that
    /// leave along.
    async fn depart_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        user: UserId,
        free: &[OrgId],
        language: Language,
    ) -> Result<(Departure, Vec<Uuid>), NotRemoved> {
        // The person before their organisations: who adds them to one holds the person until then.
        if !repo::lock_for_removal(tx, user).await? || repo::departures::has_left(tx, Leaver::Person(user)).await? {
            return Err(Error::NotFound("person").into());
        }
        let (mut left, mut alone) = (Vec::new(), Vec::new());
        for member in self.memberships.of_person_in(tx, user).await? {
            let organization = self.memberships.lock_organization_in(tx, member.org).await?;
            let member = self.memberships.lock_in(tx, member.org, user).await?;
            let there = Ctx { org: member.org, once: None, ..ctx.clone() };
            if self.memberships.has_others_in(tx, member.org, user).await? {
                self.leave_teams_in(tx, &there, user).await?;
                self.memberships.leave_in(tx, &there, user).await?;
                left.push((there, member.role));
            } else {
                // Once more under the lock: whatever was found before, nobody takes a suspended one along.
                if let Some(bond) = suspension(&organization) {
                    return Err(Error::OrganizationInUse(vec![bond]).into());
                }
                alone.push((there, member.role));
            }
        }
        let last_of: Vec<OrgId> = alone.iter().map(|(there, _)| there.org).filter(|org| !free.contains(org)).collect();
        if !last_of.is_empty() {
            return Err(NotRemoved::LastMemberOf(last_of));
        }
        // The sessions first: a key that is on its way in one of them is made before the keys are revoked, or not at all.
        self.accounts.shut_out_in(tx, user).await?;
        let at = self.instant();
        let departure = Departure { id: Uuid::now_v7(), asked_by: user, asked_at: at, leaves_at: at + self.grace };
        for (there, role) in &left {
            self.end_what_hangs_in(tx, there, user, *role).await?;
            self.record_removal_in(tx, there, &departure, *role).await?;
        }
        let mut along = Vec::new();
        for (there, role) in &alone {
            along.extend(self.close_in(tx, there, (user, at), language).await?.map(|departure| departure.id));
            self.record_removal_in(tx, there, &departure, *role).await?;
        }
        let (secret, hash) = token::fresh()?;
        if !repo::departures::insert(tx, &departure, Leaver::Person(user), Some(&hash), language).await? {
            return Err(Error::NotFound("person").into());
        }
        tx.enqueue(Job::of(&EndDeparture { departure: departure.id }).at(departure.leaves_at)).await?;
        // Where nothing can be taken back, nobody is offered it.
        if !self.grace.is_zero() {
            let person = repo::get_in(tx, user).await?;
            let link = Link::to("/auth/restore").with("token", secret.expose_secret());
            let content = Content::AccountLeaving { at, until: departure.leaves_at, link };
            let to = Recipient::at(person.email).named(person.name);
            let key = format!("account-leaving:{}", departure.id);
            self.mails.send_in(tx, Mail { key, to, language, content }).await?;
        }
        Ok((departure, along))
    }

    /// Ends what hangs on a membership that is over, behind the sessions and the roles in teams: keys, invitations, offers.
    async fn end_what_hangs_in(&self, tx: &mut Tx, there: &Ctx, user: UserId, role: OrgRole) -> Result<(), Fault> {
        self.accounts.leave_keys_in(tx, there, user, role).await?;
        self.withdraw_invitations_in(tx, there, user).await?;
        self.withdraw_offers_in(tx, there, user, (true, true)).await
    }

    /// Whether an account whose time has come may go now, under its lock and that of its departure. It leaves no organisation to nobody: for one that leaves
    /// along and is bound it waits, and with one that stays it stays. What it came to belong to besides it leaves.
    pub(super) async fn may_go_in(&self, tx: &mut Tx, stored: &StoredDeparture, user: UserId) -> Result<bool, Error> {
        let request = RequestId::generate();
        for member in self.memberships.of_person_in(tx, user).await? {
            let member = self.memberships.lock_in(tx, member.org, user).await?;
            if repo::departures::lock_waiting(tx, member.org).await?.is_some() {
                return Ok(false);
            }
            if repo::departures::has_left(tx, Leaver::Organization(member.org)).await? {
                continue;
            }
            if !self.memberships.has_others_in(tx, member.org, user).await? {
                self.keep_account_in(tx, stored, user, (None, &request)).await?;
                return Ok(false);
            }
            let there = Ctx::system(member.org, request.clone());
            self.leave_teams_in(tx, &there, user).await?;
            self.memberships.leave_in(tx, &there, user).await?;
            self.end_what_hangs_in(tx, &there, user, member.role).await?;
            self.record_removal_in(tx, &there, &stored.departure, member.role).await?;
        }
        Ok(true)
    }

    async fn record_removal_in(&self, tx: &mut Tx, there: &Ctx, departure: &Departure, role: OrgRole) -> Result<(), Fault> {
        let entry = NewEntry::named("users.remove_account", "user", departure.asked_by)
            .before(json!({ "role": role }))
            .after(json!({ "leavesAt": departure.leaves_at }));
        self.audit.record_in(tx, there, entry).await
    }

    pub(super) async fn address_kept_by(&self, token: &str) -> Result<Option<String>, Error> {
        let Some(hash) = token::hash(token) else { return Ok(None) };
        self.system
            .read(async |tx| {
                let stored = repo::departures::of_token(tx, &hash).await?.filter(|stored| self.can_be_kept(stored));
                let Some(Leaver::Person(user)) = stored.map(|stored| stored.leaver) else { return Ok(None) };
                Ok(Some(repo::get(tx, user).await?.email))
            })
            .await
    }

    pub(super) async fn take_account_back(&self, token: &str, request: &RequestId) -> Result<(), Error> {
        let hash = token::hash(token).ok_or(Error::KeepsNothing)?;
        let stored = self.system.read(async |tx| repo::departures::of_token(tx, &hash).await).await?;
        let id = stored.ok_or(Error::KeepsNothing)?.departure.id;
        self.system
            .write(async |tx| {
                let Some(stored) = repo::departures::lock(tx, id).await? else { return Err(Error::KeepsNothing) };
                let Leaver::Person(user) = stored.leaver else { return Err(Error::KeepsNothing) };
                if !self.can_be_kept(&stored) {
                    return Err(Error::KeepsNothing);
                }
                self.keep_account_in(tx, &stored, user, (Some(user), request)).await
            })
            .await
    }

    /// Keeps an account, whose departure is locked, with the organisations that leave along, and tells the person; by nobody: by the platform.
    pub(super) async fn keep_account_in(
        &self,
        tx: &mut Tx,
        stored: &StoredDeparture,
        user: UserId,
        (by, request): (Option<UserId>, &RequestId),
    ) -> Result<(), Error> {
        let id = stored.departure.id;
        repo::departures::keep(tx, id, by).await?;
        for found in repo::departures::along(tx, &stored.departure).await? {
            let Leaver::Organization(org) = found.leaver else { continue };
            // Looked at again under the organisation's lock.
            let organization = self.memberships.lock_organization_in(tx, org).await?;
            let Some(waiting) = repo::departures::lock_waiting(tx, org).await? else { continue };
            let there = match by {
                Some(by) => Ctx::user(org, by, OrgRole::Owner, ProjectRoles::default(), request.clone()),
                None => Ctx::system(org, request.clone()),
            };
            self.keep_in(tx, &there, &waiting, &organization).await?;
        }
        let person = repo::get_in(tx, user).await?;
        let content = Content::AccountKept { at: self.instant() };
        let to = Recipient::at(person.email).named(person.name);
        let mail = Mail { key: format!("account-kept:{id}"), to, language: stored.language, content };
        self.mails.send_in(tx, mail).await?;
        Ok(())
    }
}

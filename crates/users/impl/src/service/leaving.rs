//! An organisation leaves the platform, and is kept after all.
//!
//! From the commit on nobody acts in it: sessions and keys end, and no session is opened there ([`auth_api::Directory::membership`]). Its owners sign
//! in elsewhere, in an organisation of their own if they have no other, and take it back from there.

use audit_api::NewEntry;
use chrono::{SubsecRound, TimeDelta};
use kernel::{Ctx, Denied, Fault, OrgId, OrgRole, ProjectRoles, RequestId, Scope, Timestamp, UserId};
use mail_api::{Content, Language, Link, Mail, Recipient};
use serde_json::json;
use tenants_api::{Organization, perm};
use uow::{Job, Tx};
use users_api::{Departure, Error, LeavingOrganization};
use uuid::Uuid;

use super::{Service, person};
use crate::jobs::{CheckDeparture, EndDeparture};
use crate::model::{DepartureState, Leaver, StoredDeparture};
use crate::repo;

/// So much of what binds an organisation is named; the rest is found when this is seen to.
pub(super) const MOST_NAMED: usize = 5;

/// When it is looked once more whether something binds an organisation: no request that was under way takes so long.
const LOOKED_AGAIN: TimeDelta = TimeDelta::minutes(2);

/// What a suspension binds an organisation by: the platform has a word to say to it first, and what it would be about must not be gone by then.
pub(super) fn suspension(organization: &Organization) -> Option<String> {
    organization.suspended_at.map(|_| format!("the platform's suspension of the organisation {}", organization.id))
}

impl Service {
    /// Now, as PostgreSQL keeps it.
    pub(super) fn instant(&self) -> Timestamp {
        self.clock.now().trunc_subsecs(6)
    }

    /// Whether it can be taken back that somebody leaves.
    pub(super) fn can_be_kept(&self, stored: &StoredDeparture) -> bool {
        stored.state == DepartureState::Waiting && self.instant() < stored.departure.leaves_at
    }

    /// What binds an organisation. Outside of any transaction, which the domains asked here could not use.
    pub(super) async fn bonds(&self, org: OrgId, request: &RequestId) -> Result<Vec<String>, Fault> {
        let platform = Ctx::system(org, request.clone());
        let organization = self.system.read(async |tx| self.memberships.organization(tx, org).await).await;
        let organization = organization.map_err(|error| match error {
            tenants_api::Error::Fault(fault) => fault,
            other => Fault::internal(other),
        })?;
        let mut bonds: Vec<String> = suspension(&organization).into_iter().collect();
        for domain in &self.obligations {
            bonds.extend(domain.of(&platform).await?);
        }
        bonds.truncate(MOST_NAMED);
        Ok(bonds)
    }

    pub(super) async fn have_organization_leave(&self, ctx: &Ctx, language: Language) -> Result<Departure, Error> {
        self.authorizer.check(ctx, perm::DELETE, Scope::Organization)?;
        let denied = || Denied { permission: perm::DELETE, project: None };
        let by = ctx.person().ok_or_else(denied)?;
        let bonds = self.bonds(ctx.org, &ctx.request).await?;
        if !bonds.is_empty() {
            return Err(Error::OrganizationInUse(bonds));
        }
        let departure = self
            .system
            .write(async |tx| {
                let organization = self.memberships.lock_organization_in(tx, ctx.org).await?;
                // Who was demoted or removed meanwhile decides nothing.
                let role = match self.memberships.lock_in(tx, ctx.org, by).await {
                    Ok(member) => Some(member.role),
                    Err(tenants_api::Error::NotFound(_)) => None,
                    Err(error) => return Err(Error::from(error)),
                };
                if role != Some(OrgRole::Owner) {
                    return Err(Error::from(denied()));
                }
                if let Some(bond) = suspension(&organization) {
                    return Err(Error::OrganizationInUse(vec![bond]));
                }
                let at = self.instant();
                let departure = self.close_in(tx, ctx, (by, at), language).await?.ok_or(Error::NotFound("organization"))?;
                let until = departure.leaves_at;
                for owner in self.owners_in(tx, ctx.org).await? {
                    let link = Some(Link::to("/keep-organization").with("id", &ctx.org.to_string()));
                    let content = Content::OrganizationLeaving { organization: organization.name.clone(), at, until, link };
                    let key = format!("organization-leaving:{}:{}", departure.id, owner.id);
                    let to = Recipient::at(owner.email).named(owner.name);
                    self.mails.send_in(tx, Mail { key, to, language, content }).await?;
                }
                Ok::<_, Error>(departure)
            })
            .await?;
        self.end_without_grace(&[departure.id]).await?;
        Ok(departure)
    }

    /// Where nothing can be taken back, nothing waits for a job. Should this be interrupted, the job does it.
    pub(super) async fn end_without_grace(&self, departures: &[Uuid]) -> Result<(), Error> {
        if self.grace.is_zero() {
            for departure in departures {
                self.end_departure(*departure).await?;
            }
        }
        Ok(())
    }

    /// Nobody acts any more in the context's organisation, which is locked, from the commit on; `None` if that is so already.
    pub(super) async fn close_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        (by, at): (UserId, Timestamp),
        language: Language,
    ) -> Result<Option<Departure>, Fault> {
        let departure = Departure { id: Uuid::now_v7(), asked_by: by, asked_at: at, leaves_at: at + self.grace };
        if !repo::departures::insert(tx, &departure, Leaver::Organization(ctx.org), None, language).await? {
            return Ok(None);
        }
        self.accounts.close_organization_in(tx, ctx).await?;
        let withdrawn = repo::invitations::withdraw_all(tx, ctx.org).await? + repo::links::revoke_all(tx, ctx.org).await?;
        let entry = NewEntry::of(perm::DELETE, "organization", ctx.org)
            .after(json!({ "departure": departure.id, "leavesAt": departure.leaves_at, "withdrawnInvitations": withdrawn }));
        self.audit.record_in(tx, ctx, entry).await?;
        tx.enqueue(Job::of(&EndDeparture { departure: departure.id }).at(departure.leaves_at)).await?;
        tx.enqueue(Job::of(&CheckDeparture { departure: departure.id }).at(at + LOOKED_AGAIN)).await?;
        Ok(Some(departure))
    }

    /// Those who own an organisation, as they are written to.
    async fn owners_in(&self, tx: &mut Tx, org: OrgId) -> Result<Vec<users_api::User>, Error> {
        let mut owners = Vec::new();
        for member in self.memberships.all_in(tx, org).await? {
            if member.role == OrgRole::Owner {
                owners.push(repo::get_in(tx, member.user).await?);
            }
        }
        Ok(owners)
    }

    pub(super) async fn leaving_of(&self, ctx: &Ctx) -> Result<Vec<LeavingOrganization>, Error> {
        let user = person(ctx)?;
        self.system
            .read(async |tx| {
                let all = self.memberships.of_person(tx, user).await?;
                let owned: Vec<OrgId> =
                    all.into_iter().filter(|member| member.role == OrgRole::Owner).map(|member| member.org).collect();
                let mut leaving = Vec::new();
                let now = self.instant();
                let waiting = repo::departures::waiting_among(tx, &owned).await?;
                for (org, departure) in waiting.into_iter().filter(|(_, departure)| now < departure.leaves_at) {
                    let organization = self.memberships.organization(tx, org).await?;
                    leaving.push(LeavingOrganization { organization, departure });
                }
                Ok(leaving)
            })
            .await
    }

    pub(super) async fn take_organization_back(&self, ctx: &Ctx, org: OrgId) -> Result<Organization, Error> {
        let user = person(ctx)?;
        let hidden = || Error::NotFound("organization that leaves");
        self.system
            .write(async |tx| {
                let organization = match self.memberships.lock_organization_in(tx, org).await {
                    Err(tenants_api::Error::NotFound(_)) => return Err(hidden()),
                    found => found?,
                };
                let role = match self.memberships.lock_in(tx, org, user).await {
                    Err(tenants_api::Error::NotFound(_)) => return Err(hidden()),
                    found => found?.role,
                };
                let waiting = repo::departures::lock_waiting(tx, org).await?;
                let stored = waiting.filter(|stored| self.can_be_kept(stored)).ok_or_else(hidden)?;
                if role != OrgRole::Owner {
                    return Err(Error::from(Denied { permission: perm::DELETE, project: None }));
                }
                let there = Ctx::user(org, user, role, ProjectRoles::default(), ctx.request.clone());
                self.keep_in(tx, &there, &stored, &organization).await?;
                Ok(organization)
            })
            .await
    }

    /// Keeps an organisation, which is locked as its departure is.
    pub(super) async fn keep_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        stored: &StoredDeparture,
        organization: &Organization,
    ) -> Result<(), Error> {
        let StoredDeparture { departure, language, .. } = stored;
        repo::departures::keep(tx, departure.id, ctx.user_id()).await?;
        let entry = NewEntry::named("organization.restore", "organization", ctx.org).after(json!({ "departure": departure.id }));
        self.audit.record_in(tx, ctx, entry).await?;
        for owner in self.owners_in(tx, ctx.org).await? {
            let content = Content::OrganizationKept { organization: organization.name.clone(), at: self.instant() };
            let key = format!("organization-kept:{}:{}", departure.id, owner.id);
            let to = Recipient::at(owner.email).named(owner.name);
            self.mails.send_in(tx, Mail { key, to, language: *language, content }).await?;
        }
        Ok(())
    }

    /// Keeps an organisation that was bound in the very moment in which it was to leave, and the account with which it leaves along: it would be nobody's.
    pub(crate) async fn check_departure(&self, id: Uuid) -> Result<(), Error> {
        let Some(stored) = self.system.read(async |tx| repo::departures::get(tx, id).await).await? else { return Ok(()) };
        let (Leaver::Organization(org), DepartureState::Waiting) = (stored.leaver, stored.state) else { return Ok(()) };
        let request = RequestId::generate();
        if self.bonds(org, &request).await?.is_empty() {
            return Ok(());
        }
        self.system
            .write(async |tx| {
                // The person's departure before the organisation, as when they take it back themselves.
                if let Some(account) = repo::departures::lock_account_of(tx, &stored.departure).await? {
                    return self.keep_account_in(tx, &account, stored.departure.asked_by, (None, &request)).await;
                }
                let organization = self.memberships.lock_organization_in(tx, org).await?;
                if let Some(stored) = repo::departures::lock_waiting(tx, org).await? {
                    self.keep_in(tx, &Ctx::system(org, request.clone()), &stored, &organization).await?;
                }
                Ok(())
            })
            .await
    }
}

//! `Directory`: what sign-in asks about people, answered as the platform.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use audit_api::{Audit, NewEntry};
use auth_api::email::Email;
use auth_api::{Account, Error, Membership, NewAccount, Overseen, Overseer, Owned, Person, Proven, SessionRules};
use kernel::{Ctx, Fault, OrgId, OrgRole, ProjectRoles, RequestId, UserId, text};
use mail_api::{Content, Language, Mail, Mails, Recipient};
use serde_json::json;
use tenants_api::{Memberships, NewOrganization, OrgKind, Standing};
use uow::{ReadTx, SystemUow, Tx};
use users_api::User;
use uuid::Uuid;

use crate::model::{InvitationStatus, Leaver};
use crate::repo;

/// Whether an account has this email. Asked as the platform.
///
/// # Errors
/// A fault of the database.
pub async fn is_registered(system: &SystemUow, email: &str) -> Result<bool, Fault> {
    let user = system.read(async |tx| repo::by_email(tx, email).await).await?;
    Ok(user.is_some())
}

/// People and their memberships for `auth`. Stands apart from [`crate::Service`], which needs sign-in itself.
pub struct Directory {
    memberships: Arc<dyn Memberships>,
    audit: Arc<dyn Audit>,
    mails: Arc<dyn Mails>,
}

impl Directory {
    /// The directory of one database.
    #[must_use]
    pub fn new(memberships: Arc<dyn Memberships>, audit: Arc<dyn Audit>, mails: Arc<dyn Mails>) -> Self {
        Self { memberships, audit, mails }
    }

    /// Writes to the first owner of an organisation that somebody joined it by its issuer's word.
    async fn tell_of_joining_in(&self, tx: &mut Tx, org: OrgId, user: UserId, domain: &str) -> Result<(), Error> {
        let Some(owner) = self.memberships.owners_in(tx, org).await?.first().copied() else { return Ok(()) };
        let organization = self.memberships.lock_organization_in(tx, org).await.map_err(error_of)?.name;
        let (to, joined) = (repo::address_of(tx, owner).await?, repo::address_of(tx, user).await?);
        let (Some((owner, name)), Some((address, member))) = (to, joined) else { return Ok(()) };
        let content = Content::MemberJoined { member, address, organization, label: None, domain: Some(domain.to_owned()) };
        let key = format!("member-joined:{org}:{user}:{}", Uuid::now_v7());
        let told = Mail { key, to: Recipient::at(owner).named(name), language: Language::English, content };
        self.mails.send_in(tx, told).await?;
        Ok(())
    }

    async fn organization_in(&self, tx: &mut Tx, request: &RequestId, user: UserId, name: &str) -> Result<Account, Error> {
        let new = NewOrganization { name: name.to_owned(), kind: OrgKind::Both };
        let organization = self.memberships.found_in(tx, &new, user).await.map_err(error_of)?;
        let ctx = Ctx::user(organization.id, user, OrgRole::Owner, ProjectRoles::default(), request.clone());
        let entry = NewEntry::of(tenants_api::perm::CREATE, "organization", organization.id).after(&organization);
        self.audit.record_in(tx, &ctx, entry).await?;
        Ok(Account { user, org: organization.id })
    }
}

fn rules_of(Standing { rules, suspended }: Standing) -> SessionRules {
    let minutes = |minutes: Option<i32>| {
        minutes.and_then(|minutes| u64::try_from(minutes).ok()).map(|minutes| Duration::from_secs(60 * minutes))
    };
    let (idle, lifetime, mfa) = (minutes(rules.idle_minutes), minutes(rules.lifetime_minutes), rules.mfa_policy);
    SessionRules { idle, lifetime, mfa, suspended }
}

fn name_of(name: &str) -> Result<String, Error> {
    text::line(name, 200).map_err(|flaw| Error::Invalid(vec![flaw.at("/name")]))
}

fn person_of(user: User) -> Person {
    let User { id, email, name, email_verified, .. } = user;
    Person { id, email, name, email_verified }
}

fn error_of(error: tenants_api::Error) -> Error {
    match error {
        tenants_api::Error::Invalid(faults) => Error::Invalid(faults),
        tenants_api::Error::NotLetIn => Error::NotLetIn,
        tenants_api::Error::Fault(fault) => Error::Fault(fault),
        other => Error::Fault(Fault::internal(other)),
    }
}

#[async_trait]
impl auth_api::Domains for Directory {
    async fn owner_of_domain(&self, tx: &ReadTx<'_>, domain: &str) -> Result<Option<OrgId>, Fault> {
        repo::domains::owner(tx, domain).await
    }

    async fn is_domain_of(&self, tx: &ReadTx<'_>, org: OrgId, domain: &str) -> Result<bool, Fault> {
        repo::domains::is_proven(tx, org, domain).await
    }

    async fn hold_domain_in(&self, tx: &mut Tx, org: OrgId, domain: &str) -> Result<bool, Fault> {
        repo::domains::is_of(tx, org, domain).await
    }

    async fn has_domain_in(&self, tx: &mut Tx, org: OrgId) -> Result<bool, Fault> {
        repo::domains::any_proven(tx, org).await
    }
}

#[async_trait]
impl auth_api::Directory for Directory {
    async fn create_in(&self, tx: &mut Tx, request: &RequestId, account: &NewAccount) -> Result<Account, Error> {
        let email = Email::parse(&account.email).map_err(|flaw| Error::Invalid(vec![flaw.at("/email")]))?;
        let user = repo::insert(tx, &email, &name_of(&account.name)?).await?.ok_or(Error::EmailTaken)?;
        self.organization_in(tx, request, user, &account.organization_name).await
    }

    async fn found_in(
        &self,
        tx: &mut Tx,
        request: &RequestId,
        user: UserId,
        name: Option<&str>,
        organization_name: &str,
    ) -> Result<Account, Error> {
        if let Some(name) = name {
            // Whoever proves the address at this moment is not given a stranger's name, and the stranger no way in.
            if !repo::rename_unproven(tx, user, &name_of(name)?).await? {
                return Err(Error::EmailTaken);
            }
        }
        self.organization_in(tx, request, user, organization_name).await
    }

    async fn prove_in(&self, tx: &mut Tx, user: UserId, email_key: &str) -> Result<Option<Proven>, Fault> {
        let proven = repo::prove(tx, user, email_key).await?;
        Ok(proven.map(|was_verified| Proven { was_verified }))
    }

    async fn readdress_in(&self, tx: &mut Tx, user: UserId, email: &Email) -> Result<Option<String>, Error> {
        repo::readdress(tx, user, email).await
    }

    async fn admits_in(&self, tx: &mut Tx, user: UserId) -> Result<(), Error> {
        if repo::departures::has_left(tx, Leaver::Person(user)).await? { Err(Error::AccountLeaving) } else { Ok(()) }
    }

    async fn create_for_in(&self, tx: &mut Tx, email: &Email, name: &str) -> Result<UserId, Error> {
        let user = repo::insert(tx, email, &name_of(name)?).await?.ok_or(Error::EmailTaken)?;
        repo::prove(tx, user, email.key()).await?;
        Ok(user)
    }

    async fn membership_in(&self, tx: &mut Tx, user: UserId, org: OrgId) -> Result<Option<Membership>, Fault> {
        let all = self.memberships.of_person_in(tx, user).await?;
        let there = all.into_iter().find(|member| member.org == org);
        Ok(there.map(|member| Membership { org: member.org, role: member.role }))
    }

    async fn join_in(
        &self,
        tx: &mut Tx,
        request: &RequestId,
        user: UserId,
        email: &Email,
        org: OrgId,
        anybody: bool,
    ) -> Result<Membership, Error> {
        let no_member = |error: tenants_api::Error| match error {
            // It is suspended, or who invited may not any more.
            tenants_api::Error::NotFound(_) => Error::NotInvited,
            other => error_of(other),
        };
        // The invitation before the organisation, as whoever accepts one does.
        let waiting = repo::invitations::lock_for_email(tx, org, email.key()).await?;
        let by = match waiting {
            Some(id) => repo::invitations::inviter_in(tx, org, id).await?,
            None if anybody => self.memberships.owners_in(tx, org).await?.first().copied().ok_or(Error::NotInvited)?,
            None => return Err(Error::NotInvited),
        };
        let member = self.memberships.join_in(tx, org, user, by).await.map_err(no_member)?;
        if repo::departures::has_left(tx, Leaver::Organization(org)).await? {
            return Err(Error::NoSingleSignOn);
        }
        if let Some(id) = waiting {
            let accepted = repo::invitations::decide(tx, org, id, InvitationStatus::Accepted).await;
            accepted.map_err(|error| match error {
                users_api::Error::Fault(fault) => Error::Fault(fault),
                other => Error::Fault(Fault::internal(other)),
            })?;
        }
        let there = Ctx::user(org, user, member.role, ProjectRoles::default(), request.clone());
        let entry = NewEntry::named("members.join", "member", user)
            .after(json!({ "role": member.role, "invitation": waiting, "invitedBy": waiting.map(|_| by), "singleSignOn": true }));
        self.audit.record_in(tx, &there, entry).await?;
        if waiting.is_none() {
            self.tell_of_joining_in(tx, org, user, email.domain()).await?;
        }
        Ok(Membership { org, role: member.role })
    }

    async fn lock_organization_in(&self, tx: &mut Tx, org: OrgId) -> Result<Option<Owned>, Fault> {
        let organization = match self.memberships.lock_organization_in(tx, org).await {
            Ok(organization) => organization,
            Err(tenants_api::Error::NotFound(_)) => return Ok(None),
            Err(tenants_api::Error::Fault(fault)) => return Err(fault),
            Err(other) => return Err(Fault::internal(other)),
        };
        if repo::departures::has_left(tx, Leaver::Organization(org)).await? {
            return Ok(None);
        }
        let mut owners = Vec::new();
        for owner in self.memberships.owners_in(tx, org).await? {
            // Nobody else than the platform sees them all.
            if let Some((email, name)) = repo::address_of(tx, owner).await? {
                owners.push(Person { id: owner, email, name, email_verified: true });
            }
        }
        Ok(Some(Owned { name: organization.name, owners }))
    }

    async fn is_owner_among(&self, tx: &ReadTx<'_>, org: OrgId, people: &[UserId]) -> Result<bool, Fault> {
        for person in people {
            let member = self.memberships.of_person_at(tx, *person, org).await?;
            if member.is_some_and(|member| member.role == OrgRole::Owner) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn person_by_email(&self, tx: &ReadTx<'_>, email: &str) -> Result<Option<Person>, Fault> {
        Ok(repo::by_email(tx, email).await?.map(person_of))
    }

    async fn person(&self, tx: &ReadTx<'_>, user: UserId) -> Result<Option<Person>, Fault> {
        Ok(repo::living(tx, user).await?.map(person_of))
    }

    async fn membership(&self, tx: &ReadTx<'_>, user: UserId, org: OrgId) -> Result<Option<Membership>, Fault> {
        let member = self.memberships.of_person_at(tx, user, org).await?;
        // A session that was on its way when they asked to leave is worth nothing.
        if member.is_some() && repo::departures::is_over(tx, user, org).await? {
            return Ok(None);
        }
        Ok(member.map(|member| Membership { org: member.org, role: member.role }))
    }

    async fn added_permissions(&self, tx: &ReadTx<'_>, user: UserId, org: OrgId) -> Result<Vec<String>, Fault> {
        self.memberships.added_permissions(tx, user, org).await
    }

    async fn custom_roles(&self, tx: &ReadTx<'_>, user: UserId, org: OrgId) -> Result<Vec<String>, Fault> {
        self.memberships.custom_roles(tx, user, org).await
    }

    async fn memberships(&self, tx: &ReadTx<'_>, user: UserId) -> Result<Vec<Membership>, Fault> {
        let all = self.memberships.of_person(tx, user).await?;
        // Of an unknown person as many questions are asked.
        let orgs: Vec<OrgId> = all.iter().map(|member| member.org).collect();
        let closed = repo::departures::closed_among(tx, &orgs).await?;
        let all = all.into_iter().filter(|member| !closed.contains(&member.org));
        Ok(all.map(|member| Membership { org: member.org, role: member.role }).collect())
    }

    async fn session_rules(&self, tx: &ReadTx<'_>, org: OrgId) -> Result<SessionRules, Fault> {
        Ok(rules_of(self.memberships.standing(tx, org).await?))
    }

    async fn overseen_in(&self, tx: &mut Tx, org: OrgId) -> Result<Option<Overseen>, Fault> {
        let organization = match self.memberships.lock_organization_in(tx, org).await {
            Ok(organization) => organization,
            Err(tenants_api::Error::NotFound(_)) => return Ok(None),
            Err(tenants_api::Error::Fault(fault)) => return Err(fault),
            Err(other) => return Err(Fault::internal(other)),
        };
        let leaving = repo::departures::has_left(tx, Leaver::Organization(org)).await?;
        let mut owners = Vec::new();
        for user in self.memberships.owners_in(tx, org).await? {
            if let Some((address, name)) = repo::address_of(tx, user).await? {
                owners.push(Overseer { user, address, name });
            }
        }
        let (name, suspended) = (organization.name, organization.suspended_at.is_some());
        Ok(Some(Overseen { name, suspended, leaving, owners }))
    }

    async fn organizations_with_session_rules(&self, tx: &ReadTx<'_>) -> Result<Vec<(OrgId, SessionRules)>, Fault> {
        let all = self.memberships.all_session_rules(tx).await?;
        Ok(all.into_iter().map(|(org, rules)| (org, rules_of(Standing { rules, suspended: false }))).collect())
    }
}

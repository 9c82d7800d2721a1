//! `Domains`: which domains are an organisation's own, proven by what their owner publishes, and joining by them.
//!
//! Whoever has proven an address of a proven domain may join, and nobody is made a member without asking for it. A proven domain is looked at each day; if its
//! proof is missing nobody joins by it, and after a week it is nobody's.
//!
//! The domain name system is asked outside of transactions. Locked are the person, the organisation, the domain, in this order.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Data, ServiceConfig};
use async_trait::async_trait;
use audit_api::{Audit, NewEntry};
use auth_api::{Authorizer, email};
use jobs::Registry;
use kernel::{Ctx, Fault, OrgId, Page, PageRequest, Position, ProjectRoles, RequestId, Scope, UserId};
use mail_api::{Content, Language, Mail, Mails, Recipient};
use module::Wired;
use serde_json::json;
use tenants_api::{Memberships, Organization, perm};
use uow::{SystemUow, Tx, Uow};
use users_api::{Error, MemberUser, OrganizationDomain, OrganizationDomains, TxtRecords};
use uuid::Uuid;

use crate::managers::lock_for_manager_in;
use crate::model::Leaver;
use crate::repo::domains::Missing;
use crate::{domain_rules as rules, repo};

/// How often is looked for domains that are to be looked at again.
const LOOK: Duration = Duration::from_secs(3_600);

/// What this stands on.
pub struct DomainDependencies {
    /// The tenants' door.
    pub uow: Uow,
    /// The platform's door: what is proven is its to note.
    pub system: SystemUow,
    /// Who belongs to which organisation.
    pub memberships: Arc<dyn Memberships>,
    /// Who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// The trail.
    pub audit: Arc<dyn Audit>,
    /// An owner is told who joins, and what is missing.
    pub mails: Arc<dyn Mails>,
    /// What is published.
    pub records: Arc<dyn TxtRecords>,
}

/// Domains over PostgreSQL and the domain name system.
pub struct Domains {
    uow: Uow,
    system: SystemUow,
    memberships: Arc<dyn Memberships>,
    authorizer: Arc<dyn Authorizer>,
    audit: Arc<dyn Audit>,
    mails: Arc<dyn Mails>,
    records: Arc<dyn TxtRecords>,
}

fn person(ctx: &Ctx) -> Result<UserId, Error> {
    ctx.user_id().ok_or_else(|| Fault::internal("only a person joins an organisation").into())
}

impl Domains {
    /// Over what it stands on.
    #[must_use]
    pub fn new(dependencies: DomainDependencies) -> Self {
        let DomainDependencies { uow, system, memberships, authorizer, audit, mails, records } = dependencies;
        Self { uow, system, memberships, authorizer, audit, mails, records }
    }

    /// Looks again at the proven domains that nobody has looked at for a day. For a sweep. Where the domain name system does not answer, that is tried again
    /// with the next one; once it has not for long, the proof is missing.
    ///
    /// # Errors
    /// A fault of the database, the last one: it keeps no other domain from being looked at.
    pub async fn look_again(&self) -> Result<(), Fault> {
        let mut failed = None;
        for (org, domain) in self.system.read(async |tx| repo::domains::due(tx, rules::pause()).await).await? {
            let found = match self.records.texts(&domain.record_name()).await {
                Ok(texts) => Some(texts),
                Err(fault) => {
                    tracing::info!(error = %fault, domain = %domain.id, "what proves a domain cannot be looked up now");
                    None
                }
            };
            if let Err(fault) = self.note(org, &domain, found.as_deref()).await {
                failed = Some(fault);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Notes what was found of a proven domain; nothing if nobody answered.
    async fn note(&self, org: OrgId, seen: &OrganizationDomain, texts: Option<&[String]>) -> Result<(), Fault> {
        let noted = self
            .system
            .write(async |tx| {
                let organization = self.memberships.lock_organization_in(tx, org).await?;
                let domain = repo::domains::lock(tx, org, seen.id).await?;
                if domain.proven_at.is_none() {
                    return Ok(());
                }
                let now = repo::domains::now(tx).await?;
                let missing = match texts {
                    Some(texts) if rules::is_proven_by(&domain, texts) => {
                        return repo::domains::prove(tx, org, &domain).await.map(drop);
                    }
                    Some(_) => Missing::Unpublished,
                    None if rules::is_unanswered(&domain, now) => Missing::Unanswered,
                    None => return Ok(repo::domains::tried(tx, org, domain.id).await?),
                };
                self.miss_in(tx, &organization, &domain, missing).await
            })
            .await;
        match noted {
            // It was given up meanwhile.
            Ok(()) | Err(Error::NotFound(_)) => Ok(()),
            Err(Error::Fault(fault)) => Err(fault),
            Err(other) => Err(Fault::internal(other)),
        }
    }

    /// Notes that what proved a domain is missing, and tells an owner when that begins and when the domain is lost.
    async fn miss_in(
        &self,
        tx: &mut Tx,
        organization: &Organization,
        domain: &OrganizationDomain,
        why: Missing,
    ) -> Result<(), Error> {
        let now = repo::domains::now(tx).await?;
        let (since, is_lost) = rules::missed(domain, now);
        repo::domains::miss(tx, organization.id, domain.id, why, (since, is_lost)).await?;
        if domain.missing_since.is_some() && !is_lost {
            return Ok(());
        }
        let action = if is_lost { "members.lose_domain" } else { "members.miss_domain" };
        let entry = NewEntry::named(action, "domain", domain.id).after(json!({ "domain": domain.domain, "missingSince": since }));
        let platform = Ctx::system(organization.id, RequestId::generate());
        self.audit.record_in(tx, &platform, entry).await?;
        let content = Content::DomainMissing {
            domain: domain.domain.clone(),
            organization: organization.name.clone(),
            record: domain.record_name(),
            until: (!is_lost).then(|| since + rules::grace()),
        };
        let key = format!("domain-missing:{}:{}:{is_lost}", domain.id, since.timestamp_micros());
        self.tell_an_owner_in(tx, organization.id, (key, content), Language::English).await
    }

    /// Writes to the first owner of an organisation.
    async fn tell_an_owner_in(
        &self,
        tx: &mut Tx,
        org: OrgId,
        (key, content): (String, Content),
        language: Language,
    ) -> Result<(), Error> {
        let Some(owner) = self.memberships.owners_in(tx, org).await?.first().copied() else { return Ok(()) };
        if let Some((address, name)) = repo::address_of(tx, owner).await? {
            self.mails.send_in(tx, Mail { key, to: Recipient::at(address).named(name), language, content }).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl OrganizationDomains for Domains {
    async fn claim(&self, ctx: &Ctx, domain: &str) -> Result<OrganizationDomain, Error> {
        self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        let domain = rules::checked(domain).map_err(Error::Invalid)?;
        let by = person(ctx)?;
        let challenge = rules::challenge()?;
        self.uow
            .write(ctx, async |tx| {
                lock_for_manager_in(&*self.memberships, tx, ctx).await?;
                if !repo::get_in(tx, by).await?.email_verified {
                    return Err(Error::EmailNotVerified);
                }
                if repo::domains::count(tx, ctx.org).await? >= i64::from(rules::MOST_DOMAINS) {
                    return Err(Error::TooManyDomains(rules::MOST_DOMAINS));
                }
                let claimed = repo::domains::insert(tx, ctx.org, by, &domain, &challenge).await?;
                let entry = NewEntry::named("members.claim_domain", "domain", claimed.id).after(json!({ "domain": domain }));
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(claimed)
            })
            .await
    }

    async fn domains(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<OrganizationDomain>, Error> {
        self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        let rows = self.uow.read_one(ctx, async |tx| repo::domains::page(tx, ctx.org, page).await).await?;
        Ok(Page::cut(rows, page, |domain| Position { created_at: domain.created_at, id: domain.id }))
    }

    async fn domain(&self, ctx: &Ctx, id: Uuid) -> Result<OrganizationDomain, Error> {
        self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        self.uow.read_one(ctx, async |tx| repo::domains::get(tx, ctx.org, id).await).await
    }

    async fn verify_domain(&self, ctx: &Ctx, id: Uuid) -> Result<OrganizationDomain, Error> {
        let claimed = self.domain(ctx, id).await?;
        let texts = self.records.texts(&claimed.record_name()).await?;
        if !rules::is_proven_by(&claimed, &texts) {
            return Err(Error::DomainNotProven(claimed.record_name()));
        }
        self.system
            .write(async |tx| {
                lock_for_manager_in(&*self.memberships, tx, ctx).await?;
                let before = repo::domains::lock(tx, ctx.org, id).await?;
                let proven = repo::domains::prove(tx, ctx.org, &before).await?;
                if before.proven_at.is_none() {
                    let entry = NewEntry::named("members.prove_domain", "domain", id).after(json!({ "domain": proven.domain }));
                    self.audit.record_in(tx, ctx, entry).await?;
                }
                Ok(proven)
            })
            .await
    }

    async fn give_up_domain(&self, ctx: &Ctx, id: Uuid) -> Result<(), Error> {
        self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        self.uow
            .write(ctx, async |tx| {
                lock_for_manager_in(&*self.memberships, tx, ctx).await?;
                let before = repo::domains::delete(tx, ctx.org, id).await?;
                let entry = NewEntry::named("members.give_up_domain", "domain", id)
                    .before(json!({ "domain": before.domain, "provenAt": before.proven_at }));
                Ok(self.audit.record_in(tx, ctx, entry).await?)
            })
            .await
    }

    async fn joinable(&self, ctx: &Ctx) -> Result<Vec<Organization>, Error> {
        let user = person(ctx)?;
        self.system
            .read(async |tx| {
                let oneself = repo::get(tx, user).await?;
                if !oneself.email_verified {
                    return Err(Error::EmailNotVerified);
                }
                let key = email::key(&oneself.email);
                let Some(org) = repo::domains::owner(tx, email::domain_of(&key)).await? else { return Ok(Vec::new()) };
                if self.memberships.of_person_at(tx, user, org).await?.is_some() {
                    return Ok(Vec::new());
                }
                if !repo::departures::closed_among(tx, &[org]).await?.is_empty() {
                    return Ok(Vec::new());
                }
                let organization = self.memberships.organization(tx, org).await?;
                Ok(if organization.suspended_at.is_some() { Vec::new() } else { vec![organization] })
            })
            .await
    }

    async fn join_by_domain(&self, ctx: &Ctx, org: OrgId) -> Result<MemberUser, Error> {
        let user = person(ctx)?;
        let there = self
            .system
            .write(async |tx| {
                let address = repo::links::proven_address(tx, user).await?.ok_or(Error::EmailNotVerified)?;
                let domain = email::domain_of(&address);
                // Before anything of it is locked, and under its lock.
                if !repo::domains::is_of(tx, org, domain).await? {
                    return Err(Error::NotFound("organization"));
                }
                let organization = self.memberships.lock_organization_in(tx, org).await?;
                if repo::departures::has_left(tx, Leaver::Organization(org)).await? {
                    return Err(Error::NotFound("organization"));
                }
                let owner = self.memberships.owners_in(tx, org).await?.first().copied();
                let owner = owner.ok_or(Error::NotFound("organization"))?;
                let joined = self.memberships.join_in(tx, org, user, owner).await;
                let member = joined.map_err(|error| match error {
                    // It is suspended.
                    tenants_api::Error::NotFound(_) => Error::NotFound("organization"),
                    other => other.into(),
                })?;
                let there = Ctx::user(org, user, member.role, ProjectRoles::default(), ctx.request.clone());
                let entry =
                    NewEntry::named("members.join", "member", user).after(json!({ "role": member.role, "domain": domain }));
                self.audit.record_in(tx, &there, entry).await?;
                let oneself = repo::get_in(tx, user).await?;
                let content = Content::MemberJoined {
                    member: oneself.name,
                    address: oneself.email,
                    organization: organization.name,
                    label: None,
                    domain: Some(domain.to_owned()),
                };
                let key = format!("member-joined:{org}:{user}:{}", member.created_at.timestamp_micros());
                self.tell_an_owner_in(tx, org, (key, content), Language::English).await?;
                Ok::<_, Error>(there)
            })
            .await?;
        self.uow
            .read(&there, async |tx| {
                let member = self.memberships.member(tx, org, user).await?;
                let organization = self.memberships.organization(tx, org).await?;
                Ok(MemberUser { user: repo::get(tx, user).await?, role: member.role, organization })
            })
            .await
    }
}

impl Wired for Domains {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self as Arc<dyn OrganizationDomains>));
    }

    fn register(self: Arc<Self>, registry: &mut Registry) {
        registry.every("users.look_at_domains", LOOK, &self, |domains| async move { domains.look_again().await });
    }
}

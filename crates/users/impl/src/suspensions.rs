//! `build14 organizations suspend` and `resume`: the platform suspends an organisation, and lets it act again. Operators' verbs.
//!
//! In a suspended organisation nobody acts: every server refuses its sessions and API keys (`ORGANIZATION_SUSPENDED`) from the moment at which this commits, nobody is
//! signed in or switched into it, and nobody joins it. What nobody asks for goes on: jobs, so that money that was released is sent and what comes back is
//! booked; deadlines; what the other side of a contract does.

use std::sync::Arc;

use audit_api::{Audit, NewEntry};
use kernel::{Ctx, Decision, Fault, OrgId, Reason, RequestId, Timestamp};
use mail_api::{Content, Language, Mail, Mails, Recipient};
use serde_json::json;
use tenants_api::{Memberships, Organization};
use uow::{SystemUow, Tx};

use crate::repo;

/// What this stands on.
pub struct SuspensionDependencies {
    /// The platform's door.
    pub system: SystemUow,
    /// The organisations and their owners.
    pub memberships: Arc<dyn Memberships>,
    /// The organisation's trail.
    pub audit: Arc<dyn Audit>,
    /// The owners are written to.
    pub mails: Arc<dyn Mails>,
}

/// Suspends organisations, and resumes them.
pub struct Suspensions {
    system: SystemUow,
    memberships: Arc<dyn Memberships>,
    audit: Arc<dyn Audit>,
    mails: Arc<dyn Mails>,
}

/// Why an organisation is not suspended, or not resumed.
#[derive(Debug, thiserror::Error)]
pub enum SuspensionError {
    /// Why must be told.
    #[error("--reason must say why: its owners are told, and it stands in the organisation's trail")]
    Reason,
    /// No such organisation.
    #[error("there is no organisation {0}")]
    NotFound(OrgId),
    /// It is suspended already.
    #[error("{0} is suspended already. Nothing was changed")]
    Suspended(OrgId),
    /// It is not suspended.
    #[error("{0} is not suspended. Nothing was changed")]
    NotSuspended(OrgId),
    /// Nobody's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Suspensions {
    /// Over what it stands on.
    #[must_use]
    pub fn new(dependencies: SuspensionDependencies) -> Self {
        let SuspensionDependencies { system, memberships, audit, mails } = dependencies;
        Self { system, memberships, audit, mails }
    }

    /// Suspends an organisation, at once on every server. Its owners are written to in this language.
    ///
    /// # Errors
    /// [`SuspensionError::Reason`], [`SuspensionError::NotFound`], [`SuspensionError::Suspended`], a fault of the database.
    pub async fn suspend(&self, org: OrgId, by: &Decision, language: Language) -> Result<Organization, SuspensionError> {
        let reason = reason_of(by)?;
        self.system
            .write(async |tx| {
                let suspended = self.set_in(tx, org, Some(reason)).await?.ok_or(SuspensionError::Suspended(org))?;
                let entry = NewEntry::named("organizations.suspend", "organization", org)
                    .after(json!({ "operator": by.operator.as_str(), "reason": reason }));
                let at = suspended.suspended_at.unwrap_or_default();
                let content =
                    Content::OrganizationSuspended { organization: suspended.name.clone(), at, reason: reason.to_owned() };
                self.tell_in(tx, &suspended, (entry, content), (at, language)).await?;
                Ok(suspended)
            })
            .await
    }

    /// Lets an organisation act again, at once on every server: sessions and keys that have not ended meanwhile count again.
    ///
    /// # Errors
    /// [`SuspensionError::Reason`], [`SuspensionError::NotFound`], [`SuspensionError::NotSuspended`], a fault of the database.
    pub async fn resume(&self, org: OrgId, by: &Decision, language: Language) -> Result<Organization, SuspensionError> {
        let reason = reason_of(by)?;
        self.system
            .write(async |tx| {
                let resumed = self.set_in(tx, org, None).await?.ok_or(SuspensionError::NotSuspended(org))?;
                let entry = NewEntry::named("organizations.resume", "organization", org)
                    .after(json!({ "operator": by.operator.as_str(), "reason": reason }));
                let at = resumed.updated_at;
                let content = Content::OrganizationResumed { organization: resumed.name.clone(), at };
                self.tell_in(tx, &resumed, (entry, content), (at, language)).await?;
                Ok(resumed)
            })
            .await
    }

    async fn set_in(&self, tx: &mut Tx, org: OrgId, reason: Option<&str>) -> Result<Option<Organization>, SuspensionError> {
        self.memberships.set_suspended_in(tx, org, reason).await.map_err(|error| match error {
            tenants_api::Error::NotFound(_) => SuspensionError::NotFound(org),
            tenants_api::Error::Fault(fault) => fault.into(),
            other => Fault::internal(other).into(),
        })
    }

    /// Records it, and writes to the owners.
    async fn tell_in(
        &self,
        tx: &mut Tx,
        organization: &Organization,
        (entry, content): (NewEntry, Content),
        (at, language): (Timestamp, Language),
    ) -> Result<(), Fault> {
        let org = organization.id;
        self.audit.record_in(tx, &Ctx::system(org, RequestId::generate()), entry).await?;
        for owner in self.memberships.owners_in(tx, org).await? {
            let Some((address, name)) = repo::address_of(tx, owner).await? else { continue };
            let told = Mail {
                key: format!("{}:{org}:{owner}:{}", content.template(), at.timestamp_micros()),
                to: Recipient::at(address).named(name),
                language,
                content: content.clone(),
            };
            self.mails.send_in(tx, told).await?;
        }
        Ok(())
    }
}

fn reason_of(by: &Decision) -> Result<&str, SuspensionError> {
    by.reason.as_ref().map(Reason::as_str).ok_or(SuspensionError::Reason)
}

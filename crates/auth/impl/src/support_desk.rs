//! `build14 support`: an operator looks at an organisation that consented to it. Operators' verbs.
//!
//! What is printed is a token that reads, for an hour at most and no longer than the consent. Its organisation sees who looks and why from that moment on, and
//! its owners are written to.

use std::sync::Arc;

use audit_api::{Audit, NewEntry};
use auth_api::{Directory, SecurityEventKind, SupportEnd, SupportVisit};
use chrono::{SubsecRound, TimeDelta};
use kernel::{Clock, Ctx, Decision, Fault, Operator, OrgId, Reason, RequestId, SupportSessionId, Timestamp};
use mail_api::{Content, Language, Mail, Mails, Recipient};
use secrecy::SecretString;
use serde_json::json;
use uow::SystemUow;

use crate::repo::support::NewSession;
use crate::security_event::{Origin, Whose};
use crate::{repo, security, support_ends, support_token};

/// The longest session, in minutes, as the database has it and [`SupportError::Minutes`] says.
const MOST_MINUTES: u32 = 60;
/// So many sessions by one consent, as [`SupportError::TooMany`] says.
const MOST_SESSIONS: u32 = 20;
/// So many of each are listed.
const MOST_LISTED: u32 = 1000;

/// What this stands on.
pub struct SupportDeskDependencies {
    /// The platform's door.
    pub system: SystemUow,
    /// The organisations and their owners.
    pub directory: Arc<dyn Directory>,
    /// Their trails.
    pub audit: Arc<dyn Audit>,
    /// The owners are written to.
    pub mails: Arc<dyn Mails>,
    /// When it begins and ends.
    pub clock: Arc<dyn Clock>,
}

/// Begins and ends support sessions.
pub struct SupportDesk(SupportDeskDependencies);

/// A session that has just begun: the only moment at which its token is known.
#[derive(Debug)]
pub struct StartedSupport {
    /// For `Authorization: Bearer`.
    pub token: SecretString,
    /// The session's id.
    pub id: SupportSessionId,
    /// What the organisation is called.
    pub organization: String,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// Who lets operators look, and who looks.
#[derive(Debug)]
pub struct SupportRegister {
    /// Organisations that consent now, with what is to be looked at, and until when.
    pub consents: Vec<(OrgId, String, Timestamp)>,
    /// Sessions with the organisations at which they look, the newest first.
    pub sessions: Vec<(OrgId, SupportVisit)>,
}

/// Why nobody looks.
#[derive(Debug, thiserror::Error)]
pub enum SupportError {
    /// No reason was given.
    #[error("--reason must say why, such as a ticket: the organisation's owners are told, and it stands in its trail")]
    Reason,
    /// It would last too long, or no time at all.
    #[error("--minutes must be 1 to 60. Nothing was changed")]
    Minutes,
    /// No such organisation.
    #[error("there is no organisation {0}")]
    NotFound(OrgId),
    /// Nobody there could take the consent back.
    #[error("{0} is suspended, so that nobody there could take its consent back: nobody looks at it. Nothing was changed")]
    Suspended(OrgId),
    /// Its consent ended with its wish.
    #[error("{0} leaves the platform: nobody looks at it. Nothing was changed")]
    Leaving(OrgId),
    /// It did not consent, or not any more.
    #[error(
        "{0} does not consent to support now: ask an owner or an administrator for POST /api/organization/support-access. Nothing was changed"
    )]
    NoConsent(OrgId),
    /// There were as many as there may be.
    #[error("{0} had 20 sessions by this consent, which are all that there may be: ask for another. Nothing was changed")]
    TooMany(OrgId),
    /// No such session, or none that lives.
    #[error("no support session {0} is open: `build14 support list` shows them. Nothing was changed")]
    NoSession(SupportSessionId),
    /// The database failed, or something else below.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl SupportDesk {
    /// Over what it stands on.
    #[must_use]
    pub fn new(dependencies: SupportDeskDependencies) -> Self {
        Self(dependencies)
    }

    /// Begins a session in an organisation that consents, for so many minutes, and no longer than it does. Its owners are written to in this language.
    ///
    /// # Errors
    /// Why not, in words for the operator; a fault of the database.
    pub async fn start(
        &self,
        org: OrgId,
        by: &Decision,
        minutes: u32,
        language: Language,
    ) -> Result<StartedSupport, SupportError> {
        let SupportDeskDependencies { system, directory, audit, mails, clock } = &self.0;
        let reason = by.reason.as_ref().map(Reason::as_str).ok_or(SupportError::Reason)?;
        if !(1..=MOST_MINUTES).contains(&minutes) {
            return Err(SupportError::Minutes);
        }
        let (now, operator) = (clock.now().trunc_subsecs(6), by.operator.as_str());
        let (token, sought) = support_token::fresh(org)?;
        let (id, ctx) = (SupportSessionId::new(), Ctx::system(org, RequestId::generate()));
        let (organization, expires_at) = system
            .write(async |tx| {
                let overseen = directory.overseen_in(tx, org).await?.ok_or(SupportError::NotFound(org))?;
                if overseen.leaving {
                    return Err(SupportError::Leaving(org));
                }
                if overseen.suspended {
                    return Err(SupportError::Suspended(org));
                }
                let open = repo::support::lock_open(tx, org).await?.filter(|open| open.expires_at > now);
                let open = open.ok_or(SupportError::NoConsent(org))?;
                if repo::support::count_sessions(tx, org, open.id).await? >= i64::from(MOST_SESSIONS) {
                    return Err(SupportError::TooMany(org));
                }
                // The servers' clocks may be ahead of this one.
                let started_at = now.max(open.granted_at);
                let expires_at = (started_at + TimeDelta::minutes(minutes.into())).min(open.expires_at);
                let new = NewSession { id, consent: open.id, operator, reason, started_at, expires_at };
                repo::support::insert_session(tx, &sought, &new).await?;
                let entry = NewEntry::named("support_access.start", "support_session", id)
                    .after(json!({ "operator": operator, "reason": reason, "consent": open.id, "expiresAt": expires_at }));
                audit.record_in(tx, &ctx, entry).await?;
                let (whose, origin) = (Whose { user: None, org: Some(org) }, Origin { request: &ctx.request, address: None });
                security::note_in(tx, SecurityEventKind::SupportSessionStarted, whose, &origin).await?;
                for owner in overseen.owners {
                    let told = Mail {
                        key: format!("support-started:{id}:{}", owner.user),
                        to: Recipient::at(owner.address).named(owner.name),
                        language,
                        content: Content::SupportStarted {
                            organization: overseen.name.clone(),
                            operator: operator.to_owned(),
                            reason: reason.to_owned(),
                            at: started_at,
                            until: expires_at,
                        },
                    };
                    mails.send_in(tx, told).await?;
                }
                Ok::<_, SupportError>((overseen.name, expires_at))
            })
            .await?;
        Ok(StartedSupport { token, id, organization, expires_at })
    }

    /// Ends a session, at once on every server; in which organisation it was.
    ///
    /// # Errors
    /// [`SupportError::NoSession`], a fault of the database.
    pub async fn end(&self, id: SupportSessionId, by: &Operator) -> Result<OrgId, SupportError> {
        let SupportDeskDependencies { system, audit, clock, .. } = &self.0;
        let now = clock.now().trunc_subsecs(6);
        let org = system.read(async |tx| repo::support::org_of(tx, id).await).await?.ok_or(SupportError::NoSession(id))?;
        let ctx = Ctx::system(org, RequestId::generate());
        system
            .write(async |tx| {
                let ended = repo::support::end_session(tx, org, id, (now, SupportEnd::Operator)).await?;
                let ended = ended.ok_or(SupportError::NoSession(id))?;
                support_ends::record_end_in(tx, &**audit, &ctx, (&ended, SupportEnd::Operator), Some(by)).await?;
                Ok(org)
            })
            .await
    }

    /// Who consents now, and who looks: with `all` who ever did.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn list(&self, all: bool) -> Result<SupportRegister, Fault> {
        let now = self.0.clock.now();
        self.0
            .system
            .read(async |tx| {
                let consents = repo::support::open_to(tx, now, MOST_LISTED).await?;
                let consents = consents.into_iter().map(|open| (open.org, open.reason, open.expires_at)).collect();
                Ok(SupportRegister { consents, sessions: repo::support::looked(tx, now, all, MOST_LISTED).await? })
            })
            .await
    }
}

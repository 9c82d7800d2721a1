//! `Support`: the organisation's verbs on who of the platform looks at it. What a session may is [`crate::Policy`]'s to tell, and whether it lives
//! [`crate::Service`]'s.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use async_trait::async_trait;
use audit_api::{Audit, NewEntry};
use auth_api::{
    Authorizer, Error, NewSupportConsent, SecurityEventKind, SupportAccess, SupportConsent, SupportConsentId, SupportEnd, perm,
};
use chrono::{SubsecRound, TimeDelta};
use kernel::{Clock, Ctx, Denied, FieldFault, Page, PageRequest, Position, Scope, SessionId, Timestamp, UserId, text};
use module::Wired;
use serde_json::json;
use uow::{SystemUow, Uow};

use crate::security_event::Origin;
use crate::{repo, security, support_ends};

/// The longest reason.
const REASON: usize = 1000;

/// What support stands on.
pub struct SupportDependencies {
    /// The tenants' door: an organisation reads its own consents.
    pub uow: Uow,
    /// The platform's door: nobody else writes them.
    pub system: SystemUow,
    /// Who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// The trail.
    pub audit: Arc<dyn Audit>,
    /// Tells when consents begin and end.
    pub clock: Arc<dyn Clock>,
}

/// Who of the platform looks at organisations, over PostgreSQL.
pub struct Support(SupportDependencies);

impl Support {
    /// Over what it stands on.
    #[must_use]
    pub fn new(dependencies: SupportDependencies) -> Self {
        Self(dependencies)
    }

    /// PostgreSQL keeps microseconds: what is answered now must equal what is read later.
    fn now(&self) -> Timestamp {
        self.0.clock.now().trunc_subsecs(6)
    }

    /// The person who says whom the context's organisation lets look at it.
    fn manager(&self, ctx: &Ctx) -> Result<UserId, Error> {
        let permission = perm::SUPPORT_MANAGE;
        self.0.authorizer.check(ctx, permission, Scope::Organization)?;
        ctx.person().ok_or_else(|| Denied { permission, project: None }.into())
    }
}

/// Checks a consent: it says what is to be looked at, and ends.
fn checked(new: NewSupportConsent) -> Result<NewSupportConsent, Vec<FieldFault>> {
    let NewSupportConsent { reason, hours } = new;
    let mut faults = Vec::new();
    let reason = text::line(&reason, REASON).unwrap_or_else(|flaw| {
        faults.push(flaw.at("/reason"));
        String::new()
    });
    if !(1..=NewSupportConsent::MOST_HOURS).contains(&hours) {
        faults.push(FieldFault::new("/hours", "OUT_OF_RANGE", format!("must be 1 to {}", NewSupportConsent::MOST_HOURS)));
    }
    if faults.is_empty() { Ok(NewSupportConsent { reason, hours }) } else { Err(faults) }
}

#[async_trait]
impl SupportAccess for Support {
    async fn grant(&self, ctx: &Ctx, session: SessionId, new: NewSupportConsent) -> Result<SupportConsent, Error> {
        let (granted_by, now) = (self.manager(ctx)?, self.now());
        let NewSupportConsent { reason, hours } = checked(new).map_err(Error::Invalid)?;
        let consent = SupportConsent {
            id: SupportConsentId::new(),
            reason,
            granted_by,
            granted_at: now,
            expires_at: now + TimeDelta::hours(hours.into()),
            ended: None,
            live: true,
            sessions: Vec::new(),
        };
        let audit = &*self.0.audit;
        self.0
            .system
            .write(async |tx| {
                // Whoever ends the sessions of a person, or of all who leave, misses no consent that was on its way.
                if !repo::hold_session(tx, granted_by, session).await? {
                    return Err(Error::NotAuthenticated);
                }
                // One whose time is over, and that no sweep has ended yet, is in nobody's way.
                let over = repo::support::lock_open(tx, ctx.org).await?.filter(|open| open.expires_at <= now);
                if let Some(open) = over {
                    let platform = Ctx::system(ctx.org, ctx.request.clone());
                    support_ends::end_consent_in(tx, audit, &platform, &open, (now, SupportEnd::Over)).await?;
                }
                repo::support::insert_consent(tx, ctx.org, &consent).await?;
                let entry = NewEntry::named("support_access.grant", "support_consent", consent.id)
                    .after(json!({ "reason": consent.reason, "expiresAt": consent.expires_at }));
                audit.record_in(tx, ctx, entry).await?;
                let origin = Origin { request: &ctx.request, address: None };
                security::note_in(tx, SecurityEventKind::SupportAccessGranted, (granted_by, ctx.org), &origin).await?;
                Ok::<_, Error>(())
            })
            .await?;
        Ok(consent)
    }

    async fn consents(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<SupportConsent>, Error> {
        self.0.authorizer.check(ctx, perm::SUPPORT_READ, Scope::Organization)?;
        let now = self.now();
        let rows = self.0.uow.read(ctx, async |tx| repo::support::page(tx, ctx.org, page, now).await).await?;
        Ok(Page::cut(rows, page, |consent| Position { created_at: consent.granted_at, id: consent.id.0 }))
    }

    async fn revoke(&self, ctx: &Ctx) -> Result<(), Error> {
        let (by, now) = (self.manager(ctx)?, self.now());
        self.0
            .system
            .write(async |tx| {
                let Some(open) = repo::support::lock_open(tx, ctx.org).await? else { return Ok(()) };
                support_ends::end_consent_in(tx, &*self.0.audit, ctx, &open, (now, SupportEnd::Revoked)).await?;
                let origin = Origin { request: &ctx.request, address: None };
                security::note_in(tx, SecurityEventKind::SupportAccessRevoked, (by, ctx.org), &origin).await?;
                Ok(())
            })
            .await
    }
}

impl Wired for Support {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self as Arc<dyn SupportAccess>));
    }
}

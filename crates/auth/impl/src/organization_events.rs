//! `OrganizationEvents`: what organisations are told of that concerns their security: their members' accounts, keys, single sign-on, support. Of each event one
//! organisation at most is told (docs/domain/security-events.md).

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use async_trait::async_trait;
use audit_api::{Audit, NewEntry};
use auth_api::{Authorizer, Error, EventFilter, EventFormat, OrganizationEvent, OrganizationEventKind, perm};
use kernel::{ApiKeyId, Ctx, Denied, Fault, OrgId, Page, PageRequest, Position, Scope, UserId};
use module::Wired;
use serde_json::json;
use uow::{SystemUow, Tx, Uow};

use crate::repo;
use crate::security_event::Origin;

/// What is told, and to which organisation: to none, if nobody has the email that was tried.
pub(crate) struct Told<'a> {
    pub(crate) org: Option<OrgId>,
    pub(crate) kind: OrganizationEventKind,
    pub(crate) user: Option<UserId>,
    pub(crate) api_key: Option<ApiKeyId>,
    pub(crate) permission: Option<&'a str>,
}

impl Told<'_> {
    /// What is told of a person's account.
    pub(crate) fn of(org: Option<OrgId>, kind: OrganizationEventKind, user: Option<UserId>) -> Self {
        Self { org, kind, user, api_key: None, permission: None }
    }

    /// That a session begins, which comes about in this way.
    pub(crate) fn of_opening(org: OrgId, user: UserId, action: &str) -> Self {
        let kind = match action {
            "auth.switch" => OrganizationEventKind::Entered,
            "auth.reauthenticate" => OrganizationEventKind::Reauthenticated,
            _ => OrganizationEventKind::SignedIn,
        };
        Self::of(Some(org), kind, Some(user))
    }
}

/// Tells it together with what it is about.
pub(crate) async fn tell_in(tx: &mut Tx, told: &Told<'_>, origin: &Origin<'_>) -> Result<(), Fault> {
    repo::organization_events::insert(tx, told, origin).await
}

/// Tells it in a transaction of its own. Never fails the request that it is about.
pub(crate) async fn tell(system: &SystemUow, told: &Told<'_>, origin: &Origin<'_>) {
    if let Err(fault) = system.write(async |tx| tell_in(tx, told, origin).await).await {
        tracing::error!(error = %fault, kind = told.kind.name(), "a security event could not be stored for its organisation");
    }
}

/// Tells that a permission was refused. Where an API key was refused, the key is named and not its creator, who did nothing.
pub(crate) async fn tell_denied(system: &SystemUow, ctx: &Ctx, denied: &Denied) {
    let told = Told {
        org: Some(ctx.org),
        kind: OrganizationEventKind::AccessDenied,
        user: ctx.person(),
        api_key: ctx.key.as_ref().map(|key| key.id),
        permission: Some(denied.permission.name()),
    };
    tell(system, &told, &Origin { request: &ctx.request, address: None }).await;
}

/// What an organisation is told, for those who may read it.
pub struct OrganizationEvents {
    uow: Uow,
    authorizer: Arc<dyn Authorizer>,
    audit: Arc<dyn Audit>,
}

impl OrganizationEvents {
    /// Over the tenants' door, who may do what, and the trail.
    #[must_use]
    pub fn new(uow: Uow, authorizer: Arc<dyn Authorizer>, audit: Arc<dyn Audit>) -> Self {
        Self { uow, authorizer, audit }
    }
}

#[async_trait]
impl auth_api::OrganizationEvents for OrganizationEvents {
    async fn list(&self, ctx: &Ctx, filter: EventFilter, page: PageRequest) -> Result<Page<OrganizationEvent>, Error> {
        self.authorizer.check(ctx, perm::SECURITY_READ, Scope::Organization)?;
        let rows = self.uow.read_one(ctx, async |tx| repo::organization_events::page(tx, ctx.org, filter, page).await).await?;
        Ok(Page::cut(rows, page, |event| Position { created_at: event.at, id: event.id }))
    }

    async fn take_along(&self, ctx: &Ctx, filter: EventFilter, format: EventFormat) -> Result<EventFilter, Error> {
        self.authorizer.check(ctx, perm::SECURITY_READ, Scope::Organization)?;
        self.uow
            .write(ctx, async |tx| {
                let now = repo::organization_events::now(tx).await?;
                let before = filter.before.map_or(now, |before| before.min(now));
                let told = json!({
                    "format": format.name(), "kind": filter.kind.map(OrganizationEventKind::name), "userId": filter.user, "since": filter.since,
                    "before": before,
                });
                let entry = NewEntry::named("security.export", "organization", ctx.org).after(told);
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(EventFilter { before: Some(before), ..filter })
            })
            .await
    }
}

impl Wired for OrganizationEvents {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self as Arc<dyn auth_api::OrganizationEvents>));
    }
}

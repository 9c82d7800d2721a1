//! `/api/organizations` and `/api/organization`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use auth_api::MfaPolicy;
use chrono::{DateTime, Utc};
use kernel::OrgRole;
use serde::{Deserialize, Serialize};
use tenants_api::{NewOrganization, OrgKind, Organization, OrganizationChange, Organizations, SessionRules, perm};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{
    Authed, Faults, Guard, Idempotent, IfMatch, Json, List, Listing, MoneyIn, MoneyOut, OneOf, Paging, Patch, Problem, Reply,
    Routes,
};

/// Adds this crate's endpoints.
pub fn routes(r: &mut Routes) {
    r.tag("Organisations", "The organisations of the caller, and the settings of the session's one.");
    r.resource("organizations");
    r.add(perm::CREATE, || create).by_own_session();
    r.add(Guard::SignedIn, || list);
    r.resource("organization");
    r.add(perm::READ, || read).tagged();
    r.add(perm::UPDATE, || change).tagged();
}

type Kind = OneOf<OrgKind>;
type Role = OneOf<OrgRole>;
type Policy = OneOf<MfaPolicy>;

/// An organisation to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewOrganization, example = json!({"name": "Seebau GmbH", "kind": "contractor"}))]
struct NewIn {
    /// What it is called.
    #[schema(min_length = 1, max_length = 200, examples("Nordbau GmbH"))]
    name: String,
    /// `both` unless told otherwise.
    kind: Option<Kind>,
}

/// An organisation as its people see it, with its settings.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrganizationSettings, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13", "name": "Nordbau GmbH", "slug": "nordbau-gmbh-2f6f3f0a9b13", "kind": "both",
    "categories": ["concrete works", "masonry"], "approvalThreshold": {"amount": "250000.00", "currency": "EUR"},
    "timezone": "Europe/Berlin", "logoUrl": "https://example.com/logo.png", "sessionIdleMinutes": 480, "sessionLifetimeMinutes": 10080,
    "mfaPolicy": "privileged",
    "createdAt": "2026-11-21T08:00:00Z", "updatedAt": "2026-11-21T08:10:00Z"
}))]
struct SettingsOut {
    /// The organisation's id.
    id: Uuid,
    /// What it is called.
    name: String,
    /// A unique short name made from its name, for addresses; it never changes.
    slug: String,
    /// What it does on the platform.
    kind: Kind,
    /// Its trades.
    categories: Vec<String>,
    /// At or above this amount, weighty verbs need a second person; null: never.
    approval_threshold: Option<MoneyOut>,
    /// IANA name of its time zone.
    timezone: String,
    /// Where its logo is; null without one.
    logo_url: Option<String>,
    /// For how many minutes a session in it may go unused; null: as long as it lives.
    #[schema(minimum = 5, maximum = 576000)]
    session_idle_minutes: Option<i32>,
    /// For how many minutes a session in it lives after its person signed in, whatever is done with it; null: as long as the platform lets it.
    #[schema(minimum = 15, maximum = 576000)]
    session_lifetime_minutes: Option<i32>,
    /// For whom it asks for a second factor; null: as the platform does.
    mfa_policy: Option<Policy>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

impl From<&Organization> for SettingsOut {
    fn from(o: &Organization) -> Self {
        Self {
            id: o.id.0,
            name: o.name.clone(),
            slug: o.slug.clone(),
            kind: o.kind.into(),
            categories: o.categories.clone(),
            approval_threshold: o.approval_threshold.map(MoneyOut),
            timezone: o.timezone.clone(),
            logo_url: o.logo_url.clone(),
            session_idle_minutes: o.session_rules.idle_minutes,
            session_lifetime_minutes: o.session_rules.lifetime_minutes,
            mfa_policy: o.session_rules.mfa_policy.map(Into::into),
            created_at: o.created_at,
            updated_at: o.updated_at,
        }
    }
}

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Organization, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13", "name": "Nordbau GmbH", "slug": "nordbau-gmbh-2f6f3f0a9b13", "kind": "both",
    "categories": ["concrete works", "masonry"], "createdAt": "2026-11-21T08:00:00Z"
}))]
struct OrganizationOut {
    /// The organisation's id.
    id: Uuid,
    /// What it is called.
    name: String,
    /// A unique short name made from its name, for addresses; it never changes.
    slug: String,
    /// What it does on the platform.
    kind: Kind,
    /// Its trades.
    categories: Vec<String>,
    /// When it was made.
    created_at: DateTime<Utc>,
}

impl From<&Organization> for OrganizationOut {
    fn from(o: &Organization) -> Self {
        let (name, slug, categories) = (o.name.clone(), o.slug.clone(), o.categories.clone());
        Self { id: o.id.0, name, slug, kind: o.kind.into(), categories, created_at: o.created_at }
    }
}

/// An organisation of the caller with the caller's role in it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b13", "name": "Nordbau GmbH", "slug": "nordbau-gmbh-2f6f3f0a9b13", "kind": "both",
    "categories": ["concrete works", "masonry"], "createdAt": "2026-11-21T08:00:00Z", "role": "owner", "suspendedAt": null
}))]
struct OwnOrganization {
    /// The organisation's id.
    id: Uuid,
    /// What it is called.
    name: String,
    /// A unique short name made from its name, for addresses; it never changes.
    slug: String,
    /// What it does on the platform.
    kind: Kind,
    /// Its trades.
    categories: Vec<String>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// The caller's role.
    role: Role,
    /// Since when the platform has suspended it, so that nobody acts in it; null: it has not.
    suspended_at: Option<DateTime<Utc>>,
}

impl OwnOrganization {
    fn of((organization, role): (Organization, OrgRole)) -> Self {
        let OrganizationOut { id, name, slug, kind, categories, created_at } = OrganizationOut::from(&organization);
        let suspended_at = organization.suspended_at;
        Self { id, name, slug, kind, categories, created_at, role: role.into(), suspended_at }
    }
}

/// Create a further organisation.
///
/// The caller becomes its owner. Switch to it with `POST /api/auth/switch-organization`.
#[utoipa::path(responses((status = 201, description = "The new organisation", body = OrganizationOut)))]
#[post("/api/organizations")]
async fn create(
    Authed(ctx): Authed,
    once: Idempotent,
    service: Data<dyn Organizations>,
    body: Json<NewIn>,
) -> Result<HttpResponse, Problem> {
    let new = NewOrganization { name: body.0.name, kind: body.0.kind.map_or(OrgKind::Both, |kind| kind.0) };
    once.run(
        ctx,
        async |ctx| service.create(&ctx, new).await,
        |made: &Organization| Reply::created("/api/organization", &OrganizationOut::from(made)),
    )
    .await
}

/// List the caller's organisations.
///
/// The newest membership first.
#[utoipa::path(params(Paging), responses((status = 200, description = "A page of organisations", body = List<OwnOrganization>)))]
#[get("/api/organizations")]
async fn list(Authed(ctx): Authed, listing: Listing, service: Data<dyn Organizations>) -> Result<HttpResponse, Problem> {
    let page = service.of_person(&ctx, listing.page()).await?;
    Ok(listing.reply(page, OwnOrganization::of))
}

/// Read the session's organisation and its settings.
///
/// To be read before it is changed: the answer has an ETag.
#[utoipa::path(responses((status = 200, description = "The organisation", body = SettingsOut)))]
#[get("/api/organization")]
async fn read(Authed(ctx): Authed, request: HttpRequest, service: Data<dyn Organizations>) -> Result<HttpResponse, Problem> {
    Ok(web::single(&request, &SettingsOut::from(&service.current(&ctx).await?)))
}

/// A trade, such as masonry.
#[derive(ToSchema)]
#[schema(max_length = 60)]
#[allow(dead_code)]
struct Trade(String);

/// What can be changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = OrganizationChange, example = json!({
    "name": "Nordbau GmbH", "kind": "both", "categories": ["concrete works", "masonry"],
    "approvalThreshold": {"amount": "250000.00", "currency": "EUR"}, "timezone": "Europe/Berlin",
    "logoUrl": "https://example.com/logo.png", "sessionIdleMinutes": 480, "sessionLifetimeMinutes": 10080, "mfaPolicy": null
}))]
struct ChangeIn {
    /// What it is called.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What it does on the platform.
    kind: Kind,
    /// Its trades.
    #[schema(max_items = 50, value_type = Vec<Trade>)]
    categories: Vec<String>,
    /// At or above this amount, weighty verbs need a second person; null: never. Only an owner changes it.
    approval_threshold: Option<MoneyIn>,
    /// IANA name of its time zone.
    #[schema(min_length = 1, max_length = 64, examples("Europe/Berlin"))]
    timezone: String,
    /// Where its logo is, by `https`; null: it has none.
    #[schema(max_length = 2000, examples("https://example.com/logo.png"))]
    logo_url: Option<String>,
    /// For how many minutes a session in it may go unused, to a minute or two; null: as long as it lives. It holds at once for the sessions that there are.
    #[schema(minimum = 5, maximum = 576000)]
    session_idle_minutes: Option<i32>,
    /// For how many minutes a session in it lives after its person signed in, whatever is done with it; null: as long as the platform lets it, which is a
    /// bound in any case. It holds at once for the sessions that there are.
    #[schema(minimum = 15, maximum = 576000)]
    session_lifetime_minutes: Option<i32>,
    /// For whom it asks for a second factor; null: as the platform does. Only an owner changes it, who has just signed in or proven who they are (403
    /// STEP_UP_REQUIRED). Who lacks one is refused what it is asked for (403 MFA_REQUIRED) from then on.
    mfa_policy: Option<Policy>,
}

/// What a merge patch is merged into: [`ChangeIn`] as it is now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangeBase<'a> {
    name: &'a str,
    kind: Kind,
    categories: &'a [String],
    approval_threshold: Option<MoneyOut>,
    timezone: &'a str,
    logo_url: Option<&'a str>,
    session_idle_minutes: Option<i32>,
    session_lifetime_minutes: Option<i32>,
    mfa_policy: Option<Policy>,
}

impl<'a> From<&'a Organization> for ChangeBase<'a> {
    fn from(o: &'a Organization) -> Self {
        let approval_threshold = o.approval_threshold.map(MoneyOut);
        let SessionRules { idle_minutes, lifetime_minutes, mfa_policy } = o.session_rules;
        Self {
            name: &o.name,
            kind: o.kind.into(),
            categories: &o.categories,
            approval_threshold,
            timezone: &o.timezone,
            logo_url: o.logo_url.as_deref(),
            session_idle_minutes: idle_minutes,
            session_lifetime_minutes: lifetime_minutes,
            mfa_policy: mfa_policy.map(Into::into),
        }
    }
}

impl ChangeIn {
    fn into_command(self) -> Result<OrganizationChange, Problem> {
        let mut faults = Faults::new();
        let money = |threshold: MoneyIn| faults.check("/approvalThreshold/amount", threshold.to_money());
        let approval_threshold = self.approval_threshold.and_then(money);
        faults.finish()?;
        let Self {
            name, kind, categories, timezone, logo_url, session_idle_minutes, session_lifetime_minutes, mfa_policy, ..
        } = self;
        let session_rules = SessionRules {
            idle_minutes: session_idle_minutes,
            lifetime_minutes: session_lifetime_minutes,
            mfa_policy: mfa_policy.map(|policy| policy.0),
        };
        Ok(OrganizationChange { name, kind: kind.0, categories, approval_threshold, timezone, session_rules, logo_url })
    }
}

/// Change the session's organisation.
///
/// What is left out stays. The approval threshold needs a permission of its own.
#[utoipa::path(request_body = ChangeIn, responses((status = 200, description = "The changed organisation", body = SettingsOut)))]
#[patch("/api/organization")]
async fn change(
    Authed(ctx): Authed,
    if_match: IfMatch,
    service: Data<dyn Organizations>,
    patch: Patch<ChangeIn>,
) -> Result<HttpResponse, Problem> {
    let changed = web::unless_overtaken(async || {
        let current = service.changeable(&ctx).await?;
        if_match.check(&web::etag(&SettingsOut::from(&current)))?;
        let change: ChangeIn = patch.apply(&ChangeBase::from(&current))?;
        Ok(service.update(&ctx, change.into_command()?, Some(current.updated_at)).await)
    });
    Ok(Reply::ok(&SettingsOut::from(&changed.await?)).etag().response())
}

//! `/api/organization/domains`: the domains of an organisation; `/api/joinable-organizations`: what one may join by one's own.

use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, post};
use chrono::{DateTime, Utc};
use kernel::OrgId;
use serde::{Deserialize, Serialize};
use tenants_api::perm;
use users_api::{OrganizationDomain, OrganizationDomains};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AuthRateLimit, Authed, Guard, Id, Idempotent, Json, List, Listing, NoBody, Paging, Problem, Reply, Routes};

use super::dto::{MemberOut, OrganizationOut};
use super::examples;

/// Adds the endpoints of who manages domains.
pub(super) fn manage(r: &mut Routes) {
    r.resource("organizationDomains");
    r.add(perm::MEMBERS_MANAGE, || list);
    r.add(perm::MEMBERS_MANAGE, || claim);
    r.add(perm::MEMBERS_MANAGE, || read);
    r.add(perm::MEMBERS_MANAGE, || verify).without_key();
    r.add(perm::MEMBERS_MANAGE, || give_up).unconditional();
}

/// Adds the endpoints of who joins by one.
pub(super) fn join(r: &mut Routes) {
    r.resource("joinableOrganizations");
    r.add(Guard::SignedIn, || joinable);
    r.add(Guard::SignedIn, || join_one).without_key();
}

/// A domain that the organisation says is its own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewOrganizationDomain, example = json!({"domain": "nordbau.example"}))]
struct NewIn {
    /// As it stands behind the @ of addresses. What stands below it is another.
    #[schema(min_length = 3, max_length = 253, examples("nordbau.example"))]
    domain: String,
}

/// A domain of the organisation, with what proves it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrganizationDomain, example = examples::organization_domain)]
struct DomainOut {
    /// The domain's id.
    id: Uuid,
    /// As it stands behind the @ of addresses.
    domain: String,
    /// Under which name a TXT record has to be published.
    record_name: String,
    /// With which value.
    record_value: String,
    /// Who said that it is the organisation's.
    claimed_by: Uuid,
    /// When.
    created_at: DateTime<Utc>,
    /// Since when it is proven; null: it is not.
    proven_at: Option<DateTime<Utc>>,
    /// When the record was last looked for; null: it was not found yet.
    looked_at: Option<DateTime<Utc>>,
    /// Since when the record of a proven domain is missing; null: it is there. After a week the domain is proven no more.
    missing_since: Option<DateTime<Utc>>,
}

impl From<OrganizationDomain> for DomainOut {
    fn from(one: OrganizationDomain) -> Self {
        let record_name = one.record_name();
        let OrganizationDomain { id, domain, challenge, claimed_by, created_at, proven_at, looked_at, missing_since } = one;
        let (record_value, claimed_by) = (challenge, claimed_by.0);
        Self { id, domain, record_name, record_value, claimed_by, created_at, proven_at, looked_at, missing_since }
    }
}

/// List the organisation's domains.
///
/// Newest first, those that are not proven too.
#[utoipa::path(params(Paging), responses((status = 200, description = "A page of domains", body = List<DomainOut>)))]
#[get("/api/organization/domains")]
async fn list(Authed(ctx): Authed, listing: Listing, domains: Data<dyn OrganizationDomains>) -> Result<HttpResponse, Problem> {
    let page = domains.domains(&ctx, listing.page()).await?;
    Ok(listing.reply(page, DomainOut::from))
}

/// Add a domain.
///
/// Publish the record that the answer names, and have it looked for with `POST /api/organization/domains/{id}/verify`. From then on whoever has proven an address of exactly
/// this domain may join the organisation as a member.
#[utoipa::path(responses(
    (status = 201, description = "The domain, with the record that proves it", body = DomainOut),
    (status = 403, description = "PERMISSION_DENIED: `missingPermission` names what is missing; EMAIL_NOT_VERIFIED: the caller has not proven their own address"),
    (status = 409, description = "DOMAIN_LISTED: it was added before · TOO_MANY_DOMAINS: the organisation has as many as it may have"),
    (status = 422, description = "INVALID_FORMAT or PUBLIC_MAIL_DOMAIN at /domain: everybody can have an address there"),
))]
#[post("/api/organization/domains")]
async fn claim(
    Authed(ctx): Authed,
    once: Idempotent,
    domains: Data<dyn OrganizationDomains>,
    body: Json<NewIn>,
) -> Result<HttpResponse, Problem> {
    once.run(
        ctx,
        async |ctx| domains.claim(&ctx, &body.0.domain).await,
        |made: &OrganizationDomain| {
            Reply::created(format!("/api/organization/domains/{}", made.id), &DomainOut::from(made.clone()))
        },
    )
    .await
}

/// Read a domain.
///
/// With the record that proves it.
#[utoipa::path(responses((status = 200, description = "The domain", body = DomainOut)))]
#[get("/api/organization/domains/{id}")]
async fn read(Authed(ctx): Authed, Id(id): Id<Uuid>, domains: Data<dyn OrganizationDomains>) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&DomainOut::from(domains.domain(&ctx, id).await?)).response())
}

/// Look whether a domain is proven.
///
/// By the record that its owner publishes. A proven domain is looked at each day from then on.
#[utoipa::path(responses(
    (status = 200, description = "It is proven", body = DomainOut),
    (status = 409, description = "DOMAIN_NOT_PROVEN: the record is not published · DOMAIN_TAKEN: another organisation has proven the domain"),
))]
#[post("/api/organization/domains/{id}/verify")]
async fn verify(
    _: AuthRateLimit,
    Authed(ctx): Authed,
    Id(id): Id<Uuid>,
    _: NoBody,
    domains: Data<dyn OrganizationDomains>,
) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&DomainOut::from(domains.verify_domain(&ctx, id).await?)).response())
}

/// Give a domain up.
///
/// Nobody joins by it any more, and another organisation can prove it. Who has joined stays.
#[utoipa::path(responses(
    (status = 204, description = "Given up"),
    (status = 409, description = "DOMAIN_ENFORCED: it is proven, and the organisation enforces single sign-on for addresses there: an owner ends that first"),
))]
#[delete("/api/organization/domains/{id}")]
async fn give_up(Authed(ctx): Authed, Id(id): Id<Uuid>, domains: Data<dyn OrganizationDomains>) -> Result<HttpResponse, Problem> {
    domains.give_up_domain(&ctx, id).await?;
    Ok(Reply::no_content().response())
}

/// List the organisations that the caller may join.
///
/// By the domain of their proven address; there is one at most.
#[utoipa::path(responses(
    (status = 200, description = "All of them", body = List<OrganizationOut>),
    (status = 403, description = "EMAIL_NOT_VERIFIED: the caller has not proven their address"),
))]
#[get("/api/joinable-organizations")]
async fn joinable(Authed(ctx): Authed, domains: Data<dyn OrganizationDomains>) -> Result<HttpResponse, Problem> {
    let data: Vec<OrganizationOut> = domains.joinable(&ctx).await?.into_iter().map(OrganizationOut::from).collect();
    Ok(Reply::ok(&List { data, next_cursor: None }).response())
}

/// Join an organisation by the domain of one's address.
///
/// The caller becomes a member. Switch to it with `POST /api/auth/switch-organization`.
#[utoipa::path(responses(
    (status = 200, description = "The caller as a member", body = MemberOut),
    (status = 403, description = "EMAIL_NOT_VERIFIED: the caller has not proven their address"),
    (status = 409, description = "ALREADY_MEMBER: the caller is a member already"),
))]
#[post("/api/joinable-organizations/{id}/join")]
async fn join_one(
    Authed(ctx): Authed,
    Id(id): Id<OrgId>,
    _: NoBody,
    domains: Data<dyn OrganizationDomains>,
) -> Result<HttpResponse, Problem> {
    Ok(Reply::ok(&MemberOut::from(domains.join_by_domain(&ctx, id).await?)).response())
}

//! SQL of organisations.

use auth_api::MfaPolicy;
use db::prelude::*;
use diesel::sql_types::{Bool, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Fault, Money, OrgId, OrgRole, PageRequest, RequestId, Timestamp, UserId};
use tenants_api::{Error, NewOrganization, Organization, OrganizationChange, Remembered, SessionRules, Standing};
use uuid::Uuid;

use crate::schema::{memberships, organizations};

#[derive(Queryable, Selectable)]
#[diesel(table_name = organizations)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    org_id: Uuid,
    name: String,
    slug: String,
    kind: String,
    categories: Vec<String>,
    approval_threshold_minor: Option<i64>,
    approval_threshold_currency: Option<String>,
    timezone: String,
    session_idle_minutes: Option<i32>,
    session_lifetime_minutes: Option<i32>,
    mfa_policy: Option<String>,
    logo_url: Option<String>,
    suspended_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<Row> for Organization {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let approval_threshold = match (row.approval_threshold_minor, row.approval_threshold_currency) {
            (Some(minor), Some(code)) => Some(db::money(minor, &code)?),
            _ => None,
        };
        Ok(Self {
            id: OrgId(row.org_id),
            name: row.name,
            slug: row.slug,
            kind: db::named(&row.kind)?,
            categories: row.categories,
            approval_threshold,
            timezone: row.timezone,
            session_rules: SessionRules {
                idle_minutes: row.session_idle_minutes,
                lifetime_minutes: row.session_lifetime_minutes,
                mfa_policy: policy_of(row.mfa_policy)?,
            },
            logo_url: row.logo_url,
            suspended_at: row.suspended_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

fn policy_of(name: Option<String>) -> Result<Option<MfaPolicy>, Fault> {
    name.map(|name| db::named(&name)).transpose()
}

/// The organisation, as far as the transaction sees it.
pub(crate) async fn get(tx: &ReadTx<'_>, org: OrgId) -> Result<Organization, Error> {
    let row = organizations::table
        .find(org.0)
        .select(Row::as_select())
        .first(&mut tx.pg())
        .await
        .not_found(|| Error::NotFound("organization"))?;
    Ok(row.try_into()?)
}

/// The organisation, if the transaction sees it.
pub(crate) async fn find_in(tx: &mut Tx, org: OrgId) -> Result<Option<Organization>, Fault> {
    let row = organizations::table.find(org.0).select(Row::as_select()).first(tx.pg()).await.optional().fault()?;
    row.map(Organization::try_from).transpose()
}

/// The organisation, locked against change of itself and of its owners.
pub(crate) async fn lock(tx: &mut Tx, org: OrgId) -> Result<Organization, Error> {
    let row = organizations::table
        .find(org.0)
        .for_no_key_update()
        .select(Row::as_select())
        .first(tx.pg())
        .await
        .not_found(|| Error::NotFound("organization"))?;
    Ok(row.try_into()?)
}

/// The organisations of a person with the role in each and since when, the newest membership first, one more than the page has. For the
/// platform.
pub(crate) async fn of_person(
    tx: &ReadTx<'_>,
    user: UserId,
    page: PageRequest,
) -> Result<Vec<(Organization, OrgRole, Timestamp)>, Fault> {
    let mut query = memberships::table
        .inner_join(organizations::table.on(organizations::org_id.eq(memberships::org_id)))
        .filter(memberships::user_id.eq(user.0))
        .order((memberships::created_at.desc(), memberships::org_id.desc()))
        .limit(page.fetch())
        .select((Row::as_select(), memberships::role, memberships::created_at))
        .into_boxed();
    query = db::after!(query, page, memberships::created_at, memberships::org_id);
    let rows: Vec<(Row, String, Timestamp)> = query.load(&mut tx.pg()).await.fault()?;
    rows.into_iter().map(|(row, role, since)| Ok((row.try_into()?, super::memberships::role_of(&role)?, since))).collect()
}

/// Why founding did not work.
pub(crate) enum Taken {
    /// The slug is another's.
    Slug,
    /// Something else.
    Fault(Fault),
}

impl From<Fault> for Taken {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Who founds an organisation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Founder<'a> {
    /// The person of a tenant's transaction, who becomes the owner. That it was founded, in this request, begins its trail.
    Tenant(&'a RequestId),
    /// The platform, for somebody who has no tenant yet; the membership follows.
    Platform,
}

/// Makes the row of an organisation, and for [`Founder::Tenant`] the owner's membership and the first entry of its trail, which no statement of
/// another organisation's could write.
pub(crate) async fn found(tx: &mut Tx, by: Founder<'_>, org: OrgId, new: &NewOrganization, slug: &str) -> Result<(), Taken> {
    let made = match by {
        Founder::Tenant(request) => {
            diesel::sql_query("select app.found_organization($1, $2, $3, $4, $5)")
                .bind::<SqlUuid, _>(org.0)
                .bind::<Text, _>(&new.name)
                .bind::<Text, _>(slug)
                .bind::<Text, _>(new.kind.name())
                .bind::<Text, _>(request.as_str())
                .execute(tx.pg())
                .await
        }
        Founder::Platform => {
            diesel::insert_into(organizations::table)
                .values((
                    organizations::org_id.eq(org.0),
                    organizations::name.eq(&new.name),
                    organizations::slug.eq(slug),
                    organizations::kind.eq(new.kind.name()),
                ))
                .execute(tx.pg())
                .await
        }
    };
    made.on_constraint("organizations_slug_unique", || Taken::Slug)?;
    Ok(())
}

/// Writes what can be changed.
pub(crate) async fn save(tx: &mut Tx, org: OrgId, change: &OrganizationChange) -> Result<Organization, Fault> {
    let at = db::touched(tx).await?;
    let row: Row = diesel::update(organizations::table.find(org.0))
        .set((
            organizations::name.eq(&change.name),
            organizations::kind.eq(change.kind.name()),
            organizations::categories.eq(&change.categories),
            organizations::approval_threshold_minor.eq(change.approval_threshold.map(Money::minor)),
            organizations::approval_threshold_currency.eq(change.approval_threshold.map(|m| m.currency().code())),
            organizations::timezone.eq(&change.timezone),
            organizations::session_idle_minutes.eq(change.session_rules.idle_minutes),
            organizations::session_lifetime_minutes.eq(change.session_rules.lifetime_minutes),
            organizations::mfa_policy.eq(change.session_rules.mfa_policy.map(MfaPolicy::name)),
            organizations::logo_url.eq(&change.logo_url),
            organizations::updated_at.eq(at),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .fault()?;
    row.try_into()
}

/// Forgets what an organisation said of itself, all but its id and, where others have contracts with it, its name. For the platform.
pub(crate) async fn forget(tx: &mut Tx, org: OrgId, remembered: Remembered) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(organizations::table.find(org.0))
        .set((
            organizations::categories.eq(Vec::<String>::new()),
            organizations::approval_threshold_minor.eq(None::<i64>),
            organizations::approval_threshold_currency.eq(None::<String>),
            organizations::timezone.eq("UTC"),
            organizations::logo_url.eq(None::<String>),
            organizations::session_idle_minutes.eq(None::<i32>),
            organizations::session_lifetime_minutes.eq(None::<i32>),
            organizations::mfa_policy.eq(None::<String>),
            organizations::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    if remembered == Remembered::AsLeft {
        diesel::update(organizations::table.find(org.0))
            .set((organizations::name.eq("Former organisation"), organizations::slug.eq(format!("former-{}", org.0.simple()))))
            .execute(tx.pg())
            .await
            .fault()?;
    }
    Ok(())
}

/// Both bounds of sessions, the policy of second factors, and whether the organisation is suspended.
type StandingRow = (Option<i32>, Option<i32>, Option<String>, bool);

/// How long sessions live in an organisation, whether any acts there, and for whom it asks for a second factor. For the platform.
pub(crate) async fn standing(tx: &ReadTx<'_>, org: OrgId) -> Result<Standing, Fault> {
    let columns = (
        organizations::session_idle_minutes,
        organizations::session_lifetime_minutes,
        organizations::mfa_policy,
        organizations::suspended_at.is_not_null(),
    );
    let found: Option<StandingRow> =
        organizations::table.find(org.0).select(columns).first(&mut tx.pg()).await.optional().fault()?;
    let (idle_minutes, lifetime_minutes, mfa_policy, suspended) = found.unwrap_or_default();
    Ok(Standing { rules: SessionRules { idle_minutes, lifetime_minutes, mfa_policy: policy_of(mfa_policy)? }, suspended })
}

/// Suspends an organisation for a reason, or resumes it. For the platform.
pub(crate) async fn set_suspended(tx: &mut Tx, org: OrgId, reason: Option<&str>) -> Result<Organization, Fault> {
    let at = db::touched(tx).await?;
    let row: Row = diesel::update(organizations::table.find(org.0))
        .set((
            organizations::suspended_at.eq(reason.map(|_| at)),
            organizations::suspended_for.eq(reason),
            organizations::updated_at.eq(at),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .fault()?;
    row.try_into()
}

/// Every organisation that bounds its sessions, with these rules alone. For the platform.
pub(crate) async fn all_session_rules(tx: &ReadTx<'_>) -> Result<Vec<(OrgId, SessionRules)>, Fault> {
    let ruled = organizations::session_idle_minutes.is_not_null().or(organizations::session_lifetime_minutes.is_not_null());
    let rows: Vec<(Uuid, Option<i32>, Option<i32>)> = organizations::table
        .filter(ruled)
        .select((organizations::org_id, organizations::session_idle_minutes, organizations::session_lifetime_minutes))
        .load(&mut tx.pg())
        .await
        .fault()?;
    let rules =
        |(org, idle_minutes, lifetime_minutes)| (OrgId(org), SessionRules { idle_minutes, lifetime_minutes, mfa_policy: None });
    Ok(rows.into_iter().map(rules).collect())
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Whether the server knows a time zone of this name.
pub(crate) async fn is_timezone(tx: &mut Tx, name: &str) -> Result<bool, Fault> {
    let answer: Answer = diesel::sql_query("select exists (select from pg_timezone_names where name = $1) as yes")
        .bind::<Text, _>(name)
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok(answer.yes)
}

#[derive(QueryableByName)]
struct Card {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    slug: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
}

/// What anybody may know of any organisation; the rest is left empty.
pub(crate) async fn card(tx: &mut Tx, org: OrgId) -> Result<Option<Organization>, Fault> {
    let card: Option<Card> = diesel::sql_query("select name, slug, kind, created_at, updated_at from app.organization_card($1)")
        .bind::<SqlUuid, _>(org.0)
        .get_result(tx.pg())
        .await
        .optional()
        .fault()?;
    let Some(card) = card else { return Ok(None) };
    Ok(Some(Organization {
        id: org,
        name: card.name,
        slug: card.slug,
        kind: db::named(&card.kind)?,
        categories: Vec::new(),
        approval_threshold: None,
        timezone: "UTC".to_owned(),
        session_rules: SessionRules::default(),
        logo_url: None,
        suspended_at: None,
        created_at: card.created_at,
        updated_at: card.updated_at,
    }))
}

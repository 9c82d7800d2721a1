//! SQL of the domains of organisations: claimed and given up by the organisation, proven and looked at by the platform.

use chrono::TimeDelta;
use db::prelude::*;
use kernel::{Fault, OrgId, PageRequest, Timestamp, UserId};
use users_api::{Error, OrganizationDomain};
use uuid::Uuid;

use crate::schema::organization_domains as domains;

/// So many are looked at in one go.
const AT_A_TIME: i64 = 100;

#[derive(Queryable, Selectable)]
#[diesel(table_name = domains)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    domain: String,
    challenge: String,
    claimed_by: Uuid,
    created_at: Timestamp,
    proven_at: Option<Timestamp>,
    looked_at: Option<Timestamp>,
    missing_since: Option<Timestamp>,
}

impl From<Row> for OrganizationDomain {
    fn from(row: Row) -> Self {
        let Row { id, domain, challenge, claimed_by, created_at, proven_at, looked_at, missing_since } = row;
        Self { id, domain, challenge, claimed_by: UserId(claimed_by), created_at, proven_at, looked_at, missing_since }
    }
}

/// How many domains an organisation lists.
pub(crate) async fn count(tx: &mut Tx, org: OrgId) -> Result<i64, Fault> {
    domains::table.filter(domains::org_id.eq(org.0)).count().get_result(tx.pg()).await.fault()
}

/// Notes a domain that is not proven.
pub(crate) async fn insert(
    tx: &mut Tx,
    org: OrgId,
    by: UserId,
    domain: &str,
    challenge: &str,
) -> Result<OrganizationDomain, Error> {
    let at = db::touched(tx).await?;
    let row: Row = diesel::insert_into(domains::table)
        .values((
            domains::org_id.eq(org.0),
            domains::id.eq(Uuid::now_v7()),
            domains::domain.eq(domain),
            domains::challenge.eq(challenge),
            domains::claimed_by.eq(by.0),
            domains::created_at.eq(at),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .on_constraint("organization_domains_once", || Error::DomainListed)?;
    Ok(row.into())
}

/// The organisation's domains, newest first, one more than the page has.
pub(crate) async fn page(tx: &ReadTx<'_>, org: OrgId, page: PageRequest) -> Result<Vec<OrganizationDomain>, Fault> {
    let mut query = domains::table
        .filter(domains::org_id.eq(org.0))
        .order((domains::created_at.desc(), domains::id.desc()))
        .limit(page.fetch())
        .select(Row::as_select())
        .into_boxed();
    query = db::after!(query, page, domains::created_at, domains::id);
    let rows: Vec<Row> = query.load(&mut tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(OrganizationDomain::from).collect())
}

/// One of them.
pub(crate) async fn get(tx: &ReadTx<'_>, org: OrgId, id: Uuid) -> Result<OrganizationDomain, Error> {
    let query = domains::table.find((org.0, id)).select(Row::as_select());
    let row: Row = query.first(&mut tx.pg()).await.not_found(|| Error::NotFound("domain"))?;
    Ok(row.into())
}

/// Gives one up; answers what it was.
pub(crate) async fn delete(tx: &mut Tx, org: OrgId, id: Uuid) -> Result<OrganizationDomain, Error> {
    let one = diesel::delete(domains::table.find((org.0, id))).returning(Row::as_returning());
    let gone: Result<Vec<Row>, _> = one.get_results(tx.pg()).await;
    let rows = gone.on_constraint("organization_domains_enforced", || Error::DomainEnforced)?;
    Ok(rows.into_iter().next().ok_or(Error::NotFound("domain"))?.into())
}

/// Gives up all of an organisation that leaves; how many there were. For the platform.
pub(crate) async fn delete_all(tx: &mut Tx, org: OrgId) -> Result<usize, Fault> {
    diesel::delete(domains::table.filter(domains::org_id.eq(org.0))).execute(tx.pg()).await.fault()
}

/// One, locked. For the platform.
pub(crate) async fn lock(tx: &mut Tx, org: OrgId, id: Uuid) -> Result<OrganizationDomain, Error> {
    let query = domains::table.find((org.0, id)).for_update().select(Row::as_select());
    let row: Row = query.first(tx.pg()).await.not_found(|| Error::NotFound("domain"))?;
    Ok(row.into())
}

/// Notes that what proves a domain, which is locked, is published. For the platform.
pub(crate) async fn prove(tx: &mut Tx, org: OrgId, before: &OrganizationDomain) -> Result<OrganizationDomain, Error> {
    let at = db::touched(tx).await?;
    let row: Row = diesel::update(domains::table.find((org.0, before.id)))
        .set((
            domains::proven_at.eq(before.proven_at.unwrap_or(at)),
            domains::looked_at.eq(at),
            domains::tried_at.eq(at),
            domains::missing_since.eq(None::<Timestamp>),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .on_constraint("organization_domains_one_organisation", || Error::DomainTaken)?;
    Ok(row.into())
}

/// What time it is, as of what is noted of domains.
pub(crate) async fn now(tx: &mut Tx) -> Result<Timestamp, Fault> {
    db::touched(tx).await
}

/// Why a domain is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The domain name system says that nothing is published.
    Unpublished,
    /// It has not answered for long.
    Unanswered,
}

/// Notes that a domain is missing: since when, and whether it is proven all the same for now. For the platform.
pub(crate) async fn miss(
    tx: &mut Tx,
    org: OrgId,
    id: Uuid,
    why: Missing,
    (since, is_lost): (Timestamp, bool),
) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    let one = domains::table.find((org.0, id));
    // As long as nobody answers, nobody has looked.
    let looked = (why == Missing::Unpublished).then(|| domains::looked_at.eq(at));
    let tried = domains::tried_at.eq(at);
    if is_lost {
        let lost = (domains::proven_at.eq(None::<Timestamp>), domains::missing_since.eq(None::<Timestamp>), looked, tried);
        diesel::update(one).set(lost).execute(tx.pg()).await.fault()?;
    } else {
        let missed = (domains::missing_since.eq(since), looked, tried);
        diesel::update(one).set(missed).execute(tx.pg()).await.fault()?;
    }
    Ok(())
}

/// Notes that nobody answered what is published of a domain. For the platform.
pub(crate) async fn tried(tx: &mut Tx, org: OrgId, id: Uuid) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(domains::table.find((org.0, id))).set(domains::tried_at.eq(at)).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// The proven domains of all organisations that nobody has looked at for as long, those first that were not tried for longest: where nobody answers is tried
/// again each time, behind all others. For the platform.
pub(crate) async fn due(tx: &ReadTx<'_>, pause: TimeDelta) -> Result<Vec<(OrgId, OrganizationDomain)>, Fault> {
    let before = db::instant(tx).await? - pause;
    let rows: Vec<(Uuid, Row)> = domains::table
        .filter(domains::proven_at.is_not_null().and(domains::looked_at.le(before)))
        .order((domains::tried_at.asc().nulls_first(), domains::looked_at, domains::id))
        .limit(AT_A_TIME)
        .select((domains::org_id, Row::as_select()))
        .load(&mut tx.pg())
        .await
        .fault()?;
    Ok(rows.into_iter().map(|(org, row)| (OrgId(org), row.into())).collect())
}

/// Whose a domain is, as long as what proves it is published. For the platform.
pub(crate) async fn owner(tx: &ReadTx<'_>, domain: &str) -> Result<Option<OrgId>, Fault> {
    let counts = domains::domain.eq(domain).and(domains::proven_at.is_not_null()).and(domains::missing_since.is_null());
    let found: Option<Uuid> =
        domains::table.filter(counts).select(domains::org_id).first(&mut tx.pg()).await.optional().fault()?;
    Ok(found.map(OrgId))
}

/// Whether an organisation has proven a domain, also while what proves it is missing. For the platform.
pub(crate) async fn is_proven(tx: &ReadTx<'_>, org: OrgId, domain: &str) -> Result<bool, Fault> {
    let proven = domains::org_id.eq(org.0).and(domains::domain.eq(domain)).and(domains::proven_at.is_not_null());
    diesel::select(diesel::dsl::exists(domains::table.filter(proven))).get_result(&mut tx.pg()).await.fault()
}

/// Whether an organisation has proven any. For the platform.
pub(crate) async fn any_proven(tx: &mut Tx, org: OrgId) -> Result<bool, Fault> {
    let proven = domains::org_id.eq(org.0).and(domains::proven_at.is_not_null());
    diesel::select(diesel::dsl::exists(domains::table.filter(proven))).get_result(tx.pg()).await.fault()
}

/// Whether a domain is an organisation's, which stays so until this transaction ends. For the platform.
pub(crate) async fn is_of(tx: &mut Tx, org: OrgId, domain: &str) -> Result<bool, Fault> {
    let counts = domains::domain.eq(domain).and(domains::proven_at.is_not_null()).and(domains::missing_since.is_null());
    let query = domains::table.filter(domains::org_id.eq(org.0).and(counts)).for_share().select(domains::id);
    let found: Option<Uuid> = query.first(tx.pg()).await.optional().fault()?;
    Ok(found.is_some())
}

//! Rows of `soqs`.

use db::prelude::*;
use kernel::{Fault, Money, OrgId, PageRequest, ProjectId, Timestamp};
use projects_api::{Error, Soq, SoqFilter, SoqId, SoqLine, SoqStatus, SoqSummary};
use uuid::Uuid;

use super::{Teams, referred_to, team};
use crate::model::soq::Content;
use crate::schema::soqs;

#[derive(Queryable, Selectable)]
#[diesel(table_name = soqs, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    project_id: Uuid,
    title: String,
    status: String,
    version: i32,
    previous_id: Option<Uuid>,
    currency: String,
    line_count: i32,
    estimate_total_minor: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    frozen_at: Option<Timestamp>,
}

impl TryFrom<Row> for SoqSummary {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let currency = db::currency(&row.currency)?;
        Ok(Self {
            id: SoqId(row.id),
            project: ProjectId(row.project_id),
            title: row.title,
            status: db::named::<SoqStatus>(&row.status)?,
            version: row.version.unsigned_abs(),
            previous: row.previous_id.map(SoqId),
            line_count: row.line_count.unsigned_abs(),
            estimate_total: Money::from_minor(row.estimate_total_minor, currency),
            created_at: row.created_at,
            updated_at: row.updated_at,
            frozen_at: row.frozen_at,
        })
    }
}

/// The whole version, of its head and its lines.
pub(crate) fn whole(head: SoqSummary, lines: Vec<SoqLine>) -> Soq {
    Soq {
        id: head.id,
        project: head.project,
        title: head.title,
        status: head.status,
        version: head.version,
        previous: head.previous,
        currency: head.estimate_total.currency(),
        lines,
        estimate_total: head.estimate_total,
        created_at: head.created_at,
        updated_at: head.updated_at,
        frozen_at: head.frozen_at,
    }
}

const ABSENT: Error = Error::NotFound("schedule of quantities");

fn count(lines: usize) -> Result<i32, Fault> {
    i32::try_from(lines).map_err(Fault::internal)
}

pub(crate) async fn insert(tx: &mut Tx, org: OrgId, project: ProjectId, content: &Content) -> Result<SoqSummary, Error> {
    let row: Row = diesel::insert_into(soqs::table)
        .values((
            soqs::org_id.eq(org.0),
            soqs::id.eq(SoqId::new().0),
            soqs::project_id.eq(project.0),
            soqs::title.eq(&content.title),
            soqs::version.eq(1),
            soqs::currency.eq(content.total.currency().code()),
            soqs::line_count.eq(count(content.lines.len())?),
            soqs::estimate_total_minor.eq(content.total.minor()),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok(row.try_into()?)
}

pub(crate) async fn insert_next(tx: &mut Tx, org: OrgId, previous: &SoqSummary) -> Result<SoqSummary, Error> {
    let version = previous.version + 1;
    let row: Row = diesel::insert_into(soqs::table)
        .values((
            soqs::org_id.eq(org.0),
            soqs::id.eq(SoqId::new().0),
            soqs::project_id.eq(previous.project.0),
            soqs::title.eq(&previous.title),
            soqs::version.eq(i32::try_from(version).map_err(Fault::internal)?),
            soqs::previous_id.eq(previous.id.0),
            soqs::currency.eq(previous.estimate_total.currency().code()),
            soqs::line_count.eq(count(previous.line_count as usize)?),
            soqs::estimate_total_minor.eq(previous.estimate_total.minor()),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .on_constraint("soqs_org_id_previous_id_key", || Error::SoqSuperseded { version })?;
    Ok(row.try_into()?)
}

/// One page, newest first: exactly one statement.
pub(crate) async fn page(
    tx: &ReadTx<'_>,
    org: OrgId,
    teams: &Teams<'_>,
    filter: SoqFilter,
    page: PageRequest,
) -> Result<Vec<SoqSummary>, Fault> {
    let mut query = soqs::table
        .filter(soqs::org_id.eq(org.0))
        .select(Row::as_select())
        .order((soqs::created_at.desc(), soqs::id.desc()))
        .limit(page.fetch())
        .into_boxed::<diesel::pg::Pg>();
    query = team::within!(query, teams, soqs::project_id, "soqs", "project_id");
    if let Some(project) = filter.project {
        query = query.filter(soqs::project_id.eq(project.0));
    }
    if let Some(status) = filter.status {
        query = query.filter(soqs::status.eq(status.name()));
    }
    query = db::after!(query, page, soqs::created_at, soqs::id);
    let rows: Vec<Row> = query.load(&mut tx.pg()).await.fault()?;
    rows.into_iter().map(SoqSummary::try_from).collect()
}

pub(crate) async fn get(tx: &ReadTx<'_>, org: OrgId, id: SoqId) -> Result<SoqSummary, Error> {
    let query = soqs::table.find((org.0, id.0)).select(Row::as_select());
    let row: Row = query.get_result(&mut tx.pg()).await.not_found(|| ABSENT)?;
    Ok(row.try_into()?)
}

/// Held against change until the end of the transaction, also by others who hold it so.
pub(crate) async fn lock_shared(tx: &mut Tx, org: OrgId, id: SoqId) -> Result<SoqSummary, Error> {
    let query = soqs::table.find((org.0, id.0)).select(Row::as_select()).for_share();
    let row: Row = query.get_result(tx.pg()).await.not_found(|| ABSENT)?;
    Ok(row.try_into()?)
}

/// Locked for a change of it or of its lines.
pub(crate) async fn lock(tx: &mut Tx, org: OrgId, id: SoqId) -> Result<SoqSummary, Error> {
    let query = soqs::table.find((org.0, id.0)).select(Row::as_select()).for_no_key_update();
    let row: Row = query.get_result(tx.pg()).await.not_found(|| ABSENT)?;
    Ok(row.try_into()?)
}

pub(crate) async fn update(tx: &mut Tx, org: OrgId, id: SoqId, content: &Content) -> Result<SoqSummary, Error> {
    let at = db::touched(tx).await?;
    let row: Row = diesel::update(soqs::table.find((org.0, id.0)))
        .set((
            soqs::title.eq(&content.title),
            soqs::line_count.eq(count(content.lines.len())?),
            soqs::estimate_total_minor.eq(content.total.minor()),
            soqs::updated_at.eq(at),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok(row.try_into()?)
}

pub(crate) async fn freeze(tx: &mut Tx, org: OrgId, id: SoqId) -> Result<SoqSummary, Error> {
    let at = db::touched(tx).await?;
    let row: Row = diesel::update(soqs::table.find((org.0, id.0)))
        .set((soqs::status.eq(SoqStatus::Frozen.name()), soqs::frozen_at.eq(at), soqs::updated_at.eq(at)))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok(row.try_into()?)
}

pub(crate) async fn delete(tx: &mut Tx, org: OrgId, id: SoqId) -> Result<(), Error> {
    let deleted = diesel::delete(soqs::table.find((org.0, id.0))).execute(tx.pg()).await;
    referred_to(deleted, Error::SoqInUse)?;
    Ok(())
}

//! Rows of `projects`.

use chrono::NaiveDate;
use db::prelude::*;
use diesel::dsl::{exists, select};
use kernel::{Fault, Money, OrgId, PageRequest, ProjectId, Timestamp, UserId};
use projects_api::{Error, Project, ProjectDetails, ProjectStatus};
use uuid::Uuid;

use super::{Teams, referred_to, team};
use crate::schema::projects;

#[derive(Queryable, Selectable)]
#[diesel(table_name = projects, check_for_backend(diesel::pg::Pg))]
struct Row {
    org_id: Uuid,
    id: Uuid,
    owner_id: Uuid,
    name: String,
    description: Option<String>,
    address: Option<String>,
    status: String,
    currency: String,
    budget_minor: Option<i64>,
    starts_on: Option<NaiveDate>,
    ends_on: Option<NaiveDate>,
    tendered_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<Row> for Project {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let currency = db::currency(&row.currency)?;
        Ok(Self {
            id: ProjectId(row.id),
            org: OrgId(row.org_id),
            owner: UserId(row.owner_id),
            name: row.name,
            description: row.description,
            address: row.address,
            status: db::named::<ProjectStatus>(&row.status)?,
            currency,
            budget: row.budget_minor.map(|minor| Money::from_minor(minor, currency)),
            starts_on: row.starts_on,
            ends_on: row.ends_on,
            tendered_at: row.tendered_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

#[derive(QueryableByName)]
struct Today {
    #[diesel(sql_type = diesel::sql_types::Date)]
    today: NaiveDate,
}

/// The day, by the clock that decides deadlines.
pub(crate) async fn today(tx: &mut Tx) -> Result<NaiveDate, Fault> {
    let sql = "select (app.now() at time zone 'UTC')::date as today";
    let row: Today = diesel::sql_query(sql).get_result(tx.pg()).await.fault()?;
    Ok(row.today)
}

#[derive(Insertable)]
#[diesel(table_name = projects)]
struct NewRow<'a> {
    org_id: Uuid,
    id: Uuid,
    owner_id: Uuid,
    name: &'a str,
    description: Option<&'a str>,
    address: Option<&'a str>,
    currency: &'a str,
    budget_minor: Option<i64>,
    starts_on: Option<NaiveDate>,
    ends_on: Option<NaiveDate>,
}

#[derive(AsChangeset)]
#[diesel(table_name = projects, treat_none_as_null = true)]
struct Changes<'a> {
    name: &'a str,
    description: Option<&'a str>,
    address: Option<&'a str>,
    status: &'a str,
    currency: &'a str,
    budget_minor: Option<i64>,
    starts_on: Option<NaiveDate>,
    ends_on: Option<NaiveDate>,
}

const ABSENT: Error = Error::NotFound("project");

pub(crate) async fn insert(tx: &mut Tx, org: OrgId, owner: UserId, new: &ProjectDetails) -> Result<Project, Error> {
    let row = NewRow {
        org_id: org.0,
        id: ProjectId::new().0,
        owner_id: owner.0,
        name: &new.name,
        description: new.description.as_deref(),
        address: new.address.as_deref(),
        currency: new.currency.code(),
        budget_minor: new.budget.map(Money::minor),
        starts_on: new.starts_on,
        ends_on: new.ends_on,
    };
    let row: Row =
        diesel::insert_into(projects::table).values(row).returning(Row::as_returning()).get_result(tx.pg()).await.fault()?;
    Ok(row.try_into()?)
}

/// One page, newest first: exactly one statement, whatever is asked for.
pub(crate) async fn page(
    tx: &ReadTx<'_>,
    org: OrgId,
    teams: &Teams<'_>,
    status: Option<ProjectStatus>,
    page: PageRequest,
) -> Result<Vec<Project>, Fault> {
    let mut query = projects::table
        .filter(projects::org_id.eq(org.0))
        .select(Row::as_select())
        .order((projects::created_at.desc(), projects::id.desc()))
        .limit(page.fetch())
        .into_boxed::<diesel::pg::Pg>();
    query = team::within!(query, teams, projects::id, "projects", "id");
    if let Some(status) = status {
        query = query.filter(projects::status.eq(status.name()));
    }
    query = db::after!(query, page, projects::created_at, projects::id);
    let rows: Vec<Row> = query.load(&mut tx.pg()).await.fault()?;
    rows.into_iter().map(Project::try_from).collect()
}

pub(crate) async fn get(tx: &ReadTx<'_>, org: OrgId, id: ProjectId) -> Result<Project, Error> {
    let query = projects::table.find((org.0, id.0)).select(Row::as_select());
    let row: Row = query.get_result(&mut tx.pg()).await.not_found(|| ABSENT)?;
    Ok(row.try_into()?)
}

pub(crate) async fn find(tx: &mut Tx, org: OrgId, id: ProjectId) -> Result<Project, Error> {
    let query = projects::table.find((org.0, id.0)).select(Row::as_select());
    let row: Row = query.get_result(tx.pg()).await.not_found(|| ABSENT)?;
    Ok(row.try_into()?)
}

/// Held against change until the end of the transaction, also by others who hold it so.
pub(crate) async fn lock_shared(tx: &mut Tx, org: OrgId, id: ProjectId) -> Result<Project, Error> {
    let query = projects::table.find((org.0, id.0)).select(Row::as_select()).for_share();
    let row: Row = query.get_result(tx.pg()).await.not_found(|| ABSENT)?;
    Ok(row.try_into()?)
}

/// Locked for a change of it or of its team.
pub(crate) async fn lock(tx: &mut Tx, org: OrgId, id: ProjectId) -> Result<Project, Error> {
    let query = projects::table.find((org.0, id.0)).select(Row::as_select()).for_no_key_update();
    let row: Row = query.get_result(tx.pg()).await.not_found(|| ABSENT)?;
    Ok(row.try_into()?)
}

pub(crate) async fn exists_read(tx: &ReadTx<'_>, org: OrgId, id: ProjectId) -> Result<(), Error> {
    if is_there(tx, org, id).await? { Ok(()) } else { Err(ABSENT) }
}

/// Whether the organisation has the project.
pub(crate) async fn is_there(tx: &ReadTx<'_>, org: OrgId, id: ProjectId) -> Result<bool, Fault> {
    select(exists(projects::table.find((org.0, id.0)))).get_result(&mut tx.pg()).await.fault()
}

pub(crate) async fn update(
    tx: &mut Tx,
    org: OrgId,
    id: ProjectId,
    details: &ProjectDetails,
    status: ProjectStatus,
) -> Result<Project, Error> {
    let changes = Changes {
        name: &details.name,
        description: details.description.as_deref(),
        address: details.address.as_deref(),
        status: status.name(),
        currency: details.currency.code(),
        budget_minor: details.budget.map(Money::minor),
        starts_on: details.starts_on,
        ends_on: details.ends_on,
    };
    let at = db::touched(tx).await?;
    let row: Row = diesel::update(projects::table.find((org.0, id.0)))
        .set((changes, projects::updated_at.eq(at)))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .on_constraint("soqs_project_currency_fkey", || Error::CurrencyFixed)?;
    Ok(row.try_into()?)
}

/// Notes that a tender of a project, which is locked, was published.
pub(crate) async fn mark_tendered(tx: &mut Tx, project: &Project) -> Result<Project, Error> {
    let at = db::touched(tx).await?;
    let row: Row = diesel::update(projects::table.find((project.org.0, project.id.0)))
        .set((
            projects::tendered_at.eq(project.tendered_at.unwrap_or(at)),
            projects::status.eq(ProjectStatus::Active.name()),
            projects::updated_at.eq(at),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .not_found(|| ABSENT)?;
    Ok(row.try_into()?)
}

pub(crate) async fn delete(tx: &mut Tx, org: OrgId, id: ProjectId) -> Result<(), Error> {
    let deleted = diesel::delete(projects::table.find((org.0, id.0))).execute(tx.pg()).await;
    referred_to(deleted, Error::ProjectInUse)?;
    Ok(())
}

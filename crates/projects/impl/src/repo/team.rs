//! Rows of `project_members`.

use db::prelude::*;
use kernel::{Fault, OrgId, PageRequest, ProjectId, ProjectRole, Timestamp, UserId};
use projects_api::{Error, NewTeamMember, TeamMember};
use uuid::Uuid;

use crate::schema::project_members as members;

#[derive(Queryable, Selectable)]
#[diesel(table_name = members, check_for_backend(diesel::pg::Pg))]
struct Row {
    project_id: Uuid,
    user_id: Uuid,
    role: String,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<Row> for TeamMember {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(Self {
            project: ProjectId(row.project_id),
            user: UserId(row.user_id),
            role: role(&row.role)?,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

fn role(name: &str) -> Result<ProjectRole, Fault> {
    db::named(name)
}

pub(crate) async fn insert(tx: &mut Tx, org: OrgId, project: ProjectId, new: NewTeamMember) -> Result<TeamMember, Error> {
    let row: Row = diesel::insert_into(members::table)
        .values((
            members::org_id.eq(org.0),
            members::project_id.eq(project.0),
            members::user_id.eq(new.user.0),
            members::role.eq(new.role.name()),
        ))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .on_constraint("project_members_pkey", || Error::AlreadyInTeam)?;
    Ok(row.try_into()?)
}

pub(crate) async fn page(tx: &ReadTx<'_>, org: OrgId, project: ProjectId, page: PageRequest) -> Result<Vec<TeamMember>, Fault> {
    let mut query = members::table
        .filter(members::org_id.eq(org.0).and(members::project_id.eq(project.0)))
        .select(Row::as_select())
        .order((members::created_at.desc(), members::user_id.desc()))
        .limit(page.fetch())
        .into_boxed::<diesel::pg::Pg>();
    query = db::after!(query, page, members::created_at, members::user_id);
    let rows: Vec<Row> = query.load(&mut tx.pg()).await.fault()?;
    rows.into_iter().map(TeamMember::try_from).collect()
}

pub(crate) async fn find(tx: &mut Tx, org: OrgId, project: ProjectId, user: UserId) -> Result<TeamMember, Error> {
    let query = members::table.find((org.0, project.0, user.0)).select(Row::as_select());
    let row: Row = query.get_result(tx.pg()).await.not_found(|| Error::NotFound("member of the team"))?;
    Ok(row.try_into()?)
}

/// How many run the project. Steady only under the project's lock.
pub(crate) async fn owners(tx: &mut Tx, org: OrgId, project: ProjectId) -> Result<i64, Fault> {
    members::table
        .filter(members::org_id.eq(org.0).and(members::project_id.eq(project.0)))
        .filter(members::role.eq(ProjectRole::ProjectOwner.name()))
        .count()
        .get_result(tx.pg())
        .await
        .fault()
}

pub(crate) async fn set_role(tx: &mut Tx, org: OrgId, project: ProjectId, change: NewTeamMember) -> Result<TeamMember, Error> {
    let at = db::touched(tx).await?;
    let row: Row = diesel::update(members::table.find((org.0, project.0, change.user.0)))
        .set((members::role.eq(change.role.name()), members::updated_at.eq(at)))
        .returning(Row::as_returning())
        .get_result(tx.pg())
        .await
        .not_found(|| Error::NotFound("member of the team"))?;
    Ok(row.try_into()?)
}

pub(crate) async fn delete(tx: &mut Tx, org: OrgId, project: ProjectId, user: UserId) -> Result<(), Fault> {
    diesel::delete(members::table.find((org.0, project.0, user.0))).execute(tx.pg()).await.fault()?;
    Ok(())
}

/// Narrows a boxed list to the projects that [`super::Teams`] names, by the column of the list's table that says the project.
///
/// Of few projects the ids are bound. For who is in very many, each row of the list is asked for in its order, until the page is full: joined, the
/// planner would read all their teams for every page.
macro_rules! within {
    ($query:ident, $teams:expr, $column:expr, $table:literal, $name:literal) => {
        match $teams {
            $crate::repo::Teams::All => $query,
            $crate::repo::Teams::Few(projects) => {
                $query.filter($column.eq_any(projects.iter().map(|project| project.0).collect::<Vec<_>>()))
            }
            $crate::repo::Teams::Many(user, roles) => $query.filter(
                diesel::dsl::sql::<diesel::sql_types::Bool>(concat!(
                    "(select m.role from project_members m where m.org_id = ",
                    $table,
                    ".org_id and m.project_id = ",
                    $table,
                    ".",
                    $name,
                    " and m.user_id = "
                ))
                .bind::<diesel::sql_types::Uuid, _>(user.0)
                .sql(") = any (")
                .bind::<diesel::sql_types::Array<diesel::sql_types::Text>, _>(
                    roles.iter().map(|role| role.name()).collect::<Vec<_>>(),
                )
                .sql(")"),
            ),
        }
    };
}
pub(super) use within;

/// Everybody in the team.
pub(crate) async fn users(tx: &mut Tx, org: OrgId, project: ProjectId) -> Result<Vec<UserId>, Fault> {
    let team = members::org_id.eq(org.0).and(members::project_id.eq(project.0));
    let query = members::table.filter(team).select(members::user_id);
    let rows: Vec<Uuid> = query.load(tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(UserId).collect())
}

/// A person's roles in the organisation's projects, as the platform: no tenant is entered yet.
pub(crate) async fn roles(tx: &ReadTx<'_>, org: OrgId, user: UserId) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
    let one = members::org_id.eq(org.0).and(members::user_id.eq(user.0));
    named(members::table.filter(one).select((members::project_id, members::role)).load(&mut tx.pg()).await.fault()?)
}

/// Those of them in these projects: a row of the primary key each.
pub(crate) async fn roles_among(
    tx: &ReadTx<'_>,
    org: OrgId,
    user: UserId,
    projects: &[ProjectId],
) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
    let ids: Vec<Uuid> = projects.iter().map(|project| project.0).collect();
    let some = members::org_id.eq(org.0).and(members::user_id.eq(user.0)).and(members::project_id.eq_any(ids));
    named(members::table.filter(some).select((members::project_id, members::role)).load(&mut tx.pg()).await.fault()?)
}

/// A person's role in one project's team.
pub(crate) async fn role_in(tx: &mut Tx, org: OrgId, project: ProjectId, user: UserId) -> Result<Option<ProjectRole>, Fault> {
    let query = members::table.find((org.0, project.0, user.0)).select(members::role);
    let name: Option<String> = query.first(tx.pg()).await.optional().fault()?;
    name.as_deref().map(role).transpose()
}

/// Takes a person out of all teams of the organisation; which roles they had, by project.
pub(crate) async fn leave(tx: &mut Tx, org: OrgId, user: UserId) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
    let one = members::table.filter(members::org_id.eq(org.0).and(members::user_id.eq(user.0)));
    let lost = diesel::delete(one).returning((members::project_id, members::role));
    let mut lost: Vec<(Uuid, String)> = lost.get_results(tx.pg()).await.fault()?;
    lost.sort_unstable();
    named(lost)
}

#[derive(QueryableByName)]
struct StrangerRow {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    org_id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    project_id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    user_id: Uuid,
}

/// Who has a role in a team and is nobody of the organisation, across all tenants. For the platform: memberships stand elsewhere, and no reference holds the two together.
pub(crate) async fn strangers(tx: &ReadTx<'_>) -> Result<Vec<(OrgId, ProjectId, UserId)>, Fault> {
    let sql = "select t.org_id, t.project_id, t.user_id from project_members t
        where not exists (select from memberships m where m.org_id = t.org_id and m.user_id = t.user_id) order by 1, 2, 3";
    let rows: Vec<StrangerRow> = diesel::sql_query(sql).load(&mut tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(|row| (OrgId(row.org_id), ProjectId(row.project_id), UserId(row.user_id))).collect())
}

fn named(rows: Vec<(Uuid, String)>) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
    rows.into_iter().map(|(project, name)| Ok((ProjectId(project), role(&name)?))).collect()
}

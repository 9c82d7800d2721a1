//! Rows of `units` and `unit_floors`.

use std::collections::{HashMap, HashSet};

use db::prelude::*;
use kernel::{Fault, OrgId, PageRequest, ProjectId, Timestamp};
use projects_api::{Error, Floor, NewUnit, Unit, UnitId};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::schema::{unit_floors, units};

/// Rows per insert: four values each, and a statement takes 65,535.
const BATCH: usize = 5000;

#[derive(Queryable, Selectable)]
#[diesel(table_name = units, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    project_id: Uuid,
    unit_number: String,
    total_floor_area: Decimal,
    number_of_floors: i32,
    number_of_rooms: i32,
    number_of_bathrooms: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Row {
    fn with(self, floors: Vec<Floor>) -> Unit {
        Unit {
            id: UnitId(self.id),
            project: ProjectId(self.project_id),
            unit_number: self.unit_number,
            total_floor_area: self.total_floor_area,
            number_of_floors: self.number_of_floors,
            number_of_rooms: self.number_of_rooms,
            number_of_bathrooms: self.number_of_bathrooms,
            floors,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = units)]
struct NewRow<'a> {
    org_id: Uuid,
    id: Uuid,
    project_id: Uuid,
    unit_number: &'a str,
    total_floor_area: Decimal,
    number_of_floors: i32,
    number_of_rooms: i32,
    number_of_bathrooms: i32,
}

#[derive(Insertable)]
#[diesel(table_name = unit_floors)]
struct NewFloor {
    org_id: Uuid,
    unit_id: Uuid,
    floor_number: i32,
    floor_area: Decimal,
}

/// Which of these numbers the project has already, in the order of `new`.
pub(crate) async fn taken(tx: &mut Tx, org: OrgId, project: ProjectId, new: &[NewUnit]) -> Result<Option<String>, Fault> {
    let numbers: Vec<&str> = new.iter().map(|unit| unit.unit_number.as_str()).collect();
    let query = units::table
        .filter(units::org_id.eq(org.0).and(units::project_id.eq(project.0)))
        .filter(units::unit_number.eq_any(numbers))
        .select(units::unit_number);
    let there: HashSet<String> = query.load(tx.pg()).await.fault()?.into_iter().collect();
    Ok(new.iter().map(|unit| &unit.unit_number).find(|number| there.contains(*number)).cloned())
}

pub(crate) async fn insert(tx: &mut Tx, org: OrgId, project: ProjectId, new: Vec<NewUnit>) -> Result<Vec<Unit>, Error> {
    let rows: Vec<NewRow<'_>> = new
        .iter()
        .map(|unit| NewRow {
            org_id: org.0,
            id: UnitId::new().0,
            project_id: project.0,
            unit_number: &unit.unit_number,
            total_floor_area: unit.total_floor_area,
            number_of_floors: unit.number_of_floors,
            number_of_rooms: unit.number_of_rooms,
            number_of_bathrooms: unit.number_of_bathrooms,
        })
        .collect();
    let inserted = match tx.savepoint(async |tx| insert_rows(tx, &rows).await).await {
        // Somebody was faster than the look before. Which number it was the error tells only in the server's language.
        Err(Error::UnitNumberTaken(_)) => {
            let number = taken(tx, org, project, &new).await?.unwrap_or_default();
            return Err(Error::UnitNumberTaken(number));
        }
        inserted => inserted?,
    };
    let floors: Vec<NewFloor> = inserted
        .iter()
        .zip(&new)
        .flat_map(|(row, unit)| unit.floors.iter().map(|floor| (row.id, floor)))
        .map(|(unit_id, floor)| NewFloor {
            org_id: org.0,
            unit_id,
            floor_number: floor.floor_number,
            floor_area: floor.floor_area,
        })
        .collect();
    for batch in floors.chunks(BATCH) {
        diesel::insert_into(unit_floors::table).values(batch).execute(tx.pg()).await.fault()?;
    }
    Ok(inserted.into_iter().zip(new).map(|(row, unit)| row.with(unit.floors)).collect())
}

async fn insert_rows(tx: &mut Tx, rows: &[NewRow<'_>]) -> Result<Vec<Row>, Error> {
    let inserted = diesel::insert_into(units::table).values(rows).returning(Row::as_returning()).load(tx.pg()).await;
    inserted.on_constraint("units_org_id_project_id_unit_number_key", || Error::UnitNumberTaken(String::new()))
}

pub(crate) async fn page(tx: &ReadTx<'_>, org: OrgId, project: ProjectId, page: PageRequest) -> Result<Vec<Unit>, Fault> {
    let mut query = units::table
        .filter(units::org_id.eq(org.0).and(units::project_id.eq(project.0)))
        .select(Row::as_select())
        .order((units::created_at.desc(), units::id.desc()))
        .limit(page.fetch())
        .into_boxed::<diesel::pg::Pg>();
    query = db::after!(query, page, units::created_at, units::id);
    let rows: Vec<Row> = query.load(&mut tx.pg()).await.fault()?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let floors: Vec<(Uuid, i32, Decimal)> = unit_floors::table
        .filter(unit_floors::org_id.eq(org.0).and(unit_floors::unit_id.eq_any(ids)))
        .order((unit_floors::unit_id, unit_floors::floor_number))
        .select((unit_floors::unit_id, unit_floors::floor_number, unit_floors::floor_area))
        .load(&mut tx.pg())
        .await
        .fault()?;
    let mut by_unit: HashMap<Uuid, Vec<Floor>> = HashMap::with_capacity(rows.len());
    for (unit, floor_number, floor_area) in floors {
        by_unit.entry(unit).or_default().push(Floor { floor_number, floor_area });
    }
    Ok(rows
        .into_iter()
        .map(|row| {
            let floors = by_unit.remove(&row.id).unwrap_or_default();
            row.with(floors)
        })
        .collect())
}

/// Which of these are units of the project.
pub(crate) async fn of_project(
    tx: &mut Tx,
    org: OrgId,
    project: ProjectId,
    ids: &HashSet<UnitId>,
) -> Result<HashSet<UnitId>, Fault> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let of_project = units::org_id.eq(org.0).and(units::project_id.eq(project.0));
    let query = units::table.filter(of_project).filter(units::id.eq_any(ids)).select(units::id);
    let rows: Vec<Uuid> = query.load(tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(UnitId).collect())
}

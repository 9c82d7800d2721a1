//! `/api/projects/{id}/units`.

use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use kernel::ProjectId;
use projects_api::{Floor, NewUnit, Unit, Units};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authed, Decimal4, Decimal4Out, Id, Idempotent, Json, List, Listing, Paging, Problem, Reply};

/// A floor of a unit to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewFloor, example = json!({"floorNumber": 0, "floorArea": "61.25"}))]
pub(crate) struct FloorIn {
    /// -9 to 200, unique in the unit: 0 is the ground floor, basements are below.
    #[schema(minimum = -9, maximum = 200, extensions(("x-left-to-rules" = json!(true))))]
    floor_number: i32,
    /// In m², greater than 0.
    floor_area: Decimal4,
}

// The bounds of numbers are the rules' to tell, together with what the floors have wrong as a whole: the schema has them for readers alone.
/// A unit to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewUnit, example = json!({
    "unitNumber": "A1", "totalFloorArea": "120.50", "numberOfFloors": 2, "numberOfRooms": 5, "numberOfBathrooms": 2,
    "floors": [{"floorNumber": 0, "floorArea": "61.25"}, {"floorNumber": 1, "floorArea": "59.25"}]
}))]
pub(crate) struct UnitIn {
    /// Its number as people say it, unique in the project.
    #[schema(min_length = 1, max_length = 50)]
    unit_number: String,
    /// In m², greater than 0; the floors' areas add up to it, give or take 0.01.
    total_floor_area: Decimal4,
    /// 1 to 210; as many as `floors` has.
    #[schema(minimum = 1, maximum = 210, extensions(("x-left-to-rules" = json!(true))))]
    number_of_floors: i32,
    /// 1 to 10,000.
    #[schema(minimum = 1, maximum = 10000, extensions(("x-left-to-rules" = json!(true))))]
    number_of_rooms: i32,
    /// 1 to 10,000.
    #[schema(minimum = 1, maximum = 10000, extensions(("x-left-to-rules" = json!(true))))]
    number_of_bathrooms: i32,
    /// Each of them, in any order.
    #[schema(max_items = 210)]
    floors: Vec<FloorIn>,
}

/// Units to be added, all or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewUnits, example = json!({"units": [{
    "unitNumber": "A1", "totalFloorArea": "120.50", "numberOfFloors": 2, "numberOfRooms": 5, "numberOfBathrooms": 2,
    "floors": [{"floorNumber": 0, "floorArea": "61.25"}, {"floorNumber": 1, "floorArea": "59.25"}]
}]}))]
pub(crate) struct UnitsIn {
    /// All are added, or none.
    #[schema(min_items = 1, max_items = 500)]
    units: Vec<UnitIn>,
}

impl From<UnitIn> for NewUnit {
    fn from(unit: UnitIn) -> Self {
        Self {
            unit_number: unit.unit_number,
            total_floor_area: unit.total_floor_area.0,
            number_of_floors: unit.number_of_floors,
            number_of_rooms: unit.number_of_rooms,
            number_of_bathrooms: unit.number_of_bathrooms,
            floors: unit
                .floors
                .into_iter()
                .map(|floor| Floor { floor_number: floor.floor_number, floor_area: floor.floor_area.0 })
                .collect(),
        }
    }
}

/// A floor of a unit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Floor, example = json!({"floorNumber": 0, "floorArea": "61.25"}))]
pub(crate) struct FloorOut {
    /// Unique in the unit: 0 is the ground floor, basements are below.
    #[schema(minimum = -9, maximum = 200)]
    floor_number: i32,
    /// In m².
    floor_area: Decimal4Out,
}

/// A unit (house, apartment) of a project.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Unit, example = json!({
    "id": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b16", "projectId": "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b11", "unitNumber": "A1",
    "totalFloorArea": "120.5", "numberOfFloors": 2, "numberOfRooms": 5, "numberOfBathrooms": 2,
    "floors": [{"floorNumber": 0, "floorArea": "61.25"}, {"floorNumber": 1, "floorArea": "59.25"}],
    "createdAt": "2026-11-21T08:40:00Z", "updatedAt": "2026-11-21T08:40:00Z"
}))]
pub(crate) struct UnitOut {
    /// The unit's id.
    id: Uuid,
    /// Its project.
    project_id: Uuid,
    /// Its number as people say it, unique in the project.
    unit_number: String,
    /// In m².
    total_floor_area: Decimal4Out,
    /// How many floors it has.
    #[schema(minimum = 1, maximum = 210)]
    number_of_floors: i32,
    /// How many rooms it has.
    #[schema(minimum = 1, maximum = 10000)]
    number_of_rooms: i32,
    /// How many bathrooms it has.
    #[schema(minimum = 1, maximum = 10000)]
    number_of_bathrooms: i32,
    /// The lowest first.
    #[schema(max_items = 210)]
    floors: Vec<FloorOut>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

impl From<&Unit> for UnitOut {
    fn from(unit: &Unit) -> Self {
        Self {
            id: unit.id.0,
            project_id: unit.project.0,
            unit_number: unit.unit_number.clone(),
            total_floor_area: Decimal4Out(unit.total_floor_area),
            number_of_floors: unit.number_of_floors,
            number_of_rooms: unit.number_of_rooms,
            number_of_bathrooms: unit.number_of_bathrooms,
            floors: unit
                .floors
                .iter()
                .map(|floor| FloorOut { floor_number: floor.floor_number, floor_area: Decimal4Out(floor.floor_area) })
                .collect(),
            created_at: unit.created_at,
            updated_at: unit.updated_at,
        }
    }
}

/// The units that were added, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AddedUnits)]
pub(crate) struct UnitsOut {
    /// The new units, in the order of the request.
    data: Vec<UnitOut>,
}

/// List a project's units.
///
/// Each with its floors.
#[utoipa::path(params(Paging), responses((status = 200, description = "Newest first", body = List<UnitOut>)))]
#[get("/api/projects/{id}/units")]
pub(crate) async fn list(
    Authed(ctx): Authed,
    Id(project): Id<ProjectId>,
    listing: Listing,
    service: Data<dyn Units>,
) -> Result<HttpResponse, Problem> {
    let page = service.list(&ctx, project, listing.page()).await?;
    Ok(listing.reply(page, |unit| UnitOut::from(&unit)))
}

/// Add units to a project.
///
/// All or none. Every fault of every unit is told at once, with a pointer such as `/units/0/floors`.
#[utoipa::path(responses(
    (status = 201, description = "The new units", body = UnitsOut),
    (status = 409, description = "`UNIT_NUMBER_TAKEN`: the project has a unit of that number"),
    (status = 422, description = "Every fault of every unit: such as `DUPLICATE`, `FLOOR_COUNT_MISMATCH`, `FLOOR_AREA_MISMATCH`")
))]
#[post("/api/projects/{id}/units")]
pub(crate) async fn add(
    Authed(ctx): Authed,
    Id(project): Id<ProjectId>,
    once: Idempotent,
    service: Data<dyn Units>,
    body: Json<UnitsIn>,
) -> Result<HttpResponse, Problem> {
    let new: Vec<NewUnit> = body.0.units.into_iter().map(Into::into).collect();
    let render = move |units: &Vec<Unit>| {
        Reply::created(format!("/api/projects/{project}/units"), &UnitsOut { data: units.iter().map(Into::into).collect() })
    };
    once.run(ctx, async |ctx| service.add(&ctx, project, new).await, render).await
}

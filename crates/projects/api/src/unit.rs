//! Units (houses, apartments) with their floors, and the verbs on them.

use async_trait::async_trait;
use kernel::{Ctx, Page, PageRequest, ProjectId, Timestamp};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{Error, UnitId};

/// A floor of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Floor {
    /// 0 is the ground floor, basements are below; unique in the unit.
    pub floor_number: i32,
    /// Its area in m².
    pub floor_area: Decimal,
}

/// A unit to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUnit {
    /// Its number as people say it, unique in the project.
    pub unit_number: String,
    /// In m²; the floors' areas add up to it, give or take 0.01.
    pub total_floor_area: Decimal,
    /// As many as `floors` has.
    pub number_of_floors: i32,
    /// Rooms.
    pub number_of_rooms: i32,
    /// Bathrooms.
    pub number_of_bathrooms: i32,
    /// Its floors.
    pub floors: Vec<Floor>,
}

/// A unit (house, apartment) of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unit {
    /// Its id.
    pub id: UnitId,
    /// Its project.
    pub project: ProjectId,
    /// Its number as people say it, unique in the project.
    pub unit_number: String,
    /// In m².
    pub total_floor_area: Decimal,
    /// How many floors it has.
    pub number_of_floors: i32,
    /// Rooms.
    pub number_of_rooms: i32,
    /// Bathrooms.
    pub number_of_bathrooms: i32,
    /// Its floors, the lowest first.
    pub floors: Vec<Floor>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The verbs on units.
#[async_trait]
pub trait Units: Send + Sync {
    /// Adds units to a project, all or none.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::UnitNumberTaken`]; [`Error::Invalid`] with every fault of every unit.
    async fn add(&self, ctx: &Ctx, project: ProjectId, new: Vec<NewUnit>) -> Result<Vec<Unit>, Error>;

    /// A project's units, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn list(&self, ctx: &Ctx, project: ProjectId, page: PageRequest) -> Result<Page<Unit>, Error>;
}

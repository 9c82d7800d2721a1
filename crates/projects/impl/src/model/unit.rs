//! The rules of units: positive numbers, and floors that add up to their unit.

use std::collections::{HashMap, HashSet};

use projects_api::{Error, NewUnit};
use rust_decimal::Decimal;

use super::Faults;

/// The most units of one call.
pub(crate) const MOST_UNITS: usize = 500;
/// Basements and storeys.
const FLOOR_NUMBERS: std::ops::RangeInclusive<i32> = -9..=200;
const MOST_FLOORS: i32 = 210;
const MOST_ROOMS: i32 = 10_000;

/// How far the floors' areas may be from the unit's: 0.01.
fn tolerance() -> Decimal {
    Decimal::new(1, 2)
}

/// Units as they are kept: numbers trimmed, floors from the lowest to the highest.
///
/// # Errors
/// [`Error::Invalid`] with every fault of every unit.
pub(crate) fn checked(units: Vec<NewUnit>) -> Result<Vec<NewUnit>, Error> {
    let mut faults = Faults::default();
    if units.is_empty() {
        faults.push("/units", "TOO_FEW", "must have at least 1 unit");
    }
    if units.len() > MOST_UNITS {
        faults.push("/units", "TOO_MANY", format!("at most {MOST_UNITS} units can be added at once"));
        faults.finish()?;
        return Ok(units);
    }
    let mut seen: HashMap<String, usize> = HashMap::with_capacity(units.len());
    let mut kept = Vec::with_capacity(units.len());
    for (index, mut unit) in units.into_iter().enumerate() {
        let at = format!("/units/{index}");
        unit.unit_number = faults.text(&format!("{at}/unitNumber"), &unit.unit_number, 50);
        if let Some(first) = seen.insert(unit.unit_number.clone(), index)
            && !unit.unit_number.is_empty()
        {
            let detail = format!("units/{first} has the same number: it must be unique in the project");
            faults.push(format!("{at}/unitNumber"), "DUPLICATE", detail);
        }
        check_numbers(&unit, &at, &mut faults);
        check_floors(&unit, &at, &mut faults);
        unit.floors.sort_by_key(|floor| floor.floor_number);
        kept.push(unit);
    }
    faults.finish()?;
    Ok(kept)
}

fn check_numbers(unit: &NewUnit, at: &str, faults: &mut Faults) {
    area(unit.total_floor_area, || format!("{at}/totalFloorArea"), faults);
    for (name, number, most) in [
        ("numberOfFloors", unit.number_of_floors, MOST_FLOORS),
        ("numberOfRooms", unit.number_of_rooms, MOST_ROOMS),
        ("numberOfBathrooms", unit.number_of_bathrooms, MOST_ROOMS),
    ] {
        if !(1..=most).contains(&number) {
            faults.push(format!("{at}/{name}"), "OUT_OF_RANGE", format!("must be 1 to {most}"));
        }
    }
}

fn check_floors(unit: &NewUnit, at: &str, faults: &mut Faults) {
    let mut seen = HashSet::with_capacity(unit.floors.len());
    let mut sum = Some(Decimal::ZERO);
    for (index, floor) in unit.floors.iter().enumerate() {
        let at = format!("{at}/floors/{index}");
        if !FLOOR_NUMBERS.contains(&floor.floor_number) {
            let (least, most) = (FLOOR_NUMBERS.start(), FLOOR_NUMBERS.end());
            faults.push(format!("{at}/floorNumber"), "OUT_OF_RANGE", format!("must be {least} to {most}"));
        }
        if !seen.insert(floor.floor_number) {
            faults.push(format!("{at}/floorNumber"), "DUPLICATE", "must be unique in the unit");
        }
        area(floor.floor_area, || format!("{at}/floorArea"), faults);
        sum = sum.and_then(|sum| sum.checked_add(floor.floor_area));
    }
    if i32::try_from(unit.floors.len()) != Ok(unit.number_of_floors) {
        let detail = format!("{} floors are given, but numberOfFloors is {}", unit.floors.len(), unit.number_of_floors);
        faults.push(format!("{at}/floors"), "FLOOR_COUNT_MISMATCH", detail);
    }
    let difference = sum.and_then(|sum| sum.checked_sub(unit.total_floor_area)).map(|difference| difference.abs());
    if difference.is_none_or(|difference| difference > tolerance()) {
        let sum = sum.map_or_else(|| "too much".to_owned(), |sum| sum.normalize().to_string());
        let detail = format!("the floors' areas add up to {sum}, not {}", unit.total_floor_area.normalize());
        faults.push(format!("{at}/totalFloorArea"), "FLOOR_AREA_MISMATCH", detail);
    }
}

fn area(value: Decimal, pointer: impl Fn() -> String, faults: &mut Faults) {
    if value <= Decimal::ZERO {
        faults.push(pointer(), "OUT_OF_RANGE", "must be greater than 0");
    }
    faults.numeric(pointer, value);
}

#[cfg(test)]
mod tests {
    use projects_api::Floor;
    use proptest::prelude::*;

    use super::*;
    use crate::model::{dec, faults_of};

    fn unit(number: &str, total: &str, floors: &[(i32, &str)]) -> NewUnit {
        NewUnit {
            unit_number: number.into(),
            total_floor_area: dec(total),
            number_of_floors: i32::try_from(floors.len()).expect("few"),
            number_of_rooms: 4,
            number_of_bathrooms: 1,
            floors: floors.iter().map(|&(floor_number, area)| Floor { floor_number, floor_area: dec(area) }).collect(),
        }
    }

    #[test]
    fn a_unit_whose_floors_add_up_is_kept_with_its_floors_in_order() {
        let kept = checked(vec![unit(" A1 ", "120.00", &[(1, "59.99"), (0, "60.02")])]).expect("0.01 is allowed");
        assert_eq!(kept[0].unit_number, "A1");
        assert_eq!(kept[0].floors.iter().map(|f| f.floor_number).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn the_tolerance_ends_at_one_hundredth() {
        assert!(checked(vec![unit("A", "100", &[(0, "99.99")])]).is_ok());
        assert!(checked(vec![unit("A", "100", &[(0, "100.01")])]).is_ok());
        for off in ["99.9899", "100.0101"] {
            let faults = faults_of(checked(vec![unit("A", "100", &[(0, off)])]));
            assert_eq!(faults, [("/units/0/totalFloorArea".to_owned(), "FLOOR_AREA_MISMATCH")]);
        }
    }

    #[test]
    fn every_fault_of_every_unit_is_told_at_once() {
        let mut second = unit("A", "50", &[(0, "20"), (0, "20")]);
        second.number_of_floors = 3;
        second.number_of_bathrooms = 0;
        let third = unit("B", "0", &[(-10, "0")]);
        assert_eq!(
            faults_of(checked(vec![unit("A", "50", &[(0, "50")]), second, third])),
            [
                ("/units/1/unitNumber".to_owned(), "DUPLICATE"),
                ("/units/1/numberOfBathrooms".to_owned(), "OUT_OF_RANGE"),
                ("/units/1/floors/1/floorNumber".to_owned(), "DUPLICATE"),
                ("/units/1/floors".to_owned(), "FLOOR_COUNT_MISMATCH"),
                ("/units/1/totalFloorArea".to_owned(), "FLOOR_AREA_MISMATCH"),
                ("/units/2/totalFloorArea".to_owned(), "OUT_OF_RANGE"),
                ("/units/2/floors/0/floorNumber".to_owned(), "OUT_OF_RANGE"),
                ("/units/2/floors/0/floorArea".to_owned(), "OUT_OF_RANGE"),
            ]
        );
        assert_eq!(faults_of(checked(Vec::new())), [("/units".to_owned(), "TOO_FEW")]);
        let many = (0..=MOST_UNITS).map(|n| unit(&n.to_string(), "1", &[(0, "1")])).collect();
        assert_eq!(faults_of(checked(many)), [("/units".to_owned(), "TOO_MANY")]);
    }

    #[test]
    fn numbers_at_the_edge_do_not_overflow() {
        let most = "99999999999999.9999";
        let faults = faults_of(checked(vec![unit("A", "1", &[(0, most), (1, most)])]));
        assert_eq!(faults, [("/units/0/totalFloorArea".to_owned(), "FLOOR_AREA_MISMATCH")]);
        let mut huge = unit("A", "1", &[(0, "1"), (1, "1")]);
        for floor in &mut huge.floors {
            floor.floor_area = Decimal::MAX;
        }
        assert!(checked(vec![huge]).is_err());
    }

    proptest! {
        #[test]
        fn floors_that_add_up_pass_and_others_do_not(areas in prop::collection::vec(1_i64..10_000_000, 1..20), off in -300_i64..300) {
            let floors: Vec<Floor> = areas.iter().zip(0..).map(|(&area, floor_number)| {
                Floor { floor_number, floor_area: Decimal::new(area, 4) }
            }).collect();
            let total = areas.iter().sum::<i64>() + off;
            prop_assume!(total > 0);
            let unit = NewUnit {
                unit_number: "A".into(), total_floor_area: Decimal::new(total, 4), number_of_floors: areas.len() as i32,
                number_of_rooms: 1, number_of_bathrooms: 1, floors,
            };
            prop_assert_eq!(checked(vec![unit]).is_ok(), off.abs() <= 100);
        }
    }
}

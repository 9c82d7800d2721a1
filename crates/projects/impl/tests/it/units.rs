//! `/api/projects/{id}/units`.

use kernel::OrgRole;
use serde_json::{Value, json};

use crate::world::World;

fn unit(number: &str) -> Value {
    json!({
        "unitNumber": number, "totalFloorArea": "120.5", "numberOfFloors": 2, "numberOfRooms": 5, "numberOfBathrooms": 2,
        "floors": [{ "floorNumber": 1, "floorArea": 59.25 }, { "floorNumber": 0, "floorArea": "61.25" }]
    })
}

fn with(number: &str, member: &str, value: Value) -> Value {
    let mut unit = unit(number);
    unit[member] = value;
    unit
}

#[actix_web::test]
async fn units_are_added_and_listed() {
    let world = World::new().await;
    let path = format!("/api/projects/{}/units", world.project().await);
    let added = world.post(world.owner, &path, json!({ "units": [unit("A1"), unit("A2")] })).await.expect(201);
    assert_eq!(added.body["data"][0]["totalFloorArea"], "120.5");
    let floors = json!([{ "floorNumber": 0, "floorArea": "61.25" }, { "floorNumber": 1, "floorArea": "59.25" }]);
    assert_eq!(added.body["data"][1]["floors"], floors);
    let list = world.get(world.owner, &format!("{path}?limit=1")).await.expect(200);
    assert_eq!(list.body["data"][0], added.body["data"][1]);
    let cursor = list.body["nextCursor"].as_str().unwrap();
    let rest = world.get(world.owner, &format!("{path}?cursor={cursor}")).await.expect(200);
    assert_eq!(rest.body, json!({ "data": [added.body["data"][0]], "nextCursor": null }));
    assert_eq!(world.audited(), ["projects.create", "units.edit"]);
}

#[actix_web::test]
async fn all_or_none_with_every_fault_at_its_unit() {
    let world = World::new().await;
    let path = format!("/api/projects/{}/units", world.project().await);
    let units = json!({ "units": [
        unit("A1"),
        with("A2", "numberOfFloors", json!(3)),
        with("A3", "totalFloorArea", json!("120.5101")),
        with("A4", "numberOfRooms", json!(0)),
        unit("A1"),
    ] });
    let faults = world.post(world.owner, &path, units).await.refused(422, "INVALID").faults();
    let expected = [
        ("/units/1/floors", "FLOOR_COUNT_MISMATCH"),
        ("/units/2/totalFloorArea", "FLOOR_AREA_MISMATCH"),
        ("/units/3/numberOfRooms", "OUT_OF_RANGE"),
        ("/units/4/unitNumber", "DUPLICATE"),
    ];
    assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    for wrong in [
        with("A1", "totalFloorArea", json!("-120.5")),
        with("A1", "numberOfBathrooms", json!(-1)),
        with("A1", "numberOfRooms", json!(1.5)),
        with("A1", "floors", json!([])),
        with(" ", "numberOfRooms", json!(1)),
        with("A1", "color", json!("red")),
    ] {
        let faults = world.post(world.owner, &path, json!({ "units": [wrong] })).await.expect(422).faults();
        assert!(faults.iter().all(|(pointer, _)| pointer.starts_with("/units/0/")), "{faults:?}");
    }
    world.post(world.owner, &path, json!({ "units": [] })).await.expect(422);
    assert_eq!(world.db.query("select count(*) from units").await, ["0"]);
    world.post(world.owner, &path, json!({ "units": [with("A", "totalFloorArea", json!("120.51"))] })).await.expect(201);
}

#[actix_web::test]
async fn a_number_is_taken_once_in_a_project_also_in_a_race() {
    let world = World::new().await;
    let (one, two) = (world.project().await, world.project().await);
    let path = format!("/api/projects/{one}/units");
    let body = json!({ "units": [unit("A1"), unit("B1")] });
    let answers = futures::future::join_all((0..4).map(|_| world.post(world.owner, &path, body.clone()))).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409]);
    let taken = world.post(world.owner, &path, json!({ "units": [unit("C1"), unit("B1")] })).await;
    assert!(taken.refused(409, "UNIT_NUMBER_TAKEN").text("detail").contains("B1"));
    world.post(world.owner, &format!("/api/projects/{two}/units"), body).await.expect(201);
    assert_eq!(world.db.query("select count(*) from units").await, ["4"]);
}

#[actix_web::test]
async fn five_hundred_units_at_once() {
    let world = World::new().await;
    let path = format!("/api/projects/{}/units", world.project().await);
    let units: Vec<_> = (0..500).map(|n| unit(&n.to_string())).collect();
    let added = world.post(world.owner, &path, json!({ "units": units })).await.expect(201);
    assert_eq!(added.body["data"][499]["unitNumber"], "499");
    let units: Vec<_> = (500..1001).map(|n| unit(&n.to_string())).collect();
    world.post(world.owner, &path, json!({ "units": units })).await.expect(422);
}

#[actix_web::test]
async fn in_house_users_read_units_but_do_not_add_them() {
    let world = World::new().await;
    let id = world.project().await;
    let (path, member) = (format!("/api/projects/{id}/units"), world.person(OrgRole::Member).await);
    world.get(member, &path).await.refused(403, "PERMISSION_DENIED");
    let join = json!({ "userId": member.user, "role": "in_house_user" });
    world.post(world.owner, &format!("/api/projects/{id}/members"), join).await.expect(201);
    world.get(member, &path).await.expect(200);
    world.post(member, &path, json!({ "units": [unit("A1")] })).await.refused(403, "PERMISSION_DENIED");
    let stranger = world.stranger().await;
    world.post(stranger, &path, json!({ "units": [unit("A1")] })).await.refused(404, "NOT_FOUND");
}

//! `/api/soq`.

use actix_web::http::Method;
use kernel::OrgRole;
use projects_api::ProjectsPort;
use serde_json::{Value, json};

use crate::world::{Answer, World};

fn lines() -> Value {
    json!([
        { "code": "01", "description": "Concrete works", "kind": "heading" },
        { "code": "01.10", "description": "Foundations", "kind": "measured", "unitCode": "m³", "quantity": "120.5", "estimateRate": 62.50 },
        { "code": "01.20", "description": "Rounding", "kind": "measured", "unitCode": "P. point", "quantity": "0.333", "estimateRate": "0.5" },
        { "code": "01.30", "description": "Installation", "kind": "lump_sum", "estimateRate": "1117.58" },
        { "code": "01.30", "description": "Testing", "kind": "provisional_defined", "estimateRate": "1000" },
        { "code": "", "description": "Better concrete", "kind": "optional", "unitCode": "m2", "quantity": 10, "estimateRate": "99999" }
    ])
}

async fn schedule(world: &World, lines: Value) -> Answer {
    let body = json!({ "projectId": world.project().await, "title": "Shell", "lines": lines });
    world.post(world.owner, "/api/soq", body).await.expect(201)
}

/// The lines as PUT takes them.
fn editable(soq: &Answer) -> Vec<Value> {
    let keep = ["id", "code", "description", "kind", "unitCode", "unitText", "quantity", "estimateRate", "unitId"];
    let line =
        |line: &Value| keep.iter().map(|&member| (member.to_owned(), line[member].clone())).collect::<serde_json::Map<_, _>>();
    soq.body["lines"].as_array().unwrap().iter().map(|l| Value::Object(line(l))).collect()
}

#[actix_web::test]
async fn a_schedule_is_made_reckoned_and_read() {
    let world = World::new().await;
    let soq = schedule(&world, lines()).await;
    assert_eq!(soq.header("location"), format!("/api/soq/{}", soq.id()));
    assert_eq!((soq.text("status"), &soq.body["version"], &soq.body["previousId"]), ("draft".into(), &json!(1), &Value::Null));
    assert_eq!(soq.body["estimateTotal"], json!({ "amount": "9649.00", "currency": "EUR" }));
    let line = &soq.body["lines"][1];
    assert_eq!(line["position"], 2);
    assert_eq!((&line["unitCode"], &line["unitText"]), (&json!("MTQ"), &json!("m³")));
    assert_eq!((&line["quantity"], &line["estimateRate"]), (&json!("120.5"), &json!("62.5")));
    assert_eq!(line["estimateAmount"], json!({ "amount": "7531.25", "currency": "EUR" }));
    assert_eq!(soq.body["lines"][2]["unitCode"], Value::Null);
    assert_eq!(soq.body["lines"][3]["quantity"], "1");
    assert_eq!(soq.body["lines"][0]["estimateAmount"], Value::Null);

    let read = world.get(world.owner, &format!("/api/soq/{}", soq.id())).await.expect(200);
    assert_eq!(read.body, soq.body, "what was answered is what was stored");
    assert_eq!(read.header("etag"), soq.header("etag"));
    let list = world.get(world.owner, "/api/soq").await.expect(200);
    assert_eq!(list.body["data"][0]["lineCount"], 6);
    assert_eq!(list.body["data"][0]["estimateTotal"], soq.body["estimateTotal"]);
    assert_eq!(world.audited(), ["projects.create", "soq.edit"]);
}

#[actix_web::test]
async fn faults_point_at_their_lines() {
    let world = World::new().await;
    let project = world.project().await;
    let send = async |lines: Value| {
        let body = json!({ "projectId": project, "title": "Shell", "lines": lines });
        world.post(world.owner, "/api/soq", body).await
    };
    let line = |kind: &str, more: Value| {
        let mut line = json!({ "code": "1", "description": "x", "kind": kind });
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        line
    };
    let faults = send(json!([
        line("measured", json!({})),
        line("heading", json!({ "estimateRate": "1" })),
        line("provisional_undefined", json!({ "quantity": "2" })),
        line("lump_sum", json!({ "unitId": projects_api::UnitId::new() })),
        line("text", json!({ "id": kernel::SoqLineId::new() })),
    ]))
    .await
    .expect(422)
    .faults();
    let expected = [
        ("/lines/0/quantity", "REQUIRED"),
        ("/lines/1/estimateRate", "NOT_ALLOWED"),
        ("/lines/2/quantity", "OUT_OF_RANGE"),
        ("/lines/2/estimateRate", "REQUIRED"),
        ("/lines/3/unitId", "NOT_FOUND"),
        ("/lines/4/id", "NOT_FOUND"),
    ];
    assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    for more in [
        json!({ "quantity": "-1" }),
        json!({ "quantity": "1.00001" }),
        json!({ "quantity": "100000000000000" }),
        json!({ "quantity": 1e300 }),
        json!({ "quantity": "0" }),
        json!({ "quantity": "99999999999999", "estimateRate": "99999999999999" }),
        json!({ "quantity": "1", "kind": "daywork" }),
        json!({ "quantity": "1", "description": "x".repeat(4001) }),
    ] {
        send(json!([line("measured", more)])).await.expect(422);
    }
    let body = json!({ "projectId": kernel::ProjectId::new(), "title": "Shell", "lines": [] });
    world.post(world.owner, "/api/soq", body).await.refused(404, "NOT_FOUND");
    assert_eq!(world.db.query("select count(*) from soqs").await, ["0"]);
}

#[actix_web::test]
async fn the_same_schedule_again_changes_nothing() {
    let world = World::new().await;
    let soq = schedule(&world, lines()).await;
    let path = format!("/api/soq/{}", soq.id());
    let (rows, trail) = (world.db.query("select xmin::text from soq_lines order by position").await, world.audited());
    let same = world.put(world.owner, &path, json!({ "title": " Shell ", "lines": editable(&soq) })).await.expect(200);
    assert_eq!((&same.body, world.audited()), (&soq.body, trail));
    assert_eq!(world.db.query("select xmin::text from soq_lines order by position").await, rows, "no line is written again");
    assert_eq!(world.get(world.owner, &path).await.header("etag"), soq.header("etag"));
    let mut other = editable(&soq);
    other[0]["description"] = json!("Concrete");
    let changed = world.put(world.owner, &path, json!({ "title": "Shell", "lines": other })).await.expect(200);
    assert_eq!(changed.body["lines"][0]["description"], "Concrete", "no total differs, and yet");
}

#[actix_web::test]
async fn a_draft_changes_and_its_lines_keep_their_identity() {
    let world = World::new().await;
    let soq = schedule(&world, lines()).await;
    let path = format!("/api/soq/{}", soq.id());
    let mut lines = editable(&soq);
    lines.swap(1, 3);
    lines.truncate(4);
    lines.push(json!({ "code": "9", "description": "New", "kind": "lump_sum", "estimateRate": "0.01" }));
    let body = json!({ "title": "Shell 2", "lines": lines });
    let tag = soq.header("etag");
    let changed = world.send(world.owner, Method::PUT, &path, &[("If-Match", tag)], Some(body.clone())).await.expect(200);
    world.send(world.owner, Method::PUT, &path, &[("If-Match", tag)], Some(body.clone())).await.expect(412);
    assert_eq!(changed.body["estimateTotal"]["amount"], "8649.01");
    for (now, before) in [(0, 0), (1, 3), (2, 2), (3, 1)] {
        assert_eq!(changed.body["lines"][now]["id"], soq.body["lines"][before]["id"]);
        assert_eq!(changed.body["lines"][now]["position"], now + 1);
        assert_eq!(changed.body["lines"][now]["unitText"], soq.body["lines"][before]["unitText"]);
    }
    assert_eq!(world.get(world.owner, &path).await.body, changed.body);
    let mut moved = body.clone();
    moved["projectId"] = json!(kernel::ProjectId::new());
    assert_eq!(world.put(world.owner, &path, moved).await.expect(422).faults()[0].0, "/projectId");
    let mut same = body;
    same["projectId"] = soq.body["projectId"].clone();
    world.put(world.owner, &path, same).await.expect(200);
    world.delete(world.owner, &path).await.expect(204);
    assert_eq!(world.db.query("select count(*) from soq_lines").await, ["0"]);
}

#[actix_web::test]
async fn a_frozen_schedule_changes_only_by_a_new_version() {
    let world = World::new().await;
    let soq = schedule(&world, lines()).await;
    let path = format!("/api/soq/{}", soq.id());
    world.act(world.owner, &format!("{path}/versions")).await.refused(409, "STATE_CONFLICT");
    let frozen = world.act(world.owner, &format!("{path}/freeze")).await.expect(200);
    assert_eq!(frozen.text("status"), "frozen");
    assert!(frozen.body["frozenAt"].is_string());
    let change = json!({ "title": "x", "lines": [] });
    let refused = world.put(world.owner, &path, change).await.refused(409, "SOQ_FROZEN");
    assert_eq!(refused.body["currentState"], "frozen");
    world.delete(world.owner, &path).await.refused(409, "SOQ_FROZEN");
    world.act(world.owner, &format!("{path}/freeze")).await.refused(409, "SOQ_FROZEN");

    let next = world.act(world.owner, &format!("{path}/versions")).await.expect(201);
    assert_eq!((&next.body["version"], next.text("status"), next.text("previousId")), (&json!(2), "draft".into(), soq.id()));
    assert_eq!(next.body["lines"], frozen.body["lines"], "the same lines, identity and all");
    assert_eq!(next.body["estimateTotal"], frozen.body["estimateTotal"]);
    world.act(world.owner, &format!("{path}/versions")).await.refused(409, "SOQ_SUPERSEDED");

    // A line dropped from the new version can come back as itself.
    let (second, all) = (format!("/api/soq/{}", next.id()), editable(&next));
    world.put(world.owner, &second, json!({ "title": "x", "lines": all[1..] })).await.expect(200);
    let back = world.put(world.owner, &second, json!({ "title": "x", "lines": all })).await.expect(200);
    assert_eq!(back.body["lines"], frozen.body["lines"]);
    assert_eq!(world.get(world.owner, &path).await.body, frozen.body, "the frozen version is as it was");
    world.delete(world.owner, &second).await.expect(204);
    world.act(world.owner, &format!("{path}/versions")).await.expect(201);
}

#[actix_web::test]
async fn nothing_to_price_nothing_to_freeze() {
    let world = World::new().await;
    let soq = schedule(&world, json!([{ "code": "1", "description": "x", "kind": "heading" }])).await;
    let refused = world.act(world.owner, &format!("/api/soq/{}/freeze", soq.id())).await.refused(409, "STATE_CONFLICT");
    assert_eq!(refused.body["currentState"], "draft");
    schedule(&world, json!([])).await;
}

#[actix_web::test]
async fn lists_are_narrowed_by_project_and_status() {
    let world = World::new().await;
    let (one, two) = (schedule(&world, lines()).await, schedule(&world, lines()).await);
    world.act(world.owner, &format!("/api/soq/{}/freeze", one.id())).await.expect(200);
    let ids = async |who, query: &str| {
        let list = world.get(who, &format!("/api/soq{query}")).await.expect(200);
        list.body["data"].as_array().unwrap().iter().map(|soq| soq["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(world.owner, "").await, [two.id(), one.id()]);
    assert_eq!(ids(world.owner, "?status=frozen").await, [one.id()]);
    assert_eq!(ids(world.owner, &format!("?projectId={}", two.text("projectId"))).await, [two.id()]);
    assert_eq!(ids(world.owner, &format!("?projectId={}&status=frozen", two.text("projectId"))).await, [""; 0]);
    world.get(world.owner, "/api/soq?projectId=x").await.expect(422);
    let member = world.person(OrgRole::Member).await;
    assert_eq!(ids(member, "").await, [""; 0]);
    assert_eq!(ids(world.stranger().await, "").await, [""; 0]);
}

#[actix_web::test]
async fn in_house_users_write_but_do_not_freeze_and_strangers_find_nothing() {
    let world = World::new().await;
    let soq = schedule(&world, lines()).await;
    let (path, project, member) = (format!("/api/soq/{}", soq.id()), soq.text("projectId"), world.person(OrgRole::Member).await);
    let change = json!({ "title": "x", "lines": editable(&soq) });
    world.get(member, &path).await.refused(403, "PERMISSION_DENIED");
    world.put(member, &path, change.clone()).await.refused(403, "PERMISSION_DENIED");
    let join = json!({ "userId": member.user, "role": "in_house_user" });
    world.post(world.owner, &format!("/api/projects/{project}/members"), join).await.expect(201);
    world.put(member, &path, change.clone()).await.expect(200);
    world.act(member, &format!("{path}/freeze")).await.refused(403, "PERMISSION_DENIED");

    let stranger = world.stranger().await;
    world.get(stranger, &path).await.refused(404, "NOT_FOUND");
    world.put(stranger, &path, change).await.refused(404, "NOT_FOUND");
    world.delete(stranger, &path).await.refused(404, "NOT_FOUND");
    world.act(stranger, &format!("{path}/freeze")).await.refused(404, "NOT_FOUND");
    world.act(stranger, &format!("{path}/versions")).await.refused(404, "NOT_FOUND");
    let body = json!({ "projectId": project, "title": "Shell", "lines": [] });
    world.post(stranger, "/api/soq", body).await.refused(404, "NOT_FOUND");
}

#[actix_web::test]
async fn twenty_thousand_lines_fit() {
    let world = World::new().await;
    let many = |n: usize| {
        (0..n).map(|_| json!({ "code": "1", "description": "Concrete", "kind": "measured", "unitCode": "m3", "quantity": "1", "estimateRate": "0.01" })).collect::<Vec<_>>()
    };
    let soq = schedule(&world, json!(many(20_000))).await;
    assert_eq!(soq.body["estimateTotal"]["amount"], "200.00");
    assert_eq!(soq.body["lines"][19_999]["position"], 20_000);
    let body = json!({ "projectId": soq.body["projectId"], "title": "Shell", "lines": many(20_001) });
    world.post(world.owner, "/api/soq", body).await.expect(422);
}

#[actix_web::test]
async fn tenders_read_a_schedule_in_their_transaction() {
    let world = World::new().await;
    let soq = schedule(&world, lines()).await;
    let (ctx, id, project) = (world.owner.ctx(), soq.id().parse().unwrap(), soq.text("projectId").parse().unwrap());
    let (read, owner) = world
        .db
        .uow()
        .write(&ctx, async |tx| {
            let project = world.service.project_in(tx, ctx.org, project).await?;
            Ok::<_, projects_api::Error>((world.service.soq_in(tx, ctx.org, id).await?, project.owner))
        })
        .await
        .unwrap();
    assert_eq!(read.lines.len(), 6);
    assert_eq!(read.estimate_total.to_string(), "9649.00 EUR");
    assert_eq!(owner, world.owner.user);
    let stranger = world.stranger().await.ctx();
    let hidden = world.db.uow().write(&stranger, async |tx| world.service.soq_in(tx, ctx.org, id).await).await;
    assert!(matches!(hidden, Err(projects_api::Error::NotFound(_))));
}

#[actix_web::test]
async fn a_schedule_that_a_tender_reads_waits_with_its_changes() {
    let world = World::new().await;
    let soq = schedule(&world, lines()).await;
    let (ctx, id) = (world.owner.ctx(), soq.id().parse().unwrap());
    let free = "select count(*) from (select from soqs for no key update skip locked) as free";
    world
        .db
        .uow()
        .write(&ctx, async |tx| {
            world.service.soq_in(tx, ctx.org, id).await?;
            assert_eq!(world.db.query(free).await, ["0"]);
            Ok::<_, projects_api::Error>(())
        })
        .await
        .unwrap();
    assert_eq!(world.db.query(free).await, ["1"]);
}

#[actix_web::test]
async fn what_another_domain_refers_to_stays() {
    let world = World::new().await;
    let soq = schedule(&world, lines()).await;
    let (id, project) = (soq.id(), soq.text("projectId"));
    let refer = format!(
        "create table referring (org_id uuid, soq_id uuid, foreign key (org_id, soq_id) references soqs (org_id, id));
         grant select on referring to build14_owner;
         insert into referring select org_id, id from soqs;
         create table referring_project (org_id uuid, project_id uuid, foreign key (org_id, project_id) references projects (org_id, id));
         insert into referring_project values ('{}', '{project}')",
        world.owner.org
    );
    world.db.run_sql(&refer).await;
    world.delete(world.owner, &format!("/api/soq/{id}")).await.refused(409, "SOQ_IN_USE");
    world.delete(world.owner, &format!("/api/projects/{project}")).await.refused(409, "PROJECT_IN_USE");
    world.get(world.owner, &format!("/api/soq/{id}")).await.expect(200);
}

#[actix_web::test]
async fn repeated_actions_answer_the_same() {
    let world = World::new().await;
    let soq = schedule(&world, lines()).await;
    let freeze = format!("/api/soq/{}/freeze", soq.id());
    let first = world.send(world.owner, Method::POST, &freeze, &[("Idempotency-Key", "f")], None).await.expect(200);
    let again = world.send(world.owner, Method::POST, &freeze, &[("Idempotency-Key", "f")], None).await.expect(200);
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first.body));
    let next = format!("/api/soq/{}/versions", soq.id());
    let both = [(); 4].map(|()| world.act(world.owner, &next));
    let mut statuses: Vec<_> = futures::future::join_all(both).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409]);
}

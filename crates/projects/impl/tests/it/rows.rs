//! What the database itself refuses, whoever asks.

use kernel::ProjectId;
use projects_api::{SoqId, UnitId};
use serde_json::json;

use crate::world::World;

/// Runs a statement as the serving role, in the owner's organisation, and tells why it was refused.
async fn refused(world: &World, sql: &str) -> String {
    use db::prelude::*;
    let sql = sql.to_owned();
    let done = world
        .db
        .uow()
        .write(&world.owner.ctx(), async |tx| {
            let mut connection = tx.pg();
            diesel_async::SimpleAsyncConnection::batch_execute(&mut connection, &sql).await.fault()
        })
        .await;
    done.expect_err("the database refuses").to_string()
}

/// What the superuser is told who runs this and comes to the commit.
async fn tampered(world: &World, sql: &str) -> String {
    let wrapped = format!(
        "do $t$ begin {sql}; set constraints all immediate; raise exception 'tampered';
         exception when others then perform set_config('test.said', sqlerrm, false); end $t$;
         select current_setting('test.said')"
    );
    world.db.query(&wrapped).await.remove(0)
}

#[actix_web::test]
async fn a_frozen_schedule_and_its_lines_never_change() {
    let world = World::new().await;
    let line = json!({ "code": "1", "description": "x", "kind": "lump_sum" });
    let body = json!({ "projectId": world.project().await, "title": "Shell", "lines": [line] });
    let id = world.post(world.owner, "/api/soq", body).await.expect(201).id();
    world.act(world.owner, &format!("/api/soq/{id}/freeze")).await.expect(200);
    for sql in [
        "update soqs set title = 'x'",
        "update soqs set status = 'draft', frozen_at = null",
        "delete from soqs",
        "delete from soq_lines",
        "insert into soq_lines (org_id, soq_id, id, project_id, position, code, description, kind)
         select org_id, soq_id, gen_random_uuid(), project_id, 2, '', 'z', 'text' from soq_lines",
    ] {
        assert!(refused(&world, sql).await.contains("never changes"), "{sql}");
    }
    // Lines are replaced as a whole: nobody who serves may change one.
    let line = "update soq_lines set description = 'y'";
    assert!(refused(&world, line).await.contains("permission denied"));
    assert!(tampered(&world, line).await.contains("never changes"));
}

#[actix_web::test]
async fn floors_add_up_at_commit() {
    let world = World::new().await;
    let (org, project, unit) = (world.owner.org, world.project().await, UnitId::new());
    let insert = format!(
        "insert into units (org_id, id, project_id, unit_number, total_floor_area, number_of_floors, number_of_rooms, number_of_bathrooms)
         values ('{org}', '{unit}', '{project}', 'A', 10, 1, 1, 1);"
    );
    for floors in [
        String::new(),
        format!("insert into unit_floors values ('{org}', '{unit}', 0, 10.0101)"),
        format!("insert into unit_floors values ('{org}', '{unit}', 0, 5), ('{org}', '{unit}', 1, 5)"),
    ] {
        assert!(refused(&world, &format!("{insert}{floors}")).await.contains("do not add up"), "{floors}");
    }
    world.db.run_sql(&format!("{insert} insert into unit_floors values ('{org}', '{unit}', 0, 10.01)")).await;
    let more = format!("insert into unit_floors values ('{org}', '{unit}', 1, 10)");
    assert!(refused(&world, &more).await.contains("do not add up"));
}

#[actix_web::test]
async fn floors_are_looked_at_a_few_times_however_many_there_are() {
    let world = World::new().await;
    let (org, project) = (world.owner.org, world.project().await);
    let visited = format!(
        "begin;
         insert into units (org_id, id, project_id, unit_number, total_floor_area, number_of_floors, number_of_rooms, number_of_bathrooms)
             select '{org}', gen_random_uuid(), '{project}', n::text, 2000, 200, 1, 1 from generate_series(1, 20) n;
         insert into unit_floors select u.org_id, u.id, n, 10 from units u, generate_series(1, 200) n;
         set constraints all immediate;
         select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) from pg_stat_xact_user_tables where relname = 'unit_floors';
         rollback"
    );
    let visited: u64 = world.db.query(&visited).await[0].parse().expect("a number");
    // Asked once per floor about all floors of its unit it would be 800,000.
    assert!(visited <= 8_000, "{visited} floors were visited to write 4,000");
    let update = "update unit_floors set floor_area = floor_area + 0.02";
    world
        .db
        .run_sql(&format!(
            "insert into units (org_id, id, project_id, unit_number, total_floor_area, number_of_floors, number_of_rooms, number_of_bathrooms)
                 values ('{org}', '{project}', '{project}', 'A', 10, 1, 1, 1);
             insert into unit_floors values ('{org}', '{project}', 0, 10)"
        ))
        .await;
    for sql in [update, "delete from unit_floors", "update units set number_of_floors = 2", "update unit_sums set floors = 2"] {
        assert!(tampered(&world, sql).await.contains("do not add up"), "{sql}");
    }
    world.db.run_sql("delete from projects").await;
    assert_eq!(world.db.query("select count(*) from unit_sums").await, ["0"]);
}

#[actix_web::test]
async fn a_tendered_project_is_never_deleted() {
    let world = World::new().await;
    let id = world.project().await;
    world.tender(&id).await;
    assert!(refused(&world, "delete from projects").await.contains("stays"));
    assert!(refused(&world, "update projects set tendered_at = null").await.contains("never changes"));
    assert!(refused(&world, "update projects set status = 'planning'").await.contains("projects_tendered_is_under_way"));
}

#[actix_web::test]
async fn checks_stand_behind_every_rule() {
    let world = World::new().await;
    let (org, project, soq) = (world.owner.org, world.project().await, SoqId::new());
    let head = format!(
        "insert into soqs (org_id, id, project_id, title, version, currency, line_count, estimate_total_minor)
         values ('{org}', '{soq}', '{project}', 'x', 1, 'EUR', 1, 0);"
    );
    let line = |values: &str| {
        format!(
            "{head} insert into soq_lines (org_id, soq_id, id, project_id, position, code, description, kind, quantity, estimate_rate)
             values ('{org}', '{soq}', gen_random_uuid(), '{project}', 1, '', 'x', {values})"
        )
    };
    for (sql, constraint) in [
        (line("'heading', 1, null"), "soq_lines_text_has_no_price"),
        (line("'measured', null, 1"), "soq_lines_payable_has_quantity"),
        (line("'lump_sum', 2, 1"), "soq_lines_sum_is_one"),
        (line("'provisional_defined', 1, null"), "soq_lines_provisional_has_amount"),
        (line("'measured', 0, 1"), "soq_lines_quantity_check"),
        (line("'daywork', 1, 1"), "soq_lines_kind_check"),
        (head.replace("'EUR'", "'USD'"), "soqs_project_currency_fkey"),
        (head.replace(&project, &ProjectId::new().to_string()), "soqs_project_currency_fkey"),
        (head.replace(", 1, 'EUR'", ", 2, 'EUR'"), "soqs_first_has_no_previous"),
        ("update projects set starts_on = '2027-01-02', ends_on = '2027-01-01'".to_owned(), "projects_dates_in_order"),
        ("update projects set status = 'lost'".to_owned(), "projects_status_check"),
        ("update projects set budget_minor = -1".to_owned(), "projects_budget_minor_check"),
        ("update project_members set role = 'boss'".to_owned(), "project_members_role_check"),
    ] {
        let why = refused(&world, &sql).await;
        assert!(why.contains(constraint), "{sql}: {why}");
    }
}

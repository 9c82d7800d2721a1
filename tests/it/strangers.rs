//! What strangers' statements do not make of offers, of the queue, of sessions and of who bids (docs/decisions/0042).

use serde_json::json;
use tokio_postgres::error::SqlState;

use crate::doors::{Intruder, NOBODY, proof};
use crate::world::{Party, World};

#[tokio::test]
async fn an_opened_bid_takes_the_offer_that_was_sealed_and_no_other() {
    let mut world = World::new().await;
    world.leave_work();
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let tender = world.tender(&owner).await;
    let bid = world.bid(&acme, &tender, "10.00").await;
    world.open(&owner, &tender).await;
    let intruder = Intruder::of(&world).await;
    let line = format!(
        "insert into bid_lines (org_id, bid_id, soq_line_id, bidder_org_id, position, rate, amount)
         values ('{}', '{bid}', gen_random_uuid(), '{}', 99, 1, 1)",
        owner.org, acme.org
    );
    intruder.is_refused(&owner, &line).await;
    let lines = "select sum(amount) from bid_lines";
    let before = world.db.query(lines).await;
    let offer = |bid: &str| {
        json!({ "org": owner.org, "bid": bid, "revision": 1, "total": 1, "valid_until": "2031-02-03", "note": null, "rank": 1,
            "lines": [{ "soq_line_id": NOBODY, "position": 1, "rate": "1", "amount": 1 }] })
        .to_string()
    };
    let write =
        |offer: &str, proof: &str| format!("select app.write_offer('{}', '{bid}', $text${offer}$text$, {proof})", owner.org);
    let (own, others) = (offer(&bid), offer(NOBODY));
    let other = proof(&world, "contract", &own).await;
    for forged in ["null", "sha256('x')", other.as_str()] {
        intruder.is_refused_saying(&owner, &write(&own, forged), "nobody vouches for this offer").await;
    }
    let vouched = proof(&world, "offer", &own).await;
    intruder.is_refused_saying(&acme, &write(&own, &vouched), "nobody vouches for this offer").await;
    let misplaced = write(&others, &proof(&world, "offer", &others).await);
    intruder.is_refused_saying(&owner, &misplaced, "nobody vouches for this offer").await;
    // What the program read once is not read again; and one that nobody could read takes none.
    intruder.is_refused_saying(&owner, &write(&own, &vouched), "takes no offer").await;
    let unreadable = "set session_replication_role = replica; update bids set total = null, rank = null, valid_until = null, \
                      status = 'disqualified', disqualified_code = 'UNREADABLE', disqualified_reason = 'x'";
    world.db.run_sql(unreadable).await;
    intruder.is_refused_saying(&owner, &write(&own, &vouched), "takes no offer").await;
    assert_eq!(world.db.query(lines).await, before);
    world.end().await;
}

#[tokio::test]
async fn whoever_bids_keeps_a_member() {
    let mut world = World::new().await;
    world.leave_work();
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let tender = world.tender(&owner).await;
    let (one, two) = (Intruder::of(&world).await, Intruder::of(&world).await);
    let enter = format!("begin; set local lock_timeout = '100ms'; select app.enter('{}', '{}')", acme.org, acme.user);
    let (bids, leaves) = (
        format!("{enter}; select * from app.hold_tender_for_bid('{}', '{}')", owner.org, tender.id),
        format!("{enter}; delete from memberships where org_id = '{}'", acme.org),
    );
    for (first, second) in [(&bids, &leaves), (&leaves, &bids)] {
        one.0.batch_execute(first).await.expect("is first");
        let waits = two.0.batch_execute(second).await.expect_err("waits for the first");
        assert_eq!(waits.code(), Some(&SqlState::LOCK_NOT_AVAILABLE), "{second}");
        for client in [&one, &two] {
            client.0.batch_execute("rollback").await.expect("rolls back");
        }
    }
    one.0.batch_execute(&format!("{leaves}; commit")).await.expect("leaves");
    let late = two.0.batch_execute(&bids).await.expect_err("nobody is left");
    assert_eq!(late.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE));
    two.0.batch_execute("rollback").await.expect("rolls back");
    world.end().await;
}

#[tokio::test]
async fn a_bid_that_is_written_past_the_program_holds_the_closing_off_as_any_bid_does() {
    let mut world = World::new().await;
    world.leave_work();
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let tender = world.tender(&owner).await;
    let one = Intruder::of(&world).await;
    let bid = |begin: &str| {
        format!(
            "{begin}; select app.enter('{}', '{}');
             insert into bids (org_id, id, tender_id, bidder_org_id, status, revision, receipt_sha256, received_at, currency)
                 values ('{}', gen_random_uuid(), '{}', '{}', 'submitted', 1, sha256('x'), app.now(), 'EUR')",
            acme.org, acme.user, owner.org, tender.id, acme.org
        )
    };
    one.0.batch_execute(&bid("begin")).await.expect("bids");
    let closing = format!("select pg_try_advisory_xact_lock(app.tender_gate('{}'))", tender.id);
    assert_eq!(world.db.query(&closing).await, ["f"], "it is not closed meanwhile");
    one.0.batch_execute("rollback").await.expect("rolls back");
    assert_eq!(world.db.query(&closing).await, ["t"]);
    let old = one.0.batch_execute(&bid("begin isolation level repeatable read")).await.expect_err("it sees what was");
    assert_eq!(old.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    one.0.batch_execute("rollback").await.expect("rolls back");
    world.end().await;
}

#[tokio::test]
async fn who_saw_a_draft_does_not_rewrite_what_was_published_since() {
    let mut world = World::new().await;
    world.leave_work();
    let owner = world.register("Owner").await;
    let tender = world.draft_tender(&owner).await;
    let one = Intruder::of(&world).await;
    let looks = format!(
        "begin isolation level repeatable read; select app.enter('{}', '{}'); select status from tenders",
        owner.org, owner.user
    );
    one.0.batch_execute(&looks).await.expect("is a draft");
    owner.http.act(&format!("/api/tenders/{}/publish", tender.id)).await.expect(200);
    let rewrites = one.0.batch_execute("delete from tender_milestones").await.expect_err("it is published");
    assert_eq!(rewrites.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE));
    one.0.batch_execute("rollback").await.expect("rolls back");
    world.end().await;
}

#[tokio::test]
async fn only_a_member_asks_whether_they_act_for_a_bidder() {
    let mut world = World::new().await;
    world.leave_work();
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let tender = world.tender(&owner).await;
    let bid = world.bid(&acme, &tender, "10.00").await;
    world.advance(std::time::Duration::from_secs(7_201)).await;
    owner.http.get(&format!("/api/tenders/{}", tender.id)).await.expect(200);
    let intruder = Intruder::of(&world).await;
    let named = Party { user: acme.user.clone(), ..owner.clone() };
    let asks = format!("select app.acts_for_a_bidder('{}', '{}', '{}')", owner.org, tender.id, acme.user);
    intruder.is_refused(&named, &asks).await;
    world.open(&owner, &tender).await;
    intruder.is_refused(&named, &format!("select app.is_of_the_bidder('{}', '{bid}', '{}')", owner.org, acme.user)).await;
    world.end().await;
}

#[tokio::test]
async fn a_tenants_job_is_one_that_is_done_of_bounded_size_and_in_its_turn() {
    let mut world = World::new().await;
    world.leave_work();
    let party = world.register("Party").await;
    world.services.announce_tasks().await.expect("tells the tasks");
    let intruder = Intruder::of(&world).await;
    let add = |task: &str, data: &str, at: &str, attempts: &str| {
        format!(
            r#"select app.add_job('{task}', json_build_object('org', app.org(), 'request', 'r', 'data', {data}), {at}, null, {attempts})"#
        )
    };
    let known = "escrow.escalate";
    intruder.passes(&party, &add(known, "'{}'::json", "null", "25")).await;
    for (sql, why) in [
        (add("escrow.nothing", "'{}'::json", "null", "3"), "nobody does the task"),
        (add("", "'{}'::json", "null", "3"), "nobody does the task"),
        (add(known, "'{}'::json", "null", "26"), "tried 1 to 25 times"),
        (add(known, "'{}'::json", "null", "0"), "tried 1 to 25 times"),
        (add(known, "'{}'::json", "null", "null"), "tried 1 to 25 times"),
        (add(known, "repeat('x', 70000)", "null", "3"), "is too large"),
    ] {
        intruder.is_refused_saying(&party, &sql, why).await;
        intruder.is_refused(&party, &sql).await;
    }
    for at in ["'-infinity'", "'infinity'", "now() + interval '1 hour'"] {
        let sql = add(known, "'{}'::json", at, "3");
        intruder.0.batch_execute(&format!("begin; select app.enter('{}', null); {sql}; commit", party.org)).await.expect("adds");
    }
    let at = "select (run_at > now() - interval '1 minute') || ' ' || (run_at < now() + interval '10 years 1 minute')
        from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id where t.identifier = 'escrow.escalate'";
    assert_eq!(world.db.query(at).await, ["true true"; 3]);
    world.end().await;
}

#[tokio::test]
async fn a_tenant_tells_of_its_own_sessions_alone() {
    let mut world = World::new().await;
    world.leave_work();
    let (victim, intruding) = (world.register("Victim").await, world.register("Intruder").await);
    let intruder = Intruder::of(&world).await;
    let tell = |org: &str| format!("select app.tell_sessions({org}, '{}', null)", victim.user);
    intruder.is_refused(&intruding, &tell(&format!("'{}'", victim.org))).await;
    intruder.is_refused(&intruding, &tell("null")).await;
    intruder.is_refused(&intruding, &format!("select app.send_sessions('{}')", victim.user)).await;
    intruder.passes(&intruding, &tell(&format!("'{}'", intruding.org))).await;
    let outside = intruder.0.batch_execute(&tell("null")).await.expect_err("in nobody's name");
    assert_eq!(outside.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    world.end().await;
}

/// Who may delete rows of a table may lock it whole: PostgreSQL knows no privilege between the two (SECURITY.md).
#[tokio::test]
async fn what_a_stranger_could_lock_whole_is_listed() {
    let mut world = World::new().await;
    world.leave_work();
    let owner = world.register("Owner").await;
    let all = world
        .db
        .query(
            "select c.oid::regclass::text from pg_class c where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, 'app'::regnamespace)
             order by 1",
        )
        .await;
    let intruder = Intruder::of(&world).await;
    let mut lockable = Vec::new();
    for table in &all {
        for mode in ["share", "access exclusive"] {
            match intruder.tries(&owner, &format!("lock table {table} in {mode} mode")).await {
                Ok(()) => lockable.push(table.as_str()),
                Err((code, said)) => assert_eq!(code, SqlState::INSUFFICIENT_PRIVILEGE, "{table}: {said}"),
            }
        }
    }
    lockable.dedup();
    assert_eq!(
        lockable,
        [
            "custom_role_permissions",
            "custom_roles",
            "directory_group_members",
            "directory_groups",
            "directory_users",
            "member_custom_roles",
            "memberships",
            "organization_domains",
            "project_members",
            "projects",
            "soq_lines",
            "soqs",
            "tender_milestones",
            "tenders",
        ]
    );
    world.end().await;
}

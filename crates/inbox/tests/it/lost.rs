//! What got lost, what servers of before left, what is old.

use kernel::Fault;
use serde::{Deserialize, Serialize};
use uow::{Job, Task};

use crate::world::{Fails, NOTHING, World, event, ran};

const LOSE_JOBS: &str =
    "delete from graphile_worker._private_jobs; update webhook_events set received_at = now() - interval '1 hour'";

#[tokio::test]
async fn an_event_whose_job_got_lost_is_handed_out_again_to_whoever_has_not_heard_it() {
    let world = World::new().await;
    world.two.fails(Fails::Before);
    world.deliver(&event("evt_1", "charge.refunded")).await.expect("is taken");
    world.work().await;
    world.two.fails(Fails::Never);
    world.db.run_sql("delete from graphile_worker._private_jobs").await;
    world.inbox.sweep().await.expect("sweeps");
    assert_eq!(world.work().await, NOTHING, "it came just now");
    world.db.run_sql(LOSE_JOBS).await;
    world.inbox.sweep().await.expect("sweeps");
    world.inbox.sweep().await.expect("sweeps again");
    assert_eq!(world.work().await, [ran("inbox.hear", None)]);
    assert_eq!((world.one.times(), world.effects().await.len()), (1, 2));
    assert_eq!(world.events().await, ["evt_1 {} done"]);
    world.inbox.sweep().await.expect("sweeps");
    assert_eq!(world.work().await, NOTHING, "what is done is left alone");
}

/// As servers of before left it.
#[derive(Debug, Serialize, Deserialize)]
struct Route {
    event: String,
}

impl Task for Route {
    const NAME: &'static str = "escrow.webhook";

    fn subject(&self) -> Option<String> {
        Some(self.event.clone())
    }
}

/// Events as servers of before kept them.
const KEPT: &str = "insert into webhook_events (id, type, object_id, livemode, received_at) values
    ('evt_1', 'charge.refunded', 'ch_1', false, now()), ('evt_2', 'charge.refunded', 'ch_1', false, now() - interval '5 minutes'),
    ('evt_3', 'something.brand_new', '', false, now() - interval '5 minutes')";

#[tokio::test]
async fn what_a_server_of_before_kept_is_heard_by_its_job_or_by_the_sweep() {
    let world = World::new().await;
    world.db.run_sql(KEPT).await;
    let left = Route { event: "evt_1".to_owned() };
    world.db.system_uow().write(async |tx| tx.enqueue(Job::of(&left)).await).await.expect("is left");
    assert_eq!(world.work().await, [ran("escrow.webhook", None), ran("inbox.hear", None), ran("inbox.hear", None)]);
    assert_eq!(world.events().await, ["evt_1 {} done", "evt_2 waits", "evt_3 waits"]);
    world.inbox.sweep().await.expect("sweeps");
    assert_eq!(world.work().await, [ran("inbox.hear", None), ran("inbox.hear", None)]);
    assert_eq!(world.events().await, ["evt_1 {} done", "evt_2 {} done", "evt_3 {} done"]);
    // The job of before comes again.
    world.db.system_uow().write(async |tx| tx.enqueue(Job::of(&left)).await).await.expect("is left");
    assert_eq!(world.work().await, [ran("escrow.webhook", None)]);
    assert_eq!(world.effects().await, ["one evt_1", "one evt_2", "two evt_1", "two evt_2"]);
}

#[tokio::test]
async fn a_subscriber_that_this_server_has_not_got_is_waited_for() {
    let world = World::new().await;
    world.deliver(&event("evt_1", "payout.paid")).await.expect("is taken");
    world.db.run_sql("update webhook_events set waiting_for = '{newer}'").await;
    world.db.run_sql(LOSE_JOBS).await;
    world.inbox.sweep().await.expect("sweeps");
    let why = "there is no subscriber `newer` here: the server that kept the event has one";
    assert_eq!(world.work().await, [ran("inbox.hear", Some(why))]);
    assert_eq!(world.events().await, ["evt_1 {newer} waits"]);
}

#[tokio::test]
async fn the_doctor_finds_what_waits_for_an_hour() {
    let world = World::new().await;
    world.deliver(&event("evt_1", "charge.refunded")).await.expect("is taken");
    let system = world.db.system_uow();
    let doctor = async || -> Vec<String> {
        let found = (inbox::MODULE.doctor)(&system).await.expect("the doctor comes");
        found.iter().map(ToString::to_string).collect()
    };
    assert_eq!(doctor().await, [""; 0]);
    world.db.run_sql("update webhook_events set received_at = '2026-01-02 03:04:05Z'").await;
    assert_eq!(
        doctor().await,
        ["PROVIDER_EVENT_STUCK: evt_1: charge.refunded came at 2026-01-02T03:04:05Z and waits for one, two"]
    );
    world.work().await;
    assert_eq!(doctor().await, [""; 0]);
}

#[tokio::test]
async fn what_was_done_a_month_ago_is_forgotten_and_what_waits_is_not() {
    let world = World::new().await;
    world
        .db
        .run_sql(
            "insert into webhook_events (id, type, object_id, livemode, received_at, processed_at)
                 select k, 't', 'o', false, now() - interval '31 days', now() - a::interval
                 from (values ('old', '31 days'), ('young', '29 days'), ('waiting', null)) v(k, a)",
        )
        .await;
    world.inbox.prune().await.expect("prunes");
    assert_eq!(world.db.query("select id from webhook_events order by id").await, ["waiting", "young"]);
}

#[tokio::test]
async fn a_row_names_no_nobody_among_those_who_have_to_hear() {
    let world = World::new().await;
    world.deliver(&event("evt_1", "charge.refunded")).await.expect("is taken");
    let refused: Result<(), Fault> = world
        .db
        .system_uow()
        .write(async |tx| {
            use db::prelude::*;
            diesel::sql_query("update webhook_events set waiting_for = array['one', null]").execute(tx.pg()).await.fault()?;
            Ok(())
        })
        .await;
    let refused = refused.expect_err("it is refused").to_string();
    assert!(refused.contains("webhook_events_waiting_for_check"), "{refused}");
}

#[tokio::test]
async fn a_row_is_as_short_as_what_a_provider_names() {
    let world = World::new().await;
    world.deliver(&event("evt_1", "charge.refunded")).await.expect("is taken");
    for column in ["type", "object_id", "account", "intent"] {
        for (length, taken) in [(255, true), (256, false)] {
            let sql = format!("update webhook_events set {column} = repeat('e', {length})");
            let written: Result<(), Fault> = world
                .db
                .system_uow()
                .write(async |tx| {
                    use db::prelude::*;
                    diesel::sql_query(&sql).execute(tx.pg()).await.fault()?;
                    Ok(())
                })
                .await;
            let said = written.err().map_or_else(String::new, |fault| fault.to_string());
            assert_eq!(said.is_empty(), taken, "{column} of {length}: {said}");
            assert!(taken || said.contains("webhook_events_bounded"), "{said}");
        }
    }
}

//! The relay: in order per aggregate, at least once, and once for who wants it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use db::{DbResult, Pg};
use jobs::{Execution, Registry, Worker, make_due, pending, stuck_events};
use kernel::{Ctx, Fault};
use testkit::{Database, until};
use uow::EventId;
use uuid::Uuid;

use crate::{Happened, Log, idle, publish, settings, tenant};

fn steps(what: Uuid, steps: std::ops::RangeInclusive<u32>) -> Vec<Happened> {
    steps.map(|step| Happened { what, step }).collect()
}

#[tokio::test]
async fn a_rollback_leaves_no_event() {
    let database = Database::fresh().await;
    let result: Result<(), Fault> = database
        .uow()
        .write(&tenant(), async |tx| {
            tx.publish(&Happened { what: Uuid::now_v7(), step: 1 }).await?;
            Err(Fault::internal("changed our mind"))
        })
        .await;
    assert!(result.is_err());
    assert_eq!(pending(&database.system_uow()).await.expect("counted").events, 0);
}

#[tokio::test]
async fn a_failing_event_holds_up_its_aggregate_and_no_other() {
    let (database, log, broken) = (Database::fresh().await, Log::default(), Arc::new(AtomicBool::new(true)));
    let (a, b) = (Uuid::now_v7(), Uuid::now_v7());
    let mut registry = Registry::new();
    let (noted, fails) = (log.clone(), Arc::clone(&broken));
    registry.on_event("test", &Arc::new(()), move |_, _, _, event: Happened| {
        let (log, fail) = (noted.clone(), fails.load(Ordering::SeqCst) && event.what == a && event.step == 2);
        async move {
            if fail {
                return Err("out of order");
            }
            log.add(format!("{}{}", if event.what == a { "a" } else { "b" }, event.step));
            Ok(())
        }
    });
    let ctx = tenant();
    publish(&database, &ctx, &[steps(a, 1..=3), steps(b, 1..=3)].concat()).await;
    let ran = idle(&database, &registry).await;
    assert_eq!(log.lines(), ["a1", "b1", "b2", "b3"]);
    let errors: Vec<_> = ran.iter().filter_map(Execution::error).collect();
    assert_eq!(errors, ["test: out of order"]);
    let system = database.system_uow();
    assert_eq!(pending(&system).await.expect("counted").events, 2);
    let stuck = stuck_events(&system, 1).await.expect("listed");
    assert_eq!(stuck.len(), 1);
    assert_eq!(stuck[0].last_error.as_deref(), Some("test: out of order"));

    make_due(&system).await.expect("made due");
    assert_eq!(idle(&database, &registry).await.len(), 1, "it fails again, and the third still waits");
    broken.store(false, Ordering::SeqCst);
    make_due(&system).await.expect("made due");
    idle(&database, &registry).await;
    assert_eq!(log.lines(), ["a1", "b1", "b2", "b3", "a2", "a3"]);
    assert_eq!(pending(&system).await.expect("counted").events, 0);
}

#[tokio::test]
async fn an_event_delivered_twice_is_handled_once() {
    let (database, fails) = (Database::fresh().await, Arc::new(AtomicBool::new(true)));
    database.run_sql("create table seen (org_id uuid, event uuid); grant insert on seen to build14_app").await;
    let mut registry = Registry::new();
    let uow = database.uow();
    registry.on_event("first", &Arc::new(()), move |_, ctx: Ctx, id: EventId, _: Happened| {
        let uow = uow.clone();
        async move {
            jobs::once(&uow, &ctx, id, "first", async |tx| {
                use diesel_async::RunQueryDsl as _;
                diesel::sql_query("insert into seen values (app.org(), $1)")
                    .bind::<diesel::sql_types::Uuid, _>(id.0)
                    .execute(tx.pg())
                    .await
                    .fault()?;
                Ok::<_, Fault>(())
            })
            .await
            .map(|_| ())
        }
    });
    let broken = Arc::clone(&fails);
    registry.on_event("second", &Arc::new(()), move |_, _, _, _: Happened| {
        let fail = broken.swap(false, Ordering::SeqCst);
        async move { if fail { Err("not yet") } else { Ok(()) } }
    });
    let ctx = tenant();
    publish(&database, &ctx, &steps(Uuid::now_v7(), 1..=1)).await;
    let ran = idle(&database, &registry).await;
    assert_eq!(ran, [Execution::Event { kind: "test.happened".into(), error: Some("second: not yet".into()) }]);
    make_due(&database.system_uow()).await.expect("made due");
    let ran = idle(&database, &registry).await;
    assert_eq!(ran, [Execution::Event { kind: "test.happened".into(), error: None }]);
    assert_eq!(database.query("select org_id from seen").await, [ctx.org.to_string()]);
}

#[tokio::test]
async fn relays_side_by_side_keep_the_order() {
    let (database, log, round) = (Database::fresh().await, Log::default(), Arc::new(AtomicU32::new(0)));
    let aggregates: Vec<Uuid> = (0..6).map(|_| Uuid::now_v7()).collect();
    let mut registry = Registry::new();
    let noted = log.clone();
    registry.on_event("test", &Arc::new(()), move |_, _, _, event: Happened| {
        let (log, turn) = (noted.clone(), round.fetch_add(1, Ordering::SeqCst));
        async move {
            log.add(format!("{} begins {}", event.what, event.step));
            for _ in 0..turn % 5 {
                tokio::task::yield_now().await;
            }
            log.add(format!("{} ends {}", event.what, event.step));
            Ok::<_, Fault>(())
        }
    });
    let settings = settings(&database).await;
    let one = Worker::start(settings.clone(), registry.clone()).await.expect("starts");
    let two = Worker::start(settings.clone(), registry.clone()).await.expect("starts");
    let three = Worker::start(settings, registry).await.expect("starts");
    let ctx = tenant();
    for step in 1..=8 {
        let events: Vec<_> = aggregates.iter().map(|&what| Happened { what, step }).collect();
        publish(&database, &ctx, &events).await;
    }
    let system = database.system_uow();
    until("all is delivered", async || (pending(&system).await.ok()?.events == 0).then_some(())).await;
    let mut by_aggregate: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in log.lines() {
        let (what, rest) = line.split_once(' ').expect("two parts");
        by_aggregate.entry(what.to_owned()).or_default().push(rest.to_owned());
    }
    let expected: Vec<String> = (1..=8).flat_map(|step| [format!("begins {step}"), format!("ends {step}")]).collect();
    assert_eq!(by_aggregate.len(), 6);
    for lines in by_aggregate.values() {
        assert_eq!(*lines, expected);
    }
    tokio::join!(one.shutdown(), two.shutdown(), three.shutdown());
}

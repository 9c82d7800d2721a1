//! Jobs: enqueued with the transaction, retried, dead, planned, replaced.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use jobs::{Execution, Registry, Worker, dead_jobs, make_due, pending};
use kernel::Fault;
use testkit::{Database, until};
use uow::Job;

use crate::{LastWord, Log, Misread, Never, Note, SecondTime, Unknown, enqueue, idle, note, settings, tenant};

fn noting(log: &Log) -> Registry {
    let mut registry = Registry::new();
    registry.on_job(&Arc::new(log.clone()), |log, job, Note(text)| async move {
        let ctx = job.tenant()?;
        log.add(format!("{text} for {} in {}", ctx.org, ctx.request));
        Ok::<_, Fault>(())
    });
    registry
}

#[tokio::test]
async fn a_job_runs_as_its_tenant_after_the_commit() {
    let (database, log, ctx) = (Database::fresh().await, Log::default(), tenant());
    enqueue(&database, &ctx, note("hello")).await;
    let ran = idle(&database, &noting(&log)).await;
    assert_eq!(ran, [Execution::Job { task: "test.note".into(), error: None }]);
    assert_eq!(log.lines(), [format!("hello for {} in req-1", ctx.org)]);
    assert!(pending(&database.system_uow()).await.expect("counted").is_empty());
}

#[tokio::test]
async fn a_rollback_leaves_no_job() {
    let database = Database::fresh().await;
    let result: Result<(), Fault> = database
        .uow()
        .write(&tenant(), async |tx| {
            tx.enqueue(note("hello")).await?;
            Err(Fault::internal("changed our mind"))
        })
        .await;
    assert!(result.is_err());
    assert!(pending(&database.system_uow()).await.expect("counted").is_empty());
}

#[tokio::test]
async fn a_failed_job_is_tried_again() {
    let (database, log) = (Database::fresh().await, Log::default());
    let mut registry = Registry::new();
    registry.on_job(&Arc::new(log.clone()), |log, job, SecondTime(())| async move {
        log.add(format!("attempt {} last {}", job.attempt, job.last_attempt));
        if job.attempt == 1 { Err("not yet") } else { Ok(()) }
    });
    enqueue(&database, &tenant(), Job::of(&SecondTime(()))).await;
    let failed = Execution::Job { task: "test.second_time".into(), error: Some("not yet".into()) };
    assert_eq!(idle(&database, &registry).await, [failed]);
    assert_eq!(idle(&database, &registry).await, [], "it waits for its next attempt");
    let system = database.system_uow();
    assert_eq!(pending(&system).await.expect("counted").later_jobs, 1);
    make_due(&system).await.expect("made due");
    assert_eq!(idle(&database, &registry).await, [Execution::Job { task: "test.second_time".into(), error: None }]);
    assert_eq!(log.lines(), ["attempt 1 last false", "attempt 2 last true"]);
    assert!(pending(&system).await.expect("counted").is_empty());
}

#[tokio::test]
async fn a_job_that_used_up_its_attempts_is_dead_and_visible() {
    let (database, ctx) = (Database::fresh().await, tenant());
    let mut registry = Registry::new();
    registry.on_job(&Arc::new(()), |_, _, Never(())| async { panic!("boom") as Result<(), Fault> });
    enqueue(&database, &ctx, Job::of(&Never(()))).await;
    assert_eq!(
        idle(&database, &registry).await,
        [Execution::Job { task: "test.never".into(), error: Some("panicked: boom".into()) }]
    );
    let dead = dead_jobs(&database.system_uow()).await.expect("listed");
    let seen: Vec<_> = dead.iter().map(|d| (d.task.as_str(), d.org_id(), d.attempts, d.last_error.as_deref())).collect();
    assert_eq!(seen, [("test.never", Some(ctx.org), 1, Some("panicked: boom"))]);
    let left = pending(&database.system_uow()).await.expect("counted");
    assert_eq!((left.dead_jobs, left.is_empty()), (1, true));
}

#[tokio::test]
async fn a_job_for_later_waits_and_a_key_replaces() {
    let (database, log, ctx) = (Database::fresh().await, Log::default(), tenant());
    let later = Utc::now() + TimeDelta::hours(1);
    for text in ["first", "second"] {
        enqueue(&database, &ctx, Job::of(&LastWord(text.to_owned())).at(later)).await;
    }
    assert_eq!(idle(&database, &noting(&log)).await, []);
    make_due(&database.system_uow()).await.expect("made due");
    assert_eq!(idle(&database, &noting(&log)).await.len(), 1);
    assert_eq!(log.lines(), [format!("second for {} in req-1", ctx.org)]);
}

#[tokio::test]
async fn an_unreadable_payload_fails_and_an_unknown_task_stays() {
    let (database, log, ctx) = (Database::fresh().await, Log::default(), tenant());
    enqueue(&database, &ctx, Job::of(&Misread(7))).await;
    enqueue(&database, &ctx, Job::of(&Unknown(()))).await;
    let ran = idle(&database, &noting(&log)).await;
    assert_eq!(ran.len(), 1);
    assert!(ran[0].error().is_some_and(|e| e.starts_with("the payload cannot be read: invalid type: integer `7`")), "{ran:?}");
    assert_eq!(pending(&database.system_uow()).await.expect("counted").due_jobs, 1);
}

#[tokio::test]
async fn a_worker_runs_what_comes_and_sweeps_at_start() {
    let (database, log, ctx) = (Database::fresh().await, Log::default(), tenant());
    let mut registry = noting(&log);
    registry.every("test.sweep", Duration::from_secs(3600), &Arc::new(log.clone()), |log| async move {
        log.add("swept");
        Ok::<_, Fault>(())
    });
    // The poll is far away: only the notification can bring the job in time.
    let mut settings = settings(&database).await;
    settings.poll_interval = Duration::from_secs(600);
    let worker = Worker::start(settings, registry).await.expect("starts");
    until("the sweep ran", async || (log.lines() == ["swept"]).then_some(())).await;
    enqueue(&database, &ctx, note("hello")).await;
    until("the job ran", async || (log.lines().len() == 2).then_some(())).await;
    assert!(worker.health().is_well(Duration::from_secs(30)), "{:?}", worker.health());
    worker.shutdown().await;
    assert!(pending(&database.system_uow()).await.expect("counted").is_empty());
}

#[tokio::test]
async fn what_is_old_is_pruned() {
    let database = Database::fresh().await;
    database
        .run_sql(
            "insert into outbox (id, org_id, kind, aggregate, payload, request_id, delivered_at)
                 select gen_random_uuid(), gen_random_uuid(), k, gen_random_uuid(), '{}', 'r', now() - a::interval
                 from (values ('old', '8 days'), ('young', '6 days')) v(k, a);
             insert into outbox_handled (org_id, event_id, subscriber, handled_at)
                 values (gen_random_uuid(), gen_random_uuid(), 'old', now() - interval '8 days'), (gen_random_uuid(), gen_random_uuid(), 'young', now());
             insert into idempotency_keys (org_id, user_id, key, fingerprint, claimed_at)
                 select gen_random_uuid(), gen_random_uuid(), k, decode(repeat('00', 32), 'hex'), now() - a::interval
                 from (values ('old', '25 hours'), ('young', '23 hours')) v(k, a);",
        )
        .await;
    let worker = Worker::start(settings(&database).await, Registry::new()).await.expect("starts");
    let left =
        "select kind from outbox union all select subscriber from outbox_handled union all select key from idempotency_keys";
    until("what is old is gone", async || (database.query(left).await == ["young"; 3]).then_some(())).await;
    worker.shutdown().await;
}

#[tokio::test]
async fn installing_twice_at_once_does_no_harm() {
    let database = Database::fresh().await;
    database.run_sql("drop schema graphile_worker cascade").await;
    let owner = database.owner_url().await;
    let (one, two, three) = tokio::join!(jobs::install(&owner), jobs::install(&owner), jobs::install(&owner));
    for done in [one, two, three] {
        done.expect("installed");
    }
    let (log, ctx) = (Log::default(), tenant());
    enqueue(&database, &ctx, note("hello")).await;
    assert_eq!(idle(&database, &noting(&log)).await.len(), 1);
}

#[tokio::test]
async fn a_dead_job_raises_one_alarm_which_is_over_when_the_job_is_gone() {
    let database = Database::fresh().await;
    let system = database.system_uow();
    let mut registry = Registry::new();
    registry.on_job(&Arc::new(()), |_, _, Never(())| async { Err::<(), _>("no,\nnever") });
    let ctx = tenant();
    enqueue(&database, &ctx, Job::of(&Never(()))).await;
    let worker = Worker::start(settings(&database).await, registry).await.expect("starts");
    let open = until("the alarm is raised", async || {
        let open = db::alarms(&system, false).await.expect("lists");
        (!open.is_empty()).then_some(open)
    })
    .await;
    worker.shutdown().await;
    let job = &dead_jobs(&system).await.expect("lists")[0];
    let told: Vec<_> = open.iter().map(|a| (a.kind.as_str(), a.object_id.clone(), a.org_id, a.detail.as_str())).collect();
    let detail =
        format!("test.never used up its 1 attempt: no, never; `build14 jobs retry --id {} --operator …` gives it more", job.id);
    assert_eq!(told, [("job_dead", job.id.to_string(), Some(ctx.org.0), detail.as_str())]);

    // A person may settle it although the job stays: it is not raised again.
    let (ada, seen) = ("Ada".parse().expect("a name"), "seen".parse().expect("a reason"));
    db::settle_alarm(&system, open[0].id, &ada, &seen).await.expect("settles");
    jobs::watch_alarms(&system).await.expect("looks");
    assert_eq!(db::alarms(&system, false).await.expect("lists"), []);
    // Tried again and dead again, it is another one; gone, it is over.
    database.run_sql("update graphile_worker._private_jobs set updated_at = now()").await;
    jobs::watch_alarms(&system).await.expect("looks");
    jobs::watch_alarms(&system).await.expect("looks");
    let again = db::alarms(&system, false).await.expect("lists");
    assert_eq!((again.len(), again[0].times), (1, 1));
    database.run_sql("delete from graphile_worker._private_jobs").await;
    jobs::watch_alarms(&system).await.expect("looks");
    let all = db::alarms(&system, true).await.expect("lists");
    assert_eq!(all.iter().map(|a| a.settled_by.as_deref()).collect::<Vec<_>>(), [Some("Ada"), Some("sweep")]);
}

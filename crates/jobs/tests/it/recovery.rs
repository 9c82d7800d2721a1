//! What a worker held when it died, stopped, or lost the database runs again soon.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jobs::{Registry, Settings, Worker, pending};
use kernel::Fault;
use secrecy::ExposeSecret;
use testkit::{Database, until};
use uow::Job;
use uuid::Uuid;

use crate::{Hang, Happened, Log, enqueue, publish, settings, tenant};

const CHILD: &str = "JOBS_TEST_CHILD";

/// Not a test: what the next one runs in a process of its own, to be killed.
#[tokio::test]
async fn a_worker_to_be_killed() {
    let Ok(url) = std::env::var(CHILD) else { return };
    let _worker = Worker::start(Settings::new(url), hanging(&Log::default(), &Arc::default())).await.expect("starts");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn what_a_killed_process_held_runs_again() {
    let (database, log, free) = (Database::fresh().await, Log::default(), Arc::new(AtomicBool::new(true)));
    let ctx = tenant();
    enqueue(&database, &ctx, Job::of(&Hang(()))).await;
    publish(&database, &ctx, &[Happened { what: Uuid::now_v7(), step: 1 }]).await;
    let mut process = Command::new(std::env::current_exe().expect("this program"))
        .args(["recovery::a_worker_to_be_killed", "--exact"])
        .env(CHILD, database.system_url().await.expose_secret())
        .stdout(Stdio::null())
        .spawn()
        .expect("a process");
    let system = database.system_uow();
    let held = "select count(*) from outbox where attempts = 1";
    until("it holds both", async || {
        let job = pending(&system).await.ok()?.running_jobs == 1;
        (job && database.query(held).await == ["1"]).then_some(())
    })
    .await;
    process.kill().expect("SIGKILL");
    process.wait().expect("gone");
    let worker = Worker::start(settings(&database).await, hanging(&log, &free)).await.expect("starts");
    until("all is done", async || pending(&system).await.ok()?.is_empty().then_some(())).await;
    let mut lines = log.lines();
    lines.sort();
    assert_eq!(lines, ["event begins", "event ends", "job 1 begins", "job 1 ends"]);
    worker.shutdown().await;
}

/// A registry whose job and subscriber hang until `free`.
fn hanging(log: &Log, free: &Arc<AtomicBool>) -> Registry {
    async fn hang(log: Log, what: String, free: Arc<AtomicBool>) -> Result<(), Fault> {
        log.add(format!("{what} begins"));
        if !free.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        log.add(format!("{what} ends"));
        Ok(())
    }
    let mut registry = Registry::new();
    let shared = Arc::new((log.clone(), Arc::clone(free)));
    registry
        .on_job(&shared, |shared, job, Hang(())| hang(shared.0.clone(), format!("job {}", job.attempt), Arc::clone(&shared.1)));
    registry
        .on_event("test", &shared, |shared, _, _, _: Happened| hang(shared.0.clone(), "event".to_owned(), Arc::clone(&shared.1)));
    registry
}

async fn begun(log: &Log) {
    until("both hang", async || (log.lines().len() == 2).then_some(())).await;
}

#[tokio::test]
async fn what_a_dead_worker_held_runs_again_at_once() {
    let (database, log, free) = (Database::fresh().await, Log::default(), Arc::new(AtomicBool::new(false)));
    let ctx = tenant();
    enqueue(&database, &ctx, Job::of(&Hang(()))).await;
    publish(&database, &ctx, &[Happened { what: Uuid::now_v7(), step: 1 }]).await;
    let first = Worker::start(settings(&database).await, hanging(&log, &free)).await.expect("starts");
    begun(&log).await;
    drop(first);
    free.store(true, Ordering::SeqCst);
    // As a restart would find it: the server has noticed that the session is gone.
    let gone = "select count(*) from pg_stat_activity where application_name like 'build14!_%' escape '!' and datname = current_database()";
    until("the session is gone", async || (database.query(gone).await == ["0"]).then_some(())).await;
    // A server that has just started gives other workers time to come back; this one has been up for long.
    let old = "select clock_timestamp() - pg_postmaster_start_time() >= interval '3 seconds'";
    until("the server is no longer young", async || (database.query(old).await == ["t"]).then_some(())).await;
    // Nobody will wait for this lease to end by itself.
    database.run_sql("update outbox set retry_at = now() + interval '1 day'").await;
    let second = Worker::start(settings(&database).await, hanging(&log, &free)).await.expect("starts");
    let system = database.system_uow();
    until("all is done", async || pending(&system).await.ok()?.is_empty().then_some(())).await;
    let mut lines = log.lines().split_off(2);
    lines.sort();
    assert_eq!(lines, ["event begins", "event ends", "job 1 begins", "job 1 ends"]);
    second.shutdown().await;
}

#[tokio::test]
async fn a_living_worker_takes_over_from_a_dead_one() {
    let (database, log, free) = (Database::fresh().await, Log::default(), Arc::new(AtomicBool::new(false)));
    let ctx = tenant();
    enqueue(&database, &ctx, Job::of(&Hang(()))).await;
    let first = Worker::start(settings(&database).await, hanging(&log, &free)).await.expect("starts");
    until("it hangs", async || (log.lines().len() == 1).then_some(())).await;
    free.store(true, Ordering::SeqCst);
    let second = Worker::start(settings(&database).await, hanging(&log, &free)).await.expect("starts");
    assert_eq!(pending(&database.system_uow()).await.expect("counted").running_jobs, 1, "the first lives, so it keeps its job");
    drop(first);
    let system = database.system_uow();
    until("it is done", async || pending(&system).await.ok()?.is_empty().then_some(())).await;
    assert_eq!(log.lines(), ["job 1 begins", "job 1 begins", "job 1 ends"]);
    second.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_gives_back_what_does_not_end() {
    let (database, log, free) = (Database::fresh().await, Log::default(), Arc::new(AtomicBool::new(false)));
    let ctx = tenant();
    enqueue(&database, &ctx, Job::of(&Hang(()))).await;
    publish(&database, &ctx, &[Happened { what: Uuid::now_v7(), step: 1 }]).await;
    let mut settings = settings(&database).await;
    settings.grace = Duration::from_millis(1);
    let worker = Worker::start(settings.clone(), hanging(&log, &free)).await.expect("starts");
    begun(&log).await;
    worker.shutdown().await;
    let left = pending(&database.system_uow()).await.expect("counted");
    assert_eq!((left.due_jobs, left.running_jobs, left.events), (1, 0, 1));
    free.store(true, Ordering::SeqCst);
    assert_eq!(crate::idle(&database, &hanging(&log, &free)).await.len(), 2, "both are due at once");
}

#[tokio::test]
async fn a_worker_survives_the_loss_of_its_connections() {
    let (database, log, free) = (Database::fresh().await, Log::default(), Arc::new(AtomicBool::new(true)));
    let worker = Worker::start(settings(&database).await, hanging(&log, &free)).await.expect("starts");
    database
        .run_sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'build14_system'")
        .await;
    let ctx = tenant();
    enqueue(&database, &ctx, Job::of(&Hang(()))).await;
    publish(&database, &ctx, &[Happened { what: Uuid::now_v7(), step: 1 }]).await;
    until("both are done", async || (log.lines().len() == 4).then_some(())).await;
    until("the session is back", async || worker.health().present.then_some(())).await;
    worker.shutdown().await;
}

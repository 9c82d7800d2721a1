//! The loop that takes jobs off the queue and runs several at a time.

use std::sync::Arc;
use std::time::Duration;

use graphile_worker_job::Job;
use tokio::task::JoinSet;

use crate::execute;
use crate::shared::Shared;

/// Runs until the stop, then finishes what runs within the grace and gives the rest back.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut tasks = JoinSet::new();
    let mut pause = Duration::from_millis(100);
    while !shared.stop.is_cancelled() {
        while tasks.try_join_next().is_some() {}
        let free = tasks.len() < shared.settings.concurrency.max(1);
        let mut wait = shared.settings.poll_interval;
        if free {
            match shared.queue.claim().await {
                Ok(Some(job)) => {
                    shared.running.map().insert(*job.id(), job.clone());
                    tasks.spawn(one(Arc::clone(&shared), job));
                    shared.jobs_seen();
                    continue;
                }
                Ok(None) => {
                    shared.jobs_seen();
                    pause = Duration::from_millis(100);
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot take jobs; trying again");
                    pause = (pause * 2).min(Duration::from_secs(2));
                    wait = pause;
                }
            }
        } else {
            shared.jobs_seen();
        }
        tokio::select! {
            () = shared.stop.cancelled() => {}
            () = shared.call_jobs.notified(), if free => {}
            _ = tasks.join_next(), if !tasks.is_empty() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    let finished = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(shared.settings.grace, finished).await.is_err() {
        tasks.shutdown().await;
    }
    let left: Vec<Job> = shared.running.map().drain().map(|(_, job)| job).collect();
    for job in left {
        tracing::warn!(task = job.task_identifier(), id = job.id(), "cut off by the shutdown; it will run again");
        if let Err(error) = shared.queue.give_back(&job).await {
            tracing::warn!(%error, id = job.id(), "cannot give the job back; it is free as soon as this worker is gone");
        }
    }
}

async fn one(shared: Arc<Shared>, job: Job) {
    let result = execute::job(&shared.registry, &job).await;
    let mut pause = Duration::from_millis(100);
    // As long as this worker lives nobody else may take the job: it must say how it ended, however long the database is away.
    while let Err(error) = shared.queue.settle(&job, &result).await {
        tracing::warn!(%error, id = job.id(), "cannot say how the job ended; trying again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
    shared.running.map().remove(job.id());
}

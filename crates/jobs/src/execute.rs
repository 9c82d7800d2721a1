//! One run of one handler: the envelope opened, panics caught, counted and logged.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures::FutureExt;
use graphile_worker_job::Job;
use kernel::{Ctx, OrgId, RequestId};
use serde::Deserialize;
use serde_json::Value;
use tracing::Instrument;

use crate::registry::Work;
use crate::{JobCtx, Registry};

/// What `db` puts around a job's payload.
#[derive(Deserialize)]
struct Envelope {
    org: Option<OrgId>,
    request: Option<String>,
    #[serde(default)]
    data: Value,
}

/// Runs a claimed job's handler.
pub(crate) async fn job(registry: &Registry, job: &Job) -> Result<(), String> {
    let task = job.task_identifier();
    let attempt = u16::try_from(*job.attempts()).unwrap_or(1);
    let started = Instant::now();
    let span =
        tracing::info_span!("job", task, id = job.id(), attempt, org = tracing::field::Empty, request = tracing::field::Empty);
    let result = async {
        let envelope: Envelope =
            serde_json::from_value(job.payload().clone()).map_err(|error| format!("the envelope cannot be read: {error}"))?;
        let run = registry.job(task).ok_or_else(|| format!("there is no handler for `{task}`"))?;
        let ctx = envelope.org.map(|org| Ctx::system(org, request_id(envelope.request.as_deref())));
        if let Some(ctx) = &ctx {
            span.record("org", tracing::field::display(ctx.org)).record("request", ctx.request.as_str());
        }
        let job = JobCtx { ctx, attempt, last_attempt: job.attempts() >= job.max_attempts() };
        caught(|| run(job, envelope.data)).await
    }
    .instrument(span.clone())
    .await;
    let _inside = span.enter();
    let outcome = match &result {
        Ok(()) => {
            tracing::debug!(ms = started.elapsed().as_millis(), "done");
            "done"
        }
        Err(error) if job.attempts() >= job.max_attempts() => {
            tracing::error!(error, "the job has used up its attempts: it is dead, `build14 doctor` lists it");
            "dead"
        }
        Err(error) => {
            tracing::warn!(error, "the job failed and will be tried again");
            "failed"
        }
    };
    metrics::counter!("jobs_total", "task" => task.clone(), "outcome" => outcome).increment(1);
    metrics::histogram!("jobs_duration_seconds", "task" => task.clone()).record(started.elapsed());
    result
}

/// Runs `work`; a panic is a failure like any other.
pub(crate) async fn caught(work: impl FnOnce() -> Work) -> Result<(), String> {
    AssertUnwindSafe(async { work().await }).catch_unwind().await.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Err(format!("panicked: {}", said.unwrap_or("without a word")))
    })
}

/// The request in which it began, or a fresh id if that is unknown.
pub(crate) fn request_id(text: Option<&str>) -> RequestId {
    text.and_then(RequestId::accept).unwrap_or_else(RequestId::generate)
}

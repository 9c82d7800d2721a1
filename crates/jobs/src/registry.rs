//! What there is to run: a handler per task, subscribers per kind of event, sweeps.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Ctx, Fault};
use serde_json::Value;
use uow::{DomainEvent, EventId, Task};

/// What a handler's run comes to; the text of the failure is stored with the job or event.
pub(crate) type Work = BoxFuture<'static, Result<(), String>>;

type RunJob = Arc<dyn Fn(JobCtx, Value) -> Work + Send + Sync>;
type RunEvent = Arc<dyn Fn(Ctx, EventId, Value) -> Work + Send + Sync>;
type RunSweep = Arc<dyn Fn() -> Work + Send + Sync>;

/// What a job's handler knows about its run.
#[derive(Debug, Clone)]
pub struct JobCtx {
    /// The platform acting for the organisation in whose transaction the job was enqueued; `None` for the platform's own jobs.
    pub ctx: Option<Ctx>,
    /// Which attempt this is, from 1.
    pub attempt: u16,
    /// Whether the job is dead if this attempt fails.
    pub last_attempt: bool,
}

impl JobCtx {
    /// The tenant's context.
    ///
    /// # Errors
    /// An internal fault if the job was enqueued by the platform for itself.
    #[track_caller]
    pub fn tenant(&self) -> Result<&Ctx, Fault> {
        self.ctx.as_ref().ok_or_else(|| Fault::internal("this job was enqueued without a tenant"))
    }
}

#[derive(Clone)]
pub(crate) struct Subscription {
    pub(crate) name: &'static str,
    pub(crate) run: RunEvent,
}

#[derive(Clone)]
pub(crate) struct Sweep {
    pub(crate) name: &'static str,
    pub(crate) every: Duration,
    pub(crate) run: RunSweep,
}

/// The handlers of a program. Domains add theirs, each over the service that does the work; `bin/server` hands the whole to a
/// [`crate::Worker`].
#[derive(Clone, Default)]
pub struct Registry {
    jobs: BTreeMap<&'static str, RunJob>,
    events: BTreeMap<&'static str, Vec<Subscription>>,
    sweeps: Vec<Sweep>,
    sealed: BTreeSet<&'static str>,
}

impl Registry {
    /// Without handlers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `handler` for every job of the task `T`. It runs at least once and must bear repetition; an error puts the job back with
    /// exponential backoff until its attempts are used up.
    ///
    /// # Panics
    /// If the task has a handler already.
    pub fn on_job<S, T, F, W, E>(&mut self, service: &Arc<S>, handler: F)
    where
        S: Send + Sync + 'static,
        T: Task,
        F: Fn(Arc<S>, JobCtx, T) -> W + Send + Sync + 'static,
        W: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + 'static,
    {
        let service = Arc::clone(service);
        let run = move |job, payload| match serde_json::from_value(payload) {
            Ok(task) => handler(Arc::clone(&service), job, task).map(text_of).boxed(),
            Err(error) => unreadable(&error),
        };
        assert!(self.jobs.insert(T::NAME, Arc::new(run)).is_none(), "the task `{}` has two handlers", T::NAME);
    }

    /// Runs `handler` for every event `D`, after the ones before it of the same aggregate. It runs at least once, and again if another
    /// subscriber of the event failed: see [`crate::once()`]. An error puts the event back with backoff, without end, since later events
    /// of the aggregate wait for it.
    ///
    /// # Panics
    /// If the event has a subscriber of that name already.
    pub fn on_event<S, D, F, W, E>(&mut self, subscriber: &'static str, service: &Arc<S>, handler: F)
    where
        S: Send + Sync + 'static,
        D: DomainEvent,
        F: Fn(Arc<S>, Ctx, EventId, D) -> W + Send + Sync + 'static,
        W: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + 'static,
    {
        let service = Arc::clone(service);
        let run = move |ctx, id, payload| match serde_json::from_value(payload) {
            Ok(event) => handler(Arc::clone(&service), ctx, id, event).map(text_of).boxed(),
            Err(error) => unreadable(&error),
        };
        let all = self.events.entry(D::KIND).or_default();
        assert!(all.iter().all(|s| s.name != subscriber), "`{}` has two subscribers `{subscriber}`", D::KIND);
        all.push(Subscription { name: subscriber, run: Arc::new(run) });
    }

    /// Seals the events `D`: neither logs nor metrics tell that there are any, nor whose they are.
    pub fn seal<D: DomainEvent>(&mut self) {
        self.sealed.insert(D::KIND);
    }

    /// Runs `handler` when a worker starts and then every `period`. Every worker does so: it must bear company.
    ///
    /// # Panics
    /// If there is a sweep of that name already.
    pub fn every<S, F, W, E>(&mut self, name: &'static str, period: Duration, service: &Arc<S>, handler: F)
    where
        S: Send + Sync + 'static,
        F: Fn(Arc<S>) -> W + Send + Sync + 'static,
        W: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + 'static,
    {
        assert!(self.sweeps.iter().all(|sweep| sweep.name != name), "there are two sweeps `{name}`");
        let service = Arc::clone(service);
        let run = move || handler(Arc::clone(&service)).map(text_of).boxed();
        self.sweeps.push(Sweep { name, every: period, run: Arc::new(run) });
    }

    /// The tasks that have a handler.
    pub fn tasks(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.jobs.keys().copied()
    }

    pub(crate) fn job(&self, task: &str) -> Option<RunJob> {
        self.jobs.get(task).cloned()
    }

    pub(crate) fn subscribers(&self, kind: &str) -> &[Subscription] {
        self.events.get(kind).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn is_sealed(&self, kind: &str) -> bool {
        self.sealed.contains(kind)
    }

    pub(crate) fn sweeps(&self) -> &[Sweep] {
        &self.sweeps
    }
}

fn text_of<E: Display>(result: Result<(), E>) -> Result<(), String> {
    result.map_err(|error| error.to_string())
}

fn unreadable(error: &serde_json::Error) -> Work {
    futures::future::ready(Err(format!("the payload cannot be read: {error}"))).boxed()
}

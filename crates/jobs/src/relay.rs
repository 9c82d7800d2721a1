//! The loop that takes events off the outbox and hands them to their subscribers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kernel::{Ctx, OrgId};
use tokio::task::{Id, JoinSet};
use tracing::Instrument;
use uow::{EventId, SystemUow};

use crate::outbox::{self, Event};
use crate::shared::Shared;
use crate::{Registry, execute};

/// A third of the lease: two renewals may fail before it ends.
const RENEW: Duration = Duration::from_millis(1_500);

/// Runs until the stop, then finishes what runs within the grace and gives the rest back.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut tasks: JoinSet<()> = JoinSet::new();
    let mut flying: HashMap<Id, Event> = HashMap::new();
    let mut pause = Duration::from_millis(100);
    while !shared.stop.is_cancelled() {
        let free = shared.settings.concurrency.max(1).saturating_sub(tasks.len());
        let mut wait = shared.settings.poll_interval;
        if free > 0 {
            let busy: Vec<i64> = flying.values().map(|event| event.seq).collect();
            match outbox::claim(&shared.system, i64::try_from(free).unwrap_or(1), &busy).await {
                Ok(events) => {
                    shared.outbox_seen();
                    pause = Duration::from_millis(100);
                    for event in events {
                        let (shared, delivered) = (Arc::clone(&shared), event.clone());
                        let task = tasks.spawn(async move { one(&shared, delivered).await });
                        flying.insert(task.id(), event);
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot take events; trying again");
                    pause = (pause * 2).min(Duration::from_secs(2));
                    wait = pause;
                }
            }
        } else {
            shared.outbox_seen();
        }
        let room = tasks.len() < shared.settings.concurrency.max(1);
        tokio::select! {
            () = shared.stop.cancelled() => {}
            () = shared.call_relay.notified(), if room => {}
            Some(ended) = tasks.join_next_with_id(), if !tasks.is_empty() => {
                flying.remove(&ended.map_or_else(|error| error.id(), |(id, ())| id));
            }
            () = tokio::time::sleep(wait) => {}
        }
    }
    let finished = async {
        while let Some(ended) = tasks.join_next_with_id().await {
            flying.remove(&ended.map_or_else(|error| error.id(), |(id, ())| id));
        }
    };
    if tokio::time::timeout(shared.settings.grace, finished).await.is_err() {
        tasks.shutdown().await;
    }
    for event in flying.into_values() {
        if let Err(error) = outbox::give_back(&shared.system, &event).await {
            tracing::warn!(%error, seq = event.seq, "cannot give the event back; its lease ends soon");
        }
    }
}

/// Delivers one event while its lease is kept up, and settles it.
async fn one(shared: &Shared, event: Event) {
    let work = deliver(&shared.registry, &event);
    tokio::pin!(work);
    let result = loop {
        tokio::select! {
            result = &mut work => break result,
            () = tokio::time::sleep(RENEW) => match outbox::renew(&shared.system, &event).await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!(seq = event.seq, "the lease is another relay's; leaving the event to it");
                    return;
                }
                Err(error) => tracing::warn!(%error, "cannot renew the lease"),
            },
        }
    };
    let mut pause = Duration::from_millis(100);
    while let Err(error) = settle(&shared.system, &event, &result).await {
        tracing::warn!(%error, seq = event.seq, "cannot say how the delivery ended; trying again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Hands an event to its subscribers, one after another, up to the first that fails.
pub(crate) async fn deliver(registry: &Registry, event: &Event) -> Result<(), String> {
    let ctx = Ctx::system(OrgId(event.org_id), execute::request_id(Some(&event.request_id)));
    let (sealed, mut result) = (registry.is_sealed(&event.kind), Ok(()));
    for subscriber in registry.subscribers(&event.kind) {
        let span = if sealed {
            tracing::info_span!("event", subscriber = subscriber.name, attempt = event.attempts)
        } else {
            tracing::info_span!(
                "event", kind = event.kind, subscriber = subscriber.name, seq = event.seq, attempt = event.attempts,
                org = %ctx.org, request = %ctx.request
            )
        };
        let run = || (subscriber.run)(ctx.clone(), EventId(event.id), event.payload.clone());
        if let Err(error) = execute::caught(run).instrument(span.clone()).await {
            span.in_scope(|| tracing::warn!(error, "the subscriber failed; the event will be delivered again"));
            result = Err(format!("{}: {error}", subscriber.name));
            break;
        }
    }
    if sealed {
        return result;
    }
    let outcome = if result.is_ok() { "delivered" } else { "failed" };
    metrics::counter!("events_total", "kind" => event.kind.clone(), "outcome" => outcome).increment(1);
    result
}

/// Writes down how a delivery ended.
pub(crate) async fn settle(system: &SystemUow, event: &Event, result: &Result<(), String>) -> Result<(), kernel::Fault> {
    match result {
        Ok(()) => outbox::delivered(system, event).await.map(|_| ()),
        Err(error) => outbox::failed(system, event, error).await,
    }
}

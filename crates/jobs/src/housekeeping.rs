//! What this crate does from time to time by itself: gauges, and pruning of what nobody needs any more.

use std::sync::Arc;
use std::time::Duration;

use db::prelude::*;
use diesel::sql_types::BigInt;
use kernel::Fault;
use uow::SystemUow;

use crate::{Registry, alarms, pending};

/// Rows per statement, so that none takes long.
const BATCH: i64 = 5_000;

/// Delivered events are kept a week for whoever asks what happened; an idempotency key lives 24 hours (docs/API.md).
const PRUNE: [&str; 4] = [
    "delete from outbox where seq in (
         select seq from outbox where delivered_at < now() - interval '7 days' order by delivered_at limit $1)",
    "delete from outbox_handled where ctid = any (array(
         select h.ctid from outbox_handled h where h.handled_at < now() - interval '7 days'
           and not exists (select from outbox o where o.org_id = h.org_id and o.id = h.event_id) limit $1))",
    "delete from idempotency_keys where ctid = any (array(
         select ctid from idempotency_keys where claimed_at < now() - interval '24 hours' order by claimed_at limit $1))",
    "delete from graphile_worker._private_jobs where id in (
         select j.id from graphile_worker._private_jobs j join graphile_worker._private_job_retirements r using (id)
         where j.locked_at is null limit $1)",
];

/// Adds the sweeps of this crate.
pub(crate) fn add(registry: &mut Registry, system: &SystemUow) {
    let system = Arc::new(system.clone());
    let quarter_minute = Duration::from_secs(15);
    registry.every("jobs.gauges", quarter_minute, &system, |system| async move { gauges(&system).await });
    registry.every("jobs.alarms", quarter_minute, &system, |system| async move { alarms::watch(&system).await });
    registry.every("jobs.prune", Duration::from_secs(3600), &system, |system| async move { prune(&system).await });
}

#[allow(clippy::cast_precision_loss)]
async fn gauges(system: &SystemUow) -> Result<(), Fault> {
    let now = pending(system).await?;
    metrics::gauge!("jobs_waiting").set((now.due_jobs + now.later_jobs) as f64);
    metrics::gauge!("jobs_dead").set(now.dead_jobs as f64);
    metrics::gauge!("outbox_undelivered").set(now.events as f64);
    metrics::gauge!("outbox_lag_seconds").set(now.oldest_event_seconds);
    Ok(())
}

/// Deletes delivered events after a week, expired idempotency keys, and what the queue retired.
pub(crate) async fn prune(system: &SystemUow) -> Result<(), Fault> {
    for sql in PRUNE {
        loop {
            let deleted =
                system.write(async |tx| diesel::sql_query(sql).bind::<BigInt, _>(BATCH).execute(tx.pg()).await.fault()).await?;
            if deleted < usize::try_from(BATCH).unwrap_or(usize::MAX) {
                break;
            }
        }
    }
    Ok(())
}

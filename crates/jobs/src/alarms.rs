//! Alarms about what gave up or does not get through: jobs that used up their attempts, events that fail again and again.

use db::prelude::*;
use kernel::{Fault, OrgId, counted};
use uow::{Alarm, SeenAlarm, SystemUow};

use crate::{dead_jobs, stuck_events};

/// A job used up its attempts. About the job; over when it is gone or tried again.
const JOB_DEAD: &str = "job_dead";
/// An event fails again and again. About the event; over when it was delivered.
const EVENT_STUCK: &str = "event_stuck";
/// So many attempts are no accident.
const MANY: i32 = 5;

#[derive(diesel::QueryableByName)]
struct Known {
    #[diesel(sql_type = diesel::sql_types::Text)]
    object_id: String,
}

/// Those of these objects that an alarm was raised about since each of them last changed, whether or not a person has settled it.
async fn known(tx: &ReadTx<'_>, kind: &str, ids: &[String], since: &[kernel::Timestamp]) -> Result<Vec<String>, Fault> {
    use diesel::sql_types::{Array, Text, Timestamptz};
    let rows: Vec<Known> = diesel::sql_query(
        "select a.object_id from alarms a join unnest($2, $3) as o (id, since) on o.id = a.object_id
         where a.kind = $1 and a.raised_at >= o.since",
    )
    .bind::<Text, _>(kind)
    .bind::<Array<Text>, _>(ids)
    .bind::<Array<Timestamptz>, _>(since)
    .load(&mut tx.pg())
    .await
    .fault()?;
    Ok(rows.into_iter().map(|row| row.object_id).collect())
}

/// What there is to alarm about, since when.
struct Found {
    alarm: Alarm,
    since: kernel::Timestamp,
}

/// Raises an alarm, once, for each that is new, and settles those that are over. A worker does so by itself, every 15 seconds.
///
/// # Errors
/// A fault of the database.
pub async fn watch(system: &SystemUow) -> Result<(), Fault> {
    // Asked first: what is open now and not found below is over.
    let (open_jobs, open_events) =
        system.read(async |tx| Ok::<_, Fault>((db::alarming(tx, JOB_DEAD).await?, db::alarming(tx, EVENT_STUCK).await?))).await?;
    let jobs = dead_jobs(system).await?.into_iter().map(|job| Found {
        since: job.updated_at,
        alarm: Alarm {
            kind: JOB_DEAD,
            about: ("job", job.id.to_string()),
            org: job.org.map(OrgId),
            detail: format!(
                "{} used up its {}: {}; `build14 jobs retry --id {} --operator …` gives it more",
                job.task,
                counted(job.attempts, "attempt", "attempts"),
                job.last_error.unwrap_or_default(),
                job.id
            ),
        },
    });
    let events = stuck_events(system, MANY).await?.into_iter().map(|event| Found {
        since: event.created_at,
        alarm: Alarm {
            kind: EVENT_STUCK,
            about: ("event", event.id.to_string()),
            org: Some(OrgId(event.org)),
            detail: format!(
                "{} failed {}: {}",
                event.kind,
                counted(event.attempts, "time", "times"),
                event.last_error.unwrap_or_default()
            ),
        },
    });
    keep(system, JOB_DEAD, open_jobs, jobs.collect()).await?;
    keep(system, EVENT_STUCK, open_events, events.collect()).await
}

async fn keep(system: &SystemUow, kind: &'static str, open: Vec<SeenAlarm>, found: Vec<Found>) -> Result<(), Fault> {
    if open.is_empty() && found.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = found.iter().map(|one| one.alarm.about.1.clone()).collect();
    let since: Vec<_> = found.iter().map(|one| one.since).collect();
    let known = system.read(async |tx| known(tx, kind, &ids, &since).await).await?;
    let over: Vec<SeenAlarm> = open.into_iter().filter(|seen| !ids.contains(&seen.about)).collect();
    system
        .write(async |tx| {
            tx.end_seen_alarms(&over).await?;
            for one in found.into_iter().filter(|one| !known.contains(&one.alarm.about.1)) {
                tx.alarm(one.alarm).await?;
            }
            Ok(())
        })
        .await
}

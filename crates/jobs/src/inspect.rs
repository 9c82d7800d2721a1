//! What lies in the queue and on the outbox: for `doctor`, for metrics, for tests.

use db::prelude::*;
use diesel::sql_types::{BigInt, Double, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Fault, OrgId, Timestamp};
use uow::SystemUow;
use uuid::Uuid;

/// A job that used up its attempts. It stays until somebody deals with it.
#[derive(Debug, Clone, PartialEq, diesel::QueryableByName)]
pub struct DeadJob {
    /// Its number in the queue.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// What was to be done.
    #[diesel(sql_type = Text)]
    pub task: String,
    /// For whom, if not for the platform itself.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub org: Option<Uuid>,
    /// How often it was tried.
    #[diesel(sql_type = SmallInt)]
    pub attempts: i16,
    /// Why the last attempt failed.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
    /// When it was enqueued.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: Timestamp,
    /// When it was last tried.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: Timestamp,
}

/// An event that fails again and again; later events of its aggregate wait behind it.
#[derive(Debug, Clone, PartialEq, diesel::QueryableByName)]
pub struct StuckEvent {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Whose it is.
    #[diesel(sql_type = SqlUuid)]
    pub org: Uuid,
    /// How often it was tried.
    #[diesel(sql_type = Integer)]
    pub attempts: i32,
    /// Why the last delivery failed.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
    /// When it happened.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: Timestamp,
}

/// What is still to be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, diesel::QueryableByName)]
pub struct Pending {
    /// Jobs that could run now.
    #[diesel(sql_type = BigInt)]
    pub due_jobs: i64,
    /// Jobs for later, also those that failed and wait for their next attempt.
    #[diesel(sql_type = BigInt)]
    pub later_jobs: i64,
    /// Jobs that a worker holds.
    #[diesel(sql_type = BigInt)]
    pub running_jobs: i64,
    /// Jobs that used up their attempts.
    #[diesel(sql_type = BigInt)]
    pub dead_jobs: i64,
    /// Events that are not delivered yet.
    #[diesel(sql_type = BigInt)]
    pub events: i64,
    /// The age of the oldest of them in seconds, 0 if there is none.
    #[diesel(sql_type = Double)]
    pub oldest_event_seconds: f64,
}

impl Pending {
    /// Whether something is left that nobody looked at: a job that is not dead, or an event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.due_jobs + self.later_jobs + self.running_jobs + self.events == 0
    }
}

/// A replaced job (same key, enqueued while the old one ran) is retired by the queue and looks like a dead one; it is none.
pub(crate) const NOT_RETIRED: &str = "not exists (select from graphile_worker._private_job_retirements r where r.id = j.id)";

/// The jobs that used up their attempts, oldest first.
///
/// # Errors
/// A fault of the database.
pub async fn dead_jobs(system: &SystemUow) -> Result<Vec<DeadJob>, Fault> {
    let sql = format!(
        "select j.id, t.identifier as task, (j.payload ->> 'org')::uuid as org, j.attempts, j.last_error, j.created_at, j.updated_at
         from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
         where j.attempts >= j.max_attempts and j.locked_at is null and {NOT_RETIRED} order by j.id"
    );
    system.read(async |tx| diesel::sql_query(sql).load(&mut tx.pg()).await.fault()).await
}

/// The undelivered events that were tried at least `attempts` times, oldest first.
///
/// # Errors
/// A fault of the database.
pub async fn stuck_events(system: &SystemUow, attempts: i32) -> Result<Vec<StuckEvent>, Fault> {
    let sql = "select id, kind, org_id as org, attempts, last_error, created_at
               from outbox where delivered_at is null and attempts >= $1 order by seq";
    system.read(async |tx| diesel::sql_query(sql).bind::<Integer, _>(attempts).load(&mut tx.pg()).await.fault()).await
}

/// What is still to be done.
///
/// # Errors
/// A fault of the database.
pub async fn pending(system: &SystemUow) -> Result<Pending, Fault> {
    let sql = format!(
        "select * from (
             select count(*) filter (where is_available and run_at <= now()) as due_jobs,
                    count(*) filter (where is_available and run_at > now()) as later_jobs,
                    count(*) filter (where locked_at is not null) as running_jobs,
                    count(*) filter (where locked_at is null and attempts >= max_attempts and {NOT_RETIRED}) as dead_jobs
             from graphile_worker._private_jobs j
         ) jobs, (
             select count(*) as events,
                    coalesce(extract(epoch from greatest(clock_timestamp() - min(created_at), interval '0')), 0)::float8
                        as oldest_event_seconds
             from outbox where delivered_at is null
         ) events"
    );
    system.read(async |tx| diesel::sql_query(sql).get_result(&mut tx.pg()).await.fault()).await
}

/// Makes every waiting job and event due now: for tests of retries and of what is planned for later, instead of waiting.
///
/// # Errors
/// A fault of the database.
pub async fn make_due(system: &SystemUow) -> Result<(), Fault> {
    system
        .write(async |tx| {
            for sql in [
                "update graphile_worker._private_jobs set run_at = now() where is_available and run_at > now()",
                "update outbox set retry_at = null where delivered_at is null and retry_at is not null",
            ] {
                diesel::sql_query(sql).execute(tx.pg()).await.fault()?;
            }
            Ok(())
        })
        .await
}

impl DeadJob {
    /// For whom, as an id.
    #[must_use]
    pub fn org_id(&self) -> Option<OrgId> {
        self.org.map(OrgId)
    }
}

//! Jobs as an operator sees them, and dead ones given another life.

use db::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use kernel::{Decision, Fault, OrgId, Timestamp};
use uow::SystemUow;
use uuid::Uuid;

use crate::inspect::NOT_RETIRED;

/// A job in the queue.
#[derive(Debug, Clone, PartialEq, diesel::QueryableByName)]
pub struct ListedJob {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// What is to be done.
    #[diesel(sql_type = Text)]
    pub task: String,
    /// `due`, `later`, `running` or `dead`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// For whom, if not for the platform itself.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub org: Option<Uuid>,
    /// How often it was tried since it was enqueued or given another life.
    #[diesel(sql_type = SmallInt)]
    pub attempts: i16,
    /// How often it may be.
    #[diesel(sql_type = SmallInt)]
    pub max_attempts: i16,
    /// When it runs, or ran last.
    #[diesel(sql_type = Timestamptz)]
    pub run_at: Timestamp,
    /// Why the last attempt failed.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
}

/// A dead job that lives again.
#[derive(Debug, Clone, PartialEq, diesel::QueryableByName)]
pub struct Retried {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// What is to be done.
    #[diesel(sql_type = Text)]
    pub task: String,
    /// For whom, if not for the platform itself.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub org: Option<Uuid>,
}

impl Retried {
    /// For whom, as an id.
    #[must_use]
    pub fn org_id(&self) -> Option<OrgId> {
        self.org.map(OrgId)
    }
}

/// Which dead jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The one with this number.
    Id(i64),
    /// All of a task.
    Task(String),
}

/// The jobs in the queue, or the dead ones alone, oldest first.
///
/// # Errors
/// A fault of the database.
pub async fn list(system: &SystemUow, dead: bool) -> Result<Vec<ListedJob>, Fault> {
    let sql = format!(
        "select * from (
             select j.id, t.identifier as task, (j.payload ->> 'org')::uuid as org, j.attempts, j.max_attempts, j.run_at, j.last_error,
                    case when j.locked_at is not null then 'running' when j.attempts >= j.max_attempts then 'dead'
                         when j.run_at <= now() then 'due' else 'later' end as state
             from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id where {NOT_RETIRED}
         ) jobs where state = 'dead' or not $1 order by id"
    );
    system.read(async |tx| diesel::sql_query(sql).bind::<Bool, _>(dead).load(&mut tx.pg()).await.fault()).await
}

/// Gives dead jobs all their attempts again, due now, and writes down who asked for it and what had become of them. Handlers bear
/// repetition, so none does anything twice. A job that is not dead is left alone.
///
/// # Errors
/// A fault of the database.
pub async fn retry_in(tx: &mut Tx, which: &Which, by: &Decision) -> Result<Vec<Retried>, Fault> {
    let (id, task) = match which {
        Which::Id(id) => (Some(*id), None),
        Which::Task(task) => (None, Some(task.as_str())),
    };
    let sql = format!(
        "with dead as materialized (
             select j.id, t.identifier as task, (j.payload ->> 'org')::uuid as org, j.attempts, j.last_error
             from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
             where (j.id = $1 or t.identifier = $2) and j.attempts >= j.max_attempts and j.locked_at is null and {NOT_RETIRED}
             order by j.id for update of j
         ), noted as (
             insert into job_retries (job_id, task, for_org, operator, reason, attempts, last_error)
             select id, task, org, $3, $4, attempts, last_error from dead
         )
         update graphile_worker._private_jobs j set attempts = 0, run_at = now(), updated_at = now(), last_error = null
         from dead where j.id = dead.id returning j.id, dead.task, dead.org"
    );
    let query = diesel::sql_query(sql).bind::<Nullable<BigInt>, _>(id).bind::<Nullable<Text>, _>(task);
    let query =
        query.bind::<Text, _>(by.operator.as_str()).bind::<Nullable<Text>, _>(by.reason.as_ref().map(kernel::Reason::as_str));
    let mut retried: Vec<Retried> = query.load(tx.pg()).await.fault()?;
    retried.sort_by_key(|job| job.id);
    Ok(retried)
}

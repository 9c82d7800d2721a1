//! The queue of jobs, as one worker uses it.

use std::error::Error as _;
use std::time::Duration;

use db::{Identity, Role};
use deadpool_postgres::{ClientWrapper, Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod};
use futures::FutureExt;
use graphile_worker_database::tokio_postgres::TokioPostgresDatabase;
use graphile_worker_database::{Database, DbExecutor, DbParams, DbRow, DbValue};
use graphile_worker_job::Job;
use graphile_worker_queries::complete_job::complete_job;
use graphile_worker_queries::errors::GraphileWorkerError;
use graphile_worker_queries::fail_job::single::fail_job;
use graphile_worker_queries::get_job::get_job;
use graphile_worker_queries::recover_workers::recover_dead_worker_jobs;
use graphile_worker_queries::return_jobs::recovery::return_job_for_recovery;
use graphile_worker_queries::task_identifiers::{TaskDetails, get_tasks_details};
use secrecy::SecretString;
use tokio_postgres::Config;

use crate::{Error, Registry};

/// How many connections the queue uses: statements are short, handlers hold none.
pub(crate) const CONNECTIONS: usize = 2;
/// The schema of the queue.
pub(crate) const SCHEMA: &str = "graphile_worker";
/// A statement that is not answered in this time never will be.
const PATIENCE: Duration = Duration::from_secs(20);

/// The queue under the name of one worker.
pub(crate) struct Queue {
    database: Database,
    tasks: TaskDetails,
    worker: String,
}

impl Queue {
    pub(crate) async fn open(url: &SecretString, worker: String, registry: &Registry) -> Result<Self, Error> {
        let limits = "set statement_timeout = 15000; set lock_timeout = 10000;";
        let set_up = format!("{limits} {}", Identity::of(Role::System).verification());
        let database: Database = database(db::client_config(url)?, CONNECTIONS, set_up)?.into();
        let tasks = registry.tasks().map(str::to_owned).collect();
        let tasks = patiently(get_tasks_details(&database, SCHEMA, tasks)).await?;
        Ok(Self { database, tasks, worker })
    }

    /// Takes the next job that is due, if its task has a handler here.
    pub(crate) async fn claim(&self) -> Result<Option<Job>, Error> {
        patiently(get_job(&self.database, &self.tasks, SCHEMA, &self.worker, &[], None)).await
    }

    /// Takes a finished job off the queue, or puts a failed one back.
    pub(crate) async fn settle(&self, job: &Job, result: &Result<(), String>) -> Result<(), Error> {
        match result {
            Ok(()) => patiently(complete_job(&self.database, job, &self.worker, SCHEMA)).await,
            Err(error) => patiently(fail_job(&self.database, job, SCHEMA, &self.worker, error, None)).await,
        }
    }

    /// Gives a job back that was cut off: it may run again at once and the attempt does not count.
    pub(crate) async fn give_back(&self, job: &Job) -> Result<(), Error> {
        let why = Some("cut off by a shutdown");
        patiently(return_job_for_recovery(&self.database, job, SCHEMA, &self.worker, None, why)).await
    }

    /// Gives back what this worker was granted without ever hearing of it: the connection broke under the claim's answer.
    pub(crate) async fn give_back_unheard(&self, running: Vec<i64>) -> Result<(), Error> {
        let sql = "select graphile_worker._private_return_jobs($1::text, array(
                       select id from graphile_worker._private_jobs
                       where locked_by = $1 and locked_at < now() - interval '30 seconds' and id <> all ($2::bigint[])
                   ), null, 'the answer to the claim was lost', true)";
        let params = DbParams::from(vec![DbValue::Text(self.worker.clone()), DbValue::I64Array(running)]);
        patiently(async { DbExecutor::execute(&self.database, sql, params).await.map_err(Into::into) }).await?;
        Ok(())
    }

    /// Frees what dead workers hold. How many jobs that were.
    pub(crate) async fn recover(&self, dead: &[String]) -> Result<i32, Error> {
        patiently(recover_dead_worker_jobs(&self.database, SCHEMA, dead, Duration::ZERO)).await
    }

    /// The queue's own connections, for looks at the catalogue.
    pub(crate) async fn rows(&self, sql: &str, params: Vec<DbValue>) -> Result<Vec<DbRow>, Error> {
        patiently(async { DbExecutor::fetch_all(&self.database, sql, DbParams::from(params)).await.map_err(Into::into) }).await
    }

    pub(crate) fn worker(&self) -> &str {
        &self.worker
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if let Some(database) = self.database.downcast_ref::<TokioPostgresDatabase>() {
            database.pool().close();
        }
    }
}

/// A pool of the queue's own driver. Every new connection runs `set_up` first: not start-up options, which poolers refuse or drop.
pub(crate) fn database(config: Config, size: usize, set_up: String) -> Result<TokioPostgresDatabase, Error> {
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let set_up = Hook::async_fn(move |client: &mut ClientWrapper, _| {
        let set_up = set_up.clone();
        async move { client.batch_execute(&set_up).await.map_err(|error| HookError::message(chain(&error))) }.boxed()
    });
    let manager = Manager::from_config(config, db::tls()?, recycling);
    Ok(TokioPostgresDatabase::new(Pool::builder(manager).max_size(size).post_create(set_up).build()?))
}

/// The error and its causes: by itself it says only 'db error'.
fn chain(error: &tokio_postgres::Error) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

async fn patiently<T>(statement: impl Future<Output = Result<T, GraphileWorkerError>>) -> Result<T, Error> {
    match tokio::time::timeout(PATIENCE, statement).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Error::TimedOut),
    }
}

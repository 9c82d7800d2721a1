//! Which tasks there are, told to the database.

use db::prelude::*;
use diesel::sql_types::{Array, Text};
use kernel::Fault;
use uow::SystemUow;

use crate::Registry;

/// Tells the database the tasks of a program that starts, beside those of others: from then on no tenant's transaction adds a job that nobody does.
///
/// # Errors
/// A fault of the database.
pub async fn announce(system: &SystemUow, registry: &Registry) -> Result<(), Fault> {
    let tasks: Vec<&str> = registry.tasks().collect();
    system
        .write(async |tx| {
            diesel::sql_query("insert into app.job_tasks (name) select unnest($1) on conflict do nothing")
                .bind::<Array<Text>, _>(tasks)
                .execute(tx.pg())
                .await
                .fault()
                .map(drop)
        })
        .await
}

//! Rows as JSON, for an organisation that takes its own along.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Jsonb, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use kernel::{Fault, OrgId};
use serde_json::Value;
use uow::ReadTx;
use uuid::Uuid;

use crate::{DbResult, PgRead};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Jsonb)]
    row: Value,
}

/// What a statement of a `repo` selects as `id` and `row` of the organisation `$1`, behind the id `$2` and in the order of ids, at most `$3` of them.
///
/// # Errors
/// A fault of the database.
pub async fn exported(tx: &ReadTx<'_>, sql: &str, org: OrgId, after: Uuid, most: i64) -> Result<Vec<(Uuid, Value)>, Fault> {
    let query = diesel::sql_query(sql).bind::<SqlUuid, _>(org.0).bind::<SqlUuid, _>(after).bind::<BigInt, _>(most);
    let rows: Vec<Row> = query.load(&mut tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(|row| (row.id, row.row)).collect())
}

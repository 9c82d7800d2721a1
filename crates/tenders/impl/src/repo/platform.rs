//! SQL of the platform itself, across all tenants.

use db::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text, Uuid as SqlUuid};
use kernel::{Fault, OrgId, TenderId};
use uuid::Uuid;

use crate::model::platform::{Due, Looked};

#[derive(QueryableByName)]
struct DueRow {
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Bool)]
    closing: bool,
}

impl From<DueRow> for Due {
    fn from(row: DueRow) -> Self {
        Self { org: row.org_id.into(), tender: row.id.into(), closing: row.closing }
    }
}

/// Tenders whose deadline or stand-still has passed without what follows. In any order, so that none that fails stands before the others.
pub async fn due(tx: &ReadTx<'_>) -> Result<Vec<Due>, Fault> {
    let sql = "select * from (
                   select t.org_id, t.id, true as closing from tenders t
                       where t.status = 'published' and t.submission_deadline <= app.now()
                   union all
                   select t.org_id, t.id, false from awards a join tenders t on t.org_id = a.org_id and t.id = a.tender_id
                       where a.status = 'pending' and a.contract_id is null and a.standstill_until <= app.now() and t.status = 'standstill'
               ) due order by random() limit 1000";
    let rows: Vec<DueRow> = diesel::sql_query(sql).load(&mut tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(Due::from).collect())
}

#[derive(QueryableByName)]
struct LookedRow {
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    fault: Option<String>,
}

impl From<LookedRow> for Looked {
    fn from(row: LookedRow) -> Self {
        Self { org: row.org_id.into(), tender: row.id.into(), fault: row.fault }
    }
}

/// How many tenders a look takes at once.
const LOOK: i64 = 200;

/// The next closed tenders, each with what does not agree with what was fixed when it closed.
pub async fn seals(tx: &ReadTx<'_>, after: Option<(OrgId, TenderId)>) -> Result<Vec<Looked>, Fault> {
    let (org, tender) = after.map_or((Uuid::nil(), Uuid::nil()), |(org, tender)| (org.0, tender.0));
    let sql = "select t.org_id, t.id, f.fault from (
                   select org_id, id from tenders where closed_at is not null and (org_id, id) > ($1, $2) order by org_id, id limit $3
               ) t left join lateral app.seal_faults(t.org_id, t.id) f(fault) on true order by t.org_id, t.id";
    let query = diesel::sql_query(sql).bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(tender);
    let rows: Vec<LookedRow> = query.bind::<diesel::sql_types::BigInt, _>(LOOK).load(&mut tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(Looked::from).collect())
}

/// Tenders for which nothing was done although their time has long come.
pub async fn overdue(tx: &ReadTx<'_>) -> Result<Vec<Looked>, Fault> {
    let sql = "select t.org_id, t.id, 'its deadline has passed and it is not closed' as fault from tenders t
                   where t.status = 'published' and t.submission_deadline <= app.now() - interval '10 minutes'
               union all
               select t.org_id, t.id, 'its stand-still is over and its contract is not opened' from awards a
                   join tenders t on t.org_id = a.org_id and t.id = a.tender_id
                   where a.status = 'pending' and a.contract_id is null and t.status = 'standstill'
                       and a.standstill_until <= app.now() - interval '10 minutes'
               order by 1, 2";
    let rows: Vec<LookedRow> = diesel::sql_query(sql).load(&mut tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(Looked::from).collect())
}

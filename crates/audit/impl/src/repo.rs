//! SQL of the trail.

use audit_api::{Entry, Filter, NewEntry, Verification, actor_id};
use db::prelude::*;
use diesel::sql_types::{BigInt, Bytea, Nullable, Uuid as SqlUuid};
use kernel::{AuditId, Ctx, Fault, OrgId, PageRequest, Timestamp, UserId};
use serde_json::Value;
use uuid::Uuid;

use crate::schema::{audit_entries as entries, audit_links as links};

/// Writes an entry; its place in the chain follows at commit.
pub(crate) async fn insert(tx: &mut Tx, ctx: &Ctx, entry: &NewEntry, denied: bool) -> Result<(), Fault> {
    diesel::insert_into(entries::table)
        .values((
            entries::org_id.eq(ctx.org.0),
            entries::id.eq(AuditId::new().0),
            entries::actor_id.eq(actor_id(ctx).map(Uuid::from)),
            entries::action.eq(&entry.action),
            entries::denied.eq(denied),
            entries::entity_type.eq(entry.entity_type),
            entries::entity_id.eq(entry.entity_id),
            entries::request_id.eq(ctx.request.as_str()),
            entries::before.eq(&entry.before),
            entries::after.eq(&entry.after),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = entries)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    at: Timestamp,
    actor_id: Option<Uuid>,
    action: String,
    denied: bool,
    entity_type: String,
    entity_id: Uuid,
    request_id: String,
    before: Option<Value>,
    after: Option<Value>,
}

/// The entries of the transaction's organisation, newest first, one more than the page has.
pub(crate) async fn list(tx: &ReadTx<'_>, org: OrgId, filter: &Filter, page: PageRequest) -> Result<Vec<Entry>, Fault> {
    let mut query = entries::table
        .inner_join(links::table.on(links::org_id.eq(entries::org_id).and(links::entry_id.eq(entries::id))))
        .filter(entries::org_id.eq(org.0))
        .order((entries::at.desc(), entries::id.desc()))
        .limit(page.fetch())
        .select((Row::as_select(), links::sequence, links::hash, links::previous_hash))
        .into_boxed();
    if let Some(after) = page.after {
        // `<=` bounds the index scan; the second condition cuts the rows of the very instant.
        query =
            query.filter(entries::at.le(after.created_at)).filter(entries::at.lt(after.created_at).or(entries::id.lt(after.id)));
    }
    if let Some(kind) = &filter.entity_type {
        query = query.filter(entries::entity_type.eq(kind));
    }
    if let Some(id) = filter.entity_id {
        query = query.filter(entries::entity_id.eq(id));
    }
    if let Some(actor) = filter.actor_id {
        query = query.filter(entries::actor_id.eq(actor.0));
    }
    if let Some(action) = &filter.action {
        query = query.filter(entries::action.eq(action));
    }
    let rows: Vec<(Row, i64, Vec<u8>, Vec<u8>)> = query.load(&mut tx.pg()).await.fault()?;
    rows.into_iter().map(|(row, sequence, hash, previous)| entry(row, sequence, &hash, &previous)).collect()
}

fn entry(row: Row, sequence: i64, hash: &[u8], previous: &[u8]) -> Result<Entry, Fault> {
    Ok(Entry {
        id: AuditId(row.id),
        at: row.at,
        actor_id: row.actor_id.map(UserId),
        action: row.action,
        denied: row.denied,
        entity_type: row.entity_type,
        entity_id: row.entity_id,
        request_id: row.request_id,
        before: row.before,
        after: row.after,
        sequence,
        hash: hash.try_into().map_err(Fault::internal)?,
        previous_hash: previous.try_into().map_err(Fault::internal)?,
    })
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    entries: i64,
    #[diesel(sql_type = Bytea)]
    head_hash: Vec<u8>,
    #[diesel(sql_type = Nullable<BigInt>)]
    broken_at: Option<i64>,
}

/// Recomputes the chain of one organisation, in one statement and so in one snapshot.
pub(crate) async fn verify(tx: &ReadTx<'_>, org: OrgId) -> Result<Verification, Fault> {
    let found: Found = diesel::sql_query("select entries, head_hash, broken_at from app.audit_verify($1)")
        .bind::<SqlUuid, _>(org.0)
        .get_result(&mut tx.pg())
        .await
        .fault()?;
    let head_hash = found.head_hash.as_slice().try_into().map_err(Fault::internal)?;
    Ok(Verification { valid: found.broken_at.is_none(), entries: found.entries, head_hash, broken_at: found.broken_at })
}

#[derive(QueryableByName)]
struct Organization {
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
}

/// Every organisation that left a trace in any of the tables: a chain whose head row is gone must be noticed as well.
pub(crate) async fn organizations(tx: &ReadTx<'_>) -> Result<Vec<OrgId>, Fault> {
    let rows: Vec<Organization> = diesel::sql_query(
        "select org_id from audit_heads union select org_id from audit_links union select org_id from audit_entries order by org_id",
    )
    .load(&mut tx.pg())
    .await
    .fault()?;
    Ok(rows.into_iter().map(|row| OrgId(row.org_id)).collect())
}

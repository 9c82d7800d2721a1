//! SQL of the trail.

use audit_api::{AuditId, Entry, Filter, NewEntry, Place, Verification, actor_id};
use db::prelude::*;
use diesel::sql_types::{BigInt, Bool, Bytea, Integer, Nullable, Uuid as SqlUuid};
use kernel::{ApiKeyId, Ctx, Fault, OrgId, PageRequest, Timestamp, UserId};
use serde_json::Value;
use uuid::Uuid;

use crate::schema::{audit_entries as entries, audit_heads as heads, audit_links as links};

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
            entries::api_key_id.eq(ctx.key.as_ref().map(|key| key.id.0)),
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
    api_key_id: Option<Uuid>,
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
    query = db::after!(query, page, entries::at, entries::id);
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
        api_key: row.api_key_id.map(ApiKeyId),
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
struct Links {
    #[diesel(sql_type = BigInt)]
    looked: i64,
    #[diesel(sql_type = Bytea)]
    last_hash: Vec<u8>,
    #[diesel(sql_type = Bool)]
    ended: bool,
    #[diesel(sql_type = BigInt)]
    length: i64,
    #[diesel(sql_type = Bytea)]
    head_hash: Vec<u8>,
    #[diesel(sql_type = Nullable<BigInt>)]
    broken_at: Option<i64>,
}

#[derive(QueryableByName)]
struct VerifiedEntriesRow {
    #[diesel(sql_type = BigInt)]
    looked: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    last_id: Option<Uuid>,
    #[diesel(sql_type = BigInt)]
    strays: i64,
    #[diesel(sql_type = BigInt)]
    length: i64,
    #[diesel(sql_type = Bytea)]
    head_hash: Vec<u8>,
}

/// Verifies up to `most` links, or entries, of the chain of one organisation.
pub(crate) async fn verify(tx: &ReadTx<'_>, org: OrgId, from: Place, most: u32) -> Result<Verification, Fault> {
    match from {
        Place::Links { after, hash } => {
            let mut found = verify_links(tx, org, (after, hash), most).await?;
            let left = i64::from(most) - found.looked;
            // The end of the chain was reached with something left to look at.
            if let Some(Place::Entries { after }) = found.next
                && left > 0
            {
                let beside = verify_entries(tx, org, after, u32::try_from(left).unwrap_or(1)).await?;
                found = Verification { looked: found.looked + beside.looked, ..beside };
            }
            Ok(found)
        }
        Place::Entries { after } => verify_entries(tx, org, after, most).await,
    }
}

async fn verify_links(tx: &ReadTx<'_>, org: OrgId, (after, hash): (i64, [u8; 32]), most: u32) -> Result<Verification, Fault> {
    let found: Links = diesel::sql_query("select * from app.audit_verify_links($1, $2, $3, $4)")
        .bind::<SqlUuid, _>(org.0)
        .bind::<BigInt, _>(after)
        .bind::<Bytea, _>(&hash[..])
        .bind::<Integer, _>(i32::try_from(most).unwrap_or(i32::MAX))
        .get_result(&mut tx.pg())
        .await
        .fault()?;
    let next = match found.broken_at {
        Some(_) => None,
        None if found.ended => Some(Place::Entries { after: Uuid::nil() }),
        None => Some(Place::Links { after: after + found.looked, hash: hash_of(&found.last_hash)? }),
    };
    Ok(Verification {
        valid: found.broken_at.is_none(),
        entries: found.length,
        head_hash: hash_of(&found.head_hash)?,
        broken_at: found.broken_at,
        looked: found.looked,
        next,
    })
}

async fn verify_entries(tx: &ReadTx<'_>, org: OrgId, after: Uuid, most: u32) -> Result<Verification, Fault> {
    let found: VerifiedEntriesRow = diesel::sql_query("select * from app.audit_verify_entries($1, $2, $3)")
        .bind::<SqlUuid, _>(org.0)
        .bind::<SqlUuid, _>(after)
        .bind::<Integer, _>(i32::try_from(most).unwrap_or(i32::MAX))
        .get_result(&mut tx.pg())
        .await
        .fault()?;
    // An entry without a link: its place would be behind the last.
    let broken_at = (found.strays > 0).then_some(found.length + 1);
    let more = broken_at.is_none() && found.looked == i64::from(most);
    Ok(Verification {
        valid: broken_at.is_none(),
        entries: found.length,
        head_hash: hash_of(&found.head_hash)?,
        broken_at,
        looked: found.looked,
        next: found.last_id.filter(|_| more).map(|after| Place::Entries { after }),
    })
}

fn hash_of(bytes: &[u8]) -> Result<[u8; 32], Fault> {
    bytes.try_into().map_err(Fault::internal)
}

/// The newest link of the chain of one organisation; nothing if it has none.
pub(crate) async fn head(tx: &ReadTx<'_>, org: OrgId) -> Result<(i64, [u8; 32]), Fault> {
    let query = heads::table.find(org.0).select((heads::sequence, heads::hash));
    let row: Option<(i64, Vec<u8>)> = query.first(&mut tx.pg()).await.optional().fault()?;
    row.map_or(Ok((0, [0; 32])), |(sequence, hash)| Ok((sequence, hash_of(&hash)?)))
}

#[derive(QueryableByName)]
struct Organization {
    #[diesel(sql_type = SqlUuid)]
    org_id: Uuid,
}

/// Every organisation that exists or left a trace in any of the tables: a chain that is gone must be noticed as well.
pub(crate) async fn organizations(tx: &ReadTx<'_>) -> Result<Vec<OrgId>, Fault> {
    let rows: Vec<Organization> = diesel::sql_query(
        "select org_id from organizations union select org_id from audit_heads union select org_id from audit_links
         union select org_id from audit_entries union select org_id from audit_checkpoints order by org_id",
    )
    .load(&mut tx.pg())
    .await
    .fault()?;
    Ok(rows.into_iter().map(|row| OrgId(row.org_id)).collect())
}

//! SQL of the keys of tenders, across all tenants.

use db::prelude::*;
use diesel::sql_types::{BigInt, Text};
use kernel::{Fault, OrgId, TenderId};
use uuid::Uuid;

use crate::model::platform::Wrapping;
use crate::schema::tender_keys as k;
use crate::seal::WrappedKey;

#[derive(QueryableByName)]
struct WrappingRow {
    #[diesel(sql_type = Text)]
    key_id: String,
    #[diesel(sql_type = BigInt)]
    keys: i64,
}

pub async fn wrappings(tx: &ReadTx<'_>) -> Result<Vec<Wrapping>, Fault> {
    let sql = "select key_id, count(*) as keys from tender_keys where wrapped is not null group by key_id order by key_id";
    let rows: Vec<WrappingRow> = diesel::sql_query(sql).load(&mut tx.pg()).await.fault()?;
    Ok(rows.into_iter().map(|row| Wrapping { key_id: row.key_id, keys: row.keys }).collect())
}

/// The next tender whose key another key than `current` wraps.
pub async fn next(tx: &ReadTx<'_>, current: &str, after: Option<(OrgId, TenderId)>) -> Result<Option<(OrgId, TenderId)>, Fault> {
    let (org, tender) = after.map_or((Uuid::nil(), Uuid::nil()), |(org, tender)| (org.0, tender.0));
    let query = k::table
        .filter(k::wrapped.is_not_null().and(k::key_id.ne(current)))
        .filter(k::org_id.gt(org).or(k::org_id.eq(org).and(k::tender_id.gt(tender))))
        .order((k::org_id, k::tender_id))
        .select((k::org_id, k::tender_id));
    let row: Option<(Uuid, Uuid)> = query.first(&mut tx.pg()).await.optional().fault()?;
    Ok(row.map(|(org, tender)| (org.into(), tender.into())))
}

/// A tender's key, locked; nothing once it is destroyed.
pub async fn lock(tx: &mut Tx, org: OrgId, tender: TenderId) -> Result<Option<WrappedKey>, Fault> {
    let query = k::table.find((org.0, tender.0)).for_no_key_update().select((k::key_id, k::wrapped));
    let row: Option<(String, Option<Vec<u8>>)> = query.first(tx.pg()).await.optional().fault()?;
    Ok(row.and_then(|(key_id, wrapped)| Some(WrappedKey { key_id, wrapped: wrapped? })))
}

pub async fn save(tx: &mut Tx, org: OrgId, tender: TenderId, key: &WrappedKey) -> Result<(), Fault> {
    let row = diesel::update(k::table.find((org.0, tender.0)));
    row.set((k::key_id.eq(&key.key_id), k::wrapped.eq(&key.wrapped))).execute(tx.pg()).await.fault()?;
    Ok(())
}
